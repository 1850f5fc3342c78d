//! Frames from node to client.

use crate::{
    EventId, Malformed, PeerId, PublicKey, UnsignedEvent, UnverifiedEvent,
    channel::ChannelKey,
    compression::{pack, unpack},
    frame::{
        MAX_MIRRORS, MAX_NAMES, MAX_PERMISSIONS, MAX_REACH, Mirror, Permission, Refusal, RefusalCode,
        RequestId, Welcome,
    },
    limits::{MAX_BATCH_BYTES, MAX_MARKERS, MAX_TEXT_BYTES, MAX_WAY_BYTES, MAX_WAYS},
    msgpack::{Input, Read, Write},
    wire::{self, CompactEvent, CompactUnsigned},
};

/// Names one store. A client that sees another one than before starts over instead of resuming.
pub type StoreId = u64;

/// A frame that a node sends. The number is the first element of the array.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeFrame {
    /// 64 `[64, body, signature]`: answers a Hello.
    Welcome(Box<Welcome>),
    /// 65 `[65, request, owner, store, newest]`: answers a Login or Claim.
    LoggedIn {
        /// The request that it answers.
        request: RequestId,
        /// The owner who is logged in.
        owner: PublicKey,
        /// Which store the sequence numbers belong to.
        store: StoreId,
        /// The highest sequence number that is stored; 0 when nothing is.
        newest: u64,
    },
    /// 66 `[66, request, id, sequence, carried]`: the event is durably stored.
    Published {
        /// The request that it answers.
        request: RequestId,
        /// The event.
        id: EventId,
        /// Its sequence number.
        sequence: u64,
        /// How the event travels.
        carried: Carried,
    },
    /// 67 `[67, through, newest, packed events]`: what was stored since the last batch, in order.
    Batch {
        /// Highest sequence number that this batch covers; the client resumes after it.
        through: u64,
        /// Highest sequence number in the store; when above `through`, more follows at once.
        newest: u64,
        /// In order of their sequence numbers.
        events: Vec<UnsignedEvent>,
    },
    /// 68 `[68, request, complete, packed events]`: answers a Fetch or Subscribe, the newest first. A subscription of
    /// a client that does not watch gets more of them, with what was stored since.
    Answer {
        /// The request that it answers.
        request: RequestId,
        /// Whether these are all; if not, ask on with `until`.
        complete: bool,
        /// The newest first, ties by lower id first.
        events: Vec<UnsignedEvent>,
    },
    /// 69 `[69, peers, stored, caught_up]`: how the node stands in the overlay; sent after login and when it changes.
    Status {
        /// Connected nodes.
        peers: Vec<PeerStatus>,
        /// Number of stored events.
        stored: u64,
        /// The last comparison with a neighbour; none before the first has ended.
        caught_up: Option<CaughtUp>,
    },
    /// 71 `[71, id, [[person, state], ...]]`: how far a private event of the owner has come, whenever that changes,
    /// and after login for the latest ones.
    Deliveries {
        /// The event.
        id: EventId,
        /// The people it is for, and how far it has come with each.
        people: Vec<(PublicKey, Delivery)>,
    },
    /// 72 `[72, expires]`: until when the owner's delegation for this node holds, in seconds since 1970, or nil;
    /// sent after login. A client that sees none, or one that ends soon, signs a new one (see [`crate::delegation`]).
    Delegated {
        /// When it ends.
        expires: Option<u64>,
    },
    /// 73 `[73, [[name, until], ...]]`: read markers of the owner, all after login, later the changed ones.
    Markers(
        /// Names of markers, each with the `created_at` in seconds up to which the owner has read.
        Vec<(String, u64)>,
    ),
    /// 74 `[74, key, addresses, helpers]`: how this node is reached from elsewhere; sent after login and when it
    /// changes. See PROTOCOL.md, "The way home".
    Ways(Ways),
    /// 76 `[76, reached, traffic]`: how others reach the node, and what went between it and them within the last hour;
    /// sent after each Status.
    Network {
        /// How others reach it.
        reached: Reached,
        /// Each node, with the bytes that came from it and those that went to it. A node behind a relay counts twice, as
        /// itself and within its relay.
        traffic: Vec<(PeerId, u64, u64)>,
    },
    /// 77 `[77, mirrors]`: how the relays stand to which the node gives its owner's public events, if there are any; sent
    /// after a Status when it has changed, and at once when one wants another login.
    Mirrors(
        /// At most [`MAX_MIRRORS`].
        Vec<Mirror>,
    ),
    /// 78 `[78, request, through, newest, packed events]`: answers an Export.
    Exported {
        /// The request that it answers.
        request: RequestId,
        /// Highest sequence number that was looked at; the client asks on after it.
        through: u64,
        /// Highest sequence number in the store; when it is `through`, that was all.
        newest: u64,
        /// With their signatures, in the order of their sequence numbers.
        events: Vec<UnverifiedEvent>,
    },
    /// 85 `[85, tags, bytes]`: how long the follow lists, mute lists and sets of people may be that the client publishes.
    /// Sent before LoggedIn to a client that says in its login that it reads long ones (see
    /// [`crate::login::reads_long_lists`]).
    LongLists {
        /// Most tags.
        tags: u32,
        /// Most bytes of the canonical serialisation.
        bytes: u32,
    },
    /// 86 `[86, codes]`: what the node understands besides the frames of the first node of this version: 1 it answers
    /// [`super::ClientFrame::FetchBehind`]. Sent before LoggedIn to a client that says in its login that it reads this (see
    /// [`crate::login::reads_features`]). A client passes over codes that it does not know.
    Features(
        /// At most 255.
        Vec<u8>,
    ),
    /// 79 `[79, [code, ...]]`: what is wrong although the node runs, sent with a Status when it has changed: 1 another node
    /// runs with this node's key, 2 the node's clock is in doubt, 3 the mailbox is nearly full, 4 the disk that the node may
    /// take is. A client passes over codes that it does not know.
    Warnings(
        /// At most 255.
        Vec<u8>,
    ),
    /// 84 `[84, request, own, [[name, confirmed], ...]]`: answers a [`super::ClientFrame::Names`].
    Names {
        /// The request that it answers.
        request: RequestId,
        /// Whether the name that the client asked about is one of the node's own, as this client has come.
        own: bool,
        /// The names that the node was started with and those of its certificate, and those that its owner has confirmed
        /// and can revoke, which are marked. At most [`MAX_NAMES`] confirmed ones and as many others.
        names: Vec<(String, bool)>,
    },
    /// 87 `[87, request, [[sort, subject, granted], ...], packed drafts]`: what the owner may allow, and has decided. Answers a
    /// [`super::ClientFrame::Permit`]; sent with request 0 after login and whenever it changes, to a client that says in
    /// its login that it reads them (see [`crate::login::reads_features`]).
    Permissions {
        /// The request that it answers; 0 for none.
        request: RequestId,
        /// At most [`MAX_PERMISSIONS`].
        permissions: Vec<Permission>,
        /// The drafts that the owner signs to grant permissions of the sorts 1 and 2: lists of relays that name the
        /// subject.
        drafts: Vec<UnsignedEvent>,
    },
    /// 88 `[88, request, people]`: those of the people in a [`super::ClientFrame::Reach`] who read on Nostr relays only: a
    /// mirror has brought something of theirs, and no node is known that acts for them. One binary of public keys.
    Reach {
        /// The request that it answers.
        request: RequestId,
        /// At most [`MAX_REACH`].
        relay_only: Vec<PublicKey>,
    },
    /// 89 `[89, request, [[url, state], ...]]`: how the event of a [`super::ClientFrame::Relays`] stands with each relay: 0 it
    /// waits, 1 the relay has taken it, 2 the relay has refused it.
    Relays {
        /// The request that it answers.
        request: RequestId,
        /// At most [`MAX_MIRRORS`], each with its address.
        relays: Vec<(String, Delivery)>,
    },
    /// 70 `[70, request, code, reason]`: no. With request 0 the node closes the connection next.
    Refused {
        /// The request that it answers.
        request: RequestId,
        /// The refusal.
        refusal: Refusal,
    },
}

/// How a node is reached from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    /// The key by which a client that comes through a helper recognises the node.
    pub key: ChannelKey,
    /// The node's own addresses: `wss://host` or `wss://host:port`, at most [`MAX_WAYS`].
    pub addresses: Vec<String>,
    /// The addresses of helpers, in the same form, at most [`MAX_WAYS`].
    pub helpers: Vec<String>,
}

/// How a published event travels (PROTOCOL.md, "What travels how").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// 0: kept on this node only.
    Kept,
    /// 1: broadcast; the number of neighbours that it was handed to at once.
    Broadcast(u32),
    /// 2: meant for some people only, whose number this is; it waits in the node for them.
    Waiting(u32),
}

impl Write for Carried {
    fn write(&self, out: &mut Vec<u8>) {
        let pair: (u8, u32) = match *self {
            Self::Kept => (0, 0),
            Self::Broadcast(neighbours) => (1, neighbours),
            Self::Waiting(people) => (2, people),
        };
        pair.write(out);
    }
}

impl Read for Carried {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        match <(u8, u32)>::read(input)? {
            (0, _) => Ok(Self::Kept),
            (1, neighbours) => Ok(Self::Broadcast(neighbours)),
            (2, people) => Ok(Self::Waiting(people)),
            _ => Err(Malformed::Encoding("an unknown way of carrying an event".to_owned())),
        }
    }
}

/// How far a private event has come with one of the people it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// 0: it waits in the owner's node, which tries again.
    Waiting,
    /// 1: a node of that person has it.
    Delivered,
    /// 2: the owner's node has given up.
    GivenUp,
}

impl From<Delivery> for u8 {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Waiting => 0,
            Delivery::Delivered => 1,
            Delivery::GivenUp => 2,
        }
    }
}

impl From<u8> for Delivery {
    fn from(number: u8) -> Self {
        match number {
            1 => Self::Delivered,
            2 => Self::GivenUp,
            _ => Self::Waiting,
        }
    }
}

impl Write for Delivery {
    fn write(&self, out: &mut Vec<u8>) {
        u8::from(*self).write(out);
    }
}

impl Read for Delivery {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        u8::read(input).map(Into::into)
    }
}

/// A node that this one is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// Which node.
    pub peer: PeerId,
    /// The owner of that node, if known.
    pub owner: Option<PublicKey>,
    /// How the connection goes.
    pub path: Path,
    /// Round-trip time in milliseconds, once measured.
    pub delay_ms: Option<u32>,
}

/// How others reach a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reached {
    /// 0: not known yet.
    #[default]
    Unknown,
    /// 1: anybody can dial it.
    Directly,
    /// 2: over nodes that relay for it.
    Relayed,
    /// 3: it is not reached; it reaches others.
    No,
    /// 4: it listens on its own machine alone.
    Nowhere,
}

impl Write for Reached {
    fn write(&self, out: &mut Vec<u8>) {
        let number: u8 = match self {
            Self::Unknown => 0,
            Self::Directly => 1,
            Self::Relayed => 2,
            Self::No => 3,
            Self::Nowhere => 4,
        };
        number.write(out);
    }
}

impl Read for Reached {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        Ok(match u8::read(input)? {
            1 => Self::Directly,
            2 => Self::Relayed,
            3 => Self::No,
            4 => Self::Nowhere,
            _ => Self::Unknown,
        })
    }
}

/// How the node has last caught up with a neighbour: `[at, peer, events]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaughtUp {
    /// When that ended, in seconds since 1970.
    pub at: u64,
    /// The neighbour.
    pub peer: PeerId,
    /// Events that were missing and came.
    pub events: u64,
}

impl Write for CaughtUp {
    fn write(&self, out: &mut Vec<u8>) {
        (self.at, self.peer, self.events).write(out);
    }
}

impl Read for CaughtUp {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let (at, peer, events) = Read::read(input)?;
        Ok(Self { at, peer, events })
    }
}

/// How a connection to a peer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// 0: straight.
    Direct,
    /// 1: straight, through a hole that both punched into their routers.
    Punched,
    /// 2: by way of a third node.
    Relayed,
}

impl Write for PeerStatus {
    fn write(&self, out: &mut Vec<u8>) {
        (self.peer, self.owner, self.path, self.delay_ms).write(out);
    }
}

impl Read for PeerStatus {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        let (peer, owner, path, delay_ms) = Read::read(input)?;
        Ok(Self { peer, owner, path, delay_ms })
    }
}

impl Write for Path {
    fn write(&self, out: &mut Vec<u8>) {
        let number: u8 = match self {
            Self::Direct => 0,
            Self::Punched => 1,
            Self::Relayed => 2,
        };
        number.write(out);
    }
}

impl Read for Path {
    fn read(input: &mut Input<'_>) -> Result<Self, Malformed> {
        Ok(match u8::read(input)? {
            0 => Self::Direct,
            1 => Self::Punched,
            _ => Self::Relayed,
        })
    }
}

impl NodeFrame {
    /// The frame for a client that reads no statements ([`crate::login::reads_statements`]).
    #[must_use]
    pub fn without_statements(mut self) -> Self {
        match &mut self {
            Self::Batch { events, .. } | Self::Answer { events, .. } => {
                events.iter_mut().for_each(|unsigned| unsigned.statement = None);
            }
            Self::Exported { events, .. } => {
                events.iter_mut().for_each(|event| event.unsigned.statement = None);
            }
            _ => {}
        }
        self
    }

    /// Encodes the frame as one WebSocket message. A refusal's reason is cut to [`MAX_TEXT_BYTES`].
    pub fn encode(self) -> Vec<u8> {
        let bytes = serde_bytes::Bytes::new;
        match self {
            Self::Welcome(welcome) => welcome.encode(),
            Self::LoggedIn { request, owner, store, newest } => {
                wire::encode(&(65u8, request, owner, store, newest))
            }
            Self::Published { request, id, sequence, carried } => {
                wire::encode(&(66u8, request, id, sequence, carried))
            }
            Self::Batch { through, newest, events } => {
                let (packed, packing) = pack::<CompactUnsigned, _>(events);
                wire::encode(&(67u8, through, newest, packing, bytes(&packed)))
            }
            Self::Answer { request, complete, events } => {
                let (packed, packing) = pack::<CompactUnsigned, _>(events);
                wire::encode(&(68u8, request, complete, packing, bytes(&packed)))
            }
            Self::Status { peers, stored, caught_up } => wire::encode(&(69u8, peers, stored, caught_up)),
            Self::Network { reached, traffic } => wire::encode(&(76u8, reached, traffic)),
            Self::Mirrors(mut mirrors) => {
                mirrors.truncate(MAX_MIRRORS);
                wire::encode(&(77u8, mirrors))
            }
            Self::Deliveries { id, people } => wire::encode(&(71u8, id, people)),
            Self::Delegated { expires } => wire::encode(&(72u8, expires)),
            Self::Markers(markers) => wire::encode(&(73u8, markers)),
            Self::LongLists { tags, bytes } => wire::encode(&(85u8, tags, bytes)),
            Self::Features(codes) => wire::encode(&(86u8, serde_bytes::Bytes::new(&codes))),
            Self::Warnings(codes) => wire::encode(&(79u8, serde_bytes::Bytes::new(&codes))),
            Self::Ways(Ways { key, addresses, helpers }) => {
                wire::encode(&(74u8, bytes(key.as_bytes()), addresses, helpers))
            }
            Self::Names { request, own, names } => wire::encode(&(84u8, request, own, names)),
            Self::Permissions { request, mut permissions, drafts } => {
                permissions.truncate(MAX_PERMISSIONS);
                let (packed, packing) = pack::<CompactUnsigned, _>(drafts);
                wire::encode(&(87u8, request, permissions, packing, bytes(&packed)))
            }
            Self::Reach { request, relay_only } => {
                wire::encode(&(88u8, request, bytes(&PublicKey::joined(&relay_only))))
            }
            Self::Relays { request, relays } => wire::encode(&(89u8, request, relays)),
            Self::Exported { request, through, newest, events } => {
                let (packed, packing) = pack::<CompactEvent, _>(events);
                wire::encode(&(78u8, request, through, newest, packing, bytes(&packed)))
            }
            Self::Refused { request, refusal: Refusal { code, mut reason } } => {
                reason.truncate(reason.floor_char_boundary(MAX_TEXT_BYTES));
                wire::encode(&(70u8, request, code, reason))
            }
        }
    }

    /// Decodes one WebSocket message.
    ///
    /// # Errors
    /// When it is cut off, over a limit, or of an unknown type.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_BATCH_BYTES {
            return Err(Malformed::TooLong { length: bytes.len(), max: MAX_BATCH_BYTES });
        }
        match wire::message_type(bytes)? {
            64 => Welcome::decode(bytes).map(|welcome| Self::Welcome(Box::new(welcome))),
            65 => wire::decode(bytes).map(|(_, request, owner, store, newest): (u8, _, _, _, _)| {
                Self::LoggedIn { request, owner, store, newest }
            }),
            66 => wire::decode(bytes).map(|(_, request, id, sequence, carried): (u8, _, _, _, _)| {
                Self::Published { request, id, sequence, carried }
            }),
            67 => {
                let (_, through, newest, packing, packed): (u8, _, _, u8, serde_bytes::ByteBuf) =
                    wire::decode(bytes)?;
                Ok(Self::Batch { through, newest, events: unpack::<CompactUnsigned, _>(packing, &packed)? })
            }
            68 => {
                let (_, request, complete, packing, packed): (u8, _, _, u8, serde_bytes::ByteBuf) =
                    wire::decode(bytes)?;
                Ok(Self::Answer {
                    request,
                    complete,
                    events: unpack::<CompactUnsigned, _>(packing, &packed)?,
                })
            }
            69 => wire::decode(bytes).map(|(_, peers, stored, caught_up): (u8, _, _, _)| Self::Status {
                peers,
                stored,
                caught_up,
            }),
            76 => wire::decode(bytes)
                .map(|(_, reached, traffic): (u8, _, _)| Self::Network { reached, traffic }),
            77 => {
                let (_, mirrors): (u8, Vec<Mirror>) = wire::decode(bytes)?;
                if mirrors.len() > MAX_MIRRORS {
                    return Err(Malformed::Encoding(format!("more than {MAX_MIRRORS} mirrors")));
                }
                Ok(Self::Mirrors(mirrors))
            }
            70 => wire::decode(bytes).map(|(_, request, code, reason): (u8, _, RefusalCode, String)| {
                Self::Refused { request, refusal: Refusal { code, reason } }
            }),
            71 => wire::decode(bytes).map(|(_, id, people): (u8, _, _)| Self::Deliveries { id, people }),
            72 => wire::decode(bytes).map(|(_, expires): (u8, _)| Self::Delegated { expires }),
            73 => {
                let (_, markers): (u8, Vec<(String, u64)>) = wire::decode(bytes)?;
                if markers.len() > MAX_MARKERS {
                    return Err(Malformed::Encoding(format!("more than {MAX_MARKERS} markers")));
                }
                Ok(Self::Markers(markers))
            }
            74 => Ways::decode(bytes).map(Self::Ways),
            85 => wire::decode(bytes).map(|(_, tags, bytes): (u8, _, _)| Self::LongLists { tags, bytes }),
            86 => wire::decode(bytes)
                .map(|(_, codes): (u8, serde_bytes::ByteBuf)| Self::Features(codes.into_vec())),
            79 => wire::decode(bytes)
                .map(|(_, codes): (u8, serde_bytes::ByteBuf)| Self::Warnings(codes.into_vec())),
            84 => {
                let (_, request, own, names): (u8, _, _, Vec<(String, bool)>) = wire::decode(bytes)?;
                if names.len() > 2 * MAX_NAMES {
                    return Err(Malformed::Encoding(format!("more than {} names", 2 * MAX_NAMES)));
                }
                Ok(Self::Names { request, own, names })
            }
            87 => decode_permissions(bytes),
            88 => {
                let (_, request, people): (u8, _, serde_bytes::ByteBuf) = wire::decode(bytes)?;
                Ok(Self::Reach { request, relay_only: PublicKey::split(&people, MAX_REACH)? })
            }
            89 => {
                wire::decode(bytes).map(|(_, request, relays): (u8, _, _)| Self::Relays { request, relays })
            }
            78 => {
                let (_, request, through, newest, packing, packed): (u8, _, _, _, u8, serde_bytes::ByteBuf) =
                    wire::decode(bytes)?;
                let events = unpack::<CompactEvent, _>(packing, &packed)?;
                Ok(Self::Exported { request, through, newest, events })
            }
            other => Err(Malformed::UnknownType(other)),
        }
    }
}

fn decode_permissions(bytes: &[u8]) -> Result<NodeFrame, Malformed> {
    let (_, request, permissions, packing, packed): (u8, _, Vec<Permission>, u8, serde_bytes::ByteBuf) =
        wire::decode(bytes)?;
    if permissions.len() > MAX_PERMISSIONS {
        return Err(Malformed::Encoding(format!("more than {MAX_PERMISSIONS} permissions")));
    }
    let drafts = unpack::<CompactUnsigned, _>(packing, &packed)?;
    Ok(NodeFrame::Permissions { request, permissions, drafts })
}

impl Ways {
    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (_, key, addresses, helpers): (u8, serde_bytes::ByteArray<32>, Vec<String>, Vec<String>) =
            wire::decode(bytes)?;
        let fits =
            |ways: &[String]| ways.len() <= MAX_WAYS && ways.iter().all(|way| way.len() <= MAX_WAY_BYTES);
        if !fits(&addresses) || !fits(&helpers) {
            return Err(Malformed::Encoding("too many or too long ways".to_owned()));
        }
        Ok(Self { key: ChannelKey::from_bytes(key.into_array()), addresses, helpers })
    }
}
