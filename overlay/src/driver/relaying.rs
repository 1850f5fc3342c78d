//! Being reached (by direct dials, over circuit relays, by hole punching) and relaying for others.
//!
//! [`crate::relay::client`] decides; this module carries it out and records what libp2p reports.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use libp2p::{
    Multiaddr,
    autonat::v1::{self as autonat, NatStatus},
    core::{ConnectedPoint, transport::ListenerId},
    dcutr, mdns,
    multiaddr::Protocol,
    relay,
    swarm::dial_opts::{DialOpts, PeerCondition},
    upnp,
};
use nostrp2p_protocol::PeerId;

use super::Driver;
use crate::{
    ConnectionPath, Direction, OverlayEvent, OverlaySettings, PeerAddress, Reach, Reachability, Serves, Upnp,
    address::{Host, PeerLocation},
    convert,
    ip_scope::{self, IpScope as Range},
    observed::Observed,
    peer_store::network_of,
    reachability::MAX_OWN_ADDRESSES,
    relay::client::{Relays, Step},
    relay::server::MAX_RELAY_SLOTS,
    settings::MAX_EXTERNAL,
    swarm,
};

/// Most addresses of one relay that are announced: TCP and QUIC.
const PER_RELAY: usize = 2;

/// How long a connection over a relay is kept beside a direct one, so that both sides know of the new one.
const OVERLAP: Duration = Duration::from_secs(10);

/// Known peers that are dialed in one search for relays.
const SEARCHED: usize = 2;

/// Peers of the local network that are taken note of at a time.
const MAX_LOCAL: usize = 16;

/// The driver's state of reachability and relaying.
pub(crate) struct Relaying {
    settled: Option<bool>,
    nat: NatStatus,
    upnp: Upnp,
    loopback_only: bool,
    slots: usize,
    relays: Relays,
    /// The listeners that stand for reservations, a handful.
    listeners: Vec<(ListenerId, PeerId)>,
    external: Vec<PeerAddress>,
    observed: Observed,
    /// Nodes with a place here, and circuits that run through here by their ends.
    places: BTreeSet<libp2p::PeerId>,
    circuits: BTreeMap<(libp2p::PeerId, libp2p::PeerId), usize>,
    serves: bool,
    /// The addresses that were announced last.
    told: Option<Vec<String>>,
}

impl Relaying {
    pub(crate) fn new(settings: &OverlaySettings) -> Self {
        let asks_router = swarm::asks_router(settings);
        Self {
            settled: settings.reachable.or_else(|| (!settings.external.is_empty()).then_some(true)),
            nat: NatStatus::Unknown,
            upnp: if asks_router { Upnp::Searching } else { Upnp::Off },
            loopback_only: swarm::listens_on_loopback_only(&settings.listen),
            slots: settings.relay_slots.min(MAX_RELAY_SLOTS),
            relays: Relays::default(),
            listeners: Vec::new(),
            external: settings.external.iter().take(MAX_EXTERNAL).cloned().collect(),
            observed: Observed::default(),
            places: BTreeSet::new(),
            circuits: BTreeMap::new(),
            serves: false,
            told: None,
        }
    }

    /// Whether this listener stands for a reservation at a relay.
    pub(super) fn is_place(&self, listener: &ListenerId) -> bool {
        self.listeners.iter().any(|(id, _)| id == listener)
    }

    /// The relays at which this node holds a place.
    pub(super) fn holding(&self) -> Vec<PeerId> {
        self.relays.holding().collect()
    }

    fn reachability(&self) -> Reachability {
        match (self.settled, &self.nat) {
            (Some(true), _) | (None, NatStatus::Public(_)) => Reachability::Public,
            (Some(false), _) | (None, NatStatus::Private) => Reachability::Private,
            (None, NatStatus::Unknown) => Reachability::Unknown,
        }
    }
}

impl Driver {
    /// Does what is due: seeks and leaves relays, offers to be one, ends detours, tells of new addresses.
    pub(super) fn check_reach(&mut self, now: Instant) {
        self.confirm_addresses();
        self.offer_relaying();
        self.seek_relays(now);
        self.end_detours(now);
        let addresses = self.own_addresses();
        if self.relaying.told.as_ref() != Some(&addresses) && self.relaying.told.replace(addresses).is_some()
        {
            self.event_queue.notice(OverlayEvent::AddressesChanged);
        }
    }

    pub(super) fn describe_reach(&self) -> Reach {
        let relaying = &self.relaying;
        let serves = Serves {
            places: relaying.places.len(),
            slots: relaying.slots,
            circuits: relaying.circuits.values().sum(),
        };
        Reach {
            reachability: relaying.reachability(),
            settled: relaying.settled.is_some(),
            addresses: self.own_addresses(),
            relays: relaying.relays.holding().collect(),
            seeks_relays: self.seeks_relays(),
            loopback_only: relaying.loopback_only,
            upnp: relaying.upnp,
            serves: relaying.serves.then_some(serves),
            missing: self.missing.to_vec(),
        }
    }

    /// The addresses to announce: first those that all can dial, then circuits, then those that only nodes in the
    /// same network can dial.
    fn own_addresses(&self) -> Vec<String> {
        let is_public = self.relaying.reachability() == Reachability::Public;
        let external = self.swarm.external_addresses().filter(|address| !is_circuit(address));
        let operator: Vec<_> = self.relaying.external.iter().map(PeerAddress::to_multiaddr).collect();
        let mut addresses: Vec<Multiaddr> = operator.into_iter().chain(external.cloned()).collect();
        let own = || self.own_listeners();
        let of = |wanted: Range| own().filter(move |address| range(address) == Some(wanted));
        addresses.extend(of(Range::Public));
        addresses.extend(self.circuit_addresses());
        if !is_public {
            addresses.extend(of(Range::Network));
        }
        if addresses.is_empty() {
            addresses.extend(own());
        }
        let mut seen = BTreeSet::new();
        let addresses = addresses.into_iter().map(|address| self.with_own_id(address));
        addresses.filter(|address| seen.insert(address.clone())).take(MAX_OWN_ADDRESSES).collect()
    }

    fn circuit_addresses(&self) -> Vec<Multiaddr> {
        let mut of_relay = BTreeMap::<PeerId, usize>::new();
        let mut all: Vec<_> = self.swarm.listeners().filter(|address| is_circuit(address)).cloned().collect();
        all.sort_by_key(ToString::to_string);
        all.retain(|address| match PeerAddress::from_multiaddr(address).map(|address| address.place) {
            Ok(PeerLocation::Circuit { relay, .. }) => {
                let count = of_relay.entry(relay).or_default();
                *count += 1;
                *count <= PER_RELAY
            }
            _ => false,
        });
        all
    }

    /// Tells libp2p, and by it identify and those who ask for a place, where this node can be dialed.
    fn confirm_addresses(&mut self) {
        let confirmed: Vec<Multiaddr> = match (self.relaying.settled, &self.relaying.nat) {
            (Some(true), _) => {
                let named = self.relaying.external.iter().map(PeerAddress::to_multiaddr);
                let own = || self.own_listeners();
                let widest = own().filter_map(|address| range(&address)).max();
                named.chain(own().filter(|address| range(address) == widest)).collect()
            }
            (None, NatStatus::Public(found)) => {
                // The other transport at the same interface is as good.
                let host = found.iter().next();
                self.own_listeners().filter(|address| address.iter().next() == host).collect()
            }
            _ => Vec::new(),
        };
        for address in confirmed {
            if !self.swarm.external_addresses().any(|known| *known == address) {
                self.swarm.add_external_address(address);
            }
        }
    }

    fn offer_relaying(&mut self) {
        let offers = self.relaying.slots > 0
            && self.relaying.reachability() == Reachability::Public
            && self.swarm.external_addresses().any(|address| !is_circuit(address));
        if offers != self.relaying.serves {
            self.relaying.serves = offers;
            let status = if offers { relay::Status::Enable } else { relay::Status::Disable };
            self.swarm.behaviour_mut().relay.set_status(Some(status));
        }
    }

    /// Whether others cannot dial this node, as far as is known.
    fn seeks_relays(&self) -> bool {
        match self.relaying.reachability() {
            Reachability::Public => false,
            Reachability::Private => true,
            // At home no interface has a public address, so there is no need to wait for others to try in vain.
            Reachability::Unknown => {
                !self
                    .swarm
                    .listeners()
                    .any(|address| !is_circuit(address) && range(address) == Some(Range::Public))
                    && !self.swarm.listeners().any(is_memory)
            }
        }
    }

    pub(super) fn seek_relays(&mut self, now: Instant) {
        let candidates = self.relay_candidates();
        let wanted = self.seeks_relays();
        for step in self.relaying.relays.due(now, wanted, &candidates, rand::random()) {
            match step {
                Step::Ask(relay) => self.ask_for_place(relay, now),
                Step::Release(relay) => self.release(relay),
                Step::Search => self.search_relays(now),
            }
        }
    }

    /// The connected peers that offer to relay, the quickest first.
    fn relay_candidates(&self) -> Vec<PeerId> {
        let offering = self.peers.iter().filter(|(_, connected)| connected.relays && connected.is_direct());
        let mut offering: Vec<_> =
            offering.map(|(peer, connected)| (connected.delay.unwrap_or(Duration::MAX), *peer)).collect();
        offering.sort_unstable();
        offering.into_iter().map(|(_, peer)| peer).collect()
    }

    fn ask_for_place(&mut self, relay: PeerId, now: Instant) {
        let known = self.known.addresses(&relay).into_iter().find(|address| !address.is_circuit());
        let here = || {
            let connection = self.peers.get(&relay)?.best()?;
            connection.address.parse::<Multiaddr>().ok().filter(|address| !is_circuit(address))
        };
        let Some(address) = known.map(|address| address.to_multiaddr()).or_else(here) else {
            return self.relaying.relays.lost(relay, now, rand::random());
        };
        let bare: Multiaddr = address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect();
        let at = bare.with(Protocol::P2p(convert::libp2p_peer_id(relay))).with(Protocol::P2pCircuit);
        match self.swarm.listen_on(at) {
            Ok(listener) => self.relaying.listeners.push((listener, relay)),
            Err(error) => {
                tracing::debug!("No place can be asked for at {relay}: {error}");
                self.relaying.relays.lost(relay, now, rand::random());
            }
        }
    }

    fn release(&mut self, relay: PeerId) {
        let there = self.relaying.listeners.extract_if(.., |(_, at)| *at == relay);
        for (listener, _) in there.collect::<Vec<_>>() {
            self.swarm.remove_listener(listener);
        }
    }

    /// Dials known nodes that seem to be reachable, because those may be relays.
    fn search_relays(&mut self, now: Instant) {
        let seems_public = |address: &PeerAddress| match &address.place {
            PeerLocation::Net { host: Host::Ip(ip), .. } => ip_scope::of(*ip) == Range::Public,
            _ => false,
        };
        let mut found: Vec<_> = self.known.peers();
        found.retain(|peer| {
            !self.peers.contains_key(peer) && self.known.addresses(peer).iter().any(seems_public)
        });
        for _ in 0..SEARCHED.min(found.len()) {
            let peer = found.swap_remove(rand::random_range(0..found.len()));
            self.dial_known(peer, now);
        }
    }

    /// Closes connections over relays to peers that are connected directly.
    fn end_detours(&mut self, now: Instant) {
        let mut detours = Vec::new();
        for connected in self.peers.values() {
            let stands = connected.connections.values().any(|connection| {
                connection.path != ConnectionPath::Relayed
                    && now.saturating_duration_since(connection.since) >= OVERLAP
            });
            let relayed =
                connected.connections.iter().filter(|(_, it)| stands && it.path == ConnectionPath::Relayed);
            detours.extend(relayed.map(|(id, _)| *id));
        }
        for connection in detours {
            self.swarm.close_connection(connection);
        }
    }

    /// Dials a peer that came over a relay at its own addresses, once: one of the two may be reachable after all, or
    /// both are in the same network.
    pub(super) fn seek_directly(&mut self, peer: PeerId) {
        let Some(connected) = self.peers.get_mut(&peer) else {
            return;
        };
        if connected.is_direct() || std::mem::replace(&mut connected.sought, true) {
            return;
        }
        self.dial_beside(peer, |address| !address.is_circuit());
    }

    /// The addresses at which to dial a peer. Over a connected relay one address is enough, because that connection
    /// is used.
    ///
    /// Private addresses are left out when there are others: in another network, another node may answer there, and
    /// libp2p then gives the whole dial up. [`Self::try_nearby`] dials them.
    pub(super) fn addresses_to_dial(&self, peer: &PeerId) -> Vec<PeerAddress> {
        let mut over = BTreeSet::new();
        let mut addresses = self.known.addresses(peer);
        addresses.retain(|address| match &address.place {
            PeerLocation::Circuit { relay, .. } if self.peers.contains_key(relay) => over.insert(*relay),
            _ => true,
        });
        if !addresses.iter().all(is_private) {
            addresses.retain(|address| !is_private(address));
        }
        addresses
    }

    /// Dials a peer at its private addresses, beside the dial at the others.
    pub(super) fn try_nearby(&mut self, peer: PeerId) {
        if !self.known.addresses(&peer).iter().all(is_private) {
            self.dial_beside(peer, is_private);
        }
    }

    /// Dials a peer whatever connections and dials there are already.
    pub(super) fn dial_beside(&mut self, peer: PeerId, wanted: impl Fn(&PeerAddress) -> bool) {
        let known = self.known.addresses(&peer);
        // Names are resolved for dials of their own; here they would have to wait.
        let wanted = known.iter().filter(|address| wanted(address) && !address.has_name());
        let addresses: Vec<_> = wanted.map(PeerAddress::to_multiaddr).collect();
        if addresses.is_empty() {
            return;
        }
        let options = DialOpts::peer_id(convert::libp2p_peer_id(peer))
            .condition(PeerCondition::Always)
            .addresses(addresses)
            .build();
        if let Err(error) = self.swarm.dial(options) {
            tracing::debug!("{peer} is not dialed once more: {error}");
        }
    }

    /// How the bytes of a new connection travel.
    pub(super) fn path_of(&self, endpoint: &ConnectedPoint, direction: Direction) -> ConnectionPath {
        if endpoint.is_relayed() {
            ConnectionPath::Relayed
        } else if direction == Direction::Inbound
            && range(endpoint.get_remote_address()) == Some(Range::Public)
            && self.seeks_relays()
        {
            // Nobody can dial this node, so there was a hole. Whoever dialed learns of it by DCUtR itself.
            ConnectionPath::Punched
        } else {
            ConnectionPath::Direct
        }
    }

    pub(super) fn on_autonat(&mut self, event: autonat::Event) {
        let autonat::Event::StatusChanged { new, .. } = event else {
            return tracing::trace!("{event:?}");
        };
        match &new {
            NatStatus::Public(address) => tracing::info!("Others reach this node at {address}."),
            NatStatus::Private => tracing::info!("Others cannot dial this node."),
            NatStatus::Unknown => tracing::info!("It is not known whether others can dial this node."),
        }
        if !new.is_public() && self.relaying.settled.is_none() {
            let stale: Vec<_> =
                self.swarm.external_addresses().filter(|address| !is_circuit(address)).cloned().collect();
            stale.iter().for_each(|address| self.swarm.remove_external_address(address));
        }
        self.relaying.nat = new;
        self.check_reach(Instant::now());
    }

    /// When the operator says that this node is reachable but not where, what peers see is taken for it.
    pub(super) fn on_candidate(&mut self, address: &Multiaddr) {
        let relaying = &self.relaying;
        if relaying.settled == Some(true)
            && relaying.external.is_empty()
            && range(address) == Some(Range::Public)
            && self.swarm.external_addresses().count() < MAX_EXTERNAL
        {
            self.swarm.add_external_address(address.clone());
        }
    }

    /// Notes where a peer sees this node that it has dialed.
    pub(super) fn on_observed(&mut self, by: libp2p::PeerId, address: &Multiaddr) {
        let is_of_use = !is_circuit(address) && range(address) == Some(Range::Public);
        if is_of_use && self.relaying.observed.note(address, by) {
            self.swarm.behaviour_mut().autonat.offer(address.clone());
        }
    }

    pub(super) fn on_place(&mut self, event: relay::client::Event) {
        match event {
            relay::client::Event::ReservationReqAccepted { relay_peer_id, renewal, .. } => {
                if let Some(relay) = convert::peer_id(&relay_peer_id)
                    && !renewal
                {
                    tracing::info!("Others reach this node through {relay}.");
                    self.stats.places_got += 1;
                    self.relaying.relays.accepted(relay, Instant::now());
                }
            }
            event => tracing::trace!("{event:?}"),
        }
    }

    pub(super) fn on_place_lost(&mut self, listener: ListenerId, reason: Result<(), std::io::Error>) {
        let Some(place) = self.relaying.listeners.iter().position(|(id, _)| *id == listener) else {
            return;
        };
        let (_, relay) = self.relaying.listeners.swap_remove(place);
        let reason = reason.err().map(|error| error.to_string()).unwrap_or_default();
        tracing::info!("Others do not reach this node through {relay} any more. {reason}");
        let now = Instant::now();
        self.relaying.relays.lost(relay, now, rand::random());
        self.seek_relays(now);
    }

    pub(super) fn on_relay(&mut self, event: relay::Event) {
        let relaying = &mut self.relaying;
        match event {
            relay::Event::ReservationReqAccepted { src_peer_id, renewed } => {
                relaying.places.insert(src_peer_id);
                self.stats.places_given += u64::from(!renewed);
            }
            relay::Event::ReservationReqDenied { .. } => self.stats.places_refused += 1,
            relay::Event::ReservationClosed { src_peer_id }
            | relay::Event::ReservationTimedOut { src_peer_id } => {
                relaying.places.remove(&src_peer_id);
            }
            relay::Event::CircuitReqAccepted { src_peer_id, dst_peer_id } => {
                *relaying.circuits.entry((src_peer_id, dst_peer_id)).or_default() += 1;
                self.stats.circuits_carried += 1;
            }
            relay::Event::CircuitReqDenied { .. } => self.stats.circuits_refused += 1,
            relay::Event::CircuitClosed { src_peer_id, dst_peer_id, .. } => {
                if let Some(count) = relaying.circuits.get_mut(&(src_peer_id, dst_peer_id)) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        relaying.circuits.remove(&(src_peer_id, dst_peer_id));
                    }
                }
            }
            event => tracing::trace!("{event:?}"),
        }
        self.bandwidth.circuits().share_among(relaying.places.len());
    }

    pub(super) fn on_dcutr(&mut self, event: dcutr::Event) {
        let Some(peer) = convert::peer_id(&event.remote_peer_id) else {
            return;
        };
        match event.result {
            Ok(connection) => {
                self.stats.holes_punched += 1;
                let connected = self.peers.get_mut(&peer);
                if let Some(punched) = connected.and_then(|it| it.connections.get_mut(&connection)) {
                    punched.path = ConnectionPath::Punched;
                }
            }
            Err(error) => {
                self.stats.holes_failed += 1;
                tracing::debug!("No hole could be punched towards {peer}: {error}");
            }
        }
    }

    pub(super) fn on_upnp(&mut self, event: upnp::Event) {
        self.relaying.upnp = match event {
            upnp::Event::NewExternalAddr { external_addr, .. } => {
                tracing::info!("The router leads {external_addr} to this node.");
                Upnp::Mapped
            }
            upnp::Event::ExpiredExternalAddr { .. } => Upnp::Searching,
            upnp::Event::GatewayNotFound => Upnp::NotFound,
            upnp::Event::NonRoutableGateway => Upnp::NotRouted,
        };
    }

    /// Joins nodes of the local network.
    pub(super) fn on_mdns(&mut self, event: mdns::Event) {
        let mdns::Event::Discovered(found) = event else {
            return;
        };
        for (peer, address) in found.into_iter().take(MAX_LOCAL) {
            let address = PeerAddress::from_multiaddr(&address);
            if let (Some(peer), Ok(address)) = (convert::peer_id(&peer), address)
                && !address.is_circuit()
                && !self.peers.contains_key(&peer)
            {
                self.known.heard(peer, &address, network_of(&address));
                self.dial_known(peer, Instant::now());
            }
        }
    }
}

pub(super) fn is_circuit(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::P2pCircuit)
}

fn is_private(address: &PeerAddress) -> bool {
    matches!(&address.place, PeerLocation::Net { host: Host::Ip(ip), .. } if ip_scope::of(*ip) == Range::Network)
}

fn is_memory(address: &Multiaddr) -> bool {
    matches!(address.iter().next(), Some(Protocol::Memory(_)))
}

/// The scope from which it can be dialed; `None` for the memory transport.
fn range(address: &Multiaddr) -> Option<Range> {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(ip_scope::of(ip.into())),
        Some(Protocol::Ip6(ip)) => Some(ip_scope::of(ip.into())),
        _ => None,
    }
}
