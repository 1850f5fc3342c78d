//! Everyone's posts, the newest first.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{EventId, Kind, PublicKey, Rumor, UnverifiedEvent};

use crate::storage::Place;

/// Most posts that are held in memory; older ones come back from the storage.
pub const MAX_POSTS: usize = 3_000;
/// How many posts are drawn at first, and how many more each time the end comes near.
pub const PAGE_POSTS: usize = 40;

/// Everyone's posts.
#[derive(Debug, Clone)]
pub struct Timeline {
    posts: BTreeMap<Place, Post>,
    /// Came while the person was reading further down; not drawn until asked for.
    pub unseen: BTreeSet<Place>,
    /// How many are drawn.
    pub drawn: usize,
    /// Whether the beginning is in sight.
    pub at_top: bool,
    /// Long posts that were unfolded.
    pub unfolded: BTreeSet<EventId>,
    /// Posts whose exact time is shown.
    pub exact_times: BTreeSet<EventId>,
    /// Whether the first posts are still on their way.
    pub loading: bool,
    /// How far the past has been fetched.
    pub past: Past,
}

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

/// What is shown as a post.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// Whom and what it shows: the post itself, or the one that is reposted.
    pub shown: Rumor,
    /// Id of what is shown.
    pub shown_id: EventId,
    /// Who reposted it, if it is a repost.
    pub reposted_by: Option<PublicKey>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            posts: BTreeMap::new(),
            unseen: BTreeSet::new(),
            drawn: PAGE_POSTS,
            at_top: true,
            unfolded: BTreeSet::new(),
            exact_times: BTreeSet::new(),
            loading: false,
            past: Past::default(),
        }
    }
}

impl Post {
    /// What an event shows in a timeline; none if it is no post.
    ///
    /// The text of a repost (NIP-18) comes from a stranger by way of another, so it is verified here.
    pub fn of(rumor: &Rumor) -> Option<Self> {
        match rumor.kind {
            Kind::POST => Some(Self { shown: rumor.clone(), shown_id: rumor.id(), reposted_by: None }),
            Kind::REPOST => {
                let inner: UnverifiedEvent = serde_json::from_str(&rumor.content).ok()?;
                let inner = inner.verify().ok().filter(|inner| inner.kind == Kind::POST)?;
                Some(Self {
                    shown_id: inner.id(),
                    shown: inner.into_rumor(),
                    reposted_by: Some(rumor.pubkey),
                })
            }
            _ => None,
        }
    }

    /// Whether it answers another post (NIP-10).
    pub fn is_reply(&self) -> bool {
        self.shown.has_tag("e")
    }
}

impl Timeline {
    /// Takes a post in; says whether it is new. Beyond [`MAX_POSTS`] the oldest are let go.
    pub fn insert(&mut self, place: Place, post: Post) -> bool {
        let new = self.posts.insert(place, post).is_none();
        if self.posts.len() > MAX_POSTS {
            self.posts.pop_last();
            self.past = Past::InStorage;
        }
        new
    }

    /// Takes a post out.
    pub fn remove(&mut self, place: &Place) {
        self.posts.remove(place);
        self.unseen.remove(place);
    }

    /// Whether it is held.
    pub fn contains(&self, place: &Place) -> bool {
        self.posts.contains_key(place)
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.posts.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.posts.is_empty()
    }

    /// The posts to draw, the newest first.
    pub fn drawn(&self) -> impl Iterator<Item = (&Place, &Post)> {
        self.posts.iter().filter(|(place, _)| !self.unseen.contains(place)).take(self.drawn)
    }

    /// All posts, the newest first.
    pub fn posts(&self) -> impl Iterator<Item = (&Place, &Post)> {
        self.posts.iter()
    }

    /// The last place that is held.
    pub fn end(&self) -> Option<Place> {
        self.posts.last_key_value().map(|(place, _)| *place)
    }

    /// Shows what came meanwhile.
    pub fn show_unseen(&mut self) {
        self.unseen.clear();
    }

    /// Lets everything go; the drawing place stays.
    pub fn clear(&mut self) {
        *self = Self { at_top: self.at_top, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::{Draft, SecretKey};

    fn event(kind: Kind, content: &str) -> nostrp2p_protocol::Event {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        Draft { created_at: 7, kind, tags: vec![], content: content.into() }.sign(&key, &[0; 32])
    }

    #[test]
    fn a_repost_shows_what_it_carries_if_that_is_genuine() {
        let inner = event(Kind::POST, "hello");
        let json = serde_json::to_string(&inner).unwrap();
        let post = Post::of(&event(Kind::REPOST, &json)).unwrap();
        assert_eq!((post.shown_id, post.reposted_by), (inner.id(), Some(inner.pubkey)));
        assert_eq!(Post::of(&event(Kind::REPOST, &json.replace("hello", "hullo"))), None);
        assert_eq!(Post::of(&event(Kind::REPOST, "")), None);
        assert_eq!(Post::of(&event(Kind::PROFILE, "{}")), None);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let mut timeline = Timeline { drawn: usize::MAX, ..Timeline::default() };
        let post = Post::of(&event(Kind::POST, "hello")).unwrap();
        for time in 0..MAX_POSTS as u64 + 10 {
            timeline.insert(Place::new(time, post.shown_id), post.clone());
        }
        assert_eq!(timeline.len(), MAX_POSTS);
        assert_eq!(timeline.end().map(|place| place.created_at()), Some(10));
        assert_eq!(timeline.drawn().next().map(|(place, _)| place.created_at()), Some(MAX_POSTS as u64 + 9));
    }
}
