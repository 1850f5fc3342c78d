//! Errors, one enum for each operation. Every text is a sentence for the person who runs the node.

use std::net::SocketAddr;

/// Why an overlay did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens there already.
    #[error(
        "{address} (TCP) is in use by another program, perhaps by another node; stop that one or listen on \
         another port"
    )]
    AddressInUse {
        /// The address at which this node was to listen.
        address: SocketAddr,
    },
    /// The system does not let this program listen there, for another reason.
    #[error("cannot listen on {address}: {reason}")]
    CannotListen {
        /// The address at which this node was to listen.
        address: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The system denies it, whatever the port.
    #[error(
        "cannot listen on {address}: the system does not permit it ({reason}); a sandbox or firewall may be the cause"
    )]
    Denied {
        /// The address at which this node was to listen.
        address: String,
        /// The system's error.
        reason: String,
    },
    /// A fault of this program.
    #[error("the overlay cannot be set up ({0}); this is a fault of the program, please report it")]
    Setup(String),
}

impl StartError {
    /// The system's error alone, without the advice.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::CannotListen { reason, .. } | Self::Denied { reason, .. } => reason.clone(),
            error => error.to_string(),
        }
    }
}

/// Why a payload was not broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BroadcastError {
    /// Longer than [`crate::Topic::max_payload`].
    #[error("the message has {size} bytes, and at most {limit} can be broadcast; make it shorter")]
    TooLarge {
        /// The length of the payload in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// No neighbour takes anything at the moment, all their queues are full.
    #[error("all neighbours are too busy to take the message; try again in some seconds")]
    Busy,
    /// The overlay has stopped.
    #[error("the overlay has stopped; restart the node")]
    Stopped,
}

/// Why a request has no answer.
///
/// After [`RequestError::Timeout`], [`RequestError::Closed`] and [`RequestError::AnswerTooLarge`] the peer may have got
/// the request all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It is not connected, and dialing it failed or there is no address.
    #[error("that node cannot be reached: {reason}")]
    Unreachable {
        /// Why not, in words for the person who runs the node.
        reason: String,
    },
    /// No answer in time.
    #[error("that node did not answer in time")]
    Timeout,
    /// Longer than [`crate::Protocol::max_request`].
    #[error("the request has {size} bytes, and at most {limit} can be sent; make it smaller")]
    TooLarge {
        /// The length of the payload in bytes.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The answer is longer than [`crate::Protocol::max_response`]: the peer's fault.
    #[error("the answer of that node has more than {limit} bytes")]
    AnswerTooLarge {
        /// The limit.
        limit: usize,
    },
    /// The peer does not know the protocol; it may run an older program.
    #[error("that node does not know this kind of request; it may run an older program")]
    Unsupported,
    /// The peer closed the stream without an answer: it does not want to, or has too much to do.
    #[error("that node refused the request; it may have too much to do")]
    Refused,
    /// The connection was lost.
    #[error("the connection to that node was lost before it answered")]
    Closed,
    /// Too many requests without an answer, to this peer or to all.
    #[error("too many requests are under way; try again in some seconds")]
    Busy,
    /// The overlay has stopped.
    #[error("the overlay has stopped; restart the node")]
    Stopped,
}
