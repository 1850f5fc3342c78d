//! Which nodes act for which person, from the delegations that this node has seen.
//!
//! The directory grows with the network, and anybody can invent nodes, so it is bounded: when it is full it evicts a
//! random entry of the source that told most (see [`crate::sources`]). It keeps nodes that are connected, and the two
//! newest nodes of each person who is followed or for whom something waits.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{Delegation, PeerId, PublicKey, event_policy::is_outdated};

use crate::{
    follow_graph::MAX_LISTED,
    limits::{MAX_CONNECTED, MAX_ENTRIES},
    outbox::MAX_WAITING,
    rng::SeededRng,
    sources::{Source, Sources},
};

/// Most nodes of one person. Those with the newest delegations stay, so that a person who moves often is still found.
const MAX_NODES_OF_ONE: usize = 8;
/// How many nodes of a needed person are never evicted: one that takes a private event is enough.
const KEPT_OF_ONE: usize = 2;
// What is not displaced fills at most half of the table, so the other half goes on learning.
const _: () = assert!((MAX_LISTED + MAX_WAITING) * KEPT_OF_ONE + MAX_CONNECTED <= MAX_ENTRIES / 2);

/// Peer id -> person, and back. A node acts for one person: its newest delegation says for whom.
#[derive(Debug)]
pub struct Directory {
    capacity: usize,
    nodes: BTreeMap<PeerId, Entry>,
    people: BTreeMap<PublicKey, BTreeSet<PeerId>>,
    /// The same entries by their expiration.
    ends: BTreeSet<(u64, PeerId)>,
    sources: Sources<PeerId>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    owner: PublicKey,
    created_at: u64,
    expires: u64,
}

/// The people and nodes whose entries must not be evicted.
pub(crate) trait Needs {
    /// Whether a node is connected.
    fn is_connected(&self, peer: &PeerId) -> bool;
    /// Whether a person is followed, or something waits for that person.
    fn is_needed(&self, person: &PublicKey) -> bool;
}

impl Directory {
    /// Begins with nobody. So many entries are kept, at most 50,000.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity: capacity.clamp(1, MAX_ENTRIES),
            nodes: BTreeMap::new(),
            people: BTreeMap::new(),
            ends: BTreeSet::new(),
            sources: Sources::default(),
        }
    }

    /// Takes in a delegation from a neighbour; returns whether it adds a node that may act now and was not known
    /// before.
    ///
    /// An expired one removes the older one for the same node: that is how an owner revokes it. One that reaches
    /// further ahead than allowed is ignored, see [`Delegation::is_credible`].
    pub(crate) fn learn(
        &mut self,
        delegation: &Delegation,
        source: Source,
        now: u64,
        rng: &mut SeededRng,
        needs: &impl Needs,
    ) -> bool {
        self.forget_ended(now);
        let (owner, peer) = (delegation.owner(), delegation.peer());
        let known = self.nodes.get(&peer).copied();
        if known.is_some_and(|known| is_outdated(delegation.created_at(), known.created_at, now))
            || !delegation.is_credible(now)
        {
            return false;
        }
        if delegation.expires() <= now {
            if known.is_some_and(|known| known.owner == owner) {
                self.remove(&peer);
            }
            return false;
        }
        let entry = Entry { owner, created_at: delegation.created_at(), expires: delegation.expires() };
        self.insert(peer, entry, source);
        self.make_room(&owner, &peer, rng, needs);
        known.is_none_or(|known| known.owner != owner) && self.nodes.contains_key(&peer)
    }

    /// Forgets the node of which an owner takes the word back, unless a later word holds.
    pub(crate) fn end(&mut self, revocation: &Delegation) {
        let peer = revocation.peer();
        let ends =
            |entry: &Entry| entry.owner == revocation.owner() && entry.created_at <= revocation.created_at();
        if self.nodes.get(&peer).is_some_and(ends) {
            self.remove(&peer);
        }
    }

    fn insert(&mut self, peer: PeerId, entry: Entry, source: Source) {
        // Where it came from first still counts, so that it keeps its place.
        if let Some(before) = self.nodes.insert(peer, entry) {
            self.ends.remove(&(before.expires, peer));
            self.leave(&before.owner, &peer);
        }
        self.ends.insert((entry.expires, peer));
        self.people.entry(entry.owner).or_default().insert(peer);
        self.sources.insert(peer, source);
    }

    fn make_room(&mut self, owner: &PublicKey, newest: &PeerId, rng: &mut SeededRng, needs: &impl Needs) {
        if self.people.get(owner).is_some_and(|nodes| nodes.len() > MAX_NODES_OF_ONE)
            && let Some(oldest) = self.newest_of(owner).last().copied()
        {
            self.remove(&oldest);
        }
        while self.nodes.len() > self.capacity {
            let keep = |peer: &PeerId| self.stays(peer, needs);
            let victim = self.sources.victim(rng, keep).unwrap_or(*newest);
            self.remove(&victim);
        }
    }

    fn stays(&self, peer: &PeerId, needs: &impl Needs) -> bool {
        let Some(entry) = self.nodes.get(peer) else { return false };
        needs.is_connected(peer)
            || (needs.is_needed(&entry.owner)
                && self.newest_of(&entry.owner).iter().take(KEPT_OF_ONE).any(|kept| kept == peer))
    }

    /// The nodes of a person, the one with the newest delegation first.
    fn newest_of(&self, person: &PublicKey) -> Vec<PeerId> {
        let mut nodes: Vec<(u64, PeerId)> = self
            .people
            .get(person)
            .into_iter()
            .flatten()
            .filter_map(|peer| Some((self.nodes.get(peer)?.created_at, *peer)))
            .collect();
        nodes.sort_unstable();
        nodes.into_iter().rev().map(|(_, peer)| peer).collect()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The nodes that act for a person now.
    pub fn nodes_of(&self, person: &PublicKey, now: u64) -> Vec<PeerId> {
        let nodes = self.people.get(person).into_iter().flatten();
        nodes.filter(|peer| self.acts_for(peer, person, now)).copied().collect()
    }

    /// Whether a node acts for a person now.
    pub fn acts_for(&self, peer: &PeerId, person: &PublicKey, now: u64) -> bool {
        self.owner_of(peer, now) == Some(*person)
    }

    /// The person for whom a node acts now.
    pub fn owner_of(&self, peer: &PeerId, now: u64) -> Option<PublicKey> {
        self.nodes.get(peer).filter(|entry| entry.expires > now).map(|entry| entry.owner)
    }

    fn forget_ended(&mut self, now: u64) {
        while let Some((_, peer)) = self.ends.first().filter(|(expires, _)| *expires <= now).copied() {
            self.remove(&peer);
        }
    }

    fn remove(&mut self, peer: &PeerId) {
        let Some(entry) = self.nodes.remove(peer) else { return };
        self.ends.remove(&(entry.expires, *peer));
        self.sources.remove(peer);
        self.leave(&entry.owner, peer);
    }

    fn leave(&mut self, owner: &PublicKey, peer: &PeerId) {
        let Some(nodes) = self.people.get_mut(owner) else { return };
        nodes.remove(peer);
        if nodes.is_empty() {
            self.people.remove(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{Network, SecretKey, Tag, delegation, limits::MAX_SECONDS_AHEAD};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    /// Nobody is connected; these people are needed.
    #[derive(Default)]
    struct Needed(BTreeSet<PublicKey>, BTreeSet<PeerId>);

    impl Needs for Needed {
        fn is_connected(&self, peer: &PeerId) -> bool {
            self.1.contains(peer)
        }

        fn is_needed(&self, person: &PublicKey) -> bool {
            self.0.contains(person)
        }
    }

    fn delegation(owner: u8, peer: u8, created_at: u64, expires: u64) -> Delegation {
        let key = SecretKey::from_bytes([owner; 32]).unwrap();
        let mut draft = delegation::draft(&PeerId::from_ed25519([peer; 32]), created_at);
        draft.tags[1] = Tag::new(["expiration".to_owned(), expires.to_string()]);
        Delegation::from_event(draft.sign(&key, &[0; 32])).unwrap()
    }

    fn source(network: u8) -> Source {
        Source { network: Network::V4([network, 0]), peer: PeerId::from_ed25519([network; 32]) }
    }

    fn learn(directory: &mut Directory, delegation: &Delegation) -> bool {
        directory.learn(delegation, source(1), NOW, &mut SeededRng::new(1), &Needed::default())
    }

    /// Somebody who did not exist before.
    fn invented(number: u32) -> (PublicKey, PeerId) {
        let mut name = [7; 32];
        name[..4].copy_from_slice(&number.to_be_bytes());
        (PublicKey::from_bytes(name), PeerId::from_ed25519(name))
    }

    fn flood(directory: &mut Directory, numbers: std::ops::Range<u32>, from: Source, needs: &Needed) {
        let mut rng = SeededRng::new(3);
        for number in numbers {
            let (owner, peer) = invented(number);
            let entry = Entry { owner, created_at: NOW + 900, expires: NOW + 90 * 86_400 + 900 };
            directory.insert(peer, entry, from);
            directory.make_room(&owner, &peer, &mut rng, needs);
        }
    }

    #[test]
    fn a_person_may_have_several_nodes_and_end_each() {
        let mut directory = Directory::with_capacity(MAX_ENTRIES);
        let first = delegation(1, 1, NOW, NOW + 100);
        let owner = first.owner();
        assert!(learn(&mut directory, &first));
        assert!(!learn(&mut directory, &first), "known already");
        assert!(learn(&mut directory, &delegation(1, 2, NOW, NOW + 50)));
        assert_eq!(directory.nodes_of(&owner, NOW).len(), 2);
        assert_eq!(directory.nodes_of(&owner, NOW + 50), [first.peer()]);
        assert_eq!(directory.owner_of(&first.peer(), NOW), Some(owner));
        assert!(directory.acts_for(&first.peer(), &owner, NOW));
        assert!(!learn(&mut directory, &delegation(1, 1, NOW + 1, NOW)), "an ended one ends the older");
        assert_eq!(directory.owner_of(&first.peer(), NOW), None);
        assert!(!directory.acts_for(&first.peer(), &owner, NOW));
        assert_eq!(directory.nodes_of(&owner, NOW).len(), 1);
    }

    #[test]
    fn a_delegation_of_a_clock_that_was_ahead_gives_way_to_one_of_now() {
        const YEAR: u64 = 365 * 86_400;
        let mut directory = Directory::with_capacity(MAX_ENTRIES);
        let ahead = delegation(1, 1, NOW + YEAR, NOW + YEAR + 100);
        directory.learn(&ahead, source(1), NOW + YEAR, &mut SeededRng::new(1), &Needed::default());
        learn(&mut directory, &delegation(1, 1, NOW, NOW + 100));
        assert_eq!(directory.nodes_of(&ahead.owner(), NOW), [ahead.peer()]);
        assert_eq!(directory.nodes_of(&ahead.owner(), NOW + 100), [], "it ends when the one of now says");
    }

    #[test]
    fn an_older_delegation_does_not_replace_a_newer_one() {
        let mut directory = Directory::with_capacity(MAX_ENTRIES);
        learn(&mut directory, &delegation(1, 1, NOW, NOW + 100));
        learn(&mut directory, &delegation(1, 1, NOW - 1, NOW + 1_000));
        let owner = delegation(1, 1, NOW, NOW).owner();
        assert_eq!(directory.nodes_of(&owner, NOW + 100), []);
    }

    #[test]
    fn a_delegation_that_reaches_too_far_ahead_is_not_taken() {
        let mut directory = Directory::with_capacity(MAX_ENTRIES);
        let most = delegation::MAX_AHEAD_SECONDS;
        for far in [delegation(1, 1, NOW, 253_370_764_800), delegation(1, 1, NOW, NOW + most + 1)] {
            assert!(!learn(&mut directory, &far), "{}", far.expires());
        }
        let of_tomorrow = delegation(1, 1, NOW + MAX_SECONDS_AHEAD + 1, NOW + 86_400);
        assert!(!learn(&mut directory, &of_tomorrow), "it would outlast whatever its owner says until then");
        assert!(directory.is_empty());
        assert!(learn(&mut directory, &delegation(1, 1, NOW, NOW + most)));
    }

    #[test]
    fn a_node_acts_for_one_person_the_one_of_its_newest_delegation() {
        let mut directory = Directory::with_capacity(MAX_ENTRIES);
        let (before, after) = (delegation(1, 1, NOW, NOW + 100), delegation(2, 1, NOW + 1, NOW + 100));
        learn(&mut directory, &before);
        assert!(learn(&mut directory, &after), "it has changed hands");
        assert!(!learn(&mut directory, &before));
        assert_eq!(directory.owner_of(&before.peer(), NOW), Some(after.owner()));
        assert_eq!(directory.nodes_of(&before.owner(), NOW), []);
        assert_eq!((directory.len(), directory.people.len()), (1, 1));
    }

    #[test]
    fn one_person_cannot_fill_it_and_the_newest_word_counts() {
        let mut directory = Directory::with_capacity(MAX_ENTRIES);
        let owner = delegation(1, 1, NOW, NOW).owner();
        for peer in 1..50 {
            learn(&mut directory, &delegation(1, peer, NOW + u64::from(peer), NOW + 100));
        }
        assert_eq!(directory.nodes_of(&owner, NOW).len(), MAX_NODES_OF_ONE);
        assert_eq!(directory.ends.len(), MAX_NODES_OF_ONE);
        assert!(directory.acts_for(&PeerId::from_ed25519([49; 32]), &owner, NOW), "where the person is now");
        assert!(!directory.acts_for(&PeerId::from_ed25519([41; 32]), &owner, NOW));
    }

    #[test]
    fn an_ended_entry_gives_back_its_place_among_a_persons_nodes() {
        let mut directory = Directory::with_capacity(MAX_ENTRIES);
        for peer in 1..=8 {
            learn(&mut directory, &delegation(1, peer, NOW + 9, NOW + 10));
        }
        let (mut rng, needed) = (SeededRng::new(1), Needed::default());
        let ninth = delegation(1, 9, NOW, NOW + 100);
        assert!(directory.learn(&ninth, source(1), NOW + 10, &mut rng, &needed), "the others have ended");
        assert_eq!((directory.len(), directory.sources.len()), (1, 1));
    }

    #[test]
    fn inventions_without_end_displace_one_another_and_not_what_others_tell() {
        let mut directory = Directory::with_capacity(1_000);
        let nobody = Needed::default();
        flood(&mut directory, 0..400, source(1), &nobody);
        flood(&mut directory, 1_000..11_000, source(2), &nobody);
        let honest = (0..400).filter(|number| directory.nodes.contains_key(&invented(*number).1)).count();
        assert_eq!((honest, directory.len()), (400, 1_000));
        assert_eq!(
            (directory.ends.len(), directory.people.len(), directory.sources.len()),
            (1_000, 1_000, 1_000)
        );
    }

    #[test]
    fn who_is_connected_or_needed_stays_even_if_only_the_flood_told_of_them() {
        let mut directory = Directory::with_capacity(1_000);
        let needed = Needed((0..200).map(|number| invented(number).0).collect(), [invented(200).1].into());
        flood(&mut directory, 0..5_000, source(2), &needed);
        assert!((0..=200).all(|number| directory.nodes.contains_key(&invented(number).1)));
        assert!(!(201..400).all(|number| directory.nodes.contains_key(&invented(number).1)));
    }

    #[test]
    fn of_a_person_who_is_needed_two_nodes_stay_and_not_all() {
        let mut directory = Directory::with_capacity(100);
        let person = invented(0).0;
        let needed = Needed([person].into(), BTreeSet::new());
        for number in 0..8 {
            let entry = Entry { owner: person, created_at: NOW + u64::from(number), expires: NOW + 86_400 };
            directory.insert(invented(number).1, entry, source(2));
        }
        flood(&mut directory, 1_000..9_000, source(2), &needed);
        let left: Vec<u32> =
            (0..8).filter(|number| directory.nodes.contains_key(&invented(*number).1)).collect();
        assert_eq!(left, [6, 7], "the newest");
    }
}
