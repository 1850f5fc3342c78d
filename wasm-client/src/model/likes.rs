//! Likes (NIP-25): own ones, and those of own posts. They are in memory only, and fetched once after the page opened.

use nostrp2p_protocol::{EventId, EventTemplate, Kind, PublicKey, Tag, UnsignedEvent};

use crate::sorted_map::{SortedMap, SortedSet};

/// Most likes of either sort that are held; beyond it new ones are not counted. A guess.
const MAX_LIKES: usize = 5_000;

/// Likes.
#[derive(Debug, Clone, Default)]
pub struct Likes {
    /// The person's own likes, each with its reaction once that is signed.
    mine: SortedMap<EventId, Option<EventId>>,
    /// The likes of others by their event.
    got: SortedMap<EventId, (EventId, PublicKey)>,
    /// The likes of others, each once: post and person.
    people: SortedSet<(EventId, PublicKey)>,
    counts: SortedMap<EventId, usize>,
    /// Whether everyone may see likes of people who read on Nostr relays only; none before the person was asked.
    pub public: Option<bool>,
    /// The post that is to be liked as soon as the node has said how its author reads.
    pub waiting: Option<EventId>,
    /// Whether the node has given those it holds.
    pub loaded: bool,
    /// From when on all likes of own posts are here, in seconds since 1970. A post that is older may have more.
    pub counted_since: u64,
}

/// A like of this post.
pub fn draft(id: EventId, author: &PublicKey, created_at: u64) -> EventTemplate {
    let tag = |name: &str, value: String| Tag::new([name.to_owned(), value]);
    let tags = vec![tag("e", id.to_string()), tag("p", author.to_string())];
    EventTemplate { created_at, kind: Kind::REACTION, tags, content: "+".to_owned() }
}

/// The post that a reaction is about, unless it is a dislike.
pub fn target(unsigned: &UnsignedEvent) -> Option<EventId> {
    let last = unsigned
        .tag_values("e")
        .last()
        .filter(|_| unsigned.kind == Kind::REACTION && unsigned.content != "-");
    last?.parse().ok()
}

impl Likes {
    /// Takes a reaction in; any other event changes nothing.
    pub fn take(&mut self, unsigned: &UnsignedEvent, me: Option<PublicKey>) {
        let Some(target) = target(unsigned) else { return };
        let id = unsigned.id();
        if me == Some(unsigned.pubkey) {
            self.add_mine(target, Some(id));
        } else if self.got.len() >= MAX_LIKES {
            self.counted_since = u64::MAX;
        } else if self.got.insert(id, (target, unsigned.pubkey)).is_none()
            && self.people.insert((target, unsigned.pubkey))
        {
            let count = self.count(&target);
            self.counts.insert(target, count + 1);
        }
    }

    /// Notes an own like, and by which event once that is signed.
    pub fn add_mine(&mut self, target: EventId, by: Option<EventId>) {
        if self.mine.len() < MAX_LIKES {
            self.mine.insert(target, by);
        }
    }

    /// The own like did not come about.
    pub fn remove_mine(&mut self, target: &EventId) {
        self.mine.remove(target);
    }

    /// The author of this reaction, if it is known.
    pub fn author(&self, reaction: &EventId, me: Option<&PublicKey>) -> Option<PublicKey> {
        let other = self.got.get(reaction).map(|(_, person)| *person);
        other.or_else(|| self.liked_by(reaction).and(me.copied()))
    }

    /// The target of the person's own reaction.
    fn liked_by(&self, reaction: &EventId) -> Option<EventId> {
        self.mine.iter().find(|(_, by)| by.as_ref() == Some(reaction)).map(|(target, _)| *target)
    }

    /// A reaction was taken back.
    pub fn remove(&mut self, reaction: &EventId) {
        if let Some((target, person)) = self.got.remove(reaction) {
            if self.people.remove(&(target, person)) {
                let count = self.count(&target);
                self.counts.insert(target, count.saturating_sub(1));
            }
        } else if let Some(target) = self.liked_by(reaction) {
            self.mine.remove(&target);
        }
    }

    /// The targets of the person's own likes.
    pub fn mine(&self) -> impl Iterator<Item = &EventId> {
        self.mine.iter().map(|(target, _)| target)
    }

    /// Whether the person at this page likes it.
    pub fn is_mine(&self, target: &EventId) -> bool {
        self.mine.contains_key(target)
    }

    /// The person's reaction to this target, once it is signed.
    pub fn mine_by(&self, target: &EventId) -> Option<EventId> {
        self.mine.get(target).copied().flatten()
    }

    /// How many other people like it.
    pub fn count(&self, target: &EventId) -> usize {
        self.counts.get(target).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_that_is_taken_back_counts_no_more() {
        let (me, other) = (PublicKey::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]));
        let post = EventId::from_bytes([9; 32]);
        let mut likes = Likes::default();
        let (own, theirs) = (draft(post, &me, 1).by(me), draft(post, &me, 1).by(other));
        for like in [&own, &theirs, &theirs] {
            likes.take(like, Some(me));
        }
        assert_eq!((likes.is_mine(&post), likes.count(&post)), (true, 1));
        for like in [&own, &theirs, &theirs] {
            likes.remove(&like.id());
        }
        assert_eq!((likes.is_mine(&post), likes.count(&post)), (false, 0));
    }
}
