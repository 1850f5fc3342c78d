//! A second connection of a peer while an earlier one stands.
//!
//! There are three causes. The peer may have lost power and be back, while nothing has told this node that the
//! earlier connection is dead; gossipsub tells a peer the own subscriptions on its first connection only, so a peer
//! that is back would never learn them and would broadcast nothing to this node. Or two programs run with one key. Or
//! one program has dialed twice.
//!
//! So the driver checks the earlier connections at once. When the peer is back, the earlier connection ends and the
//! peer gets the subscriptions again; two programs answer on both.

use libp2p::swarm::ConnectionId;
use nostrp2p_protocol::PeerId;

use super::Driver;
use crate::{
    OverlayEvent, convert,
    peer::{Connected, ConnectionPath, Direction, Second},
};

impl Connected {
    /// Notes a new connection; returns the earlier ones that are to be asked. Not those over a relay, which a direct one
    /// replaces as a matter of course.
    pub(crate) fn note_second(&mut self, new: ConnectionId) -> Vec<ConnectionId> {
        let is_direct = |id: &ConnectionId| {
            self.connections.get(id).is_some_and(|connection| connection.path != ConnectionPath::Relayed)
        };
        let inbound = self.connections.get(&new).is_some_and(|new| new.direction == Direction::Inbound);
        if !inbound || !is_direct(&new) {
            return vec![];
        }
        let earlier: Vec<_> =
            self.connections.keys().filter(|id| **id != new && is_direct(id)).copied().collect();
        if !earlier.is_empty() {
            self.second = Some(Second { connection: new, greets_again: false, lost_earlier: false });
        }
        earlier
    }

    /// The peer has answered on this connection; returns whether that shows for the first time that both stand.
    pub(crate) fn note_answer(&mut self, on: ConnectionId) -> bool {
        if self.second.is_none_or(|second| second.connection == on) {
            return false;
        }
        self.second = None;
        !std::mem::replace(&mut self.twice, true)
    }

    /// The peer has sent its subscriptions again, which gossipsub does when it knows of no connection. Returns
    /// whether it is back.
    pub(crate) fn note_greeting(&mut self) -> bool {
        self.second.as_mut().is_some_and(|second| {
            second.greets_again = true;
            second.is_back()
        })
    }

    /// A connection is closed while another stands; returns whether the peer is back. A connection that either side closed on
    /// purpose, as it happens when both dial at once, says nothing of that by itself.
    pub(crate) fn note_closed(&mut self, closed: ConnectionId) -> bool {
        if self.second.take_if(|second| second.connection == closed).is_some() {
            return false;
        }
        self.second.as_mut().is_some_and(|second| {
            second.lost_earlier = true;
            second.is_back()
        })
    }
}

impl Second {
    const fn is_back(&self) -> bool {
        self.greets_again && self.lost_earlier
    }
}

impl Driver {
    /// The peer has connected once more.
    pub(super) fn on_second(&mut self, peer: PeerId, connection: ConnectionId) {
        let earlier = self.peers.get_mut(&peer).map(|connected| connected.note_second(connection));
        for connection in earlier.unwrap_or_default() {
            self.doubts.doubt(peer, connection);
        }
    }

    /// The peer has answered on one of its connections.
    pub(super) fn on_answered(&mut self, peer: PeerId, connection: ConnectionId) {
        self.doubts.answered(peer, connection);
        if self.peers.get_mut(&peer).is_some_and(|connected| connected.note_answer(connection)) {
            self.event_queue.notice(OverlayEvent::PeerConnectedTwice(peer));
        }
    }

    /// The peer has sent its subscriptions again.
    pub(super) fn on_greeting(&mut self, peer: PeerId) {
        if self.peers.get_mut(&peer).is_some_and(Connected::note_greeting) {
            self.let_it_join_anew(peer);
        }
    }

    /// One of several connections is closed.
    pub(super) fn on_one_closed(&mut self, peer: PeerId, connection: ConnectionId) {
        if self.peers.get_mut(&peer).is_some_and(|connected| connected.note_closed(connection)) {
            self.let_it_join_anew(peer);
        }
    }

    fn let_it_join_anew(&mut self, peer: PeerId) {
        tracing::debug!("{peer} is back after it had gone in silence; hanging up, so that it connects anew.");
        self.disconnect(convert::libp2p_peer_id(peer));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::peer::Connection;

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    /// A peer with an outbound connection 1 and these further ones, noted as they come.
    fn with(more: &[(usize, Direction, ConnectionPath)]) -> (Connected, Vec<ConnectionId>) {
        let mut connected = Connected::new(Instant::now());
        let mut asked = vec![];
        for (number, direction, path) in [&[(1, Direction::Outbound, ConnectionPath::Direct)], more].concat()
        {
            let (address, since) = (String::new(), Instant::now());
            let connection =
                Connection { address, direction, path, since, silence: None, asked: None, dialed: None };
            connected.connections.insert(id(number), connection);
            asked.extend(connected.note_second(id(number)));
        }
        (connected, asked)
    }

    #[test]
    fn a_peer_that_is_back_is_greeted_anew_and_one_that_answers_on_both_is_told_once() {
        let (mut back, asked) = with(&[(2, Direction::Inbound, ConnectionPath::Direct)]);
        assert_eq!(asked, [id(1)]);
        assert!(!back.note_answer(id(2)), "the new one says nothing of the earlier one");
        assert!(!back.note_greeting(), "the earlier connection may stand");
        assert!(back.note_closed(id(1)));
        let (mut reset, _) = with(&[(2, Direction::Inbound, ConnectionPath::Direct)]);
        assert!(!reset.note_closed(id(1)), "both may have dialed at once");
        assert!(reset.note_greeting());
        let (mut both, _) = with(&[(2, Direction::Inbound, ConnectionPath::Direct)]);
        assert!(both.note_answer(id(1)));
        assert!(!both.note_greeting() && !both.note_closed(id(1)), "it was greeted");
        both.note_second(id(2));
        assert!(!both.note_answer(id(1)), "told already");
        let (mut gone, _) = with(&[(2, Direction::Inbound, ConnectionPath::Direct)]);
        gone.note_greeting();
        assert!(!gone.note_closed(id(2)));
    }

    #[test]
    fn what_this_node_dials_and_what_comes_beside_a_relay_asks_nothing() {
        assert_eq!(with(&[(2, Direction::Outbound, ConnectionPath::Direct)]).1, []);
        assert_eq!(with(&[(2, Direction::Inbound, ConnectionPath::Relayed)]).1, []);
        let (mut relayed, _) = with(&[]);
        relayed.connections.get_mut(&id(1)).unwrap().path = ConnectionPath::Relayed;
        let direct = Connection {
            direction: Direction::Inbound,
            path: ConnectionPath::Punched,
            ..with(&[]).0.connections.remove(&id(1)).unwrap()
        };
        relayed.connections.insert(id(2), direct);
        assert_eq!(relayed.note_second(id(2)), []);
    }
}
