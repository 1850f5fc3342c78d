//! Ways to the node: directly, and through helpers. See PROTOCOL.md, "The way home".

use nostrp2p_protocol::{PeerId, channel::ChannelKey, frame};

use crate::address::NodeAddress;

/// Most ways of one kind that are kept: the two or three current ones, and some earlier ones, which may work again.
const MAX_KEPT: usize = 6;

/// How the node is found from anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Which node.
    pub peer: PeerId,
    /// The key by which it is recognised behind a helper.
    pub key: ChannelKey,
    /// The node's own public addresses.
    pub addresses: Vec<NodeAddress>,
    /// The helpers.
    pub helpers: Vec<NodeAddress>,
}

/// One way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To the node itself.
    Straight(NodeAddress),
    /// Through the helper at this address.
    Helper(NodeAddress),
}

/// A way that is being tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Named by what its socket says.
    pub number: u32,
    /// Which way.
    pub way: Way,
    /// The key of the channel inside of which everything is said; None where the node itself is called by its own name.
    pub key: Option<ChannelKey>,
}

impl Way {
    /// The address of the node or the helper.
    pub const fn address(&self) -> &NodeAddress {
        match self {
            Self::Straight(address) | Self::Helper(address) => address,
        }
    }

    /// Whether somebody else carries what is said.
    pub const fn is_helped(&self) -> bool {
        matches!(self, Self::Helper(_))
    }
}

impl Home {
    /// Takes over what the node says of its ways. Those of before stay behind the new ones: a node that has just
    /// started has none, and most helpers are the same again.
    pub fn told(before: Option<&Self>, peer: PeerId, told: &frame::Ways) -> Self {
        let before = before.filter(|before| before.peer == peer && before.key == told.key);
        let merge = |told: &[String], before: &[NodeAddress]| {
            let told = told.iter().filter_map(|text| NodeAddress::parse(text, true).ok());
            let mut all: Vec<NodeAddress> = Vec::new();
            for address in told.filter(NodeAddress::is_secure).chain(before.iter().cloned()) {
                if all.len() < MAX_KEPT && !all.contains(&address) {
                    all.push(address);
                }
            }
            all
        };
        Self {
            peer,
            key: told.key,
            addresses: merge(&told.addresses, before.map_or(&[], |before| &before.addresses)),
            helpers: merge(&told.helpers, before.map_or(&[], |before| &before.helpers)),
        }
    }

    /// The text that is stored: `peer key`, and each way with the sign of its kind before it.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} {}", self.peer, self.key);
        for (sign, ways) in [('=', &self.addresses), ('+', &self.helpers)] {
            for way in ways {
                text.push(' ');
                text.push(sign);
                text.push_str(&way.origin());
            }
        }
        text
    }

    /// Reads what [`Home::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (peer, key) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (mut addresses, mut helpers) = (Vec::new(), Vec::new());
        for word in words.take(2 * MAX_KEPT) {
            let (ways, way) = match (word.strip_prefix('='), word.strip_prefix('+')) {
                (Some(way), _) => (&mut addresses, way),
                (_, Some(way)) => (&mut helpers, way),
                _ => return None,
            };
            ways.push(NodeAddress::parse(way, true).ok()?);
        }
        Some(Self { peer, key, addresses, helpers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId::from_ed25519([3; 32]);

    fn told(helpers: &[&str]) -> frame::Ways {
        let helpers = helpers.iter().map(|&helper| helper.to_owned()).collect();
        frame::Ways {
            key: ChannelKey::from_bytes([7; 32]),
            addresses: vec!["wss://own.example".into()],
            helpers,
        }
    }

    fn helpers(home: &Home) -> Vec<&str> {
        home.helpers.iter().map(NodeAddress::authority).collect()
    }

    #[test]
    fn new_helpers_come_first_and_those_of_before_stay_behind_them() {
        let first = Home::told(None, PEER, &told(&["wss://a", "wss://b:8443", "ws://plain", "no way"]));
        assert_eq!(helpers(&first), ["a", "b:8443"]);
        let second = Home::told(Some(&first), PEER, &told(&["wss://c", "wss://a"]));
        assert_eq!(helpers(&second), ["c", "a", "b:8443"]);
        assert_eq!(helpers(&Home::told(Some(&second), PEER, &told(&[]))), ["c", "a", "b:8443"]);
        let many: Vec<String> = (0..20).map(|n| format!("wss://h{n}")).collect();
        let many = Home::told(Some(&second), PEER, &frame::Ways { helpers: many, ..told(&[]) });
        assert_eq!(many.helpers.len(), MAX_KEPT);
    }

    #[test]
    fn helpers_of_another_node_are_not_kept() {
        let first = Home::told(None, PEER, &told(&["wss://a"]));
        let other = Home::told(Some(&first), PeerId::from_ed25519([4; 32]), &told(&["wss://b"]));
        assert_eq!(helpers(&other), ["b"]);
    }

    #[test]
    fn what_is_stored_reads_again() {
        let home = Home::told(None, PEER, &told(&["wss://a", "wss://b:8443"]));
        assert_eq!(Home::parse(&home.to_text()), Some(home));
        for text in
            ["", "x", "x y", &format!("{PEER} {}", "07".repeat(31)), &format!("{PEER} {} x", "07".repeat(32))]
        {
            assert_eq!(Home::parse(text), None, "{text}");
        }
    }
}
