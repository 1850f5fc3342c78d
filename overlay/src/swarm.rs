//! The libp2p swarm: transports, behaviours, connection limits. See `PROTOCOL.md`, Overlay.

use std::time::Duration;

use libp2p::{
    Swarm, Transport,
    connection_limits::{self, ConnectionLimits},
    core::{
        muxing::StreamMuxerBox,
        transport::{MemoryTransport, OrTransport},
        upgrade,
    },
    dcutr, identify,
    identity::Keypair,
    mdns, noise, ping, quic, relay,
    swarm::{self, NetworkBehaviour, SwarmEvent, behaviour::toggle::Toggle},
    tcp, upnp, yamux,
};

use crate::{
    autonat_client::AutonatClient,
    bandwidth::BandwidthMeter,
    connection_filter::ConnectionFilter,
    error::StartError,
    gossip::{self, Gossip},
    handshake_limit::HandshakeLimit,
    home,
    liveness::Liveness,
    missing_part::{self, MissingPart, MissingParts},
    origin,
    relay::server as relay_server,
    request::{self, Protocol},
    settings::{Listen, OverlaySettings},
    yamux_ping_filter,
};

/// The protocol version that a peer must name in `identify`.
pub(crate) const PROTOCOL: &str = "/nostrp2p/1";

/// The name and version of this program, for other nodes to show.
pub(crate) const AGENT: &str = concat!("nostrp2p/", env!("CARGO_PKG_VERSION"));

/// Connecting, Noise and Yamux together. A phone on a bad network needs seconds; more is a peer that stalls.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// libp2p's QUIC says every 5 s that it is there, which is half of what an idle node sends over it, and wakes a radio each
/// time. Routers keep a UDP mapping for 30 s at least, as a rule.
const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(14);
/// After two of these were lost: as long as a relay that has vanished may be missed.
const QUIC_IDLE_TIME_MS: u32 = 30_000;

/// Rare, because each ping wakes a radio: a dead peer is noticed after at most 80 s. The first ping is sent at once.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(60);
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Gossipsub keeps its connections open; this one is for connections nobody has a use for.
const IDLE_TIME: Duration = Duration::from_secs(120);

/// Streams a peer may have open on one connection: fewer than ten, at most 36 for requests of both, and the circuits
/// when one relays for the other.
const MAX_STREAMS: usize = 128;

/// Connections that others opened: with the outbound ones well below 256 file descriptors, macOS's default.
const MAX_INBOUND: u32 = 128;
/// Connections this node opened. Dialing stops at a few; the rest is for people who ask.
const MAX_OUTBOUND: u32 = 48;
/// Most pending inbound handshakes in libp2p's own limit: several times the limit of [`HandshakeLimit`], because the
/// swarm learns a moment later of those that were dropped.
const MAX_PENDING_INBOUND: u32 = 256;
const MAX_PENDING_OUTBOUND: u32 = 32;
/// Two nodes that dial each other at once have two connections. While a hole is punched there are those over relays
/// and up to two new ones, and one more when the peer tries whether this node is reachable.
const MAX_PER_PEER: u32 = 6;

/// The behaviours. `gate` and `limits` come first, because they may refuse a connection.
#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p::swarm::derive_prelude")]
pub(crate) struct Behaviour {
    pub(crate) gate: ConnectionFilter,
    limits: connection_limits::Behaviour,
    pub(crate) relay: relay::Behaviour,
    pub(crate) circuits: relay::client::Behaviour,
    pub(crate) dcutr: dcutr::Behaviour,
    pub(crate) autonat: AutonatClient,
    pub(crate) upnp: Toggle<upnp::tokio::Behaviour>,
    pub(crate) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(crate) alive: Liveness,
    pub(crate) gossip: Gossip,
    pub(crate) deliver: request::Behaviour,
    pub(crate) fetch: request::Behaviour,
    pub(crate) sync: request::Behaviour,
    pub(crate) home: home::Behaviour,
}

/// Events of the swarm.
pub(crate) type Event = SwarmEvent<BehaviourEvent>;

pub(crate) fn build(
    settings: &OverlaySettings,
    copies: gossip::Copies,
    bandwidth: &BandwidthMeter,
) -> Result<(Swarm<Behaviour>, MissingParts), StartError> {
    let mut missing = MissingParts::default();
    let keypair = settings.secret.keypair();
    let own = keypair.public().to_peer_id();
    let config = swarm::Config::with_tokio_executor().with_idle_connection_timeout(IDLE_TIME);
    let (circuits, client) = relay::client::new(own);
    let request_timeout = settings.request_timeout;
    let behaviour = Behaviour {
        gate: ConnectionFilter::default(),
        limits: connection_limits::Behaviour::new(limits()),
        relay: relay_server::behaviour(own, settings.relay_slots),
        circuits: client,
        dcutr: dcutr::Behaviour::new(own),
        autonat: AutonatClient::new(own, settings.reachable.is_some()),
        upnp: router_port(settings, &mut missing).into(),
        mdns: local_discovery(settings, own, &mut missing).into(),
        identify: identify::Behaviour::new(
            identify::Config::new(PROTOCOL.to_owned(), keypair.public())
                .with_agent_version(AGENT.to_owned())
                .with_push_listen_addr_updates(true),
        ),
        ping: ping::Behaviour::new(
            ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT),
        ),
        alive: Liveness::new(settings.relay_interval),
        gossip: gossip::behaviour(copies).map_err(StartError::Setup)?,
        deliver: request::behaviour(Protocol::Deliver, request_timeout),
        fetch: request::behaviour(Protocol::Fetch, request_timeout),
        sync: request::behaviour(Protocol::Sync, request_timeout),
        home: home::Behaviour::default(),
    };
    let swarm = Swarm::new(transport(&keypair, circuits, bandwidth.clone())?, behaviour, own, config);
    Ok((swarm, missing))
}

/// Whether the router shall be asked to open the port: never for a node that listens on loopback alone.
pub(crate) fn asks_router(settings: &OverlaySettings) -> bool {
    settings.upnp && settings.reachable.is_none() && !listens_on_loopback_only(&settings.listen)
}

/// Whether nobody on another machine can dial this node.
pub(crate) fn listens_on_loopback_only(listen: &[Listen]) -> bool {
    listen.iter().all(|place| matches!(place, Listen::Ip(address) if address.ip().is_loopback()))
}

/// Routers are found over UDP.
fn router_port(settings: &OverlaySettings, missing: &mut MissingParts) -> Option<upnp::tokio::Behaviour> {
    if !asks_router(settings) {
        return None;
    }
    if let Some(reason) = missing_part::udp_denied() {
        missing.note(MissingPart::RouterPort(reason));
        return None;
    }
    Some(upnp::tokio::Behaviour::default())
}

/// mDNS needs UDP, and the system's reports of its interfaces.
fn local_discovery(
    settings: &OverlaySettings,
    own: libp2p::PeerId,
    missing: &mut MissingParts,
) -> Option<mdns::tokio::Behaviour> {
    if !settings.mdns {
        return None;
    }
    let behaviour = match missing_part::udp_denied() {
        Some(reason) => Err(reason),
        None => mdns::tokio::Behaviour::new(mdns::Config::default(), own).map_err(|error| error.to_string()),
    };
    behaviour.map_err(|reason| missing.note(MissingPart::LocalDiscovery(reason))).ok()
}

type Boxed = libp2p::core::transport::Boxed<(libp2p::PeerId, StreamMuxerBox)>;

fn transport(
    keypair: &Keypair,
    circuits: relay::client::Transport,
    bandwidth: BandwidthMeter,
) -> Result<Boxed, StartError> {
    let noise = noise::Config::new(keypair).map_err(|error| StartError::Setup(error.to_string()))?;
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(MAX_STREAMS);
    // Circuits come first, for TCP would take the address of one for that of its relay.
    let streams =
        OrTransport::new(circuits, tcp::tokio::Transport::new(tcp::Config::default().nodelay(true)))
            .or_transport(MemoryTransport::new())
            .upgrade(upgrade::Version::V1Lazy)
            .authenticate(noise)
            .multiplex(yamux_ping_filter::Config(yamux))
            .timeout(HANDSHAKE_TIME)
            .boxed();
    Ok(HandshakeLimit::new(with_quic(streams, keypair))
        .map(move |(peer, connection), point| {
            let origin = origin::public_network(point.get_remote_address());
            (peer, bandwidth.watch(peer, origin, connection))
        })
        .boxed())
}

fn with_quic(streams: Boxed, keypair: &Keypair) -> Boxed {
    let mut config = quic::Config::new(keypair);
    config.handshake_timeout = HANDSHAKE_TIME;
    config.keep_alive_interval = QUIC_KEEP_ALIVE;
    config.max_idle_timeout = QUIC_IDLE_TIME_MS;
    let quic = quic::tokio::Transport::new(config)
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)));
    OrTransport::new(quic, streams).map(|either, _| either.into_inner()).boxed()
}

fn limits() -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(MAX_PENDING_INBOUND))
        .with_max_pending_outgoing(Some(MAX_PENDING_OUTBOUND))
        .with_max_established_incoming(Some(MAX_INBOUND))
        .with_max_established_outgoing(Some(MAX_OUTBOUND))
        .with_max_established_per_peer(Some(MAX_PER_PEER))
}
