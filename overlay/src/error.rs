//! What can go wrong, by operation. Every text is a sentence for the person who runs the node.

use std::net::SocketAddr;

/// Why an overlay did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something listens there already.
    #[error(
        "{address} ({transport}) is in use by another program, perhaps by another node; stop that one or listen on \
         another port"
    )]
    AddressInUse {
        /// Where this node was to listen.
        address: SocketAddr,
        /// `TCP` or `UDP`.
        transport: &'static str,
    },
    /// The system does not let this program listen there, for another reason.
    #[error("cannot listen on {address}: {reason}")]
    CannotListen {
        /// Where this node was to listen.
        address: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// A fault of this program.
    #[error("the overlay cannot be set up ({0}); this is a fault of the program, please report it")]
    Setup(String),
}

/// Why a payload was not broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BroadcastError {
    /// Longer than [`crate::Topic::max_payload`].
    #[error("the message has {size} bytes, and at most {limit} can be broadcast; make it shorter")]
    TooLarge {
        /// The length of the payload in bytes.
        size: usize,
        /// What is possible.
        limit: usize,
    },
    /// No neighbour takes anything at the moment, all their queues are full.
    #[error("all neighbours are too busy to take the message; try again in some seconds")]
    Busy,
    /// The overlay has stopped.
    #[error("the overlay has stopped; restart the node")]
    Stopped,
}
