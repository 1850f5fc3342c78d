//! A checked time of day, for what cannot be undone: deleting and expiring events by age.
//!
//! A clock can be wrong by years: a dead battery, a bad time server, a typing error. A clock that is far ahead of the
//! last run is doubted until a neighbour, a client on another machine, a relay, or a day of running confirms it.
//! Until then the last trusted time counts on, measured by a monotonic clock. A clock that was set back is believed,
//! because it makes no event old.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::clock;

/// A clock further ahead than this of where it should be is in doubt, in seconds: an hour. A node that was off for longer
/// doubts its clock until the first neighbour, which costs nothing but that old events stay for some seconds more.
const FAR_SECONDS: u64 = 3_600;
/// Another party's time confirms the clock when it is no older than this, in seconds: nodes announce themselves every
/// half an hour.
const RECENT_SECONDS: u64 = 3_600;
/// And when it is no further ahead than this, in seconds.
const AHEAD_SECONDS: u64 = nostrp2p_protocol::limits::MAX_SECONDS_AHEAD;
/// A clock that stays as it is for so long is believed: who runs a node would have noticed.
const BELIEVED_AFTER: Duration = Duration::from_secs(86_400);

/// Decides; the clocks are arguments.
#[derive(Debug)]
struct TrustedClock {
    /// The time that was trusted last, in seconds since 1970, and when that was.
    trusted: u64,
    at: Instant,
    /// Since when the clock has been in doubt.
    doubted: Option<Instant>,
}

impl TrustedClock {
    /// The time to go by for what cannot be undone.
    fn now(&mut self, wall: u64, steady: Instant) -> u64 {
        let expected = self.expected(steady);
        if wall <= expected.saturating_add(FAR_SECONDS) {
            return self.trust(wall, steady);
        }
        let since = *self.doubted.get_or_insert(steady);
        if steady.saturating_duration_since(since) >= BELIEVED_AFTER {
            return self.trust(wall, steady);
        }
        expected
    }

    /// Another party says that it is `said`. Returns whether that ends a doubt.
    fn bear_out(&mut self, said: u64, wall: u64, steady: Instant) -> bool {
        self.now(wall, steady);
        let fits = said.saturating_add(RECENT_SECONDS) >= wall && said <= wall.saturating_add(AHEAD_SECONDS);
        let ends = fits && self.doubted.is_some();
        if ends {
            self.trust(wall, steady);
        }
        ends
    }

    fn expected(&self, steady: Instant) -> u64 {
        self.trusted.saturating_add(steady.saturating_duration_since(self.at).as_secs())
    }

    const fn trust(&mut self, wall: u64, steady: Instant) -> u64 {
        *self = Self { trusted: wall, at: steady, doubted: None };
        wall
    }
}

/// The clock of this process, shared by all who drop or expire something.
#[derive(Debug)]
pub struct TrustedTime(Mutex<TrustedClock>);

impl TrustedTime {
    /// Goes on from the time that the last run trusted, in seconds since 1970; a store without a last run trusts the clock.
    pub(crate) fn since(last_run: Option<u64>) -> Self {
        let trusted = last_run.unwrap_or_else(clock::now);
        Self(Mutex::new(TrustedClock { trusted, at: Instant::now(), doubted: None }))
    }

    /// The time to go by for what cannot be undone, in seconds since 1970.
    pub fn now(&self) -> u64 {
        let (mut judge, wall) = (self.lock(), clock::now());
        let before = judge.doubted;
        let now = judge.now(wall, Instant::now());
        match (before, judge.doubted) {
            (None, Some(_)) => tracing::warn!(
                days_ahead = wall.saturating_sub(now) / 86_400,
                "the clock is far ahead of the last run; nothing is dropped for its age until a neighbour or a client on \
                 another machine bears it out"
            ),
            (Some(_), None) => tracing::info!("the clock is trusted again"),
            _ => {}
        }
        now
    }

    /// Another party, which does not go by this machine's clock, says that it is `said` in seconds since 1970. Returns
    /// whether that ends a doubt.
    pub(crate) fn bear_out(&self, said: u64) -> bool {
        let ends = self.lock().bear_out(said, clock::now(), Instant::now());
        if ends {
            tracing::info!("the clock is borne out by another party and trusted again");
        }
        ends
    }

    /// By how many seconds the clock is ahead of the trusted time, while it is doubted.
    pub fn doubt(&self) -> Option<u64> {
        let trusted = self.now();
        self.lock().doubted.map(|_| clock::now().saturating_sub(trusted))
    }

    fn lock(&self) -> MutexGuard<'_, TrustedClock> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const DAY: u64 = 86_400;

    fn judge() -> (TrustedClock, Instant) {
        let start = Instant::now();
        (TrustedClock { trusted: NOW, at: start, doubted: None }, start)
    }

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_clock_that_goes_on_is_trusted_whatever_time_servers_correct() {
        let (mut judge, start) = judge();
        for hour in 1..100 {
            let wall = NOW + hour * 3_600 + 5 * (hour % 2);
            assert_eq!(judge.now(wall, start + seconds(hour * 3_600)), wall);
            assert_eq!(judge.doubted, None);
        }
    }

    #[test]
    fn one_far_ahead_of_the_last_run_counts_on_from_there() {
        let (mut judge, start) = judge();
        assert_eq!(judge.now(NOW + 32 * DAY, start), NOW);
        assert_eq!(judge.now(NOW + 32 * DAY + 60, start + seconds(60)), NOW + 60);
        assert!(judge.doubted.is_some());
        assert_eq!(judge.now(NOW + 120, start + seconds(120)), NOW + 120);
        assert_eq!(judge.doubted, None, "it was set right");
    }

    #[test]
    fn one_that_jumps_while_the_node_runs_is_in_doubt_as_well() {
        let (mut judge, start) = judge();
        judge.now(NOW + 60, start + seconds(60));
        assert_eq!(judge.now(NOW + 365 * DAY, start + seconds(61)), NOW + 61);
    }

    #[test]
    fn a_neighbour_bears_it_out_and_one_of_another_time_does_not() {
        let (mut judge, start) = judge();
        let wall = NOW + 5 * DAY;
        assert_eq!(judge.now(wall, start), NOW);
        assert!(!judge.bear_out(NOW, wall, start) && !judge.bear_out(wall + 901, wall, start));
        assert!(!judge.bear_out(wall - 3_601, wall, start));
        assert!(judge.bear_out(wall - 1_800, wall, start), "an announcement of half an hour ago");
        assert_eq!(judge.now(wall + 1, start + seconds(1)), wall + 1);
        assert!(!judge.bear_out(wall, wall, start), "there was no doubt any more");
    }

    #[test]
    fn a_day_of_running_bears_it_out() {
        let (mut judge, start) = judge();
        assert_eq!(judge.now(NOW + 40 * DAY, start), NOW);
        assert_eq!(judge.now(NOW + 41 * DAY - 1, start + seconds(DAY - 1)), NOW + DAY - 1);
        assert_eq!(judge.now(NOW + 41 * DAY, start + seconds(DAY)), NOW + 41 * DAY);
        assert_eq!(judge.doubted, None);
    }

    #[test]
    fn one_that_was_set_back_is_believed_and_its_way_back_is_not() {
        let (mut judge, start) = judge();
        assert_eq!(judge.now(0, start + seconds(1)), 0, "a dead battery");
        assert_eq!(judge.now(NOW, start + seconds(2)), 1);
        assert!(judge.bear_out(NOW, NOW, start + seconds(3)));
    }
}
