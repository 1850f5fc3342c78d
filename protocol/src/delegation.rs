//! The delegation: an event by which an owner says that a node acts for them.
//!
//! The owner's client signs it, and the node announces it. Other nodes send the owner's private events only to nodes
//! with a valid delegation. A newer delegation for the same node replaces an older one; an expired one ends it.

use crate::{
    Event, EventTemplate, Kind, PeerId, PublicKey, Tag, UnsignedEvent,
    limits::{MAX_SECONDS_AHEAD, is_ahead},
};

/// How long a delegation holds, in seconds: 90 days, so that a node that is switched off for a season recovers.
pub const LIFETIME_SECONDS: u64 = 90 * 86_400;

/// How far ahead of a receiver's clock a delegation may end, in seconds: its lifetime, and what the clocks of honest
/// people may differ. Whatever reaches further is not taken, so nobody outlasts the others by what it writes.
pub const MAX_AHEAD_SECONDS: u64 = LIFETIME_SECONDS + MAX_SECONDS_AHEAD;

/// A client signs a new one when fewer seconds than this are left.
pub const RENEW_SECONDS: u64 = 30 * 86_400;

/// Prefix of the peer id in the `d` tag.
const PREFIX: &str = "nostrp2p:node:";

/// A delegation whose signature is right. Whether it still holds is a question of the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    event: Event,
    peer: PeerId,
    expires: u64,
}

/// Why an event is no delegation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a delegation: kind 30078 with one d tag \"nostrp2p:node:<peer id>\" and an expiration tag is needed"
)]
pub struct NoDelegation;

/// The `d` tag of the delegation for a node.
pub fn identifier(peer: &PeerId) -> String {
    format!("{PREFIX}{peer}")
}

/// The draft of a delegation that holds for [`LIFETIME_SECONDS`] from `created_at` on.
pub fn draft(peer: &PeerId, created_at: u64) -> EventTemplate {
    let expires = created_at.saturating_add(LIFETIME_SECONDS);
    EventTemplate {
        created_at,
        kind: Kind::APPLICATION_DATA,
        tags: vec![
            Tag::new(["d".to_owned(), identifier(peer)]),
            Tag::new(["expiration".to_owned(), expires.to_string()]),
        ],
        content: String::new(),
    }
}

/// The draft of a delegation that has ended: so an owner takes his word back.
pub fn ended(peer: &PeerId, created_at: u64) -> EventTemplate {
    let expiration = Tag::new(["expiration".to_owned(), created_at.saturating_sub(1).to_string()]);
    EventTemplate {
        tags: vec![Tag::new(["d".to_owned(), identifier(peer)]), expiration],
        ..draft(peer, created_at)
    }
}

/// Whether an event is meant as a delegation, sound or not.
pub fn is_delegation(unsigned: &UnsignedEvent) -> bool {
    unsigned.kind == Kind::APPLICATION_DATA
        && unsigned.tag_values("d").next().is_some_and(|name| name.starts_with(PREFIX))
}

/// The node of which an event takes the owner's word back, its signature aside; None when it is no revocation.
pub fn revoked(unsigned: &UnsignedEvent) -> Option<PeerId> {
    let (peer, expires) = parts(unsigned)?;
    (expires <= unsigned.created_at).then_some(peer)
}

/// The read marker under which a node tells when it has last seen another node of its owner.
pub fn seen_marker(peer: &PeerId) -> String {
    format!("node:{peer}")
}

/// The node that such a marker is about; None when it is another one.
pub fn seen(marker: &str) -> Option<PeerId> {
    marker.strip_prefix("node:")?.parse().ok()
}

/// The node that a delegation names, and its end, its signature aside.
pub fn parts(unsigned: &UnsignedEvent) -> Option<(PeerId, u64)> {
    let peer = unsigned.tag_values("d").next()?.strip_prefix(PREFIX)?.parse().ok()?;
    let expires = unsigned.tag_values("expiration").next()?.parse().ok()?;
    (unsigned.kind == Kind::APPLICATION_DATA).then_some((peer, expires))
}

impl Delegation {
    /// Reads a delegation.
    ///
    /// # Errors
    /// When it is another event, or names no node or no end.
    pub fn from_event(event: Event) -> Result<Self, NoDelegation> {
        let (peer, expires) = parts(&event).ok_or(NoDelegation)?;
        Ok(Self { event, peer, expires })
    }

    /// The person who signed it.
    pub fn owner(&self) -> PublicKey {
        self.event.pubkey
    }

    /// The node that acts.
    pub const fn peer(&self) -> PeerId {
        self.peer
    }

    /// Until when, in seconds since 1970.
    pub const fn expires(&self) -> u64 {
        self.expires
    }

    /// Whether it may be taken at this time: it is dated at most [`MAX_SECONDS_AHEAD`] ahead, and ends at most
    /// [`MAX_AHEAD_SECONDS`] after the time of taking and after its own date.
    pub fn is_credible(&self, now: u64) -> bool {
        !is_ahead(self.created_at(), now)
            && self.expires <= now.min(self.created_at()).saturating_add(MAX_AHEAD_SECONDS)
    }

    /// Whether it had ended when it was signed: so an owner takes back what was said for this node before.
    pub fn is_revocation(&self) -> bool {
        self.expires <= self.created_at()
    }

    /// Until when it may revoke something, in seconds since 1970: no earlier word may be taken that ends later.
    pub fn matters_until(&self) -> u64 {
        self.created_at().saturating_add(MAX_AHEAD_SECONDS)
    }

    /// When it was signed, in seconds since 1970.
    pub fn created_at(&self) -> u64 {
        self.event.created_at
    }

    /// The signed event.
    pub const fn event(&self) -> &Event {
        &self.event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    #[test]
    fn a_delegation_names_node_owner_and_end() {
        let peer = PeerId::from_ed25519([5; 32]);
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let delegation = Delegation::from_event(draft(&peer, 100).sign(&key, &[0; 32])).unwrap();
        assert_eq!((delegation.peer(), delegation.owner()), (peer, key.public_key()));
        assert_eq!(delegation.expires(), 100 + LIFETIME_SECONDS);
    }

    #[test]
    fn an_ended_one_is_a_revocation_and_matters_as_long_as_what_it_revokes() {
        let (peer, key) = (PeerId::from_ed25519([5; 32]), SecretKey::from_bytes([1; 32]).unwrap());
        let word = Delegation::from_event(draft(&peer, 100).sign(&key, &[0; 32])).unwrap();
        let end = Delegation::from_event(ended(&peer, 200).sign(&key, &[0; 32])).unwrap();
        assert_eq!((revoked(word.event()), revoked(end.event())), (None, Some(peer)));
        assert!(!word.is_revocation() && end.is_revocation());
        assert!(end.matters_until() >= word.expires());
    }

    #[test]
    fn one_that_reaches_too_far_ahead_is_not_credible() {
        let (peer, key) = (PeerId::from_ed25519([5; 32]), SecretKey::from_bytes([1; 32]).unwrap());
        let credible = |created_at: u64, expires: u64, now| {
            let mut draft = draft(&peer, created_at);
            draft.tags[1] = Tag::new(["expiration".to_owned(), expires.to_string()]);
            Delegation::from_event(draft.sign(&key, &[0; 32])).unwrap().is_credible(now)
        };
        let now = 1_700_000_000;
        assert!(
            credible(now, now + MAX_AHEAD_SECONDS, now) && !credible(now, now + MAX_AHEAD_SECONDS + 1, now)
        );
        assert!(credible(now + 900, now + 901, now) && !credible(now + 901, now + 902, now));
        let old = now - 10 * LIFETIME_SECONDS;
        assert!(!credible(old, now + 10, now), "nothing is signed for years ahead");
        assert!(!credible(now, u64::MAX, now) && credible(now, now - 1, now));
    }

    #[test]
    fn other_events_are_none() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let good = draft(&PeerId::from_ed25519([5; 32]), 100);
        for draft in [
            EventTemplate { kind: Kind::POST, ..good.clone() },
            EventTemplate { tags: good.tags[..1].to_vec(), ..good.clone() },
            EventTemplate { tags: good.tags[1..].to_vec(), ..good.clone() },
            EventTemplate {
                tags: vec![Tag::new(["d", "nostrp2p:node:nobody"]), good.tags[1].clone()],
                ..good
            },
        ] {
            assert_eq!(Delegation::from_event(draft.sign(&key, &[0; 32])), Err(NoDelegation));
        }
    }
}
