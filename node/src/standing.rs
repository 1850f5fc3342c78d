//! How the node stands: whose it is and whom it is connected to. Sessions watch this.

use std::collections::BTreeMap;

use nostrp2p_core::{CatchingUpCounts, CaughtUp, Refusals, Way};
use nostrp2p_overlay::{Peer, Reach, Reachability, Traffic};
use nostrp2p_protocol::{
    PeerId, PublicKey,
    channel::ChannelKey,
    frame::{Path, PeerStatus, Reached, Ways},
};

/// Changes seldom; whoever watches it wakes only then.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Standing {
    pub(crate) owner: Option<PublicKey>,
    pub(crate) peers: Vec<PeerStatus>,
    /// Until when the owner's delegation for this node holds, in seconds since 1970.
    pub(crate) delegated: Option<u64>,
    /// Nodes whose announcements are known.
    pub(crate) known: usize,
    /// How others reach this node.
    pub(crate) reached: Reached,
    /// What was carried between this node and each other one within the last hour.
    pub(crate) traffic: BTreeMap<PeerId, Traffic>,
}

/// How clients reach this node from elsewhere. Sessions watch this too.
#[derive(Debug, Clone)]
pub(crate) struct OpenWays {
    /// By what a client that comes through a helper recognises this node.
    pub(crate) key: ChannelKey,
    /// Where the node itself is reached from anywhere.
    pub(crate) addresses: Vec<String>,
    /// Helpers that have said yes.
    pub(crate) ways: Vec<Way>,
}

impl From<&OpenWays> for Ways {
    fn from(open: &OpenWays) -> Self {
        let helpers = open.ways.iter().map(|way| way.address.clone()).collect();
        Self { key: open.key, addresses: open.addresses.clone(), helpers }
    }
}

impl Standing {
    /// How many of the connected nodes are other nodes of the owner.
    pub(crate) fn own_peers(&self) -> usize {
        let Some(owner) = self.owner else { return 0 };
        self.peers.iter().filter(|peer| peer.owner == Some(owner)).count()
    }
}

/// Numbers for the operator; as old as the last tick.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    pub(crate) refusals: Refusals,
    pub(crate) catching_up: CatchingUpCounts,
    /// How the last comparison with a neighbour went.
    pub(crate) caught_up: Option<CaughtUp>,
    /// Events that are dated too far ahead and will be asked for.
    pub(crate) early_events: usize,
}

/// How others reach this node, in one word.
pub(crate) fn reached(reach: &Reach) -> Reached {
    match reach.reachability {
        _ if reach.loopback_only => Reached::Nowhere,
        Reachability::Public => Reached::Directly,
        _ if !reach.relays.is_empty() => Reached::Relayed,
        Reachability::Private => Reached::No,
        Reachability::Unknown => Reached::Unknown,
    }
}

/// What a client learns of a peer. Whose node it is shows only with a delegation.
pub(crate) fn peer_status(peer: &Peer, owner: Option<PublicKey>) -> PeerStatus {
    let path = match peer.path {
        nostrp2p_overlay::Path::Direct => Path::Direct,
        nostrp2p_overlay::Path::Punched => Path::Punched,
        nostrp2p_overlay::Path::Relayed => Path::Relayed,
    };
    let delay_ms = peer.delay.map(|delay| u32::try_from(delay.as_millis()).unwrap_or(u32::MAX));
    PeerStatus { peer: peer.id, owner, path, delay_ms }
}
