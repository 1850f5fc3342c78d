//! Checks at once, instead of at the next ping, whether a connection still carries data.
//!
//! It opens a stream for a protocol that nobody supports. The peer's refusal shows that the peer is there, and costs
//! what a ping does. A second ping stream would not do: a peer answers on the newest ping stream only, so the usual
//! ping, whose stream is older, would fail.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
    time::Duration,
};

use libp2p::{
    Multiaddr, PeerId, StreamProtocol,
    core::{
        Endpoint,
        transport::PortUse,
        upgrade::{DeniedUpgrade, ReadyUpgrade},
    },
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
        handler::{ConnectionEvent, DialUpgradeError},
    },
};

/// How often a relay at which this node holds a place is asked whether it is still there. Three of them cost 5 MB a
/// day; a guess.
pub(crate) const RELAY_INTERVAL: Duration = Duration::from_secs(12);
/// How long an answer may take. The caller closes the connection earlier or asks once more.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// A protocol that no peer supports.
const PROTOCOL: StreamProtocol = StreamProtocol::new("/nostrp2p/alive/1");

/// Asks on single connections.
pub(crate) struct Liveness {
    /// How often relays are asked.
    relay_interval: Duration,
    /// At most one for each connection and tick.
    asks: VecDeque<(PeerId, ConnectionId)>,
    answers: VecDeque<LivenessAnswer>,
}

/// The peer has answered on this connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LivenessAnswer {
    pub(crate) peer: PeerId,
    pub(crate) connection: ConnectionId,
}

impl Liveness {
    pub(crate) const fn new(relay_interval: Duration) -> Self {
        Self { relay_interval, asks: VecDeque::new(), answers: VecDeque::new() }
    }

    pub(crate) const fn relay_interval(&self) -> Duration {
        self.relay_interval
    }

    /// Asks on a connection, unless it is being asked. The next poll of the swarm sends it.
    pub(crate) fn ask(&mut self, peer: PeerId, connection: ConnectionId) {
        self.asks.push_back((peer, connection));
    }
}

impl NetworkBehaviour for Liveness {
    type ConnectionHandler = Handler;
    type ToSwarm = LivenessAnswer;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<Handler, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        (): THandlerOutEvent<Self>,
    ) {
        self.answers.push_back(LivenessAnswer { peer, connection });
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(answer) = self.answers.pop_front() {
            return Poll::Ready(ToSwarm::GenerateEvent(answer));
        }
        let Some((peer_id, connection)) = self.asks.pop_front() else { return Poll::Pending };
        let handler = NotifyHandler::One(connection);
        Poll::Ready(ToSwarm::NotifyHandler { peer_id, handler, event: () })
    }
}

/// The question on one connection.
#[derive(Debug, Default)]
pub(crate) enum Handler {
    #[default]
    Idle,
    ToAsk,
    Asked,
    Answered,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = ();
    type ToBehaviour = ();
    type InboundProtocol = DeniedUpgrade;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<DeniedUpgrade> {
        SubstreamProtocol::new(DeniedUpgrade, ())
    }

    fn on_behaviour_event(&mut self, (): ()) {
        if matches!(self, Self::Idle) {
            *self = Self::ToAsk;
        }
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        match self {
            Self::Idle | Self::Asked => Poll::Pending,
            Self::ToAsk => {
                *self = Self::Asked;
                let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ());
                let protocol = protocol.with_timeout(ANSWER_TIME);
                Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
            }
            Self::Answered => {
                *self = Self::Idle;
                Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(()))
            }
        }
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, DeniedUpgrade, Self::OutboundProtocol>) {
        match event {
            ConnectionEvent::FullyNegotiatedOutbound(_)
            | ConnectionEvent::DialUpgradeError(DialUpgradeError {
                error: StreamUpgradeError::NegotiationFailed,
                ..
            }) => *self = Self::Answered,
            ConnectionEvent::DialUpgradeError(_) => *self = Self::Idle,
            _ => {}
        }
    }
}
