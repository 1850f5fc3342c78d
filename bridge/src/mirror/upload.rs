//! What a relay is given: the owner's open events after a sequence number, a few at a time.
//!
//! There is no queue in memory. What was not acknowledged before a restart goes out again. Where the relay compares
//! (NIP-77), what it has already is passed over, and what it has lost goes out once more.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{Event, EventId, Filter, PublicKey, work::difficulty};

use super::{
    Collect, MirrorReport, MirrorStep, Terms, UploadRoom,
    comparing::{Comparing, Difference, Next},
    cut, line,
    patience::{Due, Patience},
    questions::Allowed,
};

/// Events that wait for the relay's word at a time.
pub(super) const WINDOW: usize = 20;
/// Most events that a relay is given once more in one conversation.
const MAX_AGAIN: usize = 5_000;
/// Most refusals that are remembered, so that what a relay does not want is not pressed on it with every connection.
const MAX_REFUSED: usize = 20_000;
/// Events that a relay failed to take and that are offered again; beyond, the oldest counts as refused.
const MAX_POSTPONED: usize = 1_000;
/// Attempts for one event, the last ones an hour apart, until it counts as refused: about a day.
const MAX_ATTEMPTS: u32 = 30;
/// Events beyond the first one that waits of which it is remembered that they are done with: after a new connection they
/// are not offered again.
const MAX_DONE: usize = 20_000;
/// An event of more bytes than this may be why a relay hangs up without a word. Other events have at most 64 KiB.
const LONG_BYTES: usize = 100 * 1024;
/// The name of the comparison.
pub(super) const OWN: &str = "own";

/// The state of the upload.
#[derive(Debug)]
pub(super) struct Giving {
    /// Whether all of the owner's open events go there; otherwise those alone that [`Giving::address`] names.
    out: bool,
    settled: u64,
    offered: u64,
    /// Events that wait for the relay's word: the sequence number of each, and since when.
    waiting: BTreeMap<EventId, (u64, u64)>,
    /// Those of them that are long, each with its bytes.
    long: BTreeMap<EventId, usize>,
    comparison: Comparison,
    /// Events that the relay has from elsewhere.
    has: BTreeSet<EventId>,
    /// Events that the relay has lost.
    again: Vec<EventId>,
    refused: BTreeSet<EventId>,
    /// Bits of work that the relay demands of each event.
    work: u8,
    /// How long a message it takes in comparisons.
    allowed: Allowed,
    /// How long a message it says that it takes, in bytes.
    said_bytes: Option<usize>,
    /// Events that the relay failed to take: their sequence numbers, how often, and when they are offered again.
    postponed: BTreeMap<EventId, Postponed>,
    /// Sequence numbers beyond `settled` that are done with.
    done: BTreeSet<u64>,
    /// The relay wants nothing for a while.
    paused: Patience,
}

#[derive(Debug)]
struct Postponed {
    sequence: u64,
    attempts: u32,
    again: Patience,
}

#[derive(Debug, Default)]
enum Comparison {
    /// No comparison is under way.
    #[default]
    None,
    /// The node collects what there is.
    Collecting,
    /// These are compared.
    Running(Box<Comparing>, BTreeSet<EventId>),
}

impl Giving {
    pub(super) fn new(out: bool, settled: u64) -> Self {
        Self {
            out,
            settled,
            offered: settled,
            waiting: BTreeMap::new(),
            long: BTreeMap::new(),
            comparison: Comparison::None,
            has: BTreeSet::new(),
            again: Vec::new(),
            refused: BTreeSet::new(),
            work: 0,
            allowed: Allowed::default(),
            said_bytes: None,
            postponed: BTreeMap::new(),
            done: BTreeSet::new(),
            paused: Patience::default(),
        }
    }

    /// Has these events offered to a relay to which not all of them go: it is where somebody reads whom they name.
    pub(super) fn address(&mut self, ids: &[EventId]) {
        for id in ids.iter().filter(|_| !self.out) {
            let known = self.waiting.contains_key(id)
                || self.postponed.contains_key(id)
                || self.refused.contains(id)
                || self.again.contains(id);
            if !known && self.again.len() < MAX_AGAIN {
                self.again.push(*id);
            }
        }
    }

    /// Begins on a new connection.
    pub(super) fn begin(&mut self, compares: bool, terms: &Terms, allowed: Allowed) -> Option<MirrorStep> {
        self.work = terms.work;
        self.said_bytes = terms.message_bytes.and_then(|bytes| usize::try_from(bytes).ok());
        self.allowed = allowed;
        if !self.out || !compares {
            return None;
        }
        self.comparison = Comparison::Collecting;
        Some(MirrorStep::Collect(Collect::Own))
    }

    /// The connection is gone, or the relay wants a login first.
    pub(super) fn stop(&mut self) {
        self.waiting.clear();
        self.long.clear();
        self.comparison = Comparison::None;
        self.has.clear();
        self.again.clear();
        self.offered = self.settled;
    }

    /// The connection is gone. A long event that had no answer may be why: it is passed over, and offered again later.
    pub(super) fn on_disconnected(&mut self, report: &mut MirrorReport) {
        for (id, bytes) in std::mem::take(&mut self.long) {
            let Some((_, since)) = self.waiting.get(&id).copied() else { continue };
            let reason = format!("the relay hung up on an event of {} KiB", bytes.div_ceil(1024));
            // What is settled by it is written down with what is settled next; an event that is given up counts as waiting.
            drop(self.on_failed(id, &reason, since, report));
        }
        self.stop();
    }

    /// The relay takes nothing more for now, and so is not offered anything for a while that grows.
    pub(super) fn pause(&mut self, now: u64) {
        self.waiting.clear();
        self.long.clear();
        self.offered = self.settled;
        self.paused.on_failed(now);
    }

    /// Some time has passed: what was postponed and is due is offered again, by [`Giving::room`].
    pub(super) fn on_tick(&mut self, now: u64) -> Option<MirrorStep> {
        if self.paused.on_tick(0, now) == Due::Again {
            self.paused.stop();
        }
        for (id, postponed) in &mut self.postponed {
            if postponed.again.on_tick(0, now) == Due::Again {
                postponed.again.on_asked();
                self.again.push(*id);
            }
        }
        None
    }

    /// The relay failed to take an event, for a reason of its own. It is passed over, and offered again later.
    pub(super) fn on_failed(
        &mut self,
        id: EventId,
        reason: &str,
        now: u64,
        report: &mut MirrorReport,
    ) -> Vec<MirrorStep> {
        let Some((sequence, _)) = self.waiting.remove(&id) else { return vec![] };
        self.long.remove(&id);
        report.refusal = Some(cut(reason));
        let mut steps = Vec::new();
        let postponed = self.postponed.entry(id).or_insert(Postponed {
            sequence,
            attempts: 0,
            again: Patience::default(),
        });
        postponed.attempts += 1;
        postponed.again.on_failed(now);
        if postponed.attempts >= MAX_ATTEMPTS {
            steps.extend(self.give_up(id, report));
        }
        if self.postponed.len() > MAX_POSTPONED {
            let oldest = self.postponed.iter().min_by_key(|(_, postponed)| postponed.sequence);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                steps.extend(self.give_up(oldest, report));
            }
        }
        report.postponed = self.postponed.len() as u64;
        steps.extend(self.settle());
        steps
    }

    fn give_up(&mut self, id: EventId, report: &mut MirrorReport) -> Option<MirrorStep> {
        let Postponed { sequence, .. } = self.postponed.remove(&id)?;
        self.done.insert(sequence);
        Some(self.refuse(id, report))
    }

    /// Takes in the owner's public events: time and id of each.
    pub(super) fn on_collected(
        &mut self,
        owner: &PublicKey,
        held: &[(u64, EventId)],
        now: u64,
    ) -> Option<MirrorStep> {
        if !matches!(self.comparison, Comparison::Collecting) {
            return None;
        }
        let Some((comparing, first)) = Comparing::begin(held, self.allowed.comparison_bytes(), now) else {
            self.comparison = Comparison::None;
            return None;
        };
        let ids = held.iter().map(|(_, id)| *id).collect();
        self.comparison = Comparison::Running(Box::new(comparing), ids);
        let filter = Filter { authors: Some([*owner].into()), ..Filter::default() };
        Some(MirrorStep::Send(line(&("NEG-OPEN", OWN, filter, hex::encode(first)))))
    }

    /// The relay's answer in the comparison.
    pub(super) fn on_answer(&mut self, answer: &[u8], now: u64) -> Option<MirrorStep> {
        let Comparison::Running(comparing, held) = &mut self.comparison else { return None };
        match comparing.on_answer(answer, now) {
            Some(Next::Send(message)) => {
                Some(MirrorStep::Send(line(&("NEG-MSG", OWN, hex::encode(message)))))
            }
            Some(Next::Done(Difference { lacking, .. })) => {
                self.has = held.difference(&lacking).copied().collect();
                self.again = lacking.difference(&self.refused).take(MAX_AGAIN).copied().collect();
                self.comparison = Comparison::None;
                Some(MirrorStep::Send(line(&("NEG-CLOSE", OWN))))
            }
            None => self.on_not_compared(),
        }
    }

    /// The comparison has failed: offers everything, as to a relay that does not compare.
    pub(super) fn on_not_compared(&mut self) -> Option<MirrorStep> {
        let ran = matches!(self.comparison, Comparison::Running(..));
        self.comparison = Comparison::None;
        ran.then(|| MirrorStep::Send(line(&("NEG-CLOSE", OWN))))
    }

    /// Since when the relay owes an answer in the comparison.
    pub(super) fn asked(&self) -> Option<u64> {
        match &self.comparison {
            Comparison::Running(comparing, _) => Some(comparing.asked()),
            _ => None,
        }
    }

    /// Since when the relay owes its word on an event.
    pub(super) fn offered_at(&self) -> Option<u64> {
        self.waiting.values().map(|(_, since)| *since).min()
    }

    pub(super) fn room(&mut self) -> Option<UploadRoom> {
        let wanted = self.out || !self.again.is_empty();
        if !wanted
            || self.paused.again().is_some()
            || !self.waiting.is_empty()
            || !matches!(self.comparison, Comparison::None)
        {
            return None;
        }
        if self.again.is_empty() {
            return Some(UploadRoom::After(self.offered));
        }
        let next = self.again.split_off(self.again.len().saturating_sub(WINDOW));
        Some(UploadRoom::Again(next))
    }

    pub(super) fn offer(
        &mut self,
        through: u64,
        events: &[(u64, Event)],
        now: u64,
        report: &mut MirrorReport,
    ) -> Vec<MirrorStep> {
        self.offered = through;
        let mut steps = Vec::new();
        for (sequence, event) in events {
            let id = event.id();
            if self.done.contains(sequence) || self.postponed.contains_key(&id) {
                // It was given on an earlier connection, or is offered again when its time has come.
            } else if self.has.remove(&id) {
                report.accepted += 1;
                steps.push(MirrorStep::Acknowledged(id));
            } else {
                steps.push(self.send(*sequence, event, now, report));
            }
        }
        steps.extend(self.settle());
        steps
    }

    pub(super) fn offer_again(
        &mut self,
        events: &[(u64, Event)],
        now: u64,
        report: &mut MirrorReport,
    ) -> Vec<MirrorStep> {
        // What was postponed and is not there any more was deleted.
        let there: BTreeSet<EventId> = events.iter().map(|(_, event)| event.id()).collect();
        let again = &self.again;
        self.postponed.retain(|id, postponed| {
            !postponed.again.is_waiting() || there.contains(id) || again.contains(id)
        });
        report.postponed = self.postponed.len() as u64;
        // What was not offered yet comes with the rest.
        let given = events.iter().filter(|(sequence, _)| !self.out || *sequence <= self.offered).cloned();
        let mut steps: Vec<MirrorStep> = given
            .collect::<Vec<_>>()
            .iter()
            .map(|(sequence, event)| self.send(*sequence, event, now, report))
            .collect();
        steps.extend(self.settle());
        steps
    }

    /// Sends an event, or says that it is refused where it is known that the relay will not take it.
    fn send(&mut self, sequence: u64, event: &Event, now: u64, report: &mut MirrorReport) -> MirrorStep {
        let id = event.id();
        if difficulty(&id) < u32::from(self.work) {
            report.refusal = Some(format!(
                "pow: it takes only events with {} bits of work (NIP-13), which have to be put in before they are signed",
                self.work
            ));
            return self.refuse(id, report);
        }
        let message = line(&("EVENT", event));
        if self.said_bytes.is_some_and(|most| message.len() > most) {
            report.refusal = Some(format!(
                "too long: an event has {} KiB, and it takes at most {} KiB",
                message.len().div_ceil(1024),
                self.said_bytes.unwrap_or_default() / 1024
            ));
            return self.refuse(id, report);
        }
        if message.len() > LONG_BYTES {
            self.long.insert(id, message.len());
        }
        self.waiting.insert(id, (sequence, now));
        MirrorStep::Send(message)
    }

    /// Whether the relay's word on this event is awaited.
    pub(super) fn awaits(&self, id: &EventId) -> bool {
        self.waiting.contains_key(id)
    }

    /// The relay has this event.
    pub(super) fn on_accepted(
        &mut self,
        id: EventId,
        now: u64,
        report: &mut MirrorReport,
    ) -> Vec<MirrorStep> {
        self.on_done(&id, report);
        self.paused.on_answered();
        report.accepted += 1;
        report.last_event = Some(now);
        [MirrorStep::Acknowledged(id)].into_iter().chain(self.settle()).collect()
    }

    /// The relay does not want this event, and never will.
    pub(super) fn on_refused(
        &mut self,
        id: EventId,
        reason: &str,
        report: &mut MirrorReport,
    ) -> Vec<MirrorStep> {
        self.on_done(&id, report);
        report.refusal = Some(cut(reason));
        [self.refuse(id, report)].into_iter().chain(self.settle()).collect()
    }

    fn on_done(&mut self, id: &EventId, report: &mut MirrorReport) {
        if let Some((sequence, _)) = self.waiting.remove(id) {
            self.done.insert(sequence);
        }
        self.long.remove(id);
        self.postponed.remove(id);
        report.postponed = self.postponed.len() as u64;
    }

    fn refuse(&mut self, id: EventId, report: &mut MirrorReport) -> MirrorStep {
        report.refused += 1;
        if self.refused.len() < MAX_REFUSED {
            self.refused.insert(id);
        }
        MirrorStep::Refused(id)
    }

    /// Moves up to before the first event that waits or was postponed: after a restart it is offered again, because
    /// what is known of it is in memory alone.
    fn settle(&mut self) -> Option<MirrorStep> {
        if !self.out {
            self.done.clear();
            return None;
        }
        let postponed = self.postponed.values().map(|postponed| postponed.sequence);
        let first = self.waiting.values().map(|(sequence, _)| *sequence).chain(postponed).min();
        let settled = first.map_or(self.offered, |first| first.saturating_sub(1));
        if settled <= self.settled {
            return None;
        }
        self.settled = settled;
        self.done = self.done.split_off(&settled.saturating_add(1));
        while self.done.len() > MAX_DONE {
            self.done.pop_first();
        }
        Some(MirrorStep::Settled(settled))
    }
}
