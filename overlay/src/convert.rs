//! Conversions between the overlay's types and libp2p's.

use nostrp2p_protocol::PeerId;

/// Our peer id, or nothing when the key is not an ed25519 key.
pub(crate) fn peer_id(peer: &libp2p::PeerId) -> Option<PeerId> {
    PeerId::from_multihash(&peer.to_bytes()).ok()
}

pub(crate) fn libp2p_peer_id(peer: PeerId) -> libp2p::PeerId {
    libp2p::PeerId::from_bytes(&peer.to_multihash()).expect("an identity multihash of 36 bytes is a peer id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_ids_survive_the_way_to_libp2p_and_back() {
        let ours = PeerId::from_ed25519([7; 32]);
        let theirs = libp2p_peer_id(ours);
        assert_eq!(theirs.to_string(), ours.to_string());
        assert_eq!(peer_id(&theirs), Some(ours));
        assert_eq!(peer_id(&libp2p::PeerId::random()), None, "a hash instead of a key");
    }
}
