//! The report on reachability: whether others reach this node, by which path, and what it does for others.

use nostrp2p_protocol::PeerId;

use crate::MissingPart;

/// Whether others can dial this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reachability {
    /// Not known: nobody has tried yet, or nobody could.
    #[default]
    Unknown,
    /// Others have dialed it, or the operator says so.
    Public,
    /// Others have tried in vain, or the operator says so.
    Private,
}

/// How this node is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Whether others can dial it.
    pub reachability: Reachability,
    /// Whether the operator said so; otherwise others were asked to try (AutoNAT).
    pub settled: bool,
    /// The addresses to announce, the best first, at most [`MAX_OWN_ADDRESSES`]: multiaddrs with the peer id.
    pub addresses: Vec<String>,
    /// The relays at which this node holds a place.
    pub relays: Vec<PeerId>,
    /// Whether it seeks relays because others cannot dial it.
    pub seeks_relays: bool,
    /// Whether it listens on loopback alone, so that no router can be opened for it.
    pub loopback_only: bool,
    /// The state of the port mapping by UPnP.
    pub upnp: Upnp,
    /// What it serves as a circuit relay; `None` while it is none.
    pub serves: Option<Serves>,
    /// Parts that the system does not allow and that the overlay runs without, each once.
    pub missing: Vec<MissingPart>,
}

/// What this node serves as a circuit relay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Serves {
    /// Nodes that are reached through this one.
    pub places: usize,
    /// Most of them at once.
    pub slots: usize,
    /// Connections that run through this node.
    pub circuits: usize,
}

/// The state of the port mapping by UPnP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Upnp {
    /// Not tried: switched off, or the node listens on loopback alone.
    #[default]
    Off,
    /// No answer yet.
    Searching,
    /// There is no router that does it, or it is switched off there.
    NotFound,
    /// The router has no public address itself: another router, or the provider, is in between.
    NotRouted,
    /// The port is open.
    Mapped,
}

/// Most own addresses: as many as an announcement holds.
pub const MAX_OWN_ADDRESSES: usize = 16;
