//! The engine's inputs and outputs, and the ids that link them.

use nostrp2p_protocol::{
    Delegation, Event, EventId, Filter, Network, Packet, PeerId, PublicKey, UnsignedEvent, UnverifiedEvent,
    VerifyError,
    event_policy::{Audience, Target},
    frame::{Carried, Refusal},
    rpc::{Lent, OwnPage, Reads, Receipt},
};

use crate::{
    admission::Ignored,
    fetch::{FetchQuery, FetchTarget, QueryId},
    inbox::{Bearer, InboxTerms, NotReceived},
    limit::Rate,
    limits::Limits,
    mailbox::Sender,
    outbox::{DeliveryKey, DeliveryState},
    own_nodes::OwnNodeCursor,
    ownership::{Claim, LoginProof},
    stored::{Inserted, Sharing, Stored},
    sync::{Difference, Identified, SyncSession, SyncStep, SyncWindow},
    tunnel::{OpenTunnel, server},
};

/// A message of the overlay that waits for a verdict; numbered by the runtime, as all ids here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GossipId(pub u64);

/// A request of another node that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InboundRequestId(pub u64);

/// A publish request of a client that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishId(pub u64);

/// An event that somebody brought to the inbox and that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MailId(pub u64);

/// A login or a claim that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoginId(pub u64);

/// An event of a relay that waits for what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MirroredId(pub u64);

/// What a neighbour has answered to [`Output::LookUpNodes`]: announcements, and revocations.
pub type LookedUp = (PeerId, Vec<Vec<u8>>, Vec<UnverifiedEvent>);

/// Inputs of the engine. `now` in [`crate::Core::handle`] is their time.
#[derive(Debug)]
pub enum Input {
    /// The node begins to run: what is done from time to time is due from now on.
    Started,
    /// A neighbour passes on an announcement.
    AnnouncementHeard(GossipId, PeerId, Vec<u8>),
    /// Others reach this node elsewhere than before.
    AddressesChanged,
    /// This node's addresses, as [`Output::FindAddresses`] asked.
    OwnAddresses(Vec<String>),
    /// What neighbours answered to [`Output::AskAnnouncements`].
    Told(PeerId, Vec<Vec<u8>>),
    /// What all neighbours answered to [`Output::LookUpNodes`].
    LookedUp(Vec<LookedUp>),
    /// A client proves that it is the owner's.
    Login(LoginId, LoginProof),
    /// A client shows the token of a claim link, and a proof.
    Claim(LoginId, [u8; 16], LoginProof),
    /// The store has written the owner down durably, or says in a sentence for the log why not.
    OwnerStored(LoginId, PublicKey, Result<(), String>),
    /// A token that [`Output::RenewClaim`] asked for; None when there are no random numbers.
    FreshClaim(Option<Claim>),
    /// The delegation of this node by its owner, as the store holds it now: [`Output::ReadDelegation`].
    OwnDelegation(Option<Delegation>),
    /// The owner's delegations from elsewhere, [`Output::Obey`], are stored, or could not be.
    Obeyed,
    /// A node was answered from the store, [`Output::Read`]: bytes of the answer, and rows that were read for it.
    Answered(PeerId, Service, usize, usize),
    /// The events to which the event to be published refers, [`Output::ReadTargets`]; None when the store cannot be
    /// read.
    Targets(PublishId, UnverifiedEvent, Option<Vec<Target>>),
    /// An event that a relay of the rest of Nostr has given.
    Mirrored(MirroredId, Event),
    /// The deliveries of an event that have not arrived, [`Output::ReadUndelivered`].
    Undelivered(Vec<DeliveryKey>),
    /// A helper's answer to [`Output::AskHelper`]; None when it did not answer.
    Lent(PeerId, Option<Lent>),
    /// Inputs of this node as a helper.
    TunnelServer(server::Input),
    /// A neighbour brought a packet by gossip.
    Heard(GossipId, PeerId, Vec<u8>),
    /// A logged-in owner wants to publish; and for whom the program writes, where the event leaves that open.
    Publish(PublishId, UnverifiedEvent, Replies),
    /// A signature check ended; the number is the one of [`Output::Verify`].
    Verified(u64, Result<Event, VerifyError>),
    /// The store's decision about an event of [`Output::Commit`].
    Committed(PublishId, Event, Audience, Stored),
    /// Another node, which the connection proves, asks something.
    Requested(InboundRequestId, PeerId, Service, Vec<u8>),
    /// The store's decision about an event of [`Output::StoreDelivery`].
    DeliveryStored(InboundRequestId, Stored),
    /// Somebody writes an event to the inbox.
    Mailed(MailId, UnverifiedEvent, Bearer),
    /// The store's decision about an event of [`Output::StoreMail`].
    MailStored(MailId, Stored),
    /// A delegation with a right signature, from a new announcement that its node has signed and this neighbour has
    /// told.
    Delegated(Delegation, PeerId),
    /// This node is connected to another one, from this network.
    PeerConnected(PeerId, Network),
    /// A neighbour has connected once more, and has answered on an earlier connection since: it may be two programs with one
    /// key.
    PeerConnectedTwice(PeerId),
    /// The owner wants an event delivered to those to whom this node has given up to deliver it.
    Retry(EventId),
    /// An attempt that [`Output::Attempt`] asked for has ended; None when no node answered.
    Attempted(DeliveryKey, Option<Receipt>),
    /// The owner's clients want things that the store lacks, or has not looked for lately.
    Fetch(Vec<FetchTarget>),
    /// The answer to [`Output::Query`]; None when no node answered.
    QueryAnswered(QueryId, Option<Vec<UnverifiedEvent>>),
    /// The answer to [`Output::QueryOwnNode`].
    OwnNodeAnswered(PeerId, Option<OwnPage>),
    /// The last connection to a node is gone.
    PeerDisconnected(PeerId),
    /// A comparison that [`SyncStep::Compare`] asked for has ended; None when the neighbour did not play its part.
    Compared(SyncSession, Option<Difference>),
    /// The store was asked for the poll of a delivered vote: the poll, nothing if it is not here, or None when the disk cannot be
    /// read.
    PollRead(InboundRequestId, PeerId, UnverifiedEvent, Option<Vec<Target>>),
    /// The answer to [`SyncStep::Get`]; None when the neighbour did not answer.
    Got(SyncSession, Option<Vec<Identified>>),
    /// A neighbour's answer to a request for revocations.
    Revoked(PeerId, Vec<UnverifiedEvent>),
    /// A part of the state of an earlier run, from the store.
    Remembered(Remembered),
    /// The owner's delegations, whether they hold or not, read from the store at the start or when one has come.
    OwnWords(Vec<Delegation>),
    /// The store has lost some of what it was given lately: its disk had refused to write. [`Remembered::OwnNode`] follows for
    /// each own node.
    StoreRolledBack,
    /// The time has come that [`crate::Core::next_due`] named. Handing it in at another time does no harm.
    Tick,
}

/// State of an earlier run, read from the store at the start; see [`Output::ReadMemory`].
#[derive(Debug)]
pub enum Remembered {
    /// A delivery from an earlier run, read from the store at the start.
    Waiting(DeliveryKey, DeliveryState),
    /// The sync position with an own node.
    OwnNode(PeerId, OwnNodeCursor),
    /// A list of people (kinds 3 and 10000) from the store, at the start or after the owner changed: the owner's first.
    List(UnsignedEvent),
    /// From the store, at the start: when its life began, and when it first held something of each of these people, in
    /// seconds since 1970.
    People(u64, Vec<(PublicKey, u64)>),
    /// Revocations that an earlier run has written down.
    Revocations(Vec<Delegation>),
}

/// Outputs of the engine, to be carried out in this order.
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
    /// Keep an event that another node handed over, durably, then hand in [`Input::DeliveryStored`]. The last is who
    /// answers for it.
    StoreDelivery(InboundRequestId, Event, Sender),
    /// Keep an event durably that somebody brought to the inbox, then hand in [`Input::MailStored`]. The last is who answers
    /// for it.
    StoreMail(MailId, Event, Sender),
    /// Show an ephemeral event that somebody brought to the inbox to the owner's programs, and answer.
    ShowMail(MailId, Event),
    /// Answer that an event is stored that somebody brought to the inbox.
    TakeMail(MailId),
    /// Answer that the inbox does not take an event.
    RefuseMail(MailId, NotReceived),
    /// Answer a delivery.
    Answer(InboundRequestId, Receipt),
    /// Answer a request with these bytes.
    Respond(InboundRequestId, Vec<u8>),
    /// End a request without an answer.
    RefuseRequest(InboundRequestId),
    /// The same a while later: the peer is over its budget, and may not ask as fast as it can be told so.
    RefuseOverBudget(InboundRequestId),
    /// Answer a request from the store, for others and at most so many rows as the query says; then hand in
    /// [`Input::Answered`].
    Read(InboundRequestId, PeerId, Service, StoreQuery),
    /// Hand the event with this sequence number to these nodes, at least one, then hand in [`Input::Attempted`].
    Attempt(DeliveryKey, Vec<PeerId>),
    /// Ask these neighbours which nodes act for these people, at most [`nostrp2p_protocol::rpc::MAX_SOUGHT`], and which of
    /// their delegations were taken back; then hand in [`Input::LookedUp`].
    LookUpNodes(Vec<PeerId>, Vec<PublicKey>),
    /// Ask a neighbour for announcements: of nodes that act for these people, or of any if none is named; then hand in
    /// [`Input::Told`].
    AskAnnouncements(PeerId, Vec<PublicKey>),
    /// Ask a neighbour which delegations were taken back: of these people, or of any if none is named; then hand in
    /// [`Input::Revoked`].
    AskRevocations(PeerId, Vec<PublicKey>),
    /// Ask a neighbour which run of it this is, on all connections; if there are two, show them to one another.
    ShowRuns(PeerId),
    /// Find out where others reach this node, then hand in [`Input::OwnAddresses`].
    FindAddresses,
    /// Send this announcement to everybody.
    Announce(Vec<u8>),
    /// A node says that it may be reached here.
    AddAddresses(PeerId, Vec<String>),
    /// Somebody else's clock says this time, in seconds since 1970.
    NoteTime(u64),
    /// Another node of the owner was there at this time, in seconds since 1970.
    OwnNodeSeen(PeerId, u64),
    /// Send the own public events that nobody has taken yet.
    SendUnsent,
    /// Read what an earlier run has left, and hand in [`Remembered::Revocations`], [`Remembered::People`], [`Remembered::Waiting`],
    /// [`Remembered::OwnNode`], and, if there is an owner, [`Remembered::List`] and [`Input::OwnDelegation`].
    ReadMemory(Option<PublicKey>),
    /// Read the sync positions with own nodes, and pass in [`Remembered::OwnNode`] for each.
    ReadOwnNodes,
    /// Read this owner's delegation for this node, and hand in [`Input::OwnDelegation`].
    ReadDelegation(PublicKey),
    /// Read what this owner has said of all nodes, and hand in [`Input::OwnWords`].
    ReadOwnWords(PublicKey),
    /// Read what an event speaks of that is to be published, and hand in [`Input::Targets`].
    ReadTargets(PublishId, UnverifiedEvent),
    /// Read the poll of a vote that a node has handed over, and hand in [`Input::PollRead`].
    ReadPoll(InboundRequestId, PeerId, UnverifiedEvent),
    /// Read to whom an event was not delivered, and hand in [`Input::Undelivered`].
    ReadUndelivered(EventId),
    /// Keep an event that a relay has given, and say what became of it.
    StoreMirrored(MirroredId, Event),
    /// Say that an event of a relay is not kept.
    NotMirrored(MirroredId),
    /// Answer a login or a claim.
    LoggedIn(LoginId, Result<PublicKey, Refusal>),
    /// Write down durably who owns this node, then hand in [`Input::OwnerStored`].
    StoreOwner(LoginId, PublicKey),
    /// The node has been claimed by this person.
    Claimed(PublicKey),
    /// Make a token for a claim link, and hand in [`Input::FreshClaim`].
    RenewClaim,
    /// This claim link holds from now on.
    ShowClaim(Claim),
    /// The delegation of this node by its owner has changed.
    DelegationChanged(Option<Delegation>),
    /// Ask a helper to be reached through it, then hand in [`Input::Lent`].
    AskHelper(PeerId),
    /// Clients reach this node through these helpers; keep the connections to them.
    OpenTunnels(Vec<OpenTunnel>),
    /// Outputs of this node as a helper.
    TunnelServer(server::Output),
    /// Write down how far a delivery has come.
    Record(DeliveryKey, DeliveryState),
    /// Send a packet to everybody; nobody waits for it.
    Spread(Packet),
    /// Store a delegation of the owner durably that came from the owner's other nodes or by a revocation, and then
    /// check again whether this node acts for the owner.
    Obey(Event),
    /// Write down that an owner has taken back the delegation of a node.
    RecordRevocation(Event),
    /// Forget a revocation that is not needed any more.
    ForgetRevocation(PublicKey, PeerId),
    /// Send a packet to everybody, and answer the request with the number of neighbours that took it.
    Broadcast(PublishId, EventId, Inserted, Packet),
    /// Answer a publish request: the event, what the store made of it, and where it goes.
    Published(PublishId, EventId, Inserted, Carried),
    /// Answer a publish request with no.
    Refuse(PublishId, Refusal),
    /// Ask these nodes, at most a few, for public events; then hand in [`Input::QueryAnswered`]. Without any, nobody answers.
    Query(FetchQuery),
    /// Ask another node of the owner for what it holds; then hand in [`Input::OwnNodeAnswered`].
    QueryOwnNode(PeerId, OwnNodeCursor),
    /// Store the sync position with an own node. Everything before it went to the store earlier.
    RecordOwnNode(PeerId, OwnNodeCursor),
    /// Do a step of catching up with a neighbour.
    CatchUp(SyncStep),
}

/// A read of the store for another node: at most [`crate::QUESTION_ROWS`] rows, and of public events only kinds that
/// everybody may have.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreQuery {
    /// Public events; long lists and statements only for nodes that read them.
    Public(Vec<Filter>, Reads),
    /// Events that another node of this owner may read, after this position; long lists and statements only for nodes
    /// that read them.
    Own(PublicKey, OwnNodeCursor, Reads),
    /// The shared ones of these events; those that are public by a statement alone if the node reads statements.
    Shared(Vec<EventId>, bool),
    /// A message of a comparison of this window, in this round; and whether the node reads statements.
    Compare(SyncWindow, u32, Vec<u8>, bool),
}

/// The audience of replies that do not name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replies {
    /// The people whom the reply names.
    Private,
    /// Everyone: the node makes a statement.
    Public,
}

/// Kinds of requests from other nodes, each with a rate of its own.
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

    /// The rate of one node's requests of this kind. All rates are guesses: above what an honest node needs, below
    /// what hurts.
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

/// The validation result of a message, for the overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Forward it.
    Accept,
    /// It is taken, but not forwarded, because its author has used up the budget for that. Others get it by catching
    /// up.
    AcceptWithoutForwarding,
    /// Drop it; nobody did wrong.
    Ignore(Ignored),
    /// Drop it; its sender is provably at fault and loses score.
    Reject,
    /// Drop it; it is of a later version.
    Unknown,
}

/// Settings that stay the same while a node runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineSettings {
    /// The bounds of admission.
    pub limits: Limits,
    /// Whether the owner's events are refused (`--writable false`).
    pub read_only: bool,
    /// The owner's requirements for strangers who write to the inbox; None for no inbox.
    pub inbox: Option<InboxTerms>,
    /// Random, so that nodes do not all do the same at once; the same seed replays.
    pub seed: u64,
    /// Random as well, and another one at each start; it is told to whoever asks.
    pub run: [u8; 8],
    /// How long a claim link holds, in seconds.
    pub claim_seconds: u64,
    /// Whether helpers are asked to reach this node through them.
    pub seeks_tunnels: bool,
    /// What each node behind a router gets from this node as a helper.
    pub tunnels: server::TunnelLimits,
}
