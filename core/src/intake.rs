//! How many events one Nostr relay may bring. A relay has no peer score to lose, and its authors' keys cost nothing.

use crate::limit::{Rate, TokenBuckets, UNIT};

/// Events of one relay: 20,000 at once, which is a month of 100 people who write much, and as many an hour; a guess. It is
/// a hundredth of what a flood brings over a good line.
const EVENTS: Rate = Rate { burst: 20_000, per_hour: 20_000 };
/// KiB of one relay: 64 MiB at once and as many an hour, as of all neighbours in catching up; a guess.
const KIB: Rate = Rate { burst: 65_536, per_hour: 65_536 };
/// An event that the node already holds or declines costs this part of a new one, because it is looked up and not
/// written. So a relay that is read again after a pause gets further than the last time.
const SEEN_PART: u64 = 8;
/// How long a relay is not listened to once its budget is spent, in seconds: then a sixth of it is there again.
pub const INTAKE_PAUSE_SECONDS: u64 = 600;

/// The budget of one relay.
#[derive(Debug)]
pub struct Intake {
    events: TokenBuckets<()>,
    kib: TokenBuckets<()>,
}

impl Default for Intake {
    fn default() -> Self {
        Self { events: TokenBuckets::new(1), kib: TokenBuckets::new(1) }
    }
}

impl Intake {
    /// Charges an event of so many bytes; `new` says that it was stored.
    pub fn charge(&mut self, bytes: usize, new: bool, now: u64) {
        let part = if new { 1 } else { SEEN_PART };
        self.events.take((), EVENTS, UNIT / part, now);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.kib.take((), KIB, bytes.saturating_mul(UNIT) / 1024 / part, now);
    }

    /// Whether nothing is left.
    pub fn is_spent(&self, now: u64) -> bool {
        !self.events.holds(&(), EVENTS, UNIT, now) || !self.kib.holds(&(), KIB, UNIT, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_spends_the_budget_and_what_is_known_already_hardly_does() {
        let mut intake = Intake::default();
        (0..19_999).for_each(|_| intake.charge(500, true, 100));
        assert!(!intake.is_spent(100));
        (0..8).for_each(|_| intake.charge(500, false, 100));
        assert!(intake.is_spent(100) && !intake.is_spent(100 + INTAKE_PAUSE_SECONDS));
        let mut large = Intake::default();
        (0..1_024).for_each(|_| large.charge(65_536, true, 100));
        assert!(large.is_spent(100), "64 MiB");
    }
}
