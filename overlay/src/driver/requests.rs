//! Requests to other nodes and from them: each is answered once, and all tables are bounded.
//!
//! A request to a node that is not connected waits while that node is dialed. Requests of others are offered to the
//! node as events; libp2p ends those that it does not answer in time.

use std::{
    collections::BTreeMap,
    io,
    time::{Duration, Instant},
};

use libp2p::request_response::{
    InboundFailure, Message, OutboundFailure, OutboundRequestId, ResponseChannel,
};
use nostrp2p_protocol::PeerId;

use super::{Driver, answer, doubts::DOUBT_AFTER};
use crate::{
    OverlayEvent, Protocol, RequestError, RequestRef, convert,
    dialer::WANTED_PEERS,
    handle::{Question, QuestionReply},
    request,
};

/// Own requests without an answer yet, with all peers together. With the largest requests 32 MB.
const MAX_ASKED: usize = 128;

/// Requests of others without an answer yet. With the largest requests 32 MB.
const MAX_SERVED: usize = 128;

/// Connections opened only for requests, half of the outbound ones: the outbox of a busy owner must not keep this node
/// from having neighbours.
const MAX_VISITS: usize = 24;

/// Peers that are dialed at a time because of requests. libp2p bears 10 circuits that begin over one relay.
const MAX_DIALED: usize = 6;

/// How often a peer behind a relay is dialed for the same requests, a second apart: the relay, or the peer, may have
/// had too much to do.
const TRIES: u32 = 3;

/// How long such a connection stays without a request in either direction.
const VISIT_TIME: Duration = Duration::from_secs(60);

/// A request that was sent.
struct Asked {
    peer: PeerId,
    reply: QuestionReply,
    sent: Instant,
    /// Whether its connection was in doubt because of it.
    doubted: bool,
}

/// All requests under way.
#[derive(Default)]
pub(super) struct Requests {
    /// Those whose peer is being dialed.
    waiting: BTreeMap<PeerId, Vec<Question>>,
    /// How often those peers could not be dialed.
    tries: BTreeMap<PeerId, u32>,
    /// Sent requests. One that the asker has given up stays until libp2p has ended it, because it occupies a stream.
    asked: BTreeMap<(Protocol, OutboundRequestId), Asked>,
    /// Those of others.
    served: BTreeMap<RequestRef, (PeerId, ResponseChannel<Vec<u8>>)>,
    visits: TransientConnections,
}

impl Requests {
    /// Whether some request waits for a connection to this peer.
    pub(super) fn waits_for(&self, peer: &PeerId) -> bool {
        self.waiting.contains_key(peer)
    }

    /// Forgets what nobody waits for any more.
    pub(super) fn forget_abandoned(&mut self) {
        self.waiting.retain(|_, questions| {
            questions.retain(|question| !question.reply.is_closed());
            !questions.is_empty()
        });
        self.tries.retain(|peer, _| self.waiting.contains_key(peer));
    }

    fn may_ask(&self, peer: PeerId, protocol: Protocol) -> bool {
        let waiting =
            || self.waiting.iter().flat_map(|(peer, all)| all.iter().map(|it| (*peer, it.protocol)));
        let asked = || self.asked.iter().map(|((protocol, _), asked)| (asked.peer, *protocol));
        let same = waiting().chain(asked()).filter(|it| *it == (peer, protocol)).count();
        waiting().count() + self.asked.len() < MAX_ASKED && same < protocol.max_asked()
    }

    fn may_serve(&self, peer: PeerId, protocol: Protocol) -> bool {
        let theirs = |(request, (from, _)): &(&RequestRef, &(PeerId, _))| {
            request.protocol == protocol && *from == peer
        };
        self.served.len() < MAX_SERVED && self.served.iter().filter(theirs).count() < protocol.max_served()
    }

    fn is_in_use(&self, peer: &PeerId) -> bool {
        self.asked.values().any(|asked| asked.peer == *peer)
            || self.served.values().any(|(from, _)| from == peer)
    }
}

/// The peers that are connected only for requests, and when they were needed last.
#[derive(Debug, Default)]
struct TransientConnections(BTreeMap<PeerId, Instant>);

impl TransientConnections {
    fn touch(&mut self, peer: &PeerId, now: Instant) {
        if let Some(used) = self.0.get_mut(peer) {
            *used = now;
        }
    }

    /// The one that was not needed for the longest time, except those in use.
    fn idlest(&self, in_use: impl Fn(&PeerId) -> bool) -> Option<PeerId> {
        let idle = self.0.iter().filter(|(peer, _)| !in_use(peer));
        idle.min_by_key(|(_, used)| **used).map(|(peer, _)| *peer)
    }

    fn over(&self, now: Instant, in_use: impl Fn(&PeerId) -> bool) -> Vec<PeerId> {
        let over = |used: &Instant| now.saturating_duration_since(*used) >= VISIT_TIME;
        let over = self.0.iter().filter(|(peer, used)| over(used) && !in_use(peer));
        over.map(|(peer, _)| *peer).collect()
    }
}

impl Driver {
    /// Sends a request, or dials first. What cannot be is answered at once.
    pub(super) fn request(&mut self, peer: PeerId, question: Question) {
        self.requests.forget_abandoned();
        if !self.requests.may_ask(peer, question.protocol) {
            return answer(question.reply, Err(RequestError::Busy));
        }
        if self.peers.contains_key(&peer) {
            return self.send(peer, question);
        }
        if convert::libp2p_peer_id(peer) == *self.swarm.local_peer_id() {
            return answer(question.reply, unreachable("that is this node itself"));
        }
        if self.known.addresses(&peer).is_empty() {
            return answer(question.reply, unreachable("no address of it is known"));
        }
        if !self.requests.waits_for(&peer) && !self.has_room_for_a_visit() {
            return answer(question.reply, Err(RequestError::Busy));
        }
        self.requests.waiting.entry(peer).or_default().push(question);
        self.dial_waiting(Instant::now());
    }

    /// Dials those for whom requests wait, as far as there is room.
    pub(super) fn dial_waiting(&mut self, now: Instant) {
        let waiting: Vec<_> = self.requests.waiting.keys().copied().collect();
        for peer in waiting {
            if self.dials_under_way() < MAX_DIALED {
                self.dial_known(peer, now);
            }
        }
    }

    /// Whether requests that wait for a peer are worth another dial, which comes with the next tick.
    pub(super) fn may_try_again(&mut self, peer: &PeerId) -> bool {
        let tries = self.requests.tries.entry(*peer).or_default();
        *tries += 1;
        *tries < TRIES && self.requests.waits_for(peer)
    }

    /// Puts connections in doubt whose requests have waited for long.
    pub(super) fn doubt_unanswered(&mut self, now: Instant) {
        let waiting = self.requests.asked.values_mut().filter(|asked| !asked.doubted);
        let late = waiting.filter(|asked| now.saturating_duration_since(asked.sent) >= DOUBT_AFTER);
        let peers = late
            .map(|asked| {
                asked.doubted = true;
                asked.peer
            })
            .collect();
        self.doubt_peers(&peers);
    }

    fn send(&mut self, peer: PeerId, question: Question) {
        let Question { protocol, payload, reply } = question;
        let id = self.requesting(protocol).send_request(&convert::libp2p_peer_id(peer), payload);
        let now = Instant::now();
        self.requests.asked.insert((protocol, id), Asked { peer, reply, sent: now, doubted: false });
        self.requests.visits.touch(&peer, now);
        self.stats.requests_sent += 1;
    }

    fn requesting(&mut self, protocol: Protocol) -> &mut request::Behaviour {
        let behaviour = self.swarm.behaviour_mut();
        match protocol {
            Protocol::Deliver => &mut behaviour.deliver,
            Protocol::Fetch => &mut behaviour.fetch,
            Protocol::Sync => &mut behaviour.sync,
        }
    }

    /// Notes that a connection to a peer is there that was dialed for a request. With few neighbours it stays.
    pub(super) fn begin_visit(&mut self, peer: PeerId) {
        if self.peers.len() >= WANTED_PEERS && self.requests.waits_for(&peer) && !self.homes.keeps(&peer) {
            self.requests.visits.0.insert(peer, Instant::now());
        }
    }

    /// Notes that a peer is connected for something else than requests right now.
    pub(super) fn requests_touch(&mut self, peer: &PeerId, now: Instant) {
        self.requests.visits.touch(peer, now);
    }

    pub(super) fn end_visit(&mut self, peer: &PeerId) {
        self.requests.visits.0.remove(peer);
    }

    /// Sends what waited for this peer.
    pub(super) fn send_waiting(&mut self, peer: PeerId) {
        self.requests.tries.remove(&peer);
        for question in self.requests.waiting.remove(&peer).unwrap_or_default() {
            if !question.reply.is_closed() {
                self.send(peer, question);
            }
        }
    }

    /// Gives up what waited for this peer.
    pub(super) fn fail_waiting(&mut self, peer: &PeerId, reason: &str) {
        self.requests.tries.remove(peer);
        for question in self.requests.waiting.remove(peer).unwrap_or_default() {
            answer(question.reply, unreachable(reason));
        }
    }

    /// Makes room by ending the visit that is idle for the longest time, if need be.
    fn has_room_for_a_visit(&mut self) -> bool {
        if self.requests.visits.0.len() + self.requests.waiting.len() < MAX_VISITS {
            return true;
        }
        let Some(idle) = self.requests.visits.idlest(|peer| self.requests.is_in_use(peer)) else {
            return false;
        };
        self.end_visit(&idle);
        self.disconnect(convert::libp2p_peer_id(idle));
        true
    }

    /// Hangs up on those that were connected for a request only, a while after the last one.
    pub(super) fn end_visits(&mut self, now: Instant) {
        for peer in self.requests.visits.over(now, |peer| self.requests.is_in_use(peer)) {
            self.end_visit(&peer);
            if self.peers.len() > WANTED_PEERS {
                tracing::debug!("Nothing more to ask {peer}; hanging up.");
                self.disconnect(convert::libp2p_peer_id(peer));
            }
        }
    }

    pub(super) fn on_request_event(&mut self, protocol: Protocol, event: request::Event) {
        match event {
            request::Event::Message {
                peer,
                message: Message::Request { request_id, request, channel },
                ..
            } => {
                self.on_request(RequestRef { protocol, id: request_id }, &peer, request, channel);
            }
            request::Event::Message { message: Message::Response { request_id, response }, .. } => {
                self.stats.requests_answered += 1;
                self.on_answer(protocol, request_id, Ok(response));
            }
            request::Event::OutboundFailure { request_id, error, .. } => {
                self.on_answer(protocol, request_id, Err(failure(&error, protocol)));
            }
            request::Event::InboundFailure { peer, request_id, error, .. } => {
                if !matches!(error, InboundFailure::ResponseOmission) {
                    tracing::debug!("A request of {peer} ({}) was not answered: {error}", protocol.name());
                }
                self.requests.served.remove(&RequestRef { protocol, id: request_id });
            }
            request::Event::ResponseSent { .. } => {}
        }
    }

    fn on_answer(
        &mut self,
        protocol: Protocol,
        id: OutboundRequestId,
        result: Result<Vec<u8>, RequestError>,
    ) {
        if let Some(Asked { peer, reply, .. }) = self.requests.asked.remove(&(protocol, id)) {
            self.requests.visits.touch(&peer, Instant::now());
            answer(reply, result);
        }
    }

    /// Offers a request to the node. To drop the channel is to refuse.
    fn on_request(
        &mut self,
        request: RequestRef,
        from: &libp2p::PeerId,
        payload: Vec<u8>,
        channel: ResponseChannel<Vec<u8>>,
    ) {
        // The gate lets nobody in without such an id.
        let Some(from) = convert::peer_id(from) else {
            return;
        };
        self.stats.requests_received += 1;
        self.requests.visits.touch(&from, Instant::now());
        let protocol = request.protocol;
        let event = OverlayEvent::Request { request: request.clone(), from, protocol, payload };
        if self.requests.may_serve(from, protocol) && self.event_queue.message(event) {
            self.requests.served.insert(request, (from, channel));
        } else {
            self.stats.requests_refused += 1;
        }
    }

    /// Answers a request, or refuses it.
    pub(super) fn respond(&mut self, request: &RequestRef, payload: Option<Vec<u8>>) {
        let Some((peer, channel)) = self.requests.served.remove(request) else {
            return tracing::debug!("An answer came too late, or a second time.");
        };
        let Some(payload) = payload else {
            self.stats.requests_refused += 1;
            return;
        };
        if self.requesting(request.protocol).send_response(channel, payload).is_err() {
            tracing::debug!("{peer} does not wait for the answer any more.");
        }
    }
}

fn unreachable(reason: &str) -> Result<Vec<u8>, RequestError> {
    Err(RequestError::Unreachable { reason: reason.to_owned() })
}

fn failure(error: &OutboundFailure, protocol: Protocol) -> RequestError {
    match error {
        OutboundFailure::Timeout => RequestError::Timeout,
        OutboundFailure::UnsupportedProtocols => RequestError::Unsupported,
        OutboundFailure::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => RequestError::Refused,
        OutboundFailure::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            RequestError::AnswerTooLarge { limit: protocol.max_response() }
        }
        // It was connected when the request was sent, so no dial has failed: the connection was lost meanwhile.
        OutboundFailure::Io(_) | OutboundFailure::ConnectionClosed | OutboundFailure::DialFailure => {
            RequestError::Closed
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn peer(n: u8) -> PeerId {
        PeerId::from_ed25519([n; 32])
    }

    fn ask(
        requests: &mut Requests,
        peer: PeerId,
        protocol: Protocol,
    ) -> oneshot::Receiver<impl Sized + use<>> {
        let (reply, receiver) = oneshot::channel();
        let question = Question { protocol, payload: Vec::new(), reply };
        requests.waiting.entry(peer).or_default().push(question);
        receiver
    }

    #[test]
    fn requests_are_bounded_per_peer_and_protocol_and_what_was_given_up_makes_room() {
        let mut requests = Requests::default();
        let mut receivers = Vec::new();
        while requests.may_ask(peer(1), Protocol::Deliver) {
            receivers.push(ask(&mut requests, peer(1), Protocol::Deliver));
        }
        assert_eq!(receivers.len(), Protocol::Deliver.max_asked());
        assert!(requests.may_ask(peer(1), Protocol::Fetch) && requests.may_ask(peer(2), Protocol::Deliver));
        receivers.pop();
        requests.forget_abandoned();
        assert!(requests.may_ask(peer(1), Protocol::Deliver));
        receivers.clear();
        requests.forget_abandoned();
        assert!(!requests.waits_for(&peer(1)));
    }

    #[test]
    fn requests_to_all_peers_together_are_bounded() {
        let mut requests = Requests::default();
        let mut receivers = Vec::new();
        for n in 0..=u8::MAX {
            if requests.may_ask(peer(n), Protocol::Sync) {
                receivers.push(ask(&mut requests, peer(n), Protocol::Sync));
            }
        }
        assert_eq!(receivers.len(), MAX_ASKED);
    }

    #[test]
    fn a_visit_ends_when_nothing_was_asked_for_a_while() {
        let start = Instant::now();
        let mut visits = TransientConnections(BTreeMap::from([(peer(1), start), (peer(2), start)]));
        let nobody = |_: &PeerId| false;
        assert_eq!(visits.over(start + VISIT_TIME / 2, nobody), []);
        visits.touch(&peer(1), start + VISIT_TIME / 2);
        visits.touch(&peer(3), start);
        assert_eq!(visits.idlest(nobody), Some(peer(2)));
        assert_eq!(visits.idlest(|it| *it == peer(2)), Some(peer(1)), "not one in use");
        assert_eq!(visits.over(start + VISIT_TIME, nobody), [peer(2)]);
        assert_eq!(visits.over(start + VISIT_TIME, |it| *it == peer(2)), []);
        assert_eq!(visits.0.len(), 2, "only those that were begun");
    }
}
