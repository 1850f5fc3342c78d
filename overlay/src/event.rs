//! Events from the overlay to the node.

use std::time::Duration;

use nostrp2p_protocol::PeerId;

use crate::{MessageRef, Peer, PeerAddress, Protocol, RequestRef, Topic};

/// Events of the network.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum OverlayEvent {
    /// A broadcast arrived. It is neither checked nor passed on: answer with [`crate::Overlay::report`] within 10 s.
    Message {
        /// Names it in the verdict.
        message: MessageRef,
        /// The neighbour that passed it on, which says nothing about its author.
        from: PeerId,
        /// On what it was broadcast.
        topic: Topic,
        /// The bytes, at most [`Topic::max_payload`].
        payload: Vec<u8>,
    },
    /// A node asks something: answer with [`crate::Overlay::respond`] or [`crate::Overlay::refuse`] within 20 s.
    Request {
        /// Names it in the answer.
        request: RequestRef,
        /// The peer that asks; the connection proves its id.
        from: PeerId,
        /// The protocol of the request.
        protocol: Protocol,
        /// The bytes, at most [`Protocol::max_request`].
        payload: Vec<u8>,
    },
    /// A node is connected and speaks our protocol. It is subscribed already, unless it does not want broadcasts.
    PeerConnected(Peer),
    /// A node has connected once more, and has answered on an earlier connection since. It may be two programs with one key.
    /// Told once while it is connected.
    PeerConnectedTwice(PeerId),
    /// The last connection to a node that had joined is gone.
    PeerDisconnected(PeerId),
    /// Others can try to reach this node here: a multiaddr with the peer id, which another node takes as `-b`.
    Listening(String),
    /// Others reach this node elsewhere than before: what [`crate::Overlay::reach`] says of addresses has changed.
    AddressesChanged,
    /// An address that a person gave (bootstrap, or [`crate::Overlay::dial`]) did not lead to a node.
    BootstrapFailed {
        /// The address as it was given.
        address: PeerAddress,
        /// Why, in words for that person.
        reason: String,
        /// When it is tried again; `None` if it is not.
        retry_in: Option<Duration>,
    },
    /// An address that a person gave leads to a node of the network.
    BootstrapReached {
        /// The address as it was given.
        address: PeerAddress,
    },
    /// The overlay has ended; it is the last event. After [`crate::Overlay::shutdown`] this is as it should be.
    Stopped {
        /// Why, in words for the person who runs the node.
        reason: StopReason,
    },
}

/// Why the overlay ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// On request: by [`crate::Overlay::shutdown`], or because handle and events were dropped.
    Asked,
    /// By a failure; the text is for a report. The node should start a new overlay or end.
    Broken(String),
}

/// Numbers since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Payloads broadcast by this node that went to at least one neighbour.
    pub sent: u64,
    /// Bytes of those, once each, however many neighbours got them.
    pub sent_bytes: u64,
    /// Different payloads received.
    pub received: u64,
    /// Bytes of those. Copies of the same payload and everything around it are not counted.
    pub received_bytes: u64,
    /// Payloads that arrived, every copy counted.
    pub copies: u64,
    /// Bytes of those.
    pub copies_bytes: u64,
    /// Verdicts by kind.
    pub accepted: u64,
    /// See [`crate::MessageAcceptance::Ignore`].
    pub ignored: u64,
    /// See [`crate::MessageAcceptance::Reject`].
    pub rejected: u64,
    /// Verdicts that came after the message was forgotten: the node took longer than 10 s.
    pub late: u64,
    /// Messages nobody here saw, because the node did not take its events fast enough.
    pub dropped: u64,
    /// Peers thrown out for their score.
    pub banned: u64,
    /// Requests sent to others.
    pub requests_sent: u64,
    /// Answers to those.
    pub requests_answered: u64,
    /// Requests of others.
    pub requests_received: u64,
    /// Requests of others that were refused: too many at a time, or by the node, or because it did not take its events
    /// fast enough.
    pub requests_refused: u64,
    /// Places that this node gave to others as a relay; renewals are not counted.
    pub places_given: u64,
    /// Places that it refused: too many, or too often.
    pub places_refused: u64,
    /// Circuits that began to run through this node.
    pub circuits_carried: u64,
    /// Circuits that it refused: too many, too often, or to a node that has no place here.
    pub circuits_refused: u64,
    /// Bytes that other nodes sent one another through this one, each counted once.
    pub relayed_bytes: u64,
    /// Places that other nodes gave to this one; renewals are not counted.
    pub places_got: u64,
    /// Connections over a relay that became direct ones.
    pub holes_punched: u64,
    /// Connections over a relay that could not become direct ones.
    pub holes_failed: u64,
}
