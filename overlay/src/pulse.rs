//! Pings on some connections more often than on others: on those by which this node is reached.
//!
//! A ping a minute is enough for neighbours, for gossip has others. A relay that vanishes without a word takes the way
//! to this node with it, and so the connection to it is felt more often.

use std::{
    collections::{BTreeSet, VecDeque},
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse, upgrade::DeniedUpgrade},
    ping,
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent,
        ToSwarm, handler::ConnectionEvent,
    },
};

/// How often a relay at which this node holds a place is asked whether it is still there. Three of them cost 5 MB a
/// day; a guess.
pub(crate) const PULSE: Duration = Duration::from_secs(12);

type Ping = THandler<ping::Behaviour>;

/// Pings on the connections that are to be felt; it answers none, which the usual ping does.
pub(crate) struct Pulse {
    ping: ping::Behaviour,
    interval: Duration,
    felt: BTreeSet<(PeerId, ConnectionId)>,
    /// What connections have to be told; as many as change in a tick, a handful.
    changes: VecDeque<(PeerId, ConnectionId, bool)>,
}

impl Pulse {
    pub(crate) fn new(interval: Duration) -> Self {
        let config = ping::Config::new().with_interval(interval).with_timeout(interval);
        Self { ping: ping::Behaviour::new(config), interval, felt: BTreeSet::new(), changes: VecDeque::new() }
    }

    /// Feels these connections and no others. Returns those that were not felt before.
    pub(crate) fn feel(&mut self, wanted: BTreeSet<(PeerId, ConnectionId)>) -> Vec<(PeerId, ConnectionId)> {
        let begun: Vec<_> = wanted.difference(&self.felt).copied().collect();
        let ended = self.felt.difference(&wanted).map(|(peer, connection)| (*peer, *connection, false));
        self.changes.extend(ended.collect::<Vec<_>>());
        self.changes.extend(begun.iter().map(|(peer, connection)| (*peer, *connection, true)));
        self.felt = wanted;
        begun
    }

    /// How long a connection that is felt may be silent before it counts as dead.
    pub(crate) fn patience(&self) -> Duration {
        self.interval * 5 / 2
    }

    pub(crate) fn feels(&self, peer: PeerId, connection: ConnectionId) -> bool {
        self.felt.contains(&(peer, connection))
    }
}

impl NetworkBehaviour for Pulse {
    type ConnectionHandler = Handler;
    type ToSwarm = ping::Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        let ping = self.ping.handle_established_inbound_connection(connection, peer, local, remote)?;
        Ok(Handler { ping, felt: false })
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        let ping = self.ping.handle_established_outbound_connection(connection, peer, address, role, port)?;
        Ok(Handler { ping, felt: false })
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.ping.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.ping.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some((peer_id, connection, event)) = self.changes.pop_front() {
            return Poll::Ready(ToSwarm::NotifyHandler {
                peer_id,
                handler: NotifyHandler::One(connection),
                event,
            });
        }
        self.ping.poll(context).map(|event| event.map_in(|never| match never {}))
    }
}

/// Pings on one connection while it is felt.
pub(crate) struct Handler {
    ping: Ping,
    felt: bool,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = bool;
    type ToBehaviour = <Ping as ConnectionHandler>::ToBehaviour;
    type InboundProtocol = DeniedUpgrade;
    type OutboundProtocol = <Ping as ConnectionHandler>::OutboundProtocol;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<DeniedUpgrade> {
        SubstreamProtocol::new(DeniedUpgrade, ())
    }

    fn on_behaviour_event(&mut self, felt: bool) {
        self.felt = felt;
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        if self.felt { self.ping.poll(context) } else { Poll::Pending }
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, DeniedUpgrade, Self::OutboundProtocol>) {
        match event {
            ConnectionEvent::FullyNegotiatedOutbound(stream) => {
                self.ping.on_connection_event(ConnectionEvent::FullyNegotiatedOutbound(stream));
            }
            ConnectionEvent::DialUpgradeError(error) => {
                self.ping.on_connection_event(ConnectionEvent::DialUpgradeError(error));
            }
            _ => {}
        }
    }
}
