//! The person's own lists: the follow list (NIP-02), and by NIP-51 mutes, bookmarks, pins and follow sets.
//!
//! A new version is made only from the newest one, once the own node has shown what it holds: a list that begins from
//! nothing by mistake would lose everything in it. Earlier versions of the follow list are kept, to go back to.
//! Entries that this page does not understand stay in the list, in its public and in its private part.

mod version;

use std::rc::Rc;

use nostrp2p_protocol::{EventId, EventTemplate, Kind, PublicKey, Tag, UnsignedEvent};

use super::muting::Muting;
use crate::{
    model::TimelineKey,
    sorted_map::{SortedMap, SortedSet},
};
use version::{List, PrivatePart, after, changed, name_of, people, title_of};
pub use version::{ListChange, ListDraft, ListName, UnreadableList};

/// The mute list (NIP-51).
pub const MUTE_LIST: Kind = Kind(10_000);
/// Posts that stand first on one's page (NIP-51).
pub const PINS: Kind = Kind(10_001);
/// Posts that one keeps (NIP-51).
pub const BOOKMARKS: Kind = Kind(10_003);
/// People whom one has sorted by oneself (NIP-51); one list for each name.
pub const FOLLOW_SET: Kind = Kind(30_000);
/// How many versions of the own lists of people are kept, to go back to. One of 2,000 people has 70 KB.
pub const MAX_LISTS: u32 = 20;
/// All of them.
pub const LISTS: [Kind; 5] = [Kind::FOLLOW_LIST, MUTE_LIST, PINS, BOOKMARKS, FOLLOW_SET];
/// Most people of whom it is remembered how many they follow, and what they pinned.
const MAX_OTHERS: usize = 2_000;
/// Most changes that wait for the list.
const MAX_PENDING: usize = 100;
/// Most versions before the present one that are kept, in case the node refuses later ones; a guess.
const MAX_FORMER: usize = 20;
/// Most follow sets; a guess. More are not shown, and stay as they are.
const MAX_SETS: usize = 50;
/// Most private parts that are remembered by their versions: more than there are lists.
const MAX_KNOWN: usize = 200;
/// Most pinned posts of a person that are shown; a guess.
const MAX_PINS: usize = 10;

/// All lists.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    lists: SortedMap<ListName, List>,
    follows: SortedSet<PublicKey>,
    mutes: SortedSet<PublicKey>,
    /// Words, conversations and posts that one does not want to read.
    pub muting: Muting,
    /// Earlier versions of the list of those one follows and the present one, the newest first.
    history: Vec<UnsignedEvent>,
    /// How many people others follow.
    others: SortedMap<PublicKey, (u64, usize)>,
    /// Other people's pinned posts.
    pins: SortedMap<PublicKey, (u64, Vec<EventId>)>,
    /// Private parts that were read before, by the version in which they stand.
    known: SortedMap<EventId, Vec<Tag>>,
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
    /// The private part of the version that is being signed.
    made: Option<Vec<Tag>>,
    /// Changes that are still to be made, in order.
    pending: Vec<ListChange>,
    /// Counts the versions, so that what is drawn from them knows when they change.
    pub version: u32,
    /// Counts those of the list of what one does not want to read.
    pub mute_version: u32,
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
        let Some(name) = name_of(unsigned) else { return false };
        let newest = self.lists.get(&name).and_then(|list| list.newest.as_ref());
        let news = newest.is_none_or(|newest| new < place(newest));
        let room = name.0 != FOLLOW_SET || self.sets().count() < MAX_SETS || newest.is_some();
        if news && room {
            let mut former =
                self.lists.get_mut(&name).map(|list| std::mem::take(&mut list.former)).unwrap_or_default();
            former.extend(self.lists.get(&name).and_then(|list| list.newest.clone()));
            if former.len() > MAX_FORMER {
                former.remove(0);
            }
            let private = self.known.get(&new.id).cloned();
            let list = List { former, ..List::of(Some(unsigned.clone()), private) };
            self.lists.insert(name.clone(), list);
            self.refresh(&name);
        }
        if unsigned.kind == Kind::FOLLOW_LIST {
            let at = self.history.partition_point(|other| place(other) < new);
            if self.history.get(at).is_none_or(|other| place(other) != new) {
                self.history.insert(at, unsigned.clone());
                self.history.truncate(usize::try_from(MAX_LISTS).unwrap_or(usize::MAX));
            }
        }
        news && room
    }

    /// Takes in the version that was signed here a moment ago.
    pub fn take_made(&mut self, unsigned: &UnsignedEvent, me: Option<PublicKey>) {
        if let Some(private) = self.made.take() {
            self.remember(unsigned.id(), private);
        }
        self.take(unsigned, me);
    }

    /// The private part of this version, as it was read before.
    pub fn remember(&mut self, version: EventId, private: Vec<Tag>) {
        if self.known.len() >= MAX_KNOWN {
            // Whichever: it is decrypted once more when it is needed.
            self.known.pop_first();
        }
        self.known.insert(version, private);
    }

    /// A version did not come about: the one before is the present one again, and is asked for too.
    pub fn undo(&mut self, unsigned: &UnsignedEvent) {
        let id = unsigned.id();
        self.history.retain(|other| other.id() != id);
        let Some(name) = name_of(unsigned) else { return };
        let Some(list) = self.lists.get_mut(&name) else { return };
        list.former.retain(|other| other.id() != id);
        if list.newest.as_ref().is_some_and(|newest| newest.id() == id) {
            let mut former = std::mem::take(&mut list.former);
            let newest = former.pop();
            let private = newest.as_ref().and_then(|newest| self.known.get(&newest.id()).cloned());
            *list = List { former, ..List::of(newest, private) };
            self.refresh(&name);
        }
    }

    /// Updates the copies of a list's entries that are looked up often.
    fn refresh(&mut self, name: &ListName) {
        self.version = self.version.wrapping_add(1);
        let Some(list) = self.lists.get(name) else { return };
        match name.0 {
            Kind::FOLLOW_LIST => self.follows = list.values("p").collect(),
            MUTE_LIST => {
                self.mutes = list.values("p").collect();
                self.muting = Muting::of(list.tags());
                self.mute_version = self.mute_version.wrapping_add(1);
            }
            _ => {}
        }
    }

    /// The next version of which the private part is to be decrypted, with its content.
    pub fn to_open(&mut self) -> Option<(EventId, String)> {
        let sealed = |list: &List| list.private == PrivatePart::Sealed;
        let name = self.lists.iter().find(|(_, list)| sealed(list)).map(|(name, _)| name.clone())?;
        let list = self.lists.get_mut(&name)?;
        list.private = PrivatePart::Opening;
        list.newest.as_ref().map(|newest| (newest.id(), newest.content.clone()))
    }

    /// The private part of this version was decrypted, or could not be. Gives that version, if it is still the present one.
    pub fn opened(&mut self, version: EventId, tags: Option<Vec<Tag>>) -> Option<UnsignedEvent> {
        let present = |list: &List| list.newest.as_ref().is_some_and(|newest| newest.id() == version);
        let name = self.lists.iter().find(|(_, list)| present(list)).map(|(name, _)| name.clone())?;
        if let Some(tags) = &tags {
            self.remember(version, tags.clone());
        }
        let list = self.lists.get_mut(&name)?;
        list.private = tags.map_or(PrivatePart::Unreadable, PrivatePart::Open);
        let newest = list.newest.clone();
        self.refresh(&name);
        newest
    }

    /// The private part of this version, to be stored with it; none where there is none or it is not known.
    pub fn private_of(&self, version: EventId) -> Option<&[Tag]> {
        self.known.get(&version).map(Vec::as_slice)
    }

    fn take_other(&mut self, unsigned: &UnsignedEvent) {
        let (person, created_at) = (unsigned.pubkey, unsigned.created_at);
        let newer = self.others.get(&person).is_none_or(|(time, _)| *time < created_at);
        if unsigned.kind == Kind::FOLLOW_LIST && newer && self.others.len() < MAX_OTHERS {
            let count = people(unsigned).collect::<SortedSet<PublicKey>>().len();
            self.others.insert(person, (created_at, count));
        }
        let newer = self.pins.get(&person).is_none_or(|(time, _)| *time < created_at);
        if unsigned.kind == PINS && newer && self.pins.len() < MAX_OTHERS {
            let pins = unsigned.tag_values("e").filter_map(|id| id.parse().ok()).take(MAX_PINS).collect();
            self.pins.insert(person, (created_at, pins));
            self.version = self.version.wrapping_add(1);
        }
    }

    /// The pinned posts of this person, the first one first.
    pub fn pins_of(&self, person: &PublicKey, me: Option<PublicKey>) -> Vec<EventId> {
        if me == Some(*person) {
            return self.posts_in(PINS).into_iter().take(MAX_PINS).collect();
        }
        self.pins.get(person).map(|(_, pins)| pins.clone()).unwrap_or_default()
    }

    /// The posts in a list, the one that was put in last first.
    pub fn posts_in(&self, kind: Kind) -> Vec<EventId> {
        let mut posts: Vec<EventId> =
            self.lists.get(&(kind, "".into())).map(|list| list.values("e").collect()).unwrap_or_default();
        posts.reverse();
        posts
    }

    /// Whether this list names it.
    pub fn has(&self, change: &ListChange) -> bool {
        self.lists.get(&change.list).is_some_and(|list| list.has(change))
    }

    /// The follow sets by their `d` tag, each with what it calls itself.
    pub fn sets(&self) -> impl Iterator<Item = (&Rc<str>, &str)> {
        let sets = self.lists.iter().filter(|((kind, _), list)| *kind == FOLLOW_SET && list.newest.is_some());
        sets.map(|((_, d), list)| (d, title_of(list).unwrap_or(d)))
    }

    /// The people of a follow set.
    pub fn people_in(&self, set: &Rc<str>) -> SortedSet<PublicKey> {
        let list = self.lists.get(&(FOLLOW_SET, Rc::clone(set)));
        list.map(|list| list.values("p").collect()).unwrap_or_default()
    }

    /// Whether one follows this person.
    pub fn follows(&self, person: &PublicKey) -> bool {
        self.follows.contains(person)
    }

    /// Whether one does not want to read this person.
    pub fn mutes(&self, person: &PublicKey) -> bool {
        self.mutes.contains(person)
    }

    /// The people whom the person follows.
    pub fn followed(&self) -> impl Iterator<Item = &PublicKey> {
        self.follows.iter()
    }

    /// The people whom the person has muted.
    pub fn muted(&self) -> impl Iterator<Item = &PublicKey> {
        self.mutes.iter()
    }

    /// How many people this other person follows, if that is known.
    pub fn count_of(&self, person: &PublicKey) -> Option<usize> {
        self.others.get(person).map(|(_, count)| *count)
    }

    /// How many people one follows.
    pub fn count(&self) -> usize {
        self.follows.len()
    }

    /// The versions of the list of those one follows, the newest first, each with its number of people.
    pub fn versions(&self) -> impl Iterator<Item = (&UnsignedEvent, usize)> {
        self.history.iter().map(|unsigned| (unsigned, people(unsigned).count()))
    }

    /// Asks for a change. It is made as soon as it can be.
    pub fn want(&mut self, change: ListChange) {
        let same = |other: &ListChange| {
            (&other.list, other.tag, &other.value) == (&change.list, change.tag, &change.value)
        };
        self.pending.retain(|other| !same(other));
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
        self.pending.iter().any(|change| change.value == person.to_string())
    }

    /// Whether the next change waits for a private part to be decrypted.
    pub fn waits_for_key(&self) -> bool {
        let list = self.pending.first().and_then(|change| self.lists.get(&change.list));
        list.is_some_and(|list| matches!(list.private, PrivatePart::Sealed | PrivatePart::Opening))
    }

    /// The next version to be signed, if a change waits and can be made.
    ///
    /// # Errors
    /// When the change belongs into a part that cannot be read here. It is dropped.
    pub fn next(&mut self, now: u64) -> Result<Option<ListDraft>, UnreadableList> {
        if self.signing || !self.loaded {
            return Ok(None);
        }
        while let Some(change) = self.pending.first().cloned() {
            let nothing = List::of(None, None);
            let list = self.lists.get(&change.list).unwrap_or(&nothing);
            let needs_private =
                if change.within { change.is_private() } else { !change.is_in(list.public()) };
            match list.private {
                PrivatePart::Sealed | PrivatePart::Opening if needs_private => return Ok(None),
                PrivatePart::Unreadable if needs_private => {
                    self.pending.remove(0);
                    return Err(UnreadableList);
                }
                _ => {}
            }
            if list.has(&change) == change.within {
                self.pending.remove(0);
                continue;
            }
            if list.newest.is_none() && !self.made_here && change.list.0 != FOLLOW_SET {
                self.asked = true;
                return Ok(None);
            }
            let draft = changed(list, &change, now);
            let open = matches!(list.private, PrivatePart::Open(_)).then(|| list.private().to_vec());
            self.made = draft.private.clone().or(open);
            self.pending.remove(0);
            self.signing = true;
            return Ok(Some(draft));
        }
        Ok(None)
    }

    /// An earlier version as the next one.
    pub fn restored(&self, id: EventId, now: u64) -> Option<EventTemplate> {
        let former = self.history.iter().find(|unsigned| unsigned.id() == id).filter(|_| self.loaded)?;
        let newest = self.lists.get(&name_of(former)?)?.newest.as_ref();
        let (tags, content) = (former.tags.clone(), former.content.clone());
        Some(EventTemplate { created_at: after(newest, now), kind: former.kind, tags, content })
    }
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
        ListChange::person(Kind::FOLLOW_LIST, person, within)
    }

    /// The next version, of a list without a private part.
    fn next(lists: &mut Lists, now: u64) -> Option<EventTemplate> {
        lists.next(now).expect("nothing is private").map(|draft| draft.template)
    }

    fn muted(word: &str, within: bool) -> ListChange {
        ListChange { list: (MUTE_LIST, "".into()), tag: "word", value: word.into(), within }
    }

    fn mute_list(created_at: u64, content: &str) -> UnsignedEvent {
        let tags = vec![Tag::new(["p", &BO.to_string()]), Tag::new(["x", "kept"])];
        EventTemplate { created_at, kind: MUTE_LIST, tags, content: content.into() }.by(ME)
    }

    #[test]
    fn what_is_for_oneself_alone_waits_until_it_was_read_and_all_else_in_it_stays() {
        let mut lists = Lists { loaded: true, ..Lists::default() };
        let sealed = mute_list(10, "sealed");
        lists.take(&sealed, Some(ME));
        lists.want(muted("spiders", true));
        assert_eq!(lists.next(20), Ok(None));
        assert_eq!(lists.to_open(), Some((sealed.id(), "sealed".into())));
        assert_eq!(lists.to_open(), None, "once");
        let kept = vec![Tag::new(["word", "snakes", "more"]), Tag::new(["odd"])];
        lists.opened(sealed.id(), Some(kept.clone()));
        let draft = lists.next(20).unwrap().unwrap();
        let mut expected = kept;
        expected.push(Tag::new(["word", "spiders"]));
        assert_eq!((&draft.template.tags, draft.private.as_ref()), (&sealed.tags, Some(&expected)));
        let signed = EventTemplate { content: "sealed anew".into(), ..draft.template }.by(ME);
        lists.signing = false;
        lists.take_made(&signed, Some(ME));
        assert!(lists.has(&muted("spiders", true)) && lists.has(&muted("snakes", true)));
        // Somebody put in or out in the part for all changes nothing in the other one.
        lists.want(ListChange::person(MUTE_LIST, ME, true));
        let draft = lists.next(30).unwrap().unwrap();
        assert_eq!((draft.template.content.as_str(), draft.private), ("sealed anew", None));
        lists.signing = false;
        lists.undo(&signed);
        assert!(!lists.has(&muted("spiders", true)) && lists.has(&muted("snakes", true)));
    }

    #[test]
    fn what_cannot_be_read_is_left_as_it_is() {
        let mut lists = Lists { loaded: true, ..Lists::default() };
        let sealed = mute_list(10, "of another program?iv=1");
        lists.take(&sealed, Some(ME));
        lists.to_open();
        lists.opened(sealed.id(), None);
        lists.want(muted("spiders", true));
        assert_eq!((lists.next(20), lists.next(20)), (Err(UnreadableList), Ok(None)), "and it is said once");
        lists.want(ListChange::person(MUTE_LIST, BO, false));
        let draft = lists.next(20).unwrap().unwrap();
        assert_eq!(draft.template.tags, sealed.tags[1..]);
        assert_eq!((draft.template.content, draft.private), (sealed.content, None));
    }

    #[test]
    fn a_follow_set_gets_its_name_and_its_people_are_for_oneself_alone() {
        let mut lists = Lists { loaded: true, ..Lists::default() };
        let change =
            ListChange { list: (FOLLOW_SET, "Family".into()), ..ListChange::person(FOLLOW_SET, BO, true) };
        lists.want(change.clone());
        let draft = lists.next(20).unwrap().unwrap();
        assert_eq!(draft.template.tags, [Tag::new(["d", "Family"]), Tag::new(["title", "Family"])]);
        lists.take_made(&draft.template.by(ME), Some(ME));
        assert_eq!(lists.sets().map(|(d, title)| (&**d, title)).collect::<Vec<_>>(), [("Family", "Family")]);
        assert!(lists.people_in(&"Family".into()).contains(&BO) && lists.has(&change));
    }

    #[test]
    fn nothing_is_made_before_the_list_was_loaded_and_everything_in_it_stays() {
        let other = PublicKey::from_bytes([3; 32]);
        let mut lists = Lists::default();
        lists.want(follow(BO, true));
        assert_eq!(next(&mut lists, 100), None);
        lists.take(&version(200, &[other]), Some(ME));
        lists.loaded = true;
        let draft = next(&mut lists, 100).expect("now it can be made");
        assert_eq!((draft.created_at, draft.content.as_str(), draft.tags.len()), (201, "relays", 3));
        assert_eq!(draft.tags[..2], version(200, &[other]).tags[..2]);
        assert_eq!(next(&mut lists, 100), None, "one at a time");
        lists.signing = false;
        lists.take(&draft.by(ME), Some(ME));
        assert!(lists.follows(&BO) && lists.follows(&other));
        lists.want(follow(BO, true));
        assert_eq!(next(&mut lists, 300), None, "it holds already");
        lists.want(follow(other, false));
        assert_eq!(next(&mut lists, 300).map(|draft| draft.tags.len()), Some(2));
    }

    #[test]
    fn a_first_list_of_a_key_from_elsewhere_waits_for_a_yes() {
        let mut lists = Lists { loaded: true, ..Lists::default() };
        lists.want(follow(BO, true));
        assert_eq!((next(&mut lists, 1), lists.asked), (None, true));
        lists.made_here = true;
        assert!(next(&mut lists, 1).is_some());
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
