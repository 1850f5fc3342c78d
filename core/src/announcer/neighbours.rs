//! Limits on the announcements from one neighbour and one network, by broadcast and in answers alike.

use nostrp2p_protocol::{Network, PeerId};

use crate::{
    limit::{Rate, TokenBuckets, UNIT},
    sources::Source,
};

/// Announcements that are taken from one neighbour, its own and those of others: one a second. Announcements are
/// flooded and anybody can invent nodes, so without a bound one neighbour could keep the whole network busy. Nodes
/// announce less often as the network grows ([`super::announce_every`]), so that 10,000 nodes make 330 in ten
/// minutes.
const OF_NEIGHBOUR: Rate = Rate { burst: 600, per_hour: 3_600 };
/// What all neighbours of one network may tell together: as much as four neighbours, so that it does not help to come
/// back under another key.
const OF_NETWORK: Rate = Rate { burst: 2_400, per_hour: 14_400 };
/// What each neighbour may tell in any case, a tenth of its rate; otherwise one neighbour could silence the others of
/// its network.
const ALWAYS: Rate = Rate { burst: 60, per_hour: 360 };
/// Neighbours, and networks, that are counted: more than can be connected.
const MAX_COUNTED: usize = 1_024;

/// What neighbours and networks may still tell.
#[derive(Debug)]
pub(super) struct Neighbours {
    always: TokenBuckets<PeerId>,
    peers: TokenBuckets<PeerId>,
    networks: TokenBuckets<Network>,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self {
            always: TokenBuckets::new(MAX_COUNTED),
            peers: TokenBuckets::new(MAX_COUNTED),
            networks: TokenBuckets::new(MAX_COUNTED),
        }
    }
}

impl Neighbours {
    /// Counts an announcement; false when this neighbour, or its network, has told too many.
    pub(super) fn count(&mut self, source: Source, now: u64) -> bool {
        let always = self.always.take(source.peer, ALWAYS, UNIT, now);
        let by_peer = self.peers.take(source.peer, OF_NEIGHBOUR, UNIT, now);
        let by_network = self.networks.take(source.network, OF_NETWORK, UNIT, now);
        always || (by_peer && by_network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    /// In which all buckets fill again, in seconds.
    const TEN_MINUTES: u64 = 600;

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
        assert!(neighbours.count(source(1, 0), NOW + TEN_MINUTES), "later all are heard again");
    }

    #[test]
    fn the_tables_are_bounded_and_new_neighbours_are_heard_nevertheless() {
        let mut neighbours = Neighbours::default();
        for key in 0..5_000 {
            assert_eq!(told(&mut neighbours, source(u16::try_from(key).unwrap(), key), 1), 1);
        }
        assert_eq!((neighbours.peers.len(), neighbours.networks.len()), (MAX_COUNTED, MAX_COUNTED));
    }
}
