//! Events in their four states: template, unsigned, received, verified.
//!
//! Only [`UnverifiedEvent::verify`] and [`EventTemplate::sign`] make an [`Event`], so code that holds one need not
//! check it again.

mod canonical;

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::{EventId, Kind, PublicKey, PublicStatement, SecretKey, Signature, limits, verify};

/// A tag: a name and values, for instance `["p", "<public key>"]` (NIP-01).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(Vec<String>);

impl Tag {
    /// Takes the elements, the name first.
    pub fn new<T: Into<String>>(elements: impl IntoIterator<Item = T>) -> Self {
        Self(elements.into_iter().map(Into::into).collect())
    }

    /// The elements, the name first.
    pub fn elements(&self) -> &[String] {
        &self.0
    }

    /// The first element; empty for an empty tag.
    pub fn name(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The second element.
    pub fn value(&self) -> Option<&str> {
        self.0.get(1).map(String::as_str)
    }
}

/// An event without an author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTemplate {
    /// Seconds since 1970.
    pub created_at: u64,
    /// Its kind.
    pub kind: Kind,
    /// Its tags, in the order in which they are signed.
    pub tags: Vec<Tag>,
    /// Usually text; its meaning depends on the kind.
    pub content: String,
}

/// An unsigned event (the word is NIP-59's): all that its id is computed from, and what a node has stated about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsignedEvent {
    /// The author.
    pub pubkey: PublicKey,
    /// Seconds since 1970, as the author says.
    pub created_at: u64,
    /// Its kind.
    pub kind: Kind,
    /// Its tags, in the order in which they are signed.
    pub tags: Vec<Tag>,
    /// Usually text; its meaning depends on the kind.
    pub content: String,
    /// The word of a node of the author's that it is for everyone. No part of the id: it travels behind the event.
    pub statement: Option<PublicStatement>,
}

/// An event as it came from somebody: nothing is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedEvent {
    /// The id that the sender claims. The compact form sends none.
    pub claimed_id: Option<EventId>,
    /// All that the id is computed from.
    pub unsigned: UnsignedEvent,
    /// The signature that the sender claims.
    pub sig: Signature,
}

/// An event whose id and signature are right. Reads like a [`UnsignedEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    id: EventId,
    unsigned: UnsignedEvent,
    sig: Signature,
}

/// Why an event fails verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The claimed id is not the hash of the content.
    #[error("the event's id is not the hash of its content")]
    Id,
    /// The signature does not fit author and id, or the author is no point of the curve.
    #[error("the event's signature does not fit its author")]
    Signature,
    /// The statement behind the event is not by a node that acted for its author when it was written.
    #[error("no node of the event's author states that it is for everyone")]
    Statement,
}

/// Why the shape of an event is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Oversize {
    /// See [`limits::MAX_EVENT_BYTES`].
    #[error("the event is longer than {max} bytes", max = limits::MAX_EVENT_BYTES)]
    Bytes,
    /// See [`limits::MAX_TAGS`].
    #[error("the event has more than {max} tags", max = limits::MAX_TAGS)]
    Tags,
    /// See [`limits::MAX_LIST_BYTES`].
    #[error("the list is longer than {max} bytes", max = limits::MAX_LIST_BYTES)]
    ListBytes,
    /// See [`limits::MAX_LIST_TAGS`].
    #[error("the list has more than {max} tags", max = limits::MAX_LIST_TAGS)]
    ListTags,
    /// See [`limits::MAX_TAG_ELEMENTS`].
    #[error("a tag of the event is empty or has more than {max} elements", max = limits::MAX_TAG_ELEMENTS)]
    TagElements,
    /// See [`limits::MAX_CREATED_AT`].
    #[error("the event's created_at is beyond the year 285 million")]
    CreatedAt,
}

/// Why an event is refused however it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// Its shape.
    #[error(transparent)]
    Shape(Oversize),
    /// See [`limits::MAX_SECONDS_AHEAD`].
    #[error("the event is dated more than 15 minutes ahead of the clock of this machine")]
    TooNew,
}

impl EventTemplate {
    /// Makes it a person's word. `aux` are 32 fresh random bytes (BIP-340, default signing).
    pub fn sign(self, key: &SecretKey, aux: &[u8; 32]) -> Event {
        let unsigned = self.by(key.public_key());
        let id = unsigned.id();
        Event { id, sig: key.sign(&id, aux), unsigned }
    }

    /// Names the author without signing.
    pub fn by(self, pubkey: PublicKey) -> UnsignedEvent {
        let Self { created_at, kind, tags, content } = self;
        UnsignedEvent { pubkey, created_at, kind, tags, content, statement: None }
    }
}

impl UnsignedEvent {
    /// Computes the id: SHA-256 of the canonical serialisation.
    pub fn id(&self) -> EventId {
        canonical::id(self)
    }

    /// The canonical serialisation of NIP-01.
    pub fn canonical(&self) -> String {
        canonical::text(self)
    }

    /// Checks what every door checks, whoever brings an event: its shape ([`UnsignedEvent::check_shape`]), and that it is dated at
    /// most [`limits::MAX_SECONDS_AHEAD`] ahead of `now`, in seconds since 1970. One dated further ahead would stay the
    /// newest version of a profile or list until then.
    ///
    /// # Errors
    /// Names the first limit that is broken.
    pub fn check(&self, now: u64) -> Result<(), Unacceptable> {
        self.check_shape().map_err(Unacceptable::Shape)?;
        if limits::is_ahead(self.created_at, now) {
            return Err(Unacceptable::TooNew);
        }
        Ok(())
    }

    /// Checks the limits that make an event fit into frames and packets.
    ///
    /// # Errors
    /// Names the first limit that is broken.
    pub fn check_shape(&self) -> Result<(), Oversize> {
        let (tags, bytes) = limits::of_kind(self.kind);
        let list = self.kind.is_long_list();
        if self.tags.len() > tags {
            return Err(if list { Oversize::ListTags } else { Oversize::Tags });
        }
        if self.tags.iter().any(|tag| !(1..=limits::MAX_TAG_ELEMENTS).contains(&tag.elements().len())) {
            return Err(Oversize::TagElements);
        }
        if self.created_at > limits::MAX_CREATED_AT {
            return Err(Oversize::CreatedAt);
        }
        if self.size() > bytes {
            return Err(if list { Oversize::ListBytes } else { Oversize::Bytes });
        }
        Ok(())
    }

    /// Whether it is longer than events of other kinds may be. Such a list travels only to receivers that say that
    /// they read long lists; for others the whole message would be malformed.
    pub fn is_long(&self) -> bool {
        self.kind.is_long_list()
            && (self.tags.len() > limits::MAX_TAGS || self.size() > limits::MAX_EVENT_BYTES)
    }

    /// The length of the canonical serialisation in bytes, by which limits and budgets count.
    pub fn size(&self) -> usize {
        canonical::length(self)
    }

    /// The values of all tags with this name that have one.
    pub fn tag_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.tags.iter().filter(move |tag| tag.name() == name).filter_map(Tag::value)
    }

    /// Whether there is a tag with this name, with or without a value.
    pub fn has_tag(&self, name: &str) -> bool {
        self.tags.iter().any(|tag| tag.name() == name)
    }
}

impl UnverifiedEvent {
    /// The event alone, for receivers that read no statements.
    #[must_use]
    pub fn without_statement(mut self) -> Self {
        self.unsigned.statement = None;
        self
    }

    /// Checks id and signature, whatever statement is behind the event. [`UnverifiedEvent::verify`] is for everybody else.
    pub(crate) fn verify_author(self) -> Result<Event, VerifyError> {
        let id = self.unsigned.id();
        if self.claimed_id.is_some_and(|claimed| claimed != id) {
            return Err(VerifyError::Id);
        }
        if !verify::signature_fits(&self.unsigned.pubkey, &id, &self.sig) {
            return Err(VerifyError::Signature);
        }
        Ok(Event { id, unsigned: self.unsigned, sig: self.sig })
    }
}

impl Event {
    /// The hash of the content.
    pub const fn id(&self) -> EventId {
        self.id
    }

    /// The author's signature over the id.
    pub const fn sig(&self) -> &Signature {
        &self.sig
    }

    /// The event without its signature.
    pub fn into_rumor(self) -> UnsignedEvent {
        self.unsigned
    }

    /// Vouches for an event that this program itself stored after it had verified it, or had signed for it a moment ago
    /// and hands to a node that verifies it.
    ///
    /// Whatever else comes from elsewhere goes through [`UnverifiedEvent::verify`].
    pub fn trusted(event: UnverifiedEvent) -> Self {
        let id = event.claimed_id.unwrap_or_else(|| event.unsigned.id());
        Self { id, unsigned: event.unsigned, sig: event.sig }
    }
}

impl Deref for Event {
    type Target = UnsignedEvent;

    fn deref(&self) -> &UnsignedEvent {
        &self.unsigned
    }
}

impl From<Event> for UnverifiedEvent {
    fn from(event: Event) -> Self {
        Self { claimed_id: Some(event.id), unsigned: event.unsigned, sig: event.sig }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(content: &str) -> EventTemplate {
        EventTemplate { created_at: 1_700_000_000, kind: Kind::POST, tags: vec![], content: content.into() }
    }

    fn key() -> SecretKey {
        SecretKey::from_bytes([3; 32]).unwrap()
    }

    #[test]
    fn what_is_signed_verifies() {
        let event = draft("hello").sign(&key(), &[9; 32]);
        assert_eq!(UnverifiedEvent::from(event.clone()).verify(), Ok(event));
    }

    #[test]
    fn any_change_is_noticed() {
        let event = UnverifiedEvent::from(draft("hello").sign(&key(), &[9; 32]));
        let mut other_text = event.clone();
        other_text.unsigned.content = "hullo".into();
        assert_eq!(other_text.clone().verify(), Err(VerifyError::Id));
        other_text.claimed_id = None;
        assert_eq!(other_text.verify(), Err(VerifyError::Signature));
        let mut other_author = event.clone();
        other_author.claimed_id = None;
        other_author.unsigned.pubkey = PublicKey::from_bytes([0xff; 32]);
        assert_eq!(other_author.verify(), Err(VerifyError::Signature));
        let mut other_sig = event;
        other_sig.sig = Signature::from_bytes([0; 64]);
        assert_eq!(other_sig.verify(), Err(VerifyError::Signature));
    }

    #[test]
    fn shapes_beyond_the_limits_are_named() {
        let unsigned = |tags: Vec<Tag>, content: &str| UnsignedEvent {
            tags,
            content: content.into(),
            ..draft("").by(PublicKey::from_bytes([1; 32]))
        };
        assert_eq!(unsigned(vec![], "").check_shape(), Ok(()));
        assert_eq!(unsigned(vec![], &"x".repeat(70_000)).check_shape(), Err(Oversize::Bytes));
        assert_eq!(unsigned(vec![Tag::new(["x"]); 2_001], "").check_shape(), Err(Oversize::Tags));
        assert_eq!(unsigned(vec![Tag::new(vec!["x"; 101])], "").check_shape(), Err(Oversize::TagElements));
        assert_eq!(
            unsigned(vec![Tag::new(Vec::<String>::new())], "").check_shape(),
            Err(Oversize::TagElements)
        );
        let far = UnsignedEvent { created_at: u64::MAX, ..unsigned(vec![], "") };
        assert_eq!(far.check_shape(), Err(Oversize::CreatedAt));
        let dated = |created_at| UnsignedEvent { created_at, ..unsigned(vec![], "") };
        assert_eq!(dated(1_900).check(1_000), Ok(()));
        assert_eq!(dated(1_901).check(1_000), Err(Unacceptable::TooNew));
        assert_eq!(far.check(u64::MAX), Err(Unacceptable::Shape(Oversize::CreatedAt)));
    }
}
