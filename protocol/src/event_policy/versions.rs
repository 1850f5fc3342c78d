//! Rules about the time of an event: how old and how far ahead it may be, and which of two versions of a replaceable
//! event stays (NIP-01), also when a clock was wrong.
//!
//! The later `created_at` wins, and of two in one second the lower id. A version that was signed by a clock that was
//! ahead would win until that time comes, so an event dated further ahead than [`crate::limits::MAX_SECONDS_AHEAD`]
//! never replaces a current one.

use crate::{EventId, limits::is_ahead};

/// An event is of now when it is no older than this, in seconds. A node whose own clock is behind takes all that is new
/// for dated ahead; with this bound an old version then does not push out a later one. A day: the person who sets a
/// clock right writes something on the same day.
const NOW_SECONDS: u64 = 86_400;

/// Other nodes take no broadcast that is older than this, in seconds: 30 days.
pub const HORIZON_SECONDS: u64 = 30 * 86_400;

/// Whether other nodes do not take a broadcast any more that is dated `at`.
pub const fn is_too_old(at: u64, now: u64) -> bool {
    at < now.saturating_sub(HORIZON_SECONDS)
}

/// Whether an event dated `at` counts as current.
const fn is_of_now(at: u64, now: u64) -> bool {
    !is_ahead(at, now) && at.saturating_add(NOW_SECONDS) >= now
}

/// Whether something dated `at` is out of date because of something dated `than`: it is no later, unless `than` lies
/// ahead and `at` is of now.
pub const fn is_outdated(at: u64, than: u64, now: u64) -> bool {
    at <= than && !(is_ahead(than, now) && is_of_now(at, now))
}

/// Whether a new version takes the place of the one that is held. Both are `created_at` in seconds and id.
pub fn replaces(new: (u64, &EventId), held: (u64, &EventId), now: u64) -> bool {
    let ahead_of = |one: u64, other: u64| is_ahead(one, now) && is_of_now(other, now);
    if ahead_of(held.0, new.0) || ahead_of(new.0, held.0) {
        return ahead_of(held.0, new.0);
    }
    (held.0, new.1) <= (new.0, held.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const YEAR: u64 = 365 * 86_400;
    const LOW: EventId = EventId::from_bytes([1; 32]);
    const HIGH: EventId = EventId::from_bytes([2; 32]);

    #[track_caller]
    fn check(new: (u64, EventId), held: (u64, EventId), expected: bool) {
        assert_eq!(replaces((new.0, &new.1), (held.0, &held.1), NOW), expected);
        assert_eq!(replaces((held.0, &held.1), (new.0, &new.1), NOW), !expected, "and the other way round");
    }

    #[test]
    fn the_later_one_stays_and_of_one_second_the_lower_id() {
        check((NOW, HIGH), (NOW - 1, LOW), true);
        check((NOW, LOW), (NOW, HIGH), true);
        check((NOW + 900, HIGH), (NOW, LOW), true);
        check((NOW - YEAR, HIGH), (NOW - YEAR - 1, LOW), true);
    }

    #[test]
    fn what_is_dated_ahead_never_beats_what_is_of_now() {
        check((NOW, HIGH), (NOW + 901, LOW), true);
        check((NOW, HIGH), (NOW + YEAR, LOW), true);
        check((NOW + YEAR, HIGH), (NOW + YEAR - 1, LOW), true);
        check((NOW + YEAR, HIGH), (NOW - YEAR, LOW), true);
    }

    #[test]
    fn what_is_deleted_until_a_time_ahead_can_be_written_anew_now() {
        assert!(is_outdated(NOW, NOW, NOW) && is_outdated(NOW - YEAR, NOW + YEAR, NOW));
        assert!(!is_outdated(NOW, NOW + YEAR, NOW) && !is_outdated(NOW + 1, NOW, NOW));
    }
}
