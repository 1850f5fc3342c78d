//! When a client gets new figures of the node's status.
//!
//! A figure is not worth waking a device for: while nobody looks, it waits until something else is sent.

use std::time::Duration;

use tokio::time::Instant;

/// How often peers may be reported at most.
const PEERS_EVERY: Duration = Duration::from_secs(1);
/// How often counts alone are reported at most: they change with every event.
const COUNTS_EVERY: Duration = Duration::from_secs(10);
/// A client for which the node may gather longer than this shows nothing to anybody.
const LOOKED_AT: Duration = Duration::from_secs(10);

/// What changed since the client's last figures, and when it gets new ones.
#[derive(Debug)]
pub(super) struct Figures {
    sent: Instant,
    changed: bool,
    due: Option<Instant>,
}

impl Figures {
    pub(super) const fn new(now: Instant) -> Self {
        Self { sent: now, changed: false, due: None }
    }

    /// When the client gets new figures, if that is known.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Peers came, went or changed.
    pub(super) fn on_peers(&mut self, gather: Duration) {
        self.note(self.sent + PEERS_EVERY, gather);
    }

    /// The number of stored events has changed.
    pub(super) fn on_counts(&mut self, gather: Duration) {
        self.note(self.sent + COUNTS_EVERY, gather);
    }

    fn note(&mut self, at: Instant, gather: Duration) {
        self.changed = true;
        if gather <= LOOKED_AT {
            self.due = Some(self.due.map_or(at, |due| due.min(at)));
        }
    }

    /// The client says how long the node may gather from now on.
    pub(super) fn on_watch(&mut self, gather: Duration) {
        self.due = None;
        if self.changed {
            self.note(self.sent + PEERS_EVERY, gather);
        }
    }

    /// Whether to tell it together with what is sent now anyway.
    pub(super) const fn ride_along(&self) -> bool {
        self.changed && self.due.is_none()
    }

    /// The client got the figures.
    pub(super) const fn on_sent(&mut self, now: Instant) {
        *self = Self::new(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(20);
    const HIDDEN: Duration = Duration::from_secs(60);

    #[test]
    fn who_looks_is_told_of_peers_within_a_second_and_of_counts_within_ten() {
        let start = Instant::now();
        let mut figures = Figures::new(start);
        assert_eq!(figures.due(), None);
        figures.on_counts(QUICK);
        assert_eq!(figures.due(), Some(start + COUNTS_EVERY));
        figures.on_peers(QUICK);
        assert_eq!(figures.due(), Some(start + PEERS_EVERY));
        assert!(!figures.ride_along());
        figures.on_sent(start + PEERS_EVERY);
        assert_eq!(figures.due(), None);
    }

    #[test]
    fn a_hidden_page_is_not_woken_and_told_when_it_is_sent_something_or_looked_at_again() {
        let start = Instant::now();
        let mut figures = Figures::new(start);
        figures.on_watch(HIDDEN);
        assert!(!figures.ride_along());
        figures.on_peers(HIDDEN);
        figures.on_counts(HIDDEN);
        assert!(figures.due().is_none() && figures.ride_along());
        figures.on_watch(QUICK);
        assert_eq!(figures.due(), Some(start + PEERS_EVERY));
        figures.on_watch(HIDDEN);
        assert!(figures.due().is_none() && figures.ride_along());
    }
}
