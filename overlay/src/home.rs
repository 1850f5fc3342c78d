//! Tunnel streams between a helper and a node behind a router: `/nostrp2p/home/1`. See `PROTOCOL.md`, The way home.
//!
//! One stream carries one client's conversation, of which this module sees frames of ciphertext. The node decides who
//! may open a stream, and how many bytes it may carry. This is an own behaviour, because `libp2p-stream` is an alpha
//! that keeps a sender for each connection that ever existed, and drops what comes while one stream waits.

mod stream;

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId, StreamProtocol,
    core::{Endpoint, InboundUpgrade, OutboundUpgrade, UpgradeInfo, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
        NetworkBehaviour, NotifyHandler, Stream, StreamUpgradeError, SubstreamProtocol, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

pub(crate) use self::stream::StreamGuard;
pub use self::stream::{HomeReader, HomeStream, HomeWriter, MAX_HOME_FRAME};
use crate::RequestError;

/// On a stream of the second version the node at home says by an empty frame that the client has signed in. Both sides
/// speak the first with older nodes.
const VERSIONS: [StreamProtocol; 2] =
    [StreamProtocol::new("/nostrp2p/home/2"), StreamProtocol::new("/nostrp2p/home/1")];

/// Streams that one connection has brought and that were not looked at yet. The rest is dropped.
const MAX_WAITING: usize = 8;

/// A stream that somebody opened to this node.
#[derive(Debug)]
pub struct HomeVisit {
    /// The peer that opened it; the connection proves its id.
    pub from: nostrp2p_protocol::PeerId,
    /// The stream.
    pub stream: HomeStream,
}

/// A stream, and whether it is of the second version.
#[derive(Debug)]
pub(crate) struct Negotiated {
    pub(crate) stream: Stream,
    pub(crate) tells_login: bool,
}

/// Agrees on one of [`VERSIONS`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Versions;

impl UpgradeInfo for Versions {
    type Info = StreamProtocol;
    type InfoIter = [StreamProtocol; 2];

    fn protocol_info(&self) -> Self::InfoIter {
        VERSIONS
    }
}

impl InboundUpgrade<Stream> for Versions {
    type Output = Negotiated;
    type Error = Infallible;
    type Future = Ready<Result<Negotiated, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, version: StreamProtocol) -> Self::Future {
        ready(Ok(Negotiated { stream, tells_login: version == VERSIONS[0] }))
    }
}

impl OutboundUpgrade<Stream> for Versions {
    type Output = Negotiated;
    type Error = Infallible;
    type Future = Ready<Result<Negotiated, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, version: StreamProtocol) -> Self::Future {
        self.upgrade_inbound(stream, version)
    }
}

/// Events of the behaviour.
#[derive(Debug)]
pub(crate) enum Event {
    /// A peer has opened a stream.
    Came { peer: PeerId, stream: Negotiated },
    /// A stream that was asked for by this number is there, or will not be.
    Opened { number: u64, result: Result<Negotiated, RequestError> },
}

/// Opens streams on connections that are there, and takes those that peers open.
#[derive(Default)]
pub(crate) struct Behaviour {
    actions: VecDeque<ToSwarm<Event, u64>>,
}

impl Behaviour {
    /// Opens a stream to a peer that is connected. The answer comes as [`Event::Opened`], unless the connection is
    /// lost meanwhile.
    pub(crate) fn open(&mut self, peer: PeerId, number: u64) {
        let (peer_id, handler, event) = (peer, NotifyHandler::Any, number);
        self.actions.push_back(ToSwarm::NotifyHandler { peer_id, handler, event });
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, peer: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        self.actions.push_back(ToSwarm::GenerateEvent(match event {
            Told::Came(stream) => Event::Came { peer, stream },
            Told::Opened(number, result) => Event::Opened { number, result },
        }));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// Events of a connection's handler.
#[derive(Debug)]
pub(crate) enum Told {
    Came(Negotiated),
    Opened(u64, Result<Negotiated, RequestError>),
}

/// One connection.
#[derive(Default)]
pub(crate) struct Handler {
    wanted: VecDeque<u64>,
    told: VecDeque<Told>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = u64;
    type ToBehaviour = Told;
    type InboundProtocol = Versions;
    type OutboundProtocol = Versions;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = u64;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(Versions, ())
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, u64, Self::ToBehaviour>> {
        if let Some(told) = self.told.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(told));
        }
        match self.wanted.pop_front() {
            Some(number) => Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: SubstreamProtocol::new(Versions, number),
            }),
            None => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, number: u64) {
        self.wanted.push_back(number);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol, (), u64>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol: stream, .. })
                if self.told.len() < MAX_WAITING =>
            {
                self.told.push_back(Told::Came(stream));
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                info: number,
            }) => self.told.push_back(Told::Opened(number, Ok(stream))),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: number, error }) => {
                self.told.push_back(Told::Opened(number, Err(failure(error))));
            }
            _ => {}
        }
    }
}

fn failure(error: StreamUpgradeError<Infallible>) -> RequestError {
    match error {
        StreamUpgradeError::Timeout => RequestError::Timeout,
        StreamUpgradeError::NegotiationFailed => RequestError::Unsupported,
        StreamUpgradeError::Io(_) => RequestError::Closed,
        StreamUpgradeError::Apply(never) => match never {},
    }
}
