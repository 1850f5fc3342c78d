//! The rows by which events are found.
//!
//! A row is `[sort, key..., created_at, sequence]`, all big-endian, so that byte order is order in time and a
//! range of one key can be read backwards for "the newest first". The last 16 bytes are the same in all rows.
//!
//! | sort | key |
//! |---|---|
//! | 0 | none: all events |
//! | 1 | first 16 bytes of the author, kind (2) |
//! | 2 | kind (2); of posts, comments and voice answers (1, 1111, 1244) those for some people |
//! | 3 | tag letter (1), first 16 bytes of SHA-256 of the value |
//! | 4 | first 16 bytes of the author, kind (2), first 16 bytes of SHA-256 of the `d` tag, of addressable events |
//! | 5 | none: posts (kind 1) for everyone |
//! | 6 | kind (2): comments and voice answers (1111, 1244) for everyone |
//!
//! Strangers read rows of sorts 5 and 6 and of kinds that are public, so no number of private events costs them or this node
//! anything.
//!
//! What an author has written of all kinds is found kind by kind: [`kinds_of`] leaps from one to the next. A row for it
//! besides would cost every event a page somewhere in the file.

use nostrp2p_protocol::{
    Kind, PublicKey, UnsignedEvent,
    event_policy::{EventAddress, address_of, is_conversation, is_for_everyone},
};
use sha2::{Digest, Sha256};

use super::rows::{FindRows, Rows};

/// Bytes of `created_at` and sequence number at the end of each row.
const TAIL: usize = 16;
/// Bytes of an author in a row. Two authors with the same would be found together, and the events tell them apart.
const AUTHOR: usize = 16;

/// Puts all rows of an event in.
pub(super) fn add(rows: &mut Rows<'_>, unsigned: &UnsignedEvent, sequence: u64) -> Result<(), redb::Error> {
    index_rows(unsigned, sequence).into_iter().try_for_each(|row| rows.insert(row))
}

/// Removes all rows of an event.
pub(super) fn remove(
    rows: &mut Rows<'_>,
    unsigned: &UnsignedEvent,
    sequence: u64,
) -> Result<(), redb::Error> {
    index_rows(unsigned, sequence).into_iter().try_for_each(|row| rows.remove(row))
}

/// The beginning of the rows of one key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prefix(Vec<u8>);

impl Prefix {
    pub(super) fn all() -> Self {
        Self(vec![0])
    }

    pub(super) fn author_kind(author: &PublicKey, kind: Kind) -> Self {
        let mut prefix = vec![1];
        prefix.extend(author.as_bytes().iter().take(AUTHOR));
        prefix.extend(kind.0.to_be_bytes());
        Self(prefix)
    }

    /// Events of a kind; of one that is for everyone or for some, those for some people.
    pub(super) fn kind(kind: Kind) -> Self {
        Self([&[2], kind.0.to_be_bytes().as_slice()].concat())
    }

    /// All events of a kind, in one or two parts.
    pub(super) fn all_of_kind(kind: Kind) -> impl Iterator<Item = Self> {
        let public = Self::public(kind);
        [Self::kind(kind)].into_iter().chain((public != Self::kind(kind)).then_some(public))
    }

    /// Events of a kind, of one that is for everyone or for some those for everyone.
    pub(super) fn public(kind: Kind) -> Self {
        match kind {
            Kind::POST => Self(vec![5]),
            kind if is_conversation(kind) => Self([&[6], kind.0.to_be_bytes().as_slice()].concat()),
            kind => Self::kind(kind),
        }
    }

    /// The event with this address, or very few of them.
    pub(super) fn address(address: &EventAddress) -> Self {
        let Self(mut prefix) = Self::author_kind(&address.author, address.kind);
        if address.kind.is_addressable() {
            prefix.splice(..1, [4]);
            prefix.extend(Sha256::digest(address.identifier.as_bytes()).into_iter().take(16));
        }
        Self(prefix)
    }

    pub(super) fn tag(letter: char, value: &str) -> Option<Self> {
        let letter = u8::try_from(letter).ok()?;
        let hash = Sha256::digest(value.as_bytes());
        Some(Self([&[3, letter], hash.get(..16)?].concat()))
    }

    /// The rows of this key from `since` to `until`, both inclusive.
    pub(super) fn range(&self, since: u64, until: u64) -> (Vec<u8>, Vec<u8>) {
        (self.row(since, 0), self.row(until, u64::MAX))
    }

    pub(super) fn row(&self, created_at: u64, sequence: u64) -> Vec<u8> {
        [self.0.as_slice(), &created_at.to_be_bytes(), &sequence.to_be_bytes()].concat()
    }
}

/// The kinds of which an author has something, the lowest first, `most` at most.
pub(super) fn kinds_of(
    rows: &impl FindRows,
    author: &PublicKey,
    most: usize,
) -> Result<Vec<Kind>, redb::Error> {
    let (_, last) = Prefix::author_kind(author, Kind(u16::MAX)).range(0, u64::MAX);
    let mut kinds = Vec::new();
    let mut next = Some(Kind(0));
    while let Some(from) = next.filter(|_| kinds.len() < most) {
        let (first, _) = Prefix::author_kind(author, from).range(0, 0);
        let mut rows = rows.forwards(&(first, last.clone()))?;
        let Some(row) = rows.next()? else { break };
        let kind = row.get(1 + AUTHOR..).and_then(|rest| rest.first_chunk().copied());
        // Only a damaged disk has shorter rows.
        let Some(kind) = kind.map(u16::from_be_bytes).filter(|kind| *kind >= from.0) else { break };
        kinds.push(Kind(kind));
        next = kind.checked_add(1).map(Kind);
    }
    Ok(kinds)
}

/// All rows of an event.
pub(super) fn index_rows(unsigned: &UnsignedEvent, sequence: u64) -> Vec<Vec<u8>> {
    let tags = unsigned.tags.iter().filter_map(|tag| {
        let mut letters = tag.name().chars();
        let letter = letters.next().filter(char::is_ascii_alphabetic)?;
        let single = letters.next().is_none();
        single.then(|| Prefix::tag(letter, tag.value()?)).flatten()
    });
    let (author, kind) = (&unsigned.pubkey, unsigned.kind);
    let for_everyone = is_conversation(kind) && is_for_everyone(unsigned);
    let of_kind = if for_everyone { Prefix::public(kind) } else { Prefix::kind(kind) };
    let always = [Prefix::all(), of_kind, Prefix::author_kind(author, kind)];
    let address =
        address_of(unsigned).filter(|_| kind.is_addressable()).map(|address| Prefix::address(&address));
    let mut of_event: Vec<Vec<u8>> = always
        .into_iter()
        .chain(address)
        .chain(tags)
        .map(|prefix| prefix.row(unsigned.created_at, sequence))
        .collect();
    of_event.sort_unstable();
    of_event.dedup();
    of_event
}

/// `created_at` and sequence number of a row.
pub(super) fn tail(row: &[u8]) -> Option<(u64, u64)> {
    let (created_at, sequence) = row.last_chunk::<TAIL>()?.split_at(8);
    Some((u64::from_be_bytes(created_at.try_into().ok()?), u64::from_be_bytes(sequence.try_into().ok()?)))
}
