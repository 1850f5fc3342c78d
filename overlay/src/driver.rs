//! The one task that owns the swarm: it takes commands, swarm events and ticks, one after the other.
//!
//! It never waits for the node: it takes commands as they come, and offers events (see [`crate::event_queue`]).

mod connections;
mod dialing;
mod doubts;
mod home;
mod messages;
mod relaying;
mod requests;
mod saving;
mod second;

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use libp2p::{
    Multiaddr, Swarm,
    swarm::{ConnectionId, SwarmEvent},
};
use nostrp2p_protocol::PeerId;
use tokio::{
    sync::mpsc,
    time::{self, MissedTickBehavior},
};

use self::{
    dialing::{Attempt, Resolved},
    doubts::Doubts,
    home::Homes,
    messages::Held,
    requests::Requests,
};
pub(crate) use self::{relaying::Relaying, saving::Saver};
use crate::{
    Lookups, OverlayEvent, Peer, Protocol, Stats,
    bandwidth::BandwidthMeter,
    convert,
    dialer::Dialer,
    event_queue::EventQueue,
    gossip::Copies,
    handle::OverlayCommand,
    listen::{Begun, Interfaces},
    missing_part::MissingParts,
    own_ips::OwnIps,
    peer::Connected,
    peer_store::PeerStore,
    swarm::{Behaviour, BehaviourEvent, Event},
};

/// How often dialing, scores and deadlines are looked at; gossipsub's heartbeat wakes the task as often anyway.
const TICK: Duration = Duration::from_secs(1);

/// How long closing the connections may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// The state of the task.
pub(crate) struct Driver {
    swarm: Swarm<Behaviour>,
    commands: mpsc::Receiver<OverlayCommand>,
    event_queue: EventQueue,
    peers: BTreeMap<PeerId, Connected>,
    dialer: Dialer,
    known: PeerStore,
    saver: Saver,
    /// Names being resolved, at most one per dial under way.
    lookups: FuturesUnordered<BoxFuture<'static, Resolved>>,
    names: Lookups,
    own_ips: OwnIps,
    doubts: Doubts,
    attempts: HashMap<ConnectionId, Attempt>,
    held: Held,
    requests: Requests,
    homes: Homes,
    relaying: Relaying,
    stats: Stats,
    copies: Copies,
    bandwidth: BandwidthMeter,
    /// When it was last said that connections cannot be taken.
    complained: Option<Instant>,
    /// The interfaces that are polled for addresses, because the system does not report them.
    interfaces: Vec<Interfaces>,
    missing: MissingParts,
}

/// The driver's ends of the line to the node.
pub(crate) struct DriverChannels {
    pub(crate) commands: mpsc::Receiver<OverlayCommand>,
    pub(crate) events: mpsc::Sender<OverlayEvent>,
}

impl Driver {
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        DriverChannels { commands, events }: DriverChannels,
        dialer: Dialer,
        known: PeerStore,
        saver: Saver,
        (copies, bandwidth): (Copies, BandwidthMeter),
        relaying: Relaying,
    ) -> Self {
        Self {
            swarm,
            commands,
            event_queue: EventQueue::new(events),
            peers: BTreeMap::new(),
            dialer,
            known,
            saver,
            lookups: FuturesUnordered::new(),
            names: Lookups::default(),
            own_ips: OwnIps::default(),
            doubts: Doubts::default(),
            attempts: HashMap::new(),
            complained: None,
            interfaces: Vec::new(),
            missing: MissingParts::default(),
            held: Held::default(),
            requests: Requests::default(),
            homes: Homes::default(),
            relaying,
            stats: Stats::default(),
            copies,
            bandwidth,
        }
    }

    /// Runs until asked to stop, or until nobody holds the handle or the events any more.
    pub(crate) async fn run(mut self, Begun { seen, interfaces, missing }: Begun) {
        self.interfaces = interfaces;
        self.missing = missing;
        seen.into_iter().for_each(|event| self.on_swarm_event(event));
        let mut tick = time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    None | Some(OverlayCommand::Shutdown) => break,
                    Some(command) => self.on_command(command),
                },
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                Some(resolved) = self.lookups.next(), if !self.lookups.is_empty() => self.on_resolved(resolved),
                () = self.event_queue.drain() => break,
                _ = tick.tick() => self.on_tick().await,
            }
        }
        self.close().await;
    }

    fn on_command(&mut self, command: OverlayCommand) {
        match command {
            OverlayCommand::Broadcast { topic, payload, reply } => {
                answer(reply, self.broadcast(topic, payload))
            }
            OverlayCommand::Report { message, verdict } => self.report(&message, verdict),
            OverlayCommand::Dial(address) => self.ask(address),
            OverlayCommand::AddAddresses { peer, addresses } => self.add_addresses(peer, addresses),
            OverlayCommand::Request { peer, question } => self.request(peer, question),
            OverlayCommand::Respond { request, payload } => self.respond(&request, payload),
            OverlayCommand::OpenHome { peer, reply } => self.open_home(peer, reply),
            OverlayCommand::AcceptHomes(taker) => self.accept_homes(taker),
            OverlayCommand::Keep(peers) => self.keep(peers),
            OverlayCommand::Peers(reply) => answer(reply, self.describe_peers()),
            OverlayCommand::ListenAddresses(reply) => answer(reply, self.listen_addresses()),
            OverlayCommand::Reach(reply) => answer(reply, self.describe_reach()),
            OverlayCommand::Stats(reply) => {
                let (copies, copies_bytes) = self.copies.count();
                let relayed_bytes = self.bandwidth.relayed();
                let circuits_refused = self.stats.circuits_refused + self.bandwidth.circuits().refused();
                answer(reply, Stats { copies, copies_bytes, relayed_bytes, circuits_refused, ..self.stats });
            }
            OverlayCommand::Traffic(reply) => {
                let carried = self.bandwidth.take_traffic().into_iter();
                let known = carried.filter_map(|(peer, carried)| Some((convert::peer_id(&peer)?, carried)));
                answer(reply, known.collect());
            }
            // Taken by `run`, which ends.
            OverlayCommand::Shutdown => {}
        }
    }

    fn on_swarm_event(&mut self, event: Event) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(event)) => self.on_identify(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => self.on_ping(event),
            SwarmEvent::Behaviour(BehaviourEvent::Alive(answer)) => self.on_alive(answer),
            SwarmEvent::Behaviour(BehaviourEvent::Deliver(event)) => {
                self.on_request_event(Protocol::Deliver, event);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Fetch(event)) => {
                self.on_request_event(Protocol::Fetch, event)
            }
            SwarmEvent::Behaviour(BehaviourEvent::Sync(event)) => {
                self.on_request_event(Protocol::Sync, event)
            }
            SwarmEvent::Behaviour(BehaviourEvent::Home(event)) => self.on_home(event),
            SwarmEvent::Behaviour(BehaviourEvent::Relay(event)) => self.on_relay(event),
            SwarmEvent::Behaviour(BehaviourEvent::Circuits(event)) => self.on_place(event),
            SwarmEvent::Behaviour(BehaviourEvent::Dcutr(event)) => self.on_dcutr(event),
            SwarmEvent::Behaviour(BehaviourEvent::Autonat(event)) => self.on_autonat(event),
            SwarmEvent::Behaviour(BehaviourEvent::Upnp(event)) => self.on_upnp(event),
            SwarmEvent::Behaviour(BehaviourEvent::Mdns(event)) => self.on_mdns(event),
            SwarmEvent::NewExternalAddrCandidate { address } => self.on_candidate(&address),
            SwarmEvent::ListenerClosed { listener_id, reason, .. }
                if self.relaying.is_place(&listener_id) =>
            {
                self.on_place_lost(listener_id, reason);
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, .. } => {
                self.on_closed(peer_id, connection_id, num_established);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.on_dial_error(connection_id, &error);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                tracing::debug!("A connection from {send_back_addr} came to nothing: {error}");
            }
            SwarmEvent::NewListenAddr { address, .. } if relaying::is_circuit(&address) => {
                self.event_queue.notice(OverlayEvent::Listening(self.with_own_id(address)));
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.own_ips.on_listening(&address);
                self.doubt_all();
                if let Some(address) = self.own_ips.own(&address) {
                    self.event_queue.notice(OverlayEvent::Listening(self.with_own_id(address)));
                }
            }
            SwarmEvent::ExpiredListenAddr { address, .. } if !relaying::is_circuit(&address) => {
                self.own_ips.on_expired(&address);
                self.doubt_all();
            }
            SwarmEvent::ListenerClosed { addresses, reason: Err(error), .. } => {
                tracing::error!("This node does not listen on {addresses:?} any more: {error}");
            }
            SwarmEvent::ListenerError { error, .. } => self.on_listener_error(&error, Instant::now()),
            _ => {}
        }
    }

    async fn on_tick(&mut self) {
        for interfaces in &mut self.interfaces {
            interfaces.on_tick(&mut self.swarm, Instant::now(), &mut self.missing);
        }
        let now = Instant::now();
        self.check_peers(now);
        self.doubt_unanswered(now);
        self.check_doubts();
        self.check_silence();
        self.check_reach(now);
        self.bandwidth.refill(now);
        self.requests.forget_abandoned();
        self.end_visits(now);
        self.dial_waiting(now);
        self.dial_due(now);
        self.held.expire(now);
        self.saver.tick(&mut self.known, now).await;
    }

    fn describe_peers(&self) -> Vec<Peer> {
        let joined = self.peers.iter().filter(|(_, connected)| connected.announced);
        joined.map(|(id, connected)| connected.describe(*id, self.score(*id))).collect()
    }

    fn score(&self, peer: PeerId) -> f64 {
        self.swarm.behaviour().gossip.peer_score(&convert::libp2p_peer_id(peer)).unwrap_or_default()
    }

    fn listen_addresses(&self) -> Vec<String> {
        self.own_listeners().map(|address| self.with_own_id(address)).collect()
    }

    /// The own listen addresses, without circuits and without the other ends of point-to-point links.
    fn own_listeners(&self) -> impl Iterator<Item = Multiaddr> + '_ {
        let own = self.swarm.listeners().filter(|address| !relaying::is_circuit(address));
        own.filter_map(|address| self.own_ips.own(address))
    }

    fn with_own_id(&self, address: Multiaddr) -> String {
        address.with_p2p(*self.swarm.local_peer_id()).unwrap_or_else(|address| address).to_string()
    }

    /// Ends in order: addresses saved, connections closed. The commands stay open until all is done, for
    /// [`crate::Overlay::shutdown`] waits for their end.
    async fn close(mut self) {
        self.saver.finish(&mut self.known).await;
        let connected: Vec<_> = self.swarm.connected_peers().copied().collect();
        for peer in connected {
            if self.swarm.disconnect_peer_id(peer).is_err() {
                tracing::trace!("{peer} is gone already");
            }
        }
        let all_closed = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        if time::timeout(FAREWELL, all_closed).await.is_err() {
            tracing::debug!("Not all connections closed in time.");
        }
    }
}

/// Replies; that the asker has gone meanwhile is its own affair.
fn answer<T>(reply: tokio::sync::oneshot::Sender<T>, value: T) {
    if reply.send(value).is_err() {
        tracing::trace!("nobody waits for the answer any more");
    }
}
