//! The addresses at which other nodes see this one, when the port is not the one at which it listens.
//!
//! Some routers, above all those of mobile providers, map the node's port to another one, but to the same one for all
//! peers. Hole punching (DCUtR) then works if the other side is told that port; libp2p's identify replaces it by the
//! node's own, which is wrong there. A port counts when two peers have seen the same one: behind a symmetric NAT each
//! peer sees another port, and telling those would only make others dial in vain.

use std::collections::VecDeque;

use libp2p::{Multiaddr, PeerId};

/// Observations that are remembered, the oldest given up first: two from each of the neighbours a node has at least.
const MAX_SEEN: usize = 32;

/// The addresses at which peers have seen this node.
#[derive(Debug, Default)]
pub(crate) struct Observed(VecDeque<(Multiaddr, PeerId)>);

impl Observed {
    /// Notes where a peer sees this node. Whether that is the second peer to see it there.
    pub(crate) fn note(&mut self, address: &Multiaddr, by: PeerId) -> bool {
        let there: Vec<_> = self.0.iter().filter(|(seen, _)| seen == address).map(|(_, by)| *by).collect();
        if there.len() > 1 || there.contains(&by) {
            return false;
        }
        if self.0.len() == MAX_SEEN {
            self.0.pop_front();
        }
        self.0.push_back((address.clone(), by));
        there.len() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Multiaddr {
        format!("/ip4/8.8.8.8/tcp/{port}").parse().unwrap()
    }

    #[test]
    fn an_address_counts_once_when_two_peers_have_seen_it() {
        let (mut observed, a) = (Observed::default(), PeerId::random());
        assert!(!observed.note(&at(1), a));
        assert!(!observed.note(&at(1), a), "the same one again proves nothing");
        assert!(observed.note(&at(1), PeerId::random()));
        assert!(!observed.note(&at(1), PeerId::random()), "it is known");
    }

    #[test]
    fn behind_a_symmetric_router_nothing_counts_and_the_memory_is_bounded() {
        let mut observed = Observed::default();
        for port in 1..1000 {
            assert!(!observed.note(&at(port), PeerId::random()));
        }
        assert_eq!(observed.0.len(), MAX_SEEN);
    }
}
