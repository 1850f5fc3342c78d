//! Frames from client to node.

use crate::{
    EventId, Filter, MAX_AUTHORITY_BYTES, Malformed, PublicKey, UnverifiedEvent,
    frame::{MAX_SUBJECT_BYTES, RequestId},
    limits::{MAX_FILTERS, MAX_FRAME_BYTES, MAX_MARKER_BYTES, MAX_OWNER_FRAME_BYTES, MAX_TEXT_BYTES},
    login::MAX_RELAY_BYTES,
    wire::{self, CompactEvent},
};

/// A frame that a client sends. The number is the first element of the array.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientFrame {
    /// 1 `[1, version, nonce]`: opens the conversation.
    ///
    /// The nonce is a text of 64 hex digits, because in version 1 a text stood there, the name of the client's
    /// program: so a node of that version still reads the frame, and names its own version.
    Hello {
        /// [`super::VERSION`] of the client.
        version: u16,
        /// 32 random bytes, never used twice, over which the node proves its key. None in version 1.
        nonce: Option<[u8; 32]>,
    },
    /// 2 `[2, request, proof]`: the owner proves himself with a login event (see [`crate::login::client_draft`]).
    Login {
        /// Repeated in the answer.
        request: RequestId,
        /// A login event over the challenge of this connection.
        proof: UnverifiedEvent,
    },
    /// 3 `[3, request, token, proof]`: makes the signer of the proof the owner of a node that has none.
    Claim {
        /// Repeated in the answer.
        request: RequestId,
        /// From the claim link: 16 bytes.
        token: [u8; 16],
        /// A login event over the challenge of this connection.
        proof: UnverifiedEvent,
    },
    /// 4 `[4, request, event]`: stores the owner's event and sends it where it belongs.
    Publish {
        /// Repeated in the answer.
        request: RequestId,
        /// Signed by the owner.
        event: UnverifiedEvent,
    },
    /// 5 `[5, after, gather_ms]`: asks for everything that was stored after a sequence number, now and from now on.
    /// A later one replaces it.
    Watch {
        /// The last sequence number that this client holds.
        after: u64,
        /// How long the node may gather before it pushes, within [`super::GATHER_MS`].
        gather_ms: u32,
    },
    /// 6 `[6, request, filters]`: asks for stored events, the newest first.
    Fetch {
        /// Repeated in the answer.
        request: RequestId,
        /// At most [`MAX_FILTERS`]; an event is in the answer when any of them matches.
        filters: Vec<Filter>,
    },
    /// 7 `[7, request, filters]`: asks for stored events as a Fetch does, and for what will match later, until the
    /// client unsubscribes. Meanwhile the node asks other nodes for what it lacks.
    Subscribe {
        /// Repeated in each answer; names the subscription. One with the same name is replaced.
        request: RequestId,
        /// As in a Fetch.
        filters: Vec<Filter>,
    },
    /// 8 `[8, request]`: ends a subscription. There is no answer.
    Unsubscribe {
        /// The request that began it.
        request: RequestId,
    },
    /// 9 `[9, name, until]`: the owner has read everything up to a time. There is no answer but the
    /// [`super::NodeFrame::Markers`] that all clients of the owner get.
    Mark {
        /// The name of the marker, chosen by the client: at most [`MAX_MARKER_BYTES`] bytes.
        name: String,
        /// `created_at` of the latest that was read, in seconds. A marker never goes back.
        until: u64,
    },
    /// 10 `[10, request, filters, words]`: asks as a Fetch does, for events in which all of some words occur. No other
    /// node is asked.
    Search {
        /// Repeated in the answer.
        request: RequestId,
        /// As in a Fetch.
        filters: Vec<Filter>,
        /// Parted by white space; at most [`MAX_TEXT_BYTES`] bytes.
        words: String,
    },
    /// 12 `[12, id]`: tries again to deliver a private event of the owner to those people with whom the node has given
    /// up. There is no answer but the [`super::NodeFrame::Deliveries`] that follow.
    Retry {
        /// The event.
        id: EventId,
    },
    /// 13 `[13, relay, proof]`: a login at a relay of somebody else that wants one (see
    /// [`crate::login::relay_draft`]). There is no answer but the [`super::NodeFrame::Mirrors`] that follow.
    RelayLogin {
        /// The relay's address, as the node told it.
        relay: String,
        /// A login event over the challenge of that relay.
        proof: UnverifiedEvent,
    },
    /// 14 `[14, request, after]`: the owner asks for stored events with their signatures, in the order in which they
    /// were stored. What does not fit into the answer is asked for next, after what it went through.
    Export {
        /// Repeated in the answer.
        request: RequestId,
        /// The sequence number after which they begin.
        after: u64,
    },
    /// 21 `[21, request, filters, created_at, id]`: asks as a Fetch does, for events behind a place in the order of
    /// answers: dated earlier than `created_at`, or in that second with a higher id. Only to a node that has said
    /// [`super::FETCH_BEHIND`].
    FetchBehind {
        /// Repeated in the answer.
        request: RequestId,
        /// As in a Fetch.
        filters: Vec<Filter>,
        /// In seconds since 1970.
        created_at: u64,
        /// The last event of the page before, or the id of 32 zero bytes for the beginning of the second.
        id: EventId,
    },
    /// 20 `[20, request, name, change]`: the owner asks under which names the node is itself, and may confirm one or
    /// take it back: `change` is true, false, or nil for neither. The answer is a [`super::NodeFrame::Names`].
    Names {
        /// Repeated in the answer.
        request: RequestId,
        /// `host` or `host:port`, as the client dials it: at most [`MAX_AUTHORITY_BYTES`] bytes.
        name: String,
        /// The change to the name.
        change: Option<bool>,
    },
    /// 22 `[22, request, sort, subject, granted]`: the owner allows something, or does not, or takes the decision back:
    /// `granted` is true, false, or nil. The answer is a [`super::NodeFrame::Permissions`].
    Permit {
        /// Repeated in the answer.
        request: RequestId,
        /// As in a [`super::Permission`].
        sort: u8,
        /// As in a [`super::Permission`]: at most [`MAX_SUBJECT_BYTES`] bytes.
        subject: String,
        /// The owner's decision.
        granted: Option<bool>,
    },
    /// 23 `[23, request, people]`: the owner asks which of these people read on Nostr relays only. `people` is one binary
    /// of 1 to [`super::MAX_REACH`] public keys. The answer is a [`super::NodeFrame::Reach`]. Only to a node that has said
    /// [`super::REACH`].
    Reach {
        /// Repeated in the answer.
        request: RequestId,
        /// The people asked about.
        people: Vec<PublicKey>,
    },
    /// 24 `[24, request, id]`: the owner asks which relays have the owner's event with this id. The answer is a
    /// [`super::NodeFrame::Relays`]. Only to a node that has said [`super::RELAYS`].
    Relays {
        /// Repeated in the answer.
        request: RequestId,
        /// The event.
        id: EventId,
    },
}

impl ClientFrame {
    /// Encodes the frame as one WebSocket message.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Hello { version, nonce } => {
                wire::encode(&(1u8, version, nonce.map(hex::encode).unwrap_or_default()))
            }
            Self::Login { request, proof } => wire::encode(&(2u8, request, CompactEvent::from(proof))),
            Self::Claim { request, token, proof } => {
                wire::encode(&(3u8, request, serde_bytes::ByteArray::new(token), CompactEvent::from(proof)))
            }
            Self::Publish { request, event } => wire::encode(&(4u8, request, CompactEvent::from(event))),
            Self::Watch { after, gather_ms } => wire::encode(&(5u8, after, gather_ms)),
            Self::Fetch { request, filters } => wire::encode(&(6u8, request, filters)),
            Self::Reach { request, people } => {
                wire::encode(&(23u8, request, serde_bytes::Bytes::new(&PublicKey::joined(&people))))
            }
            Self::Relays { request, id } => wire::encode(&(24u8, request, id)),
            Self::FetchBehind { request, filters, created_at, id } => {
                wire::encode(&(21u8, request, filters, created_at, id))
            }
            Self::Subscribe { request, filters } => wire::encode(&(7u8, request, filters)),
            Self::Unsubscribe { request } => wire::encode(&(8u8, request)),
            Self::Mark { name, until } => wire::encode(&(9u8, name, until)),
            Self::Search { request, filters, words } => wire::encode(&(10u8, request, filters, words)),
            Self::Retry { id } => wire::encode(&(12u8, id)),
            Self::RelayLogin { relay, proof } => wire::encode(&(13u8, relay, CompactEvent::from(proof))),
            Self::Export { request, after } => wire::encode(&(14u8, request, after)),
            Self::Names { request, name, change } => wire::encode(&(20u8, request, name, change)),
            Self::Permit { request, sort, subject, granted } => {
                wire::encode(&(22u8, request, sort, subject, granted))
            }
        }
    }

    /// Decodes one WebSocket message.
    ///
    /// # Errors
    /// When it is over [`MAX_FRAME_BYTES`], cut off, over a limit, or of an unknown type.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        Self::decode_within(bytes, MAX_FRAME_BYTES)
    }

    /// Decodes a message of a client whose owner has signed in.
    ///
    /// # Errors
    /// When it is over [`MAX_OWNER_FRAME_BYTES`], and as [`ClientFrame::decode`].
    pub fn decode_of_owner(bytes: &[u8]) -> Result<Self, Malformed> {
        Self::decode_within(bytes, MAX_OWNER_FRAME_BYTES)
    }

    fn decode_within(bytes: &[u8], max: usize) -> Result<Self, Malformed> {
        if bytes.len() > max {
            return Err(Malformed::TooLong { length: bytes.len(), max });
        }
        match wire::message_type(bytes)? {
            1 => wire::decode(bytes).map(|(_, version, nonce): (u8, _, String)| {
                let mut bytes = [0; 32];
                let whole = hex::decode_to_slice(nonce, &mut bytes).is_ok();
                Self::Hello { version, nonce: whole.then_some(bytes) }
            }),
            2 => wire::decode(bytes).map(|(_, request, proof): (u8, _, CompactEvent)| Self::Login {
                request,
                proof: proof.into(),
            }),
            3 => {
                wire::decode(bytes).map(
                    |(_, request, token, proof): (u8, _, serde_bytes::ByteArray<16>, CompactEvent)| {
                        Self::Claim { request, token: token.into_array(), proof: proof.into() }
                    },
                )
            }
            4 => wire::decode(bytes).map(|(_, request, event): (u8, _, CompactEvent)| Self::Publish {
                request,
                event: event.into(),
            }),
            5 => {
                wire::decode(bytes).map(|(_, after, gather_ms): (u8, _, _)| Self::Watch { after, gather_ms })
            }
            6 => {
                let (request, filters) = decode_filters(bytes)?;
                Ok(Self::Fetch { request, filters })
            }
            7 => {
                let (request, filters) = decode_filters(bytes)?;
                Ok(Self::Subscribe { request, filters })
            }
            8 => wire::decode(bytes).map(|(_, request): (u8, _)| Self::Unsubscribe { request }),
            9 => {
                let (_, name, until): (u8, String, _) = wire::decode(bytes)?;
                fits(&name, MAX_MARKER_BYTES)?;
                Ok(Self::Mark { name, until })
            }
            10 => {
                let (_, request, filters, words): (u8, _, Vec<Filter>, String) = wire::decode(bytes)?;
                fits(&words, MAX_TEXT_BYTES)?;
                few_enough(&filters)?;
                Ok(Self::Search { request, filters, words })
            }
            12 => wire::decode(bytes).map(|(_, id): (u8, _)| Self::Retry { id }),
            13 => {
                let (_, relay, proof): (u8, String, CompactEvent) = wire::decode(bytes)?;
                fits(&relay, MAX_RELAY_BYTES)?;
                Ok(Self::RelayLogin { relay, proof: proof.into() })
            }
            14 => wire::decode(bytes).map(|(_, request, after): (u8, _, _)| Self::Export { request, after }),
            20 => {
                let (_, request, name, change): (u8, _, String, Option<bool>) = wire::decode(bytes)?;
                fits(&name, MAX_AUTHORITY_BYTES)?;
                Ok(Self::Names { request, name, change })
            }
            21 => {
                let (_, request, filters, created_at, id): (u8, _, Vec<Filter>, _, _) = wire::decode(bytes)?;
                few_enough(&filters)?;
                Ok(Self::FetchBehind { request, filters, created_at, id })
            }
            22 => {
                let (_, request, sort, subject, granted): (u8, _, _, String, Option<bool>) =
                    wire::decode(bytes)?;
                fits(&subject, MAX_SUBJECT_BYTES)?;
                Ok(Self::Permit { request, sort, subject, granted })
            }
            23 => {
                let (_, request, people): (u8, _, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                Ok(Self::Reach { request, people: PublicKey::split(&people, super::MAX_REACH)? })
            }
            24 => wire::decode(bytes).map(|(_, request, id): (u8, _, _)| Self::Relays { request, id }),
            other => Err(Malformed::UnknownType(other)),
        }
    }

    /// The request that an answer to this frame names; 0 where there is none.
    pub const fn request(&self) -> RequestId {
        match self {
            Self::Hello { .. }
            | Self::Watch { .. }
            | Self::Mark { .. }
            | Self::Retry { .. }
            | Self::RelayLogin { .. } => 0,
            Self::Login { request, .. }
            | Self::Claim { request, .. }
            | Self::Publish { request, .. }
            | Self::Fetch { request, .. }
            | Self::FetchBehind { request, .. }
            | Self::Subscribe { request, .. }
            | Self::Search { request, .. }
            | Self::Export { request, .. }
            | Self::Names { request, .. }
            | Self::Permit { request, .. }
            | Self::Reach { request, .. }
            | Self::Relays { request, .. }
            | Self::Unsubscribe { request } => *request,
        }
    }
}

/// Refuses a text that is longer than so many bytes.
const fn fits(text: &str, max: usize) -> Result<(), Malformed> {
    if text.len() > max { Err(Malformed::TooLong { length: text.len(), max }) } else { Ok(()) }
}

/// Refuses more filters than a question has.
fn few_enough(filters: &[Filter]) -> Result<(), Malformed> {
    let many = || Malformed::Encoding(format!("more than {MAX_FILTERS} filters"));
    if filters.len() > MAX_FILTERS { Err(many()) } else { Ok(()) }
}

fn decode_filters(bytes: &[u8]) -> Result<(RequestId, Vec<Filter>), Malformed> {
    let (_, request, filters): (u8, _, Vec<Filter>) = wire::decode(bytes)?;
    few_enough(&filters)?;
    Ok((request, filters))
}
