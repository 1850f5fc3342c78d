//! Everyone's posts, the newest first.

use nostrp2p_protocol::{EventId, Kind, PublicKey, Rumor};

use crate::{
    sorted::{SortedMap, SortedSet},
    storage::Place,
};

/// Most posts that are held in memory; older ones come back from the storage.
pub const MAX_POSTS: usize = 3_000;
/// How many posts are drawn at first: a large screen full.
pub const PAGE_POSTS: usize = 30;
/// How many more are drawn each time the end comes near: few enough for one frame of a slow phone.
pub const MORE_POSTS: usize = 12;

/// Everyone's posts.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// From the oldest to the newest, so that what comes in is mostly appended.
    posts: SortedMap<Ascending, Post>,
    /// Where each post stands.
    places: SortedMap<EventId, Place>,
    /// What is reposted, by its id.
    targets: SortedMap<EventId, Rumor>,
    /// Reposted events that the node was asked for on this connection.
    pub asked: SortedSet<EventId>,
    /// Came while the person was reading further down; not drawn until asked for.
    pub unseen: SortedSet<EventId>,
    /// How many are drawn.
    pub drawn: usize,
    /// Whether the beginning is in sight.
    pub at_top: bool,
    /// Long posts that were unfolded.
    pub unfolded: SortedSet<EventId>,
    /// Posts whose exact time is shown.
    pub exact_times: SortedSet<EventId>,
    /// Whether the first posts are still on their way.
    pub loading: bool,
    /// How far the past has been fetched.
    pub past: Past,
}

type Ascending = std::cmp::Reverse<Place>;

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
    /// What its author wrote.
    Written(Rumor),
    /// What somebody passes on (NIP-18). What the repost carries as its text is another's word for it, so the
    /// target is taken from the own node.
    Reposted {
        /// Who passes it on.
        by: PublicKey,
        /// The repost's time.
        created_at: u64,
        /// What is passed on.
        target: EventId,
    },
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            posts: SortedMap::default(),
            places: SortedMap::default(),
            targets: SortedMap::default(),
            asked: SortedSet::default(),
            unseen: SortedSet::default(),
            drawn: PAGE_POSTS,
            at_top: true,
            unfolded: SortedSet::default(),
            exact_times: SortedSet::default(),
            loading: false,
            past: Past::default(),
        }
    }
}

impl Post {
    /// What an event is in a timeline; none if it is no post.
    pub fn of(rumor: &Rumor) -> Option<Self> {
        match rumor.kind {
            Kind::POST => Some(Self::Written(rumor.clone())),
            Kind::REPOST => {
                let target = rumor.tag_values("e").next()?.parse().ok()?;
                Some(Self::Reposted { by: rumor.pubkey, created_at: rumor.created_at, target })
            }
            _ => None,
        }
    }

    /// Who wrote it or passes it on.
    pub const fn author(&self) -> &PublicKey {
        match self {
            Self::Written(rumor) => &rumor.pubkey,
            Self::Reposted { by, .. } => by,
        }
    }
}

impl Timeline {
    /// Takes a post in; says whether it is new. Beyond [`MAX_POSTS`] the oldest are let go.
    pub fn insert(&mut self, place: Place, post: Post) -> bool {
        self.places.insert(place.id, place);
        let new = self.posts.insert(std::cmp::Reverse(place), post).is_none();
        if self.posts.len() > MAX_POSTS {
            if let Some((place, _)) = self.posts.pop_first() {
                self.places.remove(&place.0.id);
            }
            self.past = Past::InStorage;
        }
        new
    }

    /// Takes a post out.
    pub fn remove(&mut self, place: &Place) {
        self.posts.remove(&std::cmp::Reverse(*place));
        self.places.remove(&place.id);
        self.unseen.remove(&place.id);
    }

    /// Whether it is held.
    pub fn contains(&self, place: &Place) -> bool {
        self.posts.contains_key(&std::cmp::Reverse(*place))
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
        self.posts().filter(|(place, _)| !self.unseen.contains(&place.id)).take(self.drawn)
    }

    /// All posts, the newest first.
    pub fn posts(&self) -> impl Iterator<Item = (&Place, &Post)> {
        self.posts.iter().rev().map(|(place, post)| (&place.0, post))
    }

    /// The last place that is held.
    pub fn end(&self) -> Option<Place> {
        self.posts.keys().next().map(|place| place.0)
    }

    /// Shows what came meanwhile.
    pub fn show_unseen(&mut self) {
        self.unseen.clear();
    }

    /// The post of this id, if it is here.
    pub fn written(&self, id: &EventId) -> Option<&Rumor> {
        let post = self.places.get(id).and_then(|place| self.posts.get(&std::cmp::Reverse(*place)));
        match post {
            Some(Post::Written(rumor)) => Some(rumor),
            _ => self.targets.get(id),
        }
    }

    /// What a repost passes on, if it is here.
    pub fn target(&self, id: &EventId) -> Option<&Rumor> {
        self.targets.get(id)
    }

    /// Keeps an event that a repost passes on.
    pub fn keep_target(&mut self, id: EventId, rumor: Rumor) {
        if self.targets.len() >= MAX_POSTS {
            self.targets.pop_first();
        }
        self.targets.insert(id, rumor);
    }

    /// Lets everything go; the reading place stays.
    pub fn clear(&mut self) {
        *self = Self { at_top: self.at_top, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nostrp2p_protocol::{Draft, Tag};

    fn rumor(kind: Kind, tags: Vec<Tag>) -> Rumor {
        Draft { created_at: 7, kind, tags, content: "hello".into() }.by(PublicKey::from_bytes([1; 32]))
    }

    #[test]
    fn posts_and_reposts_are_entries_and_nothing_else_is() {
        assert!(matches!(Post::of(&rumor(Kind::POST, vec![])), Some(Post::Written(_))));
        let id = "ab".repeat(32);
        let repost = Post::of(&rumor(Kind::REPOST, vec![Tag::new(["e", &id])]));
        assert!(matches!(repost, Some(Post::Reposted { target, .. }) if target.to_string() == id));
        assert_eq!(Post::of(&rumor(Kind::REPOST, vec![Tag::new(["e", "nonsense"])])), None);
        assert_eq!(Post::of(&rumor(Kind::REPOST, vec![])), None);
        assert_eq!(Post::of(&rumor(Kind::PROFILE, vec![])), None);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let mut timeline = Timeline { drawn: usize::MAX, ..Timeline::default() };
        let post = rumor(Kind::POST, vec![]);
        for time in 0..MAX_POSTS as u64 + 10 {
            timeline.insert(Place::new(time, post.id()), Post::Written(post.clone()));
        }
        assert_eq!(timeline.len(), MAX_POSTS);
        assert_eq!(timeline.end().map(|place| place.created_at()), Some(10));
        assert_eq!(timeline.drawn().next().map(|(place, _)| place.created_at()), Some(MAX_POSTS as u64 + 9));
    }
}
