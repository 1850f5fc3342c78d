//! Peer ids: the names of nodes on the overlay.
//!
//! A peer id names a node, never a person: a person's public key is [`crate::PublicKey`], and only a delegation links
//! the two.

use std::{fmt, str::FromStr};

/// Prefix of the key in the identity multihash of an ed25519 key (libp2p peer-ids specification): multihash code 0,
/// length 36, then the protobuf header of an ed25519 public key.
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// The libp2p peer id of a node, held as its 32-byte ed25519 public key.
///
/// Shown and parsed in libp2p's base58 form, `12D3KooW...`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId([u8; 32]);

/// Why a text or some bytes are no peer id of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a peer id of a nostrp2p node (those begin with 12D3KooW and hold an ed25519 key)")]
pub struct InvalidPeerId;

/// The key of a node proves to Noise which node it is. With these words before it, no message can be taken for such a
/// proof.
const SIGNING_DOMAIN: &[u8] = b"nostrp2p-node-signature:";

/// The bytes that a node's key signs for a message.
pub fn signing_input(message: &[u8]) -> Vec<u8> {
    [SIGNING_DOMAIN, message].concat()
}

impl PeerId {
    /// Takes the bytes of an ed25519 public key.
    pub const fn from_ed25519(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The bytes of the ed25519 public key.
    pub const fn as_ed25519(&self) -> &[u8; 32] {
        &self.0
    }

    /// Takes the 38 bytes of the identity multihash.
    ///
    /// # Errors
    /// When the bytes are the multihash of something else than an ed25519 key.
    pub fn from_multihash(bytes: &[u8]) -> Result<Self, InvalidPeerId> {
        let key = bytes.strip_prefix(&PREFIX).ok_or(InvalidPeerId)?;
        key.try_into().map(Self).map_err(|_| InvalidPeerId)
    }

    /// The 38 bytes of the identity multihash.
    pub fn to_multihash(self) -> Vec<u8> {
        [PREFIX.as_slice(), self.0.as_slice()].concat()
    }

    /// The last 8 characters, which is what people compare; the first ones are the same for every node.
    pub fn short(&self) -> String {
        let text = self.to_string();
        text.get(text.len().saturating_sub(8)..).unwrap_or_default().to_owned()
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.to_multihash()).into_string())
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for PeerId {
    type Err = InvalidPeerId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A peer id has 52 characters; base58 decoding is quadratic, so a long text is not even tried.
        if text.len() > 64 {
            return Err(InvalidPeerId);
        }
        let bytes = bs58::decode(text).into_vec().map_err(|_| InvalidPeerId)?;
        Self::from_multihash(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_id_survives_its_text_form() {
        let peer = PeerId::from_ed25519([7; 32]);
        let text = peer.to_string();
        assert!(text.starts_with("12D3KooW"), "{text}");
        assert_eq!(text.parse(), Ok(peer));
        assert_eq!(peer.short().len(), 8);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "12D3KooW", "0OIl", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", &"1".repeat(100_000)]
        {
            assert_eq!(text.parse::<PeerId>(), Err(InvalidPeerId));
        }
    }
}
