//! Expiration of events (NIP-40).

use crate::{UnsignedEvent, delegation};

/// When an event expires, in seconds since 1970. Delegations are kept past their end, because an ended one revokes
/// the delegation of a node.
pub fn expires_at(unsigned: &UnsignedEvent) -> Option<u64> {
    if delegation::is_delegation(unsigned) {
        return None;
    }
    unsigned.tag_values("expiration").next()?.parse().ok()
}

/// Whether an event has ended.
pub fn is_expired(unsigned: &UnsignedEvent, now: u64) -> bool {
    expires_at(unsigned).is_some_and(|end| end <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventTemplate, Kind, PublicKey, Tag};

    #[test]
    fn an_event_ends_at_its_time_and_a_delegation_is_kept() {
        let event = |kind, tags: &[&[&str]]| {
            let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
            EventTemplate { created_at: 1, kind, tags, content: String::new() }
                .by(PublicKey::from_bytes([1; 32]))
        };
        let post = event(Kind::POST, &[&["expiration", "100"]]);
        assert!(!is_expired(&post, 99) && is_expired(&post, 100));
        assert_eq!(expires_at(&event(Kind::POST, &[&["expiration", "soon"]])), None);
        let node = ["d", "nostrp2p:node:x"];
        assert_eq!(expires_at(&event(Kind::APPLICATION_DATA, &[&node, &["expiration", "100"]])), None);
    }
}
