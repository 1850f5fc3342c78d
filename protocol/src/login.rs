//! The login event: how an owner proves himself to a node (NIP-42).
//!
//! It is never stored and never carried. It names the challenge of one connection and the address that the
//! client dialled, so that a proof made for one node is worth nothing at another.

use crate::{Draft, Event, Kind, Rumor, Tag};

/// How far the proof's `created_at` may be from the node's clock, in seconds: NIP-42 says "about ten minutes".
pub const MAX_SECONDS_APART: u64 = 600;

/// Why a login event proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProof {
    /// It is no login event, or signs another challenge.
    #[error("the login was signed for another connection; connect again")]
    Challenge,
    /// It was made for another address.
    #[error("the login was signed for another address than the one it was sent to")]
    Address,
    /// The clocks of client and node are too far apart.
    #[error("the clocks of client and node are more than ten minutes apart; set the one that is wrong")]
    Clock,
}

/// The draft of a login event. `authority` is `host` or `host:port` as the client dialled it.
pub fn draft(challenge: &[u8; 32], authority: &str, created_at: u64) -> Draft {
    Draft {
        created_at,
        kind: Kind::LOGIN,
        tags: vec![
            Tag::new(["relay".to_owned(), format!("wss://{authority}/client")]),
            Tag::new(["challenge".to_owned(), hex::encode(challenge)]),
        ],
        content: String::new(),
    }
}

/// Checks that a login event is for this challenge, this address and this time.
///
/// Scheme and path of the `relay` tag do not matter, because a node behind a proxy knows neither;
/// `authority` is what the client's request named in its `Host` header.
///
/// # Errors
/// Says what does not fit.
pub fn check(proof: &Event, challenge: &[u8; 32], authority: &str, now: u64) -> Result<(), InvalidProof> {
    let rumor: &Rumor = proof;
    let challenge = hex::encode(challenge);
    if rumor.kind != Kind::LOGIN || rumor.tag_values("challenge").next() != Some(challenge.as_str()) {
        return Err(InvalidProof::Challenge);
    }
    let dialled = rumor.tag_values("relay").next().and_then(authority_of);
    if !dialled.is_some_and(|dialled| dialled.eq_ignore_ascii_case(authority)) {
        return Err(InvalidProof::Address);
    }
    if rumor.created_at.abs_diff(now) > MAX_SECONDS_APART {
        return Err(InvalidProof::Clock);
    }
    Ok(())
}

/// `host:port` of a URL; None for what is no URL.
fn authority_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())
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
    fn a_post_is_no_proof() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let draft = Draft { kind: Kind::POST, ..draft(&CHALLENGE, "localhost", 1) };
        let post = draft.sign(&key, &[0; 32]);
        assert_eq!(check(&post, &CHALLENGE, "localhost", 1), Err(InvalidProof::Challenge));
    }
}
