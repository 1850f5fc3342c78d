//! What the core is told and what it says: inputs, outputs, and the names that link the two.

use nostrp2p_protocol::{
    Delegation, Event, Network, Packet, PeerId, PublicKey, UnsignedEvent, UnverifiedEvent, VerifyError,
    event_policy::{Audience, Target},
    frame::{Carried, Refusal},
    rpc::{OwnPage, Receipt},
};

use crate::{
    admission::Ignored,
    fetch::{FetchQuery, FetchTarget, QueryId},
    limit::Rate,
    limits::Limits,
    mailbox::Sender,
    outbox::{DeliveryKey, DeliveryState},
    own_nodes::OwnNodeCursor,
    sync::Difference,
    sync::{Identified, SyncSession, SyncStep},
};

/// A message of the overlay that waits for a verdict; numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GossipId(pub u64);

/// A delivery of another node that waits for its receipt; numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// A publish request of a client that waits for its answer; numbered by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishId(pub u64);

/// What happened. `now` in [`crate::Core::handle`] says when.
#[derive(Debug)]
pub enum Input {
    /// A neighbour brought a packet by gossip.
    Heard(GossipId, PeerId, Vec<u8>),
    /// A logged-in owner wants to publish. With what the event deletes, reposts or quotes, as far as the store holds it or
    /// the event carries it.
    Publish(PublishId, UnverifiedEvent, Vec<Target>),
    /// A signature check ended; the number is the one of [`Output::Verify`].
    Verified(u64, Result<Event, VerifyError>),
    /// The store holds an event durably that [`Output::Commit`] gave it.
    Committed(PublishId, Event, Audience, u64),
    /// The owner changed.
    Owner(PublicKey),
    /// Another node, which the connection proves, hands over an event that is for the owner.
    Handed(DeliveryId, PeerId, Vec<u8>),
    /// The store holds an event durably that [`Output::StoreDelivery`] gave it.
    DeliveryStored(DeliveryId),
    /// The store has no room at the moment for an event that [`Output::StoreDelivery`] gave it.
    DeliveryNotStored(DeliveryId),
    /// A delegation was seen whose signature is right, in a new announcement that its node has signed and this neighbour has
    /// told.
    Delegated(Delegation, PeerId),
    /// This node is connected to another one, from this network.
    PeerConnected(PeerId, Network),
    /// A delivery from an earlier run, read from the store at the start.
    Waiting(DeliveryKey, DeliveryState),
    /// The owner wants a delivery tried again that has not arrived.
    Retry(DeliveryKey),
    /// An attempt that [`Output::Attempt`] asked for has ended; None when no node answered.
    Attempted(DeliveryKey, Option<Receipt>),
    /// The owner's clients want things that the store lacks, or has not looked for lately.
    Fetch(Vec<FetchTarget>),
    /// What came back for [`Output::Query`]; None when no node answered.
    QueryAnswered(QueryId, Option<Vec<UnverifiedEvent>>),
    /// How far an own node had told what it holds, read from the store at the start.
    OwnNode(PeerId, OwnNodeCursor),
    /// An own node has asked this node, and said up to which sequence number its own store goes.
    OwnNodeAsked(PeerId, u64),
    /// What came back for [`Output::QueryOwnNode`].
    OwnNodeAnswered(PeerId, Option<OwnPage>),
    /// A list of people (kinds 3 and 10000) from the store, at the start or after the owner changed: the owner's first.
    List(UnsignedEvent),
    /// From the store, at the start: when its life began, and when it first held something of each of these people, in
    /// seconds since 1970.
    People(u64, Vec<(PublicKey, u64)>),
    /// The last connection to a node is gone.
    PeerDisconnected(PeerId),
    /// A neighbour says that it has events that this node may lack.
    News(PeerId),
    /// A comparison that [`SyncStep::Compare`] asked for has ended; None when the neighbour did not play its part.
    Compared(SyncSession, Option<Difference>),
    /// What came back for [`SyncStep::Get`]; None when the neighbour did not answer.
    Got(SyncSession, Option<Vec<Identified>>),
    /// A neighbour was asked for revocations and told these.
    Revoked(PeerId, Vec<UnverifiedEvent>),
    /// Revocations that an earlier run has written down.
    KnownRevocations(Vec<Delegation>),
    /// The owner's delegations, whether they hold or not, read from the store at the start or when one has come.
    OwnWords(Vec<Delegation>),
    /// The store has lost some of what it was given lately: its disk had refused to write. [`Input::OwnNode`] follows for
    /// each own node.
    StoreRolledBack,
    /// Some time has passed.
    Tick,
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Check id and signature, then hand in [`Input::Verified`] with this number.
    Verify(u64, UnverifiedEvent),
    /// Tell the overlay what to do with a message.
    ReportValidation(GossipId, Verdict),
    /// Keep an event that others sent; nobody waits for it.
    Store(Event, Sharing),
    /// Keep the owner's event durably, with a delivery for each of the people if it is for some, then hand in
    /// [`Input::Committed`] with the same.
    Commit(PublishId, Event, Audience),
    /// Keep an event that another node handed over, durably, then hand in [`Input::DeliveryStored`] or [`Input::DeliveryNotStored`]. The last
    /// is who answers for it.
    StoreDelivery(DeliveryId, Event, Sender),
    /// Answer a delivery.
    Answer(DeliveryId, Receipt),
    /// Hand the event with this sequence number to these nodes, at least one, then hand in [`Input::Attempted`].
    Attempt(DeliveryKey, Vec<PeerId>),
    /// Ask neighbours which nodes act for these people, at most [`nostrp2p_protocol::rpc::MAX_SOUGHT`]; what they tell is heard as announcements.
    LookUpNodes(Vec<PublicKey>),
    /// Write down how far a delivery has come.
    Record(DeliveryKey, DeliveryState),
    /// Send a packet to everybody; nobody waits for it.
    Spread(Packet),
    /// Keep a delegation of the owner durably that came from the owner's other nodes or by a revocation, then look again
    /// whether this node acts for the owner.
    Obey(Event),
    /// Write down that an owner has taken back the delegation of a node.
    RecordRevocation(Event),
    /// It need not be known any more.
    ForgetRevocation(PublicKey, PeerId),
    /// Send a packet to everybody, and answer the request with the number of neighbours that took it.
    Broadcast(PublishId, Event, u64, Packet),
    /// Answer a publish request: the event, its sequence number, and where it goes.
    Published(PublishId, Event, u64, Carried),
    /// Answer a publish request with no.
    Refuse(PublishId, Refusal),
    /// Ask these nodes, or some neighbours if none is named, for public events; then hand in [`Input::QueryAnswered`].
    Query(FetchQuery),
    /// Ask another node of the owner for what it holds; then hand in [`Input::OwnNodeAnswered`].
    QueryOwnNode(PeerId, OwnNodeCursor),
    /// Write down how far an own node has told what it holds. Everything up to there went to the store before.
    RecordOwnNode(PeerId, OwnNodeCursor),
    /// Do a step of catching up with a neighbour.
    CatchUp(SyncStep),
}

/// Whether neighbours may have an event of this node when they catch up.
///
/// It decides for deletions alone: whether their targets were for everyone cannot be seen in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// It was broadcast, or came from somebody to whom it was.
    Shared,
    /// It came in another way: it is shared if it is for everyone by itself.
    ByItself,
    /// As before; it came from another node of the owner.
    OwnNode,
}

/// What one node may ask of another, each with a rate of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Deliveries of private events.
    Deliver,
    /// Questions.
    Fetch,
    /// Catching up.
    Sync,
}

impl Service {
    /// Rows of the store that may be read for one node: seconds of work at once, and half a percent of an hour. Guesses.
    pub(crate) const fn rows(self) -> Rate {
        match self {
            Self::Deliver | Self::Fetch => Rate { burst: 200_000, per_hour: 600_000 },
            // A comparison of all events of a month is 4,000, and in a lively network there are some each minute.
            Self::Sync => Rate { burst: 400_000, per_hour: 4_000_000 },
        }
    }

    /// What one node may ask, whatever for. All are guesses: above what an honest node needs, below what hurts.
    pub(crate) const fn rate(self) -> Rate {
        match self {
            // Hundreds of waiting replies when a node comes back, then one every 6 s.
            Self::Deliver => Rate { burst: 300, per_hour: 600 },
            // A client that opens pages of people, and own nodes that ask every 10 s and page after page.
            Self::Fetch => Rate { burst: 500, per_hour: 3_600 },
            // A new node's 20,000 events in one session are about 100 requests, and sessions follow one another.
            Self::Sync => Rate { burst: 600, per_hour: 7_200 },
        }
    }
}

/// What the overlay does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Forward it.
    Accept,
    /// It is taken, but not forwarded: its author has said much lately. Others get it by catching up.
    AcceptWithoutForwarding,
    /// Drop it; nobody did wrong.
    Ignore(Ignored),
    /// Drop it; whoever sent it did provable wrong and loses score.
    Reject,
    /// Drop it; it is of a later version.
    Unknown,
}

/// What stays the same while a node runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineSettings {
    /// The bounds of admission.
    pub limits: Limits,
    /// Whether the owner's events are refused (`--writable false`).
    pub read_only: bool,
    /// Random, so that nodes do not all do the same at once; the same seed replays.
    pub seed: u64,
}
