//! Lists of people: whom one follows (NIP-02), and whom one does not want to read (NIP-51).
//!
//! A new version is only ever made from the newest one, once the own node has shown what it holds: a list that begins
//! from nothing by mistake would lose everybody in it. Earlier versions are kept, to go back to.

use nostrp2p_protocol::{EventId, EventTemplate, Kind, PublicKey, Tag, UnsignedEvent};

use crate::{
    sorted_map::{SortedMap, SortedSet},
    storage::{MAX_LISTS, TimelineKey},
};

/// The list of those whom one does not want to read (NIP-51).
pub const MUTE_LIST: Kind = Kind(10_000);
/// Most people of whom it is remembered how many they follow.
const MAX_OTHERS: usize = 2_000;
/// Most changes that wait for the list.
const MAX_PENDING: usize = 100;

/// All lists of people.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    follows: List,
    mutes: List,
    /// Earlier versions and the present ones, the newest first.
    history: Vec<UnsignedEvent>,
    /// How many people others follow.
    others: SortedMap<PublicKey, (u64, usize)>,
    /// Whether the own node has shown which versions it holds.
    pub loaded: bool,
    /// Whether the key was made on this device, so that there can be no list elsewhere.
    pub made_here: bool,
    /// Whether a first list is to be begun although there may be one elsewhere: waits for a yes.
    pub asked: bool,
    /// Whether a version is being signed.
    pub signing: bool,
    /// Whether that version, or the one that waits for the node, is an earlier one that is restored.
    pub restoring: bool,
    /// Changes that are still to be made, in order.
    pending: Vec<ListChange>,
    /// Counts the versions, so that what is drawn from them knows when they change.
    pub version: u32,
}

/// A change to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListChange {
    /// [`Kind::FOLLOW_LIST`] or [`MUTE_LIST`].
    pub kind: Kind,
    /// Who is put in or taken out.
    pub person: PublicKey,
    /// In, or out.
    pub within: bool,
}

#[derive(Debug, Clone, Default)]
struct List {
    newest: Option<UnsignedEvent>,
    people: SortedSet<PublicKey>,
}

impl Lists {
    /// Takes a list in; says whether it is a new version of an own one.
    pub fn take(&mut self, unsigned: &UnsignedEvent, me: Option<PublicKey>) -> bool {
        if me != Some(unsigned.pubkey) {
            self.take_other(unsigned);
            return false;
        }
        let place = |unsigned: &UnsignedEvent| TimelineKey::new(unsigned.created_at, unsigned.id());
        let new = place(unsigned);
        let Some(list) = self.list_mut(unsigned.kind) else { return false };
        let news = list.newest.as_ref().is_none_or(|newest| new < place(newest));
        if news {
            list.people = people(unsigned).collect();
            list.newest = Some(unsigned.clone());
            self.version = self.version.wrapping_add(1);
        }
        let at = self.history.partition_point(|other| place(other) < new);
        if self.history.get(at).is_none_or(|other| place(other) != new) {
            self.history.insert(at, unsigned.clone());
            self.history.truncate(usize::try_from(MAX_LISTS).unwrap_or(usize::MAX));
        }
        news
    }

    /// A version did not come about: the newest of the others is the present one again, and is asked for too.
    pub fn undo(&mut self, unsigned: &UnsignedEvent) {
        let id = unsigned.id();
        self.history.retain(|other| other.id() != id);
        let former = self.history.iter().find(|other| other.kind == unsigned.kind).cloned();
        let Some(list) = self.list_mut(unsigned.kind) else { return };
        if list.newest.as_ref().is_some_and(|newest| newest.id() == id) {
            list.people = former.iter().flat_map(people).collect();
            list.newest = former;
            self.version = self.version.wrapping_add(1);
        }
    }

    fn take_other(&mut self, unsigned: &UnsignedEvent) {
        let newer = self.others.get(&unsigned.pubkey).is_none_or(|(time, _)| *time < unsigned.created_at);
        if unsigned.kind == Kind::FOLLOW_LIST && newer && self.others.len() < MAX_OTHERS {
            let count = people(unsigned).collect::<SortedSet<PublicKey>>().len();
            self.others.insert(unsigned.pubkey, (unsigned.created_at, count));
        }
    }

    /// Whether one follows this person.
    pub fn follows(&self, person: &PublicKey) -> bool {
        self.follows.people.contains(person)
    }

    /// Whether one does not want to read this person.
    pub fn mutes(&self, person: &PublicKey) -> bool {
        self.mutes.people.contains(person)
    }

    /// Whom one follows.
    pub fn followed(&self) -> impl Iterator<Item = &PublicKey> {
        self.follows.people.iter()
    }

    /// Whom one does not want to read.
    pub fn muted(&self) -> impl Iterator<Item = &PublicKey> {
        self.mutes.people.iter()
    }

    /// How many people this other person follows, if that is known.
    pub fn count_of(&self, person: &PublicKey) -> Option<usize> {
        self.others.get(person).map(|(_, count)| *count)
    }

    /// How many people one follows.
    pub fn count(&self) -> usize {
        self.follows.people.len()
    }

    /// The versions of the list of those one follows, the newest first, each with its number of people.
    pub fn versions(&self) -> impl Iterator<Item = (&UnsignedEvent, usize)> {
        let lists = self.history.iter().filter(|unsigned| unsigned.kind == Kind::FOLLOW_LIST);
        lists.map(|unsigned| (unsigned, people(unsigned).count()))
    }

    /// Asks for a change. It is made as soon as it can be.
    pub fn want(&mut self, change: ListChange) {
        self.pending.retain(|other| (other.kind, other.person) != (change.kind, change.person));
        if self.pending.len() < MAX_PENDING {
            self.pending.push(change);
        }
    }

    /// Drops the changes that wait.
    pub fn drop_pending(&mut self) {
        self.pending.clear();
        self.asked = false;
    }

    /// Whether this change is wanted and not made yet.
    pub fn waits(&self, person: &PublicKey) -> bool {
        self.pending.iter().any(|change| change.person == *person)
    }

    /// The next version to be signed, if a change waits and can be made.
    pub fn next(&mut self, now: u64) -> Option<EventTemplate> {
        if self.signing || !self.loaded {
            return None;
        }
        while let Some(change) = self.pending.first().copied() {
            let list = self.list(change.kind)?;
            if list.people.contains(&change.person) == change.within {
                self.pending.remove(0);
                continue;
            }
            if list.newest.is_none() && !self.made_here {
                self.asked = true;
                return None;
            }
            let draft = changed(list.newest.as_ref(), change, now);
            self.pending.remove(0);
            self.signing = true;
            return Some(draft);
        }
        None
    }

    /// An earlier version as the next one.
    pub fn restored(&self, id: EventId, now: u64) -> Option<EventTemplate> {
        let former = self.history.iter().find(|unsigned| unsigned.id() == id).filter(|_| self.loaded)?;
        let newest = self.list(former.kind)?.newest.as_ref();
        let (tags, content) = (former.tags.clone(), former.content.clone());
        Some(EventTemplate { created_at: after(newest, now), kind: former.kind, tags, content })
    }

    fn list(&self, kind: Kind) -> Option<&List> {
        match kind {
            Kind::FOLLOW_LIST => Some(&self.follows),
            MUTE_LIST => Some(&self.mutes),
            _ => None,
        }
    }

    fn list_mut(&mut self, kind: Kind) -> Option<&mut List> {
        match kind {
            Kind::FOLLOW_LIST => Some(&mut self.follows),
            MUTE_LIST => Some(&mut self.mutes),
            _ => None,
        }
    }
}

/// The next version: this person in or out, all else as it was.
fn changed(newest: Option<&UnsignedEvent>, change: ListChange, now: u64) -> EventTemplate {
    let mut tags = newest.map(|newest| newest.tags.clone()).unwrap_or_default();
    let content = newest.map(|newest| newest.content.clone()).unwrap_or_default();
    let key = change.person.to_string();
    if change.within {
        tags.push(Tag::new(["p".to_owned(), key]));
    } else {
        tags.retain(|tag| tag.name() != "p" || tag.value() != Some(&key));
    }
    EventTemplate { created_at: after(newest, now), kind: change.kind, tags, content }
}

/// Now, but later than the version before: of two at one second chance would decide.
fn after(newest: Option<&UnsignedEvent>, now: u64) -> u64 {
    newest.map_or(now, |newest| now.max(newest.created_at + 1))
}

fn people(unsigned: &UnsignedEvent) -> impl Iterator<Item = PublicKey> {
    unsigned.tag_values("p").filter_map(|value| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: PublicKey = PublicKey::from_bytes([1; 32]);
    const BO: PublicKey = PublicKey::from_bytes([2; 32]);

    fn version(created_at: u64, people: &[PublicKey]) -> UnsignedEvent {
        let mut tags = vec![Tag::new(["t", "kept"])];
        tags.extend(
            people.iter().map(|person| Tag::new(["p".to_owned(), person.to_string(), "wss://r".into()])),
        );
        EventTemplate { created_at, kind: Kind::FOLLOW_LIST, tags, content: "relays".into() }.by(ME)
    }

    fn follow(person: PublicKey, within: bool) -> ListChange {
        ListChange { kind: Kind::FOLLOW_LIST, person, within }
    }

    #[test]
    fn nothing_is_made_before_the_list_was_loaded_and_everything_in_it_stays() {
        let other = PublicKey::from_bytes([3; 32]);
        let mut lists = Lists::default();
        lists.want(follow(BO, true));
        assert_eq!(lists.next(100), None);
        lists.take(&version(200, &[other]), Some(ME));
        lists.loaded = true;
        let draft = lists.next(100).expect("now it can be made");
        assert_eq!((draft.created_at, draft.content.as_str(), draft.tags.len()), (201, "relays", 3));
        assert_eq!(draft.tags[..2], version(200, &[other]).tags[..2]);
        assert_eq!(lists.next(100), None, "one at a time");
        lists.signing = false;
        lists.take(&draft.by(ME), Some(ME));
        assert!(lists.follows(&BO) && lists.follows(&other));
        lists.want(follow(BO, true));
        assert_eq!(lists.next(300), None, "it holds already");
        lists.want(follow(other, false));
        assert_eq!(lists.next(300).map(|draft| draft.tags.len()), Some(2));
    }

    #[test]
    fn a_first_list_of_a_key_from_elsewhere_waits_for_a_yes() {
        let mut lists = Lists { loaded: true, ..Lists::default() };
        lists.want(follow(BO, true));
        assert_eq!((lists.next(1), lists.asked), (None, true));
        lists.made_here = true;
        assert!(lists.next(1).is_some());
    }

    #[test]
    fn an_older_version_changes_nothing_but_can_be_restored() {
        let mut lists = Lists { loaded: true, ..Lists::default() };
        assert!(lists.take(&version(20, &[]), Some(ME)));
        assert!(!lists.take(&version(10, &[BO]), Some(ME)) && !lists.take(&version(10, &[BO]), Some(ME)));
        assert!(!lists.follows(&BO));
        let counts: Vec<usize> = lists.versions().map(|(_, count)| count).collect();
        assert_eq!(counts, [0, 1]);
        let draft = lists.restored(version(10, &[BO]).id(), 5).unwrap();
        assert!(draft.created_at > 20);
        assert!(lists.take(&draft.by(ME), Some(ME)) && lists.follows(&BO));
    }

    #[test]
    fn the_lists_of_others_are_only_counted() {
        let mut lists = Lists::default();
        let theirs = UnsignedEvent { pubkey: BO, ..version(5, &[ME, ME, BO]) };
        assert!(!lists.take(&theirs, Some(ME)));
        assert_eq!((lists.count_of(&BO), lists.count()), (Some(2), 0));
    }
}
