//! Stored events that the node missed. It finds them by comparing (NIP-77) where the relay does that, and reads page by
//! page where the relay does not.

use std::collections::{BTreeSet, VecDeque};

use nostrp2p_protocol::{EventId, Filter, UnsignedEvent};

use super::{EOSE_WITHIN, is_of_versions, pages::Pages, request};
use crate::mirror::{
    Collect, MirrorStep,
    comparing::{Comparing, Next},
    line,
    patience::{Due, Patience},
    questions::Allowed,
};

/// Events that one question asks for by their ids; relays refuse long filters.
const IDS_AT_ONCE: usize = 200;
/// Most events that the node remembers as fetched, whether it kept them or not.
const MAX_TRIED: usize = 20_000;

const MISSED: &str = "missed";
/// The name of the comparison.
pub(in crate::mirror) const COMPARE: &str = "compare";

/// A filter, and from when on the node reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) filter: Filter,
    /// In pages.
    pub(super) since: u64,
    /// In a comparison: all that the store may keep, because it costs little and finds what came to the relay late.
    pub(super) horizon: u64,
}

/// Reads the past.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The parts that are not read yet, the present one first.
    parts: VecDeque<Part>,
    /// When it began, in seconds since 1970: newer events come by the subscriptions.
    until: u64,
    /// The limits of the relay.
    allowed: Allowed,
    compares: bool,
    comparing: Option<Box<Comparing>>,
    /// Events that the comparison has found and no question has asked for yet.
    needed: Vec<EventId>,
    /// Events that the open question asks for by their ids.
    fetching: Vec<EventId>,
    /// Events that earlier comparisons have found: the node does not want again what it did not keep then.
    tried: BTreeSet<EventId>,
    /// Whether the last comparison of the present filter was cut, and something of it was fetched: then it is compared
    /// again.
    compares_again: bool,
    pages: Option<Pages>,
    /// Whether the question owes an answer.
    patience: Patience,
    passed_over: u64,
}

impl Past {
    /// Whether this is the name of the question.
    pub(super) fn is_one(subscription: &str) -> bool {
        subscription == MISSED
    }

    /// Reads all of these.
    pub(super) fn begin(
        &mut self,
        parts: Vec<Part>,
        until: u64,
        compares: bool,
        allowed: Allowed,
    ) -> Vec<MirrorStep> {
        let stopped = self.stop_comparing();
        let (tried, patience) = (std::mem::take(&mut self.tried), self.patience);
        *self = Self { parts: parts.into(), until, allowed, compares, tried, patience, ..Self::default() };
        self.patience.stop();
        stopped.into_iter().chain(self.ask()).collect()
    }

    /// Whether all has been read.
    pub(super) fn is_read(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether all replaceable and addressable events have been read: profiles and lists.
    pub(super) fn is_read_of_versions(&self) -> bool {
        !self.parts.iter().any(|part| is_of_versions(&part.filter))
    }

    /// Whether the question failed and waits to be asked again.
    pub(super) const fn asks_again(&self) -> bool {
        self.patience.again().is_some()
    }

    /// Seconds of which the relay has more than it gives, since this was asked last.
    pub(super) fn passed_over(&mut self) -> u64 {
        std::mem::take(&mut self.passed_over)
    }

    /// Notes an event that came for the question; returns whether it has not come before.
    pub(super) fn on_event(&mut self, id: EventId, event: &UnsignedEvent) -> bool {
        match &mut self.pages {
            Some(pages) => pages.on_event(id, event),
            None => self.fetching.contains(&id),
        }
    }

    /// The question has been answered: the next one.
    pub(super) fn on_eose(&mut self) -> Vec<MirrorStep> {
        if self.parts.is_empty() {
            return vec![];
        }
        self.patience.on_answered();
        self.go_on()
    }

    /// The store holds these of the events that are compared: time and id of each.
    pub(super) fn on_collected(&mut self, held: &[(u64, EventId)], now: u64) -> Option<MirrorStep> {
        let filter = self.compared()?;
        let Some((comparing, first)) = Comparing::begin(held, self.allowed.comparison_bytes(), now) else {
            self.compares = false;
            return self.ask();
        };
        self.comparing = Some(Box::new(comparing));
        Some(MirrorStep::Send(line(&("NEG-OPEN", COMPARE, filter, hex::encode(first)))))
    }

    /// The relay's answer in the comparison.
    pub(super) fn on_answer(&mut self, answer: &[u8], now: u64) -> Vec<MirrorStep> {
        let Some(comparing) = &mut self.comparing else { return vec![] };
        match comparing.on_answer(answer, now) {
            Some(Next::Send(message)) => {
                vec![MirrorStep::Send(line(&("NEG-MSG", COMPARE, hex::encode(message))))]
            }
            Some(Next::Done(difference)) => {
                self.comparing = None;
                self.needed = difference.needed.difference(&self.tried).copied().collect();
                self.compares_again = difference.cut && !self.needed.is_empty();
                let close = MirrorStep::Send(line(&("NEG-CLOSE", COMPARE)));
                [close].into_iter().chain(self.go_on()).collect()
            }
            None => self.on_not_compared().into_iter().collect(),
        }
    }

    /// The comparison has failed: reads pages instead.
    pub(super) fn on_not_compared(&mut self) -> Option<MirrorStep> {
        self.compares = false;
        self.comparing.take().and_then(|_| self.ask())
    }

    /// Since when the relay owes an answer in the comparison.
    pub(super) fn asked(&self) -> Option<u64> {
        self.comparing.as_ref().map(|comparing| comparing.asked())
    }

    /// The relay has ended the question or refused it: it is asked again after a pause.
    pub(super) fn on_closed(&mut self, now: u64) {
        if self.patience.is_waiting() {
            self.patience.on_failed(now);
        }
    }

    pub(super) fn on_tick(&mut self, now: u64) -> Option<MirrorStep> {
        match self.patience.on_tick(EOSE_WITHIN, now) {
            Due::Late => {
                self.patience.on_failed(now);
                Some(MirrorStep::Send(line(&("CLOSE", MISSED))))
            }
            Due::Again if self.fetching.is_empty() => self.ask(),
            Due::Again => Some(self.ask_by_ids()),
            Due::Nothing => None,
        }
    }

    /// The relay owes no answer any more. The parts to read stay.
    pub(super) fn stop(&mut self) {
        self.comparing = None;
        self.patience.stop();
    }

    /// Ends the question, until [`Past::begin`].
    pub(super) fn close(&mut self) -> Vec<MirrorStep> {
        let stopped = self.stop_comparing();
        self.stop();
        self.needed.clear();
        self.fetching.clear();
        self.parts.clear();
        self.pages = None;
        stopped.into_iter().chain([MirrorStep::Send(line(&("CLOSE", MISSED)))]).collect()
    }

    fn stop_comparing(&mut self) -> Option<MirrorStep> {
        self.comparing.take().map(|_| MirrorStep::Send(line(&("NEG-CLOSE", COMPARE))))
    }

    /// A page is here, or a comparison has shown what is missing: the next page, or the next filter.
    fn go_on(&mut self) -> Vec<MirrorStep> {
        let room = MAX_TRIED.saturating_sub(self.tried.len());
        self.tried.extend(self.fetching.drain(..).take(room));
        if !self.needed.is_empty() {
            let most = usize::try_from(self.allowed.limit.unwrap_or(u32::MAX)).unwrap_or(usize::MAX);
            let at_once = IDS_AT_ONCE.min(most);
            self.fetching = self.needed.split_off(self.needed.len().saturating_sub(at_once));
            return vec![self.ask_by_ids()];
        }
        let more = self.pages.as_mut().is_some_and(|pages| {
            let more = pages.on_end();
            self.passed_over += pages.passed_over();
            more
        });
        if !more && !std::mem::take(&mut self.compares_again) {
            self.parts.pop_front();
            self.pages = None;
        }
        match self.ask() {
            Some(question) => vec![question],
            None => vec![MirrorStep::Send(line(&("CLOSE", MISSED)))],
        }
    }

    /// Asks for the present page, or has the store collect what to compare; None when all has been read.
    fn ask(&mut self) -> Option<MirrorStep> {
        if self.compares {
            return self.compared().map(|filter| MirrorStep::Collect(Collect::Wanted(filter)));
        }
        let part = self.parts.front()?;
        let (span, limit) = ((part.since, self.until), self.allowed.limit);
        let pages = self.pages.get_or_insert_with(|| Pages::new(part.filter.clone(), span, limit));
        self.patience.on_asked();
        Some(MirrorStep::Send(request(MISSED, [pages.question()])))
    }

    fn ask_by_ids(&mut self) -> MirrorStep {
        self.patience.on_asked();
        let ids = Some(self.fetching.iter().copied().collect());
        MirrorStep::Send(request(MISSED, [Filter { ids, ..Filter::default() }]))
    }

    fn compared(&self) -> Option<Filter> {
        let Part { filter, horizon, .. } = self.parts.front()?;
        Some(Filter { since: Some(*horizon), until: Some(self.until), ..filter.clone() })
    }
}
