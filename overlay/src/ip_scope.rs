//! The scope of an IP address: loopback, private network or public, and so for whom it is of use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From where an address can be dialed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IpScope {
    /// From nowhere: unspecified, multicast, broadcast, link-local (which needs an interface).
    Nowhere,
    /// From the same machine.
    Machine,
    /// From the same network: RFC 1918, RFC 4193, and 100.64/10 (carriers, Tailscale).
    Network,
    /// From everywhere.
    Public,
}

pub(crate) fn of(ip: IpAddr) -> IpScope {
    match ip.to_canonical() {
        IpAddr::V4(ip) => of_v4(ip),
        IpAddr::V6(ip) => of_v6(ip),
    }
}

fn of_v4(ip: Ipv4Addr) -> IpScope {
    let [a, b, ..] = ip.octets();
    if a == 0 || ip.is_multicast() || a >= 240 || ip.is_link_local() || ip.is_documentation() {
        IpScope::Nowhere
    } else if ip.is_loopback() {
        IpScope::Machine
    } else if ip.is_private() || (a == 100 && (64..128).contains(&b)) {
        IpScope::Network
    } else {
        IpScope::Public
    }
}

fn of_v6(ip: Ipv6Addr) -> IpScope {
    let documentation = matches!(ip.segments(), [0x2001, 0x0db8, ..]);
    if ip.is_unspecified() || ip.is_multicast() || ip.is_unicast_link_local() || documentation {
        IpScope::Nowhere
    } else if ip.is_loopback() {
        IpScope::Machine
    } else if ip.is_unique_local() {
        IpScope::Network
    } else {
        IpScope::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_address_has_its_reach() {
        let rows = [
            ("0.0.0.0", IpScope::Nowhere),
            ("224.0.0.1", IpScope::Nowhere),
            ("255.255.255.255", IpScope::Nowhere),
            ("169.254.1.1", IpScope::Nowhere),
            ("192.0.2.1", IpScope::Nowhere),
            ("127.0.0.1", IpScope::Machine),
            ("127.9.9.9", IpScope::Machine),
            ("10.0.0.1", IpScope::Network),
            ("172.16.0.1", IpScope::Network),
            ("192.168.1.1", IpScope::Network),
            ("100.64.0.1", IpScope::Network),
            ("100.128.0.1", IpScope::Public),
            ("8.8.8.8", IpScope::Public),
            ("::", IpScope::Nowhere),
            ("ff02::1", IpScope::Nowhere),
            ("fe80::1", IpScope::Nowhere),
            ("2001:db8::1", IpScope::Nowhere),
            ("::1", IpScope::Machine),
            ("::ffff:127.0.0.1", IpScope::Machine),
            ("fd00::1", IpScope::Network),
            ("2a01:4f8::1", IpScope::Public),
        ];
        for (ip, reach) in rows {
            assert_eq!(of(ip.parse().unwrap()), reach, "{ip}");
        }
    }
}
