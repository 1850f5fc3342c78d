//! Requests from node to node and their answers. See PROTOCOL.md, "Requests".
//!
//! A delivery (`/nostrp2p/deliver/1`) is a [`crate::Packet`], answered by a [`Receipt`].
//! A question (`/nostrp2p/fetch/1`) is a [`RpcRequest`], answered as it says.

use crate::{
    Filter, Malformed, PublicKey, RunStatement, UnverifiedEvent,
    announcement::{MAX_ANNOUNCEMENTS, MAX_HELPER_BYTES},
    compression::{pack, unpack},
    frame::StoreId,
    wire::{self, CompactEvent},
};

/// Most filters of one [`RpcRequest::Events`].
pub const MAX_ASKED_FILTERS: usize = 4;

/// Most revocations of one answer: 50 KB at their usual size.
pub const MAX_REVOCATIONS: usize = 200;

/// Most people of one [`RpcRequest::Seek`] or [`RpcRequest::Revocations`].
pub const MAX_SOUGHT: usize = 16;

/// The answer to a delivery. The number travels: `[1, number]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// 0: it is durably stored, now or before.
    Taken,
    /// 1: it will never be taken: it is not for this node's owner, or it is forged, too old or too large.
    Refused,
    /// 2: not now.
    Later,
}

impl Receipt {
    /// Encodes the answer to a delivery.
    pub fn encode(self) -> Vec<u8> {
        let number: u8 = match self {
            Self::Taken => 0,
            Self::Refused => 1,
            Self::Later => 2,
        };
        wire::encode(&(1u8, number))
    }

    /// Decodes the answer to a delivery. A number that is not known here counts as "not now".
    ///
    /// # Errors
    /// When it is cut off or something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match wire::decode::<(u8, u8)>(bytes)? {
            (1, 0) => Ok(Self::Taken),
            (1, 1) => Ok(Self::Refused),
            (1, _) => Ok(Self::Later),
            (other, _) => Err(Malformed::UnknownType(other)),
        }
    }
}

/// Requests of one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RpcRequest {
    /// 1 `[1]`: the announcements that you know, answered by `[1, [announcement, ...]]`.
    Announcements,
    /// 2 `[2, filters]`: public events, answered by [`Found`]. At most [`MAX_ASKED_FILTERS`].
    Events(Vec<Filter>),
    /// 3 `[3, store, after, newest]`: what our owner wrote and what is for our owner alone, as far as it was stored after this
    /// sequence number of this store, answered by [`OwnPage`]. Only a node with a delegation by the same owner gets
    /// an answer. When the store is another one, or nil, the answer begins from the start.
    Own {
        /// The store to which the sequence numbers belong.
        store: Option<StoreId>,
        /// The last sequence number that the asking node has seen.
        after: u64,
        /// The highest sequence number of the asking node's own store, so that it can be asked back.
        newest: u64,
    },
    /// 4 `[4]`: "browsers do not reach me; may they come through you for a while?", answered by [`Lent`]. Asked again
    /// well before the time is over.
    Lend,
    /// 5 `[5, people]`: which nodes act for these people? Answered like 1; the public keys are one binary after another,
    /// 1 to [`MAX_SOUGHT`].
    Seek(Vec<PublicKey>),
    /// 6 `[6, people]`: which delegations of these people were taken back? The public keys are one binary after another, at
    /// most [`MAX_SOUGHT`]; if none is named, any. Answered by [`Revoked`].
    Revocations(Vec<PublicKey>),
    /// 7 `[7, question]`: the question 2 or 3 that the binary holds, by a node that reads long lists (see
    /// [`crate::limits::MAX_LIST_ENTRIES`]). Answered in the same way; the answer to 2 or 3 alone leaves them out.
    WithLongLists(Box<RpcRequest>),
    /// 8 `[8, statement]`: "a program that runs with your key has said this of itself; what does yours say?" The binary
    /// holds a [`RunStatement`] or nothing. Answered by `[8, statement]`, made now.
    Run(Option<RunStatement>),
    /// 9 `[9, question]`: as 7 by a node that also reads statements ([`crate::PublicStatement`]): events of the answer
    /// may have theirs behind them. The answer to 2 and 7 leaves out what is public by a statement alone, and the answer to
    /// 3 and 7 leaves out the statements.
    WithStatements(Box<RpcRequest>),
}

/// What the asking node can read in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reads {
    /// Events as the first version had them.
    Plain,
    /// Long lists, too.
    LongLists,
    /// Long lists and statements, too.
    Statements,
}

impl RpcRequest {
    /// The request itself, and what the answer may contain.
    pub fn into_parts(self) -> (Self, Reads) {
        match self {
            Self::WithLongLists(question) => (*question, Reads::LongLists),
            Self::WithStatements(question) => (*question, Reads::Statements),
            question => (question, Reads::Plain),
        }
    }

    /// Encodes the question.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Announcements => wire::encode(&(1u8,)),
            Self::Events(filters) => wire::encode(&(2u8, filters)),
            Self::Own { store, after, newest } => wire::encode(&(3u8, store, after, newest)),
            Self::Lend => wire::encode(&(4u8,)),
            Self::Seek(people) => wire::encode(&(5u8, serde_bytes::Bytes::new(&PublicKey::joined(&people)))),
            Self::Revocations(people) => {
                wire::encode(&(6u8, serde_bytes::Bytes::new(&PublicKey::joined(&people))))
            }
            Self::WithLongLists(question) => {
                wire::encode(&(7u8, serde_bytes::Bytes::new(&question.encode())))
            }
            Self::Run(heard) => {
                let heard = heard.map(|statement| statement.encode()).unwrap_or_default();
                wire::encode(&(8u8, serde_bytes::Bytes::new(&heard)))
            }
            Self::WithStatements(question) => {
                wire::encode(&(9u8, serde_bytes::Bytes::new(&question.encode())))
            }
        }
    }

    /// Decodes a question.
    ///
    /// # Errors
    /// When it is cut off, over a limit, or unknown here.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match wire::message_type(bytes)? {
            1 => wire::decode::<(u8,)>(bytes).map(|_| Self::Announcements),
            2 => {
                let (_, filters): (u8, Vec<Filter>) = wire::decode(bytes)?;
                if filters.len() > MAX_ASKED_FILTERS {
                    return Err(Malformed::Encoding(format!("more than {MAX_ASKED_FILTERS} filters")));
                }
                match filters.iter().find_map(|filter| filter.check_shape().err()) {
                    Some(invalid) => Err(Malformed::Encoding(invalid.to_string())),
                    None => Ok(Self::Events(filters)),
                }
            }
            3 => wire::decode(bytes).map(|(_, store, after, newest): (u8, _, _, _)| Self::Own {
                store,
                after,
                newest,
            }),
            4 => wire::decode::<(u8,)>(bytes).map(|_| Self::Lend),
            5 => {
                let (_, people): (u8, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                people_of(&people, 1).map(Self::Seek)
            }
            6 => {
                let (_, people): (u8, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                people_of(&people, 0).map(Self::Revocations)
            }
            kind @ (7 | 9) => {
                let (_, question): (u8, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                // Not itself again, so that nothing is decoded deeper than twice.
                match wire::message_type(&question)? {
                    2 | 3 if kind == 7 => Self::decode(&question).map(Box::new).map(Self::WithLongLists),
                    2 | 3 => Self::decode(&question).map(Box::new).map(Self::WithStatements),
                    other => Err(Malformed::UnknownType(other)),
                }
            }
            8 => {
                let (_, heard): (u8, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                let heard = if heard.is_empty() { None } else { Some(RunStatement::decode(&heard)?) };
                Ok(Self::Run(heard))
            }
            other => Err(Malformed::UnknownType(other)),
        }
    }
}

/// Encodes the answer to [`RpcRequest::Run`].
pub fn encode_run(statement: &RunStatement) -> Vec<u8> {
    wire::encode(&(8u8, serde_bytes::Bytes::new(&statement.encode())))
}

/// Decodes the answer to [`RpcRequest::Run`]; the signature is not checked.
///
/// # Errors
/// When it is cut off or something else.
pub fn decode_run(bytes: &[u8]) -> Result<RunStatement, Malformed> {
    match wire::decode::<(u8, serde_bytes::ByteBuf)>(bytes)? {
        (8, statement) => RunStatement::decode(&statement),
        (other, _) => Err(Malformed::UnknownType(other)),
    }
}

fn people_of(bytes: &[u8], least: usize) -> Result<Vec<PublicKey>, Malformed> {
    let people = PublicKey::split(bytes, MAX_SOUGHT)?;
    if people.len() < least {
        return Err(Malformed::Encoding(format!("fewer than {least} public keys")));
    }
    Ok(people)
}

/// Answers [`RpcRequest::Revocations`]: `[6, [event, ...]]`, at most [`MAX_REVOCATIONS`].
#[derive(Debug, Clone, PartialEq)]
pub struct Revoked {
    /// With their signatures, because the asking node trusts nobody.
    pub events: Vec<UnverifiedEvent>,
}

impl Revoked {
    /// Encodes the answer; what is over the limit is left out.
    pub fn encode(self) -> Vec<u8> {
        let events = self.events.into_iter().take(MAX_REVOCATIONS).map(CompactEvent::from);
        wire::encode(&(6u8, events.collect::<Vec<_>>()))
    }

    /// Decodes the answer; no event is checked.
    ///
    /// # Errors
    /// When it is cut off, over a limit, or something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if wire::message_type(bytes)? != 6 {
            return Err(Malformed::UnknownType(wire::message_type(bytes)?));
        }
        let (_, events): (u8, Vec<CompactEvent>) = wire::decode(bytes)?;
        if events.len() > MAX_REVOCATIONS {
            return Err(Malformed::Encoding(format!("more than {MAX_REVOCATIONS} revocations")));
        }
        Ok(Self { events: events.into_iter().map(Into::into).collect() })
    }
}

/// Answers [`RpcRequest::Events`]: `[2, packing, packed events]`, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// With their signatures, because the asking node trusts nobody.
    pub events: Vec<UnverifiedEvent>,
}

impl Found {
    /// Encodes the answer.
    pub fn encode(self) -> Vec<u8> {
        let (packed, packing) = pack::<CompactEvent, _>(self.events);
        wire::encode(&(2u8, packing, serde_bytes::Bytes::new(&packed)))
    }

    /// Decodes the answer; no event is checked.
    ///
    /// # Errors
    /// When it is cut off, over a limit, or something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, packing, packed): (u8, u8, serde_bytes::ByteBuf) = wire::decode(bytes)?;
        match kind {
            2 => Ok(Self { events: unpack::<CompactEvent, _>(packing, &packed)? }),
            other => Err(Malformed::UnknownType(other)),
        }
    }
}

/// Answers [`RpcRequest::Own`]: `[3, store, through, newest, packing, packed events]`, in order of sequence numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnPage {
    /// Which store the sequence numbers belong to.
    pub store: StoreId,
    /// Highest sequence number that this page covers; the next question asks after it.
    pub through: u64,
    /// Highest sequence number in the store; when above `through`, there is more.
    pub newest: u64,
    /// With their signatures.
    pub events: Vec<UnverifiedEvent>,
}

impl OwnPage {
    /// Encodes the answer.
    pub fn encode(self) -> Vec<u8> {
        let (packed, packing) = pack::<CompactEvent, _>(self.events);
        wire::encode(&(3u8, self.store, self.through, self.newest, packing, serde_bytes::Bytes::new(&packed)))
    }

    /// Decodes the answer; no event is checked.
    ///
    /// # Errors
    /// When it is cut off, over a limit, or something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match wire::message_type(bytes)? {
            3 => {
                let (_, store, through, newest, packing, packed): (u8, _, _, _, u8, serde_bytes::ByteBuf) =
                    wire::decode(bytes)?;
                Ok(Self { store, through, newest, events: unpack::<CompactEvent, _>(packing, &packed)? })
            }
            other => Err(Malformed::UnknownType(other)),
        }
    }
}

/// Answers [`RpcRequest::Lend`]: `[4, seconds, text]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lent {
    /// For this time, longer than 0 seconds, clients reach the asking node at `address/to/<its peer id>`; `text` is
    /// the address.
    For {
        /// How long, unless it asks again.
        seconds: u32,
        /// `wss://host` or `wss://host:port`.
        address: String,
    },
    /// 0 seconds: no. `text` is one English sentence that says why.
    Refused {
        /// Why.
        reason: String,
    },
}

impl Lent {
    /// Encodes the answer. A text that is too long is cut.
    pub fn encode(self) -> Vec<u8> {
        let (seconds, mut text) = match self {
            Self::For { seconds, address } => (seconds, address),
            Self::Refused { reason } => (0, reason),
        };
        text.truncate(text.floor_char_boundary(MAX_HELPER_BYTES));
        wire::encode(&(4u8, seconds, text))
    }

    /// Decodes the answer.
    ///
    /// # Errors
    /// When it is cut off, over a limit, or something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, seconds, text): (u8, u32, String) = wire::decode(bytes)?;
        if kind != 4 {
            return Err(Malformed::UnknownType(kind));
        }
        if text.len() > MAX_HELPER_BYTES {
            return Err(Malformed::TooLong { length: text.len(), max: MAX_HELPER_BYTES });
        }
        Ok(match seconds {
            0 => Self::Refused { reason: text },
            seconds => Self::For { seconds, address: text },
        })
    }
}

/// Encodes the answer to [`RpcRequest::Announcements`]; what is over [`MAX_ANNOUNCEMENTS`] is left out.
pub fn encode_announcements(announcements: &[Vec<u8>]) -> Vec<u8> {
    let announcements: Vec<&serde_bytes::Bytes> =
        announcements.iter().take(MAX_ANNOUNCEMENTS).map(|bytes| serde_bytes::Bytes::new(bytes)).collect();
    wire::encode(&(1u8, announcements))
}

/// Decodes the answer to [`RpcRequest::Announcements`] into encoded announcements, none of them checked.
///
/// # Errors
/// When it is cut off, over the limit, or something else.
pub fn decode_announcements(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let (kind, announcements): (u8, Vec<serde_bytes::ByteBuf>) = wire::decode(bytes)?;
    if kind != 1 {
        return Err(Malformed::UnknownType(kind));
    }
    if announcements.len() > MAX_ANNOUNCEMENTS {
        return Err(Malformed::Encoding(format!("more than {MAX_ANNOUNCEMENTS} announcements")));
    }
    Ok(announcements.into_iter().map(serde_bytes::ByteBuf::into_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_survives_its_encoding() {
        for receipt in [Receipt::Taken, Receipt::Refused, Receipt::Later] {
            assert_eq!(Receipt::decode(&receipt.encode()), Ok(receipt));
        }
        assert_eq!(RpcRequest::decode(&RpcRequest::Announcements.encode()), Ok(RpcRequest::Announcements));
        let asked = Filter { kinds: Some([crate::Kind::PROFILE].into()), ..Filter::default() };
        let questions = [
            RpcRequest::Events(vec![asked.clone(), Filter::default()]),
            RpcRequest::Own { store: None, after: 0, newest: 3 },
            RpcRequest::Seek(vec![PublicKey::from_bytes([7; 32]); MAX_SOUGHT]),
            RpcRequest::Lend,
            RpcRequest::Revocations(vec![]),
            RpcRequest::Revocations(vec![PublicKey::from_bytes([7; 32]); MAX_SOUGHT]),
            RpcRequest::Own { store: Some(7), after: u64::MAX, newest: u64::MAX },
            RpcRequest::WithLongLists(Box::new(RpcRequest::Own { store: Some(7), after: 1, newest: 2 })),
            RpcRequest::WithLongLists(Box::new(RpcRequest::Events(vec![asked.clone()]))),
            RpcRequest::WithStatements(Box::new(RpcRequest::Own { store: None, after: 1, newest: 2 })),
            RpcRequest::WithStatements(Box::new(RpcRequest::Events(vec![asked.clone()]))),
        ];
        for question in questions {
            assert_eq!(RpcRequest::decode(&question.clone().encode()), Ok(question));
        }
        assert!(RpcRequest::decode(&RpcRequest::Events(vec![asked; 5]).encode()).is_err());
        let sought = |count| RpcRequest::Seek(vec![PublicKey::from_bytes([7; 32]); count]).encode();
        assert!([0, MAX_SOUGHT + 1].map(sought).iter().all(|bytes| RpcRequest::decode(bytes).is_err()));
        assert!((0..sought(1).len()).all(|length| RpcRequest::decode(&sought(1)[..length]).is_err()));
        let revoked = |count| RpcRequest::Revocations(vec![PublicKey::from_bytes([7; 32]); count]).encode();
        assert!(RpcRequest::decode(&revoked(MAX_SOUGHT + 1)).is_err());
        let twice = RpcRequest::WithLongLists(Box::new(RpcRequest::Lend));
        assert!(RpcRequest::decode(&twice.clone().encode()).is_err());
        assert!(RpcRequest::decode(&RpcRequest::WithLongLists(Box::new(twice)).encode()).is_err());
        let announcements = vec![vec![1, 2, 3], vec![]];
        assert_eq!(decode_announcements(&encode_announcements(&announcements)), Ok(announcements));
        assert!(Receipt::decode(&[]).is_err() && RpcRequest::decode(&[0x91, 9]).is_err());
        let many = vec![vec![]; MAX_ANNOUNCEMENTS + 5];
        assert_eq!(decode_announcements(&encode_announcements(&many)).unwrap().len(), MAX_ANNOUNCEMENTS);
    }

    #[test]
    fn a_lent_address_and_a_refusal_survive_their_encoding() {
        let lent = Lent::For { seconds: 600, address: "wss://helper.example:8443".into() };
        let refused = Lent::Refused { reason: "full".into() };
        for answer in [lent, refused] {
            let bytes = answer.clone().encode();
            assert_eq!(Lent::decode(&bytes), Ok(answer));
            assert!((0..bytes.len()).all(|length| Lent::decode(&bytes[..length]).is_err()));
        }
        let long = wire::encode(&(4u8, 1u32, "x".repeat(271)));
        assert_eq!(Lent::decode(&long), Err(Malformed::TooLong { length: 271, max: 270 }));
    }

    #[test]
    fn events_come_back_with_their_signatures() {
        let key = crate::SecretKey::from_bytes([1; 32]).unwrap();
        let draft = crate::EventTemplate {
            created_at: 1,
            kind: crate::Kind::POST,
            tags: vec![],
            content: "hi".into(),
        };
        let event = UnverifiedEvent { claimed_id: None, ..draft.sign(&key, &[2; 32]).into() };
        let found = Found { events: vec![event.clone(); 40] };
        assert_eq!(Found::decode(&found.clone().encode()), Ok(found.clone()));
        let revoked = Revoked { events: vec![event.clone(); MAX_REVOCATIONS] };
        assert_eq!(Revoked::decode(&revoked.clone().encode()), Ok(revoked.clone()));
        assert!((0..400).all(|length| Revoked::decode(&revoked.clone().encode()[..length]).is_err()));
        let page = OwnPage { store: 3, through: 4, newest: 5, events: vec![event] };
        assert_eq!(OwnPage::decode(&page.clone().encode()), Ok(page.clone()));
        for answer in [found.encode(), page.encode()] {
            for length in 0..answer.len() {
                assert!(
                    Found::decode(&answer[..length]).is_err() && OwnPage::decode(&answer[..length]).is_err()
                );
            }
        }
    }
}
