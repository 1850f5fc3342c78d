//! The state of the node that sessions watch: its owner, its neighbours, its warnings.

use std::collections::BTreeMap;

use nostrp2p_core::{LastSync, OpenTunnel, Refusals, SyncCounts};
use nostrp2p_overlay::{Peer, Reach, Reachability, Traffic};
use nostrp2p_protocol::{
    PeerId, PublicKey,
    channel::ChannelKey,
    frame::{Path, PeerStatus, Reached, Ways},
};

/// The status. It changes seldom; watchers wake only then.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NodeStatus {
    pub(crate) owner: Option<PublicKey>,
    pub(crate) peers: Vec<PeerStatus>,
    /// Until when the owner's delegation for this node holds, in seconds since 1970.
    pub(crate) delegated: Option<u64>,
    /// Whether another node of the owner is still to tell what it holds.
    pub(crate) own_nodes_owe: bool,
    /// Nodes whose announcements are known.
    pub(crate) known: usize,
    /// How others reach this node.
    pub(crate) reached: Reached,
    /// Warnings for the operator.
    pub(crate) warnings: Warnings,
    /// Bytes between this node and each other node within the last hour.
    pub(crate) traffic: BTreeMap<PeerId, Traffic>,
}

/// Faults of a node that runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Warnings {
    /// Whether another node announces itself with this node's key.
    pub(crate) twin: bool,
    /// By how many seconds the clock is ahead of the trusted time, while it is doubted.
    pub(crate) clock_ahead: Option<u64>,
    /// Whether the mailbox is nearly full.
    pub(crate) mail_is_near: bool,
    /// Whether the store takes nearly as much disk as it may.
    pub(crate) disk_is_near: bool,
    /// Whether the store's file is not where it was; pages hear of it by the refusal of what they publish.
    pub(crate) misplaced: bool,
}

/// What a copied data directory means, and what to do.
pub(crate) const TWIN: &str = "another node runs with this node's key: its data directory was copied, and both answer to one \
     name, so posts and private replies reach only one of them; stop one, remove node.key from its data directory, \
     and start it again";

impl Warnings {
    /// The codes for pages: 1 another node with this key, 2 the clock is doubted, 3 the mailbox and 4 the disk are
    /// nearly full.
    pub(crate) fn codes(self) -> Vec<u8> {
        [(self.twin, 1), (self.clock_ahead.is_some(), 2), (self.mail_is_near, 3), (self.disk_is_near, 4)]
            .into_iter()
            .filter_map(|(holds, code)| holds.then_some(code))
            .collect()
    }

    /// As sentences, without those that [`crate::storage::Storage`] has.
    pub(crate) fn sentences(self) -> Vec<String> {
        let clock = self.clock_ahead.map(|seconds| {
            format!(
                "the clock is {} ahead of the last run: until a neighbour or a client on another machine bears it out, \
                 nothing is dropped or expired for its age; if it is wrong, set it right",
                if seconds >= 2 * 86_400 { format!("{} days", seconds / 86_400) } else { format!("{} hours", seconds / 3_600) }
            )
        });
        self.twin.then(|| TWIN.to_owned()).into_iter().chain(clock).collect()
    }
}

/// How clients reach this node from elsewhere. Sessions watch this too.
#[derive(Debug, Clone)]
pub(crate) struct OpenWays {
    /// The key by which a client that comes through a helper recognises this node.
    pub(crate) key: ChannelKey,
    /// The node's own public addresses.
    pub(crate) addresses: Vec<String>,
    /// Helpers that have said yes.
    pub(crate) ways: Vec<OpenTunnel>,
}

impl From<&OpenWays> for Ways {
    fn from(open: &OpenWays) -> Self {
        let helpers = open.ways.iter().map(|way| way.address.clone()).collect();
        Self { key: open.key, addresses: open.addresses.clone(), helpers }
    }
}

impl NodeStatus {
    /// How many of the connected nodes are other nodes of the owner.
    pub(crate) fn own_peers(&self) -> usize {
        let Some(owner) = self.owner else { return 0 };
        self.peers.iter().filter(|peer| peer.owner == Some(owner)).count()
    }
}

/// Numbers for the operator, at most five seconds old.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    pub(crate) refusals: Refusals,
    pub(crate) catching_up: SyncCounts,
    /// How the last comparison with a neighbour went.
    pub(crate) caught_up: Option<LastSync>,
    /// Events that are dated too far ahead and will be asked for.
    pub(crate) early_events: usize,
}

/// How others reach this node, in one word.
pub(crate) fn reached(reach: &Reach) -> Reached {
    match reach.reachability {
        _ if reach.loopback_only => Reached::Nowhere,
        Reachability::Public => Reached::Directly,
        _ if !reach.relays.is_empty() => Reached::Relayed,
        Reachability::Private => Reached::No,
        Reachability::Unknown => Reached::Unknown,
    }
}

/// The status of a peer for a client. Only a delegation tells its owner.
pub(crate) fn peer_status(peer: &Peer, owner: Option<PublicKey>) -> PeerStatus {
    let path = match peer.path {
        nostrp2p_overlay::ConnectionPath::Direct => Path::Direct,
        nostrp2p_overlay::ConnectionPath::Punched => Path::Punched,
        nostrp2p_overlay::ConnectionPath::Relayed => Path::Relayed,
    };
    let delay_ms = peer.delay.map(|delay| u32::try_from(delay.as_millis()).unwrap_or(u32::MAX));
    PeerStatus { peer: peer.id, owner, path, delay_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_warning_has_its_number_for_pages() {
        let quiet = Warnings::default();
        for (warnings, code) in [
            (Warnings { twin: true, ..quiet }, 1),
            (Warnings { clock_ahead: Some(9), ..quiet }, 2),
            (Warnings { mail_is_near: true, ..quiet }, 3),
            (Warnings { disk_is_near: true, ..quiet }, 4),
        ] {
            assert_eq!(warnings.codes(), [code]);
        }
        assert_eq!(quiet.codes(), Vec::<u8>::new());
    }
}
