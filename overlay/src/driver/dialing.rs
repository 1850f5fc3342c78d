//! From a target to a connection: resolves names, dials addresses, and turns failures into sentences.

use std::{collections::VecDeque, io, time::Instant};

use super::{Driver, relaying::is_circuit};
use crate::{
    Lookups, OverlayEvent, PeerAddress,
    address::{Family, Host, PeerLocation},
    connection_filter::Refused,
    convert,
    dialer::DialTarget,
    listen::io_kind,
};
use futures::FutureExt;
use libp2p::{
    Multiaddr,
    core::transport::TransportError,
    multiaddr::Protocol,
    swarm::{
        ConnectionId, DialError,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use nostrp2p_protocol::PeerId;

/// Addresses of one name that are tried.
const MAX_PER_NAME: usize = 8;

/// A dial under way.
pub(super) struct Attempt {
    target: DialTarget,
    /// The addresses that are being dialed, and those that they come from.
    dialing: Vec<(Multiaddr, PeerAddress)>,
    /// The addresses to dial next. Only for unknown peers: libp2p dials those at one address at a time.
    rest: VecDeque<(Multiaddr, PeerAddress)>,
    /// The expected peer; None for an unknown one.
    expected: Option<PeerId>,
}

/// A target whose names are resolved.
pub(super) struct Resolved {
    target: DialTarget,
    addresses: Vec<(Multiaddr, PeerAddress)>,
    problem: Option<String>,
}

impl Driver {
    pub(super) fn ask(&mut self, address: PeerAddress) {
        let now = Instant::now();
        if self.dialer.ask(address.clone(), now) {
            return self.dial_due(now);
        }
        let reason = "too many addresses are being dialed already; try again in a minute".to_owned();
        self.event_queue.notice(OverlayEvent::BootstrapFailed { address, reason, retry_in: None });
    }

    pub(super) fn dial_due(&mut self, now: Instant) {
        let known = self.known.peers();
        let peers = &self.peers;
        let is_connected = |peer: &PeerId| peers.contains_key(peer);
        let due = self.dialer.due(now, self.peers.len(), is_connected, &known);
        for target in due {
            let addresses = match &target {
                DialTarget::Given(address) => vec![address.clone()],
                DialTarget::Known(peer) => {
                    self.try_nearby(*peer);
                    self.addresses_to_dial(peer)
                }
            };
            self.lookups.push(resolve(self.names.clone(), target, addresses).boxed());
        }
    }

    /// Dials a known peer whatever its delay, unless that is under way.
    pub(super) fn dial_known(&mut self, peer: PeerId, now: Instant) {
        let addresses = self.addresses_to_dial(&peer);
        if !addresses.is_empty() && self.dialer.begin(peer, now) {
            self.try_nearby(peer);
            self.lookups.push(resolve(self.names.clone(), DialTarget::Known(peer), addresses).boxed());
        }
    }

    pub(super) fn dials_under_way(&self) -> usize {
        self.attempts.len() + self.lookups.len()
    }

    pub(super) fn on_resolved(&mut self, resolved: Resolved) {
        let Resolved { target, addresses, problem } = resolved;
        if addresses.is_empty() {
            let reason = problem.unwrap_or_else(|| "there is no address to dial".to_owned());
            return self.dial_failed(&target, reason);
        }
        let expected = match &target {
            DialTarget::Given(address) => address.peer(),
            DialTarget::Known(peer) => Some(*peer),
        };
        let mut addresses = VecDeque::from(addresses);
        let now =
            if expected.is_some() { addresses.drain(..).collect() } else { addresses.drain(..1).collect() };
        self.dial(Attempt { target, dialing: now, rest: addresses, expected });
    }

    fn dial(&mut self, attempt: Attempt) {
        // Who waits for a request shall not wait for another target's dial, which may be for a wrong address.
        let condition = match attempt.expected {
            Some(peer) if self.requests.waits_for(&peer) => PeerCondition::Disconnected,
            _ => PeerCondition::DisconnectedAndNotDialing,
        };
        let Some(options) = attempt.options(condition, &self.to_prove(&attempt.target)) else {
            return self.dial_failed(&attempt.target, "no address".to_owned());
        };
        let connection = options.connection_id();
        self.attempts.insert(connection, attempt);
        if let Err(error) = self.swarm.dial(options) {
            self.on_dial_error(connection, &error);
        }
    }

    /// Addresses at which this node itself seems to listen, where the answering peer must prove its id. A person may
    /// give such an address. Another node's address that this machine really has is not dialed: behind two routers
    /// both have it.
    fn to_prove(&self, target: &DialTarget) -> Vec<Multiaddr> {
        let given = matches!(target, DialTarget::Given(_));
        self.swarm.listeners().filter(|address| given || self.own_ips.is_foreign(address)).cloned().collect()
    }

    /// Ends the attempt that led to this connection. Returns the address that worked.
    pub(super) fn dial_worked(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        endpoint: &Multiaddr,
    ) -> Option<PeerAddress> {
        let attempt = self.attempts.remove(&connection)?;
        self.dialer.reached(&attempt.target, peer);
        attempt.address_of(endpoint)
    }

    pub(super) fn on_dial_error(&mut self, connection: ConnectionId, error: &DialError) {
        let Some(mut attempt) = self.attempts.remove(&connection) else {
            return;
        };
        let own = self.own_id();
        let misled = match error {
            DialError::WrongPeerId { address, obtained } => Some((address, convert::peer_id(obtained))),
            DialError::LocalPeerId { address } => Some((address, own)),
            _ => None,
        };
        if let (Some((_, Some(obtained))), DialTarget::Given(_)) = (misled, &attempt.target) {
            if Some(obtained) == own {
                return self.dialed_self(&attempt.target);
            }
            if attempt.expected.is_none() {
                // Another node answers where this one seemed to listen itself: the other end of a point-to-point link.
                attempt.expected = Some(obtained);
                return self.dial(attempt);
            }
        }
        if let (Some((address, obtained)), &DialTarget::Known(peer)) = (misled, &attempt.target)
            && let Some(address) = attempt.address_of(address)
        {
            tracing::debug!("Another node is now at {address}, where {peer} was.");
            match obtained.filter(|obtained| Some(*obtained) != own) {
                // What worked once is tried again, whoever answers there now.
                Some(obtained) => self.known.moved(peer, &address, obtained),
                None => self.known.wrong(peer, &address),
            }
            attempt.dialing.retain(|(_, from)| from.without_peer() != address);
            if !attempt.dialing.is_empty() {
                // The first to answer was the wrong one, as happens with private addresses of other networks; libp2p
                // then gives up on the others.
                return self.dial(attempt);
            }
        }
        if let DialError::DialPeerConditionFalse(_) = error {
            // It is connected, or another target leads to it right now: nobody's fault, and nothing to tell.
            self.dialer.failed(&attempt.target, Instant::now(), rand::random());
            return;
        }
        if let Some(next) = attempt.rest.pop_front() {
            attempt.dialing = vec![next];
            attempt.expected = None;
            return self.dial(attempt);
        }
        self.dial_failed(&attempt.target, reason(error));
    }

    fn dial_failed(&mut self, target: &DialTarget, reason: String) {
        let retry_in = self.dialer.failed(target, Instant::now(), rand::random());
        match target {
            DialTarget::Given(address) => {
                let address = address.clone();
                self.event_queue.notice(OverlayEvent::BootstrapFailed { address, reason, retry_in });
            }
            DialTarget::Known(peer) => {
                tracing::debug!("{peer} cannot be reached: {reason}");
                let over_relay = self.known.addresses(peer).iter().any(PeerAddress::is_circuit);
                if !(over_relay && self.may_try_again(peer)) {
                    self.fail_waiting(peer, &reason);
                }
            }
        }
    }

    fn dialed_self(&mut self, target: &DialTarget) {
        self.dialer.drop_target(target);
        if let DialTarget::Given(address) = target {
            let reason = "that is this node itself; it is not dialed again".to_owned();
            let address = address.clone();
            self.event_queue.notice(OverlayEvent::BootstrapFailed { address, reason, retry_in: None });
        }
    }
}

impl Attempt {
    fn address_of(&self, endpoint: &Multiaddr) -> Option<PeerAddress> {
        let bare = |address: &Multiaddr| {
            address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect::<Multiaddr>()
        };
        let endpoint = bare(endpoint);
        let found = self.dialing.iter().find(|(dialed, _)| bare(dialed) == endpoint);
        found.map(|(_, address)| address.without_peer())
    }

    /// The options of a dial. libp2p refuses to dial addresses at which this node listens, and takes the other end of
    /// a point-to-point link for one of them. With a peer id behind it libp2p dials such an address, and the
    /// answering peer proves its id; where no peer is expected, the id is a random one, and the error names the true
    /// one. The dial does not use the listener's port, from which the connection would lead to this node itself.
    fn options(&self, condition: PeerCondition, own: &[Multiaddr]) -> Option<DialOpts> {
        let (first, _) = self.dialing.first()?;
        let expected = self.expected.map(convert::libp2p_peer_id);
        let Some(peer) = expected.or_else(|| own.contains(first).then(libp2p::PeerId::random)) else {
            return Some(DialOpts::unknown_peer_id().address(first.clone()).build());
        };
        let is_own = |address: &Multiaddr| own.contains(address);
        let named = |address: &Multiaddr| {
            if is_own(address) { address.clone().with(Protocol::P2p(peer)) } else { address.clone() }
        };
        let addresses = self.dialing.iter().map(|(address, _)| named(address)).collect();
        let options = DialOpts::peer_id(peer).condition(condition).addresses(addresses);
        let leads_back = self.dialing.iter().any(|(address, _)| is_own(address));
        Some(if leads_back { options.allocate_new_port().build() } else { options.build() })
    }
}

pub(super) async fn resolve(names: Lookups, target: DialTarget, addresses: Vec<PeerAddress>) -> Resolved {
    let mut resolved = Resolved { target, addresses: Vec::new(), problem: None };
    for address in addresses {
        match resolve_one(&names, &address.place).await {
            Ok(places) => {
                let dialable = places.into_iter().map(|place| (place.to_multiaddr(), address.clone()));
                resolved.addresses.extend(dialable);
            }
            Err(problem) => resolved.problem = Some(problem),
        }
    }
    resolved
}

async fn resolve_one(names: &Lookups, place: &PeerLocation) -> Result<Vec<PeerLocation>, String> {
    let PeerLocation::Net { host: Host::Name(name, family), port, .. } = place.first_hop() else {
        return Ok(vec![place.clone()]);
    };
    let found = names.addresses(name, *port).await.map_err(|error| error.to_string())?;
    let wanted = found.into_iter().map(|address| address.ip()).filter(|ip| match family {
        Family::Any => true,
        Family::V4 => ip.is_ipv4(),
        Family::V6 => ip.is_ipv6(),
    });
    let places: Vec<_> = wanted.take(MAX_PER_NAME).map(|ip| place.at(ip)).collect();
    if places.is_empty() { Err(format!("the name `{name}` has no address of that kind")) } else { Ok(places) }
}

/// Says in words for a person why a dial failed.
fn reason(error: &DialError) -> String {
    match error {
        DialError::WrongPeerId { obtained, .. } => {
            format!("another node answers there, {obtained}; leave /p2p/... out of the address to take any")
        }
        DialError::Transport(errors) => match errors.last() {
            Some((address, _)) if is_circuit(address) => {
                "the relay over which it was reached does not lead to it any more".to_owned()
            }
            Some((_, error)) => transport_reason(error),
            None => "it cannot be dialed".to_owned(),
        },
        DialError::Denied { cause } => match cause.downcast_ref::<Refused>() {
            Some(refused) => format!("this node refuses the peer: {refused}"),
            None => "this node has too many connections already".to_owned(),
        },
        DialError::DialPeerConditionFalse(_) => "it is connected or being dialed already".to_owned(),
        DialError::Aborted => "dialing was broken off".to_owned(),
        DialError::LocalPeerId { .. } => "that is this node itself".to_owned(),
        DialError::NoAddresses => "the system says that this is an address of this machine".to_owned(),
    }
}

fn transport_reason(error: &TransportError<io::Error>) -> String {
    let error = match error {
        TransportError::MultiaddrNotSupported(_) => {
            return "this program has no transport for such an address".to_owned();
        }
        TransportError::Other(error) => error,
    };
    match io_kind(error) {
        io::ErrorKind::ConnectionRefused => {
            "nobody listens there (connection refused); is that node running?".to_owned()
        }
        io::ErrorKind::TimedOut => "no answer; is there a firewall, or is the machine off?".to_owned(),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "there is no way to that network; check the connection".to_owned()
        }
        _ => format!("what answers there does not behave like a node ({error})"),
    }
}
