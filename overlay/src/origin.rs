//! The origin of a connection, for counting: an IPv4 address, or the first 64 bits of an IPv6 address, because
//! whoever has one of these has all that begin like it.

use std::net::{IpAddr, Ipv6Addr};

use libp2p::{Multiaddr, multiaddr::Protocol};

use crate::ip_scope;

/// The network of an address, if it begins with an IP address.
pub(crate) fn network(address: &Multiaddr) -> Option<IpAddr> {
    Some(whole(ip(address)?))
}

/// The same, but only of public addresses: in private networks and on loopback one address says nothing (tests,
/// containers, VPN).
pub(crate) fn public_network(address: &Multiaddr) -> Option<IpAddr> {
    let ip = ip(address)?;
    (ip_scope::of(ip) == ip_scope::IpScope::Public).then(|| whole(ip))
}

fn ip(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.to_canonical()),
        _ => None,
    })
}

fn whole(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&str>, public: bool) {
        let (address, expected) = (address.parse().unwrap(), expected.map(|ip| ip.parse().unwrap()));
        assert_eq!(network(&address), expected);
        assert_eq!(public_network(&address), expected.filter(|_| public));
    }

    #[test]
    fn all_addresses_of_one_who_has_them_are_one_origin() {
        check("/ip4/8.8.8.8/tcp/5", Some("8.8.8.8"), true);
        check("/ip6/::ffff:8.8.8.8/tcp/5", Some("8.8.8.8"), true);
        check("/ip6/2a00:1450:4001:80e::200e/udp/5/quic-v1", Some("2a00:1450:4001:80e::"), true);
        check("/ip6/2a00:1450:4001:80e:1:2:3:4/tcp/5", Some("2a00:1450:4001:80e::"), true);
        check("/ip4/127.0.0.1/tcp/5", Some("127.0.0.1"), false);
        check("/ip4/192.168.1.2/tcp/5", Some("192.168.1.2"), false);
        check("/memory/5", None, false);
    }
}
