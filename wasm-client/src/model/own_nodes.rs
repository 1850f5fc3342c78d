//! The nodes that act for the person, from the own node's store and its markers.

use nostrp2p_protocol::{PeerId, UnsignedEvent, delegation};

use crate::sorted_map::{SortedMap, SortedSet};

/// The nodes that act for the person.
#[derive(Debug, Clone, Default)]
pub struct OwnNodeList {
    /// The newest word for each node: when it was signed, and when it ends, in seconds since 1970.
    pub words: SortedMap<PeerId, (u64, u64)>,
    /// When each was last connected or has announced itself, as far as the own node knows.
    pub seen: SortedMap<PeerId, u64>,
    /// The node whose word the person is asked about.
    pub ending: Option<PeerId>,
}

impl OwnNodeList {
    /// Takes in what the node's store holds.
    pub fn take(&mut self, events: &[UnsignedEvent]) {
        for event in events {
            if let Some((peer, until)) = delegation::parts(event)
                && self.words.get(&peer).is_none_or(|(since, _)| *since < event.created_at)
            {
                self.words.insert(peer, (event.created_at, until));
            }
        }
    }

    /// The nodes whose word holds, the one that was named last first.
    pub fn acting(&self, now: u64) -> Vec<(PeerId, u64)> {
        let holding = self.words.iter().filter(|(_, (_, until))| *until > now);
        let acting: SortedSet<_> = holding.map(|(peer, word)| (*word, *peer)).collect();
        acting.iter().rev().map(|((_, until), peer)| (*peer, *until)).collect()
    }
}
