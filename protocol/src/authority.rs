//! Host and port of an address, normalised (RFC 3986, 6.2.3). All comparisons of addresses use this type.
//!
//! Logins (NIP-42, NIP-98, `/client`) and a browser's `Origin` name a node by a URL, and a request names it by its
//! `Host`. A node behind a proxy does not know the scheme that its clients use, so the scheme of the URL decides the
//! default port only.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use url::{Host, Position, Url};

/// Longest authority that is looked at, in bytes: a name of the DNS (RFC 1035) and a port, with room.
pub const MAX_AUTHORITY_BYTES: usize = 300;
/// Longest URL that is looked at, in bytes: what other relays and HTTP servers take.
const MAX_URL_BYTES: usize = 2_048;
/// Characters that no authority contains, although a lenient parser finds one before or after them.
const FOREIGN: [char; 5] = ['/', '\\', '?', '#', '@'];

/// `host` or `host:port`: the host in lower case and, where it is international, in Punycode.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Authority {
    host: String,
    ip: Option<IpAddr>,
    port: Option<u16>,
}

/// It is no `host` or `host:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no host, such as node.example, 192.0.2.1:20001 or [2001:db8::1]:20001")]
pub struct NoAuthority;

impl Authority {
    /// The host; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one is named.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The host's address, for an IP literal. An IPv4 address that is mapped into IPv6 is IPv4.
    pub const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// Whether the host is a name that leads to the machine itself (RFC 6761, 6.3) or an address of it.
    pub fn is_loopback(&self) -> bool {
        match self.ip {
            Some(ip) => ip.is_loopback(),
            None => self.host == "localhost" || self.host.ends_with(".localhost"),
        }
    }

    /// Whether a URL (`http`, `https`, `ws`, `wss`) leads here. Without a port this is at the default port of the URL's
    /// scheme.
    pub fn is_of(&self, url: &str) -> bool {
        parse(url).is_some_and(|url| self.is_of_parsed(&url))
    }

    /// Whether a URL leads here and to this path with its query.
    pub fn is_of_path(&self, url: &str, path: &str) -> bool {
        let (Some(url), Some(own)) = (parse(url), parse(&format!("http://{}{path}", self.host))) else {
            return false;
        };
        let path = |url: &Url| url[Position::BeforePath..Position::AfterQuery].to_owned();
        self.is_of_parsed(&url) && path(&url) == path(&own)
    }

    fn is_of_parsed(&self, url: &Url) -> bool {
        let port = match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            None => url.port().is_none(),
        };
        port && host(url).is_some_and(|(host, _)| host == self.host)
    }
}

impl FromStr for Authority {
    type Err = NoAuthority;

    fn from_str(text: &str) -> Result<Self, NoAuthority> {
        let sound = text.len() <= MAX_AUTHORITY_BYTES
            && !text.contains(FOREIGN)
            && !text.contains(|char: char| char.is_whitespace() || char.is_control());
        if !sound {
            return Err(NoAuthority);
        }
        // Each scheme leaves its own default port out.
        let plain = parse(&format!("http://{text}")).ok_or(NoAuthority)?;
        let secure = parse(&format!("https://{text}")).ok_or(NoAuthority)?;
        let (host, ip) = host(&plain).ok_or(NoAuthority)?;
        Ok(Self { host, ip, port: plain.port().or(secure.port()) })
    }
}

impl From<SocketAddr> for Authority {
    fn from(address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        Self { host: literal(ip), ip: Some(ip), port: Some(address.port()) }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(out, "{}:{port}", self.host),
            None => out.write_str(&self.host),
        }
    }
}

/// The origin of a web page (RFC 6454) in its normal form; None for what is none, such as `null`, or a URL with a path.
pub fn normal_origin(text: &str) -> Option<String> {
    if let Some(url) = parse(text) {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let named = url.username().is_empty() && url.password().is_none();
        return (bare && named).then(|| url.origin().ascii_serialization());
    }
    // Extensions of browsers have schemes of their own.
    let (scheme, id) = text.split_once("://")?;
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let known = matches!(scheme, "http" | "https" | "ws" | "wss");
    (!known && plain(scheme) && plain(id)).then(|| text.to_ascii_lowercase())
}

/// A URL of a sort that leads to a node.
fn parse(url: &str) -> Option<Url> {
    let url = (url.len() <= MAX_URL_BYTES).then(|| Url::parse(url).ok()).flatten()?;
    matches!(url.scheme(), "http" | "https" | "ws" | "wss").then_some(url)
}

/// The normalised host of a URL, and its address, for an IP literal.
fn host(url: &Url) -> Option<(String, Option<IpAddr>)> {
    let ip = match url.host()? {
        Host::Domain(name) => return (!name.is_empty()).then(|| (name.to_owned(), None)),
        Host::Ipv4(ip) => IpAddr::V4(ip),
        Host::Ipv6(ip) => IpAddr::V6(ip).to_canonical(),
    };
    Some((literal(ip), Some(ip)))
}

fn literal(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authority: &str, url: &str, expected: bool) {
        let parsed: Authority = authority.parse().unwrap();
        assert_eq!(parsed.is_of(url), expected, "{authority} {url}");
    }

    #[test]
    fn addresses_are_compared_as_rfc_3986_normalises_them() {
        check("node.example", "wss://node.example/", true);
        check("node.example", "wss://NODE.Example", true);
        check("node.example", "wss://node.example:443/client", true);
        check("node.example:443", "wss://node.example", true);
        check("node.example:80", "ws://node.example", true);
        check("node.example", "ws://node.example:80", true);
        check("node.example:20001", "ws://node.example:20001/", true);
        check("b\u{fc}cher.example", "wss://B\u{dc}CHER.example", true);
        check("xn--bcher-kva.example", "wss://b\u{fc}cher.example", true);
        check("[2001:db8::1]:20001", "ws://[2001:DB8:0:0::1]:20001", true);
        check("node.example", "ws://node.example:443", false);
        check("node.example", "wss://node.example:80", false);
        check("node.example:20001", "wss://node.example", false);
        check("node.example:20001", "wss://node.example:20002", false);
        check("node.example", "wss://node.example.evil", false);
        check("node.example", "wss://node.example@evil.example", false);
        check("node.example", "ftp://node.example", false);
        for rubbish in ["", "node.example", "wss://", "//node.example", "wss:node example"] {
            check("node.example", rubbish, false);
        }
    }

    #[test]
    fn a_path_counts_with_its_query_where_it_is_asked_for() {
        let own: Authority = "node.example".parse().unwrap();
        assert!(own.is_of_path("https://node.example/req", "/req"));
        assert!(own.is_of_path("https://node.example", "/"));
        assert!(own.is_of_path("https://node.example/req?a=b", "/req?a=b"));
        for other in ["https://node.example/req/", "https://node.example/req?x", "https://evil.example/req"] {
            assert!(!own.is_of_path(other, "/req"), "{other}");
        }
    }

    #[test]
    fn an_origin_has_one_form() {
        for (text, expected) in [
            ("https://Page.example", Some("https://page.example")),
            ("https://page.example:443/", Some("https://page.example")),
            ("http://page.example:8000", Some("http://page.example:8000")),
            ("chrome-extension://abc", Some("chrome-extension://abc")),
            ("https://page.example/x", None),
            ("https://me@page.example", None),
            ("page.example", None),
            ("null", None),
            ("", None),
            ("file://", None),
        ] {
            assert_eq!(normal_origin(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_authority_is_none() {
        for text in
            ["", " ", "a b", "me@node.example", "node.example/x", "node.example?x", "a\\b", "a:b", "[::1"]
        {
            assert_eq!(text.parse::<Authority>(), Err(NoAuthority), "{text:?}");
        }
        assert!(format!("{}.example", "a".repeat(MAX_AUTHORITY_BYTES)).parse::<Authority>().is_err());
    }

    #[test]
    fn an_ip_literal_is_the_address_whatever_its_form() {
        let of = |text: &str| text.parse::<Authority>().unwrap();
        for text in ["127.0.0.1:5", "127.1:5", "0x7f000001:5"] {
            assert_eq!(of(text), SocketAddr::from(([127, 0, 0, 1], 5)).into(), "{text}");
        }
        let mapped: SocketAddr = "[::ffff:127.0.0.1]:5".parse().unwrap();
        assert_eq!(Authority::from(mapped).to_string(), "127.0.0.1:5");
        assert_eq!(of("[::ffff:127.0.0.1]:5").ip(), of("127.0.0.1").ip());
        assert!(
            of("app.localhost:1").is_loopback()
                && of("[::1]").is_loopback()
                && !of("localhost.x").is_loopback()
        );
    }
}
