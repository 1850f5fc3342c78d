//! Catching up: the requests of `/nostrp2p/sync/1` and their answers. See PROTOCOL.md, "Catching up".
//!
//! The messages of a comparison are bytes here; negentropy (protocol version 1) defines them.

use crate::{EventId, Malformed, rpc::Found, wire};

/// Longest message of a comparison in bytes: the frame of 256 KiB with room for what is around it.
pub const MAX_COMPARISON_BYTES: usize = 256 * 1024 - 64;

/// Most ids of one [`SyncRequest::Get`]: with posts of the usual size their events fill a quarter of a frame.
pub const MAX_GET_IDS: usize = 256;

/// Bytes of events, before packing, after which an answer to [`SyncRequest::Get`] is closed. One more event of the
/// largest size still fits into the frame.
pub const CLOSE_FOUND_AT_BYTES: usize = 128 * 1024;

/// Requests of one node to another for catching up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncRequest {
    /// 1 `[1, round, since, until, message]`: let us compare the shared events of this time, answered by [`Compared`].
    Compare {
        /// 0 in the first message of a comparison, then 1, 2 and so on. What is answered to the first must be up to
        /// date; after that, what has come meanwhile may be left out.
        round: u32,
        /// Earliest `created_at`, inclusive.
        since: u64,
        /// Latest `created_at`, exclusive.
        until: u64,
        /// A message of negentropy, at most [`MAX_COMPARISON_BYTES`].
        message: Vec<u8>,
    },
    /// 2 `[2, ids]`: give me these, answered by [`Found`]; the ids are one binary after another, 1 to [`MAX_GET_IDS`].
    Get(Vec<EventId>),
    /// 3 `[3]`: I have something that you may lack, answered by `[3]`.
    News,
    /// 4 `[4, request]`: the request 1 or 2 by a node that reads statements ([`crate::PublicStatement`]), answered in the same
    /// way. What is public by a statement alone is no part of the answer to 1 or 2 by itself.
    WithStatements(Box<SyncRequest>),
}

/// Answers [`SyncRequest::Compare`]: `[1, message]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// A message of negentropy, at most [`MAX_COMPARISON_BYTES`].
    pub message: Vec<u8>,
}

impl SyncRequest {
    /// The request itself, and whether the asking node reads statements.
    pub fn into_parts(self) -> (Self, bool) {
        match self {
            Self::WithStatements(request) => (*request, true),
            request => (request, false),
        }
    }

    /// Encodes the request.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Compare { round, since, until, message } => {
                wire::encode(&(1u8, round, since, until, serde_bytes::Bytes::new(message)))
            }
            Self::Get(ids) => {
                let ids: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
                wire::encode(&(2u8, serde_bytes::Bytes::new(&ids)))
            }
            Self::News => wire::encode(&(3u8,)),
            Self::WithStatements(request) => wire::encode(&(4u8, serde_bytes::Bytes::new(&request.encode()))),
        }
    }

    /// Decodes a request.
    ///
    /// # Errors
    /// When it is cut off, over a limit, or unknown here.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match wire::message_type(bytes)? {
            1 => {
                type Compare = (u8, u32, u64, u64, serde_bytes::ByteBuf);
                let (_, round, since, until, message): Compare = wire::decode(bytes)?;
                Ok(Self::Compare { round, since, until, message: bounded(message.into_vec())? })
            }
            2 => {
                let (_, ids): (u8, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                let (whole, rest) = ids.as_chunks::<{ EventId::LEN }>();
                if !rest.is_empty() || !(1..=MAX_GET_IDS).contains(&whole.len()) {
                    return Err(Malformed::Encoding(format!("not 1 to {MAX_GET_IDS} ids of 32 bytes")));
                }
                Ok(Self::Get(whole.iter().map(|id| EventId::from_bytes(*id)).collect()))
            }
            3 => wire::decode::<(u8,)>(bytes).map(|_| Self::News),
            4 => {
                let (_, request): (u8, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                // Not itself again, so that nothing is decoded deeper than twice.
                match wire::message_type(&request)? {
                    1 | 2 => Self::decode(&request).map(|request| Self::WithStatements(Box::new(request))),
                    other => Err(Malformed::UnknownType(other)),
                }
            }
            other => Err(Malformed::UnknownType(other)),
        }
    }
}

impl Compared {
    /// Encodes the answer.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&(1u8, serde_bytes::Bytes::new(&self.message)))
    }

    /// Decodes the answer.
    ///
    /// # Errors
    /// When it is cut off, over a limit, or something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match wire::message_type(bytes)? {
            1 => {
                let (_, message): (u8, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                Ok(Self { message: bounded(message.into_vec())? })
            }
            other => Err(Malformed::UnknownType(other)),
        }
    }
}

/// The answer to [`SyncRequest::News`].
pub fn encode_noted() -> Vec<u8> {
    wire::encode(&(3u8,))
}

/// The answer to [`SyncRequest::Get`], see [`Found`]: those of the events that fit, in the order in which they come.
pub fn found(events: impl IntoIterator<Item = crate::UnverifiedEvent>) -> Found {
    let mut bytes = 0;
    let fits = events.into_iter().take_while(|event| {
        let before = bytes;
        bytes += event.unsigned.canonical().len()
            + event.unsigned.statement.as_ref().map_or(0, |statement| statement.as_bytes().len());
        before < CLOSE_FOUND_AT_BYTES
    });
    Found { events: fits.take(MAX_GET_IDS).collect() }
}

fn bounded(message: Vec<u8>) -> Result<Vec<u8>, Malformed> {
    match message.len() {
        0..=MAX_COMPARISON_BYTES => Ok(message),
        length => Err(Malformed::TooLong { length, max: MAX_COMPARISON_BYTES }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventTemplate, Kind, SecretKey, UnverifiedEvent, limits::MAX_EVENT_BYTES};

    fn requests() -> Vec<SyncRequest> {
        vec![
            SyncRequest::Compare { round: 3, since: 1, until: u64::MAX, message: vec![0x61; 300] },
            SyncRequest::Get(vec![EventId::from_bytes([7; 32]); MAX_GET_IDS]),
            SyncRequest::News,
            SyncRequest::WithStatements(Box::new(SyncRequest::Get(vec![EventId::from_bytes([7; 32])]))),
        ]
    }

    #[test]
    fn every_message_survives_its_encoding_and_no_truncation_does() {
        for request in requests() {
            let bytes = request.encode();
            assert_eq!(SyncRequest::decode(&bytes), Ok(request));
            for length in 0..bytes.len() {
                assert!(SyncRequest::decode(&bytes[..length]).is_err());
            }
        }
        let compared = Compared { message: vec![0x61, 0, 0, 2, 0] };
        let bytes = compared.encode();
        assert_eq!(Compared::decode(&bytes), Ok(compared));
        for length in 0..bytes.len() {
            assert!(Compared::decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn what_is_over_a_limit_is_an_error() {
        let ids = |count| SyncRequest::Get(vec![EventId::from_bytes([7; 32]); count]).encode();
        assert!(SyncRequest::decode(&ids(MAX_GET_IDS + 1)).is_err() && SyncRequest::decode(&ids(0)).is_err());
        let crooked = wire::encode(&(2u8, serde_bytes::Bytes::new(&[1; 33])));
        assert!(SyncRequest::decode(&crooked).is_err());
        let long = Compared { message: vec![0; MAX_COMPARISON_BYTES + 1] };
        assert!(Compared::decode(&long.encode()).is_err());
        assert_eq!(SyncRequest::decode(&[0x91, 9]), Err(Malformed::UnknownType(9)));
    }

    #[test]
    fn an_answer_of_the_largest_events_fits_into_a_frame() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let event = |number: usize| {
            // Hex digits of hashes do not compress below half.
            let content: String = (0..1_100)
                .map(|part| EventId::from_bytes(noise(number * 1_100 + part)).to_string())
                .collect();
            let content = content[..MAX_EVENT_BYTES - 200].to_owned();
            let draft = EventTemplate { created_at: 1, kind: Kind::POST, tags: vec![], content };
            UnverifiedEvent { claimed_id: None, ..draft.sign(&key, &[0; 32]).into() }
        };
        let found = found((0..5).map(event));
        assert_eq!(found.events.len(), 3);
        assert!(found.encode().len() <= MAX_COMPARISON_BYTES);
    }

    fn noise(number: usize) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        Sha256::digest(number.to_le_bytes()).into()
    }
}
