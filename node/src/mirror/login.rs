//! Logins at relays (NIP-42): passes the relay's challenge to the owner's clients, and their signed login back.
//!
//! The node checks a login before it passes it on, so that the client gets an error for a wrong one, and no relay
//! gets a login that was made for another.

use std::sync::Arc;

use nostrp2p_protocol::{Event, Kind, login::MAX_SECONDS_APART};

use super::Handle;

/// Why a login is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnfitLogin {
    #[error("no mirror with this address waits for a login")]
    NotWaiting,
    #[error(
        "this login is for another relay or another challenge; the relay has hung up meanwhile, try again"
    )]
    Other,
    #[error("the clocks of client and node are more than ten minutes apart; set the one that is wrong")]
    Clock,
}

impl Handle {
    /// Passes on a login that the owner has signed for this relay. Whose it is has been checked.
    ///
    /// # Errors
    /// When it is not what the relay asked for.
    pub(crate) fn log_in(&self, relay: &str, login: Event, now: u64) -> Result<(), UnfitLogin> {
        let challenge = self.status.borrow().get(relay).and_then(|mirror| mirror.challenge.clone());
        check(&login, relay, &challenge.ok_or(UnfitLogin::NotWaiting)?, now)?;
        // Nobody listens only while the relay is not connected, and then it asks again.
        drop(self.logins.send(Arc::new((relay.to_owned(), login))));
        Ok(())
    }
}

fn check(login: &Event, relay: &str, challenge: &str, now: u64) -> Result<(), UnfitLogin> {
    let says = |name: &str, expected: &str| login.tag_values(name).eq([expected]);
    if login.kind != Kind::LOGIN || !says("relay", relay) || !says("challenge", challenge) {
        return Err(UnfitLogin::Other);
    }
    if login.created_at.abs_diff(now) > MAX_SECONDS_APART {
        return Err(UnfitLogin::Clock);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{SecretKey, login::relay_draft};

    use super::*;

    #[test]
    fn only_what_the_relay_asked_for_is_passed_on() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let relay = "wss://relay.example";
        let login = |relay, challenge, at| relay_draft(relay, challenge, at).unwrap().sign(&key, &[0; 32]);
        let check = |login: &Event| check(login, relay, "abc", 1_000_000);
        assert_eq!(check(&login(relay, "abc", 1_000_600)), Ok(()));
        assert_eq!(check(&login(relay, "abcd", 1_000_000)), Err(UnfitLogin::Other));
        assert_eq!(check(&login("wss://other.example", "abc", 1_000_000)), Err(UnfitLogin::Other));
        assert_eq!(check(&login(relay, "abc", 1_000_601)), Err(UnfitLogin::Clock));
        let mut post = relay_draft(relay, "abc", 1_000_000).unwrap();
        post.kind = Kind::POST;
        assert_eq!(check(&post.sign(&key, &[0; 32])), Err(UnfitLogin::Other));
    }
}
