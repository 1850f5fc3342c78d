//! Addresses of nodes, as people write them and as libp2p does.
//!
//! An address is something that this overlay can dial: TCP and QUIC by IP address or host name, the memory transport
//! of tests, and a circuit over one relay at such an address.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use libp2p::{Multiaddr, multiaddr::Protocol};
use nostrp2p_protocol::PeerId;

use crate::convert;

/// The longest text that is looked at: a circuit with the longest host name (253) and two peer ids fits.
const MAX_TEXT: usize = 450;

/// The longest host name (RFC 1035).
const MAX_HOST: usize = 253;

/// The address of a node, and its peer id where that is known.
///
/// Parsed from `host:port` (`example.org:20000`, `192.0.2.1:20000`, `[2001:db8::1]:20000`), which means TCP, or
/// from a multiaddr (`/dns4/example.org/tcp/20000/p2p/12D3KooW...`, `/ip4/192.0.2.1/udp/20000/quic-v1`, or over a
/// relay `/ip4/192.0.2.1/tcp/20000/p2p/12D3KooW.../p2p-circuit/p2p/12D3KooW...`).
/// Shown as `host:port` where that says everything, otherwise as a multiaddr; both can be parsed again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    pub(crate) place: PeerLocation,
    pub(crate) peer: Option<PeerId>,
}

/// The location part of an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PeerLocation {
    Net {
        host: Host,
        port: u16,
        transport: Transport,
    },
    Memory(u64),
    /// Over a relay, which is at a place that is no circuit itself.
    Circuit {
        at: Box<Self>,
        relay: PeerId,
    },
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Host {
    Ip(IpAddr),
    Name(String, Family),
}

/// Which addresses of a name count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    Any,
    V4,
    V6,
}

/// How to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Transport {
    Tcp,
    Quic,
}

/// Why a text is no address of a node. One sentence with both spellings that would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not the address of a node: {problem}; write host:port (example.org:20000, [2001:db8::1]:20000) or a \
     multiaddr (/ip4/192.0.2.1/tcp/20000, /dns4/example.org/tcp/20000/p2p/12D3KooW...)"
)]
pub struct InvalidPeerAddress {
    text: String,
    problem: &'static str,
}

impl PeerAddress {
    /// The peer id, where the address names one. Another node answering there is then an error.
    pub const fn peer(&self) -> Option<PeerId> {
        self.peer
    }

    /// Whether a host name in it must be looked up before it can be dialed.
    pub fn has_name(&self) -> bool {
        matches!(self.place.first_hop(), PeerLocation::Net { host: Host::Name(..), .. })
    }

    pub(crate) const fn new(place: PeerLocation, peer: Option<PeerId>) -> Self {
        Self { place, peer }
    }

    /// The same address without the peer id.
    pub(crate) fn without_peer(&self) -> Self {
        Self::new(self.place.clone(), None)
    }

    /// Takes what libp2p reports. The error says what is not supported.
    pub(crate) fn from_multiaddr(address: &Multiaddr) -> Result<Self, &'static str> {
        let mut parts = address.iter();
        let place = match parts.next() {
            Some(Protocol::Ip4(ip)) => net(Host::Ip(ip.into()), &mut parts)?,
            Some(Protocol::Ip6zone(_)) => return Err(LINK_LOCAL),
            Some(Protocol::Ip6(ip)) if ip.is_unicast_link_local() => return Err(LINK_LOCAL),
            Some(Protocol::Ip6(ip)) => net(Host::Ip(ip.into()), &mut parts)?,
            Some(Protocol::Dns(name)) => net(named(&name, Family::Any)?, &mut parts)?,
            Some(Protocol::Dns4(name)) => net(named(&name, Family::V4)?, &mut parts)?,
            Some(Protocol::Dns6(name)) => net(named(&name, Family::V6)?, &mut parts)?,
            Some(Protocol::Memory(port)) => PeerLocation::Memory(port),
            _ => return Err("it begins with none of /ip4, /ip6, /dns, /dns4, /dns6"),
        };
        let peer = match parts.next() {
            None => None,
            Some(Protocol::P2p(peer)) => Some(of_a_node(&peer)?),
            Some(Protocol::P2pCircuit) => {
                return Err("before /p2p-circuit there is no /p2p/<peer id of the relay>");
            }
            Some(_) => return Err("it goes on after the port with something else than /p2p/<peer id>"),
        };
        match (peer, parts.next()) {
            (_, None) => Ok(Self::new(place, peer)),
            (Some(relay), Some(Protocol::P2pCircuit)) => {
                let peer = match parts.next() {
                    None => None,
                    Some(Protocol::P2p(peer)) => Some(of_a_node(&peer)?),
                    Some(_) => return Err("after /p2p-circuit only /p2p/<peer id> is known"),
                };
                if parts.next().is_some() {
                    return Err("it goes on after the peer id");
                }
                Ok(Self::new(PeerLocation::Circuit { at: Box::new(place), relay }, peer))
            }
            (_, Some(_)) => Err("it goes on after the peer id"),
        }
    }

    /// Whether it leads over a relay.
    pub const fn is_circuit(&self) -> bool {
        matches!(self.place, PeerLocation::Circuit { .. })
    }

    pub(crate) fn to_multiaddr(&self) -> Multiaddr {
        let mut address = self.place.to_multiaddr();
        if let Some(peer) = self.peer {
            address.push(Protocol::P2p(convert::libp2p_peer_id(peer)));
        }
        address
    }
}

impl PeerLocation {
    pub(crate) const fn tcp(address: SocketAddr) -> Self {
        Self::Net { host: Host::Ip(address.ip()), port: address.port(), transport: Transport::Tcp }
    }

    pub(crate) const fn quic(address: SocketAddr) -> Self {
        Self::Net { host: Host::Ip(address.ip()), port: address.port(), transport: Transport::Quic }
    }

    /// The same port and transport at an IP address that the host name resolves to.
    pub(crate) fn at(&self, ip: IpAddr) -> Self {
        match self {
            Self::Net { port, transport, .. } => {
                Self::Net { host: Host::Ip(ip), port: *port, transport: *transport }
            }
            Self::Memory(port) => Self::Memory(*port),
            Self::Circuit { at, relay } => Self::Circuit { at: Box::new(at.at(ip)), relay: *relay },
        }
    }

    /// The address that is dialed first: this one, or that of its relay.
    pub(crate) fn first_hop(&self) -> &Self {
        match self {
            Self::Circuit { at, .. } => at,
            place => place,
        }
    }

    pub(crate) fn to_multiaddr(&self) -> Multiaddr {
        match self {
            Self::Memory(port) => Multiaddr::from(Protocol::Memory(*port)),
            Self::Circuit { at, relay } => at
                .to_multiaddr()
                .with(Protocol::P2p(convert::libp2p_peer_id(*relay)))
                .with(Protocol::P2pCircuit),
            Self::Net { host, port, transport } => {
                let host = match host {
                    Host::Ip(IpAddr::V4(ip)) => Protocol::Ip4(*ip),
                    Host::Ip(IpAddr::V6(ip)) => Protocol::Ip6(*ip),
                    Host::Name(name, Family::Any) => Protocol::Dns(name.into()),
                    Host::Name(name, Family::V4) => Protocol::Dns4(name.into()),
                    Host::Name(name, Family::V6) => Protocol::Dns6(name.into()),
                };
                match transport {
                    Transport::Tcp => Multiaddr::from(host).with(Protocol::Tcp(*port)),
                    Transport::Quic => {
                        Multiaddr::from(host).with(Protocol::Udp(*port)).with(Protocol::QuicV1)
                    }
                }
            }
        }
    }
}

impl FromStr for PeerAddress {
    type Err = InvalidPeerAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        parse(text).map_err(|problem| InvalidPeerAddress { text: text.chars().take(100).collect(), problem })
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { place: PeerLocation::Net { host, port, transport: Transport::Tcp }, peer: None } => {
                match host {
                    Host::Ip(ip) => write!(f, "{}", SocketAddr::new(*ip, *port)),
                    Host::Name(name, Family::Any) => write!(f, "{name}:{port}"),
                    Host::Name(..) => write!(f, "{}", self.to_multiaddr()),
                }
            }
            _ => write!(f, "{}", self.to_multiaddr()),
        }
    }
}

fn parse(text: &str) -> Result<PeerAddress, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() > MAX_TEXT {
        return Err("it is too long");
    }
    if text.starts_with('/') {
        let address = text.parse().map_err(|_| "it begins with / but is no multiaddr")?;
        return PeerAddress::from_multiaddr(&address);
    }
    if text.contains("://") {
        return Err("it is the URL of a page or relay");
    }
    let (host, port) = text.rsplit_once(':').ok_or("it has no port")?;
    let host = match host.strip_prefix('[') {
        Some(rest) if is_link_local(rest) => return Err(LINK_LOCAL),
        Some(rest) => {
            let ip = rest.strip_suffix(']').and_then(|ip| ip.parse::<Ipv6Addr>().ok());
            Host::Ip(ip.ok_or("between [ and ] there is no IPv6 address")?.into())
        }
        None if host.contains(':') => return Err("an IPv6 address needs brackets before the port"),
        None => match host.parse::<Ipv4Addr>() {
            Ok(ip) => Host::Ip(ip.into()),
            Err(_) => named(host, Family::Any)?,
        },
    };
    Ok(PeerAddress::new(PeerLocation::Net { host, port: parse_port(port)?, transport: Transport::Tcp }, None))
}

/// Why a link-local address is refused: it says nothing without the interface, which a connection of this program cannot name.
const LINK_LOCAL: &str = "link-local addresses (fe80::...) hold on one network interface only, and this program cannot dial \
     them; give another address of that node, or find it with --mdns";

/// Whether what stands between brackets is a link-local IPv6 address, with or without an interface (`fe80::1%eth0`).
fn is_link_local(bracketed: &str) -> bool {
    let ip = bracketed.trim_end_matches(']').split('%').next().unwrap_or_default();
    ip.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_unicast_link_local())
}

fn parse_port(text: &str) -> Result<u16, &'static str> {
    // `parse` alone would take "+80".
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|_| digits);
    port.filter(|port| *port != 0).ok_or("its port is not a number from 1 to 65535")
}

/// Reads port and transport that follow a host in a multiaddr.
fn net<'a>(host: Host, parts: &mut impl Iterator<Item = Protocol<'a>>) -> Result<PeerLocation, &'static str> {
    let (port, transport) = match parts.next() {
        Some(Protocol::Tcp(port)) => (port, Transport::Tcp),
        Some(Protocol::Udp(port)) => match parts.next() {
            Some(Protocol::QuicV1) => (port, Transport::Quic),
            _ => return Err("after /udp/<port> only /quic-v1 is known"),
        },
        _ => return Err("after the host there must be /tcp/<port> or /udp/<port>/quic-v1"),
    };
    if port == 0 {
        return Err("its port is not a number from 1 to 65535");
    }
    Ok(PeerLocation::Net { host, port, transport })
}

fn of_a_node(peer: &libp2p::PeerId) -> Result<PeerId, &'static str> {
    convert::peer_id(peer).ok_or("its peer id is not the one of a nostrp2p node")
}

fn named(name: &str, family: Family) -> Result<Host, &'static str> {
    let name = name.to_ascii_lowercase();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if name.is_empty() || name.len() > MAX_HOST || name.starts_with('.') || !name.bytes().all(known) {
        return Err("its host is neither a name nor an IP address");
    }
    // "1.2.3" or "256.1.1.1": a top-level domain is never numeric, so this was meant as an IPv4 address.
    let last = name.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("its host is not a complete IPv4 address");
    }
    Ok(Host::Name(name, family))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "12D3KooWJCGxmhNRnTzqsa3hyJNyKnHxR3ehT6rJZqbfYzJRVTkN";

    fn a_peer() -> String {
        let peer = PeerId::from_ed25519([7; 32]).to_string();
        assert_eq!(peer.len(), PEER.len());
        peer
    }

    #[test]
    fn a_link_local_address_is_refused_with_the_true_reason() {
        for text in [
            "[fe80::1%eth0]:20000",
            "[fe80::1]:20000",
            "/ip6/fe80::1/tcp/20000",
            "/ip6zone/eth0/ip6/fe80::1/tcp/1",
        ] {
            let error = text.parse::<PeerAddress>().unwrap_err().to_string();
            assert!(error.contains("network interface"), "{text}: {error}");
        }
    }

    #[test]
    fn addresses_are_parsed_and_shown() {
        let peer = a_peer();
        let rows = [
            ("example.org:20000", "example.org:20000"),
            ("Example.ORG:1", "example.org:1"),
            (" localhost:65535 ", "localhost:65535"),
            ("my_host:20000", "my_host:20000"),
            ("192.0.2.1:20000", "192.0.2.1:20000"),
            ("[::1]:20000", "[::1]:20000"),
            ("[2001:db8::1]:20000", "[2001:db8::1]:20000"),
            ("/ip4/192.0.2.1/tcp/20000", "192.0.2.1:20000"),
            ("/ip6/::1/tcp/20000", "[::1]:20000"),
            ("/dns/example.org/tcp/20000", "example.org:20000"),
            ("/dns4/example.org/tcp/20000", "/dns4/example.org/tcp/20000"),
            ("/dns6/example.org/tcp/20000", "/dns6/example.org/tcp/20000"),
            ("/ip4/192.0.2.1/udp/20000/quic-v1", "/ip4/192.0.2.1/udp/20000/quic-v1"),
            ("/memory/7", "/memory/7"),
        ];
        for (text, shown) in rows {
            let address: PeerAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address.clone()), "{shown} means the same again");
            assert_eq!(PeerAddress::from_multiaddr(&address.to_multiaddr()), Ok(address));
        }
        for text in ["/ip4/192.0.2.1/tcp/20000", "/dns4/example.org/tcp/20000", "/ip6/::1/udp/1/quic-v1"] {
            let text = format!("{text}/p2p/{peer}");
            let address: PeerAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(address.peer().unwrap().to_string(), peer);
        }
    }

    #[test]
    fn circuits_are_parsed_and_shown() {
        let (relay, peer) = (PeerId::from_ed25519([9; 32]), a_peer());
        for place in ["/ip4/192.0.2.1/tcp/1", "/dns4/a.example/udp/2/quic-v1", "/memory/3"] {
            for end in ["", &format!("/p2p/{peer}")] {
                let text = format!("{place}/p2p/{relay}/p2p-circuit{end}");
                let address: PeerAddress = text.parse().unwrap();
                assert!(address.is_circuit());
                assert_eq!(address.to_string(), text);
                assert_eq!(address.peer().is_some(), !end.is_empty());
                assert_eq!(address.place.first_hop().to_multiaddr().to_string(), place);
            }
        }
        let longest =
            format!("/dns4/{}/udp/65535/quic-v1/p2p/{relay}/p2p-circuit/p2p/{peer}", "a".repeat(253));
        assert!(longest.parse::<PeerAddress>().is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let peer = a_peer();
        let rows = [
            ("", "it is empty"),
            ("example.org", "it has no port"),
            ("example.org:", "its port is not a number from 1 to 65535"),
            ("example.org:0", "its port is not a number from 1 to 65535"),
            ("example.org:65536", "its port is not a number from 1 to 65535"),
            ("example.org:+80", "its port is not a number from 1 to 65535"),
            (":20000", "its host is neither a name nor an IP address"),
            ("exa mple:20000", "its host is neither a name nor an IP address"),
            ("é.org:20000", "its host is neither a name nor an IP address"),
            ("256.1.1.1:20000", "its host is not a complete IPv4 address"),
            ("1.2.3:20000", "its host is not a complete IPv4 address"),
            ("::1:20000", "an IPv6 address needs brackets before the port"),
            ("[::1:20000", "between [ and ] there is no IPv6 address"),
            ("[example.org]:20000", "between [ and ] there is no IPv6 address"),
            ("http://example.org:20000", "it is the URL of a page or relay"),
            ("wss://example.org", "it is the URL of a page or relay"),
            ("/", "it begins with / but is no multiaddr"),
            ("/ip4/300.1.1.1/tcp/1", "it begins with / but is no multiaddr"),
            ("/ip4/192.0.2.1", "after the host there must be /tcp/<port> or /udp/<port>/quic-v1"),
            ("/ip4/192.0.2.1/tcp/0", "its port is not a number from 1 to 65535"),
            ("/ip4/192.0.2.1/udp/5", "after /udp/<port> only /quic-v1 is known"),
            ("/ip4/192.0.2.1/tcp/1/ws", "it goes on after the port with something else than /p2p/<peer id>"),
            ("/tcp/1", "it begins with none of /ip4, /ip6, /dns, /dns4, /dns6"),
            (
                "/ip4/1.1.1.1/tcp/1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
                "its peer id is not the one of a nostrp2p node",
            ),
            (&format!("/ip4/1.1.1.1/tcp/1/p2p/{peer}/tcp/1"), "it goes on after the peer id"),
            (&format!("/p2p/{peer}/p2p-circuit"), "it begins with none of /ip4, /ip6, /dns, /dns4, /dns6"),
            ("/ip4/1.1.1.1/tcp/1/p2p-circuit", "before /p2p-circuit there is no /p2p/<peer id of the relay>"),
            (
                &format!("/ip4/1.1.1.1/tcp/1/p2p/{peer}/p2p-circuit/tcp/1"),
                "after /p2p-circuit only /p2p/<peer id> is known",
            ),
            (
                &format!("/ip4/1.1.1.1/tcp/1/p2p/{peer}/p2p-circuit/p2p/{peer}/p2p-circuit"),
                "it goes on after the peer id",
            ),
            (&"x".repeat(1_000_000), "it is too long"),
        ];
        for (text, problem) in rows {
            let error = text.parse::<PeerAddress>().expect_err(text);
            assert_eq!(error.problem, problem, "{text}");
            assert!(error.to_string().len() < 400, "the sentence stays short: {error}");
        }
    }
}
