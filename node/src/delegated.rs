//! The owner's delegation for this node, as the store holds it.

use nostrp2p_protocol::{Delegation, Filter, Kind, PeerId, PublicKey, delegation};

use crate::store::Store;

/// What follows from having none, and what to do about it: two sentences for the operator.
pub(crate) const ADVICE: &str = "Nobody has your word yet that this node acts for you, so replies and likes from others \
    do not reach it. Sign in once with the web client, or run `nostrp2p owner delegate` while the node is stopped.";

/// Finds the latest delegation by this owner for this node, whether or not it still holds.
///
/// # Errors
/// When the disk cannot be read.
pub(crate) fn find(
    store: &Store,
    owner: PublicKey,
    peer: &PeerId,
) -> Result<Option<Delegation>, redb::Error> {
    let filter = Filter {
        authors: Some([owner].into()),
        kinds: Some([Kind::APPLICATION_DATA].into()),
        tags: [('d', [delegation::identifier(peer)].into())].into(),
        limit: Some(1),
        ..Filter::default()
    };
    let newest = store.find(&[filter])?.events.into_iter().next();
    Ok(newest.and_then(|event| Delegation::from_event(event).ok()))
}

/// All delegations of this owner that are stored, the newest for each node, whether or not they still hold.
///
/// # Errors
/// When the disk cannot be read.
pub(crate) fn all(store: &Store, owner: PublicKey) -> Result<Vec<Delegation>, redb::Error> {
    let filter = Filter {
        authors: Some([owner].into()),
        kinds: Some([Kind::APPLICATION_DATA].into()),
        ..Filter::default()
    };
    let found = store.find_visible(&[filter], |event| delegation::is_delegation(event))?;
    Ok(found.events.into_iter().filter_map(|event| Delegation::from_event(event).ok()).collect())
}

/// How long a delegation still holds, in words.
pub(crate) fn remaining(expires: u64, now: u64) -> String {
    match expires.saturating_sub(now) / 86_400 {
        0 if expires <= now => "ended".to_owned(),
        0 => "ends today".to_owned(),
        1 => "for another day".to_owned(),
        days => format!("for another {days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_remains_is_said_in_words() {
        const DAY: u64 = 86_400;
        assert_eq!(remaining(DAY, DAY), "ended");
        assert_eq!(remaining(DAY + 5, DAY), "ends today");
        assert_eq!(remaining(2 * DAY, DAY), "for another day");
        assert_eq!(remaining(91 * DAY, DAY), "for another 90 days");
    }
}
