//! The simulation's implementations of the runtime's traits: an overlay that loses messages, a clock, and a host
//! without sessions.

use std::{
    collections::{BTreeSet, VecDeque},
    future::{Future, pending, ready},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nostrp2p_core::{Claim, Core, Propagation, Service, Verdict};
use nostrp2p_overlay::{MessageRef, Overlay, OverlayEvent, RequestRef};
use nostrp2p_protocol::{Event, EventId, Packet, PeerId, UnverifiedEvent};
use nostrp2p_runtime::{
    Checked, Host, HostNotice, NetworkEvent, NetworkEvents, OverlayEvents, PeerNetwork, Platform, Reaction,
    Unanswered,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use crate::{
    identity::now,
    memory_store::OnStored,
    tally::{By, Tally},
};

/// The overlay, and what it has brought by gossip.
#[derive(Clone)]
pub(crate) struct LossyNetwork {
    overlay: Overlay,
    tally: Arc<Tally>,
    /// Events that came by gossip, were not refused, and are not stored yet.
    gossiped: Arc<Mutex<BTreeSet<EventId>>>,
}

impl LossyNetwork {
    pub(crate) fn new(overlay: Overlay, tally: Arc<Tally>) -> Self {
        Self { overlay, tally, gossiped: Arc::default() }
    }

    fn gossiped(&self) -> MutexGuard<'_, BTreeSet<EventId>> {
        self.gossiped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_heard(&self, payload: &[u8]) -> Option<EventId> {
        let Ok(Packet::Event(event)) = Packet::decode(payload) else { return None };
        let id = event.unsigned.id();
        self.gossiped().insert(id);
        Some(id)
    }

    fn on_judged(&self, id: EventId, verdict: Verdict) {
        match verdict {
            Verdict::Accept => self.tally.on_passed_on(id),
            Verdict::AcceptWithoutForwarding => {}
            Verdict::Ignore(_) | Verdict::Reject | Verdict::Unknown => drop(self.gossiped().remove(&id)),
        }
    }

    /// Counts what node `number`, which is this person's, stores.
    pub(crate) fn count(&self, number: usize, person: String) -> OnStored {
        let network = self.clone();
        Arc::new(move |event: &Event, propagation: &Propagation| {
            let id = event.id();
            match propagation {
                Propagation::Shared => network.tally.on_arrived(number, id, network.how(&id)),
                Propagation::Handed(_) => {
                    network.tally.on_private(&id, event.tag_values("p").any(|named| named == person));
                }
                _ => {}
            }
        })
    }

    /// The path of an event that is being stored.
    fn how(&self, id: &EventId) -> By {
        if self.gossiped().remove(id) { By::Gossip } else { By::CatchingUp }
    }
}

impl PeerNetwork for LossyNetwork {
    /// With the event in it.
    type Message = (MessageRef, Option<EventId>);
    type Request = RequestRef;

    async fn broadcast(&self, packet: Vec<u8>) -> Result<usize, String> {
        PeerNetwork::broadcast(&self.overlay, packet).await
    }

    async fn announce(&self, announcement: Vec<u8>) -> Result<(), String> {
        self.overlay.announce(announcement).await
    }

    async fn request(&self, peer: PeerId, service: Service, payload: Vec<u8>) -> Result<Vec<u8>, Unanswered> {
        PeerNetwork::request(&self.overlay, peer, service, payload).await
    }

    async fn report(&self, (message, id): Self::Message, verdict: Verdict) {
        if let Some(id) = id {
            self.on_judged(id, verdict);
        }
        PeerNetwork::report(&self.overlay, message, verdict).await;
    }

    async fn respond(&self, request: RequestRef, answer: Option<Vec<u8>>) {
        PeerNetwork::respond(&self.overlay, request, answer).await;
    }

    async fn add_addresses(&self, peer: PeerId, addresses: Vec<String>) {
        self.overlay.add_addresses(peer, addresses).await;
    }

    async fn keep(&self, peers: Vec<PeerId>) {
        self.overlay.keep(peers).await;
    }

    async fn addresses(&self) -> Vec<String> {
        self.overlay.listen_addresses().await
    }
}

/// The overlay's events, without some percent of the messages.
pub(crate) struct LossyEvents {
    events: OverlayEvents,
    network: LossyNetwork,
    loss: u64,
    random: StdRng,
}

impl LossyEvents {
    pub(crate) fn new(
        events: mpsc::Receiver<OverlayEvent>,
        network: LossyNetwork,
        loss: u64,
        seed: u64,
    ) -> Self {
        Self { events: OverlayEvents::new(events), network, loss, random: StdRng::seed_from_u64(seed) }
    }
}

impl NetworkEvents<LossyNetwork> for LossyEvents {
    async fn next(&mut self) -> NetworkEvent<LossyNetwork> {
        loop {
            return match self.events.next().await {
                NetworkEvent::Packet(message, from, payload) => {
                    if self.random.random_range(0..100) < self.loss {
                        PeerNetwork::report(&self.network.overlay, message, Verdict::Unknown).await;
                        continue;
                    }
                    let id = self.network.on_heard(&payload);
                    NetworkEvent::Packet((message, id), from, payload)
                }
                NetworkEvent::Announcement(message, from, payload) => {
                    NetworkEvent::Announcement((message, None), from, payload)
                }
                NetworkEvent::Request(request, from, service, payload) => {
                    NetworkEvent::Request(request, from, service, payload)
                }
                NetworkEvent::PeerConnected(peer, network) => NetworkEvent::PeerConnected(peer, network),
                NetworkEvent::PeerConnectedTwice(peer) => NetworkEvent::PeerConnectedTwice(peer),
                NetworkEvent::PeerDisconnected(peer) => NetworkEvent::PeerDisconnected(peer),
                NetworkEvent::AddressesChanged => NetworkEvent::AddressesChanged,
                NetworkEvent::Stopped(reason) => NetworkEvent::Stopped(reason),
            };
        }
    }
}

/// The clock, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SimClock {
    /// That of the system.
    System,
    /// So many seconds since 1970 at this moment of tokio's clock, which a test can pause.
    Virtual(u64, Instant),
}

impl SimClock {
    pub(crate) fn now(self) -> u64 {
        match self {
            Self::System => now(),
            Self::Virtual(base, began) => base.saturating_add(began.elapsed().as_secs()),
        }
    }
}

/// The clock, and signatures that are checked at once: there is no other work to keep from waiting.
pub(crate) struct SimPlatform {
    clock: SimClock,
    checked: VecDeque<Checked>,
}

impl SimPlatform {
    pub(crate) const fn new(clock: SimClock) -> Self {
        Self { clock, checked: VecDeque::new() }
    }
}

impl Platform for SimPlatform {
    fn now(&self) -> u64 {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        sleep(duration)
    }

    fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static {
        ready(Some(work()))
    }

    fn check(&mut self, number: u64, event: UnverifiedEvent) -> bool {
        self.checked.push_back((number, event.verify()));
        true
    }

    async fn checked(&mut self) -> Vec<Checked> {
        if self.checked.is_empty() {
            pending().await
        }
        std::mem::take(&mut self.checked).into()
    }
}

/// Nobody who wants to know anything.
pub(crate) struct Silent;

impl Host<()> for Silent {
    type Look = ();

    fn look(&self) -> impl Future<Output = ()> + Send + 'static {
        ready(())
    }

    fn on_look(&mut self, (): (), _: &Core) {}

    fn notice(&mut self, _: HostNotice, _: &Core, _: u64) -> Reaction<()> {
        Reaction::default()
    }

    fn fresh_claim(&mut self) -> Option<Claim> {
        None
    }
}
