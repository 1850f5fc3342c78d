//! Events that their own author has deleted (NIP-09), so that they do not come back.

use nostrp2p_protocol::{EventId, EventTemplate, Kind, PublicKey, Tag, UnsignedEvent};

use crate::sorted_map::SortedSet;

/// Most deletions that are remembered; beyond it new ones still take out what is here. A guess.
const MAX_DELETED: usize = 10_000;

/// Deleted events, each with the person who deleted it: nobody can delete what another wrote.
#[derive(Debug, Clone, Default)]
pub struct Deleted(SortedSet<(EventId, PublicKey)>);

/// A deletion of an event of this kind.
pub fn draft(id: EventId, kind: Kind, created_at: u64) -> EventTemplate {
    let tag = |name: &str, value: String| Tag::new([name.to_owned(), value]);
    let tags = vec![tag("e", id.to_string()), tag("k", kind.0.to_string())];
    EventTemplate { created_at, kind: Kind::DELETION, tags, content: String::new() }
}

/// The events that a deletion names; none if it is another event.
pub fn targets(unsigned: &UnsignedEvent) -> impl Iterator<Item = EventId> {
    let named = (unsigned.kind == Kind::DELETION).then(|| unsigned.tag_values("e"));
    named.into_iter().flatten().filter_map(|id| id.parse().ok())
}

impl Deleted {
    /// Remembers a deletion.
    pub fn take(&mut self, unsigned: &UnsignedEvent) {
        for id in targets(unsigned) {
            if self.0.len() < MAX_DELETED {
                self.0.insert((id, unsigned.pubkey));
            }
        }
    }

    /// A deletion did not come about.
    pub fn forget(&mut self, id: &EventId, author: &PublicKey) {
        self.0.remove(&(*id, *author));
    }

    /// Whether this event was deleted by its author.
    pub fn contains(&self, id: &EventId, author: &PublicKey) -> bool {
        self.0.contains(&(*id, *author))
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_authors_own_events_are_deleted() {
        let (author, other) = (PublicKey::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]));
        let id = EventId::from_bytes([9; 32]);
        let mut deleted = Deleted::default();
        deleted.take(&draft(id, Kind::POST, 7).by(other));
        assert!(!deleted.contains(&id, &author) && deleted.contains(&id, &other));
        let mut broken = draft(id, Kind::POST, 7).by(author);
        broken.kind = Kind::REACTION;
        deleted.take(&broken);
        assert!(!deleted.contains(&id, &author), "only a deletion deletes");
    }
}
