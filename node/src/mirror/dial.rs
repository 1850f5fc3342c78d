//! From the address of a relay to a TCP connection: resolves its name and tries all its addresses (RFC 8305).
//!
//! A name often has an IPv6 and an IPv4 address, and often one of them drops packets. So the next address is tried
//! when the one before has not answered within 250 ms, and the first connection that stands is used.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use nostrp2p_overlay::Lookups;
use nostrp2p_protocol::{Authority, event_policy::is_inside_name};
use tokio::{net::TcpStream, time::sleep};

/// How long an address has for itself before the next one is tried beside it: RFC 8305, section 5.
const NEXT_AFTER: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// To which addresses of a name the node connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialable {
    /// To any: the owner has named the relay.
    Any,
    /// To public ones: somebody else has named it, and may have led the name into the node's own network.
    Public,
}

impl Dialable {
    fn allows(self, address: &SocketAddr) -> bool {
        self == Self::Any || !is_inside_name(&Authority::from(*address))
    }
}

/// The parts of a relay's address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MirrorAddress<'a> {
    pub(super) secure: bool,
    /// A name or an IP address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as they stand there.
    pub(super) authority: &'a str,
    /// Without the slash at its beginning.
    pub(super) path: &'a str,
}

impl<'a> MirrorAddress<'a> {
    /// Takes `wss://host[:port][/path]` or `ws://...` apart.
    pub(super) fn of(url: &'a str) -> Option<Self> {
        let (secure, rest) = match url.strip_prefix("wss://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("ws://")?),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let usual = if secure { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            // A colon within brackets belongs to an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { secure, host, port, authority, path })
    }
}

/// Connects to whichever address of a host answers first.
///
/// # Errors
/// When the name has no address to which the node connects, or none of them takes the connection; the last failure.
pub(super) async fn dial(
    host: &str,
    port: u16,
    names: &Lookups,
    dialable: Dialable,
) -> io::Result<TcpStream> {
    let mut addresses = match host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => names.addresses(host, port).await.map_err(io::Error::other)?,
    };
    let some = !addresses.is_empty();
    addresses.retain(|address| dialable.allows(address));
    if some && addresses.is_empty() {
        return Err(io::Error::other("its name leads into a private network"));
    }
    race(interleave(addresses)).await
}

/// The first family of the system's order first, then in turn, so that one broken family costs one step.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let longest = first.len().max(other.len());
    let in_turn = (0..longest).flat_map(|place| [first.get(place), other.get(place)]);
    in_turn.flatten().copied().take(MAX_ADDRESSES).collect()
}

async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut waiting = addresses.into_iter();
    let mut trying = FuturesUnordered::new();
    trying.extend(waiting.next().map(TcpStream::connect));
    loop {
        tokio::select! {
            tried = trying.next() => match tried {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => {
                    failure = error;
                    match waiting.next() {
                        Some(next) => trying.push(TcpStream::connect(next)),
                        None if trying.is_empty() => return Err(failure),
                        None => {}
                    }
                }
                None => return Err(failure),
            },
            () = sleep(NEXT_AFTER), if waiting.len() > 0 => {
                trying.extend(waiting.next().map(TcpStream::connect));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[test]
    fn the_address_of_a_relay_is_taken_apart() {
        let place = |secure, host: &str, port, authority, path| {
            Some(MirrorAddress { secure, host: host.to_owned(), port, authority, path })
        };
        assert_eq!(MirrorAddress::of("wss://a.example"), place(true, "a.example", 443, "a.example", ""));
        assert_eq!(
            MirrorAddress::of("ws://a.example:7/x/y"),
            place(false, "a.example", 7, "a.example:7", "x/y")
        );
        assert_eq!(MirrorAddress::of("ws://[::1]:7"), place(false, "::1", 7, "[::1]:7", ""));
        assert_eq!(MirrorAddress::of("ws://[::1]"), place(false, "::1", 80, "[::1]", ""));
        assert_eq!(
            (MirrorAddress::of("https://a.example"), MirrorAddress::of("ws://a.example:x")),
            (None, None)
        );
    }

    #[tokio::test]
    async fn a_name_of_somebody_else_leads_to_no_private_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let names = Lookups::default();
        for inside in ["127.0.0.1", "localhost"] {
            assert!(dial(inside, port, &names, Dialable::Any).await.is_ok());
            let error = dial(inside, port, &names, Dialable::Public).await.unwrap_err();
            assert!(error.to_string().contains("private network"), "{error}");
        }
        for (address, public) in [
            ("192.168.1.1:1", false),
            ("[::ffff:10.0.0.1]:1", false),
            ("[fd00::1]:1", false),
            ("192.0.2.1:1", true),
        ] {
            assert_eq!(Dialable::Public.allows(&address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn both_families_come_in_turn() {
        let addresses = ["[2001:db8::1]:1", "[2001:db8::2]:1", "192.0.2.1:1", "[2001:db8::3]:1"];
        let addresses = addresses.map(|text| text.parse::<SocketAddr>().unwrap());
        let [one, two, four, three] = addresses;
        assert_eq!(interleave(addresses.to_vec()), [one, four, two, three]);
    }

    #[tokio::test]
    async fn an_address_that_swallows_packets_does_not_hide_the_next_one() {
        // A listener whose queue is full takes no connection and refuses none.
        let silent = TcpSocket::new_v4().unwrap();
        silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let silent = silent.listen(1).unwrap();
        let dead = silent.local_addr().unwrap();
        let mut filling = Vec::new();
        while let Ok(filled) =
            tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(dead)).await
        {
            filling.push(filled.unwrap());
        }
        let living = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = living.local_addr().unwrap();
        let stream = race(vec![dead, address]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        drop(living);
        let error = race(vec![address]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
