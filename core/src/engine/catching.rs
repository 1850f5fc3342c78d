//! Catching up with neighbours: fetched events are treated as gossiped ones are, but are not gossiped again.

use nostrp2p_protocol::{Event, VerifyError};

use super::{Core, Output, Pending};
use crate::{
    admission::Ignored,
    stored::Sharing,
    sync::Difference,
    sync::{Identified, LastSync, SyncCounts, SyncSession},
};

impl Core {
    /// How the last comparison with a neighbour went.
    pub const fn caught_up(&self) -> Option<LastSync> {
        self.sync.last()
    }

    /// Numbers of comparisons since the start.
    pub const fn catching_up_counts(&self) -> SyncCounts {
        self.sync.counts()
    }

    /// Events that are dated too far ahead and will be asked for when they are due.
    pub fn early_events(&self) -> usize {
        self.future_events.len()
    }

    /// Fetches events that were dated too far ahead and are due now, from the neighbour that brought them and from
    /// another one, because the first may have gone.
    pub(super) fn recall(&mut self, now: u64) {
        for peer in self.future_events.take_due(now) {
            self.sync.on_due(&peer);
            self.sync.on_missed(now);
        }
    }

    pub(super) fn catch_up(&mut self, now: u64) -> Vec<Output> {
        self.sync.due(now).into_iter().map(Output::CatchUp).collect()
    }

    pub(super) fn on_compared(
        &mut self,
        session: SyncSession,
        difference: Option<Difference>,
        now: u64,
    ) -> Vec<Output> {
        let known = |id: &_| self.admission.knows(id) || self.future_events.is_waiting(id, now);
        let steps = self.sync.on_compared(session, difference, known, now);
        self.follow(steps, now)
    }

    pub(super) fn on_got(
        &mut self,
        session: SyncSession,
        events: Option<Vec<Identified>>,
        now: u64,
    ) -> Vec<Output> {
        let from = self.sync.peer(session);
        let (events, mut steps) = self.sync.on_got(session, events, now);
        let mut outputs = Vec::new();
        for Identified { id, event } in events {
            let checked = self.admission.check_shared(&event.unsigned, now);
            if checked.is_ok() {
                outputs.push(self.verify(Pending::CaughtUp(session), event));
                continue;
            }
            // Not asked for again and again; nobody who keeps to the rules has it, unless this node's clock is behind.
            match from.filter(|_| checked == Err(Ok(Ignored::TooNew))) {
                Some(from) => self.future_events.note(id, event.unsigned.created_at, from, now),
                None => self.admission.decline(id),
            }
            self.refusals.count("shared_rule");
            steps.extend(self.sync.on_checked(session, false, now));
        }
        outputs.extend(self.follow(steps, now));
        outputs
    }

    pub(super) fn on_caught_up(
        &mut self,
        session: SyncSession,
        result: Result<Event, VerifyError>,
        now: u64,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        let gained = result.is_ok();
        if let Ok(event) = result {
            self.admission.admit_shared(event.id(), &event, now);
            outputs.push(Output::Store(event, Sharing::Shared));
        }
        let steps = self.sync.on_checked(session, gained, now);
        outputs.extend(self.follow(steps, now));
        outputs
    }

    /// Carries out the next steps of a session, and those that are possible because another one has ended.
    fn follow(&mut self, mut steps: Vec<crate::sync::SyncStep>, now: u64) -> Vec<Output> {
        steps.extend(self.sync.due(now));
        steps.into_iter().map(Output::CatchUp).collect()
    }
}
