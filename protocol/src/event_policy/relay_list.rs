//! Lists of relays (NIP-65, NIP-17) that name an address of the owner's own machine or network.
//!
//! Such an address discloses the layout of that network, and makes other people's programs dial *their* localhost. So
//! the list stays on the owner's node.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::conversation::says_everyone;
use crate::{Authority, Kind, UnsignedEvent};

/// Relays where somebody reads and writes (NIP-65), in `r` tags.
const RELAY_LIST: Kind = Kind(10_002);
/// Relays where somebody gets direct messages (NIP-17), in `relay` tags.
const MESSAGE_RELAYS: Kind = Kind(10_050);
/// Ends of names that only a home network, a machine or a tailnet knows.
const INSIDE: [&str; 7] = [".local", ".localhost", ".internal", ".lan", ".home", ".home.arpa", ".ts.net"];

/// The first address of a list of relays that leads into its author's own machine or network; none if its author has
/// agreed to publish it by saying that it is for everyone ([`says_everyone`]).
pub fn inside_address(unsigned: &UnsignedEvent) -> Option<&str> {
    let name = match unsigned.kind {
        RELAY_LIST => "r",
        MESSAGE_RELAYS => "relay",
        _ => return None,
    };
    if says_everyone(unsigned) {
        return None;
    }
    unsigned.tag_values(name).find(|url| is_inside_url(url))
}

/// Whether the address of a relay leads into a machine or network of somebody's own; see [`is_inside_name`].
pub fn is_inside_url(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, authority)| authority);
    authority.parse().is_ok_and(|authority| is_inside_name(&authority))
}

/// Whether a name leads into a machine or network of somebody's own, so that it leads strangers elsewhere or nowhere.
pub fn is_inside_name(authority: &Authority) -> bool {
    match authority.ip() {
        Some(IpAddr::V4(ip)) => is_inside_v4(ip),
        Some(IpAddr::V6(ip)) => is_inside_v6(ip),
        None => {
            let host = authority.host().trim_end_matches('.');
            !host.contains('.') || INSIDE.iter().any(|end| host.ends_with(end))
        }
    }
}

const fn is_inside_v4(ip: Ipv4Addr) -> bool {
    let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
    ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || shared
}

const fn is_inside_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use crate::{EventTemplate, PublicKey, Tag, event_policy::everyone_tag};

    use super::*;

    fn list(kind: Kind, name: &str, urls: &[&str]) -> UnsignedEvent {
        let tags = urls.iter().map(|url| Tag::new([name, *url])).collect();
        let draft = EventTemplate { created_at: 1, kind, tags, content: String::new() };
        draft.by(PublicKey::from_bytes([1; 32]))
    }

    #[test]
    fn addresses_of_a_machine_or_home_network_are_found() {
        for inside in [
            "ws://localhost:34221/",
            "ws://LOCALHOST",
            "ws://app.localhost:1/",
            "ws://127.0.0.1:20001",
            "ws://192.168.1.7:20001/",
            "wss://10.0.0.1",
            "ws://172.20.0.1/x",
            "ws://169.254.1.1",
            "ws://100.100.1.1",
            "ws://0.0.0.0:1",
            "ws://[::1]:20001",
            "ws://[fd00::1]",
            "ws://[fe80::1]",
            "ws://[::ffff:192.168.1.7]",
            "ws://nas.local",
            "ws://printer:80",
            "wss://phone.tail1.ts.net",
            "ws://user@192.168.1.7",
        ] {
            let public = "wss://relay.example.com";
            assert_eq!(inside_address(&list(RELAY_LIST, "r", &[public, inside])), Some(inside));
            assert_eq!(inside_address(&list(MESSAGE_RELAYS, "relay", &[inside])), Some(inside));
        }
    }

    #[test]
    fn a_list_to_which_its_author_has_agreed_is_like_any_other() {
        let mut list = list(RELAY_LIST, "r", &["ws://localhost:1"]);
        list.tags.push(Tag::new(["audience", "other"]));
        assert!(inside_address(&list).is_some());
        list.tags.push(everyone_tag());
        assert_eq!(inside_address(&list), None);
    }

    #[test]
    fn public_addresses_and_other_events_are_left_alone() {
        for public in [
            "wss://relay.example.com/",
            "wss://203.0.113.1:444/path",
            "ws://[2001:db8::1]",
            "wss://hidden.onion",
            "no address",
            "wss://local.example",
        ] {
            assert_eq!(inside_address(&list(RELAY_LIST, "r", &[public])), None, "{public}");
        }
        assert_eq!(inside_address(&list(RELAY_LIST, "relay", &["ws://localhost"])), None);
        assert_eq!(inside_address(&list(Kind::POST, "r", &["ws://localhost"])), None);
    }
}
