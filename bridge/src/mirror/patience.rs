//! Backoff after a failure of a relay: 5 s, then twice as long each time, up to an hour.

/// The first pause and the longest, in seconds.
const PAUSE: (u64, u64) = (5, 3_600);

/// The pause after so many failures in a row, at least one.
pub(super) fn pause(failures: u32) -> u64 {
    PAUSE.0.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(PAUSE.1)
}

/// A question that owes an answer, and what becomes of it without one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    state: State,
    failures: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No answer is due.
    #[default]
    Idle,
    /// It was sent; the time is in seconds since 1970, once a tick has come since.
    Asked(Option<u64>),
    /// It failed, and is sent again at this time.
    Again(u64),
}

/// The result of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    Nothing,
    /// There was no answer in time.
    Late,
    /// Send it again.
    Again,
}

impl Patience {
    pub(super) const fn on_asked(&mut self) {
        self.state = State::Asked(None);
    }

    pub(super) const fn on_answered(&mut self) {
        *self = Self { state: State::Idle, failures: 0 };
    }

    pub(super) fn on_failed(&mut self, now: u64) {
        self.failures = self.failures.saturating_add(1);
        self.state = State::Again(now.saturating_add(pause(self.failures)));
    }

    /// No answer is due any more; the number of failures is remembered.
    pub(super) const fn stop(&mut self) {
        self.state = State::Idle;
    }

    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Asked(_))
    }

    /// When it is asked again, while that is so.
    pub(super) const fn again(&self) -> Option<u64> {
        match self.state {
            State::Again(when) => Some(when),
            _ => None,
        }
    }

    /// Some time has passed; `within` seconds is how long an answer may take.
    pub(super) fn on_tick(&mut self, within: u64, now: u64) -> Due {
        match self.state {
            State::Asked(None) => {
                self.state = State::Asked(Some(now));
                Due::Nothing
            }
            State::Asked(Some(since)) if since.saturating_add(within) < now => Due::Late,
            // A clock that was set back must not make it wait for longer than the longest pause.
            State::Again(when) if when <= now || when > now.saturating_add(PAUSE.1) => Due::Again,
            _ => Due::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn pauses_grow_from_five_seconds_to_an_hour() {
        let pauses: Vec<u64> = (1..13).map(pause).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]);
        assert_eq!(pause(u32::MAX), 3_600);
    }

    #[test]
    fn a_question_is_late_after_its_time_and_asked_again_after_its_pause() {
        let mut question = Patience::default();
        assert_eq!(question.on_tick(60, NOW), Due::Nothing);
        question.on_asked();
        assert_eq!(question.on_tick(60, NOW), Due::Nothing);
        assert_eq!(question.on_tick(60, NOW + 60), Due::Nothing);
        assert_eq!(question.on_tick(60, NOW + 61), Due::Late);
        question.on_failed(NOW + 61);
        assert_eq!((question.again(), question.on_tick(60, NOW + 65)), (Some(NOW + 66), Due::Nothing));
        assert_eq!(question.on_tick(60, NOW + 66), Due::Again);
        question.on_asked();
        question.on_failed(NOW + 70);
        assert_eq!(question.again(), Some(NOW + 80), "twice as long");
        question.on_answered();
        question.on_failed(NOW + 90);
        assert_eq!(question.again(), Some(NOW + 95), "an answer begins anew");
        assert_eq!(question.on_tick(60, NOW - 86_400), Due::Again, "the clock was set back");
    }
}
