//! Which logins (NIP-98) were used: whoever sees one pass can use it again for as long as its time fits.
//!
//! Only logins that the owner signed get here, so nobody else can fill the table. None is forgotten before its time is
//! over, for then it would be good once more; so a full table refuses. A restart of the node forgets all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use nostrp2p_protocol::EventId;

use super::login::{InvalidLogin, Login, MAX_SECONDS_APART};

/// Logins within their time that are remembered: 130 requests a second for two minutes; about 1.5 MB.
pub(super) const MAX_USED: usize = 16_384;

/// Logins that were used, each with the time until which it would fit. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct UsedLogins(Arc<Mutex<BTreeMap<EventId, u64>>>);

impl UsedLogins {
    /// Takes a login that fits for the one request it is good for. `now` in seconds since 1970.
    pub(super) fn use_up(&self, login: &Login, now: u64) -> Result<(), InvalidLogin> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains_key(&login.id) {
            return Err(InvalidLogin::Used);
        }
        if used.len() >= MAX_USED {
            used.retain(|_, until| *until >= now);
        }
        if used.len() >= MAX_USED {
            return Err(InvalidLogin::TooMany);
        }
        used.insert(login.id, login.created_at.saturating_add(MAX_SECONDS_APART));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn login(number: usize, created_at: u64) -> Login {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_le_bytes());
        Login::of(EventId::from_bytes(id), created_at)
    }

    #[test]
    fn a_login_is_good_once_and_a_full_table_forgets_only_what_is_too_old() {
        let used = UsedLogins::default();
        assert_eq!(used.use_up(&login(0, NOW), NOW), Ok(()));
        assert_eq!(used.use_up(&login(0, NOW), NOW + 60), Err(InvalidLogin::Used));
        for number in 1..MAX_USED {
            assert_eq!(used.use_up(&login(number, NOW + 60), NOW), Ok(()));
        }
        assert_eq!(used.use_up(&login(MAX_USED, NOW), NOW + 60), Err(InvalidLogin::TooMany));
        assert_eq!(used.use_up(&login(MAX_USED, NOW + 61), NOW + 61), Ok(()), "the first is over");
        assert_eq!(used.use_up(&login(1, NOW + 60), NOW + 61), Err(InvalidLogin::Used));
    }
}
