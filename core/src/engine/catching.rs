//! Catching up with neighbours: what they send goes the same way as what comes by gossip, but is not gossiped again.

use nostrp2p_protocol::{Event, Forged};

use super::{Core, Output, Pending, Sharing};
use crate::{
    catching_up::{CaughtUp, Counts, Identified, Session},
    reconcile::Difference,
};

impl Core {
    /// How the last comparison with a neighbour went.
    pub const fn caught_up(&self) -> Option<CaughtUp> {
        self.catching_up.last()
    }

    /// Numbers of comparisons since the start.
    pub const fn catching_up_counts(&self) -> Counts {
        self.catching_up.counts()
    }

    pub(super) fn catch_up(&mut self, now: u64) -> Vec<Output> {
        self.catching_up.due(now).into_iter().map(Output::CatchUp).collect()
    }

    pub(super) fn on_compared(
        &mut self,
        session: Session,
        difference: Option<Difference>,
        now: u64,
    ) -> Vec<Output> {
        let admission = &self.admission;
        let steps = self.catching_up.on_compared(session, difference, |id| admission.knows(id), now);
        self.follow(steps, now)
    }

    pub(super) fn on_got(
        &mut self,
        session: Session,
        events: Option<Vec<Identified>>,
        now: u64,
    ) -> Vec<Output> {
        let (events, mut steps) = self.catching_up.on_got(session, events, now);
        let mut outputs = Vec::new();
        for Identified { id, event } in events {
            if self.admission.check_shared(&event.rumor, now).is_ok() {
                outputs.push(self.verify(Pending::CaughtUp(session), event));
            } else {
                // Not asked for again and again; nobody who keeps to the rules has it.
                self.refusals.count("shared_rule");
                self.admission.decline(id);
                steps.extend(self.catching_up.on_checked(session, false, now));
            }
        }
        outputs.extend(self.follow(steps, now));
        outputs
    }

    pub(super) fn on_caught_up(
        &mut self,
        session: Session,
        result: Result<Event, Forged>,
        now: u64,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        let gained = result.is_ok();
        if let Ok(event) = result {
            self.admission.admit_shared(event.id(), &event, now);
            outputs.push(Output::Store(event, Sharing::Shared));
        }
        let steps = self.catching_up.on_checked(session, gained, now);
        outputs.extend(self.follow(steps, now));
        outputs
    }

    /// What a session wants next, and what is due besides: one that ended has made room.
    fn follow(&mut self, mut steps: Vec<crate::catching_up::Step>, now: u64) -> Vec<Output> {
        steps.extend(self.catching_up.due(now));
        steps.into_iter().map(Output::CatchUp).collect()
    }
}
