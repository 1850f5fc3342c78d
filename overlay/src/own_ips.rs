//! Filters the addresses that the system reports down to those of this machine.
//!
//! On a point-to-point link (PPP, OpenVPN: `ip addr add A peer B`) the watcher of interfaces reports B, the address
//! of the other end. Announcing it would send others there.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, UdpSocket},
};

use libp2p::{Multiaddr, multiaddr::Protocol};

/// What is known about the own listen addresses.
#[derive(Debug, Default)]
pub(crate) struct OwnIps {
    /// The addresses of other ends, and this machine's own on that link where it has one.
    foreign: BTreeMap<IpAddr, Option<IpAddr>>,
}

impl OwnIps {
    /// The system says that this node listens there. As many are kept as there are interfaces.
    pub(crate) fn on_listening(&mut self, address: &Multiaddr) {
        if let Some(ip) = ip_of(address)
            && is_foreign(ip)
        {
            self.foreign.insert(ip, own_end(ip));
        }
    }

    /// The node does not listen there any more.
    pub(crate) fn on_expired(&mut self, address: &Multiaddr) {
        if let Some(ip) = ip_of(address) {
            self.foreign.remove(&ip);
        }
    }

    /// Whether this node is said to listen there although no interface of this machine has that address.
    pub(crate) fn is_foreign(&self, address: &Multiaddr) -> bool {
        ip_of(address).is_some_and(|ip| self.foreign.contains_key(&ip))
    }

    /// The address as others see it: itself, on a point-to-point link that of this end, or none.
    pub(crate) fn own(&self, address: &Multiaddr) -> Option<Multiaddr> {
        let Some(own) = ip_of(address).and_then(|ip| self.foreign.get(&ip)) else {
            return Some(address.clone());
        };
        let own = (*own)?;
        address.replace(0, |_| Some(own.into()))
    }
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// Whether no interface of this machine has an address. Every other failure says nothing.
fn is_foreign(ip: IpAddr) -> bool {
    let bound = UdpSocket::bind((ip, 0));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}

/// The address from which this machine would send to the other end; nothing is sent.
fn own_end(other: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if other.is_ipv4() {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((other, 9)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (own != other).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_no_interface_has_is_not_announced_as_own() {
        let mut own = OwnIps::default();
        let listening: Multiaddr = "/ip4/127.0.0.1/tcp/7".parse().unwrap();
        // TEST-NET-1 (RFC 5737), which no interface has.
        let foreign: Multiaddr = "/ip4/192.0.2.77/tcp/7".parse().unwrap();
        own.on_listening(&listening);
        own.on_listening(&foreign);
        assert_eq!(own.own(&listening), Some(listening.clone()));
        assert_ne!(own.own(&foreign), Some(foreign.clone()));
        assert!(own.is_foreign(&foreign) && !own.is_foreign(&listening));
        own.on_expired(&foreign);
        assert_eq!(own.own(&foreign), Some(foreign), "nothing is known of it");
    }

    #[test]
    fn the_own_end_takes_the_place_of_the_other() {
        let other: IpAddr = "10.9.8.7".parse().unwrap();
        let own = OwnIps { foreign: [(other, Some("10.9.8.6".parse().unwrap()))].into() };
        let found = own.own(&"/ip4/10.9.8.7/udp/7/quic-v1".parse().unwrap());
        assert_eq!(found, "/ip4/10.9.8.6/udp/7/quic-v1".parse().ok());
        let unknown = OwnIps { foreign: [(other, None)].into() };
        assert_eq!(unknown.own(&"/ip4/10.9.8.7/tcp/7".parse().unwrap()), None);
    }
}
