//! The libp2p overlay of native nodes as the pump's network.

use std::collections::BTreeMap;

use nostrp2p_core::{Service, Verdict};
use nostrp2p_overlay::{
    MessageAcceptance, MessageRef, Overlay, OverlayEvent, Protocol, RequestError, RequestRef, Topic,
};
use nostrp2p_protocol::{Network as NetworkName, PeerId};
use tokio::sync::mpsc;

use crate::traits::{NetworkEvent, NetworkEvents, PeerNetwork, Unanswered};

impl PeerNetwork for Overlay {
    type Message = MessageRef;
    type Request = RequestRef;

    async fn broadcast(&self, packet: Vec<u8>) -> Result<usize, String> {
        let sent = Self::broadcast(self, Topic::Events, packet).await;
        sent.map(|sent| sent.peers).map_err(|error| error.to_string())
    }

    async fn announce(&self, announcement: Vec<u8>) -> Result<(), String> {
        let sent = Self::broadcast(self, Topic::Nodes, announcement).await;
        sent.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn request(&self, peer: PeerId, service: Service, payload: Vec<u8>) -> Result<Vec<u8>, Unanswered> {
        let protocol = match service {
            Service::Deliver => Protocol::Deliver,
            Service::Fetch => Protocol::Fetch,
            Service::Sync => Protocol::Sync,
        };
        Self::request(self, peer, protocol, payload).await.map_err(|error| match error {
            RequestError::Refused => Unanswered::Refused,
            error => Unanswered::Failed(error.to_string()),
        })
    }

    async fn report(&self, message: MessageRef, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Reject => MessageAcceptance::Reject,
            Verdict::AcceptWithoutForwarding | Verdict::Ignore(_) | Verdict::Unknown => {
                MessageAcceptance::Ignore
            }
        };
        Self::report(self, message, acceptance).await;
    }

    async fn respond(&self, request: RequestRef, answer: Option<Vec<u8>>) {
        match answer {
            Some(answer) => Self::respond(self, request, answer).await,
            None => self.refuse(request).await,
        }
    }

    async fn add_addresses(&self, peer: PeerId, addresses: Vec<String>) {
        Self::add_addresses(self, peer, addresses).await;
    }

    async fn keep(&self, peers: Vec<PeerId>) {
        Self::keep(self, peers).await;
    }

    async fn addresses(&self) -> Vec<String> {
        self.reach().await.addresses
    }
}

/// The overlay's events. Those that concern only the operator go to the log.
pub struct OverlayEvents {
    events: mpsc::Receiver<OverlayEvent>,
    /// Given addresses that could not be reached, as the settings bound them, and why, so that it is said once.
    unreached: BTreeMap<String, String>,
}

impl OverlayEvents {
    /// Takes what the overlay has returned at its start.
    pub const fn new(events: mpsc::Receiver<OverlayEvent>) -> Self {
        Self { events, unreached: BTreeMap::new() }
    }

    fn on(&mut self, event: OverlayEvent) -> Option<NetworkEvent<Overlay>> {
        match event {
            OverlayEvent::Message { message, from, topic: Topic::Events, payload } => {
                Some(NetworkEvent::Packet(message, from, payload))
            }
            OverlayEvent::Message { message, from, topic: Topic::Nodes, payload } => {
                Some(NetworkEvent::Announcement(message, from, payload))
            }
            OverlayEvent::Request { request, from, protocol, payload } => {
                let service = match protocol {
                    Protocol::Deliver => Service::Deliver,
                    Protocol::Fetch => Service::Fetch,
                    Protocol::Sync => Service::Sync,
                };
                Some(NetworkEvent::Request(request, from, service, payload))
            }
            OverlayEvent::PeerConnected(peer) => {
                tracing::info!(peer = %peer.id, address = peer.address, "a node joined");
                Some(NetworkEvent::PeerConnected(peer.id, NetworkName::of(&peer.address)))
            }
            OverlayEvent::PeerConnectedTwice(peer) => Some(NetworkEvent::PeerConnectedTwice(peer)),
            OverlayEvent::PeerDisconnected(peer) => {
                tracing::info!(%peer, "a node left");
                Some(NetworkEvent::PeerDisconnected(peer))
            }
            OverlayEvent::AddressesChanged => Some(NetworkEvent::AddressesChanged),
            OverlayEvent::Stopped { reason } => Some(NetworkEvent::Stopped(Some(format!("{reason:?}")))),
            OverlayEvent::Listening(address) => {
                tracing::info!(address, "listening");
                None
            }
            OverlayEvent::BootstrapFailed { address, reason, retry_in } => {
                let address = address.to_string();
                if self.unreached.get(&address) == Some(&reason) {
                    tracing::debug!(address, reason, ?retry_in, "a node could still not be reached");
                } else {
                    tracing::warn!(
                        address,
                        reason,
                        "a node could not be reached; it is tried again and again"
                    );
                    self.unreached.insert(address, reason);
                }
                None
            }
            OverlayEvent::BootstrapReached { address } => {
                if self.unreached.remove(&address.to_string()).is_some() {
                    tracing::warn!(%address, "the node can be reached again");
                }
                None
            }
            _ => None,
        }
    }
}

impl NetworkEvents<Overlay> for OverlayEvents {
    async fn next(&mut self) -> NetworkEvent<Overlay> {
        loop {
            match self.events.recv().await {
                None => return NetworkEvent::Stopped(None),
                Some(event) => {
                    if let Some(event) = self.on(event) {
                        return event;
                    }
                }
            }
        }
    }
}
