//! The key of the node itself.
//!
//! It says which node this is and nothing about whose: the owner's key never comes here.
//! Keeping it in a file is the node's business.

use std::fmt;

use libp2p::identity::Keypair;
use nostrp2p_protocol::PeerId;
use zeroize::Zeroize;

/// The 32-byte ed25519 seed of a node. Wiped from memory when dropped; `Debug` does not show it.
#[derive(Clone)]
pub struct NodeSecret([u8; 32]);

impl NodeSecret {
    /// Makes a new key from the generator of the operating system.
    ///
    /// # Panics
    /// When the operating system has no randomness to give, as nothing could be secure then.
    pub fn generate() -> Self {
        Self(rand::random())
    }

    /// Takes a seed made earlier by [`NodeSecret::generate`]. Any 32 bytes are a seed.
    pub const fn from_bytes(seed: [u8; 32]) -> Self {
        Self(seed)
    }

    /// The seed, for saving it. Whoever has it is this node.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The name under which other nodes know the holder of this key.
    pub fn peer_id(&self) -> PeerId {
        let key = self.keypair().public().try_into_ed25519().expect("made as ed25519 one line above");
        PeerId::from_ed25519(key.to_bytes())
    }

    pub(crate) fn keypair(&self) -> Keypair {
        Keypair::ed25519_from_bytes(self.0).expect("every 32 bytes are an ed25519 seed")
    }
}

impl Drop for NodeSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for NodeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeSecret(of {})", self.peer_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_is_the_same_node() {
        let secret = NodeSecret::from_bytes([7; 32]);
        assert_eq!(secret.peer_id(), NodeSecret::from_bytes(*secret.as_bytes()).peer_id());
        assert_ne!(secret.peer_id(), NodeSecret::generate().peer_id());
    }

    #[test]
    fn our_peer_id_is_the_one_libp2p_computes() {
        let secret = NodeSecret::generate();
        assert_eq!(secret.peer_id().to_string(), secret.keypair().public().to_peer_id().to_string());
    }

    #[test]
    fn debug_hides_the_seed() {
        let text = format!("{:?}", NodeSecret::from_bytes([7; 32]));
        assert!(text.starts_with("NodeSecret(of 12D3KooW") && !text.contains("7, 7"), "{text}");
    }
}
