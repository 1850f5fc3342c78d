//! Addresses of a person's node, and claim links. Parsed once; code behind it need not check them again.

use nostrp2p_protocol::{PeerId, channel::ChannelKey};

pub mod ways;

use ways::Home;

/// The port of a node's client interface when none is given.
const DEFAULT_PORT: u16 = 20_001;
/// Longest address that is read, in characters; a claim link with three helpers has about 400.
const MAX_CHARACTERS: usize = 2_000;

/// The address of a node's client interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress {
    secure: bool,
    authority: String,
}

/// The token in a claim link, behind its `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimToken(pub [u8; 16]);

/// A claim link, whole or in part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClaimLink {
    /// The node that it names; none if it is the one that served the page.
    pub node: Option<NodeAddress>,
    /// The right to become the owner.
    pub token: Option<ClaimToken>,
    /// Which node must answer, whatever answers, and by what it is recognised.
    pub identity: Option<(PeerId, ChannelKey)>,
    /// How the node is found from anywhere.
    pub home: Option<Home>,
}

/// Why a text is no address of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidAddress {
    /// Nothing was entered.
    Empty,
    /// The text is no address.
    Form,
    /// The port is no number from 1 to 65535.
    Port,
    /// The token of a claim link is cut off or mistyped.
    Token,
    /// The part of a link about the way home is cut off or mistyped.
    Way,
}

impl NodeAddress {
    /// The node that served the page, from the page's `location`; none for a page that is no http page.
    pub fn of_page(protocol: &str, host: &str) -> Option<Self> {
        let secure = match protocol {
            "https:" => true,
            "http:" => false,
            _ => return None,
        };
        (!host.is_empty()).then(|| Self { secure, authority: host.to_ascii_lowercase() })
    }

    /// Reads what a person typed: `host`, `host:port`, or a link with http, https, ws or wss.
    /// Without a scheme, loopback is reached plainly and anything else the way the page itself came.
    ///
    /// # Errors
    /// Says what does not read as an address.
    pub fn parse(text: &str, page_is_secure: bool) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidAddress::Empty);
        }
        if text.len() > MAX_CHARACTERS {
            return Err(InvalidAddress::Form);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let (host, port) = host_and_port(&authority)?;
        let secure = match scheme.as_deref() {
            Some("https" | "wss") => true,
            Some("http" | "ws") => false,
            Some(_) => return Err(InvalidAddress::Form),
            None => page_is_secure && !is_loopback(host),
        };
        let standard = if secure { 443 } else { 80 };
        let port = port.unwrap_or(if scheme.is_some() { standard } else { DEFAULT_PORT });
        // Browsers leave the standard port out of the Host header, and the login names what stands there.
        let authority = if port == standard { host.to_owned() } else { format!("{host}:{port}") };
        Ok(Self { secure, authority })
    }

    /// The address of the WebSocket.
    pub fn url(&self) -> String {
        self.origin() + "/client"
    }

    /// The address without a path: `ws://...` or `wss://...`.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "wss" } else { "ws" }, self.authority)
    }

    /// `host` or `host:port`, as the browser names it in the Host header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether the way there is encrypted.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether the node is on this very device.
    pub fn is_loopback(&self) -> bool {
        host_and_port(&self.authority).is_ok_and(|(host, _)| is_loopback(host))
    }
}

impl ClaimLink {
    /// Whether the part of an address behind `#` wants something of this page, and does not only name a screen.
    pub fn is_wish(fragment: &str) -> bool {
        let named = |part: &str| {
            ["claim=", "node=", "peer=", "key=", "way="].iter().any(|name| part.starts_with(name))
        };
        fragment.trim_start_matches('#').split('&').any(named)
    }

    /// Which node must answer, if the link says so.
    pub fn peer(&self) -> Option<PeerId> {
        self.identity.map(|(peer, _)| peer)
    }

    /// Reads the part of an address behind `#`: `claim=<32 hex digits>`, `node=<address>`, and for the way home
    /// `peer=<peer id>`, `key=<64 hex digits>` and any number of times `way=<address of a helper>`, in any order.
    ///
    /// # Errors
    /// When a part is there but does not read.
    pub fn from_fragment(fragment: &str, page_is_secure: bool) -> Result<Self, InvalidAddress> {
        let mut link = Self::default();
        let (mut peer, mut key, mut helpers) = (None, None, Vec::new());
        for part in fragment.trim_start_matches('#').split('&') {
            match part.split_once('=') {
                Some(("claim", token)) => link.token = Some(ClaimToken::parse(token)?),
                Some(("node", node)) => {
                    link.node = Some(NodeAddress::parse(&percent_decoded(node), page_is_secure)?);
                }
                Some(("peer", name)) => peer = Some(name.parse().map_err(|_| InvalidAddress::Way)?),
                Some(("key", digits)) => key = Some(digits.parse().map_err(|_| InvalidAddress::Way)?),
                Some(("way", way)) => {
                    let way = NodeAddress::parse(&percent_decoded(way), true)?;
                    // Whoever listens on a plain way learns at least who talks to whom, and pages may not use it.
                    helpers.push(Some(way).filter(NodeAddress::is_secure).ok_or(InvalidAddress::Way)?);
                }
                _ => {}
            }
        }
        link.identity = match (peer, key) {
            (None, None) if helpers.is_empty() => None,
            (Some(peer), Some(key)) => Some((peer, key)),
            _ => return Err(InvalidAddress::Way),
        };
        if let (Some((peer, key)), false) = (link.identity, helpers.is_empty()) {
            link.home = Some(Home { peer, key, addresses: Vec::new(), helpers });
        }
        Ok(link)
    }

    /// Reads what a person pasted: a claim link, an address, or the digits of a token alone.
    ///
    /// # Errors
    /// Says what does not read.
    pub fn parse(text: &str, page_is_secure: bool) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        if let Ok(token) = ClaimToken::parse(text) {
            return Ok(Self { token: Some(token), ..Self::default() });
        }
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        let inner = Self::from_fragment(fragment, page_is_secure)?;
        let node = match inner.node {
            Some(node) => Some(node),
            None if before.is_empty() && (inner.token.is_some() || inner.home.is_some()) => None,
            None => Some(NodeAddress::parse(before, page_is_secure)?),
        };
        Ok(Self { node, ..inner })
    }
}

impl ClaimToken {
    fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let mut token = [0; 16];
        if text.len() != 32 {
            return Err(InvalidAddress::Token);
        }
        for (index, byte) in token.iter_mut().enumerate() {
            let digits = text.get(index * 2..index * 2 + 2).ok_or(InvalidAddress::Token)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(InvalidAddress::Token);
            }
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidAddress::Token)?;
        }
        Ok(Self(token))
    }
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), InvalidAddress> {
    let end_of_host = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').map(|index| index + 1).ok_or(InvalidAddress::Form)?,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at_checked(end_of_host).ok_or(InvalidAddress::Form)?;
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte))
    {
        return Err(InvalidAddress::Form);
    }
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0).ok_or(InvalidAddress::Port)?),
        None if rest.is_empty() => None,
        None => return Err(InvalidAddress::Form),
    };
    Ok((host, port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
}

/// Undoes `%3A` and `%2F`, which a link may carry in its fragment; other escapes do not occur in an address.
fn percent_decoded(text: &str) -> String {
    text.replace("%3A", ":").replace("%3a", ":").replace("%2F", "/").replace("%2f", "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "000102030405060708090a0b0c0d0e0f";

    #[track_caller]
    fn check(text: &str, page_is_secure: bool, expected: Result<&str, InvalidAddress>) {
        let url = NodeAddress::parse(text, page_is_secure).map(|address| address.url());
        assert_eq!(url, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn addresses_are_read_as_people_type_them() {
        check("127.0.0.1:20001", false, Ok("ws://127.0.0.1:20001/client"));
        check(" LOCALHOST ", true, Ok("ws://localhost:20001/client"));
        check("node.example", true, Ok("wss://node.example:20001/client"));
        check("192.168.0.7:20001", false, Ok("ws://192.168.0.7:20001/client"));
        check("https://node.example", false, Ok("wss://node.example/client"));
        check("https://node.example:443/", false, Ok("wss://node.example/client"));
        check("http://127.0.0.1:20011/#claim=0", true, Ok("ws://127.0.0.1:20011/client"));
        check("wss://a-b.example:8443/client", false, Ok("wss://a-b.example:8443/client"));
        check("http://[::1]:20001", true, Ok("ws://[::1]:20001/client"));
    }

    #[test]
    fn what_is_no_address_is_named() {
        check("  ", false, Err(InvalidAddress::Empty));
        for text in ["ftp://x", "a b", "http://", "[::1", "x:1:2y", "näh", &"x".repeat(2_001)] {
            assert!(NodeAddress::parse(text, false).is_err(), "{text}");
        }
        for text in ["x:0", "x:65536", "x:", "x:abc", "x:-1"] {
            check(text, false, Err(InvalidAddress::Port));
        }
    }

    #[test]
    fn claim_links_are_read_whole_and_in_part() {
        let token = Some(ClaimToken([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
        let node = NodeAddress::parse("127.0.0.1:20001", false).ok();
        let check = |text: &str, node: &Option<NodeAddress>, token| {
            assert_eq!(
                ClaimLink::parse(text, false),
                Ok(ClaimLink { node: node.clone(), token, ..ClaimLink::default() }),
                "{text}"
            );
        };
        check(&format!("http://127.0.0.1:20001/#claim={TOKEN}"), &node, token);
        check(TOKEN, &None, token);
        check(&format!("#claim={TOKEN}"), &None, token);
        check("127.0.0.1:20001", &node, None);
        check(
            &format!("https://page.example/#claim={TOKEN}&node=ws%3A%2F%2F127.0.0.1%3A20001"),
            &node,
            token,
        );
        let from_page = ClaimLink::from_fragment(&format!("#claim={TOKEN}"), false);
        assert_eq!(from_page, Ok(ClaimLink { token, ..ClaimLink::default() }));
        assert_eq!(ClaimLink::from_fragment("#/network", false), Ok(ClaimLink::default()));
    }

    #[test]
    fn a_link_tells_the_way_home_whole_or_not_at_all() {
        let peer = PeerId::from_ed25519([3; 32]);
        let key = "07".repeat(32);
        let whole = format!("#peer={peer}&key={key}&way=wss://a.example&way=wss%3A%2F%2Fb.example%3A8443");
        let home = ClaimLink::from_fragment(&whole, false).unwrap().home.unwrap();
        assert_eq!((home.peer, home.key.to_string()), (peer, key.clone()));
        assert_eq!(
            home.helpers.iter().map(NodeAddress::origin).collect::<Vec<_>>(),
            ["wss://a.example", "wss://b.example:8443"]
        );
        assert_eq!(ClaimLink::parse(&whole, false), ClaimLink::from_fragment(&whole, false));
        let pasted = ClaimLink::parse(&format!("http://127.0.0.1:20001/{whole}"), true).unwrap();
        assert!(pasted.home.is_some() && pasted.node.is_some());
        let known = ClaimLink::from_fragment(&format!("peer={peer}&key={key}"), false).unwrap();
        assert_eq!((known.peer(), known.home), (Some(peer), None), "a node without helpers");
        for part in [
            format!("peer={peer}&way=wss://a"),
            format!("key={key}&way=wss://a"),
            format!("peer=x&key={key}&way=wss://a"),
            format!("peer={peer}&key=07&way=wss://a"),
            format!("peer={peer}&key={key}&way=ws://a"),
        ] {
            assert_eq!(ClaimLink::from_fragment(&part, false), Err(InvalidAddress::Way), "{part}");
        }
    }

    #[test]
    fn a_wish_is_told_from_a_screen() {
        for wish in ["#claim=00", "#node=ws://x", "#peer=x", "#key=0&peer=1", "#way=", "#/&node=ws://x"] {
            assert!(ClaimLink::is_wish(wish), "{wish}");
        }
        for screen in ["", "#", "#/", "#/network", "#/p/npub1claim", "#/e/nevent1node"] {
            assert!(!ClaimLink::is_wish(screen), "{screen}");
        }
    }

    #[test]
    fn a_cut_off_token_is_refused() {
        for token in [&TOKEN[..31], "", &"g".repeat(32), &"é".repeat(16), &"+1".repeat(16)] {
            let link = ClaimLink::from_fragment(&format!("claim={token}"), false);
            assert_eq!(link, Err(InvalidAddress::Token), "{token}");
        }
    }
}
