//! A network in memory, for the runtime: messages and requests take [`LATENCY`] and arrive in order. With tokio's
//! clock paused its time is virtual, so hours pass at once.
//!
//! It has no relays, no scores and no bounds of its own: what a node forwards goes to all its neighbours.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nostrp2p_core::{Service, Verdict};
use nostrp2p_protocol::{Network as NetworkName, PeerId};
use nostrp2p_runtime::{NetworkEvent, NetworkEvents, PeerNetwork, Unanswered};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};

use crate::runtime::SimClock;

/// When virtual time begins, in seconds since 1970.
pub(crate) const BEGIN: u64 = 1_700_000_000;

/// How long a message or a request takes to another node, and an answer back.
const LATENCY: Duration = Duration::from_millis(50);
/// How long an answer may take.
const REQUEST_TIME: Duration = Duration::from_secs(20);

type Event = NetworkEvent<VirtualNetwork>;

/// All nodes that run, and which are neighbours. Clones share it.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<Links>>);

#[derive(Default)]
struct Links {
    nodes: BTreeMap<PeerId, mpsc::UnboundedSender<Event>>,
    /// When the first node was started, by tokio's clock.
    began: Option<Instant>,
    neighbours: BTreeSet<(PeerId, PeerId)>,
    /// Messages that each node has got or sent.
    seen: BTreeSet<(PeerId, Vec<u8>)>,
    requests: BTreeMap<(PeerId, Service), usize>,
    /// Services that nobody answers.
    refused: BTreeSet<Service>,
    taps: BTreeMap<PeerId, WireTap>,
}

/// The traffic of one node since [`Wire::tap`].
#[derive(Debug, Clone, Default)]
pub struct WireTap {
    /// Its requests: to whom, for what, and the payload.
    pub asked: Vec<(PeerId, Service, Vec<u8>)>,
    /// All payloads to and from it: broadcasts, requests and answers.
    pub payloads: Vec<Vec<u8>>,
}

/// One node's side of it.
#[derive(Clone)]
pub struct VirtualNetwork {
    wire: Wire,
    own: PeerId,
}

/// A broadcast, until it was judged.
pub struct VirtualMessage {
    bytes: Vec<u8>,
    announcement: bool,
}

/// A request, until it was answered.
pub struct VirtualRequest(oneshot::Sender<Option<Vec<u8>>>);

/// The network events of one node.
pub struct VirtualEvents(mpsc::UnboundedReceiver<Event>);

impl Wire {
    fn links(&self) -> MutexGuard<'_, Links> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock of all its nodes: it begins at [`BEGIN`] with the first one.
    pub(crate) fn clock(&self) -> SimClock {
        SimClock::Virtual(BEGIN, *self.links().began.get_or_insert_with(Instant::now))
    }

    /// A node comes, without neighbours.
    pub fn join(&self, own: PeerId) -> (VirtualNetwork, VirtualEvents) {
        let (sender, events) = mpsc::unbounded_channel();
        self.links().nodes.insert(own, sender);
        (VirtualNetwork { wire: self.clone(), own }, VirtualEvents(events))
    }

    /// Makes two nodes neighbours.
    pub fn connect(&self, one: PeerId, other: PeerId) {
        let mut links = self.links();
        links.neighbours.extend([(one, other), (other, one)]);
        for (to, from) in [(one, other), (other, one)] {
            links.tell(to, NetworkEvent::PeerConnected(from, NetworkName::Unknown));
        }
    }

    /// A node goes, without a word.
    pub fn leave(&self, own: PeerId) {
        let mut links = self.links();
        links.nodes.remove(&own);
        let gone: Vec<PeerId> = links.neighbours_of(own);
        for neighbour in gone {
            links.neighbours.remove(&(own, neighbour));
            links.neighbours.remove(&(neighbour, own));
            links.tell(neighbour, NetworkEvent::PeerDisconnected(own));
        }
    }

    /// How many requests of this kind a node has got so far.
    pub fn requests_to(&self, peer: PeerId, service: Service) -> usize {
        self.links().requests.get(&(peer, service)).copied().unwrap_or_default()
    }

    /// From now on no node answers requests of this kind.
    pub fn refuse(&self, service: Service) {
        self.links().refused.insert(service);
    }

    /// Writes down from now on what goes over the wire of a node.
    pub fn tap(&self, peer: PeerId) {
        self.links().taps.insert(peer, WireTap::default());
    }

    /// The traffic of a node since [`Wire::tap`]; empty without.
    pub fn tapped(&self, peer: PeerId) -> WireTap {
        self.links().taps.get(&peer).cloned().unwrap_or_default()
    }
}

impl Links {
    fn tell(&self, to: PeerId, event: Event) {
        if let Some(node) = self.nodes.get(&to) {
            // It may be stopping.
            drop(node.send(event));
        }
    }

    fn note(&mut self, one: PeerId, other: PeerId, payload: &[u8]) {
        for peer in [one, other] {
            if let Some(tap) = self.taps.get_mut(&peer) {
                tap.payloads.push(payload.to_vec());
            }
        }
    }

    fn neighbours_of(&self, own: PeerId) -> Vec<PeerId> {
        self.neighbours.iter().filter(|(one, _)| *one == own).map(|(_, other)| *other).collect()
    }
}

impl VirtualNetwork {
    /// Sends to all neighbours that have not got it; says to how many.
    async fn send(&self, bytes: Vec<u8>, announcement: bool) -> usize {
        let neighbours = {
            let mut links = self.wire.links();
            links.seen.insert((self.own, bytes.clone()));
            links.neighbours_of(self.own)
        };
        sleep(LATENCY).await;
        let mut links = self.wire.links();
        let fresh: Vec<PeerId> = neighbours
            .iter()
            .copied()
            .filter(|neighbour| links.seen.insert((*neighbour, bytes.clone())))
            .collect();
        for neighbour in fresh {
            links.note(self.own, neighbour, &bytes);
            let message = VirtualMessage { bytes: bytes.clone(), announcement };
            let event = if announcement {
                NetworkEvent::Announcement(message, self.own, bytes.clone())
            } else {
                NetworkEvent::Packet(message, self.own, bytes.clone())
            };
            links.tell(neighbour, event);
        }
        neighbours.len()
    }
}

impl PeerNetwork for VirtualNetwork {
    type Message = VirtualMessage;
    type Request = VirtualRequest;

    async fn broadcast(&self, packet: Vec<u8>) -> Result<usize, String> {
        Ok(self.send(packet, false).await)
    }

    async fn announce(&self, announcement: Vec<u8>) -> Result<(), String> {
        self.send(announcement, true).await;
        Ok(())
    }

    async fn request(&self, peer: PeerId, service: Service, payload: Vec<u8>) -> Result<Vec<u8>, Unanswered> {
        sleep(LATENCY).await;
        let (reply, answer) = oneshot::channel();
        {
            let mut links = self.wire.links();
            if !links.nodes.contains_key(&peer) {
                return Err(Unanswered::Failed("it is not there".to_owned()));
            }
            if let Some(tap) = links.taps.get_mut(&self.own) {
                tap.asked.push((peer, service, payload.clone()));
            }
            links.note(self.own, peer, &payload);
            if links.refused.contains(&service) {
                return Err(Unanswered::Refused);
            }
            *links.requests.entry((peer, service)).or_default() += 1;
            links.tell(peer, NetworkEvent::Request(VirtualRequest(reply), self.own, service, payload));
        }
        let answered = timeout(REQUEST_TIME, answer).await;
        sleep(LATENCY).await;
        match answered {
            Ok(Ok(Some(answer))) => {
                self.wire.links().note(self.own, peer, &answer);
                Ok(answer)
            }
            Ok(Ok(None)) => Err(Unanswered::Refused),
            Ok(Err(_)) | Err(_) => Err(Unanswered::Failed("it does not answer".to_owned())),
        }
    }

    async fn report(&self, message: VirtualMessage, verdict: Verdict) {
        if verdict == Verdict::Accept {
            self.send(message.bytes, message.announcement).await;
        }
    }

    async fn respond(&self, request: VirtualRequest, answer: Option<Vec<u8>>) {
        // Whoever asked may have lost patience.
        drop(request.0.send(answer));
    }

    async fn add_addresses(&self, _: PeerId, _: Vec<String>) {}

    async fn keep(&self, _: Vec<PeerId>) {}

    async fn addresses(&self) -> Vec<String> {
        vec![]
    }
}

impl NetworkEvents<VirtualNetwork> for VirtualEvents {
    async fn next(&mut self) -> Event {
        self.0.recv().await.unwrap_or(NetworkEvent::Stopped(None))
    }
}
