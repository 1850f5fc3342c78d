//! How much went between this node and each other one within the last hour.

use std::collections::{BTreeMap, VecDeque};

use nostrp2p_overlay::Traffic;
use nostrp2p_protocol::PeerId;

/// How long is an hour, in seconds.
const HOUR: u64 = 3_600;
/// What is counted together, in seconds: an hour has 60 of these.
const SLOT: u64 = 60;

/// What was carried. It holds 60 slots, each with as many peers as there were connections meanwhile.
#[derive(Debug, Default)]
pub(crate) struct TrafficLog {
    /// The oldest first, each with the time at which it begins.
    slots: VecDeque<(u64, BTreeMap<PeerId, Traffic>)>,
}

impl TrafficLog {
    /// So much was carried with each of these peers.
    pub(crate) fn add(&mut self, carried: Vec<(PeerId, Traffic)>, now: u64) {
        let begin = now - now % SLOT;
        if self.slots.back().is_none_or(|(at, _)| *at < begin) {
            self.slots.push_back((begin, BTreeMap::new()));
        }
        if let Some((_, peers)) = self.slots.back_mut() {
            carried.into_iter().for_each(|(peer, carried)| add_to(peers, peer, carried));
        }
        self.forget(now);
    }

    /// What was carried with each peer within the last hour.
    pub(crate) fn last_hour(&mut self, now: u64) -> BTreeMap<PeerId, Traffic> {
        self.forget(now);
        let mut sums = BTreeMap::new();
        for (peer, carried) in self.slots.iter().flat_map(|(_, peers)| peers) {
            add_to(&mut sums, *peer, *carried);
        }
        sums
    }

    fn forget(&mut self, now: u64) {
        while self.slots.front().is_some_and(|(at, _)| at + HOUR <= now) {
            self.slots.pop_front();
        }
    }
}

fn add_to(sums: &mut BTreeMap<PeerId, Traffic>, peer: PeerId, carried: Traffic) {
    let sum = sums.entry(peer).or_default();
    sum.received = sum.received.saturating_add(carried.received);
    sum.sent = sum.sent.saturating_add(carried.sent);
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn carried(received: u64, sent: u64) -> Traffic {
        Traffic { received, sent }
    }

    #[test]
    fn what_was_carried_counts_for_an_hour() {
        let (one, other) = (PeerId::from_ed25519([1; 32]), PeerId::from_ed25519([2; 32]));
        let mut traffic = TrafficLog::default();
        traffic.add(vec![(one, carried(100, 3))], 6_000);
        traffic.add(vec![(one, carried(1, 0))], 6_030);
        traffic.add(vec![(other, carried(0, 7))], 9_000);
        let both = [(one, carried(101, 3)), (other, carried(0, 7))].into();
        assert_eq!(traffic.last_hour(9_000), both);
        assert_eq!(traffic.last_hour(9_599), both);
        assert_eq!(traffic.last_hour(9_600), [(other, carried(0, 7))].into());
        assert!(traffic.last_hour(20_000).is_empty());
    }

    #[test]
    fn a_clock_that_goes_back_loses_nothing() {
        let peer = PeerId::from_ed25519([1; 32]);
        let mut traffic = TrafficLog::default();
        traffic.add(vec![(peer, carried(5, 1))], 9_000);
        traffic.add(vec![(peer, carried(5, 1))], 8_000);
        assert_eq!(traffic.last_hour(8_000), [(peer, carried(10, 2))].into());
    }
}
