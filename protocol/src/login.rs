//! The login event: how an owner proves to a node who they are (NIP-42).
//!
//! It is never stored and never forwarded. It names the challenge of one connection and the address that the client
//! dialled, so a proof made for one node is not valid at another. A login over client frames also names the node's
//! peer id, which a login for a relay does not; so neither is valid in place of the other.

use crate::{Authority, Event, EventTemplate, Kind, PeerId, Tag, UnsignedEvent};

/// How far the proof's `created_at` may be from the node's clock, in seconds: NIP-42 says "about ten minutes".
pub const MAX_SECONDS_APART: u64 = 600;

/// Longest challenge of a relay that is signed, in bytes; 16 to 64 are usual.
pub const MAX_CHALLENGE_BYTES: usize = 256;
/// Longest address of a relay, in bytes.
pub const MAX_RELAY_BYTES: usize = 512;

/// Why a login event proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProof {
    /// It is no login event, or names another challenge.
    #[error("the login was signed for another connection; connect again")]
    Challenge,
    /// It was made for another address.
    #[error("the login was signed for another address than the one it was sent to")]
    Address,
    /// It names another node, or none.
    #[error("the login was signed for another node than the one it was sent to")]
    Node,
    /// The clocks of client and node are too far apart.
    #[error("the clocks of client and node are more than ten minutes apart; set the one that is wrong")]
    Clock,
}

/// The draft of a login event. `authority` is `host` or `host:port` as the client dialled it.
pub fn draft(challenge: &[u8; 32], authority: &str, created_at: u64) -> EventTemplate {
    EventTemplate {
        created_at,
        kind: Kind::LOGIN,
        tags: vec![
            Tag::new(["relay".to_owned(), format!("wss://{authority}/client")]),
            Tag::new(["challenge".to_owned(), hex::encode(challenge)]),
        ],
        content: String::new(),
    }
}

/// The draft of a login event over client frames, at this node alone. `authority` is `host` or `host:port` as the
/// client dialled it, or inside a channel the channel's key.
pub fn client_draft(challenge: &[u8; 32], peer: &PeerId, authority: &str, created_at: u64) -> EventTemplate {
    let mut draft = draft(challenge, authority, created_at);
    draft.tags.push(Tag::new(["peer".to_owned(), peer.to_string()]));
    draft
}

/// The tag of a login by which a client says that it reads long lists. Nodes of older versions pass it over.
const LONG_LISTS: &str = "long-lists";

/// Adds to the draft of a login over client frames that the client reads lists of up to
/// [`crate::limits::MAX_LIST_ENTRIES`] people. To a client that does not say so none of them is sent.
pub fn read_long_lists(draft: &mut EventTemplate) {
    draft.tags.push(Tag::new([LONG_LISTS]));
}

/// Whether a login says that the client reads long lists.
pub fn reads_long_lists(proof: &UnsignedEvent) -> bool {
    proof.has_tag(LONG_LISTS)
}

/// The tag of a login by which a client says that it reads [`crate::frame::NodeFrame::Features`] and
/// [`crate::frame::NodeFrame::Permissions`].
const FEATURES: &str = "features";

/// Adds to the draft of a login over client frames that the node may say what it understands besides the frames of the
/// first node of this version. To a client that does not say so that frame would be malformed.
pub fn read_features(draft: &mut EventTemplate) {
    draft.tags.push(Tag::new([FEATURES]));
}

/// Whether a login says that the client reads what the node understands.
pub fn reads_features(proof: &UnsignedEvent) -> bool {
    proof.has_tag(FEATURES)
}

/// The tag of a login by which a client says that it reads statements ([`crate::PublicStatement`]).
const STATEMENTS: &str = "statements";

/// Adds to the draft of a login over client frames that events may say that a node states them to be for everyone. To a
/// client that does not say so such an event would be malformed, and it gets them without.
pub fn read_statements(draft: &mut EventTemplate) {
    draft.tags.push(Tag::new([STATEMENTS]));
}

/// Whether a login says that the client reads statements.
pub fn reads_statements(proof: &UnsignedEvent) -> bool {
    proof.has_tag(STATEMENTS)
}

/// Checks that a login event names this node.
///
/// # Errors
/// When it names another one, or none.
pub fn check_peer(proof: &Event, peer: &PeerId) -> Result<(), InvalidProof> {
    let named = proof.tag_values("peer").next().and_then(|name| name.parse().ok());
    if named == Some(*peer) { Ok(()) } else { Err(InvalidProof::Node) }
}

/// Whether a text is a challenge that a relay would send: it is shown to people, and signed.
pub fn is_challenge(text: &str) -> bool {
    is_sound(text, MAX_CHALLENGE_BYTES)
}

fn is_sound(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The draft of a login at a relay of somebody else (NIP-42), which the node asks its owner's client to sign; None when
/// the challenge is none that a relay would send. The client makes it out of address and challenge, so that a node can
/// have nothing else signed by it.
pub fn relay_draft(relay: &str, challenge: &str, created_at: u64) -> Option<EventTemplate> {
    let named = relay.starts_with("wss://") || relay.starts_with("ws://");
    (named && is_sound(relay, MAX_RELAY_BYTES) && is_challenge(challenge)).then(|| EventTemplate {
        created_at,
        kind: Kind::LOGIN,
        tags: vec![Tag::new(["relay", relay]), Tag::new(["challenge", challenge])],
        content: String::new(),
    })
}

/// Checks that a login event is for this challenge, this address and this time.
///
/// Scheme and path of the `relay` tag do not matter, because a node behind a proxy knows neither;
/// `authority` is what the client's request named in its `Host` header. Both are compared by [`Authority`].
///
/// # Errors
/// Says what does not fit.
pub fn check(proof: &Event, challenge: &[u8; 32], authority: &str, now: u64) -> Result<(), InvalidProof> {
    let unsigned: &UnsignedEvent = proof;
    let challenge = hex::encode(challenge);
    if unsigned.kind != Kind::LOGIN || unsigned.tag_values("challenge").next() != Some(challenge.as_str()) {
        return Err(InvalidProof::Challenge);
    }
    let leads_here = |dialled: &str| match authority.parse::<Authority>() {
        Ok(authority) => authority.is_of(dialled),
        // Inside of a channel its key stands there, which is no host when all its digits are decimal.
        Err(_) => dialled == format!("wss://{authority}/client"),
    };
    if !unsigned.tag_values("relay").next().is_some_and(leads_here) {
        return Err(InvalidProof::Address);
    }
    if unsigned.created_at.abs_diff(now) > MAX_SECONDS_APART {
        return Err(InvalidProof::Clock);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    const CHALLENGE: [u8; 32] = [7; 32];

    fn proof() -> Event {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        draft(&CHALLENGE, "localhost:20001", 1_000_000).sign(&key, &[0; 32])
    }

    #[test]
    fn a_proof_fits_only_its_challenge_address_and_time() {
        assert_eq!(check(&proof(), &CHALLENGE, "LOCALHOST:20001", 1_000_600), Ok(()));
        assert_eq!(check(&proof(), &[8; 32], "localhost:20001", 1_000_000), Err(InvalidProof::Challenge));
        assert_eq!(check(&proof(), &CHALLENGE, "localhost:20011", 1_000_000), Err(InvalidProof::Address));
        assert_eq!(check(&proof(), &CHALLENGE, "localhost:20001", 1_000_601), Err(InvalidProof::Clock));
        assert_eq!(check(&proof(), &CHALLENGE, "localhost:20001", 0), Err(InvalidProof::Clock));
    }

    #[test]
    fn the_default_port_and_the_form_of_the_address_do_not_matter() {
        let proof = |relay: &str| {
            let key = SecretKey::from_bytes([1; 32]).unwrap();
            relay_draft(relay, &hex::encode(CHALLENGE), 1).unwrap().sign(&key, &[0; 32])
        };
        for (relay, host) in [
            ("wss://node.example", "node.example:443"),
            ("wss://node.example:443/", "node.example"),
            ("ws://Node.Example:80/x", "node.example"),
        ] {
            assert_eq!(check(&proof(relay), &CHALLENGE, host, 1), Ok(()), "{relay} {host}");
        }
        for (relay, host) in
            [("wss://node.example", "node.example:80"), ("wss://x@node.example", "x@node.example")]
        {
            assert_eq!(
                check(&proof(relay), &CHALLENGE, host, 1),
                Err(InvalidProof::Address),
                "{relay} {host}"
            );
        }
    }

    #[test]
    fn a_login_over_client_frames_is_good_at_one_node() {
        let (peer, other) = (PeerId::from_ed25519([5; 32]), PeerId::from_ed25519([6; 32]));
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let login = client_draft(&CHALLENGE, &peer, "localhost:20001", 1_000_000).sign(&key, &[0; 32]);
        assert_eq!(check(&login, &CHALLENGE, "localhost:20001", 1_000_000), Ok(()));
        assert_eq!(check_peer(&login, &peer), Ok(()));
        assert_eq!(check_peer(&login, &other), Err(InvalidProof::Node));
        assert_eq!(check_peer(&proof(), &peer), Err(InvalidProof::Node), "a login for a relay");
        // Inside of a channel the key stands in the place of the address.
        for (channel, other) in [("07", "06"), ("ab", "ac"), ("ab", "06")] {
            let login = client_draft(&CHALLENGE, &peer, &channel.repeat(32), 1_000_000).sign(&key, &[0; 32]);
            assert_eq!(check(&login, &CHALLENGE, &channel.repeat(32), 1_000_000), Ok(()));
            let elsewhere = check(&login, &CHALLENGE, &other.repeat(32), 1_000_000);
            assert_eq!(elsewhere, Err(InvalidProof::Address));
        }
    }

    #[test]
    fn a_login_at_a_relay_holds_nothing_but_address_and_challenge() {
        let draft = relay_draft("wss://relay.example", "abc", 7).unwrap();
        assert_eq!((draft.kind, draft.created_at, draft.content.as_str()), (Kind::LOGIN, 7, ""));
        let tags: Vec<Vec<String>> = draft.tags.iter().map(|tag| tag.elements().to_vec()).collect();
        assert_eq!(tags, [["relay", "wss://relay.example"], ["challenge", "abc"]]);
        let long = "x".repeat(MAX_CHALLENGE_BYTES + 1);
        for challenge in ["", " ", "a b", "\u{7}", "é", long.as_str()] {
            assert_eq!(relay_draft("wss://relay.example", challenge, 7), None, "{challenge:?}");
        }
        for relay in ["", "relay.example", "https://relay.example", "wss://relay example"] {
            assert_eq!(relay_draft(relay, "abc", 7), None, "{relay}");
        }
    }

    #[test]
    fn a_post_is_no_proof() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let draft = EventTemplate { kind: Kind::POST, ..draft(&CHALLENGE, "localhost", 1) };
        let post = draft.sign(&key, &[0; 32]);
        assert_eq!(check(&post, &CHALLENGE, "localhost", 1), Err(InvalidProof::Challenge));
    }
}
