//! Likes (NIP-25): the own ones, and those that own posts got. Held in memory and fetched once after the page opened.

use nostrp2p_protocol::{Draft, EventId, Kind, PublicKey, Rumor, Tag};

use crate::sorted::{SortedMap, SortedSet};

/// Most likes of either sort that are held; beyond it new ones are not counted. A guess.
const MAX_LIKES: usize = 5_000;

/// Who likes what.
#[derive(Debug, Clone, Default)]
pub struct Likes {
    mine: SortedSet<EventId>,
    got: SortedSet<(EventId, PublicKey)>,
    counts: SortedMap<EventId, usize>,
    /// Whether the node has given those it holds.
    pub loaded: bool,
}

/// A like of this post.
pub fn draft(id: EventId, author: &PublicKey, created_at: u64) -> Draft {
    let tag = |name: &str, value: String| Tag::new([name.to_owned(), value]);
    let tags = vec![tag("e", id.to_string()), tag("p", author.to_string())];
    Draft { created_at, kind: Kind::REACTION, tags, content: "+".to_owned() }
}

/// The post that a reaction is about, unless it is a dislike.
pub fn target(rumor: &Rumor) -> Option<EventId> {
    let last = rumor.tag_values("e").last().filter(|_| rumor.kind == Kind::REACTION && rumor.content != "-");
    last?.parse().ok()
}

impl Likes {
    /// Takes a reaction in; any other event changes nothing.
    pub fn take(&mut self, rumor: &Rumor, me: Option<PublicKey>) {
        let Some(id) = target(rumor) else { return };
        if me == Some(rumor.pubkey) {
            self.add_mine(id);
        } else if self.got.len() < MAX_LIKES && self.got.insert((id, rumor.pubkey)) {
            let count = self.count(&id);
            self.counts.insert(id, count + 1);
        }
    }

    /// Notes an own like.
    pub fn add_mine(&mut self, id: EventId) {
        if self.mine.len() < MAX_LIKES {
            self.mine.insert(id);
        }
    }

    /// The own like did not come about.
    pub fn remove_mine(&mut self, id: &EventId) {
        self.mine.remove(id);
    }

    /// Whether the person at this page likes it.
    pub fn is_mine(&self, id: &EventId) -> bool {
        self.mine.contains(id)
    }

    /// How many other people like it.
    pub fn count(&self, id: &EventId) -> usize {
        self.counts.get(id).copied().unwrap_or_default()
    }
}
