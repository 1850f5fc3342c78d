//! The handle by which the rest of the node talks to the overlay.

use nostrp2p_protocol::PeerId;
use tokio::sync::{mpsc, oneshot};

use crate::{BroadcastError, MessageRef, Peer, PeerAddress, Stats, Topic, Verdict};

/// Commands on their way to the driver. Beyond that, callers wait.
pub(crate) const COMMANDS: usize = 256;

/// A running overlay. Clones are handles to the same one; when the last is dropped, it shuts down.
///
/// All methods are cancel-safe in the sense that a command is either taken as a whole or not at all. On an overlay
/// that has stopped, they do nothing and return nothing.
#[derive(Debug, Clone)]
pub struct Overlay {
    commands: mpsc::Sender<Command>,
    peer_id: PeerId,
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

/// What the driver is asked for.
pub(crate) enum Command {
    Broadcast { topic: Topic, payload: Vec<u8>, reply: oneshot::Sender<Result<Sent, BroadcastError>> },
    Report { message: MessageRef, verdict: Verdict },
    Dial(PeerAddress),
    Peers(oneshot::Sender<Vec<Peer>>),
    ListenAddresses(oneshot::Sender<Vec<String>>),
    Stats(oneshot::Sender<Stats>),
    Shutdown,
}

impl Overlay {
    pub(crate) const fn new(commands: mpsc::Sender<Command>, peer_id: PeerId) -> Self {
        Self { commands, peer_id }
    }

    /// Who this node is.
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
        let sent = self.ask(|reply| Command::Broadcast { topic, payload, reply }).await;
        sent.unwrap_or(Err(BroadcastError::Stopped))
    }

    /// Says what to do with a message. Once each, within 10 s; later it is without effect.
    pub async fn report(&self, message: MessageRef, verdict: Verdict) {
        self.tell(Command::Report { message, verdict }).await;
    }

    /// Dials an address once, soon. Failure is told by [`crate::OverlayEvent::BootstrapFailed`].
    pub async fn dial(&self, address: PeerAddress) {
        self.tell(Command::Dial(address)).await;
    }

    /// The nodes that have joined, ordered by peer id; at most about 180.
    pub async fn peers(&self) -> Vec<Peer> {
        self.ask(Command::Peers).await.unwrap_or_default()
    }

    /// Where this node listens: multiaddrs with its peer id.
    pub async fn listen_addresses(&self) -> Vec<String> {
        self.ask(Command::ListenAddresses).await.unwrap_or_default()
    }

    /// Numbers since the start. All zero when the overlay has stopped.
    pub async fn stats(&self) -> Stats {
        self.ask(Command::Stats).await.unwrap_or_default()
    }

    /// Saves the known addresses, closes the connections and ends; returns when that is done, after 2 s at most.
    /// All clones may do this, in any order. The last event is [`crate::OverlayEvent::Stopped`].
    pub async fn shutdown(self) {
        self.tell(Command::Shutdown).await;
        self.commands.closed().await;
    }

    async fn tell(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("The overlay has stopped; a command was not carried out.");
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.tell(command(reply)).await;
        answer.await.ok()
    }
}
