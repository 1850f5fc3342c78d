//! Who a node is, and its clock.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use nostrp2p_overlay::NodeSecret;
use nostrp2p_protocol::{Delegation, EventId, PeerId, PublicKey, SecretKey, delegation};

use crate::memory::Memory;

/// The identity of a node, and what it remembers while it is switched off.
pub(crate) struct Identity {
    pub(crate) number: usize,
    pub(crate) secret: NodeSecret,
    pub(crate) key: SecretKey,
    /// The delegation that it shows; an honest node shows its own.
    pub(crate) delegation: Delegation,
    pub(crate) memory: Arc<Mutex<Memory>>,
    /// Authors whom this node has known for more than a day. When it is empty, the node is new itself.
    pub(crate) old_friends: Vec<PublicKey>,
    pub(crate) loss: u64,
    pub(crate) seed: u64,
    /// How many nodes that act for somebody it remembers.
    pub(crate) directory: usize,
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Identity {
    /// The delegation of a person for a node.
    pub(crate) fn delegate(key: &SecretKey, peer: &PeerId) -> Option<Delegation> {
        Delegation::from_event(delegation::draft(peer, now()).sign(key, &[0; 32])).ok()
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many of these a node does not hold.
pub(crate) fn missing(identity: &Identity, events: &[EventId]) -> usize {
    let memory = identity.memory();
    events.iter().filter(|id| !memory.holds(id)).count()
}
