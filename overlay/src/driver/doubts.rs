//! Checks connections that may be dead at once, instead of at the next ping, up to 80 s later.
//!
//! It does so when an address of this host came or went, when a request has no answer for 3 s, and when a large own
//! broadcast has gone out, because a path that drops large packets gives no error. An idle node does none of this.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use libp2p::swarm::ConnectionId;
use nostrp2p_protocol::PeerId;

use super::Driver;
use crate::convert;

/// How long a request may be without an answer before its connection is in doubt.
pub(super) const DOUBT_AFTER: Duration = Duration::from_secs(3);
/// Ticks, one a second, that a connection in doubt has for an answer. With the above 10 s; a phone's radio wakes in 2.
const ANSWER_TICKS: u32 = 7;
/// Broadcasts that take more than one packet even at the smallest MTU of IPv6, in bytes.
const LARGE: usize = 1_000;

/// The connections in doubt, and for how many ticks; bounded by the number of connections.
#[derive(Debug, Default)]
pub(super) struct Doubts(BTreeMap<(PeerId, ConnectionId), u32>);

impl Doubts {
    /// The connections to be asked.
    pub(super) fn asked(&self) -> impl Iterator<Item = (PeerId, ConnectionId)> + '_ {
        self.0.keys().copied()
    }

    /// A connection has answered.
    pub(super) fn answered(&mut self, peer: PeerId, connection: ConnectionId) {
        self.0.remove(&(peer, connection));
    }

    pub(super) fn doubt(&mut self, peer: PeerId, connection: ConnectionId) {
        self.0.entry((peer, connection)).or_default();
    }

    /// A tick has passed. Returns those whose time is over.
    fn tick(&mut self, is_open: impl Fn(&PeerId, &ConnectionId) -> bool) -> Vec<(PeerId, ConnectionId)> {
        self.0.retain(|(peer, connection), _| is_open(peer, connection));
        self.0.values_mut().for_each(|ticks| *ticks += 1);
        let over = self.0.iter().filter(|(_, ticks)| **ticks > ANSWER_TICKS);
        let over: Vec<_> = over.map(|(connection, _)| *connection).collect();
        self.0.retain(|_, ticks| *ticks <= ANSWER_TICKS);
        over
    }
}

impl Driver {
    /// All connections are in doubt: an address of this host came or went.
    pub(super) fn doubt_all(&mut self) {
        for (peer, connected) in &self.peers {
            connected.connections.keys().for_each(|connection| self.doubts.doubt(*peer, *connection));
        }
    }

    /// The connections to these peers are in doubt.
    pub(super) fn doubt_peers(&mut self, peers: &BTreeSet<PeerId>) {
        for peer in peers {
            let connections = self.peers.get(peer).into_iter().flat_map(|peer| peer.connections.keys());
            connections.for_each(|connection| self.doubts.doubt(*peer, *connection));
        }
    }

    /// A broadcast of so many bytes has gone out.
    pub(super) fn doubt_large(&mut self, bytes: usize) {
        if bytes > LARGE {
            self.doubt_all();
        }
    }

    /// Closes those in doubt that have not answered; a peer that is still wanted is dialed again.
    pub(super) fn check_doubts(&mut self) {
        let peers = &self.peers;
        let is_open = |peer: &PeerId, connection: &ConnectionId| {
            peers.get(peer).is_some_and(|peer| peer.connections.contains_key(connection))
        };
        for (peer, connection) in self.doubts.tick(is_open) {
            tracing::debug!("{peer} has not answered for {ANSWER_TICKS} s; closing that connection.");
            self.swarm.close_connection(connection);
        }
    }

    /// The connections in doubt, as libp2p names them.
    pub(super) fn doubted(&self) -> impl Iterator<Item = (libp2p::PeerId, ConnectionId)> + '_ {
        self.doubts.asked().map(|(peer, connection)| (convert::libp2p_peer_id(peer), connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_does_not_answer_in_time_is_given_up_once() {
        let (peer, connection) = (PeerId::from_ed25519([1; 32]), ConnectionId::new_unchecked(1));
        let mut doubts = Doubts::default();
        doubts.doubt(peer, connection);
        for _ in 0..ANSWER_TICKS {
            assert_eq!(doubts.tick(|_, _| true), []);
            doubts.doubt(peer, connection);
        }
        assert_eq!(doubts.tick(|_, _| true), [(peer, connection)]);
        assert_eq!(doubts.tick(|_, _| true), []);
        doubts.doubt(peer, connection);
        doubts.answered(peer, connection);
        assert_eq!(doubts.asked().count(), 0);
        doubts.doubt(peer, connection);
        assert_eq!(doubts.tick(|_, _| false), [], "it was closed meanwhile");
        assert_eq!(doubts.asked().count(), 0);
    }
}
