//! A node of somebody who keeps to no rules: the real overlay, and behind it whatever an attack needs.

use std::sync::{Arc, Mutex, PoisonError};

use nostrp2p_overlay::{
    ConnectionPath, Listen, MessageAcceptance, NodeSecret, Overlay, OverlayEvent, OverlaySettings, Protocol,
    RequestError, Topic, start,
};
use nostrp2p_protocol::{
    Announcement, EventId, Packet, PeerId, UnverifiedEvent,
    rpc::{Receipt, RpcRequest},
    statement_input,
};
use tokio::sync::{mpsc, watch};

use crate::{Node, client::now, until};

/// What an attacker answers to requests of other nodes, by protocol; None refuses.
pub type Answers = fn(Protocol) -> Option<Vec<u8>>;

/// An attacker. It ends when dropped.
pub struct Attacker {
    secret: NodeSecret,
    overlay: Overlay,
    seen: Arc<Mutex<Seen>>,
    joined: watch::Receiver<Vec<PeerId>>,
    last_issued: u64,
}

/// What came to an attacker.
#[derive(Default)]
struct Seen {
    /// Broadcast events, as they came.
    heard: Vec<Vec<u8>>,
    /// What was delivered to it, though it is for somebody else.
    stolen: Vec<String>,
    /// Requests of other nodes.
    asked: usize,
    /// The questions among them, as they came.
    questions: Vec<Vec<u8>>,
    /// Why it was not let in.
    turned_away: Vec<String>,
}

impl Attacker {
    /// Joins the network at a node, and waits until it belongs to it. It takes deliveries gladly, refuses all other
    /// requests, and passes no broadcast on.
    pub async fn join(node: &Node) -> Self {
        Self::join_and(node, |_| None).await
    }

    /// As [`Attacker::join`], with answers to the requests of others.
    ///
    /// # Panics
    /// When it cannot join.
    pub async fn join_and(node: &Node, answers: Answers) -> Self {
        let secret = NodeSecret::generate();
        let mut settings = OverlaySettings::new(secret.clone());
        settings.listen = vec![Listen::Ip("127.0.0.1:0".parse().expect("an address"))];
        settings.bootstrap = vec![node.nodes().parse().expect("an address")];
        let (overlay, events) = start(settings).await.expect("the attacker's own overlay starts");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (news, joined) = watch::channel(Vec::new());
        tokio::spawn(run(overlay.clone(), events, answers, Arc::clone(&seen), news));
        let attacker = Self { secret, overlay, seen, joined, last_issued: 0 };
        until("the attacker to be let in", || async {
            let seen = attacker.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if attacker.joined.borrow().is_empty() { Err(seen.turned_away.clone()) } else { Ok(()) }
        })
        .await;
        attacker
    }

    /// Tells its own overlay at which addresses a peer is.
    pub async fn learn(&self, peer: PeerId, addresses: Vec<String>) {
        self.overlay.add_addresses(peer, addresses).await;
    }

    /// How its bytes to a neighbour go; None when it is none.
    pub async fn path(&self, peer: PeerId) -> Option<ConnectionPath> {
        self.overlay.peers().await.iter().find(|other| other.id == peer).map(|other| other.path)
    }

    /// Which node it is.
    pub fn peer(&self) -> PeerId {
        self.overlay.peer_id()
    }

    /// The node that it joined first.
    ///
    /// # Panics
    /// When that has thrown it out meanwhile.
    pub fn victim(&self) -> PeerId {
        *self.joined.borrow().first().expect("a neighbour")
    }

    /// How many neighbours it has.
    pub fn neighbours(&self) -> usize {
        self.joined.borrow().len()
    }

    /// Its signature that an event is for everyone (see [`nostrp2p_protocol::PublicStatement`]).
    pub fn state(&self, id: &EventId) -> [u8; 64] {
        self.secret.sign(&statement_input(id))
    }

    /// Broadcasts an event, whatever it is.
    pub async fn shout(&self, event: impl Into<UnverifiedEvent>) {
        let event = UnverifiedEvent { claimed_id: None, ..event.into() };
        self.shout_bytes(Packet::Event(event).encode()).await;
    }

    /// Broadcasts any bytes.
    pub async fn shout_bytes(&self, bytes: Vec<u8>) {
        // Nobody may take it any more, which is as it should be.
        let _refused = self.overlay.broadcast(Topic::Events, bytes).await;
    }

    /// Announces itself as a node that acts for whoever signed the delegation; it need not be a sound one.
    pub async fn announce(&mut self, delegation: impl Into<UnverifiedEvent>) {
        self.last_issued = now().max(self.last_issued + 1);
        let announcement = Announcement {
            peer: self.peer(),
            issued_at: self.last_issued,
            addresses: self.overlay.listen_addresses().await,
            delegation: Some(UnverifiedEvent { claimed_id: None, ..delegation.into() }),
            helper: None,
        };
        let bytes = announcement.encode(&self.secret.sign(&announcement.signed_bytes()));
        let _refused = self.overlay.broadcast(Topic::Nodes, bytes).await;
    }

    /// Asks a node.
    ///
    /// # Errors
    /// As [`Overlay::request`].
    pub async fn ask(
        &self,
        peer: PeerId,
        protocol: Protocol,
        question: Vec<u8>,
    ) -> Result<Vec<u8>, RequestError> {
        self.overlay.request(peer, protocol, question).await
    }

    /// Hands an event to a node as if it were for that node's owner; None when it does not answer.
    pub async fn deliver(&self, peer: PeerId, event: impl Into<UnverifiedEvent>) -> Option<Receipt> {
        let event = UnverifiedEvent { claimed_id: None, ..event.into() };
        let answer = self.ask(peer, Protocol::Deliver, Packet::Event(event).encode()).await.ok()?;
        Receipt::decode(&answer).ok()
    }

    /// The broadcasts that it heard, as they came over the wire.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        self.look().heard.clone()
    }

    /// The texts of what was delivered to it.
    pub fn stolen(&self) -> Vec<String> {
        self.look().stolen.clone()
    }

    /// How often others asked it something.
    pub fn asked(&self) -> usize {
        self.look().asked
    }

    /// The questions that others asked it.
    pub fn questions(&self) -> Vec<RpcRequest> {
        self.look().questions.iter().filter_map(|bytes| RpcRequest::decode(bytes).ok()).collect()
    }

    fn look(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(
    overlay: Overlay,
    mut events: mpsc::Receiver<OverlayEvent>,
    answers: Answers,
    seen: Arc<Mutex<Seen>>,
    news: watch::Sender<Vec<PeerId>>,
) {
    while let Some(event) = events.recv().await {
        match event {
            OverlayEvent::Message { message, topic, payload, .. } => {
                if topic == Topic::Events {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).heard.push(payload);
                }
                overlay.report(message, MessageAcceptance::Ignore).await;
            }
            OverlayEvent::Request { request, protocol, payload, .. } => {
                let answer = {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.asked += 1;
                    if protocol == Protocol::Fetch {
                        seen.questions.push(payload.clone());
                    }
                    match Packet::decode(&payload) {
                        Ok(Packet::Event(event)) if protocol == Protocol::Deliver => {
                            seen.stolen.push(event.unsigned.content);
                            Some(Receipt::Taken.encode())
                        }
                        _ => answers(protocol),
                    }
                };
                match answer {
                    Some(answer) => overlay.respond(request, answer).await,
                    None => overlay.refuse(request).await,
                }
            }
            OverlayEvent::PeerConnected(peer) => news.send_modify(|peers| peers.push(peer.id)),
            OverlayEvent::PeerDisconnected(peer) => {
                news.send_modify(|peers| peers.retain(|known| *known != peer))
            }
            OverlayEvent::BootstrapFailed { reason, .. } => {
                seen.lock().unwrap_or_else(PoisonError::into_inner).turned_away.push(reason);
            }
            _ => {}
        }
    }
}
