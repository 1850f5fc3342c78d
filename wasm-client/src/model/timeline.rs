//! All posts that are here, the newest first: an unbroken run of what the node holds, and single older ones that were
//! fetched by id.

use std::cmp::Reverse;

use nostrp2p_protocol::{EventId, Kind, PublicKey, UnsignedEvent};

use super::{Window, reply};
use crate::{
    model::TimelineKey,
    sorted_map::{SortedMap, SortedSet},
};

/// Most posts of the unbroken run that are held in memory: all that the storage holds, about 6 MB.
pub const MAX_POSTS: usize = 10_000;
/// Most single older posts that are held: pages of people and threads that were opened.
pub const MAX_STRAYS: usize = 1_000;

/// All posts that are here.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// From the oldest to the newest, so that what comes in is mostly appended. Boxed, so that little moves when older
    /// ones come in before.
    posts: SortedMap<Ascending, Box<Post>>,
    /// Counts the changes of what is held, so that what is found in it knows when to be found again.
    pub version: u32,
    /// The key of each post.
    places: SortedMap<EventId, TimelineKey>,
    /// Answers by the answered event.
    answers: SortedSet<(EventId, TimelineKey)>,
    /// The repost of each event by each person.
    reposts: SortedMap<(EventId, PublicKey), EventId>,
    /// Single older posts in the order in which they came.
    strays: Vec<TimelineKey>,
    /// Nothing that the node holds since this time is missing here; 0 if nothing at all is known to be missing.
    pub since: u64,
    /// Nothing since this time is missing in the storage.
    pub kept_since: u64,
    /// Came while the person was reading further down; not drawn until asked for.
    pub unseen: SortedSet<EventId>,
    /// Which are drawn.
    pub window: Window,
    /// Whether the beginning is in sight.
    pub at_top: bool,
    /// Posts that are muted by themselves, by their conversation or by a word.
    pub muted: SortedSet<EventId>,
    /// Long posts that were unfolded.
    pub unfolded: SortedSet<EventId>,
    /// Whether the first posts are still on their way.
    pub loading: bool,
    /// How far the past has been fetched.
    pub past: Past,
    /// The last event of the node's last answer: down to it nothing is missing.
    pub answered: Option<TimelineKey>,
    /// Most events that the answer to the last question for older ones can have.
    pub asked: usize,
}

/// What people write and pass on: posts, reposts of posts and of anything (NIP-18), pictures (NIP-68), polls (NIP-88),
/// comments (NIP-22), voice and answers by voice (NIP-A0), highlights (NIP-84), articles (NIP-23).
pub const CONTENT: [Kind; 10] = [
    Kind::POST,
    Kind::REPOST,
    GENERIC_REPOST,
    Kind(20),
    Kind(1_068),
    Kind(1_111),
    Kind(1_222),
    Kind(1_244),
    Kind(9_802),
    Kind(30_023),
];
/// A repost of anything but a post (NIP-18).
pub const GENERIC_REPOST: Kind = Kind(16);

type Ascending = Reverse<TimelineKey>;

/// How far the past has been fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Past {
    /// There may be more in the storage.
    #[default]
    InStorage,
    /// The storage is being read.
    Loading,
    /// There may be more in the node.
    InNode,
    /// The node was asked.
    Fetching,
    /// There is no more.
    End,
}

/// An entry of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub enum Post {
    /// An event by its author.
    Written(UnsignedEvent),
    /// A repost (NIP-18). The event in the repost's content is not used; the target is fetched from the own node.
    Reposted {
        /// The person who reposts.
        by: PublicKey,
        /// The repost's time.
        created_at: u64,
        /// The reposted event.
        target: EventId,
    },
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            posts: SortedMap::default(),
            version: 0,
            places: SortedMap::default(),
            answers: SortedSet::default(),
            reposts: SortedMap::default(),
            strays: Vec::new(),
            since: 0,
            kept_since: 0,
            unseen: SortedSet::default(),
            muted: SortedSet::default(),
            window: Window::default(),
            at_top: true,
            unfolded: SortedSet::default(),
            loading: false,
            past: Past::default(),
            answered: None,
            asked: 0,
        }
    }
}

impl Post {
    /// The post in an event; None if it is no post.
    pub fn of(unsigned: &UnsignedEvent) -> Option<Self> {
        match unsigned.kind {
            Kind::REPOST | GENERIC_REPOST => {
                let target = unsigned.tag_values("e").next()?.parse().ok()?;
                Some(Self::Reposted { by: unsigned.pubkey, created_at: unsigned.created_at, target })
            }
            kind if CONTENT.contains(&kind) => Some(Self::Written(unsigned.clone())),
            // Of other kinds that are written once it is shown what they say of themselves (NIP-31), where somebody
            // names them.
            Kind(1_000..10_000) if unsigned.has_tag("alt") => Some(Self::Written(unsigned.clone())),
            _ => None,
        }
    }

    /// The person who wrote or reposted it.
    pub const fn author(&self) -> &PublicKey {
        match self {
            Self::Written(unsigned) => &unsigned.pubkey,
            Self::Reposted { by, .. } => by,
        }
    }

    fn answers(&self) -> Option<EventId> {
        match self {
            Self::Written(unsigned) => reply::target(unsigned),
            Self::Reposted { .. } => None,
        }
    }
}

impl Timeline {
    /// Takes a post in; says whether it is new. Beyond the bounds the oldest are let go.
    pub fn insert(&mut self, place: TimelineKey, post: Post) -> bool {
        self.version = self.version.wrapping_add(1);
        if let Some(to) = post.answers() {
            self.answers.insert((to, place));
        }
        if let Post::Reposted { by, target, .. } = &post {
            self.reposts.insert((*target, *by), place.id);
        }
        self.places.insert(place.id, place);
        let new = self.posts.insert(Reverse(place), Box::new(post)).is_none();
        if new && self.is_stray(&place) {
            self.strays.push(place);
        }
        self.let_go();
        new
    }

    fn let_go(&mut self) {
        if self.strays.len() > MAX_STRAYS {
            let place = self.strays.remove(0);
            if self.is_stray(&place) {
                self.remove(&place);
            }
        }
        if self.posts.len() > MAX_POSTS + MAX_STRAYS {
            let mut run = self.posts.keys().map(|place| place.0).filter(|place| !self.is_stray(place));
            let (last, next) = (run.next(), run.next());
            drop(run);
            if let (Some(last), Some(next)) = (last, next) {
                self.since = next.created_at();
                self.past = Past::InStorage;
                self.answered = None;
                self.remove(&last);
            }
        }
    }

    /// Takes a post out.
    pub fn remove(&mut self, place: &TimelineKey) {
        self.version = self.version.wrapping_add(1);
        match self.posts.remove(&Reverse(*place)).map(|post| *post) {
            Some(Post::Reposted { by, target, .. }) => drop(self.reposts.remove(&(target, by))),
            Some(post) => drop(post.answers().map(|to| self.answers.remove(&(to, *place)))),
            None => {}
        }
        self.places.remove(&place.id);
        self.unseen.remove(&place.id);
        self.muted.remove(&place.id);
    }

    /// Whether it is held.
    pub fn contains(&self, place: &TimelineKey) -> bool {
        self.posts.contains_key(&Reverse(*place))
    }

    /// The key of the event of this id, if it is here.
    pub fn place(&self, id: &EventId) -> Option<TimelineKey> {
        self.places.get(id).copied()
    }

    /// The entry of this id, if it is held.
    pub fn entry(&self, id: &EventId) -> Option<(&TimelineKey, &Post)> {
        let place = self.places.get(id)?;
        self.posts.get(&Reverse(*place)).map(|post| (place, &**post))
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.posts.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    /// Whether it is a single one, with posts missing between it and the unbroken run.
    pub fn is_stray(&self, place: &TimelineKey) -> bool {
        self.misses_since(place.created_at())
    }

    /// Whether posts since this time may be missing here that the node holds.
    pub fn misses_since(&self, time: u64) -> bool {
        self.past != Past::End && time < self.since
    }

    /// The unbroken run, the newest first.
    pub fn run(&self) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        self.posts().take_while(|(place, _)| !self.is_stray(place))
    }

    /// All posts, the newest first.
    pub fn posts(&self) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        self.posts_after(None)
    }

    /// All posts behind a place, the newest first; behind none all.
    pub fn posts_after(&self, after: Option<TimelineKey>) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        self.posts.below(after.map(Reverse)).rev().map(|(place, post)| (&place.0, &**post))
    }

    /// The last place of the unbroken run.
    pub fn end(&self) -> Option<TimelineKey> {
        self.posts.keys().map(|place| place.0).find(|place| !self.is_stray(place))
    }

    /// Down to where nothing is missing here, if the unbroken run ends at this place: as far as the node's answers went, or
    /// the beginning of its second, of which the storage may hold a part.
    pub fn end_of_answers(&self, end: &TimelineKey) -> TimelineKey {
        let second = end.created_at();
        let begin = TimelineKey::new(second, EventId::from_bytes([0; 32]));
        self.answered.filter(|answered| answered.created_at() <= second).unwrap_or(begin)
    }

    /// The unbroken run reaches down to this place.
    pub const fn reach(&mut self, place: &TimelineKey) {
        self.since = place.created_at();
    }

    /// Before a single older post comes in: what is here already is the unbroken run.
    pub fn mark_run(&mut self) {
        if self.since == 0
            && let Some(end) = self.end()
        {
            self.since = end.created_at();
        }
    }

    /// Shows what came meanwhile.
    pub fn show_unseen(&mut self) {
        self.unseen.clear();
    }

    /// The post of this id, if it is here.
    pub fn written(&self, id: &EventId) -> Option<&UnsignedEvent> {
        match self.entry(id)?.1 {
            Post::Written(unsigned) => Some(unsigned),
            Post::Reposted { .. } => None,
        }
    }

    /// The direct answers to this post, the oldest first.
    pub fn answers_to(&self, id: &EventId) -> impl Iterator<Item = (&TimelineKey, &Post)> {
        // A place sorts the newest first, so the last one of the stretch is the oldest.
        let first = (*id, TimelineKey::new(u64::MAX, EventId::from_bytes([0; 32])));
        let last = (*id, TimelineKey::new(0, EventId::from_bytes([0xff; 32])));
        self.answers.range(&first, &last).rev().filter_map(|(_, place)| self.entry(&place.id))
    }

    /// How many people passed this one on, as far as is known here.
    pub fn reposts_of(&self, target: &EventId) -> usize {
        let up_to = self.reposts.below(Some((*target, PublicKey::from_bytes([0xff; 32])))).rev();
        up_to.take_while(|((passed_on, _), _)| passed_on == target).count()
    }

    /// The repost of that event by this person.
    pub fn repost_by(&self, target: &EventId, by: &PublicKey) -> Option<EventId> {
        self.reposts.get(&(*target, *by)).copied()
    }

    /// Lets everything go; the reading place stays.
    pub fn clear(&mut self) {
        *self = Self { at_top: self.at_top, version: self.version.wrapping_add(1), ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::{EventTemplate, Tag};

    fn unsigned(kind: Kind, tags: Vec<Tag>) -> UnsignedEvent {
        EventTemplate { created_at: 7, kind, tags, content: "hello".into() }
            .by(PublicKey::from_bytes([1; 32]))
    }

    fn insert(timeline: &mut Timeline, time: u64) -> TimelineKey {
        let post = UnsignedEvent { created_at: time, ..unsigned(Kind::POST, vec![]) };
        let place = TimelineKey::new(time, post.id());
        timeline.insert(place, Post::Written(post));
        place
    }

    #[test]
    fn posts_and_reposts_are_entries_and_nothing_else_is() {
        assert!(matches!(Post::of(&unsigned(Kind::POST, vec![])), Some(Post::Written(_))));
        let id = "ab".repeat(32);
        let repost = Post::of(&unsigned(Kind::REPOST, vec![Tag::new(["e", &id])]));
        assert!(matches!(repost, Some(Post::Reposted { target, .. }) if target.to_string() == id));
        assert_eq!(Post::of(&unsigned(Kind::REPOST, vec![Tag::new(["e", "nonsense"])])), None);
        assert_eq!(Post::of(&unsigned(Kind::REPOST, vec![])), None);
        assert_eq!(Post::of(&unsigned(Kind::PROFILE, vec![])), None);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let mut timeline = Timeline { past: Past::End, ..Timeline::default() };
        let bound = (MAX_POSTS + MAX_STRAYS) as u64;
        for time in 0..bound + 10 {
            insert(&mut timeline, time);
        }
        assert_eq!(timeline.len(), MAX_POSTS + MAX_STRAYS);
        assert_eq!(timeline.end().map(|place| place.created_at()), Some(10));
        assert_eq!(timeline.past, Past::InStorage);
        assert_eq!(timeline.run().next().map(|(place, _)| place.created_at()), Some(bound + 9));
    }

    #[test]
    fn single_older_posts_are_bounded_too_and_do_not_count_as_read_so_far() {
        let mut timeline = Timeline { past: Past::InNode, ..Timeline::default() };
        insert(&mut timeline, 10_000);
        timeline.mark_run();
        for time in 1..=MAX_STRAYS as u64 + 5 {
            insert(&mut timeline, time);
        }
        assert_eq!((timeline.len(), timeline.run().count()), (MAX_STRAYS + 1, 1));
        assert_eq!(timeline.end().map(|place| place.created_at()), Some(10_000));
        timeline.reach(&TimelineKey::new(1_000, EventId::from_bytes([0; 32])));
        assert_eq!(timeline.end().map(|place| place.created_at()), Some(1_000));
    }

    #[test]
    fn answers_are_found_by_what_they_answer_the_oldest_first() {
        let mut timeline = Timeline::default();
        let to = EventId::from_bytes([9; 32]);
        for (time, tag) in [(30, to), (10, to), (20, EventId::from_bytes([8; 32]))] {
            let post = UnsignedEvent {
                created_at: time,
                ..unsigned(Kind::POST, vec![Tag::new(["e".to_owned(), tag.to_string()])])
            };
            timeline.insert(TimelineKey::new(time, post.id()), Post::Written(post));
        }
        let times = |timeline: &Timeline| {
            timeline.answers_to(&to).map(|(place, _)| place.created_at()).collect::<Vec<u64>>()
        };
        assert_eq!(times(&timeline), [10, 30]);
        let (place, _) = timeline.posts().next().map(|(place, post)| (*place, post.clone())).unwrap();
        timeline.remove(&place);
        assert_eq!(times(&timeline), [10]);
    }
}
