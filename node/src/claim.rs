//! The claim link, which a new node prints on its terminal so that somebody can become its owner.

use std::{net::SocketAddr, path::Path};

use nostrp2p_core::Claim;
use nostrp2p_protocol::{PeerId, frame::Ways};
use qrcode::{QrCode, render::unicode::Dense1x2};

use crate::{clock, data_dir};

/// Makes a token. None when the system has no random numbers, which is logged.
pub(crate) fn fresh(seconds: u64) -> Option<Claim> {
    let mut token = [0; 16];
    match getrandom::fill(&mut token) {
        Ok(()) => Some(Claim { token, expires: clock::now().saturating_add(seconds) }),
        Err(error) => {
            tracing::error!(%error, "no random numbers for a claim link");
            None
        }
    }
}

/// The link, to be opened on a page. The token stands behind `#`, so that it is in no server's log.
pub(crate) fn link(page: &str, claim: &Claim, peer: &PeerId, ways: &Ways) -> String {
    format!("{page}/#claim={}&{}", hex::encode(claim.token), identity(peer, ways))
}

/// The part of a link that tells the ways home, with the sign before it; empty while no helper is known.
pub(crate) fn homeward(peer: &PeerId, ways: &Ways) -> String {
    if ways.helpers.is_empty() { String::new() } else { format!("#{}", identity(peer, ways)) }
}

/// Which node a link is for and by what it is recognised, whatever answers at its address; and the ways home.
fn identity(peer: &PeerId, ways: &Ways) -> String {
    let helpers: String = ways.helpers.iter().map(|helper| format!("&way={helper}")).collect();
    format!("peer={peer}&key={}{helpers}", ways.key)
}

/// The node's address for a browser on this machine.
pub(crate) fn address(clients: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    match clients {
        clients if clients.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{}", clients.port()),
        clients => format!("{scheme}://{clients}"),
    }
}

/// The file in the data directory that holds the link while it works, for `nostrp2p owner claim-link`.
const FILE: &str = "claim-link";

/// Keeps the link where only this user reads it, or takes it away. Failing is logged: the link was printed as well.
pub(crate) fn keep(data_dir: &Path, link: Option<&str>) {
    let path = data_dir.join(FILE);
    let done = match link {
        Some(link) => data_dir::write_private(&path, link.as_bytes()),
        None => match std::fs::remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            done => done,
        },
    };
    if let Err(error) = done {
        tracing::warn!(%error, file = %path.display(), "the claim link could not be kept or taken away");
    }
}

/// The link of a running node that has no owner.
pub(crate) fn kept(data_dir: &Path) -> Option<String> {
    std::fs::read_to_string(data_dir.join(FILE)).ok()
}

/// The text that a node without an owner prints.
pub(crate) fn text(link: &str, elsewhere: Option<&str>, minutes: u64, qr: bool) -> String {
    let mut text = String::new();
    let drawn = qr.then(|| QrCode::new(elsewhere.unwrap_or(link)).ok()).flatten();
    if let Some(code) = drawn {
        let code = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
        text = format!("{code}\n");
    }
    let validity = match minutes {
        1 => "one minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    };
    let mut lines = vec![
        "This node has no owner yet. Open this link to make it yours".to_owned(),
        format!("(it works once, within {validity}):"),
        String::new(),
        format!("  {link}"),
    ];
    if let Some(elsewhere) = elsewhere {
        lines.extend(["or, from anywhere:".to_owned(), format!("  {elsewhere}")]);
    }
    text + &lines.join("\n")
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::channel::ChannelKey;

    use super::{address as address_of, *};

    const CLAIM: Claim = Claim { token: [0xab; 16], expires: 0 };

    #[test]
    fn the_link_can_be_opened_on_this_machine() {
        let check = |address: &str, tls, expected: &str| {
            let page = address_of(address.parse().unwrap(), tls);
            let peer = PeerId::from_ed25519([5; 32]);
            let link = link(&page, &CLAIM, &peer, &ways(&[]));
            let (token, key) = ("ab".repeat(16), "07".repeat(32));
            assert_eq!(link, format!("{expected}/#claim={token}&peer={peer}&key={key}"));
        };
        check("127.0.0.1:20001", false, "http://127.0.0.1:20001");
        check("0.0.0.0:20001", true, "https://127.0.0.1:20001");
        check("[::]:20001", false, "http://127.0.0.1:20001");
        check("[::1]:20001", false, "http://[::1]:20001");
    }

    fn ways(helpers: &[&str]) -> Ways {
        let helpers = helpers.iter().map(|&helper| helper.to_owned()).collect();
        Ways { key: ChannelKey::from_bytes([7; 32]), addresses: vec![], helpers }
    }

    #[test]
    fn the_link_tells_the_ways_home() {
        let peer = PeerId::from_ed25519([5; 32]);
        let link = link("https://page", &CLAIM, &peer, &ways(&["wss://a.example", "wss://b.example:1"]));
        let (token, key) = ("ab".repeat(16), "07".repeat(32));
        let tail = format!("peer={peer}&key={key}&way=wss://a.example&way=wss://b.example:1");
        assert_eq!(link, format!("https://page/#claim={token}&{tail}"));
        assert_eq!(homeward(&peer, &ways(&[])), "");
    }

    #[test]
    fn the_link_stands_alone_on_its_line() {
        let text = text("http://x/#claim=1", Some("https://y/#claim=1"), 60, true);
        for link in ["http://x/#claim=1", "https://y/#claim=1"] {
            assert!(text.lines().any(|line| line.trim() == link), "{text}");
        }
        assert!(text.lines().count() > 10, "no QR code in {text}");
    }
}
