//! The node's own key.
//!
//! It identifies the node and says nothing about its owner: the owner's secret key never comes here. The node stores
//! it in a file; the overlay does not.

use std::fmt;

use libp2p::identity::{Keypair, ed25519};
use nostrp2p_protocol::{PeerId, signing_input};
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

    /// The seed, for saving it. Its holder can act as this node.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The name under which other nodes know the holder of this key.
    pub fn peer_id(&self) -> PeerId {
        let key = self.keypair().public().try_into_ed25519().expect("made as ed25519 one line above");
        PeerId::from_ed25519(key.to_bytes())
    }

    /// Signs with the key of the node, for [`verify`] with its peer id. The same message gives the same signature.
    ///
    /// # Panics
    /// Never, for ed25519 signs everything.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.keypair().sign(&signing_input(message)).expect("ed25519 signs everything");
        signature.try_into().expect("an ed25519 signature has 64 bytes")
    }

    pub(crate) fn keypair(&self) -> Keypair {
        Keypair::ed25519_from_bytes(self.0).expect("every 32 bytes are an ed25519 seed")
    }
}

/// Whether the node with this peer id signed this message by [`NodeSecret::sign`].
pub fn verify(peer: &PeerId, message: &[u8], signature: &[u8; 64]) -> bool {
    let key = ed25519::PublicKey::try_from_bytes(peer.as_ed25519());
    key.is_ok_and(|key| key.verify(&signing_input(message), signature))
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
    fn a_signature_is_good_for_one_node_and_one_message() {
        let secret = NodeSecret::from_bytes([7; 32]);
        let signature = secret.sign(b"abc");
        assert!(verify(&secret.peer_id(), b"abc", &signature));
        assert!(!verify(&secret.peer_id(), b"abd", &signature));
        assert!(!verify(&NodeSecret::from_bytes([8; 32]).peer_id(), b"abc", &signature));
        assert!(!verify(&secret.peer_id(), b"abc", &[0; 64]));
        assert!(!verify(&PeerId::from_ed25519([0xff; 32]), b"abc", &signature), "no point of the curve");
        let plain = secret.keypair().sign(b"abc").unwrap().try_into().unwrap();
        assert!(!verify(&secret.peer_id(), b"abc", &plain), "signed for something else");
    }

    #[test]
    fn debug_hides_the_seed() {
        let text = format!("{:?}", NodeSecret::from_bytes([7; 32]));
        assert!(text.starts_with("NodeSecret(of 12D3KooW") && !text.contains("7, 7"), "{text}");
    }
}
