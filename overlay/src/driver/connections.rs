//! Connections: established, identified by identify, and closed.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};

use libp2p::{
    Multiaddr, core::ConnectedPoint, gossipsub::TopicHash, identify, multiaddr::Protocol, ping, relay,
    swarm::ConnectionId,
};
use nostrp2p_protocol::{Network, PeerId};

use super::{Driver, relaying::is_circuit};
use crate::{
    OverlayEvent, Topic,
    address::{Host, PeerAddress, PeerLocation},
    convert,
    gossip::GRAYLIST_SCORE,
    ip_scope::{self, IpScope},
    liveness::LivenessAnswer,
    peer::{Connected, Connection, ConnectionPath, Direction, shown_agent},
    peer_store::{MAX_PER_PEER, network_of},
    swarm::{PING_INTERVAL, PING_TIMEOUT, PROTOCOL},
};

/// How long a peer may stay without saying who it is.
const IDENTIFY_TIME: Duration = Duration::from_secs(20);

/// How often it is said that connections cannot be taken.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// How long `PeerConnected` waits for the peer's subscriptions, so that a broadcast after it reaches the peer.
const SUBSCRIBE_TIME: Duration = Duration::from_secs(2);

impl Driver {
    pub(super) fn on_connected(
        &mut self,
        libp2p_peer: libp2p::PeerId,
        connection: ConnectionId,
        endpoint: &ConnectedPoint,
    ) {
        let Some(peer) = convert::peer_id(&libp2p_peer) else {
            return self.disconnect(libp2p_peer);
        };
        let address = endpoint.get_remote_address();
        let dialed = self.dial_worked(connection, peer, address).or_else(|| {
            // Dialed beside another dial: it counts if it is where the peer is known to be.
            let address = PeerAddress::from_multiaddr(address).ok()?.without_peer();
            (endpoint.is_dialer() && self.known.addresses(&peer).contains(&address)).then_some(address)
        });
        let direction = if endpoint.is_dialer() { Direction::Outbound } else { Direction::Inbound };
        if self.peers.contains_key(&peer) {
            // A second way: somebody wants this connection for more than a request.
            self.end_visit(&peer);
        } else if direction == Direction::Outbound {
            self.begin_visit(peer);
        }
        let path = self.path_of(endpoint, direction);
        let connected = self.peers.entry(peer).or_insert_with(|| Connected::new(Instant::now()));
        if connected.agent.is_some() {
            // A second way to a peer that is one of ours.
            if let Some(dialed) = &dialed {
                self.known.good(peer, dialed, unix_now());
            }
            self.dialer.joined(peer);
        }
        let info = Connection {
            address: address.to_string(),
            direction,
            path,
            since: Instant::now(),
            silence: None,
            asked: None,
            dialed,
        };
        connected.connections.insert(connection, info);
        self.on_second(peer, connection);
        self.send_waiting(peer);
        // Others may have waited for room.
        self.dial_waiting(Instant::now());
    }

    pub(super) fn on_closed(&mut self, peer: libp2p::PeerId, connection: ConnectionId, left: u32) {
        let Some(peer) = convert::peer_id(&peer) else {
            return;
        };
        if let Some(connected) = self.peers.get_mut(&peer) {
            connected.connections.remove(&connection);
        }
        if left > 0 {
            return self.on_one_closed(peer, connection);
        }
        self.end_visit(&peer);
        self.fail_homes(peer);
        let given = self.dialer.left(peer, Instant::now(), rand::random());
        let Some(connected) = self.peers.remove(&peer) else {
            return;
        };
        if connected.announced {
            return self.event_queue.notice(OverlayEvent::PeerDisconnected(peer));
        }
        let reason = connected.fault.unwrap_or_else(|| {
            "the node there hung up at once; it may be full, or it may not want this one".to_owned()
        });
        for (address, retry_in) in given {
            let (reason, retry_in) = (reason.clone(), Some(retry_in));
            self.event_queue.notice(OverlayEvent::BootstrapFailed { address, reason, retry_in });
        }
    }

    /// A connection could not be taken, which comes again ten times a second while there is a reason for it.
    pub(super) fn on_listener_error(&mut self, error: &std::io::Error, now: Instant) {
        if self.complained.is_none_or(|then| now.saturating_duration_since(then) > COMPLAIN_EVERY) {
            self.complained = Some(now);
            tracing::error!(
                "Another node could not be let in: {error}. When too many files are open, raise the limit (ulimit -n, LimitNOFILE=)."
            );
        }
    }

    pub(super) fn on_identify(&mut self, event: identify::Event) {
        let (libp2p_peer, connection, info) = match event {
            identify::Event::Received { peer_id, connection_id, info } => (peer_id, connection_id, info),
            identify::Event::Error { peer_id, error, .. } => {
                return tracing::debug!("{peer_id} does not identify itself: {error}");
            }
            identify::Event::Sent { .. } | identify::Event::Pushed { .. } => return,
        };
        let Some(peer) = convert::peer_id(&libp2p_peer) else {
            return;
        };
        if info.protocol_version != PROTOCOL {
            let theirs = shown_agent(&info.protocol_version);
            tracing::info!("{peer} speaks `{theirs}` and not `{PROTOCOL}`; hanging up.");
            if let Some(connected) = self.peers.get_mut(&peer) {
                connected.fault =
                    Some(format!("the program there speaks `{theirs}`, and this one `{PROTOCOL}`"));
            }
            return self.disconnect(libp2p_peer);
        }
        let Some(connected) = self.peers.get_mut(&peer) else {
            return;
        };
        connected.agent = Some(shown_agent(&info.agent_version));
        connected.relays = info.protocols.contains(&relay::HOP_PROTOCOL_NAME);
        for good in connected.connections.values().filter_map(|connection| connection.dialed.as_ref()) {
            self.known.good(peer, good, unix_now());
        }
        let path = connected.connections.get(&connection).map(|it| it.path);
        let from = connected.connections.get(&connection).map(|it| it.address.parse::<Multiaddr>());
        // What came in from outside says nothing about the way out.
        if connected.connections.get(&connection).is_some_and(|it| it.direction == Direction::Outbound) {
            self.on_observed(libp2p_peer, &info.observed_addr);
        }
        // Over a relay the peer's place is not seen; then it is looked at as if others had told of it.
        let seen = from.as_ref().and_then(|from| PeerAddress::from_multiaddr(from.as_ref().ok()?).ok());
        let network = seen.map_or(Network::Unknown, |from| network_of(&from));
        let vantage = match (path, from) {
            (Some(ConnectionPath::Relayed), _) => Vantage::at(self.swarm.listeners()),
            (_, Some(Ok(from))) => Vantage::at([&from]),
            _ => return,
        };
        let named = info.listen_addrs.iter().take(4 * MAX_PER_PEER);
        let named = named.filter_map(|address| PeerAddress::from_multiaddr(address).ok());
        // Where this node itself listens nobody else does: the other end of a point-to-point link may think so.
        let own: Vec<Multiaddr> = self.swarm.listeners().cloned().collect();
        for address in plausible(named, vantage, self.own_id()) {
            if !own.contains(&address.to_multiaddr()) {
                self.known.heard(peer, &address, network);
            }
        }
        if path == Some(ConnectionPath::Relayed) {
            self.seek_directly(peer);
        }
        self.seek_relays(Instant::now());
        self.dialer.joined(peer);
        self.announce(peer, Instant::now());
    }

    /// Notes where a peer says it is, which came by others.
    pub(super) fn add_addresses(&mut self, peer: PeerId, addresses: Vec<PeerAddress>) {
        if convert::libp2p_peer_id(peer) == *self.swarm.local_peer_id() {
            return;
        }
        let vantage = Vantage::at(self.swarm.listeners());
        self.known.announced(peer, &plausible(addresses, vantage, self.own_id()));
        if self.requests.waits_for(&peer) {
            // The dial that is under way knows only the old ones, and may take long to fail.
            self.dial_beside(peer, |_| true);
        }
    }

    pub(super) fn own_id(&self) -> Option<PeerId> {
        convert::peer_id(self.swarm.local_peer_id())
    }

    pub(super) fn on_subscription(&mut self, peer: libp2p::PeerId, topic: &TopicHash, subscribed: bool) {
        let (Some(peer), Some(topic)) = (convert::peer_id(&peer), Topic::of(topic)) else {
            return;
        };
        let mut again = false;
        if let Some(connected) = self.peers.get_mut(&peer) {
            if subscribed {
                again = !connected.topics.insert(topic);
            } else {
                connected.topics.remove(&topic);
            }
        }
        if again {
            self.on_greeting(peer);
        }
        if subscribed {
            self.broadcast_held();
            self.announce(peer, Instant::now());
        }
    }

    pub(super) fn on_ping(&mut self, event: ping::Event) {
        let Some(peer) = convert::peer_id(&event.peer) else {
            return;
        };
        match event.result {
            Ok(delay) => {
                if let Some(connected) = self.peers.get_mut(&peer) {
                    connected.delay = Some(delay);
                    if let Some(connection) = connected.connections.get_mut(&event.connection) {
                        connection.silence = Some(0);
                    }
                    self.on_answered(peer, event.connection);
                }
            }
            Err(ping::Failure::Unsupported) => {}
            Err(error) => {
                tracing::debug!("{peer} does not answer ({error}); closing that connection.");
                self.swarm.close_connection(event.connection);
            }
        }
    }

    pub(super) fn on_alive(&mut self, LivenessAnswer { peer, connection }: LivenessAnswer) {
        let Some(peer) = convert::peer_id(&peer) else { return };
        let known = self.peers.get_mut(&peer).and_then(|peer| peer.connections.get_mut(&connection));
        if let Some(known) = known {
            known.silence = Some(0);
        }
        self.on_answered(peer, connection);
    }

    /// Does what time or score make due: announces, hangs up on the silent, throws out the harmful.
    pub(super) fn check_peers(&mut self, now: Instant) {
        let peers: Vec<_> = self.peers.keys().copied().collect();
        for peer in peers {
            self.announce(peer, now);
            if self.score(peer) < GRAYLIST_SCORE {
                tracing::info!(
                    "{peer} sent too much that is invalid, or too little of what it offered; hanging up for an hour."
                );
                self.stats.banned += 1;
                self.swarm.behaviour_mut().gate.ban(peer, now);
                self.disconnect(convert::libp2p_peer_id(peer));
                continue;
            }
            let silent = self.peers.get(&peer).is_some_and(|connected| {
                connected.agent.is_none() && now.saturating_duration_since(connected.since) > IDENTIFY_TIME
            });
            if silent {
                tracing::debug!("{peer} does not say who it is; hanging up.");
                self.disconnect(convert::libp2p_peer_id(peer));
            }
        }
    }

    /// Closes connections on which no answer comes any more: soon if this node is reached by them. libp2p's ping tries
    /// once more before it says so, which takes twice as long.
    pub(super) fn check_silence(&mut self) {
        self.ask_relays();
        let relay_limit = ticks(self.swarm.behaviour().alive.relay_interval() * 5 / 2);
        let limit = ticks(PING_INTERVAL + PING_TIMEOUT);
        let mut silent = Vec::new();
        for (peer, connected) in &mut self.peers {
            for (id, connection) in &mut connected.connections {
                let Some(silence) = connection.silence.map(|silence| silence + 1) else { continue };
                connection.silence = Some(silence);
                if silence > if connection.asked.is_some() { relay_limit } else { limit } {
                    tracing::debug!("{peer} has been silent for {silence} s; closing that connection.");
                    // Once is enough, however long it takes to close.
                    connection.silence = None;
                    silent.push(*id);
                }
            }
        }
        for connection in silent {
            self.swarm.close_connection(connection);
        }
    }

    /// Asks the relays at which this node holds a place whether they are there, and those in doubt.
    fn ask_relays(&mut self) {
        let (holding, every) =
            (self.relaying.holding(), ticks(self.swarm.behaviour().alive.relay_interval()));
        let mut asks: BTreeSet<_> = self.doubted().collect();
        for (peer, connected) in &mut self.peers {
            let is_held = holding.contains(peer);
            for (id, connection) in &mut connected.connections {
                if !is_held {
                    connection.asked = None;
                    continue;
                }
                let asked = connection.asked.map(|ticks| ticks + 1);
                connection.asked = asked.filter(|ticks| *ticks < every).or(Some(0));
                if connection.asked == Some(0) {
                    asks.insert((convert::libp2p_peer_id(*peer), *id));
                }
                if asked.is_none() && connection.silence.is_some() {
                    // The last answer may be as old as is usual elsewhere.
                    connection.silence = Some(0);
                }
            }
        }
        for (peer, connection) in asks {
            self.swarm.behaviour_mut().alive.ask(peer, connection);
        }
    }

    /// Tells the node of a peer once, when it has identified itself and subscribed (or has had the time to).
    fn announce(&mut self, peer: PeerId, now: Instant) {
        let score = self.score(peer);
        let Some(connected) = self.peers.get_mut(&peer) else {
            return;
        };
        let waited = now.saturating_duration_since(connected.since) > SUBSCRIBE_TIME;
        if connected.announced
            || connected.agent.is_none()
            || !(connected.topics.len() == Topic::ALL.len() || waited)
        {
            return;
        }
        connected.announced = true;
        self.event_queue.notice(OverlayEvent::PeerConnected(connected.describe(peer, score)));
        for address in self.dialer.given_of(peer) {
            self.event_queue.notice(OverlayEvent::BootstrapReached { address });
        }
    }

    pub(super) fn disconnect(&mut self, peer: libp2p::PeerId) {
        if self.swarm.disconnect_peer_id(peer).is_err() {
            tracing::trace!("{peer} is gone already");
        }
    }
}

/// Ticks, which come once a second.
fn ticks(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

/// The point of view from which addresses are judged: that of the peer that names them, or of this node when others
/// told them.
#[derive(Debug, Clone, Copy)]
struct Vantage {
    /// The widest reach of that place; of a node that listens nowhere it is taken to be public.
    reach: IpScope,
    /// Whether it is in this process.
    memory: bool,
}

impl Vantage {
    fn at<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> Self {
        let mut vantage = Self { reach: IpScope::Nowhere, memory: false };
        let own = addresses.into_iter().filter(|address| !is_circuit(address));
        for part in own.filter_map(|address| address.iter().next()) {
            match part {
                Protocol::Ip4(ip) => vantage.reach = vantage.reach.max(ip_scope::of(ip.into())),
                Protocol::Ip6(ip) => vantage.reach = vantage.reach.max(ip_scope::of(ip.into())),
                Protocol::Memory(_) => vantage.memory = true,
                _ => {}
            }
        }
        if vantage.reach == IpScope::Nowhere {
            vantage.reach = IpScope::Public;
        }
        vantage
    }
}

/// The addresses a peer names that can be true and of use.
///
/// Loopback only from loopback and private networks only from private ones, because strangers shall not make this node
/// dial into its owner's network. No names: they could make it ask the name service for anything.
fn plausible(
    named: impl IntoIterator<Item = PeerAddress>,
    from: Vantage,
    own: Option<PeerId>,
) -> Vec<PeerAddress> {
    let fits = |address: &PeerAddress| match address.place.first_hop() {
        PeerLocation::Memory(_) => from.memory,
        PeerLocation::Net { host: Host::Ip(ip), .. } => match ip_scope::of(*ip) {
            IpScope::Nowhere => false,
            IpScope::Machine => from.reach == IpScope::Machine,
            IpScope::Network => from.reach <= IpScope::Network,
            IpScope::Public => true,
        },
        PeerLocation::Net { host: Host::Name(..), .. } | PeerLocation::Circuit { .. } => false,
    };
    // A node that has a place here is connected, or cannot be reached through here either.
    let over_own = |address: &PeerAddress| match &address.place {
        PeerLocation::Circuit { relay, .. } => Some(*relay) == own,
        _ => false,
    };
    let addresses = named.into_iter().filter(|address| fits(address) && !over_own(address));
    addresses.map(|address| address.without_peer()).take(MAX_PER_PEER).collect()
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &[&str], kept: &[&str]) {
        let named = [
            "/ip4/8.8.8.8/tcp/1",
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/192.168.1.2/tcp/1",
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/8.8.8.8/tcp/1/ws",
            "/dns4/example.org/tcp/1",
            "/memory/5",
            "/ip6/::1/tcp/1",
        ];
        let named = named.iter().filter_map(|text| text.parse().ok());
        let from: Vec<Multiaddr> = from.iter().map(|text| text.parse().unwrap()).collect();
        let found = plausible(named, Vantage::at(&from), Some(PeerId::from_ed25519([5; 32])));
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), kept);
    }

    #[test]
    fn only_addresses_that_make_sense_from_here_are_remembered() {
        check(&["/ip4/9.9.9.9/tcp/5"], &["8.8.8.8:1"]);
        check(&["/ip4/10.0.0.1/tcp/5"], &["8.8.8.8:1", "192.168.1.2:1"]);
        check(&["/ip4/127.0.0.1/tcp/5"], &["8.8.8.8:1", "127.0.0.1:1", "192.168.1.2:1", "[::1]:1"]);
        check(&["/memory/9"], &["8.8.8.8:1", "/memory/5"]);
    }

    #[test]
    fn an_announcement_is_looked_at_from_where_this_node_listens() {
        check(&["/ip4/127.0.0.1/tcp/5", "/ip4/192.168.1.9/tcp/5"], &["8.8.8.8:1", "192.168.1.2:1"]);
        check(&["/ip4/10.0.0.1/tcp/5", "/ip4/9.9.9.9/tcp/5"], &["8.8.8.8:1"]);
        check(&["/ip4/127.0.0.1/tcp/5"], &["8.8.8.8:1", "127.0.0.1:1", "192.168.1.2:1", "[::1]:1"]);
        check(&[], &["8.8.8.8:1"]);
    }

    #[test]
    fn circuits_count_as_far_as_their_relay_and_never_over_this_node() {
        let (own, relay) = (PeerId::from_ed25519([5; 32]), PeerId::from_ed25519([6; 32]));
        let over = |place: &str, relay: PeerId| format!("{place}/p2p/{relay}/p2p-circuit").parse().unwrap();
        let named: Vec<PeerAddress> = vec![
            over("/ip4/8.8.8.8/tcp/1", relay),
            over("/ip4/8.8.8.8/tcp/1", own),
            over("/ip4/192.168.1.2/tcp/1", relay),
            over("/dns4/example.org/tcp/1", relay),
        ];
        let from: Multiaddr = "/ip4/9.9.9.9/tcp/5".parse().unwrap();
        let found = plausible(named.clone(), Vantage::at([&from]), Some(own));
        assert_eq!(found, named.into_iter().take(1).collect::<Vec<_>>());
        let circuit: Multiaddr = format!("/ip4/9.9.9.9/tcp/5/p2p/{relay}/p2p-circuit").parse().unwrap();
        assert_eq!(Vantage::at([&circuit, &"/ip4/10.0.0.1/tcp/1".parse().unwrap()]).reach, IpScope::Network);
    }

    #[test]
    fn a_peer_can_name_only_so_many_addresses() {
        let many = (1..500).map(|port| format!("8.8.8.8:{port}").parse().unwrap());
        assert_eq!(plausible(many, Vantage::at([]), None).len(), MAX_PER_PEER);
    }
}
