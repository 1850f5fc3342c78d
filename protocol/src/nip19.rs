//! Keys and events as people copy them: npub, nsec, note, nprofile, nevent (NIP-19, bech32).

use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use zeroize::Zeroizing;

use crate::{EventId, Kind, PublicKey, SecretKey};

/// Longest text that is tried, in characters: the longest that bech32 can check.
const MAX_CHARACTERS: usize = 1_023;
/// Most relays that are read from a pointer; the rest is left out.
const MAX_RELAYS: usize = 20;

/// Why a text is none of the NIP-19 forms that were expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNip19 {
    /// A character is missing, doubled or mistyped.
    #[error("this is not a whole {expected}: a character is missing or mistyped")]
    Checksum {
        /// The expected prefix, for instance "npub".
        expected: &'static str,
    },
    /// A valid text of another sort.
    #[error("this begins with {found}, but {expected} is needed here")]
    Prefix {
        /// The expected prefix.
        expected: &'static str,
        /// The prefix that was found.
        found: String,
    },
    /// The checksum fits, but the content does not.
    #[error("this {expected} holds no valid value")]
    Content {
        /// The expected prefix.
        expected: &'static str,
    },
}

/// A person, with relays where they may be found (`nprofile`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfilePointer {
    /// The person.
    pub pubkey: PublicKey,
    /// Relay addresses, at most 20.
    pub relays: Vec<String>,
}

/// An event, with what helps to find it (`nevent`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPointer {
    /// The event.
    pub id: EventId,
    /// Relay addresses, at most 20.
    pub relays: Vec<String>,
    /// Its author, if known.
    pub author: Option<PublicKey>,
    /// Its kind, if known and within 16 bits.
    pub kind: Option<Kind>,
}

impl PublicKey {
    /// The `npub1...` form.
    pub fn to_npub(&self) -> String {
        encode("npub", self.as_bytes())
    }

    /// Reads the `npub1...` form.
    ///
    /// # Errors
    /// When a character is wrong or it is another form.
    pub fn from_npub(text: &str) -> Result<Self, InvalidNip19> {
        decode_32("npub", text).map(|bytes| Self::from_bytes(*bytes))
    }
}

impl EventId {
    /// The `note1...` form.
    pub fn to_note(&self) -> String {
        encode("note", self.as_bytes())
    }

    /// Reads the `note1...` form.
    ///
    /// # Errors
    /// When a character is wrong or it is another form.
    pub fn from_note(text: &str) -> Result<Self, InvalidNip19> {
        decode_32("note", text).map(|bytes| Self::from_bytes(*bytes))
    }
}

impl SecretKey {
    /// The `nsec1...` form. It is the key itself: show it only to its owner.
    pub fn to_nsec(&self) -> Zeroizing<String> {
        Zeroizing::new(encode("nsec", self.to_bytes().as_slice()))
    }

    /// Reads the `nsec1...` form.
    ///
    /// # Errors
    /// When a character is wrong, it is another form, or the number is no key.
    pub fn from_nsec(text: &str) -> Result<Self, InvalidNip19> {
        let bytes = decode_32("nsec", text)?;
        Self::from_bytes(*bytes).map_err(|_| InvalidNip19::Content { expected: "nsec" })
    }
}

impl ProfilePointer {
    /// The `nprofile1...` form.
    pub fn to_nprofile(&self) -> String {
        let mut tlv = Tlv::default();
        tlv.push(0, self.pubkey.as_bytes());
        tlv.push_all(1, &self.relays);
        encode("nprofile", &tlv.0)
    }

    /// Reads the `nprofile1...` form; unknown fields are passed over.
    ///
    /// # Errors
    /// When a character is wrong, it is another form, or the public key is missing.
    pub fn from_nprofile(text: &str) -> Result<Self, InvalidNip19> {
        let expected = "nprofile";
        let bytes = decode(expected, text)?;
        let mut pubkey = None;
        let mut relays = Vec::new();
        for (field, value) in fields(&bytes) {
            match field {
                0 => pubkey = pubkey.or(PublicKey::try_from(value).ok()),
                1 => push_relay(&mut relays, value),
                _ => {}
            }
        }
        Ok(Self { pubkey: pubkey.ok_or(InvalidNip19::Content { expected })?, relays })
    }
}

impl EventPointer {
    /// The `nevent1...` form.
    pub fn to_nevent(&self) -> String {
        let mut tlv = Tlv::default();
        tlv.push(0, self.id.as_bytes());
        tlv.push_all(1, &self.relays);
        if let Some(author) = &self.author {
            tlv.push(2, author.as_bytes());
        }
        if let Some(kind) = self.kind {
            tlv.push(3, &u32::from(kind.0).to_be_bytes());
        }
        encode("nevent", &tlv.0)
    }

    /// Reads the `nevent1...` form; unknown fields are passed over.
    ///
    /// # Errors
    /// When a character is wrong, it is another form, or the id is missing.
    pub fn from_nevent(text: &str) -> Result<Self, InvalidNip19> {
        let expected = "nevent";
        let bytes = decode(expected, text)?;
        let mut id = None;
        let mut pointer = (Vec::new(), None, None);
        for (field, value) in fields(&bytes) {
            match field {
                0 => id = id.or(EventId::try_from(value).ok()),
                1 => push_relay(&mut pointer.0, value),
                2 => pointer.1 = pointer.1.or(PublicKey::try_from(value).ok()),
                3 => pointer.2 = pointer.2.or(kind(value)),
                _ => {}
            }
        }
        let (relays, author, kind) = pointer;
        Ok(Self { id: id.ok_or(InvalidNip19::Content { expected })?, relays, author, kind })
    }
}

fn kind(value: &[u8]) -> Option<Kind> {
    let number = u32::from_be_bytes(value.try_into().ok()?);
    u16::try_from(number).ok().map(Kind)
}

fn push_relay(relays: &mut Vec<String>, value: &[u8]) {
    if let (Ok(relay), true) = (std::str::from_utf8(value), relays.len() < MAX_RELAYS) {
        relays.push(relay.to_owned());
    }
}

/// Type, length, value, as NIP-19 writes them: one byte, one byte, at most 255 bytes.
#[derive(Default)]
struct Tlv(Vec<u8>);

impl Tlv {
    /// Adds a field; a value over 255 bytes has no form and is left out.
    fn push(&mut self, field: u8, value: &[u8]) {
        if let Ok(length) = u8::try_from(value.len()) {
            self.0.extend([field, length]);
            self.0.extend(value);
        }
    }

    /// Adds texts as long as the whole stays short enough for bech32.
    fn push_all(&mut self, field: u8, values: &[String]) {
        /// Leaves room for author and kind: 5 bits a character, 1,023 characters in all.
        const MAX_BYTES: usize = 560;
        for value in values.iter().take(MAX_RELAYS) {
            if self.0.len() + value.len() < MAX_BYTES {
                self.push(field, value.as_bytes());
            }
        }
    }
}

fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_at_checked(2)?;
        let [field, length] = *head else { return None };
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        bytes = rest;
        Some((field, value))
    })
}

pub(crate) fn encode(prefix: &'static str, bytes: &[u8]) -> String {
    let hrp = Hrp::parse_unchecked(prefix);
    bech32::encode::<Bech32>(hrp, bytes).expect("fixed prefix, and never more than bech32 can hold")
}

pub(crate) fn decode(expected: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, InvalidNip19> {
    let text = text.trim();
    let text = text.strip_prefix("nostr:").unwrap_or(text);
    if text.len() > MAX_CHARACTERS {
        return Err(InvalidNip19::Checksum { expected });
    }
    let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|_| InvalidNip19::Checksum { expected })?;
    let found = checked.hrp().to_lowercase();
    if found != expected {
        return Err(InvalidNip19::Prefix { expected, found });
    }
    Ok(Zeroizing::new(checked.byte_iter().collect()))
}

fn decode_32(expected: &'static str, text: &str) -> Result<Zeroizing<[u8; 32]>, InvalidNip19> {
    let bytes = decode(expected, text)?;
    bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| InvalidNip19::Content { expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples that NIP-19 itself gives.
    const NPUB: &str = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";
    const NPUB_HEX: &str = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
    const NSEC: &str = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
    const NSEC_HEX: &str = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa";
    const NPROFILE: &str = "nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p";
    const NPROFILE_HEX: &str = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d";

    #[test]
    fn the_examples_of_nip_19_read_and_write() {
        let npub = PublicKey::from_npub(NPUB).unwrap();
        assert_eq!((npub.to_string().as_str(), npub.to_npub().as_str()), (NPUB_HEX, NPUB));
        let nsec = SecretKey::from_nsec(NSEC).unwrap();
        assert_eq!(
            (hex::encode(nsec.to_bytes().as_slice()).as_str(), nsec.to_nsec().as_str()),
            (NSEC_HEX, NSEC)
        );
        let nprofile = ProfilePointer::from_nprofile(NPROFILE).unwrap();
        assert_eq!(nprofile.pubkey.to_string(), NPROFILE_HEX);
        assert_eq!(nprofile.relays, ["wss://r.x.com", "wss://djbas.sadkb.com"]);
        assert_eq!(nprofile.to_nprofile(), NPROFILE);
    }

    #[test]
    fn an_event_pointer_survives_its_text_form() {
        let pointer = EventPointer {
            id: EventId::from_bytes([5; 32]),
            relays: vec!["wss://relay.example".into()],
            author: Some(PublicKey::from_bytes([6; 32])),
            kind: Some(Kind::POST),
        };
        assert_eq!(EventPointer::from_nevent(&pointer.to_nevent()), Ok(pointer.clone()));
        assert_eq!(EventId::from_note(&pointer.id.to_note()), Ok(pointer.id));
    }

    #[test]
    fn too_many_relays_are_left_out_and_not_a_failure() {
        let pointer =
            ProfilePointer { pubkey: PublicKey::from_bytes([6; 32]), relays: vec!["r".repeat(200); 30] };
        let back = ProfilePointer::from_nprofile(&pointer.to_nprofile()).unwrap();
        assert!((1..30).contains(&back.relays.len()));
    }

    #[test]
    fn every_mistake_says_what_it_is() {
        let check = |text: &str, expected: &str| {
            assert_eq!(SecretKey::from_nsec(text).unwrap_err().to_string(), expected);
        };
        check("", "this is not a whole nsec: a character is missing or mistyped");
        check(&NSEC[..60], "this is not a whole nsec: a character is missing or mistyped");
        check(&NSEC.replace('v', "q"), "this is not a whole nsec: a character is missing or mistyped");
        check(&"a".repeat(5_000), "this is not a whole nsec: a character is missing or mistyped");
        check(NPUB, "this begins with npub, but nsec is needed here");
        check(&encode("nsec", &[0; 32]), "this nsec holds no valid value");
        check(&encode("nsec", &[1; 31]), "this nsec holds no valid value");
    }
}
