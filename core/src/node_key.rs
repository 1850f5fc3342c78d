//! The node's own key, as the engine uses it.

use std::fmt;

use nostrp2p_protocol::PeerId;

/// Signs a message with a node's key.
pub type Sign = Box<dyn Fn(&[u8]) -> [u8; 64] + Send + Sync>;

/// The node's own ed25519 key, which this crate deliberately does not handle: how to sign with it, and how to check what
/// other nodes have signed with theirs.
pub struct NodeKey {
    /// The node that signs.
    pub peer: PeerId,
    /// Signs a message.
    pub sign: Sign,
    /// Whether a node has signed a message so.
    pub verify: fn(&PeerId, &[u8], &[u8; 64]) -> bool,
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NodeKey").field("peer", &self.peer).finish_non_exhaustive()
    }
}
