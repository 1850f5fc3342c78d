//! Broadcasts: sent, received, and their validation results.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use libp2p::gossipsub::{self, MessageId, PublishError, TopicHash};

use super::Driver;
use crate::{BroadcastError, MessageAcceptance, MessageRef, OverlayEvent, Sent, Topic, convert, gossip};

/// Posts kept for the first neighbour: what a person writes in a minute, and some.
const MAX_HELD: usize = 64;

/// How long they are kept: a start or a change of network takes seconds, for longer gaps there is catching up.
const HOLD_TIME: Duration = Duration::from_secs(60);

/// Own posts that nobody was there to take.
#[derive(Default)]
pub(super) struct Held(VecDeque<(Instant, Topic, Vec<u8>)>);

impl Held {
    fn keep(&mut self, topic: Topic, payload: Vec<u8>, now: Instant) {
        if self.0.iter().any(|(_, on, held)| *on == topic && *held == payload) {
            return;
        }
        if self.0.len() == MAX_HELD {
            self.0.pop_front();
        }
        self.0.push_back((now, topic, payload));
    }

    pub(super) fn expire(&mut self, now: Instant) {
        self.0.retain(|(since, ..)| now.saturating_duration_since(*since) < HOLD_TIME);
    }
}

impl Driver {
    pub(super) fn broadcast(&mut self, topic: Topic, payload: Vec<u8>) -> Result<Sent, BroadcastError> {
        let size = payload.len();
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        let peers = gossip::subscribers(gossip, topic);
        match gossip.publish(topic.hash(), payload.clone()) {
            Ok(_) => {
                self.stats.sent += 1;
                self.stats.sent_bytes += u64::try_from(size).unwrap_or(u64::MAX);
                self.doubt_large(size);
                Ok(Sent { peers, repeated: false })
            }
            Err(PublishError::Duplicate) => Ok(Sent { peers: 0, repeated: true }),
            Err(PublishError::NoPeersSubscribedToTopic) => {
                self.held.keep(topic, payload, Instant::now());
                Ok(Sent { peers: 0, repeated: false })
            }
            Err(PublishError::MessageTooLarge) => {
                Err(BroadcastError::TooLarge { size, limit: topic.max_payload() })
            }
            Err(PublishError::AllQueuesFull(_)) => Err(BroadcastError::Busy),
            Err(error @ (PublishError::SigningError(_) | PublishError::TransformFailed(_))) => {
                // Anonymous messages are not signed, and there is no transform.
                tracing::error!("A broadcast failed in a way that cannot be: {error}");
                Err(BroadcastError::Busy)
            }
        }
    }

    /// Sends what was held, now that somebody is there.
    pub(super) fn broadcast_held(&mut self) {
        for (_, topic, payload) in std::mem::take(&mut self.held.0) {
            if let Err(error) = self.broadcast(topic, payload) {
                tracing::debug!("A post that had waited was not sent: {error}");
            }
        }
    }

    pub(super) fn report(&mut self, message: &MessageRef, verdict: MessageAcceptance) {
        let from = convert::libp2p_peer_id(message.from);
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if !gossip.report_message_validation_result(&MessageId::new(&message.id), &from, verdict.into()) {
            self.stats.late += 1;
            return;
        }
        match verdict {
            MessageAcceptance::Accept => self.stats.accepted += 1,
            MessageAcceptance::Ignore => self.stats.ignored += 1,
            MessageAcceptance::Reject => self.stats.rejected += 1,
        }
    }

    pub(super) fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message, .. } => {
                self.on_message(propagation_source, &message.topic, message.data);
            }
            gossipsub::Event::Subscribed { peer_id, topic } => self.on_subscription(peer_id, &topic, true),
            gossipsub::Event::Unsubscribed { peer_id, topic } => self.on_subscription(peer_id, &topic, false),
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::debug!("{peer_id} does not speak gossipsub");
            }
            gossipsub::Event::SlowPeer { peer_id, failed_messages } => {
                tracing::debug!("{peer_id} is slow: {failed_messages:?}");
            }
        }
    }

    fn on_message(&mut self, from: libp2p::PeerId, topic: &TopicHash, payload: Vec<u8>) {
        // The gate lets nobody in without such an id, and the subscription filter no other topics.
        let (Some(from), Some(topic)) = (convert::peer_id(&from), Topic::of(topic)) else {
            return;
        };
        self.stats.received += 1;
        self.stats.received_bytes += u64::try_from(payload.len()).unwrap_or(u64::MAX);
        let message = MessageRef { id: gossip::message_id(topic.name(), &payload), from };
        if payload.len() > topic.max_payload() {
            return self.report(&message, MessageAcceptance::Reject);
        }
        let event = OverlayEvent::Message { message: message.clone(), from, topic, payload };
        if !self.event_queue.message(event) {
            self.stats.dropped += 1;
            self.report(&message, MessageAcceptance::Ignore);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_posts_are_bounded_in_number_and_time_and_kept_once() {
        let now = Instant::now();
        let mut held = Held::default();
        for n in 0..2 * MAX_HELD {
            held.keep(Topic::Events, n.to_be_bytes().to_vec(), now);
            held.keep(Topic::Events, n.to_be_bytes().to_vec(), now);
        }
        assert_eq!(held.0.len(), MAX_HELD);
        held.expire(now + HOLD_TIME - Duration::from_millis(1));
        assert_eq!(held.0.len(), MAX_HELD);
        held.expire(now + HOLD_TIME);
        assert!(held.0.is_empty());
    }
}
