//! Gossipsub as this network uses it: topic, message id, limits, peer scores.
//!
//! Sources: the gossipsub v1.1 specification (github.com/libp2p/specs, pubsub/gossipsub/gossipsub-v1.1.md), and where
//! it leaves the numbers open, what networks have used for years: Filecoin's Lotus (node/modules/lp2p/pubsub.go) and
//! Ethereum's Lighthouse (lighthouse_network, gossipsub_scoring_parameters.rs). A guess is marked as one. Every
//! number of the scores is set here, because libp2p's defaults fit no particular network. See `PROTOCOL.md`, Overlay.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use libp2p::gossipsub::{
    self, DataTransform, IdentTopic, MaxCountSubscriptionFilter, MessageAuthenticity, MessageId,
    PeerScoreParams, PeerScoreThresholds, TopicHash, TopicScoreParams, ValidationMode,
    WhitelistSubscriptionFilter,
};
use nostrp2p_protocol::PeerId;
use sha2::{Digest, Sha256};

/// The largest payload in bytes: an event of 64 KiB (what people expect of Nostr relays) and room for its packet.
pub const MAX_PAYLOAD: usize = 80 * 1024;

/// The largest announcement of a node in bytes: some addresses, a delegation, a signature, and room for more.
pub const MAX_ANNOUNCEMENT: usize = 4 * 1024;

/// Bytes that an RPC adds to one payload: topic, lengths, control messages.
const RPC_OVERHEAD: usize = 2 * 1024;

/// Messages in one RPC. Our implementation sends one; more than a handful would only be a way to overload us.
const MAX_MESSAGES_PER_RPC: usize = 64;

/// Subscriptions a peer may hold, and send in one RPC. More than the topics there are, for versions to come.
const MAX_SUBSCRIPTIONS: usize = 16;

/// How long a message id is remembered: the specification's `seen_ttl`.
pub(crate) const SEEN_TIME: Duration = Duration::from_secs(120);

/// The specification's heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Heartbeats a message is kept, and so the seconds in which the node must give its verdict.
/// The specification has 5; a phone that verifies a burst of signatures gets 10. This is also what bounds the
/// messages held without a verdict: what a peer can send in 10 s, until it is graylisted.
pub(crate) const HISTORY_LENGTH: usize = 10;

/// Neighbours in the mesh of a topic, each of whom gets every post at once, though it may have it: a copy costs 370 bytes
/// on the wire. The specification has 6, 4 and 12, Lotus and Ethereum 8; with 4 a post comes 3 times, and what is lost
/// comes by IHAVE or by catching up (docs/measurements.md, "The network simulation"). Two of them at least are
/// neighbours that this node has chosen (D_out), as in the specification, which others cannot crowd out.
const MESH: usize = 4;
const MESH_LOW: usize = 3;
const MESH_HIGH: usize = 8;
const MESH_OUTBOUND: usize = 2;

/// Announcing new messages to the neighbours outside of the mesh by IHAVE: to all of them ([`LAZY_FACTOR`]), in one
/// heartbeat ([`HISTORY_GOSSIP`]). The specification takes six or a quarter of them, at random, in three heartbeats. So a
/// node with few neighbours told each of them three times, which costs 180 bytes each time and was half of all traffic
/// between nodes; and a node that was in nobody's mesh but knew four nodes with many neighbours did not hear of one post
/// in 32.
const LAZY: usize = 0;
const LAZY_FACTOR: f64 = 1.0;
const HISTORY_GOSSIP: usize = 1;

/// A peer may send so many IHAVE in a heartbeat, the specification's advice; what it promised and does not send within
/// so long costs it score (P7).
const MAX_IHAVE: usize = 10;
const PROMISE_TIME: Duration = Duration::from_secs(3);

/// A peer that has left a mesh may not come back for this time; one that comes back within this time after that is
/// penalised twice: the specification's prune backoff and graft flood threshold.
const PRUNE_BACKOFF: Duration = Duration::from_secs(60);
const GRAFT_FLOOD: Duration = Duration::from_secs(10);

/// RPCs waiting for one connection. The default of 5,000 would be 400 MB of the largest messages for one peer
/// that does not read; what is dropped here, gossip (IHAVE) offers again.
const SEND_QUEUE: usize = 1024;

/// How long messages wait in the queue: as long as the cache keeps them. By default libp2p drops after a second
/// messages to be forwarded, also those that were promised by IHAVE, which neighbours are sent only once; a node by
/// which a hundred others join needs longer.
const QUEUE_TIME: Duration = Duration::from_secs(10);

/// Bytes of control messages (IHAVE, IWANT, GRAFT and so on) in one RPC: libp2p's default.
const MAX_CONTROL_SIZE: usize = 16 * 1024;

/// Message ids in one IHAVE, and asked of one neighbour by IWANT in a heartbeat: more than a network writes in a second as a
/// rule; of a larger burst the mesh and catching up bring the rest. What somebody promised is remembered, with some 500
/// bytes for each id, until it comes or [`PROMISE_TIME`] is over: with 700 ids 128 neighbours that did nothing else grew
/// a node by 210 MB before they were thrown out. libp2p's default of 5,000 is even more than its own decoder takes
/// (`MAX_CONTROL_SIZE`).
const MAX_IDS: u16 = 128;

/// Promises that a neighbour may break within an hour for nothing: five whole IHAVE.
const FREE_PROMISES: u16 = 5 * MAX_IDS;

/// A message of more bytes than this is worth telling every neighbour in the mesh that it need not send it, which costs 180
/// bytes each time: libp2p's default. Posts are shorter as a rule.
const IDONTWANT_SIZE: usize = 1_000;

/// Bytes of SHA-256 in a message id, as in Ethereum's consensus specification.
const MESSAGE_ID_LENGTH: usize = 20;

/// Below this score a peer's messages are not read at all, and it is disconnected.
pub(crate) const GRAYLIST_SCORE: f64 = -80.0;

/// Below this score own posts are not sent to a peer.
const PUBLISH_SCORE: f64 = -40.0;

/// The highest score of good behaviour: less than two forged messages cost.
const TOPIC_SCORE_CAP: f64 = 30.0;

/// The gossipsub topics of this network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Public events.
    Events,
    /// Announcements of nodes: where they are and whom they act for.
    Nodes,
}

impl Topic {
    pub(crate) const ALL: [Self; 2] = [Self::Events, Self::Nodes];

    /// The largest payload in bytes.
    pub const fn max_payload(self) -> usize {
        match self {
            Self::Events => MAX_PAYLOAD,
            Self::Nodes => MAX_ANNOUNCEMENT,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Nodes => "nodes",
        }
    }

    /// The topic of a message that arrived. Others than ours are filtered before.
    pub(crate) fn of(hash: &TopicHash) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == hash.as_str())
    }

    pub(crate) fn hash(self) -> TopicHash {
        IdentTopic::new(self.name()).hash()
    }
}

/// Names one received message until its verdict is given. Worthless afterwards, and 10 s after the message came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageRef {
    pub(crate) id: [u8; MESSAGE_ID_LENGTH],
    pub(crate) from: PeerId,
}

/// The node's validation result of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageAcceptance {
    /// Good: passed on to the neighbours.
    Accept,
    /// Unwanted here, but nobody's fault (known already, too old, over a quota): not passed on.
    Ignore,
    /// Provably wrong (undecodable, forged): not passed on, and every peer that sent it loses score.
    Reject,
}

impl From<MessageAcceptance> for gossipsub::MessageAcceptance {
    fn from(verdict: MessageAcceptance) -> Self {
        match verdict {
            MessageAcceptance::Accept => Self::Accept,
            MessageAcceptance::Ignore => Self::Ignore,
            MessageAcceptance::Reject => Self::Reject,
        }
    }
}

/// Counts what arrives before gossipsub sorts out what it has seen. It changes nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Copies(Arc<[AtomicU64; 2]>);

impl Copies {
    /// Payloads and their bytes since the start.
    pub(crate) fn count(&self) -> (u64, u64) {
        let [copies, bytes] = &*self.0;
        (copies.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed))
    }
}

impl DataTransform for Copies {
    fn inbound_transform(&self, raw: gossipsub::RawMessage) -> Result<gossipsub::Message, std::io::Error> {
        let [copies, bytes] = &*self.0;
        copies.fetch_add(1, Ordering::Relaxed);
        bytes.fetch_add(u64::try_from(raw.data.len()).unwrap_or_default(), Ordering::Relaxed);
        let gossipsub::RawMessage { source, data, sequence_number, topic, .. } = raw;
        Ok(gossipsub::Message { source, data, sequence_number, topic })
    }

    fn outbound_transform(&self, _: &TopicHash, data: Vec<u8>) -> Result<Vec<u8>, std::io::Error> {
        Ok(data)
    }
}

/// Gossipsub that carries the topics of this network and no others.
pub(crate) type Gossip =
    gossipsub::Behaviour<Copies, MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>>;

/// Makes the behaviour, subscribed to every topic.
///
/// Messages are anonymous: their author is the event's public key, and the node that sends one first shall not be
/// marked as its source.
///
/// # Errors
/// Says which parameter libp2p found inconsistent; they are all constants here.
pub(crate) fn behaviour(copies: Copies) -> Result<Gossip, String> {
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message: &gossipsub::Message| {
            MessageId::new(&message_id(message.topic.as_str(), &message.data))
        })
        .max_transmit_size(MAX_PAYLOAD + RPC_OVERHEAD)
        .max_publish_messages(MAX_MESSAGES_PER_RPC)
        .max_control_message_size(MAX_CONTROL_SIZE)
        .max_control_messages_sent(usize::from(MAX_IDS))
        .connection_handler_queue_len(SEND_QUEUE)
        .forward_queue_duration(QUEUE_TIME)
        .publish_queue_duration(QUEUE_TIME)
        .heartbeat_interval(HEARTBEAT)
        // The default waits 5 s before the first mesh is formed; a post written meanwhile would be gossiped late.
        .heartbeat_initial_delay(HEARTBEAT)
        .history_length(HISTORY_LENGTH)
        .history_gossip(HISTORY_GOSSIP)
        .idontwant_message_size_threshold(IDONTWANT_SIZE)
        .duplicate_cache_time(SEEN_TIME)
        .flood_publish(true)
        .mesh_n(MESH)
        .mesh_n_low(MESH_LOW)
        .mesh_n_high(MESH_HIGH)
        .mesh_outbound_min(MESH_OUTBOUND)
        .gossip_lazy(LAZY)
        .gossip_factor(LAZY_FACTOR)
        .max_ihave_messages_heartbeat(MAX_IHAVE)
        .iwant_followup_time(PROMISE_TIME)
        .prune_backoff(PRUNE_BACKOFF)
        .graft_flood_threshold(GRAFT_FLOOD)
        .build()
        .map_err(|error| error.to_string())?;
    let topics = Topic::ALL.map(Topic::hash);
    let filter = MaxCountSubscriptionFilter {
        filter: WhitelistSubscriptionFilter(topics.into()),
        max_subscribed_topics: MAX_SUBSCRIPTIONS,
        max_subscriptions_per_request: MAX_SUBSCRIPTIONS,
    };
    let mut gossip = Gossip::new_with_subscription_filter_and_transform(
        MessageAuthenticity::Anonymous,
        config,
        filter,
        copies,
    )?;
    gossip.with_peer_score(score_params(), score_thresholds())?;
    for topic in Topic::ALL {
        gossip.subscribe(&IdentTopic::new(topic.name())).map_err(|error| error.to_string())?;
    }
    Ok(gossip)
}

/// The first 20 bytes of the SHA-256 of the topic's name, a zero byte and the payload.
///
/// The topic is in it, because an attacker who sent somebody's event on the topic of announcements first would
/// otherwise make nodes take it for a duplicate on its own topic.
///
/// It is not the event's id: that does not cover the signature, so an attacker who spread an event with a broken
/// signature first would make nodes drop the honest copy as a duplicate. The node recognises the same event in two
/// payloads by the ids that it has seen.
pub(crate) fn message_id(topic: &str, payload: &[u8]) -> [u8; MESSAGE_ID_LENGTH] {
    let hash = Sha256::new().chain_update(topic).chain_update([0]).chain_update(payload);
    let hash: [u8; 32] = hash.finalize().into();
    let mut id = [0; MESSAGE_ID_LENGTH];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    id
}

/// Scores relative to one another: an unknown peer has 0, a good one up to 30, one forged message costs 10, two
/// cost 40, three cost 90, which is beyond [`GRAYLIST_SCORE`] for a stranger; four are beyond it for anybody.
fn score_params() -> PeerScoreParams {
    PeerScoreParams {
        topics: HashMap::from(Topic::ALL.map(|topic| (topic.hash(), topic_score_params(topic)))),
        topic_score_cap: TOPIC_SCORE_CAP,
        // P5: as in Lotus. Nothing sets it yet.
        app_specific_weight: 1.0,
        // P6 off. Homes, offices and mobile carriers put many honest nodes behind one address, and libp2p can
        // except single addresses but no ranges. The gate counts connections per public address instead.
        ip_colocation_factor_weight: 0.0,
        // P7: an hour's memory as in Lotus. Lotus forgives six mishaps, but its library counts one for each IHAVE, and
        // ours one for each message named there: whoever sleeps or is overrun between IHAVE and IWANT breaks up to
        // MAX_IDS promises at once. When 128 nodes joined by one, 99 of them banned it for that. So five whole IHAVE are
        // free, and what is left is against those who do nothing else.
        behaviour_penalty_weight: -1.0,
        behaviour_penalty_threshold: f64::from(FREE_PROMISES),
        behaviour_penalty_decay: decay(Duration::from_secs(3600)),
        // A peer cannot wash its score off by reconnecting. Lotus keeps it for 6 h; here what is bad is forgotten in one.
        retain_score: Duration::from_secs(3600),
        // The specification's second, and a tenth as the least that counts: what decays "in an hour" is gone after one.
        decay_interval: Duration::from_secs(1),
        decay_to_zero: 0.1,
        // Not in the specification: peers that do not read what is sent to them. A phone on a bad network is no enemy,
        // so it takes a hundred dropped messages in about a second to reach the score below which nothing is gossiped to
        // it (guess).
        slow_peer_weight: -0.2,
        slow_peer_threshold: 0.0,
        slow_peer_decay: 0.2,
        ip_colocation_factor_threshold: 10.0,
        ip_colocation_factor_whitelist: HashSet::new(),
    }
}

/// Invalid messages cost the same on each topic. Valid ones earn little on the topic of announcements, because
/// anybody can make new ones by making keys.
fn topic_score_params(topic: Topic) -> TopicScoreParams {
    let (time_in_mesh_cap, first_message_deliveries_cap) = match topic {
        Topic::Events => (10.0, 20.0),
        Topic::Nodes => (2.0, 3.0),
    };
    TopicScoreParams {
        topic_weight: 1.0,
        // P1: up to 10 after an hour in the mesh, which is Lighthouse's MAX_IN_MESH_SCORE and time.
        time_in_mesh_weight: 1.0,
        time_in_mesh_quantum: Duration::from_secs(360),
        time_in_mesh_cap,
        // P2: up to 20 for bringing new messages first, half of what Lighthouse gives, because here nobody can say
        // how many are due. Forgotten after ten minutes, so a neighbour in the mesh has all of it while the network
        // writes one post in two seconds, and less on a quiet day (guess).
        first_message_deliveries_weight: 1.0,
        first_message_deliveries_decay: decay(Duration::from_secs(600)),
        first_message_deliveries_cap,
        // P3 and P3b off, as in Lotus for topics of low and irregular rate: nobody can say how many posts a
        // minute are due, so silence is no fault.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        // P4: the square of the number of rejected messages, forgotten after an hour as in Lotus.
        invalid_message_deliveries_weight: -10.0,
        invalid_message_deliveries_decay: decay(Duration::from_secs(3600)),
        // Of P3 and P3b, which are off; libp2p wants them to be sound all the same.
        mesh_message_deliveries_decay: 0.5,
        mesh_message_deliveries_cap: 100.0,
        mesh_message_deliveries_threshold: 20.0,
        mesh_message_deliveries_window: Duration::from_millis(10),
        mesh_message_deliveries_activation: Duration::from_secs(5),
        mesh_failure_penalty_decay: 0.5,
    }
}

/// In the order the specification demands: graylist <= publish <= gossip <= 0.
fn score_thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        // In the proportions of Lotus (-500, -1000, -2500) and Lighthouse (-4000, -8000, -16000): twice and four times
        // as bad. The unit is a rejected message.
        gossip_threshold: -20.0,
        publish_threshold: PUBLISH_SCORE,
        graylist_threshold: GRAYLIST_SCORE,
        // As in Lotus; no peer exchange, so out of reach.
        accept_px_threshold: 1000.0,
        // Take in new mesh peers when most of the mesh is no better than strangers: Lotus has 3.5 and Lighthouse 5 of
        // what a good peer can earn, here less, because on a quiet day good peers earn only their time in the mesh.
        opportunistic_graft_threshold: 2.0,
    }
}

/// The factor per second by which a counter falls to a tenth in this time.
fn decay(time: Duration) -> f64 {
    gossipsub::score_parameter_decay(time)
}

/// Neighbours that will get what we publish on a topic.
pub(crate) fn subscribers(gossip: &Gossip, topic: Topic) -> usize {
    let hash = topic.hash();
    gossip
        .all_peers()
        .filter(|(_, topics)| topics.contains(&&hash))
        .filter(|(peer, _)| gossip.peer_score(peer).is_none_or(|score| score >= PUBLISH_SCORE))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_are_consistent() {
        assert!(score_params().validate().is_ok());
        assert!(score_thresholds().validate().is_ok());
        behaviour(Copies::default()).unwrap();
    }

    #[test]
    fn what_we_gossip_is_not_more_than_we_read() {
        let ids = usize::from(MAX_IDS) * (MESSAGE_ID_LENGTH + 2);
        assert!(Topic::ALL.iter().all(|topic| ids + topic.name().len() + 16 <= MAX_CONTROL_SIZE));
    }

    #[test]
    fn the_message_id_depends_on_topic_and_payload() {
        let id = message_id(Topic::Events.name(), b"abc");
        // printf 'events\0abc' | sha256sum
        assert_eq!(id.map(|byte| format!("{byte:02x}")).concat(), "21a62a87f4b8793dc78c9a1d09629025b829ba59");
        assert_ne!(id, message_id(Topic::Events.name(), b"abb"));
        assert_ne!(id, message_id(Topic::Nodes.name(), b"abc"));
    }

    #[test]
    fn every_topic_is_found_by_its_name() {
        for topic in Topic::ALL {
            assert_eq!(Topic::of(&topic.hash()), Some(topic));
            assert!(topic.max_payload() <= MAX_PAYLOAD, "the limit of an RPC");
        }
        assert_eq!(Topic::of(&IdentTopic::new("events/2").hash()), None);
    }

    #[test]
    fn the_fourth_forged_message_is_the_last_one_read_from_anybody() {
        for topic in Topic::ALL.map(topic_score_params) {
            let score = |forged: f64| topic.invalid_message_deliveries_weight * forged * forged;
            assert!(score(1.0) + TOPIC_SCORE_CAP > 0.0, "one may happen to a good neighbour");
            assert!(score(1.0) > PUBLISH_SCORE, "one may happen to a stranger");
            assert!(score(3.0) < GRAYLIST_SCORE);
            assert!(score(4.0) + TOPIC_SCORE_CAP < GRAYLIST_SCORE);
        }
    }
}
