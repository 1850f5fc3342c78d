//! MessagePack as nostrp2p writes it: arrays instead of maps, 32-byte values as binary.
//!
//! The compact form of an event is what travels between nodes and between client and node.
//! It never holds the id, because the receiver computes that anyway. See PROTOCOL.md, "Compact events".

use crate::{
    Kind, Malformed, PublicKey, PublicStatement, Signature, Tag, UnsignedEvent, UnverifiedEvent,
    bytes::is_lower_hex,
    limits::{self, MAX_TAG_ELEMENTS},
    msgpack::{Input, Piece, Read, Write, write_array, write_binary, write_text},
};

/// Encodes a value; tuples become arrays.
pub(crate) fn encode(value: &impl Write) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.write(&mut bytes);
    bytes
}

/// Decodes a value that takes up all of the bytes.
pub(crate) fn decode<T: Read>(bytes: &[u8]) -> Result<T, Malformed> {
    let mut input = Input::new(bytes);
    let value = T::read(&mut input)?;
    match input.len() {
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

/// A unsigned event in compact form: `[pubkey, created_at, kind, tags, content]`, and true behind it if a statement says that
/// it is for everyone.
pub(crate) struct CompactUnsigned(PublicKey, u64, Kind, CompactTags, String, bool);

/// An event in compact form: a compact unsigned event followed by its signature, and by a statement if there is one.
pub(crate) struct CompactEvent(CompactUnsigned, Signature, Option<PublicStatement>);

impl CompactUnsigned {
    fn write_fields(&self, out: &mut Vec<u8>) {
        let Self(pubkey, created_at, kind, tags, content, _) = self;
        pubkey.write(out);
        created_at.write(out);
        kind.write(out);
        tags.write(out);
        content.write(out);
    }

    fn read_fields(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let (pubkey, created_at, kind) = (Read::read(input)?, Read::read(input)?, Read::read(input)?);
        Ok(Self(pubkey, created_at, kind, CompactTags::read_of(kind, input)?, Read::read(input)?, false))
    }
}

impl Write for CompactUnsigned {
    fn write(&self, out: &mut Vec<u8>) {
        write_array(out, if self.5 { 6 } else { 5 });
        self.write_fields(out);
        if self.5 {
            true.write(out);
        }
    }
}

impl Read for CompactUnsigned {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let stated = match input.array()? {
            5 => false,
            6 => true,
            other => return Err(Malformed::Encoding(format!("an event of {other} elements"))),
        };
        let mut unsigned = Self::read_fields(input)?;
        if stated {
            unsigned.5 = bool::read(input)?;
        }
        Ok(unsigned)
    }
}

impl Write for CompactEvent {
    fn write(&self, out: &mut Vec<u8>) {
        write_array(out, if self.2.is_some() { 7 } else { 6 });
        self.0.write_fields(out);
        self.1.write(out);
        if let Some(statement) = &self.2 {
            statement.write(out);
        }
    }
}

impl Read for CompactEvent {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let stated = event_array(input)?;
        let (unsigned, sig) = (CompactUnsigned::read_fields(input)?, Signature::read(input)?);
        let statement = if stated { Some(PublicStatement::read(input)?) } else { None };
        Ok(Self(unsigned, sig, statement))
    }
}

/// Reads the head of an event; says whether a statement comes last.
fn event_array(input: &mut Input<'_>) -> Result<bool, Malformed> {
    match input.array()? {
        6 => Ok(false),
        7 => Ok(true),
        other => Err(Malformed::Encoding(format!("an event of {other} elements"))),
    }
}

impl From<UnsignedEvent> for CompactUnsigned {
    fn from(unsigned: UnsignedEvent) -> Self {
        let UnsignedEvent { pubkey, created_at, kind, tags, content, statement } = unsigned;
        Self(pubkey, created_at, kind, CompactTags(tags), content, statement.is_some())
    }
}

impl From<CompactUnsigned> for UnsignedEvent {
    fn from(compact: CompactUnsigned) -> Self {
        let CompactUnsigned(pubkey, created_at, kind, CompactTags(tags), content, stated) = compact;
        let statement = stated.then(PublicStatement::mark);
        Self { pubkey, created_at, kind, tags, content, statement }
    }
}

impl From<UnverifiedEvent> for CompactEvent {
    fn from(mut event: UnverifiedEvent) -> Self {
        let statement = event.unsigned.statement.take();
        Self(event.unsigned.into(), event.sig, statement)
    }
}

impl From<CompactEvent> for UnverifiedEvent {
    fn from(compact: CompactEvent) -> Self {
        let CompactEvent(unsigned, sig, statement) = compact;
        let unsigned = UnsignedEvent { statement, ..unsigned.into() };
        Self { claimed_id: None, unsigned, sig }
    }
}

impl UnverifiedEvent {
    /// Encodes the compact form: `[pubkey, created_at, kind, tags, content, sig]`, and a statement behind it if there is one.
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

    /// Reads author, `created_at` and kind from the beginning of the compact form, and looks at nothing behind that.
    ///
    /// # Errors
    /// When the beginning is not one of an event.
    pub fn beginning_of_compact(bytes: &[u8]) -> Result<(PublicKey, u64, Kind), Malformed> {
        let mut input = Input::new(bytes);
        event_array(&mut input)?;
        Ok((Read::read(&mut input)?, Read::read(&mut input)?, Read::read(&mut input)?))
    }
}

pub(crate) struct CompactTags(Vec<Tag>);

impl Write for CompactTags {
    fn write(&self, out: &mut Vec<u8>) {
        Self::write_all(&self.0, out);
    }
}

impl CompactTags {
    /// Writes the tags of an event.
    pub(crate) fn write_all(tags: &[Tag], out: &mut Vec<u8>) {
        write_array(out, tags.len());
        tags.iter().for_each(|tag| write_tag(out, tag));
    }

    /// Reads what [`CompactTags::write_all`] wrote.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn read_all(kind: Kind, input: &mut Input<'_>) -> Result<Vec<Tag>, Malformed> {
        Self::read_of(kind, input).map(|Self(tags)| tags)
    }

    /// Reads the tags of an event of this kind.
    fn read_of(kind: Kind, input: &mut Input<'_>) -> Result<Self, Malformed> {
        let length = input.array()?;
        let (most, _) = limits::of_kind(kind);
        if length > most {
            return Err(Malformed::Encoding(format!("more than {most} tags")));
        }
        // Nothing is reserved: the length is only claimed.
        let mut tags = Vec::new();
        for _ in 0..length {
            tags.push(read_tag(input)?);
        }
        Ok(Self(tags))
    }
}

/// The tags whose value is a public key or an event id, so that its hex form may travel as binary.
fn holds_bytes(name: &str) -> bool {
    matches!(name, "e" | "p" | "q")
}

/// Writes a tag; a 32-byte value travels as binary.
fn write_tag(out: &mut Vec<u8>, tag: &Tag) {
    let elements = tag.elements();
    let binary = holds_bytes(tag.name());
    write_array(out, elements.len());
    for (index, element) in elements.iter().enumerate() {
        let mut bytes = [0; 32];
        let is_bytes = binary && index == 1 && is_lower_hex(element, 64);
        if is_bytes && hex::decode_to_slice(element, &mut bytes).is_ok() {
            write_binary(out, &bytes);
        } else {
            write_text(out, element);
        }
    }
}

fn read_tag(input: &mut Input<'_>) -> Result<Tag, Malformed> {
    let length = input.array()?;
    if length > MAX_TAG_ELEMENTS {
        return Err(Malformed::Encoding(format!("a tag has more than {MAX_TAG_ELEMENTS} elements")));
    }
    let mut elements: Vec<String> = Vec::new();
    for index in 0..length {
        elements.push(match input.piece()? {
            Piece::Text(text) => text.to_owned(),
            Piece::Binary(bytes)
                if index == 1
                    && bytes.len() == 32
                    && elements.first().is_some_and(|name| holds_bytes(name)) =>
            {
                hex::encode(bytes)
            }
            Piece::Binary(_) => {
                let reason = "binary stands only second in e, p and q tags, and has 32 bytes";
                return Err(Malformed::Encoding(reason.to_owned()));
            }
        });
    }
    Ok(Tag::new(elements))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, EventTemplate, SecretKey};

    fn event() -> Event {
        let id = "00ff".repeat(16);
        let tags = vec![
            Tag::new(["e", &id, "", "root"]),
            Tag::new(["p", &id.to_uppercase()]),
            Tag::new(["t", &id]),
            Tag::new(["q"]),
        ];
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        EventTemplate { created_at: 1_700_000_000, kind: Kind::POST, tags, content: "héllo".into() }
            .sign(&key, &[2; 32])
    }

    #[test]
    fn an_event_survives_its_compact_form() {
        let bytes = UnverifiedEvent::from(event()).to_compact();
        let back = UnverifiedEvent::from_compact(&bytes).unwrap();
        assert_eq!(back.claimed_id, None);
        assert_eq!(back.verify(), Ok(event()));
        let beginning = UnverifiedEvent::beginning_of_compact(&bytes);
        assert_eq!(beginning, Ok((event().pubkey, event().created_at, event().kind)));
        assert!(UnverifiedEvent::beginning_of_compact(&bytes[..36]).is_err());
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
