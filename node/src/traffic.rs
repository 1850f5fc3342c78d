//! Bytes between this node and each other node within the last hour.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
};

use nostrp2p_overlay::Traffic;
use nostrp2p_protocol::PeerId;

/// How long is an hour, in seconds.
const HOUR: u64 = 3_600;
/// Length of a slot in seconds: an hour has 60.
const SLOT: u64 = 60;

/// Most peers that are counted apart in a slot and in the figures of an hour: more than a node is connected to at a
/// time. New peer ids cost nothing, so a peer that returns under many of them must fill neither memory nor a frame
/// for the page. The bytes of further peers are left out.
const MAX_PEERS: usize = 256;

/// The bytes of the last hour, in 60 slots, each with at most [`MAX_PEERS`].
#[derive(Debug, Default)]
pub(crate) struct TrafficLog {
    /// The oldest first, each with the time at which it begins.
    slots: VecDeque<(u64, BTreeMap<PeerId, Traffic>)>,
}

impl TrafficLog {
    /// Adds the bytes of each of these peers.
    pub(crate) fn add(&mut self, carried: Vec<(PeerId, Traffic)>, now: u64) {
        let begin = now - now % SLOT;
        if self.slots.back().is_none_or(|(at, _)| *at < begin) {
            self.slots.push_back((begin, BTreeMap::new()));
        }
        if let Some((_, peers)) = self.slots.back_mut() {
            for (peer, carried) in carried {
                if peers.len() < MAX_PEERS || peers.contains_key(&peer) {
                    add_to(peers, peer, carried);
                }
            }
        }
        self.forget(now);
    }

    /// The bytes of each peer within the last hour, at most [`MAX_PEERS`]: those with the most.
    pub(crate) fn last_hour(&mut self, now: u64) -> BTreeMap<PeerId, Traffic> {
        self.forget(now);
        let mut sums = BTreeMap::new();
        for (peer, carried) in self.slots.iter().flat_map(|(_, peers)| peers) {
            add_to(&mut sums, *peer, *carried);
        }
        let mut sums: Vec<(PeerId, Traffic)> = sums.into_iter().collect();
        sums.sort_by_key(|(_, carried)| Reverse(carried.received.saturating_add(carried.sent)));
        sums.into_iter().take(MAX_PEERS).collect()
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
    fn who_comes_under_ever_new_names_fills_nothing() {
        let stranger = |number: u64| {
            let mut key = [7; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            PeerId::from_ed25519(key)
        };
        let friend = PeerId::from_ed25519([1; 32]);
        let mut traffic = TrafficLog::default();
        for number in 0..60_000 {
            let now = 6_000 + number / 1_000 * SLOT;
            traffic.add(vec![(friend, carried(3, 4)), (stranger(number), carried(1, 1))], now);
        }
        assert!(traffic.slots.iter().all(|(_, peers)| peers.len() <= MAX_PEERS));
        let told = traffic.last_hour(6_000 + 59 * SLOT);
        assert_eq!((told.len(), told[&friend]), (MAX_PEERS, carried(180_000, 240_000)));
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
