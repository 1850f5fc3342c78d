//! How soon the node may announce itself again when its addresses change.
//!
//! Other nodes pass on 8 announcements of one node within 10 minutes (PROTOCOL.md, "Announcements"). A start brings
//! some changes quickly one after the other, and a bad network brings them all day.

use std::time::Duration;

use tokio::time::Instant;

/// Announcements that may follow each other quickly.
const AT_ONCE: u32 = 3;
/// After that one with each such pause: with those at once 6 in 10 minutes, and room for a new delegation.
const PAUSE: Duration = Duration::from_secs(200);
/// Changes are gathered for so long: relays come one after the other.
const GATHER: Duration = Duration::from_secs(2);

/// What is left.
#[derive(Debug)]
pub(crate) struct AnnounceLimiter {
    left: u32,
    refilled: Instant,
}

impl AnnounceLimiter {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { left: AT_ONCE, refilled: now }
    }

    /// When to announce a change that was noticed now. Each call takes one announcement from what is left.
    pub(crate) fn next(&mut self, now: Instant) -> Instant {
        while self.left < AT_ONCE && now.saturating_duration_since(self.refilled) >= PAUSE {
            self.left += 1;
            self.refilled += PAUSE;
        }
        if self.left == AT_ONCE {
            self.refilled = now;
        }
        if self.left > 0 {
            self.left -= 1;
            return now + GATHER;
        }
        self.refilled += PAUSE;
        self.refilled.max(now + GATHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_changes_are_told_at_once_and_never_more_than_others_pass_on() {
        let start = Instant::now();
        let mut pace = AnnounceLimiter::new(start);
        let mut told = Vec::new();
        let mut now = start;
        while now < start + Duration::from_secs(3600) {
            let at = pace.next(now);
            told.push(at - start);
            now = at;
        }
        let first: Vec<_> = told.iter().take(5).map(Duration::as_secs).collect();
        assert_eq!(first, [2, 4, 6, 200, 400]);
        let crowded = told.windows(7).filter_map(|it| Some(*it.last()? - *it.first()?)).min();
        assert!(crowded > Some(Duration::from_secs(600)), "{crowded:?}");
    }

    #[test]
    fn after_a_quiet_time_changes_are_told_at_once_again() {
        let start = Instant::now();
        let mut pace = AnnounceLimiter::new(start);
        assert!((0..4).all(|_| pace.next(start) > start));
        let later = start + Duration::from_secs(3600);
        for _ in 0..3 {
            assert_eq!(pace.next(later), later + GATHER);
        }
        assert!(pace.next(later) > later + Duration::from_secs(100));
    }
}
