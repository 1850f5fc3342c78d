//! Settings with which an overlay is started.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    address::PeerAddress, bandwidth::DEFAULT_RELAY_BYTES, liveness::RELAY_INTERVAL,
    relay::server::DEFAULT_RELAY_SLOTS, request::REQUEST_TIME, secret::NodeSecret,
};

/// Addresses that the operator names, or that peers see when the operator says that they are right.
pub const MAX_EXTERNAL: usize = 8;

/// How to start an overlay.
#[derive(Debug, Clone)]
pub struct OverlaySettings {
    /// The key of this node.
    pub secret: NodeSecret,
    /// The addresses at which to listen. A node without any only dials.
    pub listen: Vec<Listen>,
    /// Nodes to join by, each dialed until it is connected; at most [`crate::MAX_BOOTSTRAP`] are used.
    pub bootstrap: Vec<PeerAddress>,
    /// The file with the addresses of nodes that were met (JSON, replaced as a whole, about 100 KB at most).
    /// It need not exist, its folder must. `None` keeps them in memory only.
    pub known_addresses: Option<PathBuf>,
    /// Whether others can dial this node. `None` lets others try (AutoNAT), which is best nearly always.
    pub reachable: Option<bool>,
    /// Addresses at which others reach this node although it does not see that itself, such as a port that a router
    /// forwards. They are announced first. At most [`MAX_EXTERNAL`] are used.
    pub external: Vec<PeerAddress>,
    /// How many nodes may be reached through this one at a time, while it is reachable itself. 0 refuses to relay.
    pub relay_slots: usize,
    /// How many bytes are relayed for one peer in a day, to it and from it.
    pub relay_bytes: u64,
    /// Whether to ask the router to open the port (UPnP). Not done by nodes that listen on loopback alone.
    pub upnp: bool,
    /// Whether to look for nodes in the local network, and to be found there (mDNS).
    pub mdns: bool,
    /// How long a request may take, in both directions: 20 s. Only tests have a reason for another time.
    pub request_timeout: Duration,
    /// How often the liveness of this node's relays is checked: 12 s. A relay counts as gone after two and a half
    /// times as long without an answer. Only tests have a reason for another time.
    pub relay_interval: Duration,
}

/// A place to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// TCP, and QUIC on the UDP port of the same number.
    /// With port 0 the system picks free ports, which for TCP and UDP are different ones.
    Ip(SocketAddr),
    /// The memory transport, which reaches overlays in the same process: for tests and simulations.
    /// The number is a port, unique in the process; 0 picks a free one.
    Memory(u64),
}

impl OverlaySettings {
    /// Listens nowhere, knows nobody, keeps nothing; asks neither the router nor the local network for anything.
    pub const fn new(secret: NodeSecret) -> Self {
        Self {
            secret,
            listen: Vec::new(),
            bootstrap: Vec::new(),
            known_addresses: None,
            reachable: None,
            external: Vec::new(),
            relay_slots: DEFAULT_RELAY_SLOTS,
            relay_bytes: DEFAULT_RELAY_BYTES,
            upnp: false,
            mdns: false,
            request_timeout: REQUEST_TIME,
            relay_interval: RELAY_INTERVAL,
        }
    }
}
