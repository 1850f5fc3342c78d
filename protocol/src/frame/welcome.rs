//! The node's answer to a Hello: it proves with its own key which node it is.

use crate::{Malformed, PeerId, PublicKey, channel::ChannelKey, wire};

/// Prefix of the signed bytes, so that this signature is not valid anywhere else.
const CONTEXT: &[u8] = b"nostrp2p client 2:";

/// 64 `[64, body, signature]`: who the node is. `body` is binary that holds
/// `[version, challenge, peer, owner, agent, key, own_name]`.
///
/// The signature is by the key that the peer id holds, over [`Welcome::signed_bytes`]. A client checks it before it
/// sends anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// [`super::VERSION`] of the node.
    pub version: u16,
    /// The node's nonce, which is also what a login has to sign: 32 random bytes, fresh for each connection.
    pub challenge: [u8; 32],
    /// Which node this is.
    pub peer: PeerId,
    /// The owner, if the node has one and the client has come by a name of the node's own.
    pub owner: Option<PublicKey>,
    /// Name and version of the node's program.
    pub agent: String,
    /// The key of the channel inside of which a client speaks where `own_name` is false.
    pub key: ChannelKey,
    /// Whether the address by which the client has come is one of the node's own. If not, no login is taken here but
    /// inside the channel.
    pub own_name: bool,
    /// Signature by the node's ed25519 key.
    pub signature: [u8; 64],
}

impl Welcome {
    /// The bytes that the node signs: both nonces and the content of the welcome.
    pub fn signed_bytes(&self, nonce: &[u8; 32]) -> Vec<u8> {
        [CONTEXT, nonce, self.body().as_slice()].concat()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let bytes = serde_bytes::Bytes::new;
        wire::encode(&(64u8, bytes(&self.body()), bytes(&self.signature)))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        type Bytes<const N: usize> = serde_bytes::ByteArray<N>;
        type Body = (u16, Bytes<32>, Bytes<32>, Option<PublicKey>, String, Bytes<32>, bool);
        let (_, body, signature): (u8, serde_bytes::ByteBuf, Bytes<64>) = wire::decode(bytes)?;
        let (version, challenge, peer, owner, agent, key, own_name): Body = wire::decode(&body)?;
        Ok(Self {
            version,
            challenge: challenge.into_array(),
            peer: PeerId::from_ed25519(peer.into_array()),
            owner,
            agent,
            key: ChannelKey::from_bytes(key.into_array()),
            own_name,
            signature: signature.into_array(),
        })
    }

    fn body(&self) -> Vec<u8> {
        let bytes = serde_bytes::Bytes::new;
        let (challenge, peer, key) = (&self.challenge, self.peer.as_ed25519(), self.key.as_bytes());
        let (challenge, peer, key) = (bytes(challenge), bytes(peer), bytes(key));
        wire::encode(&(self.version, challenge, peer, self.owner, &self.agent, key, self.own_name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome() -> Welcome {
        Welcome {
            version: 2,
            challenge: [1; 32],
            peer: PeerId::from_ed25519([2; 32]),
            owner: Some(PublicKey::from_bytes([3; 32])),
            agent: "node/1".into(),
            key: ChannelKey::from_bytes([4; 32]),
            own_name: true,
            signature: [5; 64],
        }
    }

    #[test]
    fn a_welcome_survives_its_encoding_and_so_does_what_is_signed() {
        let decoded = Welcome::decode(&welcome().encode()).unwrap();
        assert_eq!(decoded, welcome());
        assert_eq!(decoded.signed_bytes(&[6; 32]), welcome().signed_bytes(&[6; 32]));
    }

    #[test]
    fn everything_that_a_welcome_says_is_signed() {
        let signed = welcome().signed_bytes(&[6; 32]);
        let changed = [
            Welcome { version: 3, ..welcome() },
            Welcome { challenge: [9; 32], ..welcome() },
            Welcome { peer: PeerId::from_ed25519([9; 32]), ..welcome() },
            Welcome { owner: None, ..welcome() },
            Welcome { agent: "node/2".into(), ..welcome() },
            Welcome { key: ChannelKey::from_bytes([9; 32]), ..welcome() },
            Welcome { own_name: false, ..welcome() },
        ];
        for other in changed {
            assert_ne!(other.signed_bytes(&[6; 32]), signed, "{other:?}");
        }
        assert_ne!(welcome().signed_bytes(&[7; 32]), signed, "the client's nonce");
    }
}
