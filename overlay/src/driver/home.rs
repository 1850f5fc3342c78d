//! Tunnel streams: opened on existing connections, and handed to the node when others open them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use nostrp2p_protocol::PeerId;
use tokio::sync::{mpsc, oneshot};

use super::{Driver, answer};
use crate::{
    RequestError, convert,
    handle::MAX_KEPT,
    home::{self, HomeStream, HomeVisit, Negotiated, StreamGuard},
};

/// Streams of one helper that a node at home takes: a person's devices, and some that are dying.
const MAX_PER_PEER: usize = 16;
/// Streams of all helpers that are taken; each may hold 64 KiB in each direction, and the window of the connection.
const MAX_TAKEN: usize = 48;
/// Streams to nodes at home that are being opened.
const MAX_OPENING: usize = 64;

/// To whom a stream is handed.
pub(crate) type Reply = oneshot::Sender<Result<HomeStream, RequestError>>;

/// All streams under way.
#[derive(Default)]
pub(super) struct Homes {
    /// The receiver of streams that others open; without one they are dropped.
    taker: Option<mpsc::Sender<HomeVisit>>,
    /// How many each peer has opened.
    taken: BTreeMap<PeerId, StreamGuard>,
    opening: BTreeMap<u64, (PeerId, Reply)>,
    last: u64,
    kept: BTreeSet<PeerId>,
}

impl Homes {
    /// Whether the connection to this peer is to stay although nobody asks anything over it.
    pub(super) fn keeps(&self, peer: &PeerId) -> bool {
        self.kept.contains(peer)
    }

    /// A place for one more stream of this peer, if there is room.
    fn place(&mut self, peer: PeerId) -> Option<StreamGuard> {
        self.taken.retain(|_, place| place.held() > 0);
        let all: usize = self.taken.values().map(StreamGuard::held).sum();
        let place = self.taken.entry(peer).or_default();
        (place.held() < MAX_PER_PEER && all < MAX_TAKEN).then(|| place.clone())
    }
}

impl Driver {
    pub(super) fn accept_homes(&mut self, taker: mpsc::Sender<HomeVisit>) {
        self.homes.taker = Some(taker);
    }

    pub(super) fn keep(&mut self, peers: Vec<PeerId>) {
        for peer in &peers {
            // It is more than a visit from now on.
            self.end_visit(peer);
        }
        self.homes.kept = peers.into_iter().take(MAX_KEPT).collect();
    }

    /// Opens a stream, only on a connection that is there: what a browser asks for must not make this node dial.
    pub(super) fn open_home(&mut self, peer: PeerId, reply: Reply) {
        self.homes.opening.retain(|_, (_, reply)| !reply.is_closed());
        if !self.peers.contains_key(&peer) {
            let reason = "it is not connected".to_owned();
            return answer(reply, Err(RequestError::Unreachable { reason }));
        }
        if self.homes.opening.len() >= MAX_OPENING {
            return answer(reply, Err(RequestError::Busy));
        }
        self.homes.last = self.homes.last.wrapping_add(1);
        self.homes.opening.insert(self.homes.last, (peer, reply));
        self.swarm.behaviour_mut().home.open(convert::libp2p_peer_id(peer), self.homes.last);
    }

    /// The last connection to a peer is gone, and with it what was being opened.
    pub(super) fn fail_homes(&mut self, peer: PeerId) {
        for (_, (_, reply)) in self.homes.opening.extract_if(.., |_, (other, _)| *other == peer) {
            answer(reply, Err(RequestError::Closed));
        }
    }

    pub(super) fn on_home(&mut self, event: home::Event) {
        match event {
            home::Event::Opened { number, result } => {
                if let Some((_, reply)) = self.homes.opening.remove(&number) {
                    answer(reply, result.map(|stream| HomeStream::new(stream, StreamGuard::default())));
                }
            }
            home::Event::Came { peer, stream } => self.on_home_visit(peer, stream),
        }
    }

    fn on_home_visit(&mut self, peer: libp2p::PeerId, stream: Negotiated) {
        // The gate lets nobody in without such an id.
        let Some(from) = convert::peer_id(&peer) else { return };
        let (Some(taker), Some(place)) = (self.homes.taker.clone(), self.homes.place(from)) else {
            return tracing::debug!("{from} opened a stream home, and there is no room for it.");
        };
        self.requests_touch(&from, Instant::now());
        if taker.try_send(HomeVisit { from, stream: HomeStream::new(stream, place) }).is_err() {
            tracing::debug!("{from} opened a stream home, and nobody took it.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_per_peer_and_in_all_and_come_back() {
        let mut homes = Homes::default();
        let peer = |n: u8| PeerId::from_ed25519([n; 32]);
        let mut held: Vec<StreamGuard> = std::iter::from_fn(|| homes.place(peer(1))).collect();
        assert_eq!(held.len(), MAX_PER_PEER);
        for n in 2..20 {
            held.extend(std::iter::from_fn(|| homes.place(peer(n))));
        }
        assert_eq!(held.len(), MAX_TAKEN);
        held.clear();
        assert!(homes.place(peer(1)).is_some());
    }
}
