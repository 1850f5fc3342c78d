//! The handle by which the rest of the node talks to the overlay.

use std::time::Duration;

use nostrp2p_protocol::PeerId;
use tokio::{
    sync::{mpsc, oneshot},
    time,
};

use crate::{
    BroadcastError, HomeStream, HomeVisit, MessageAcceptance, MessageRef, Peer, PeerAddress, Protocol, Reach,
    RequestError, RequestRef, Stats, Topic, Traffic, peer_store::MAX_PER_PEER,
};

/// Commands on their way to the driver. Beyond that, callers wait.
pub(crate) const COMMANDS: usize = 256;

/// How long a stream to a node that is connected may take to open.
const OPEN_TIME: Duration = Duration::from_secs(10);

/// Streams of helpers that the node has not looked at yet.
const WAITING_VISITS: usize = 16;

/// Peers whose connections are kept open, asked for by the node: some helpers.
pub(crate) const MAX_KEPT: usize = 8;

/// A running overlay. Clones are handles to the same one; when the last is dropped, it shuts down.
///
/// All methods are cancel-safe in the sense that a command is either taken as a whole or not at all. On an overlay
/// that has stopped, they do nothing and return nothing.
#[derive(Debug, Clone)]
pub struct Overlay {
    commands: mpsc::Sender<OverlayCommand>,
    peer_id: PeerId,
    request_timeout: Duration,
}

/// How far a broadcast went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Neighbours it was sent to at once: all that are subscribed and in good standing.
    /// With 0, it waits up to a minute for the first neighbour to come.
    pub peers: usize,
    /// Whether the very same bytes came by less than two minutes ago; then they are not sent again.
    pub repeated: bool,
}

/// One request to a peer, from the handle to the driver.
pub(crate) struct Question {
    pub(crate) protocol: Protocol,
    pub(crate) payload: Vec<u8>,
    pub(crate) reply: QuestionReply,
}

/// The receiver of the answer.
pub(crate) type QuestionReply = oneshot::Sender<Result<Vec<u8>, RequestError>>;

/// Commands to the driver.
pub(crate) enum OverlayCommand {
    Broadcast { topic: Topic, payload: Vec<u8>, reply: oneshot::Sender<Result<Sent, BroadcastError>> },
    Report { message: MessageRef, verdict: MessageAcceptance },
    Dial(PeerAddress),
    AddAddresses { peer: PeerId, addresses: Vec<PeerAddress> },
    Request { peer: PeerId, question: Question },
    Respond { request: RequestRef, payload: Option<Vec<u8>> },
    OpenHome { peer: PeerId, reply: oneshot::Sender<Result<HomeStream, RequestError>> },
    AcceptHomes(mpsc::Sender<HomeVisit>),
    Keep(Vec<PeerId>),
    Peers(oneshot::Sender<Vec<Peer>>),
    ListenAddresses(oneshot::Sender<Vec<String>>),
    Reach(oneshot::Sender<Reach>),
    Stats(oneshot::Sender<Stats>),
    Traffic(oneshot::Sender<Vec<(PeerId, Traffic)>>),
    Shutdown,
}

impl Overlay {
    pub(crate) const fn new(
        commands: mpsc::Sender<OverlayCommand>,
        peer_id: PeerId,
        request_timeout: Duration,
    ) -> Self {
        Self { commands, peer_id, request_timeout }
    }

    /// The peer id of this node.
    pub const fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// Sends a payload to everybody. The neighbours get it at once, the others through them.
    /// It does not come back as an event here.
    ///
    /// # Errors
    /// When it is larger than [`Topic::max_payload`], when no neighbour can take it, when the overlay has stopped.
    /// To have no neighbours is no error.
    pub async fn broadcast(&self, topic: Topic, payload: Vec<u8>) -> Result<Sent, BroadcastError> {
        let (size, limit) = (payload.len(), topic.max_payload());
        if size > limit {
            return Err(BroadcastError::TooLarge { size, limit });
        }
        let sent = self.ask(|reply| OverlayCommand::Broadcast { topic, payload, reply }).await;
        sent.unwrap_or(Err(BroadcastError::Stopped))
    }

    /// Says what to do with a message. Once each, within 10 s; later it is without effect.
    pub async fn report(&self, message: MessageRef, verdict: MessageAcceptance) {
        self.tell(OverlayCommand::Report { message, verdict }).await;
    }

    /// Dials an address once, soon. [`crate::OverlayEvent::BootstrapFailed`] reports a failure.
    pub async fn dial(&self, address: PeerAddress) {
        self.tell(OverlayCommand::Dial(address)).await;
    }

    /// Notes where a node says it can be reached: multiaddrs or `host:port`, as it announced them. What is no address,
    /// a name, or of no use from here (loopback or private addresses, unless this node is there itself) is left out.
    /// At most 8 are kept of one node, and none takes the place of an address that worked.
    pub async fn add_addresses(&self, peer: PeerId, addresses: Vec<String>) {
        let addresses = addresses.iter().take(4 * MAX_PER_PEER).filter_map(|text| text.parse().ok());
        let addresses = addresses.filter(|address: &PeerAddress| address.peer().is_none_or(|it| it == peer));
        self.tell(OverlayCommand::AddAddresses { peer, addresses: addresses.collect() }).await;
    }

    /// Asks a node and waits for its answer, at most 20 s. One that is not connected is dialed at its known addresses.
    ///
    /// At most 8 requests to one peer are under way at a time (2 with [`Protocol::Sync`]), and 128 in all. Of one that
    /// was dropped the answer is ignored, and a request that was not sent yet stays unsent; until the peer has answered
    /// or the time is over it still counts.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(
        &self,
        peer: PeerId,
        protocol: Protocol,
        payload: Vec<u8>,
    ) -> Result<Vec<u8>, RequestError> {
        let (size, limit) = (payload.len(), protocol.max_request());
        if size > limit {
            return Err(RequestError::TooLarge { size, limit });
        }
        let question =
            |reply| OverlayCommand::Request { peer, question: Question { protocol, payload, reply } };
        match time::timeout(self.request_timeout, self.ask(question)).await {
            Ok(answer) => answer.unwrap_or(Err(RequestError::Stopped)),
            Err(_) => Err(RequestError::Timeout),
        }
    }

    /// Answers a request, once, within 20 s; later it is without effect. An answer larger than
    /// [`Protocol::max_response`] is a fault of the caller: it is not sent, and the request is refused.
    pub async fn respond(&self, request: RequestRef, payload: Vec<u8>) {
        let (size, limit) = (payload.len(), request.protocol.max_response());
        if size > limit {
            tracing::error!("An answer of {size} bytes was not sent; the limit is {limit} bytes.");
            return self.refuse(request).await;
        }
        self.tell(OverlayCommand::Respond { request, payload: Some(payload) }).await;
    }

    /// Ends a request without an answer.
    pub async fn refuse(&self, request: RequestRef) {
        self.tell(OverlayCommand::Respond { request, payload: None }).await;
    }

    /// Opens a stream to a node at home, within 10 s, on a connection that is there already. It is up to that node to
    /// stay connected: nothing is dialed.
    ///
    /// # Errors
    /// When it is not connected, takes no streams, or does not answer; see [`RequestError`].
    pub async fn open_home(&self, peer: PeerId) -> Result<HomeStream, RequestError> {
        let opened = self.ask(|reply| OverlayCommand::OpenHome { peer, reply });
        match time::timeout(OPEN_TIME, opened).await {
            Ok(opened) => opened.unwrap_or(Err(RequestError::Stopped)),
            Err(_) => Err(RequestError::Timeout),
        }
    }

    /// Takes the streams that helpers open to this node, from now on and instead of an earlier taker. At most 16 of
    /// one peer and 48 in all are open at a time; one that comes when 16 wait is dropped.
    pub async fn accept_homes(&self) -> mpsc::Receiver<HomeVisit> {
        let (sender, receiver) = mpsc::channel(WAITING_VISITS);
        self.tell(OverlayCommand::AcceptHomes(sender)).await;
        receiver
    }

    /// Keeps the connections to these peers open although nothing is asked over them; at most 8, instead of those
    /// before. One that is lost is not dialed: the next request does that.
    pub async fn keep(&self, peers: Vec<PeerId>) {
        debug_assert!(peers.len() <= MAX_KEPT, "the rest is not kept");
        self.tell(OverlayCommand::Keep(peers)).await;
    }

    /// The nodes that have joined, ordered by peer id; at most about 180.
    pub async fn peers(&self) -> Vec<Peer> {
        self.ask(OverlayCommand::Peers).await.unwrap_or_default()
    }

    /// Whether others reach this node and through what. The addresses in it are the ones to tell others.
    pub async fn reach(&self) -> Reach {
        self.ask(OverlayCommand::Reach).await.unwrap_or_default()
    }

    /// The addresses at which this node itself listens, without relays: multiaddrs with its peer id.
    pub async fn listen_addresses(&self) -> Vec<String> {
        self.ask(OverlayCommand::ListenAddresses).await.unwrap_or_default()
    }

    /// Numbers since the start. All zero when the overlay has stopped.
    pub async fn stats(&self) -> Stats {
        self.ask(OverlayCommand::Stats).await.unwrap_or_default()
    }

    /// The bytes of each peer since the last call. A peer that is connected through a relay counts twice: for the
    /// relay and for itself. Empty when the overlay has stopped.
    pub async fn take_traffic(&self) -> Vec<(PeerId, Traffic)> {
        self.ask(OverlayCommand::Traffic).await.unwrap_or_default()
    }

    /// Saves the known addresses, closes the connections and ends; returns when that is done, after 2 s at most.
    /// All clones may do this, in any order. The last event is [`crate::OverlayEvent::Stopped`].
    pub async fn shutdown(self) {
        self.tell(OverlayCommand::Shutdown).await;
        self.commands.closed().await;
    }

    async fn tell(&self, command: OverlayCommand) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("The overlay has stopped; a command was not carried out.");
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> OverlayCommand) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply)).await;
        answer.await.ok()
    }
}
