//! What an overlay is started with.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{address::PeerAddress, request::REQUEST_TIME, secret::NodeSecret};

/// How to start an overlay.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The key of this node.
    pub secret: NodeSecret,
    /// Where to listen. Nothing is allowed: such a node only dials.
    pub listen: Vec<Listen>,
    /// Nodes to join by, each dialed until it is connected; at most 64 are used.
    pub bootstrap: Vec<PeerAddress>,
    /// The file with the addresses of nodes that were met (JSON, replaced as a whole, about 100 KB at most).
    /// It need not exist, its folder must. `None` keeps them in memory only.
    pub known_addresses: Option<PathBuf>,
    /// How long a request may take, in both directions: 20 s. Only tests have a reason for another time.
    pub request_timeout: Duration,
}

/// A place to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// TCP, and with the feature `quic` also QUIC on the UDP port of the same number.
    /// With port 0 the system picks free ports, which for TCP and UDP are different ones.
    Ip(SocketAddr),
    /// The memory transport, which reaches overlays in the same process: for tests and simulations.
    /// The number is a port, unique in the process; 0 picks a free one.
    Memory(u64),
}

impl Settings {
    /// Listens nowhere, knows nobody, keeps nothing.
    pub const fn new(secret: NodeSecret) -> Self {
        Self {
            secret,
            listen: Vec::new(),
            bootstrap: Vec::new(),
            known_addresses: None,
            request_timeout: REQUEST_TIME,
        }
    }
}
