//! How much this node heard within the last hour, and from whom: events, announcements and questions as they were
//! handed over. Copies of the same, and what transports and gossip add, are not counted.

use std::collections::{BTreeMap, VecDeque};

use nostrp2p_protocol::PeerId;

/// How long is an hour, in seconds.
const HOUR: u64 = 3_600;
/// What is counted together, in seconds: an hour has 60 of these.
const SLOT: u64 = 60;

/// What was heard. It holds 60 slots, each with as many peers as there were connections meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// The oldest first, each with the time at which it begins.
    slots: VecDeque<(u64, BTreeMap<PeerId, u64>)>,
}

impl Traffic {
    /// So many bytes came from a peer.
    pub(crate) fn on_heard(&mut self, peer: PeerId, bytes: usize, now: u64) {
        let begin = now - now % SLOT;
        if self.slots.back().is_none_or(|(at, _)| *at < begin) {
            self.slots.push_back((begin, BTreeMap::new()));
        }
        if let Some((_, peers)) = self.slots.back_mut() {
            *peers.entry(peer).or_default() += u64::try_from(bytes).unwrap_or(u64::MAX);
        }
        self.forget(now);
    }

    /// What came from each peer within the last hour, in bytes.
    pub(crate) fn last_hour(&mut self, now: u64) -> BTreeMap<PeerId, u64> {
        self.forget(now);
        let mut sums = BTreeMap::new();
        for (peer, bytes) in self.slots.iter().flat_map(|(_, peers)| peers) {
            let sum: &mut u64 = sums.entry(*peer).or_default();
            *sum = sum.saturating_add(*bytes);
        }
        sums
    }

    fn forget(&mut self, now: u64) {
        while self.slots.front().is_some_and(|(at, _)| at + HOUR <= now) {
            self.slots.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_counts_for_an_hour() {
        let (one, other) = (PeerId::from_ed25519([1; 32]), PeerId::from_ed25519([2; 32]));
        let mut traffic = Traffic::default();
        traffic.on_heard(one, 100, 6_000);
        traffic.on_heard(one, 1, 6_030);
        traffic.on_heard(other, 7, 9_000);
        assert_eq!(traffic.last_hour(9_000), [(one, 101), (other, 7)].into());
        assert_eq!(traffic.last_hour(9_599), [(one, 101), (other, 7)].into());
        assert_eq!(traffic.last_hour(9_600), [(other, 7)].into());
        assert!(traffic.last_hour(20_000).is_empty());
    }

    #[test]
    fn a_clock_that_goes_back_loses_nothing() {
        let peer = PeerId::from_ed25519([1; 32]);
        let mut traffic = Traffic::default();
        traffic.on_heard(peer, 5, 9_000);
        traffic.on_heard(peer, 5, 8_000);
        assert_eq!(traffic.last_hour(8_000), [(peer, 10)].into());
    }
}
