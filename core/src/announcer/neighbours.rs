//! How many announcements one neighbour, and one network, may tell, by broadcast and when asked alike.

use std::collections::BTreeMap;

use nostrp2p_protocol::{Network, PeerId};

use super::is_open;
use crate::sources::Source;

/// Announcements that are taken of what one neighbour tells within `WINDOW_SECONDS` (ten minutes), its own and those of others: one a
/// second. Announcements are flooded and anybody can invent nodes, so without a bound one neighbour could keep the whole
/// network busy. Nodes announce less often as the network grows ([`super::announce_every`]), so that 10,000 nodes make
/// 330 in ten minutes.
const MAX_FROM_NEIGHBOUR: u32 = 600;
/// What all neighbours of one network may tell together in that time, so that it does not help to come back under another
/// key: as much as four neighbours.
const MAX_FROM_NETWORK: u32 = 4 * MAX_FROM_NEIGHBOUR;
/// What each neighbour may tell all the same, or one of them could silence the others of its network: a tenth.
const ALWAYS: u32 = MAX_FROM_NEIGHBOUR / 10;
/// Neighbours, and networks, that are counted: more than can be connected. One that comes beyond is counted by its
/// network alone.
const MAX_COUNTED: usize = 1_024;

/// Counts since the beginning of each one's window.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    peers: BTreeMap<PeerId, Window>,
    networks: BTreeMap<Network, Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: u64,
    count: u32,
}

impl Neighbours {
    /// Counts an announcement; false when this neighbour, or its network, has told too many.
    pub(super) fn count(&mut self, source: Source, now: u64) -> bool {
        let by_peer = count(&mut self.peers, source.peer, now);
        let by_network = count(&mut self.networks, source.network, now).unwrap_or(u32::MAX);
        match by_peer {
            Some(told) => told <= ALWAYS || (told <= MAX_FROM_NEIGHBOUR && by_network <= MAX_FROM_NETWORK),
            None => by_network <= MAX_FROM_NETWORK,
        }
    }
}

/// Counts one more; None when there is no room to count this one.
fn count<K: Ord>(windows: &mut BTreeMap<K, Window>, key: K, now: u64) -> Option<u32> {
    if windows.len() >= MAX_COUNTED && !windows.contains_key(&key) {
        windows.retain(|_, window| is_open(window.began, now));
        if windows.len() >= MAX_COUNTED {
            return None;
        }
    }
    let window = windows.entry(key).or_insert(Window { began: now, count: 0 });
    if !is_open(window.began, now) {
        *window = Window { began: now, count: 0 };
    }
    window.count = window.count.saturating_add(1);
    Some(window.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announcer::WINDOW_SECONDS;

    const NOW: u64 = 1_700_000_000;

    fn source(network: u16, peer: u32) -> Source {
        let mut key = [3; 32];
        key[..4].copy_from_slice(&peer.to_be_bytes());
        Source { network: Network::V4(network.to_be_bytes()), peer: PeerId::from_ed25519(key) }
    }

    fn told(neighbours: &mut Neighbours, source: Source, most: u32) -> usize {
        (0..most).filter(|_| neighbours.count(source, NOW)).count()
    }

    #[test]
    fn coming_back_under_other_keys_does_not_help_and_silences_nobody() {
        let mut neighbours = Neighbours::default();
        let flood: usize = (0..252).map(|key| told(&mut neighbours, source(1, key), 200)).sum();
        assert!(flood <= 2_400 + 252 * 60, "{flood} of 50,400");
        assert_eq!(told(&mut neighbours, source(1, 900), 100), 60, "an honest one of the same network");
        assert_eq!(told(&mut neighbours, source(2, 901), 700), 600, "and one of another network");
        assert!(neighbours.count(source(1, 0), NOW + WINDOW_SECONDS), "later all are heard again");
    }

    #[test]
    fn the_tables_are_bounded_and_new_neighbours_are_heard_nevertheless() {
        let mut neighbours = Neighbours::default();
        assert!(
            (0..1_024).all(|key| told(&mut neighbours, source(u16::try_from(key).unwrap(), key), 1) == 1)
        );
        (1_024..5_000).for_each(|key| {
            assert_eq!(told(&mut neighbours, source(u16::try_from(key).unwrap(), key), 1), 0)
        });
        assert_eq!((neighbours.peers.len(), neighbours.networks.len()), (MAX_COUNTED, MAX_COUNTED));
        assert!(neighbours.count(source(3, 9_000), NOW), "its network has told little");
    }
}
