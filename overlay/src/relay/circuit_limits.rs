//! How many of a relay's circuits each peer and origin may have at once, as source and as destination.
//!
//! libp2p bounds all circuits, and those of one source. It does not bound the circuits to one destination, so an
//! attacker with many keys could take all circuits by asking for one node, and keep newcomers away from every node
//! that is reached through this relay. Here each node with a reservation has an equal share, of which one origin gets
//! a part. [`crate::bandwidth`] asks when a peer has named its destination, before libp2p handles the message.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use libp2p::PeerId;

/// Circuits for each place. A node that is reached through three relays has about that many neighbours on each.
pub(crate) const CIRCUITS_PER_SLOT: usize = 4;

/// Circuits of one peer at a time: those to it, and as many that it begins.
pub(crate) const CIRCUITS_PER_PEER: usize = 16;

/// Circuits from one peer to another one at a time: the second is for two that begin in the same moment.
const CIRCUITS_PER_PAIR: usize = 2;

/// The part of all circuits, and of those to one peer, that one origin may have: so it takes four to fill either. A
/// household or a class room behind one router has room for some.
const ORIGINS: usize = 4;

/// All circuits, those that are being asked for included. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Circuits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: usize,
    refused: AtomicU64,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    places: usize,
    next: u64,
    ends: BTreeMap<u64, CircuitEnds>,
}

/// Between whom a circuit is, or shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CircuitEnds {
    /// The source.
    pub(crate) from: PeerId,
    /// The public network from which it comes, if any; see [`crate::origin`].
    pub(crate) origin: Option<IpAddr>,
    /// The destination.
    pub(crate) to: PeerId,
}

/// One circuit, until it is dropped.
#[derive(Debug)]
pub(crate) struct Circuit {
    number: u64,
    of: Circuits,
}

impl Circuits {
    /// For a relay with so many reservations.
    pub(crate) fn new(slots: usize) -> Self {
        let max = slots * CIRCUITS_PER_SLOT;
        Self(Arc::new(Inner { max, refused: AtomicU64::new(0), table: Mutex::default() }))
    }

    /// How many places are taken, from which the share of each follows.
    pub(crate) fn share_among(&self, places: usize) {
        self.lock().places = places;
    }

    /// How many were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Begins a circuit; None, and counted, when its source or destination has enough.
    pub(crate) fn begin(&self, ends: CircuitEnds) -> Option<Circuit> {
        let mut table = self.lock();
        if !table.has_room(&ends, self.0.max) {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let number = table.next;
        table.next += 1;
        table.ends.insert(number, ends);
        Some(Circuit { number, of: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn has_room(&self, ends: &CircuitEnds, max: usize) -> bool {
        let share = (max / self.places.max(1)).clamp(CIRCUITS_PER_SLOT, CIRCUITS_PER_PEER);
        let count = |is: &dyn Fn(&CircuitEnds) -> bool| self.ends.values().filter(|other| is(other)).count();
        let to = |other: &CircuitEnds| other.to == ends.to;
        let from = |other: &CircuitEnds| other.from == ends.from;
        let beside = |other: &CircuitEnds| ends.origin.is_some() && other.origin == ends.origin;
        count(&to) < share
            && count(&from) < CIRCUITS_PER_PEER
            && count(&|other| to(other) && from(other)) < CIRCUITS_PER_PAIR
            && count(&|other| to(other) && beside(other)) < (share / ORIGINS).max(CIRCUITS_PER_PAIR)
            && count(&beside) < (max / ORIGINS).max(CIRCUITS_PER_SLOT)
    }
}

impl Drop for Circuit {
    fn drop(&mut self) {
        self.of.lock().ends.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A circuit from somebody new, in the network of this number.
    fn from_network(network: u8, to: PeerId) -> CircuitEnds {
        CircuitEnds { from: PeerId::random(), origin: Some([8, 8, 8, network].into()), to }
    }

    /// A circuit from somebody new, of whose network nothing can be said.
    fn from_anywhere(to: PeerId) -> CircuitEnds {
        CircuitEnds { from: PeerId::random(), origin: None, to }
    }

    /// Begins as many as there may be.
    fn fill(circuits: &Circuits, ends: impl Fn() -> CircuitEnds) -> Vec<Circuit> {
        std::iter::from_fn(|| circuits.begin(ends())).take(10_000).collect()
    }

    #[test]
    fn many_keys_take_the_circuits_to_one_node_and_not_those_to_another() {
        let (victim, other) = (PeerId::random(), PeerId::random());
        for (slots, places, share) in [(64, 2, 16), (64, 64, 4), (8, 2, 16), (8, 4, 8), (1, 1, 4)] {
            let circuits = Circuits::new(slots);
            circuits.share_among(places);
            let taken = fill(&circuits, || from_anywhere(victim));
            assert_eq!(taken.len(), share, "{slots} {places}");
            assert_eq!(circuits.refused(), 1);
            assert!(places == 1 || circuits.begin(from_anywhere(other)).is_some(), "{slots} {places}");
        }
    }

    #[test]
    fn the_shares_of_all_are_no_more_than_there_is() {
        for slots in 1..=96 {
            let circuits = Circuits::new(slots);
            circuits.share_among(slots);
            let all: Vec<_> = (0..slots)
                .flat_map(|_| {
                    let to = PeerId::random();
                    fill(&circuits, || from_anywhere(to))
                })
                .collect();
            assert_eq!(all.len(), slots * CIRCUITS_PER_SLOT);
        }
    }

    #[test]
    fn one_network_gets_a_quarter_of_the_circuits_to_one_node_and_of_all() {
        let circuits = Circuits::new(64);
        circuits.share_among(10);
        let victim = PeerId::random();
        let some = fill(&circuits, || from_network(1, victim));
        assert_eq!(some.len(), 4);
        assert!(circuits.begin(from_network(2, victim)).is_some());
        let rest = fill(&circuits, || from_network(1, PeerId::random()));
        assert_eq!(some.len() + rest.len(), 64);
        assert!(circuits.begin(from_network(2, PeerId::random())).is_some());
    }

    #[test]
    fn one_peer_gets_two_to_another_and_sixteen_in_all() {
        let circuits = Circuits::new(64);
        let (from, to) = (PeerId::random(), PeerId::random());
        let two = fill(&circuits, || CircuitEnds { from, ..from_anywhere(to) });
        assert_eq!(two.len(), 2);
        let rest = fill(&circuits, || CircuitEnds { from, ..from_anywhere(PeerId::random()) });
        assert_eq!(two.len() + rest.len(), CIRCUITS_PER_PEER);
    }

    #[test]
    fn a_circuit_that_ends_makes_room() {
        let circuits = Circuits::new(64);
        let to = PeerId::random();
        let mut taken = fill(&circuits, || from_anywhere(to));
        assert!(circuits.begin(from_anywhere(to)).is_none());
        taken.pop();
        assert!(circuits.begin(from_anywhere(to)).is_some());
        drop(taken);
        assert!(circuits.lock().ends.is_empty());
    }
}
