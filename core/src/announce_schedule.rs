//! When this node announces itself.
//!
//! It announces itself soon after its addresses have changed, and periodically so that others know that it is still
//! there ([`announce_every`]). Other nodes forward 8 announcements of one node within 10 minutes (PROTOCOL.md,
//! "Announcements"). A start changes addresses several times in a row, and a bad network changes them all day, so
//! this module limits the announcements after changes.

use crate::announcer::announce_every;

/// Announcements that may follow each other quickly.
const AT_ONCE: u32 = 3;
/// After that one with each such pause, in seconds: with those at once 6 in 10 minutes, and room for a new delegation.
const PAUSE_SECONDS: u64 = 200;
/// Changes are gathered for so long, in seconds: relays come one after the other.
const GATHER_SECONDS: u64 = 2;

/// When the next announcement is due; none is before [`AnnounceSchedule::start`].
#[derive(Debug)]
pub(crate) struct AnnounceSchedule {
    started: bool,
    changes: ChangeLimiter,
    /// When changed addresses are announced.
    change_at: Option<u64>,
    announced: Option<u64>,
}

impl AnnounceSchedule {
    pub(crate) const fn new() -> Self {
        Self { started: false, changes: ChangeLimiter::new(0), change_at: None, announced: None }
    }

    /// The node runs: it announces itself first with the next tick.
    pub(crate) const fn start(&mut self, now: u64) {
        self.started = true;
        self.changes = ChangeLimiter::new(now);
    }

    /// Whether the node runs.
    pub(crate) const fn is_started(&self) -> bool {
        self.started
    }

    /// The addresses have changed: that is announced soon.
    pub(crate) fn on_change(&mut self, now: u64) {
        if self.change_at.is_none() {
            self.change_at = Some(self.changes.next(now));
        }
    }

    /// The node announces itself now, for whatever reason.
    pub(crate) const fn on_announced(&mut self, now: u64) {
        self.change_at = None;
        self.announced = Some(now);
    }

    /// Whether the node is to announce itself, in a network of which so many nodes are known.
    pub(crate) fn is_due(&self, known: usize, now: u64) -> bool {
        self.next_due(known).is_some_and(|due| due <= now)
    }

    /// When it is to announce itself next.
    pub(crate) fn next_due(&self, known: usize) -> Option<u64> {
        let every = announce_every(known).as_secs();
        let again = self.announced.map_or(0, |announced| announced.saturating_add(every));
        self.started.then(|| self.change_at.map_or(again, |change| change.min(again)))
    }

    /// The clock was set back: nothing waits for the former time.
    pub(crate) fn on_clock_back(&mut self, now: u64) {
        self.changes.refilled = self.changes.refilled.min(now);
        self.announced = self.announced.map(|announced| announced.min(now));
        self.change_at = self.change_at.map(|at| at.min(now.saturating_add(PAUSE_SECONDS)));
    }
}

/// How many changes may still be announced.
#[derive(Debug)]
struct ChangeLimiter {
    left: u32,
    refilled: u64,
}

impl ChangeLimiter {
    const fn new(now: u64) -> Self {
        Self { left: AT_ONCE, refilled: now }
    }

    /// When to announce a change that was noticed now. Each call takes one announcement from what is left.
    fn next(&mut self, now: u64) -> u64 {
        while self.left < AT_ONCE && now.saturating_sub(self.refilled) >= PAUSE_SECONDS {
            self.left += 1;
            self.refilled += PAUSE_SECONDS;
        }
        if self.left == AT_ONCE {
            self.refilled = now;
        }
        if self.left > 0 {
            self.left -= 1;
            return now + GATHER_SECONDS;
        }
        self.refilled += PAUSE_SECONDS;
        self.refilled.max(now + GATHER_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000;

    #[test]
    fn some_changes_are_told_at_once_and_never_more_than_others_pass_on() {
        let mut changes = ChangeLimiter::new(START);
        let mut told = Vec::new();
        let mut now = START;
        while now < START + 3_600 {
            let at = changes.next(now);
            told.push(at - START);
            now = at;
        }
        assert_eq!(told.get(..5), Some([2, 4, 6, 200, 400].as_slice()));
        let crowded = told.windows(7).filter_map(|it| Some(*it.last()? - *it.first()?)).min();
        assert!(crowded > Some(600), "{crowded:?}");
    }

    #[test]
    fn after_a_quiet_time_changes_are_told_at_once_again() {
        let mut changes = ChangeLimiter::new(START);
        assert!((0..4).all(|_| changes.next(START) > START));
        let later = START + 3_600;
        for _ in 0..3 {
            assert_eq!(changes.next(later), later + GATHER_SECONDS);
        }
        assert!(changes.next(later) > later + 100);
    }

    #[test]
    fn a_node_announces_itself_at_its_start_and_then_as_rarely_as_the_network_is_large() {
        let mut schedule = AnnounceSchedule::new();
        assert_eq!(schedule.next_due(10), None, "nothing before the start");
        schedule.start(START);
        assert!(schedule.is_due(10, START));
        schedule.on_announced(START);
        assert_eq!(schedule.next_due(10), Some(START + 1_800));
        assert_eq!(schedule.next_due(10_000), Some(START + 18_000));
        schedule.on_change(START + 5);
        assert_eq!(schedule.next_due(10), Some(START + 5 + GATHER_SECONDS));
        schedule.on_announced(START + 7);
        assert!(!schedule.is_due(10, START + 1_800));
        assert!(schedule.is_due(10, START + 1_807));
    }

    #[test]
    fn after_the_clock_was_set_back_nothing_waits_for_the_former_time() {
        const YEAR: u64 = 365 * 86_400;
        let mut schedule = AnnounceSchedule::new();
        schedule.start(START + YEAR);
        schedule.on_announced(START + YEAR);
        schedule.on_clock_back(START);
        assert!(schedule.is_due(10, START + 1_800));
    }
}
