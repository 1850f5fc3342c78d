//! Proof of work (NIP-13): an id that begins with zero bits.
//!
//! Work is done before an event is signed: a [`Puzzle`] is an event template whose `nonce` tag is still to be found
//! by [`find_nonce`], which may run elsewhere.

use sha2::{Digest, Sha256};

use crate::{EventId, EventTemplate, PublicKey, Tag, UnsignedEvent};

/// Placeholder of the nonce during the search: as many digits as it has.
const UNKNOWN: &str = "0000000000000000";

/// The number of zero bits with which an id begins.
pub fn difficulty(id: &EventId) -> u32 {
    zeros(id.as_bytes())
}

/// The bits of work to which an event commits in its `nonce` tag, if it commits to any.
pub fn commitment(unsigned: &UnsignedEvent) -> Option<u32> {
    // ["nonce", "<counter>", "<bits>"]
    let nonce = unsigned.tags.iter().find(|tag| tag.name() == "nonce")?;
    nonce.elements().get(2)?.parse().ok()
}

/// Whether an event has the work to which it commits, if it commits to any.
pub fn keeps_commitment(id: &EventId, unsigned: &UnsignedEvent) -> bool {
    commitment(unsigned).is_none_or(|bits| difficulty(id) >= bits)
}

/// The bits of work that count: those to which an event commits, if it has them. Without that a lucky id would count.
pub fn counted(id: &EventId, unsigned: &UnsignedEvent) -> u32 {
    commitment(unsigned).filter(|bits| *bits <= difficulty(id)).unwrap_or(0)
}

fn zeros(bytes: &[u8]) -> u32 {
    let mut bits = 0;
    for byte in bytes {
        bits += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    bits
}

/// A draft that lacks nothing but its nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Puzzle {
    draft: EventTemplate,
    bits: u8,
    before: String,
    after: String,
}

impl Puzzle {
    /// Makes one of a draft that this person is going to sign. A `nonce` tag that it has goes.
    pub fn new(mut draft: EventTemplate, author: PublicKey, bits: u8) -> Self {
        draft.tags.retain(|tag| tag.name() != "nonce");
        let worked = with_nonce(draft.clone(), UNKNOWN, bits).by(author).canonical();
        // Quotes within strings are escaped, so these characters begin a tag and nothing else.
        let (before, after) = worked.split_once(&format!("[\"nonce\",\"{UNKNOWN}")).unwrap_or_default();
        let before = format!("{before}[\"nonce\",\"");
        Self { before, after: after.to_owned(), draft, bits }
    }

    /// The zero bits that are wanted, and the canonical serialisation before the nonce and after it.
    pub fn question(&self) -> (u8, &str, &str) {
        (self.bits, &self.before, &self.after)
    }

    /// The draft with its nonce, to be signed.
    pub fn solved(self, nonce: &str) -> EventTemplate {
        with_nonce(self.draft, nonce, self.bits)
    }

    /// The draft as it was.
    pub fn unsolved(self) -> EventTemplate {
        self.draft
    }
}

fn with_nonce(mut draft: EventTemplate, nonce: &str, bits: u8) -> EventTemplate {
    draft.tags.push(Tag::new(["nonce".to_owned(), nonce.to_owned(), bits.to_string()]));
    draft
}

/// Looks for the nonce that answers a [`Puzzle::question`]: 16 decimal digits. It tries 2 to the power of `bits` numbers
/// on average.
pub fn find_nonce(bits: u8, before: &str, after: &str) -> String {
    let begun = Sha256::new_with_prefix(before);
    let mut nonce = UNKNOWN.as_bytes().to_vec();
    loop {
        let hash = begun.clone().chain_update(&nonce).chain_update(after).finalize();
        if zeros(&hash) >= u32::from(bits) {
            return String::from_utf8_lossy(&nonce).into_owned();
        }
        count_up(&mut nonce);
    }
}

/// The next number in decimal digits; after the last one the first.
fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, SecretKey};

    #[test]
    fn the_vectors_of_nip_13() {
        let check = |hex: &str, expected: u32| {
            let id: EventId = hex.parse().unwrap();
            assert_eq!(difficulty(&id), expected, "{hex}");
        };
        check("000000000e9d97a1ab09fc381030b346cdd7a142ad57e6df0b46dc9bef6c7e2d", 36);
        check("002f000000000000000000000000000000000000000000000000000000000000", 10);
        check(&"0".repeat(64), 256);
        check(&"f".repeat(64), 0);
    }

    #[test]
    fn numbers_are_counted_in_digits() {
        let mut digits = *b"0989";
        let mut seen = vec![];
        for _ in 0..12 {
            count_up(&mut digits);
            seen.push(String::from_utf8_lossy(&digits).into_owned());
        }
        assert_eq!((seen[0].as_str(), seen[9].as_str(), seen[11].as_str()), ("0990", "0999", "1001"));
        let mut digits = *b"99";
        count_up(&mut digits);
        assert_eq!(&digits, b"00");
    }

    #[test]
    fn what_is_found_is_the_work_of_the_event_that_is_signed() {
        let key = SecretKey::from_bytes([7; 32]).unwrap();
        let tags = [
            vec![],
            vec![
                Tag::new(["t", "nonce"]),
                Tag::new(["nonce", "1", "40"]),
                Tag::new(["nonce\",\"0000000000000000"]),
            ],
        ];
        for tags in tags {
            for content in
                ["", "\"nonce\",\"0000000000000000", "[\"nonce\",\"0000000000000000\",\"8\"]", "語\n\\"]
            {
                let draft = EventTemplate {
                    created_at: 1,
                    kind: Kind::POST,
                    tags: tags.clone(),
                    content: content.into(),
                };
                let puzzle = Puzzle::new(draft, key.public_key(), 8);
                let (bits, before, after) = puzzle.question();
                let nonce = find_nonce(bits, before, after);
                let event = puzzle.solved(&nonce).sign(&key, &[1; 32]);
                assert!(difficulty(&event.id()) >= 8, "{content:?}");
                let nonces: Vec<_> = event.tags.iter().filter(|tag| tag.name() == "nonce").collect();
                assert_eq!(nonces, [&Tag::new(["nonce", nonce.as_str(), "8"])]);
            }
        }
    }
}
