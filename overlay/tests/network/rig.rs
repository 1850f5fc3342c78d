//! Nodes for tests, and waiting for what they do.

use std::{future::Future, path::Path, time::Duration};

use futures::StreamExt;
use libp2p::{Multiaddr, Swarm, SwarmBuilder, identity::Keypair, noise, swarm::NetworkBehaviour, tcp, yamux};
use nostrp2p_overlay::{
    Listen, MessageAcceptance, MessageRef, NodeSecret, Overlay, OverlayEvent, OverlaySettings, PeerAddress,
    Protocol, RequestRef, Topic, start,
};
use nostrp2p_protocol::PeerId;
use tokio::{sync::mpsc, time};

/// Far more than anything here takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

pub struct Node {
    pub overlay: Overlay,
    events: mpsc::Receiver<OverlayEvent>,
}

impl Node {
    pub async fn start(settings: OverlaySettings) -> Self {
        let (overlay, events) = start(settings).await.unwrap();
        Self { overlay, events }
    }

    /// A node on the memory transport that joins these others.
    pub async fn in_memory(others: &[&Self]) -> Self {
        let mut settings = settings();
        settings.listen = vec![Listen::Memory(0)];
        for other in others {
            settings.bootstrap.push(other.address().await);
        }
        Self::start(settings).await
    }

    pub fn id(&self) -> PeerId {
        self.overlay.peer_id()
    }

    /// Where it listens, with its peer id: by TCP or in memory.
    pub async fn address(&self) -> PeerAddress {
        let addresses = self.overlay.listen_addresses().await;
        let address = addresses.iter().find(|address| !address.contains("/quic-v1"));
        address.expect("it listens").parse().unwrap()
    }

    /// Takes events until one gives a value. Fails with what was awaited and what came instead.
    pub async fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&OverlayEvent) -> Option<T>) -> T {
        let mut others = Vec::new();
        loop {
            match time::timeout(DEADLINE, self.events.recv()).await {
                Ok(Some(event)) => match wanted(&event) {
                    Some(value) => return value,
                    None => others.push(event),
                },
                Ok(None) => panic!("awaited {what}, but the overlay ended; there were only {others:?}"),
                Err(_) => panic!("awaited {what} for {DEADLINE:?}; there were only {others:?}"),
            }
        }
    }

    pub async fn joined(&mut self, other: PeerId) {
        self.until(&format!("that {other} joins"), |event| match event {
            OverlayEvent::PeerConnected(peer) if peer.id == other => Some(()),
            _ => None,
        })
        .await;
    }

    /// Waits until all of these have joined, in whatever order they come.
    pub async fn all_joined(&mut self, mut others: Vec<PeerId>) {
        while !others.is_empty() {
            let what = format!("that {others:?} join");
            let came = |event: &OverlayEvent| match event {
                OverlayEvent::PeerConnected(peer) if others.contains(&peer.id) => Some(peer.id),
                _ => None,
            };
            let came = self.until(&what, came).await;
            others.retain(|other| *other != came);
        }
    }

    pub async fn left(&mut self, other: PeerId) {
        self.until(&format!("that {other} leaves"), |event| match event {
            OverlayEvent::PeerDisconnected(peer) if *peer == other => Some(()),
            _ => None,
        })
        .await;
    }

    pub async fn message(&mut self) -> (MessageRef, PeerId, Vec<u8>) {
        self.until("a message", |event| match event {
            OverlayEvent::Message { message, from, payload, .. } => {
                Some((message.clone(), *from, payload.clone()))
            }
            _ => None,
        })
        .await
    }

    pub async fn message_on(&mut self) -> (MessageRef, Topic, Vec<u8>) {
        self.until("a message", |event| match event {
            OverlayEvent::Message { message, topic, payload, .. } => {
                Some((message.clone(), *topic, payload.clone()))
            }
            _ => None,
        })
        .await
    }

    /// Takes the next message and gives this verdict on it.
    pub async fn judge(&mut self, verdict: MessageAcceptance) -> Vec<u8> {
        let (message, _, payload) = self.message().await;
        self.overlay.report(message, verdict).await;
        payload
    }

    pub async fn request(&mut self) -> (RequestRef, PeerId, Protocol, Vec<u8>) {
        self.until("a request", |event| match event {
            OverlayEvent::Request { request, from, protocol, payload } => {
                Some((request.clone(), *from, *protocol, payload.clone()))
            }
            _ => None,
        })
        .await
    }

    /// Takes the next request, which must be this one, and answers it with the words `answer to` and its payload.
    pub async fn serve(&mut self, from: PeerId, protocol: Protocol, payload: &[u8]) {
        let (request, asker, asked, question) = self.request().await;
        assert_eq!((asker, asked, question.as_slice()), (from, protocol, payload));
        self.overlay.respond(request, [b"answer to ", payload].concat()).await;
    }

    pub async fn bootstrap_failed(&mut self) -> (PeerAddress, String, Option<Duration>) {
        self.until("a failed bootstrap", |event| match event {
            OverlayEvent::BootstrapFailed { address, reason, retry_in } => {
                Some((address.clone(), reason.clone(), *retry_in))
            }
            _ => None,
        })
        .await
    }

    /// Shuts down, and awaits that the overlay says so.
    pub async fn stop(mut self) {
        self.overlay.clone().shutdown().await;
        self.until("the end", |event| matches!(event, OverlayEvent::Stopped { .. }).then_some(())).await;
    }
}

pub fn settings() -> OverlaySettings {
    OverlaySettings::new(NodeSecret::generate())
}

/// Listens on a free loopback port.
pub fn on_loopback() -> OverlaySettings {
    let mut settings = settings();
    settings.listen = vec![Listen::Ip("127.0.0.1:0".parse().unwrap())];
    settings
}

/// `host:port` of a node on loopback.
pub async fn host_and_port(node: &Node, host: &str) -> PeerAddress {
    format!("{host}:{}", port(node).await).parse().unwrap()
}

pub async fn port(node: &Node) -> u16 {
    let address = node.address().await.to_string();
    let port = address.split('/').nth(4).expect("/ip4/127.0.0.1/tcp/<port>");
    port.parse().unwrap()
}

pub fn remember(settings: &mut OverlaySettings, folder: &Path) {
    settings.known_addresses = Some(folder.join("addresses.json"));
}

/// Asks again until it holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let holds = async {
        let mut pause = time::interval(Duration::from_millis(20));
        while !condition().await {
            pause.tick().await;
        }
    };
    time::timeout(DEADLINE, holds).await.unwrap_or_else(|_| panic!("awaited {what} for {DEADLINE:?}"));
}

/// A program that speaks libp2p over TCP, and does what this behaviour does.
pub fn stranger<B: NetworkBehaviour>(behaviour: impl FnOnce(&Keypair) -> B) -> Swarm<B> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| behaviour(key))
        .unwrap()
        .build()
}

/// Lets a stranger join a node; returns who it is.
pub async fn let_in<B: NetworkBehaviour>(stranger: &mut Swarm<B>, node: &mut Node) -> PeerId {
    stranger.dial(node.address().await.to_string().parse::<Multiaddr>().unwrap()).unwrap();
    let id = PeerId::from_multihash(&stranger.local_peer_id().to_bytes()).unwrap();
    tokio::select! {
        () = node.joined(id) => id,
        () = stranger.for_each(|_| async {}) => unreachable!("a swarm does not end"),
    }
}

/// As libp2p writes it.
pub fn convert(peer: PeerId) -> libp2p::PeerId {
    libp2p::PeerId::from_bytes(&peer.to_multihash()).unwrap()
}
