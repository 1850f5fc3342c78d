//! Address prefixes as a bound for tables that anybody can fill: new keys cost an attacker nothing, addresses in
//! other networks do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// A part of the internet as one operator gets it: Bitcoin Core groups addresses by the same numbers of bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The address is not known, or no IP address.
    #[default]
    Unknown,
    /// The first 16 bits of an IPv4 address.
    V4([u8; 2]),
    /// The first 32 bits of an IPv6 address.
    V6([u8; 4]),
}

impl Network {
    /// The network of a multiaddr. Of a peer that is connected over a relay only the relay's is seen.
    pub fn of(multiaddr: &str) -> Self {
        let mut parts = multiaddr.split('/');
        while let Some(part) = parts.next() {
            let address = match part {
                "ip4" => parts.next().and_then(|text| Some(IpAddr::V4(text.parse::<Ipv4Addr>().ok()?))),
                "ip6" => parts.next().and_then(|text| Some(IpAddr::V6(text.parse::<Ipv6Addr>().ok()?))),
                _ => continue,
            };
            return address.map_or(Self::Unknown, Self::from);
        }
        Self::Unknown
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, ..] = address.octets();
                Self::V4([a, b])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.octets();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::PeerId;

    use super::*;

    #[test]
    fn a_network_is_read_from_a_multiaddr() {
        let peer = PeerId::from_ed25519([1; 32]);
        for (address, network) in [
            ("/ip4/192.0.2.7/tcp/1".to_owned(), Network::V4([192, 0])),
            ("/ip6/2001:db8:1::1/udp/1/quic-v1".to_owned(), Network::V6([0x20, 1, 0xd, 0xb8])),
            ("/ip6/::ffff:192.0.2.7/tcp/1".to_owned(), Network::V4([192, 0])),
            (format!("/ip4/198.51.100.1/tcp/1/p2p/{peer}/p2p-circuit"), Network::V4([198, 51])),
            ("/memory/5".to_owned(), Network::Unknown),
            ("/ip4/nonsense".to_owned(), Network::Unknown),
            (String::new(), Network::Unknown),
        ] {
            assert_eq!(Network::of(&address), network, "{address}");
        }
    }
}
