//! Addresses of relays.

use nostrp2p_protocol::{Authority, event_policy::is_inside_name};

/// Reads the address of a relay as a person writes it: `wss://host/path`, or `ws://` for one without TLS.
///
/// # Errors
/// One sentence that says what is expected.
pub fn relay_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let wrong = || format!("{text:?} is no address of a relay; give one such as wss://relay.example.com");
    let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) =
        rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
    let plain = |letter: char| letter.is_ascii_graphic() && !['"', '\\'].contains(&letter);
    let known = matches!(scheme.as_str(), "ws" | "wss");
    if !known || authority.is_empty() || authority.contains('@') || !rest.chars().all(plain) {
        return Err(wrong());
    }
    let authority = authority.to_ascii_lowercase();
    Ok(match path {
        Some(path) => format!("{scheme}://{authority}/{path}"),
        None => format!("{scheme}://{authority}"),
    })
}

/// The same for an address that somebody else wrote: with TLS, and a name outside of this machine and network, so
/// that nobody makes the node connect to devices in its owner's network.
pub(crate) fn foreign_relay_url(text: &str) -> Option<String> {
    let url = relay_url(text).ok()?;
    let name: Authority = url.strip_prefix("wss://")?.split('/').next()?.parse().ok()?;
    let last = name.host().trim_end_matches('.').rsplit('.').next()?;
    // Of addresses in digits nobody can tell whose they are.
    let public = name.ip().is_none()
        && !is_inside_name(&name)
        && last.len() >= 2
        && last.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
        && !["arpa", "onion"].contains(&last);
    public.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (text, url) in [
            ("wss://Relay.Example.com/", "wss://relay.example.com"),
            (" WSS://relay.example.com:444/Path ", "wss://relay.example.com:444/Path"),
            ("ws://127.0.0.1:7000", "ws://127.0.0.1:7000"),
        ] {
            assert_eq!(relay_url(text).as_deref(), Ok(url));
        }
        for wrong in
            ["", "relay.example.com", "https://a.example", "wss://", "wss://a b", "wss://user@a.example"]
        {
            assert!(relay_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn others_do_not_send_the_node_into_its_own_network() {
        assert_eq!(foreign_relay_url("wss://relay.example.com"), Some("wss://relay.example.com".into()));
        for inside in [
            "ws://relay.example.com",
            "wss://127.0.0.1",
            "wss://192.168.1.1:8443",
            "wss://[::1]",
            "wss://localhost",
            "wss://printer",
            "wss://nas.local",
            "wss://phone.tail1.ts.net",
            "wss://0x7f.1",
            "wss://box.home.arpa",
            "wss://1.0.0.127.in-addr.arpa",
            "wss://hidden.onion",
            "wss://203.0.113.1",
            "wss://[2001:db8::1]",
        ] {
            assert_eq!(foreign_relay_url(inside), None, "{inside}");
        }
    }
}
