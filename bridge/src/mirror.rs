//! The node's side of a conversation with another relay: what that relay is given, and what it is asked for.
//!
//! Sans-IO: lines in, [`Step`]s out; sockets, the store and the clock are the node's. One [`Mirror`] is one relay.
//!
//! There is no queue in memory. What goes out is "the owner's open events after sequence number N", a few at a time,
//! and N moves up as the relay acknowledges; so what was not acknowledged before a restart goes out again.
//! What comes in is asked for twice: what is new from now on, and page by page what was missed; then who the strangers
//! are that wrote some of it.
//! The node has no key of its owner: where a relay wants a signature (NIP-42) or work (NIP-13) before it takes anything,
//! the mirror stops and says so.

mod asking;
mod interest;

use std::collections::BTreeMap;

use asking::Asking;
pub use interest::{interest, is_offered};
use nostrp2p_protocol::{Event, EventId, Filter, UnverifiedEvent};
use serde_json::value::RawValue;

/// Events that wait for the relay's word at a time.
const WINDOW: usize = 20;
/// How long a relay may take for its word, in seconds; then the connection counts as dead.
const ANSWER_WITHIN: u64 = 60;
/// Reconnecting: the pause after the first failure and the longest, in seconds. It doubles in between.
const PAUSE: (u64, u64) = (5, 30 * 60);
/// Longest reason of a relay that is kept, in characters.
const MAX_REASON: usize = 200;

/// What the node does for a mirror, in this order.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Send this line to the relay.
    Send(String),
    /// The relay has this event of the owner.
    Acknowledged(EventId),
    /// Everything up to this sequence number is done with; write it down.
    Settled(u64),
    /// An event came that was asked for. It is not checked.
    Heard(Box<UnverifiedEvent>),
    /// Everything wanted that was written until this time, in seconds since 1970, is here; write it down.
    CaughtUp(u64),
    /// Hang up, and connect again after the pause.
    HangUp(&'static str),
}

/// What people are told of a mirror.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Events of the owner that the relay has taken since the start.
    pub accepted: u64,
    /// Events of the owner that it has refused since the start.
    pub refused: u64,
    /// Why it refused something last.
    pub refusal: Option<String>,
    /// Events that came from it since the start.
    pub heard: u64,
    /// When an event last went or came, in seconds since 1970.
    pub last_event: Option<u64>,
    /// Whether it wants a signature of the owner before it does anything.
    pub needs_signature: bool,
    /// Whether what was missed has been fetched.
    pub caught_up: bool,
}

/// One relay. It outlives connections.
#[derive(Debug)]
pub struct Mirror {
    /// Whether the owner's events go there.
    out: bool,
    settled: u64,
    offered: u64,
    /// Events that wait for the relay's word: the sequence number of each, and since when.
    waiting: BTreeMap<EventId, (u64, u64)>,
    asking: Asking,
    connected: bool,
    failures: u32,
    report: Report,
}

impl Mirror {
    /// Begins where the last run ended: `settled` by [`Step::Settled`], `heard_until` by [`Step::CaughtUp`].
    pub fn new(out: bool, settled: u64, heard_until: u64) -> Self {
        Self {
            out,
            settled,
            offered: settled,
            waiting: BTreeMap::new(),
            asking: Asking::new(heard_until),
            connected: false,
            failures: 0,
            report: Report::default(),
        }
    }

    /// What people are told.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// The connection stands. `wanted` are filters without `since`, `until` and `limit`; see [`interest`].
    pub fn on_connected(&mut self, wanted: Vec<Filter>, now: u64) -> Vec<Step> {
        self.connected = true;
        self.report.needs_signature = false;
        self.report.caught_up = false;
        self.asking.begin(wanted, now)
    }

    /// The connection is gone, or never stood. Returns after how many seconds to try again.
    pub fn on_disconnected(&mut self) -> u64 {
        self.connected = false;
        self.waiting.clear();
        self.offered = self.settled;
        let pause = PAUSE.0.saturating_mul(1 << self.failures.min(16)).min(PAUSE.1);
        self.failures += 1;
        pause
    }

    /// Whether more of the owner's events may be offered, and after which sequence number they begin.
    pub fn room(&self) -> Option<u64> {
        let may = self.out && self.connected && !self.report.needs_signature && self.waiting.is_empty();
        may.then_some(self.offered)
    }

    /// How many events may be offered at a time.
    pub const fn window() -> usize {
        WINDOW
    }

    /// Offers events of the owner, at most [`Mirror::window`] of them. There are no others up to `through`.
    pub fn offer(&mut self, through: u64, events: &[(u64, Event)], now: u64) -> Vec<Step> {
        self.offered = through;
        let mut steps = Vec::new();
        for (sequence, event) in events {
            self.waiting.insert(event.id(), (*sequence, now));
            steps.push(Step::Send(line(&("EVENT", event))));
        }
        steps.extend(self.settle());
        steps
    }

    /// The relay said something.
    pub fn on_line(&mut self, text: &str, now: u64) -> Vec<Step> {
        let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(text) else { return vec![] };
        let word =
            |place: usize| parts.get(place).and_then(|part| serde_json::from_str::<String>(part.get()).ok());
        match word(0).as_deref() {
            Some("OK") => {
                let id = word(1).and_then(|id| id.parse().ok());
                let accepted = parts.get(2).is_some_and(|part| part.get() == "true");
                id.map_or_else(Vec::new, |id| self.on_ok(id, accepted, word(3).unwrap_or_default(), now))
            }
            Some("EVENT") => {
                let event = parts.get(2).and_then(|part| serde_json::from_str(part.get()).ok());
                event.map_or_else(Vec::new, |event| self.on_event(&word(1).unwrap_or_default(), event, now))
            }
            Some("EOSE") => self.on_eose(&word(1).unwrap_or_default()),
            Some("CLOSED") => {
                self.asking.on_closed(&word(1).unwrap_or_default());
                self.on_refused(&word(2).unwrap_or_default());
                vec![]
            }
            Some("NOTICE") => {
                self.report.refusal = word(1).map(|reason| cut(&reason));
                vec![]
            }
            // AUTH comes from many relays that let everybody read and write; what it is worth shows with the first no.
            _ => vec![],
        }
    }

    /// Some time has passed.
    pub fn on_tick(&mut self, now: u64) -> Vec<Step> {
        let late = |(_, since): &(u64, u64)| since.saturating_add(ANSWER_WITHIN) < now;
        if self.waiting.values().any(late) {
            return vec![Step::HangUp("it did not answer within a minute")];
        }
        self.asking.ask_profiles().into_iter().collect()
    }

    fn on_ok(&mut self, id: EventId, accepted: bool, reason: String, now: u64) -> Vec<Step> {
        if !self.waiting.contains_key(&id) {
            return vec![];
        }
        let has_it = accepted || reason.starts_with("duplicate:");
        if has_it {
            self.failures = 0;
            self.waiting.remove(&id);
            self.report.accepted += 1;
            self.report.last_event = Some(now);
            return [Step::Acknowledged(id)].into_iter().chain(self.settle()).collect();
        }
        self.report.refusal = Some(cut(&reason));
        if reason.starts_with("auth-required:") {
            // It stays in the queue until somebody can sign.
            self.report.needs_signature = true;
            self.waiting.clear();
            self.offered = self.settled;
            return vec![];
        }
        if reason.starts_with("rate-limited:") || reason.starts_with("error:") {
            return vec![Step::HangUp("it cannot take more now")];
        }
        self.waiting.remove(&id);
        self.report.refused += 1;
        self.settle().into_iter().collect()
    }

    /// Moves up to before the first event that waits.
    fn settle(&mut self) -> Option<Step> {
        let first = self.waiting.values().map(|(sequence, _)| *sequence).min();
        let settled = first.map_or(self.offered, |first| first.saturating_sub(1));
        if settled <= self.settled {
            return None;
        }
        self.settled = settled;
        Some(Step::Settled(settled))
    }

    fn on_event(&mut self, subscription: &str, event: UnverifiedEvent, now: u64) -> Vec<Step> {
        if !self.asking.takes(subscription, &event) {
            return vec![];
        }
        self.failures = 0;
        self.report.heard += 1;
        self.report.last_event = Some(now);
        vec![Step::Heard(Box::new(event))]
    }

    fn on_eose(&mut self, subscription: &str) -> Vec<Step> {
        self.failures = 0;
        let steps = self.asking.on_eose(subscription);
        self.report.caught_up |= steps.iter().any(|step| matches!(step, Step::CaughtUp(_)));
        steps
    }

    fn on_refused(&mut self, reason: &str) {
        self.report.needs_signature |= reason.starts_with("auth-required:");
        self.report.refusal = Some(cut(reason));
    }
}

fn cut(reason: &str) -> String {
    reason.chars().filter(|letter| !letter.is_control()).take(MAX_REASON).collect()
}

fn line(message: &impl serde::Serialize) -> String {
    serde_json::to_string(message).expect("text, numbers and hex always have a JSON form")
}

#[cfg(test)]
mod tests;
