//! What this node grants to others as a circuit relay.
//!
//! libp2p's own limits end a circuit after two minutes or 128 KiB and allow 16 at a time, which breaks gossip over
//! it. [`crate::relay::circuit_limits`] bounds the circuits of each peer at once, [`crate::bandwidth`] the bytes of
//! each peer in a day.

use std::{num::NonZeroU32, time::Duration};

use libp2p::{PeerId, relay};

use crate::relay::circuit_limits::{CIRCUITS_PER_PEER, CIRCUITS_PER_SLOT};

/// Nodes that are reached through this one at a time, unless the operator says otherwise. Half of the inbound
/// connections, so that neighbours have room beside them.
pub const DEFAULT_RELAY_SLOTS: usize = 64;

/// The most that may be set: each place keeps an inbound connection, and there are 128.
pub const MAX_RELAY_SLOTS: usize = 96;

/// The longest duration of a circuit. Peers that still need it make a new one.
const CIRCUIT_TIME: Duration = Duration::from_secs(12 * 3600);

/// Both directions together. A busy day of gossip is some 10 MB.
const CIRCUIT_BYTES: u64 = 32 * 1024 * 1024;

/// Circuits that one peer, or one IP address, may begin: so many at once, and one more with each pause.
const CIRCUITS_AT_ONCE: NonZeroU32 = NonZeroU32::new(32).expect("not 0");
const PEER_PAUSE: Duration = Duration::from_secs(120);
const IP_PAUSE: Duration = Duration::from_secs(60);

/// Circuit relay v2 for others. It offers nothing until it is told to.
pub(crate) fn behaviour(own: PeerId, slots: usize) -> relay::Behaviour {
    let slots = slots.min(MAX_RELAY_SLOTS);
    let config = relay::Config {
        max_reservations: slots,
        max_reservations_per_peer: 1,
        max_circuits: slots * CIRCUITS_PER_SLOT,
        // Those to it and those that it begins, counted when it begins another one.
        max_circuits_per_peer: 2 * CIRCUITS_PER_PEER,
        max_circuit_duration: CIRCUIT_TIME,
        max_circuit_bytes: CIRCUIT_BYTES,
        circuit_src_rate_limiters: Vec::new(),
        ..relay::Config::default()
    };
    let config = config.circuit_src_per_peer(CIRCUITS_AT_ONCE, PEER_PAUSE);
    let mut behaviour = relay::Behaviour::new(own, config.circuit_src_per_ip(CIRCUITS_AT_ONCE, IP_PAUSE));
    // Said plainly, because by itself it would offer itself as soon as it had a circuit address of its own.
    behaviour.set_status(Some(relay::Status::Disable));
    behaviour
}
