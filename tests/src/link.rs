//! What a claim link says, as the page reads it.

use nostrp2p_protocol::{PeerId, channel::ChannelKey};

/// The parts of a link that knows the way home.
#[derive(Debug)]
pub struct HomeLink {
    /// The right to claim the node, for a node that has no owner.
    pub token: Option<[u8; 16]>,
    /// Which node.
    pub peer: PeerId,
    /// By what it is recognised.
    pub key: ChannelKey,
}

impl HomeLink {
    /// Reads a link.
    ///
    /// # Panics
    /// When it does not know the way home.
    pub fn read(link: &str) -> Self {
        let parts = link.split_once('#').expect("a link").1;
        let part = |name: &str| {
            let mut values = parts.split('&').filter_map(|part| part.split_once('='));
            values.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let token = part("claim").map(|token| {
            hex::decode(token).ok().and_then(|token| token.try_into().ok()).expect("16 bytes in hex")
        });
        Self {
            token,
            peer: part("peer").and_then(|peer| peer.parse().ok()).expect("a peer id"),
            key: part("key").and_then(|key| key.parse().ok()).expect("a key"),
        }
    }
}
