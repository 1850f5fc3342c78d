//! The neighbours: the part that the rest of the node sees, and the part that the driver keeps.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use libp2p::swarm::ConnectionId;
use nostrp2p_protocol::PeerId;

use crate::{Topic, address::PeerAddress};

/// Most characters of an agent version that are kept.
const MAX_AGENT: usize = 64;

/// A node this one is connected to.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    /// Its peer id.
    pub id: PeerId,
    /// Its address as seen from here, a multiaddr. For inbound connections the port need not be one it listens on.
    pub address: String,
    /// The side that dialed.
    pub direction: Direction,
    /// How the bytes travel.
    pub path: ConnectionPath,
    /// Round trip time of the last ping, at most a minute old; `None` before the first.
    pub delay: Option<Duration>,
    /// The program and version it says it runs, at most 64 characters, none of them control characters.
    pub agent: String,
    /// Whether it takes public events.
    pub subscribed: bool,
    /// Its gossipsub score: 0 for a stranger, up to 30 for a good neighbour, below -80 it is thrown out.
    pub score: f64,
}

/// The side that dialed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The peer did.
    Inbound,
    /// This node did.
    Outbound,
}

/// How the bytes of a connection travel, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConnectionPath {
    /// From machine to machine: one of the two can be dialed.
    Direct,
    /// From machine to machine, through holes that both punched into their routers at the same moment.
    Punched,
    /// Through a third node, which sees only encrypted bytes.
    Relayed,
}

/// A connected peer as the driver knows it.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) since: Instant,
    /// `None` until the peer identified itself.
    pub(crate) agent: Option<String>,
    pub(crate) delay: Option<Duration>,
    pub(crate) topics: BTreeSet<Topic>,
    /// Why it is not one of ours, once that is known.
    pub(crate) fault: Option<String>,
    /// Whether the node has got `PeerConnected` for it.
    pub(crate) announced: bool,
    /// Whether it says that it relays for others.
    pub(crate) relays: bool,
    /// Whether its own addresses were dialed after it came over a relay.
    pub(crate) sought: bool,
    /// The second connection, until the peer answers on an earlier one.
    pub(crate) second: Option<Second>,
    /// Whether the node has got the event that it is connected twice.
    pub(crate) twice: bool,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) address: String,
    pub(crate) direction: Direction,
    pub(crate) path: ConnectionPath,
    pub(crate) since: Instant,
    /// Ticks since the last answer to a ping or question; `None` before the first. Not time: what this node itself has slept through
    /// is no silence of the peer.
    pub(crate) silence: Option<u32>,
    /// For a relay at which this node has a reservation: ticks since the last liveness check.
    pub(crate) asked: Option<u32>,
    /// The address under which we found it, when we dialed.
    pub(crate) dialed: Option<PeerAddress>,
}

/// A connection that came while an earlier one stood, and what has happened since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Second {
    pub(crate) connection: ConnectionId,
    /// Whether the peer has sent its subscriptions again.
    pub(crate) greets_again: bool,
    /// Whether an earlier connection has ended.
    pub(crate) lost_earlier: bool,
}

impl Connected {
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            connections: BTreeMap::new(),
            since: now,
            agent: None,
            fault: None,
            delay: None,
            topics: BTreeSet::new(),
            announced: false,
            relays: false,
            sought: false,
            second: None,
            twice: false,
        }
    }

    /// The best connection; among equals the oldest.
    pub(crate) fn best(&self) -> Option<&Connection> {
        self.connections.values().min_by_key(|connection| connection.path)
    }

    /// Whether there is a connection that needs no relay.
    pub(crate) fn is_direct(&self) -> bool {
        self.best().is_some_and(|connection| connection.path != ConnectionPath::Relayed)
    }

    /// The peer for the rest of the node. With several connections, the best speaks.
    pub(crate) fn describe(&self, id: PeerId, score: f64) -> Peer {
        let connection = self.best();
        Peer {
            id,
            address: connection.map(|connection| connection.address.clone()).unwrap_or_default(),
            direction: connection.map_or(Direction::Inbound, |connection| connection.direction),
            path: connection.map_or(ConnectionPath::Direct, |connection| connection.path),
            delay: self.delay,
            agent: self.agent.clone().unwrap_or_default(),
            subscribed: self.topics.contains(&Topic::Events),
            score,
        }
    }
}

/// Makes a peer's words about its program fit to be shown.
pub(crate) fn shown_agent(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(MAX_AGENT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_cannot_smuggle_much_through_its_agent() {
        assert_eq!(shown_agent("nostrp2p/0.1.0"), "nostrp2p/0.1.0");
        assert_eq!(shown_agent("a\u{1b}[31m\r\nb"), "a[31mb");
        assert_eq!(shown_agent(&"é".repeat(1000)).chars().count(), MAX_AGENT);
    }
}
