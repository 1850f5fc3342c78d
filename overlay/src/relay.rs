//! Circuit relays (libp2p circuit relay v2): this node as a relay for others, and as a client of relays.

pub(crate) mod circuit_limits;
pub(crate) mod client;
pub(crate) mod server;
