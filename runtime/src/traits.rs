//! The traits that a program around the pump implements.

use std::{future::Future, time::Duration};

use nostrp2p_core::{
    Claim, Core, DeliveryKey, DeliveryState, Input, OpenTunnel, OwnNodeCursor, Propagation, Service,
    StoreQuery, Stored, SyncSet, SyncWindow, Verdict,
};
use nostrp2p_protocol::{
    Delegation, Event, EventId, Network as NetworkName, PeerId, PublicKey, UnsignedEvent, UnverifiedEvent,
    VerifyError, event_policy::Target, frame::Delivery,
};
use tokio::sync::oneshot;

/// A finished signature check: its number and what was found.
pub type Checked = (u64, Result<Event, VerifyError>);

/// The store cannot be read; the implementation of [`EventStore`] has logged why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// A store of events and of everything else that must outlive a restart. Clones are handles to the same store.
///
/// It carries writes out in the order in which they come. A read sees every write that was answered before it.
pub trait EventStore: Clone + Send + Sync + 'static {
    /// A record of sessions and the host in the store, besides the engine's.
    type Note: Send + 'static;
    /// While the owner holds one, reads for others stand still.
    type Turn: Send + 'static;

    /// Takes a write without waiting; gives it back when there is no room, to be offered again after [`EventStore::room`].
    fn write(&self, write: StoreWrite<Self::Note>) -> Option<StoreWrite<Self::Note>>;

    /// Waits until there is room for a write. Cancel-safe.
    fn room(&self) -> impl Future<Output = ()> + Send;

    /// Waits until the store has lost some of what it was given: its disk had refused to write, and takes bytes again.
    fn rolled_back(&self) -> impl Future<Output = ()> + Send + 'static;

    /// The owner's turn, from now on until it is dropped.
    fn owners_turn(&self) -> Self::Turn;

    /// The highest sequence number that was given.
    fn newest(&self) -> u64;

    /// The state of an earlier run, as [`nostrp2p_core::Output::ReadMemory`] says.
    fn memory(&self, owner: Option<PublicKey>) -> impl Future<Output = Vec<Input>> + Send;

    /// The sync positions with own nodes.
    fn own_nodes(&self) -> impl Future<Output = Vec<(PeerId, OwnNodeCursor)>> + Send;

    /// The owner's delegation for this node.
    fn delegation(
        &self,
        owner: PublicKey,
    ) -> impl Future<Output = Result<Option<Delegation>, Unreadable>> + Send;

    /// The newest delegation of this owner for each node, whether it holds or not.
    fn own_words(&self, owner: PublicKey) -> impl Future<Output = Vec<Delegation>> + Send;

    /// The events to which an event refers that is to be published.
    fn targets(
        &self,
        unsigned: UnsignedEvent,
    ) -> impl Future<Output = Result<Vec<Target>, Unreadable>> + Send;

    /// The event with this sequence number; None when it is there no longer.
    fn event(&self, sequence: u64) -> impl Future<Output = Result<Option<Event>, Unreadable>> + Send;

    /// To whom an event was not delivered.
    fn undelivered(&self, event: EventId) -> impl Future<Output = Vec<DeliveryKey>> + Send;

    /// The own public events that nobody has taken yet.
    fn unsent(&self) -> impl Future<Output = Vec<(u64, Event)>> + Send;

    /// The shared events of a window, and the part of the window that is worth comparing; None when none of it is.
    /// `statements` says whether events that are public by a statement alone are included.
    fn shared(
        &self,
        window: SyncWindow,
        statements: bool,
    ) -> impl Future<Output = Result<Option<(SyncWindow, SyncSet)>, Unreadable>> + Send;

    /// The answer to what another node asks, and how many rows were read for it; None when there is none. It waits while the
    /// owner reads.
    fn answer(&self, query: StoreQuery) -> impl Future<Output = Option<(Vec<u8>, usize)>> + Send;
}

/// A write to the store.
#[derive(Debug)]
pub enum StoreWrite<N> {
    /// An event.
    Event(Event, Propagation, StoreReply),
    /// The event with this sequence number has reached another node.
    Sent(u64),
    /// How far a delivery has come.
    Delivery(DeliveryKey, DeliveryState),
    /// The sync position with an own node.
    OwnNode(PeerId, OwnNodeCursor),
    /// A revocation of a delegation.
    Revoked(Event),
    /// The revocation of the delegation of this node is not needed any more.
    NotRevoked(PublicKey, PeerId),
    /// The owner of this node. The answer, or an error for the log, comes when it is durable.
    Owner(PublicKey, oneshot::Sender<Result<(), String>>),
    /// See [`EventStore::Note`].
    Note(N),
}

/// Who gets the result of storing an event, and when.
#[derive(Debug)]
pub enum StoreReply {
    /// Nobody.
    Nobody,
    /// A receiver that does not wait gets it when it can be read.
    Told(oneshot::Sender<Stored>),
    /// A receiver that waits gets it when it can be read, although a crash may still undo it.
    Readable(oneshot::Sender<Stored>),
    /// A receiver that waits gets it when it is durable.
    Durable(oneshot::Sender<Stored>),
}

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// The other node refused it.
    Refused,
    /// It could not be reached, or did not answer in time; the reason is for the log.
    Failed(String),
}

/// The network of other nodes. Clones are handles to the same network.
///
/// The futures of commands begin in the order in which they are made, and commands are carried out in that order
/// unless the network is busy.
pub trait PeerNetwork: Clone + Send + Sync + 'static {
    /// Names a message until it was reported.
    type Message: Send + 'static;
    /// Names a request of another node until it was answered.
    type Request: Send + 'static;

    /// Sends a packet to everybody; returns how many neighbours took it at once.
    fn broadcast(&self, packet: Vec<u8>) -> impl Future<Output = Result<usize, String>> + Send;

    /// Sends an announcement to everybody.
    fn announce(&self, announcement: Vec<u8>) -> impl Future<Output = Result<(), String>> + Send;

    /// Asks a node. It ends, with an answer or without, within 20 s.
    fn request(
        &self,
        peer: PeerId,
        service: Service,
        payload: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, Unanswered>> + Send;

    /// Says what to do with a message.
    fn report(&self, message: Self::Message, verdict: Verdict) -> impl Future<Output = ()> + Send;

    /// Answers a request; without an answer it is refused.
    fn respond(&self, request: Self::Request, answer: Option<Vec<u8>>) -> impl Future<Output = ()> + Send;

    /// Notes where a node says that it may be reached.
    fn add_addresses(&self, peer: PeerId, addresses: Vec<String>) -> impl Future<Output = ()> + Send;

    /// Keeps the connections to these nodes open, and to no others that it kept so.
    fn keep(&self, peers: Vec<PeerId>) -> impl Future<Output = ()> + Send;

    /// The addresses at which others reach this node.
    fn addresses(&self) -> impl Future<Output = Vec<String>> + Send;
}

/// Events of the network.
#[derive(Debug)]
pub enum NetworkEvent<N: PeerNetwork> {
    /// A neighbour passes on a packet.
    Packet(N::Message, PeerId, Vec<u8>),
    /// A neighbour passes on an announcement.
    Announcement(N::Message, PeerId, Vec<u8>),
    /// A node asks something.
    Request(N::Request, PeerId, Service, Vec<u8>),
    /// A node is connected, from this network.
    PeerConnected(PeerId, NetworkName),
    /// A node has connected once more, and has answered on an earlier connection since.
    PeerConnectedTwice(PeerId),
    /// The last connection to a node is gone.
    PeerDisconnected(PeerId),
    /// Others reach this node elsewhere than before.
    AddressesChanged,
    /// The network has ended; a reason for the person who runs the node, if it broke.
    Stopped(Option<String>),
}

/// The source of a network's events.
pub trait NetworkEvents<N: PeerNetwork>: Send {
    /// Waits for the next event. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = NetworkEvent<N>> + Send;
}

/// The clock, and who checks signatures.
pub trait Platform: Send + 'static {
    /// Seconds since 1970.
    fn now(&self) -> u64;

    /// Waits for so long. Cancel-safe.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static;

    /// Does work that takes some milliseconds where nobody waits for it: on another thread, if there is one. None when it
    /// broke.
    fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static;

    /// Takes an event whose id and signature are to be checked, under this number. False when too much is waiting.
    fn check(&mut self, number: u64, event: UnverifiedEvent) -> bool;

    /// Waits for finished checks. Cancel-safe.
    fn checked(&mut self) -> impl Future<Output = Vec<Checked>> + Send;
}

/// Notices for sessions and people.
#[derive(Debug, Clone, PartialEq)]
pub enum HostNotice {
    /// How far an event has come with a person.
    Delivery(EventId, PublicKey, Delivery),
    /// The node has been claimed.
    Claimed(PublicKey),
    /// This claim link holds from now on.
    Claim(Claim),
    /// The owner's delegation for this node has changed.
    Delegation(Option<Delegation>),
    /// Clients reach this node through these helpers.
    Tunnels(Vec<OpenTunnel>),
    /// Another node of the owner was there, in seconds since 1970.
    OwnNodeSeen(PeerId, u64),
    /// The owner has read something up to a time.
    Mark(String, u64),
    /// Somebody else's clock says this time.
    Time(u64),
}

/// What follows from a [`HostNotice`].
#[derive(Debug)]
pub struct Reaction<N> {
    /// The records to store.
    pub notes: Vec<N>,
    /// Whether to look at the node's status at once.
    pub look: bool,
}

impl<N> Default for Reaction<N> {
    fn default() -> Self {
        Self { notes: vec![], look: false }
    }
}

/// The rest of the program, which tells sessions and people. None of this waits.
pub trait Host<N>: Send + 'static {
    /// The state of the node outside of the engine: neighbours, traffic, the disk.
    type Look: Send + 'static;

    /// Looks at the node. It may take time.
    fn look(&self) -> impl Future<Output = Self::Look> + Send + 'static;

    /// Tells what was seen, and what the engine counts.
    fn on_look(&mut self, look: Self::Look, core: &Core);

    /// Tells something.
    fn notice(&mut self, notice: HostNotice, core: &Core, now: u64) -> Reaction<N>;

    /// A token for a claim link; None when there are no random numbers.
    fn fresh_claim(&mut self) -> Option<Claim>;
}
