//! People: the latest profile of each.

use nostrp2p_protocol::{EventId, EventTemplate, Kind, PublicKey, Tag, UnsignedEvent};

use crate::{
    profile::{Profile, ProfileForm},
    sorted_map::{SortedMap, SortedSet},
};

/// Most profiles that are held; beyond it new ones replace nothing and names stay short keys.
const MAX_PEOPLE: usize = 5_000;
/// Most people that are asked for in one question.
const ASKED_AT_ONCE: usize = 200;
/// Most profiles that wait for the node of which it is remembered what was typed.
const MAX_TYPED: usize = 10;

/// Profiles of people.
#[derive(Debug, Clone, Default)]
pub struct People {
    known: SortedMap<PublicKey, Known>,
    /// Counts the changes, so that what is drawn from names knows when they change.
    pub version: u32,
    /// People whose profiles are needed and not requested yet.
    wanted: SortedSet<PublicKey>,
    /// People whose profiles were requested on this connection.
    asked: SortedSet<PublicKey>,
    /// Whether the own profile was asked for and the answer came: before that none may be published.
    pub own_is_loaded: bool,
    /// People about whose reading the node was asked on this connection.
    reach_asked: SortedSet<PublicKey>,
    /// People who read on Nostr relays only.
    relay_only: SortedSet<PublicKey>,
    /// The content of each profile that waits for the node, and what was typed for it, in case the node refuses it.
    typed: Vec<(String, ProfileForm)>,
}

#[derive(Debug, Clone)]
struct Known {
    profile: Profile,
    tags: Vec<Tag>,
    created_at: u64,
    id: EventId,
    /// The version of all with which this one came.
    version: u32,
}

impl People {
    /// Whether the node was not asked yet how this person reads.
    pub fn asks_reach(&self, person: &PublicKey) -> bool {
        !self.reach_asked.contains(person)
    }

    /// The node is asked how these people read; bounded.
    pub fn reach_asked(&mut self, people: &[PublicKey]) {
        if self.reach_asked.len() > MAX_PEOPLE {
            self.reach_asked = SortedSet::default();
        }
        for person in people {
            self.reach_asked.insert(*person);
        }
    }

    /// These read on Nostr relays only, as far as the node knows; bounded.
    pub fn read_relays_only(&mut self, people: Vec<PublicKey>) {
        if self.relay_only.len() > MAX_PEOPLE {
            self.relay_only = SortedSet::default();
        }
        for person in people {
            self.relay_only.insert(person);
        }
    }

    /// Whether this person reads on Nostr relays only.
    pub fn reads_relays_only(&self, person: &PublicKey) -> bool {
        self.relay_only.contains(person)
    }

    /// Another connection: somebody may have got a node meanwhile.
    pub fn forget_reach(&mut self) {
        (self.reach_asked, self.relay_only) = (SortedSet::default(), SortedSet::default());
    }

    /// Takes a kind 0 event; says whether it is news.
    pub fn take(&mut self, unsigned: &UnsignedEvent) -> bool {
        let id = unsigned.id();
        let newer = |known: &Known| (unsigned.created_at, known.id) > (known.created_at, id);
        let news = match self.known.get(&unsigned.pubkey) {
            Some(known) => newer(known),
            None => self.known.len() < MAX_PEOPLE,
        };
        if news {
            let profile = Profile::parse(&unsigned.content);
            self.version = self.version.wrapping_add(1);
            let (tags, created_at, version) = (unsigned.tags.clone(), unsigned.created_at, self.version);
            self.known.insert(unsigned.pubkey, Known { profile, tags, created_at, id, version });
            self.wanted.remove(&unsigned.pubkey);
        }
        news
    }

    /// The profile of a person.
    pub fn profile(&self, pubkey: &PublicKey) -> Option<&Profile> {
        self.known.get(pubkey).map(|known| &known.profile)
    }

    /// Which version of all brought what is known of this person; 0 if nothing is.
    pub fn version_of(&self, pubkey: &PublicKey) -> u32 {
        self.known.get(pubkey).map_or(0, |known| known.version)
    }

    /// Notes that somebody is spoken of: who is not known is asked for.
    pub fn want(&mut self, pubkey: PublicKey) {
        let known = self.known.contains_key(&pubkey) || self.asked.contains(&pubkey);
        if !known && self.wanted.len() < MAX_PEOPLE {
            self.wanted.insert(pubkey);
        }
    }

    /// A new connection: who is still not known is asked for again.
    pub fn begin(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        asked.iter().for_each(|pubkey| self.want(*pubkey));
    }

    /// The people to ask for next; each is asked for once a connection.
    pub fn question(&mut self) -> Option<Vec<PublicKey>> {
        let mut people = Vec::new();
        while people.len() < ASKED_AT_ONCE
            && let Some(pubkey) = self.wanted.pop_first()
        {
            if self.asked.len() < MAX_PEOPLE {
                self.asked.insert(pubkey);
            }
            people.push(pubkey);
        }
        (!people.is_empty()).then_some(people)
    }

    /// All whose profile is known.
    pub fn all(&self) -> impl Iterator<Item = (&PublicKey, &Profile)> {
        self.known.iter().map(|(pubkey, known)| (pubkey, &known.profile))
    }

    /// The next version of the own profile: what was typed is new, all else as it was. None when nothing changes.
    pub fn edited(&self, me: &PublicKey, form: &ProfileForm, now: u64) -> Option<EventTemplate> {
        let present = self.known.get(me);
        let unknown = Profile::default();
        let content = present.map_or(&unknown, |known| &known.profile).edited(form)?;
        let tags = present.map(|known| known.tags.clone()).unwrap_or_default();
        // Of two profiles at one second the lower id wins; so the new one must not be of the same second.
        let created_at = present.map_or(0, |known| known.created_at + 1).max(now);
        Some(EventTemplate { created_at, kind: Kind::PROFILE, tags, content })
    }

    /// Notes what was typed for a version of the own profile that waits for the node.
    pub fn note_typed(&mut self, content: &str, form: ProfileForm) {
        if self.typed.len() >= MAX_TYPED {
            self.typed.remove(0);
        }
        self.typed.push((content.to_owned(), form));
    }

    /// Notes a version that waited for the node before the page was loaded: what was typed is what differs from the
    /// version before.
    pub fn take_waiting(&mut self, unsigned: &UnsignedEvent) {
        let unknown = Profile::default();
        let typed = self.profile(&unsigned.pubkey).unwrap_or(&unknown).typed(&unsigned.content);
        self.note_typed(&unsigned.content, typed);
        self.take(unsigned);
    }

    /// The form fields of a version that the node refused.
    pub fn typed_for(&mut self, content: &str) -> ProfileForm {
        let noted = self.typed.iter().position(|(typed, _)| typed == content);
        noted.map(|noted| self.typed.remove(noted).1).unwrap_or_default()
    }

    /// A version of a profile did not come about: the one before is asked for again.
    pub fn undo(&mut self, unsigned: &UnsignedEvent) {
        if self.known.get(&unsigned.pubkey).is_some_and(|known| known.id == unsigned.id()) {
            self.known.remove(&unsigned.pubkey);
            self.own_is_loaded = false;
            self.version = self.version.wrapping_add(1);
        }
    }

    /// Forgets everybody.
    pub fn clear(&mut self) {
        *self = Self { version: self.version.wrapping_add(1), ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_asked_for_once_a_connection() {
        let who = PublicKey::from_bytes([1; 32]);
        let mut people = People::default();
        people.want(who);
        assert_eq!(people.question(), Some(vec![who]));
        people.want(who);
        assert_eq!(people.question(), None);
        people.begin();
        assert_eq!(people.question(), Some(vec![who]));
        let content = r#"{"name":"a"}"#.to_owned();
        people.take(&EventTemplate { created_at: 1, kind: Kind::PROFILE, tags: vec![], content }.by(who));
        people.begin();
        assert_eq!(people.question(), None);
    }

    #[test]
    fn the_later_profile_wins_and_of_two_at_one_second_the_lower_id() {
        let who = PublicKey::from_bytes([1; 32]);
        let profile = |created_at, name: &str| {
            let content = format!(r#"{{"name":"{name}"}}"#);
            EventTemplate { created_at, kind: Kind::PROFILE, tags: vec![], content }.by(who)
        };
        let mut people = People::default();
        assert!(people.take(&profile(5, "a")));
        assert!(!people.take(&profile(5, "a")) && !people.take(&profile(4, "b")));
        assert!(people.take(&profile(6, "c")));
        let (x, y) = (profile(7, "x"), profile(7, "y"));
        let lower = if x.id() < y.id() { "x" } else { "y" };
        people.take(&x);
        people.take(&y);
        assert_eq!(people.profile(&who).and_then(|profile| profile.name.as_deref()), Some(lower));
    }
}
