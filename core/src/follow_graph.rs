//! The owner's social graph: whom they follow, whom those follow, and whom they have muted.
//!
//! It decides how many events of a person a node takes by gossip, and of whom it takes none.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{Kind, PublicKey, UnsignedEvent, limits::MAX_LIST_ENTRIES};

/// Most people of somebody else's follow list that count, and most people of the owner's list who are protected from
/// eviction.
pub(crate) const MAX_LISTED: usize = 2_000;
/// Most followed people whose own lists are kept: with [`MAX_LISTED`] of each at worst 64 MB, usually 2 MB.
const MAX_LISTS: usize = 1_000;
/// Most people who are known through others: 10 MB.
const MAX_KNOWN: usize = 100_000;

/// How near to the owner somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nearness {
    /// The owner follows them.
    Followed,
    /// Somebody whom the owner follows does.
    Known,
    /// Neither.
    Stranger,
}

/// The owner's social graph.
#[derive(Debug, Default)]
pub struct FollowGraph {
    owner: Option<PublicKey>,
    follows: List,
    muted: List,
    lists: BTreeMap<PublicKey, List>,
    /// Followed by somebody whom the owner follows, and by how many.
    known: BTreeMap<PublicKey, u32>,
}

#[derive(Debug, Default)]
struct List {
    created_at: u64,
    people: BTreeSet<PublicKey>,
    /// The first [`MAX_LISTED`] of the owner's list; empty for lists of others.
    first: BTreeSet<PublicKey>,
}

impl FollowGraph {
    /// Begins anew with another owner.
    pub fn of(owner: Option<PublicKey>) -> Self {
        Self { owner, ..Self::default() }
    }

    /// Whether a person is among the first [`MAX_LISTED`] whom the owner follows: for so many there is room in each table.
    pub fn protects(&self, person: &PublicKey) -> bool {
        self.follows.first.contains(person)
    }

    /// Takes in a list: the owner's follow list (kind 3) and mute list (kind 10000), and the follow lists of followed
    /// people. It ignores other lists, and older versions.
    pub fn learn(&mut self, list: &UnsignedEvent) {
        let own = self.owner == Some(list.pubkey);
        match list.kind {
            Kind::FOLLOW_LIST if own && list.created_at >= self.follows.created_at => {
                self.follows = List::of_owner(list);
                let follows = &self.follows.people;
                self.lists.retain(|person, _| follows.contains(person));
                self.count();
            }
            Kind::MUTE_LIST if own && list.created_at >= self.muted.created_at => {
                self.muted = List::of_owner(list)
            }
            Kind::FOLLOW_LIST if self.follows.people.contains(&list.pubkey) => {
                let known = self.lists.get(&list.pubkey);
                let newer = known.is_none_or(|known| known.created_at < list.created_at);
                if newer && (known.is_some() || self.lists.len() < MAX_LISTS) {
                    self.lists.insert(list.pubkey, List::of(list));
                    self.count();
                }
            }
            _ => {}
        }
    }

    /// Whether the owner has muted a person in public.
    pub fn is_muted(&self, person: &PublicKey) -> bool {
        self.muted.people.contains(person)
    }

    /// Whether a person is the owner.
    pub fn is_owner(&self, person: &PublicKey) -> bool {
        self.owner == Some(*person)
    }

    /// Whether a person is the owner, somebody whom the owner follows, or somebody whom one of these follows.
    pub fn is_close(&self, person: &PublicKey) -> bool {
        self.is_owner(person) || self.nearness(person) != Nearness::Stranger
    }

    /// How near to the owner a person is.
    pub(crate) fn nearness(&self, person: &PublicKey) -> Nearness {
        if self.follows.people.contains(person) {
            Nearness::Followed
        } else if self.known.contains_key(person) {
            Nearness::Known
        } else {
            Nearness::Stranger
        }
    }

    fn count(&mut self) {
        self.known.clear();
        for person in self.lists.values().flat_map(|list| &list.people) {
            if self.known.len() < MAX_KNOWN || self.known.contains_key(person) {
                *self.known.entry(*person).or_default() += 1;
            }
        }
    }
}

impl List {
    fn of(list: &UnsignedEvent) -> Self {
        Self::with(list, MAX_LISTED)
    }

    fn of_owner(list: &UnsignedEvent) -> Self {
        let first = people(list).take(MAX_LISTED).collect();
        Self { first, ..Self::with(list, MAX_LIST_ENTRIES) }
    }

    fn with(list: &UnsignedEvent, most: usize) -> Self {
        Self {
            created_at: list.created_at,
            people: people(list).take(most).collect(),
            first: BTreeSet::new(),
        }
    }
}

fn people(list: &UnsignedEvent) -> impl Iterator<Item = PublicKey> {
    list.tag_values("p").filter_map(|person| person.parse().ok())
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Tag};

    use super::*;

    fn person(number: u8) -> PublicKey {
        PublicKey::from_bytes([number; 32])
    }

    fn list(kind: Kind, author: u8, created_at: u64, people: &[u8]) -> UnsignedEvent {
        let tags = people.iter().map(|number| Tag::new(["p", &person(*number).to_string()])).collect();
        EventTemplate { created_at, kind, tags, content: String::new() }.by(person(author))
    }

    #[test]
    fn follows_and_their_follows_are_close_and_nobody_else() {
        let mut trust = FollowGraph::of(Some(person(1)));
        trust.learn(&list(Kind::FOLLOW_LIST, 2, 10, &[3]));
        assert!(!trust.is_close(&person(3)), "the owner does not follow 2 yet");
        trust.learn(&list(Kind::FOLLOW_LIST, 1, 10, &[2]));
        trust.learn(&list(Kind::FOLLOW_LIST, 2, 10, &[3]));
        trust.learn(&list(Kind::FOLLOW_LIST, 3, 10, &[4]));
        assert!([1, 2, 3].iter().all(|number| trust.is_close(&person(*number))));
        assert!(!trust.is_close(&person(4)), "two steps are enough");
        trust.learn(&list(Kind::FOLLOW_LIST, 1, 9, &[9]));
        assert!(trust.is_close(&person(2)), "an older list changes nothing");
        trust.learn(&list(Kind::FOLLOW_LIST, 1, 11, &[]));
        assert!(!trust.is_close(&person(2)) && !trust.is_close(&person(3)));
    }

    #[test]
    fn only_the_owner_mutes() {
        let mut trust = FollowGraph::of(Some(person(1)));
        trust.learn(&list(Kind::MUTE_LIST, 2, 10, &[5]));
        assert!(!trust.is_muted(&person(5)));
        trust.learn(&list(Kind::MUTE_LIST, 1, 10, &[5]));
        assert!(trust.is_muted(&person(5)));
        trust.learn(&list(Kind::MUTE_LIST, 1, 11, &[]));
        assert!(!trust.is_muted(&person(5)));
    }

    #[test]
    fn the_lists_are_bounded() {
        let mut trust = FollowGraph::of(Some(person(1)));
        let tags = (0..12_000u32).map(|number| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_be_bytes());
            Tag::new(["p", &PublicKey::from_bytes(key).to_string()])
        });
        let draft = EventTemplate {
            created_at: 1,
            kind: Kind::FOLLOW_LIST,
            tags: tags.collect(),
            content: String::new(),
        };
        trust.learn(&draft.clone().by(person(1)));
        assert_eq!((trust.follows.people.len(), trust.follows.first.len()), (MAX_LIST_ENTRIES, MAX_LISTED));
        let friend = *trust.follows.people.first().unwrap();
        trust.learn(&draft.by(friend));
        assert_eq!(trust.lists[&friend].people.len(), MAX_LISTED);
    }
}
