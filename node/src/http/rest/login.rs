//! How the owner proves himself with each request: NIP-98.
//!
//! `Authorization: Nostr <base64 of a signed event of kind 27235>`, which names address, method and time.
//! The scheme does not matter, because a node behind a proxy does not know it.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use nostrp2p_protocol::{Event, Kind, PublicKey, UnverifiedEvent};

/// The kind of a login for one HTTP request.
const HTTP_LOGIN: Kind = Kind(27_235);
/// How far its `created_at` may be from the node's clock, in seconds: what NIP-98 suggests.
const MAX_SECONDS_APART: u64 = 60;
/// Longest login: an event with four short tags, with room.
const MAX_CREDENTIALS_BYTES: usize = 8 * 1024;
/// With or without padding: clients do both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the request asks of whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) method: &'a str,
    /// Its `Host`, lower case.
    pub(super) authority: &'a str,
    /// With the query, if there is one.
    pub(super) path: &'a str,
}

/// Why a login proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidLogin {
    #[error("The Authorization header is not \"Nostr\" and a signed event in base64 (NIP-98)")]
    Form,
    #[error("The login is not an event of kind 27235")]
    Kind,
    #[error("The id or signature of the login is wrong")]
    Forged,
    #[error("The login was not signed by the owner of this node")]
    Signer,
    #[error("The login was signed for another address than the one it was sent to")]
    Address,
    #[error("The login was signed for another method than the one of this request")]
    Method,
    #[error(
        "The login is more than 60 seconds old or ahead; sign a new one, and set the clock that is wrong"
    )]
    Clock,
    #[error("The payload tag of the login is not a SHA-256 in hexadecimal digits")]
    Payload,
}

/// Checks an `Authorization` header; returns the hash that the body must have, if the login names one.
pub(super) fn check(
    credentials: &[u8],
    target: &Target<'_>,
    owner: &PublicKey,
    now: u64,
) -> Result<Option<[u8; 32]>, InvalidLogin> {
    let event = decode(credentials).ok_or(InvalidLogin::Form)?;
    if event.rumor.kind != HTTP_LOGIN {
        return Err(InvalidLogin::Kind);
    }
    if event.rumor.pubkey != *owner {
        return Err(InvalidLogin::Signer);
    }
    let event = event.verify().map_err(|_| InvalidLogin::Forged)?;
    fits(&event, target, now)?;
    let payload = event.tag_values("payload").next();
    payload.map(|hash| hash_of(hash).ok_or(InvalidLogin::Payload)).transpose()
}

fn decode(credentials: &[u8]) -> Option<UnverifiedEvent> {
    if credentials.len() > MAX_CREDENTIALS_BYTES {
        return None;
    }
    let (scheme, token) = std::str::from_utf8(credentials).ok()?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("nostr") {
        return None;
    }
    serde_json::from_slice(&BASE64.decode(token.trim()).ok()?).ok()
}

fn fits(event: &Event, target: &Target<'_>, now: u64) -> Result<(), InvalidLogin> {
    if !event.tag_values("u").next().is_some_and(|url| names(url, target)) {
        return Err(InvalidLogin::Address);
    }
    if !event.tag_values("method").next().is_some_and(|method| method.eq_ignore_ascii_case(target.method)) {
        return Err(InvalidLogin::Method);
    }
    if event.created_at.abs_diff(now) > MAX_SECONDS_APART {
        return Err(InvalidLogin::Clock);
    }
    Ok(())
}

/// Whether a URL is the one of the request. The usual port of its scheme may stand there or not.
fn names(url: &str, target: &Target<'_>) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let usual = match scheme.to_ascii_lowercase().as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    let bare = |authority: &'_ str| authority.strip_suffix(usual).unwrap_or(authority).to_owned();
    !authority.is_empty() && bare(&authority) == bare(target.authority) && path == target.path
}

fn hash_of(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{Draft, SecretKey, Tag};

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const TARGET: Target<'static> = Target { method: "POST", authority: "node.example:20001", path: "/req" };

    fn key() -> SecretKey {
        SecretKey::from_bytes([1; 32]).unwrap()
    }

    fn draft() -> Draft {
        let tags = vec![Tag::new(["u", "http://node.example:20001/req"]), Tag::new(["method", "POST"])];
        Draft { created_at: NOW, kind: HTTP_LOGIN, tags, content: String::new() }
    }

    fn header(event: &Event) -> Vec<u8> {
        format!("Nostr {}", BASE64.encode(serde_json::to_string(event).unwrap())).into_bytes()
    }

    #[track_caller]
    fn checked(draft: Draft, expected: Result<Option<[u8; 32]>, InvalidLogin>) {
        let login = header(&draft.sign(&key(), &[0; 32]));
        assert_eq!(check(&login, &TARGET, &key().public_key(), NOW), expected);
    }

    fn with(tags: &[[&str; 2]]) -> Draft {
        Draft { tags: tags.iter().map(|tag| Tag::new(*tag)).collect(), ..draft() }
    }

    #[test]
    fn a_login_fits_only_its_request_and_time() {
        checked(draft(), Ok(None));
        checked(Draft { created_at: NOW - 60, ..draft() }, Ok(None));
        checked(Draft { created_at: NOW - 61, ..draft() }, Err(InvalidLogin::Clock));
        checked(Draft { created_at: NOW + 61, ..draft() }, Err(InvalidLogin::Clock));
        checked(Draft { kind: Kind::LOGIN, ..draft() }, Err(InvalidLogin::Kind));
        let url = "https://NODE.example:20001/req";
        checked(with(&[["u", url], ["method", "post"]]), Ok(None));
        checked(with(&[["u", url], ["method", "GET"]]), Err(InvalidLogin::Method));
        checked(with(&[["u", url]]), Err(InvalidLogin::Method));
        for wrong in
            ["http://node.example:20001/publish", "http://node.example/req", "/req", "", "ftp://x/req"]
        {
            checked(with(&[["u", wrong], ["method", "POST"]]), Err(InvalidLogin::Address));
        }
    }

    #[test]
    fn the_usual_port_may_be_left_out() {
        let target = Target { authority: "node.example", ..TARGET };
        assert!(names("https://node.example:443/req", &target));
        assert!(names("http://node.example:80/req", &target));
        assert!(!names("http://node.example:443/req", &target));
        assert!(!names("https://node.example/req?x", &target));
    }

    #[test]
    fn a_payload_is_handed_on_and_a_broken_one_refused() {
        let (url, hash) = ("http://node.example:20001/req", "ab".repeat(32));
        let tags = |hash| with(&[["u", url], ["method", "POST"], ["payload", hash]]);
        checked(tags(&hash), Ok(Some([0xab; 32])));
        checked(tags("abc"), Err(InvalidLogin::Payload));
    }

    #[test]
    fn others_forgeries_and_rubbish_prove_nothing() {
        let other = draft().sign(&SecretKey::from_bytes([2; 32]).unwrap(), &[0; 32]);
        let mine = key().public_key();
        assert_eq!(check(&header(&other), &TARGET, &mine, NOW), Err(InvalidLogin::Signer));
        let text = serde_json::to_string(&draft().sign(&key(), &[0; 32])).unwrap();
        let forged = text.replace("\"content\":\"\"", "\"content\":\"x\"");
        let forged = format!("Nostr {}", BASE64.encode(forged));
        assert_eq!(check(forged.as_bytes(), &TARGET, &mine, NOW), Err(InvalidLogin::Forged));
        for rubbish in
            [&b""[..], b"Nostr", b"Nostr !", b"Basic YTpi", b"Nostr e30=", b"\xff\xff", &[b'a'; 9_000]]
        {
            assert_eq!(check(rubbish, &TARGET, &mine, NOW), Err(InvalidLogin::Form));
        }
    }
}
