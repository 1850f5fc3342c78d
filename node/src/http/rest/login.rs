//! Logins of the owner for single requests: NIP-98.
//!
//! `Authorization: Nostr <base64 of a signed event of kind 27235>`, which names address, method and time. The scheme
//! does not matter, because a node behind a proxy does not know it. A request with a body needs a login that names
//! the body's hash, and each login is valid for one request: see [`super::used`].

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use nostrp2p_protocol::{Authority, Event, EventId, Kind, PublicKey, UnverifiedEvent};

/// The kind of a login for one HTTP request.
const HTTP_LOGIN: Kind = Kind(27_235);
/// How far its `created_at` may be from the node's clock, in seconds: what NIP-98 suggests.
pub(super) const MAX_SECONDS_APART: u64 = 60;
/// Logins within their time that are remembered: 130 requests a second for two minutes; about 1.5 MB, and 640 KB of the file.
pub(super) const MAX_USED: usize = 16_384;
/// Longest login: an event with four short tags, with room.
const MAX_CREDENTIALS_BYTES: usize = 8 * 1024;
/// With or without padding: clients do both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The target of a request, which the login must name.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestTarget<'a> {
    pub(super) method: &'a str,
    /// Its `Host`: one of the node's own names.
    pub(super) authority: &'a Authority,
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
    #[error(
        "The login has no payload tag; a request with a body needs one, the SHA-256 of the body (NIP-98)"
    )]
    NoPayload,
    #[error("The login was signed for another body than the one that was sent")]
    Body,
    #[error("The login was used already; sign a new one for each request")]
    Used,
    #[error("More than {MAX_USED} requests were signed within two minutes; try again in a minute")]
    TooMany,
}

/// A login that fits its request, but for the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) id: EventId,
    pub(super) created_at: u64,
    payload: Option<[u8; 32]>,
}

impl Login {
    #[cfg(test)]
    pub(super) const fn of(id: EventId, created_at: u64) -> Self {
        Self { id, created_at, payload: None }
    }

    /// Compares it with the hash of the request's body; none for an empty one.
    pub(super) fn fits_body(&self, body: Option<[u8; 32]>) -> Result<(), InvalidLogin> {
        match (body, self.payload) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(InvalidLogin::NoPayload),
            (Some(body), Some(payload)) if body == payload => Ok(()),
            (Some(_), Some(_)) => Err(InvalidLogin::Body),
        }
    }
}

/// Checks an `Authorization` header by all but the body.
pub(super) fn check(
    credentials: &[u8],
    target: &RequestTarget<'_>,
    owner: &PublicKey,
    now: u64,
) -> Result<Login, InvalidLogin> {
    let event = decode(credentials).ok_or(InvalidLogin::Form)?;
    if event.unsigned.kind != HTTP_LOGIN {
        return Err(InvalidLogin::Kind);
    }
    if event.unsigned.pubkey != *owner {
        return Err(InvalidLogin::Signer);
    }
    let event = event.verify().map_err(|_| InvalidLogin::Forged)?;
    fits(&event, target, now)?;
    let payload = event.tag_values("payload").next();
    let payload = payload.map(|hash| hash_of(hash).ok_or(InvalidLogin::Payload)).transpose()?;
    Ok(Login { id: event.id(), created_at: event.created_at, payload })
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

fn fits(event: &Event, target: &RequestTarget<'_>, now: u64) -> Result<(), InvalidLogin> {
    if !event.tag_values("u").next().is_some_and(|url| target.authority.is_of_path(url, target.path)) {
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

fn hash_of(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, SecretKey, Tag};

    use super::*;

    const NOW: u64 = 1_700_000_000;
    fn check_at(host: &str, credentials: &[u8], owner: &PublicKey) -> Result<Login, InvalidLogin> {
        let target = RequestTarget { method: "POST", authority: &host.parse().unwrap(), path: "/req" };
        check(credentials, &target, owner, NOW)
    }

    fn check_here(credentials: &[u8], owner: &PublicKey) -> Result<Login, InvalidLogin> {
        check_at("node.example:20001", credentials, owner)
    }

    fn key() -> SecretKey {
        SecretKey::from_bytes([1; 32]).unwrap()
    }

    fn draft() -> EventTemplate {
        let tags = vec![Tag::new(["u", "http://node.example:20001/req"]), Tag::new(["method", "POST"])];
        EventTemplate { created_at: NOW, kind: HTTP_LOGIN, tags, content: String::new() }
    }

    fn header(event: &Event) -> Vec<u8> {
        format!("Nostr {}", BASE64.encode(serde_json::to_string(event).unwrap())).into_bytes()
    }

    #[track_caller]
    fn checked(draft: EventTemplate, expected: Result<Option<[u8; 32]>, InvalidLogin>) {
        let login = header(&draft.sign(&key(), &[0; 32]));
        let checked = check_here(&login, &key().public_key());
        assert_eq!(checked.map(|login| login.payload), expected);
    }

    fn with(tags: &[[&str; 2]]) -> EventTemplate {
        EventTemplate { tags: tags.iter().map(|tag| Tag::new(*tag)).collect(), ..draft() }
    }

    #[test]
    fn a_login_fits_only_its_request_and_time() {
        checked(draft(), Ok(None));
        checked(EventTemplate { created_at: NOW - 60, ..draft() }, Ok(None));
        checked(EventTemplate { created_at: NOW - 61, ..draft() }, Err(InvalidLogin::Clock));
        checked(EventTemplate { created_at: NOW + 61, ..draft() }, Err(InvalidLogin::Clock));
        checked(EventTemplate { kind: Kind::LOGIN, ..draft() }, Err(InvalidLogin::Kind));
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
        let fits = |url: &str| {
            let login = header(&with(&[["u", url], ["method", "POST"]]).sign(&key(), &[0; 32]));
            check_at("node.example", &login, &key().public_key()).is_ok()
        };
        assert!(fits("https://node.example:443/req") && fits("http://node.example:80/req"));
        for other in
            ["http://node.example:443/req", "https://node.example/req?x", "https://node.example/req/"]
        {
            assert!(!fits(other), "{other}");
        }
    }

    #[test]
    fn a_request_with_a_body_needs_its_hash() {
        let login = |payload| Login { id: EventId::from_bytes([1; 32]), created_at: NOW, payload };
        assert_eq!(login(None).fits_body(None), Ok(()));
        assert_eq!(login(None).fits_body(Some([1; 32])), Err(InvalidLogin::NoPayload));
        assert_eq!(login(Some([1; 32])).fits_body(Some([1; 32])), Ok(()));
        assert_eq!(login(Some([1; 32])).fits_body(Some([2; 32])), Err(InvalidLogin::Body));
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
        assert_eq!(check_here(&header(&other), &mine), Err(InvalidLogin::Signer));
        let text = serde_json::to_string(&draft().sign(&key(), &[0; 32])).unwrap();
        let forged = text.replace("\"content\":\"\"", "\"content\":\"x\"");
        let forged = format!("Nostr {}", BASE64.encode(forged));
        assert_eq!(check_here(forged.as_bytes(), &mine), Err(InvalidLogin::Forged));
        for rubbish in
            [&b""[..], b"Nostr", b"Nostr !", b"Basic YTpi", b"Nostr e30=", b"\xff\xff", &[b'a'; 9_000]]
        {
            assert_eq!(check_here(rubbish, &mine), Err(InvalidLogin::Form));
        }
    }
}
