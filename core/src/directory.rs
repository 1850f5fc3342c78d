//! Which nodes act for whom, as far as delegations have been seen.
//!
//! It grows with the network, so it is bounded: when it is full, the delegation that ends first makes room.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{Delegation, PeerId, PublicKey};

use crate::replacing::is_outdated;

/// Most entries: 50,000 nodes are about 10 MB.
const MAX_ENTRIES: usize = 50_000;
/// Most nodes of one person.
const MAX_NODES_OF_ONE: usize = 8;

/// Public key -> nodes.
#[derive(Debug, Default)]
pub struct Directory {
    people: BTreeMap<PublicKey, BTreeMap<PeerId, Entry>>,
    /// The same entries by their end.
    ends: BTreeSet<(u64, PublicKey, PeerId)>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    created_at: u64,
    expires: u64,
}

impl Directory {
    /// Takes a delegation in; returns whether a node that may act now was not known before.
    ///
    /// A delegation that has expired removes the older one for the same node: so an owner ends it.
    pub fn learn(&mut self, delegation: &Delegation, now: u64) -> bool {
        let (owner, peer) = (delegation.owner(), delegation.peer());
        let known = self.people.get(&owner).and_then(|nodes| nodes.get(&peer)).copied();
        if known.is_some_and(|known| is_outdated(delegation.created_at(), known.created_at, now)) {
            return false;
        }
        if known.is_some() {
            self.remove(&owner, &peer);
        }
        let room = self.people.get(&owner).is_none_or(|nodes| nodes.len() < MAX_NODES_OF_ONE);
        if delegation.expires() <= now || !room {
            return false;
        }
        let entry = Entry { created_at: delegation.created_at(), expires: delegation.expires() };
        self.people.entry(owner).or_default().insert(peer, entry);
        self.ends.insert((entry.expires, owner, peer));
        while self.ends.len() > MAX_ENTRIES {
            let Some((_, owner, peer)) = self.ends.first().copied() else { break };
            self.remove(&owner, &peer);
        }
        known.is_none()
    }

    /// How many entries there are, ended ones included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The nodes that act for a person now.
    pub fn nodes_of(&self, person: &PublicKey, now: u64) -> Vec<PeerId> {
        let nodes = self.people.get(person).into_iter().flatten();
        nodes.filter(|(_, entry)| entry.expires > now).map(|(peer, _)| *peer).collect()
    }

    /// Whether a node acts for a person now.
    pub fn acts_for(&self, peer: &PeerId, person: &PublicKey, now: u64) -> bool {
        self.people.get(person).and_then(|nodes| nodes.get(peer)).is_some_and(|entry| entry.expires > now)
    }

    /// For whom a node acts now. Several people could share one; the first by key is named.
    pub fn owner_of(&self, peer: &PeerId, now: u64) -> Option<PublicKey> {
        let acts = |nodes: &BTreeMap<PeerId, Entry>| nodes.get(peer).is_some_and(|entry| entry.expires > now);
        self.people.iter().find(|(_, nodes)| acts(nodes)).map(|(owner, _)| *owner)
    }

    fn remove(&mut self, owner: &PublicKey, peer: &PeerId) {
        let Some(nodes) = self.people.get_mut(owner) else { return };
        if let Some(entry) = nodes.remove(peer) {
            self.ends.remove(&(entry.expires, *owner, *peer));
        }
        if nodes.is_empty() {
            self.people.remove(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{SecretKey, Tag, delegation};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn delegation(owner: u8, peer: u8, created_at: u64, expires: u64) -> Delegation {
        let key = SecretKey::from_bytes([owner; 32]).unwrap();
        let mut draft = delegation::draft(&PeerId::from_ed25519([peer; 32]), created_at);
        draft.tags[1] = Tag::new(["expiration".to_owned(), expires.to_string()]);
        Delegation::from_event(draft.sign(&key, &[0; 32])).unwrap()
    }

    #[test]
    fn a_person_may_have_several_nodes_and_end_each() {
        let mut directory = Directory::default();
        let first = delegation(1, 1, NOW, NOW + 100);
        let owner = first.owner();
        assert!(directory.learn(&first, NOW));
        assert!(!directory.learn(&first, NOW), "known already");
        assert!(directory.learn(&delegation(1, 2, NOW, NOW + 50), NOW));
        assert_eq!(directory.nodes_of(&owner, NOW).len(), 2);
        assert_eq!(directory.nodes_of(&owner, NOW + 50), [first.peer()]);
        assert_eq!(directory.owner_of(&first.peer(), NOW), Some(owner));
        assert!(directory.acts_for(&first.peer(), &owner, NOW));
        assert!(!directory.learn(&delegation(1, 1, NOW + 1, NOW), NOW), "an ended one ends the older");
        assert_eq!(directory.owner_of(&first.peer(), NOW), None);
        assert!(!directory.acts_for(&first.peer(), &owner, NOW));
        assert_eq!(directory.nodes_of(&owner, NOW).len(), 1);
    }

    #[test]
    fn a_delegation_of_a_clock_that_was_ahead_gives_way_to_one_of_now() {
        const YEAR: u64 = 365 * 86_400;
        let mut directory = Directory::default();
        let ahead = delegation(1, 1, NOW + YEAR, NOW + YEAR + 100);
        directory.learn(&ahead, NOW + YEAR);
        directory.learn(&delegation(1, 1, NOW, NOW + 100), NOW);
        assert_eq!(directory.nodes_of(&ahead.owner(), NOW), [ahead.peer()]);
        assert_eq!(directory.nodes_of(&ahead.owner(), NOW + 100), [], "it ends when the one of now says");
    }

    #[test]
    fn an_older_delegation_does_not_replace_a_newer_one() {
        let mut directory = Directory::default();
        directory.learn(&delegation(1, 1, NOW, NOW + 100), NOW);
        directory.learn(&delegation(1, 1, NOW - 1, NOW + 1_000), NOW);
        let owner = delegation(1, 1, NOW, NOW).owner();
        assert_eq!(directory.nodes_of(&owner, NOW + 100), []);
    }

    #[test]
    fn one_person_cannot_fill_it() {
        let mut directory = Directory::default();
        for peer in 0..50 {
            directory.learn(&delegation(1, peer, NOW, NOW + 100), NOW);
        }
        let owner = delegation(1, 1, NOW, NOW).owner();
        assert_eq!(directory.nodes_of(&owner, NOW).len(), MAX_NODES_OF_ONE);
        assert_eq!(directory.ends.len(), MAX_NODES_OF_ONE);
    }
}
