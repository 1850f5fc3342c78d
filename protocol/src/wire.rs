//! MessagePack as nostrp2p writes it: arrays instead of maps, 32-byte values as binary.
//!
//! The compact form of an event is what travels between nodes and between client and node.
//! It never holds the id, because the receiver computes that anyway. See PROTOCOL.md, "Compact events".

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned, SeqAccess, Visitor},
    ser::SerializeSeq,
};

use crate::{
    Kind, PublicKey, Rumor, Signature, Tag, UnverifiedEvent,
    bytes::is_lower_hex,
    limits::{MAX_TAG_ELEMENTS, MAX_TAGS},
};

/// Why bytes are not the message that was expected. The sender is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The MessagePack is cut off, of another type, or over a limit.
    #[error("malformed message: {0}")]
    Encoding(String),
    /// Bytes follow the message.
    #[error("malformed message: {0} bytes follow its end")]
    Trailing(usize),
    /// The message begins with a type that this version does not know.
    #[error("unknown message type {0}")]
    UnknownType(u8),
    /// The message is longer than its channel allows.
    #[error("the message has {length} bytes, {max} are allowed")]
    TooLong {
        /// Bytes received.
        length: usize,
        /// Bytes allowed.
        max: usize,
    },
}

/// Encodes a value; structures and tuples become arrays.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec(value).expect("writing to memory does not fail, and all lengths are known beforehand")
}

/// Decodes a value that takes up all of the bytes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    let mut rest = bytes;
    let value = T::deserialize(&mut rmp_serde::Deserializer::new(&mut rest))
        .map_err(|error| Malformed::Encoding(error.to_string()))?;
    match rest.len() {
        0 => Ok(value),
        rest => Err(Malformed::Trailing(rest)),
    }
}

/// Reads the type number with which a message array begins.
pub(crate) fn message_type(bytes: &[u8]) -> Result<u8, Malformed> {
    let malformed = || Malformed::Encoding("not an array that begins with a type number".to_owned());
    // A message is a short array (0x90 to 0x9f) whose first element is a positive fixint.
    match bytes {
        [header, kind @ 0..=0x7f, ..] if (0x91..=0x9f).contains(header) => Ok(*kind),
        _ => Err(malformed()),
    }
}

/// A rumor in compact form: `[pubkey, created_at, kind, tags, content]`.
#[derive(Serialize, Deserialize)]
pub(crate) struct CompactRumor(PublicKey, u64, Kind, CompactTags, String);

/// An event in compact form: a compact rumor followed by its signature.
#[derive(Serialize, Deserialize)]
pub(crate) struct CompactEvent(PublicKey, u64, Kind, CompactTags, String, Signature);

impl From<Rumor> for CompactRumor {
    fn from(rumor: Rumor) -> Self {
        let Rumor { pubkey, created_at, kind, tags, content } = rumor;
        Self(pubkey, created_at, kind, CompactTags(tags), content)
    }
}

impl From<CompactRumor> for Rumor {
    fn from(compact: CompactRumor) -> Self {
        let CompactRumor(pubkey, created_at, kind, CompactTags(tags), content) = compact;
        Self { pubkey, created_at, kind, tags, content }
    }
}

impl From<UnverifiedEvent> for CompactEvent {
    fn from(event: UnverifiedEvent) -> Self {
        let CompactRumor(pubkey, created_at, kind, tags, content) = event.rumor.into();
        Self(pubkey, created_at, kind, tags, content, event.sig)
    }
}

impl From<CompactEvent> for UnverifiedEvent {
    fn from(compact: CompactEvent) -> Self {
        let CompactEvent(pubkey, created_at, kind, tags, content, sig) = compact;
        Self { claimed_id: None, rumor: CompactRumor(pubkey, created_at, kind, tags, content).into(), sig }
    }
}

impl UnverifiedEvent {
    /// Encodes the compact form: `[pubkey, created_at, kind, tags, content, sig]`.
    pub fn to_compact(&self) -> Vec<u8> {
        encode(&CompactEvent::from(self.clone()))
    }

    /// Decodes the compact form.
    ///
    /// # Errors
    /// When the bytes are cut off, go on after the event, or hold anything else.
    pub fn from_compact(bytes: &[u8]) -> Result<Self, Malformed> {
        decode::<CompactEvent>(bytes).map(Into::into)
    }
}

pub(crate) struct CompactTags(Vec<Tag>);

impl Serialize for CompactTags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|tag| CompactTag(tag.clone())))
    }
}

impl<'de> Deserialize<'de> for CompactTags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tags;
        impl<'de> Visitor<'de> for Tags {
            type Value = CompactTags;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an array of at most {MAX_TAGS} tags")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<CompactTags, A::Error> {
                let mut tags = Vec::new();
                while let Some(CompactTag(tag)) = seq.next_element()? {
                    if tags.len() == MAX_TAGS {
                        return Err(de::Error::invalid_length(MAX_TAGS + 1, &self));
                    }
                    tags.push(tag);
                }
                Ok(CompactTags(tags))
            }
        }
        deserializer.deserialize_seq(Tags)
    }
}

/// A tag whose 32-byte value travels as binary.
struct CompactTag(Tag);

/// The tags whose value is a public key or an event id, so that its hex form may travel as binary.
fn holds_bytes(name: &str) -> bool {
    matches!(name, "e" | "p" | "q")
}

impl Serialize for CompactTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let elements = self.0.elements();
        let binary = holds_bytes(self.0.name());
        let mut seq = serializer.serialize_seq(Some(elements.len()))?;
        for (index, element) in elements.iter().enumerate() {
            match hex::decode(element) {
                Ok(bytes) if binary && index == 1 && is_lower_hex(element, 64) => {
                    seq.serialize_element(serde_bytes::Bytes::new(&bytes))?;
                }
                _ => seq.serialize_element(element)?,
            }
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for CompactTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = CompactTag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a tag of at most {MAX_TAG_ELEMENTS} elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<CompactTag, A::Error> {
                let mut elements: Vec<String> = Vec::new();
                while let Some(element) = seq.next_element::<Element>()? {
                    let index = elements.len();
                    if index == MAX_TAG_ELEMENTS {
                        return Err(de::Error::invalid_length(index + 1, &self));
                    }
                    let binary_allowed = index == 1 && elements.first().is_some_and(|name| holds_bytes(name));
                    match element {
                        Element::Text(text) => elements.push(text),
                        Element::Binary(bytes) if binary_allowed => elements.push(hex::encode(bytes)),
                        Element::Binary(_) => {
                            return Err(de::Error::custom("binary stands only second in e, p and q tags"));
                        }
                    }
                }
                Ok(CompactTag(Tag::new(elements)))
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

enum Element {
    Text(String),
    Binary([u8; 32]),
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOf;
        impl Visitor<'_> for OneOf {
            type Value = Element;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or 32 bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Element, E> {
                Ok(Element::Text(text.to_owned()))
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Element, E> {
                bytes.try_into().map(Element::Binary).map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_any(OneOf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, Event, SecretKey};

    fn event() -> Event {
        let id = "00ff".repeat(16);
        let tags = vec![
            Tag::new(["e", &id, "", "root"]),
            Tag::new(["p", &id.to_uppercase()]),
            Tag::new(["t", &id]),
            Tag::new(["q"]),
        ];
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        Draft { created_at: 1_700_000_000, kind: Kind::POST, tags, content: "héllo".into() }
            .sign(&key, &[2; 32])
    }

    #[test]
    fn an_event_survives_its_compact_form() {
        let bytes = UnverifiedEvent::from(event()).to_compact();
        let back = UnverifiedEvent::from_compact(&bytes).unwrap();
        assert_eq!(back.claimed_id, None);
        assert_eq!(back.verify(), Ok(event()));
    }

    #[test]
    fn only_lower_case_hex_in_e_p_and_q_tags_becomes_binary() {
        let bytes = UnverifiedEvent::from(event()).to_compact();
        let binary = [0x00, 0xff].repeat(16);
        let upper = "00FF".repeat(16);
        let count = |needle: &[u8]| bytes.windows(needle.len()).filter(|window| *window == needle).count();
        assert_eq!(count(&binary), 1);
        assert_eq!(count(upper.as_bytes()), 1);
        assert_eq!(count("00ff".repeat(16).as_bytes()), 1);
    }

    #[test]
    fn every_truncation_and_every_extension_is_an_error() {
        let bytes = UnverifiedEvent::from(event()).to_compact();
        for length in 0..bytes.len() {
            assert!(UnverifiedEvent::from_compact(&bytes[..length]).is_err(), "{length} bytes");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(UnverifiedEvent::from_compact(&longer), Err(Malformed::Trailing(1)));
    }

    #[test]
    fn a_claimed_length_alone_allocates_nothing() {
        // An array of 2^32-1 tags, and a string of 2^32-1 bytes, in a message of a few bytes.
        let head = [&[0x96, 0xc4, 32][..], &[1; 32], &[1, 1]].concat();
        for tail in [&[0xdd, 0xff, 0xff, 0xff, 0xff][..], &[0x90, 0xdb, 0xff, 0xff, 0xff, 0xff]] {
            assert!(UnverifiedEvent::from_compact(&[&head, tail].concat()).is_err());
        }
    }
}
