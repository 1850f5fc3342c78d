//! The node's side of a conversation with another relay: what that relay is given, and what it is asked for.
//!
//! Sans-IO: lines in, [`MirrorStep`]s out; sockets, the store and the clock are the node's. One [`MirrorSession`] is one relay.
//!
//! What goes out is "the owner's open events after sequence number N", and N moves up as the relay acknowledges.
//! What comes in is asked for twice: what is new from now on, and what was missed; then who the strangers are that wrote
//! some of it. Where the relay compares sets of events (NIP-77), both sides get what they lack and nothing else.
//! The node has no key of its owner: where a relay wants a signature before it takes anything (NIP-42), the mirror says
//! so and goes on when it is handed one ([`MirrorSession::on_login`]). Work (NIP-13) has to be in an event before it is signed.

mod comparing;
mod download;
mod interest;
mod mail;
mod patience;
mod questions;
mod relay_info;
mod upload;

use std::collections::BTreeSet;

use download::{Asking, COMPARE};
pub use interest::{interest, interest_in_answers, is_offered};
use mail::Mail;
use nostrp2p_protocol::{Event, EventId, Filter, PublicKey, UnverifiedEvent, login::is_challenge};
use questions::Allowed;
pub use relay_info::Terms;
use serde_json::value::RawValue;
use upload::{Giving, OWN, WINDOW};

/// How long the relay may take to answer, in seconds; then the connection counts as dead.
const ANSWER_WITHIN: u64 = 60;
/// How long it may take to answer in a comparison, in seconds; then the comparison has failed.
const COMPARE_WITHIN: u64 = 10;
/// After so many failed comparisons in a row the mirror does not try another one with this relay.
const GIVES_UP_COMPARING: u32 = 2;
/// Reconnecting: the pause after the first failure and the longest, in seconds. It doubles in between.
const PAUSE: (u64, u64) = (5, 30 * 60);
/// Longest reason of a relay that is kept, in characters.
const MAX_REASON: usize = 200;

/// Actions of the node for a mirror, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum MirrorStep {
    /// Send this line to the relay.
    Send(String),
    /// Look up times and ids in the store, and hand them to [`MirrorSession::on_collected`].
    Collect(Collect),
    /// The relay has this event of the owner.
    Acknowledged(EventId),
    /// The relay does not want this event of the owner, and never will.
    Refused(EventId),
    /// Everything up to this sequence number is done with; write it down.
    Settled(u64),
    /// An event came that was asked for. It is not checked.
    Heard(Box<UnverifiedEvent>),
    /// Everything wanted that was written until this time, in seconds since 1970, is here; write it down.
    CaughtUp(u64),
    /// The node has read what these people wrote before now, and of nobody else; write that down.
    PastRead(BTreeSet<PublicKey>),
    /// Hang up, and connect again after the pause.
    HangUp(&'static str),
}

/// The events to look up for a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Collect {
    /// The owner's events that are for mirrors.
    Own,
    /// All events that match this filter.
    Wanted(Filter),
}

/// How much the relay may be offered now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadRoom {
    /// Offer the events after this sequence number, by [`MirrorSession::offer`].
    After(u64),
    /// Offer the events of these that it has lost or that are addressed to it, by [`MirrorSession::offer_again`].
    Again(Vec<EventId>),
}

/// The state of a mirror, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorReport {
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
    /// Bits of work that it wants in each event, as far as it says so.
    pub work: u8,
    /// Whether what was missed has been fetched.
    pub caught_up: bool,
    /// Whether the owner's own profile and lists have been fetched since the start.
    pub owners_read: bool,
    /// Whether the relay refuses at the moment to give what it has stored, or did not answer.
    pub asked_in_vain: bool,
    /// Whether all subscriptions for new events stand that the relay allows.
    pub listens: bool,
    /// People whom the node polls every five minutes, because the relay allows too few subscriptions for all.
    pub polled: usize,
    /// How many seconds there are of which the relay has more events than it gives, so that some are missing here.
    pub passed_over: u64,
    /// Events of the owner that the relay failed to take and that are offered again later.
    pub postponed: u64,
    /// Whether direct messages of the owner there wait for a signature of the owner.
    pub mail_waits: bool,
}

/// One relay. It outlives connections.
#[derive(Debug)]
pub struct MirrorSession {
    owner: PublicKey,
    giving: Giving,
    asking: Asking,
    mail: Mail,
    connected: bool,
    terms: Terms,
    /// Failed comparisons in a row. A single failure may have another reason, such as a NOTICE about something else.
    not_compared: u32,
    /// The sentence by which a relay that does not know NIP-77 answers each message of a comparison.
    unknown: Option<String>,
    /// The challenge of a login on this connection.
    challenge: Option<String>,
    /// The login that waits for the relay's word.
    logging_in: Option<EventId>,
    failures: u32,
    /// Bits of work of which it spoke when it refused an event.
    work_seen: u8,
    report: MirrorReport,
}

impl MirrorSession {
    /// Continues where the last run ended: `settled` is from [`MirrorStep::Settled`], `heard_until` from
    /// [`MirrorStep::CaughtUp`]. `out` says whether the owner's events go there.
    pub fn new(owner: PublicKey, out: bool, settled: u64, heard_until: u64) -> Self {
        Self {
            owner,
            giving: Giving::new(out, settled),
            asking: Asking::new(owner, heard_until),
            mail: Mail::new(false),
            connected: false,
            terms: Terms::default(),
            not_compared: 0,
            unknown: None,
            challenge: None,
            logging_in: None,
            failures: 0,
            work_seen: 0,
            report: MirrorReport::default(),
        }
    }

    /// Asks also for the owner's gift wraps if `wanted`: the owner's list of relays for direct messages names this relay.
    pub const fn with_mail(mut self, wanted: bool) -> Self {
        self.mail = Mail::new(wanted);
        self
    }

    /// Goes on from the last [`MirrorStep::PastRead`] of the run before, if there was one.
    pub fn with_past_read(mut self, read: Option<BTreeSet<PublicKey>>) -> Self {
        self.asking.set_read(read);
        self
    }

    /// The state for people.
    pub const fn report(&self) -> &MirrorReport {
        &self.report
    }

    /// The connection stands.
    pub fn on_connected(&mut self, terms: Terms) -> Vec<MirrorStep> {
        self.connected = true;
        self.terms = terms;
        self.mail.on_connected();
        self.report.mail_waits = false;
        self.report.work = terms.work.max(self.work_seen);
        self.report.needs_signature = false;
        self.giving.begin(self.compares(), &terms, self.allowed()).into_iter().collect()
    }

    /// Sets the wanted events, after [`MirrorSession::on_connected`] and when they change. `wanted` are filters
    /// without `since`, `until` and `limit`; see [`interest`].
    pub fn on_interest(&mut self, wanted: Vec<Filter>, now: u64) -> Vec<MirrorStep> {
        self.report.caught_up = false;
        let wanted = self.mail.among(wanted, &self.owner);
        let steps = self.asking.begin(wanted, self.allowed(), self.compares(), now);
        self.note_reading();
        steps
    }

    /// People whom the owner follows and of whom the store has no profile, after [`MirrorSession::on_interest`]: what was
    /// missed goes back a month, and a profile may have stood for years.
    pub fn on_lacking(&mut self, people: &BTreeSet<PublicKey>) -> Vec<MirrorStep> {
        self.asking.on_lacking(people);
        self.asking.ask_profiles().into_iter().collect()
    }

    /// Asks for nothing until [`MirrorSession::on_interest`] comes next, because the relay has brought more than it may. What it
    /// still sends is passed over, and asked for again then. What goes to the relay goes on.
    pub fn pause(&mut self) -> Vec<MirrorStep> {
        if self.connected { self.asking.pause() } else { vec![] }
    }

    /// An event of this time came and was not taken, because there was no room for it: [`MirrorStep::CaughtUp`] does not go
    /// beyond it. Say so before the next [`MirrorSession::on_line`].
    pub fn on_not_taken(&mut self, created_at: u64) {
        self.asking.on_not_taken(created_at);
    }

    /// The connection is gone, or never stood. Returns after how many seconds to try again.
    pub fn on_disconnected(&mut self) -> u64 {
        self.connected = false;
        self.challenge = None;
        self.logging_in = None;
        self.giving.on_disconnected(&mut self.report);
        self.asking.stop();
        self.note_reading();
        let pause = PAUSE.0.saturating_mul(1 << self.failures.min(16)).min(PAUSE.1);
        self.failures += 1;
        pause
    }

    /// How much may be offered to the relay now, if anything.
    pub fn room(&mut self) -> Option<UploadRoom> {
        if self.connected && !self.report.needs_signature { self.giving.room() } else { None }
    }

    /// How many events may be offered at a time.
    pub const fn window() -> usize {
        WINDOW
    }

    /// Offers events of the owner, at most [`MirrorSession::window`] of them. There are no others up to `through`.
    pub fn offer(&mut self, through: u64, events: &[(u64, Event)], now: u64) -> Vec<MirrorStep> {
        self.giving.offer(through, events, now, &mut self.report)
    }

    /// Has these events of the owner offered, by [`UploadRoom::Again`], to a relay to which not all go; after each
    /// [`MirrorSession::on_connected`]. What it has refused is not offered once more.
    pub fn address(&mut self, ids: &[EventId]) {
        self.giving.address(ids);
    }

    /// Offers events once more that the relay has lost.
    pub fn offer_again(&mut self, events: &[(u64, Event)], now: u64) -> Vec<MirrorStep> {
        self.giving.offer_again(events, now, &mut self.report)
    }

    /// Here is what [`MirrorStep::Collect`] asked for.
    pub fn on_collected(&mut self, what: &Collect, held: &[(u64, EventId)], now: u64) -> Vec<MirrorStep> {
        let step = match what {
            Collect::Own => self.giving.on_collected(&self.owner, held, now),
            Collect::Wanted(_) => self.asking.on_collected(held, now),
        };
        step.into_iter().collect()
    }

    /// The challenge that the owner has to sign before the relay does anything.
    pub fn wants_login(&self) -> Option<&str> {
        let wanted = self.report.needs_signature || self.mail.waits();
        self.challenge.as_deref().filter(|_| wanted && self.logging_in.is_none())
    }

    /// Somebody has signed a login (NIP-42). It is passed on if it is the owner's for the present challenge.
    pub fn on_login(&mut self, login: &Event) -> Vec<MirrorStep> {
        let fits = login.pubkey == self.owner && login.tag_values("challenge").next() == self.wants_login();
        if self.wants_login().is_none() || !fits {
            return vec![];
        }
        self.logging_in = Some(login.id());
        vec![MirrorStep::Send(line(&("AUTH", login)))]
    }

    /// The relay said something.
    pub fn on_line(&mut self, text: &str, now: u64) -> Vec<MirrorStep> {
        let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(text) else { return vec![] };
        let word =
            |place: usize| parts.get(place).and_then(|part| serde_json::from_str::<String>(part.get()).ok());
        let name = || word(1).unwrap_or_default();
        match word(0).as_deref() {
            Some("OK") => {
                let id = word(1).and_then(|id| id.parse().ok());
                let accepted = parts.get(2).is_some_and(|part| part.get() == "true");
                id.map_or_else(Vec::new, |id| self.on_ok(id, accepted, &word(3).unwrap_or_default(), now))
            }
            Some("EVENT") => {
                let event = parts.get(2).and_then(|part| serde_json::from_str(part.get()).ok());
                event.map_or_else(Vec::new, |event| self.on_event(&name(), event, now))
            }
            Some("EOSE") => self.on_eose(&name(), now),
            Some("CLOSED") if self.is_for_mail(&word(2).unwrap_or_default()) => {
                self.report.mail_waits = self.mail.waits();
                self.on_interest(self.asking.wanted(), now)
            }
            Some("CLOSED") => {
                self.on_refused(&word(2).unwrap_or_default());
                // Without a login it would be asked in vain; after it all begins anew.
                let steps = if self.report.needs_signature {
                    self.asking.wait_for_login();
                    vec![]
                } else {
                    self.asking.on_closed(&name(), now)
                };
                self.note_reading();
                steps
            }
            Some("NEG-MSG") => self.on_compared(&name(), word(2), now),
            Some("NEG-ERR") => {
                self.report.needs_signature |=
                    word(2).is_some_and(|reason| reason.starts_with("auth-required:"));
                self.on_not_compared(&name())
            }
            Some("NOTICE") => self.on_notice(&name()),
            // Many relays send it and let everybody read and write; what it is worth shows with the first no.
            Some("AUTH") => {
                self.challenge = word(1).filter(|challenge| is_challenge(challenge));
                self.mail.on_challenge();
                self.report.mail_waits = self.mail.waits();
                vec![]
            }
            _ => vec![],
        }
    }

    /// Some time has passed.
    pub fn on_tick(&mut self, now: u64) -> Vec<MirrorStep> {
        let late = |since: Option<u64>, within| since.is_some_and(|since| since.saturating_add(within) < now);
        if late(self.giving.offered_at(), ANSWER_WITHIN) {
            return vec![MirrorStep::HangUp("it did not answer within a minute")];
        }
        let mut steps = Vec::new();
        if self.connected && self.mail.on_tick() {
            steps.extend(self.on_interest(self.asking.wanted(), now));
        }
        steps.extend(self.asking.ask_profiles());
        if !self.report.needs_signature {
            steps.extend(self.asking.on_tick(now));
        }
        steps.extend(self.giving.on_tick(now));
        self.note_reading();
        if late(self.giving.asked().or(self.asking.asked()), COMPARE_WITHIN) {
            self.not_compared += 1;
            steps.extend(self.giving.on_not_compared());
            steps.extend(self.asking.on_not_compared());
        }
        steps
    }

    /// The questions that the relay allows. Each end of a connection counts as a failure, so the last failure does not mean
    /// that the relay hung up on a message.
    fn allowed(&self) -> Allowed {
        Allowed::by(&self.terms, self.failures.saturating_sub(1))
    }

    /// Whether a question was refused because it asked for gift wraps without a login.
    fn is_for_mail(&mut self, reason: &str) -> bool {
        reason.starts_with("auth-required:") && self.mail.on_login_wanted()
    }

    fn compares(&self) -> bool {
        self.terms.compares.unwrap_or(true) && self.not_compared < GIVES_UP_COMPARING
    }

    fn on_ok(&mut self, id: EventId, accepted: bool, reason: &str, now: u64) -> Vec<MirrorStep> {
        if self.logging_in == Some(id) {
            return self.on_login_answered(accepted, reason, now);
        }
        if !self.giving.awaits(&id) {
            return vec![];
        }
        if accepted || reason.starts_with("duplicate:") {
            self.failures = 0;
            return self.giving.on_accepted(id, now, &mut self.report);
        }
        if reason.starts_with("auth-required:") {
            // It stays in the queue until somebody signs.
            self.on_refused(reason);
            self.giving.stop();
            return vec![];
        }
        if reason.starts_with("rate-limited:") {
            self.report.refusal = Some(cut(reason));
            self.giving.pause(now);
            return vec![];
        }
        if reason.starts_with("error:") {
            return self.giving.on_failed(id, reason, now, &mut self.report);
        }
        if let Some(wanted) = reason.strip_prefix("pow:").and_then(bits_in) {
            self.work_seen = wanted;
            self.report.work = self.terms.work.max(wanted);
        }
        self.giving.on_refused(id, reason, &mut self.report)
    }

    /// After a login all begins as on a new connection. Without, the challenge is used up.
    fn on_login_answered(&mut self, accepted: bool, reason: &str, now: u64) -> Vec<MirrorStep> {
        self.logging_in = None;
        self.challenge = None;
        if !accepted {
            self.report.refusal = Some(cut(reason));
            return vec![];
        }
        self.report.refusal = None;
        let mut steps = self.on_connected(self.terms);
        self.mail.on_login();
        steps.extend(self.on_interest(self.asking.wanted(), now));
        steps
    }

    fn on_compared(&mut self, comparison: &str, answer: Option<String>, now: u64) -> Vec<MirrorStep> {
        self.failures = 0;
        let Some(answer) = answer.and_then(|answer| hex::decode(answer).ok()) else {
            return self.on_not_compared(comparison);
        };
        self.not_compared = 0;
        match comparison {
            OWN => self.giving.on_answer(&answer, now).into_iter().collect(),
            COMPARE => self.noted(|asking| asking.on_answer(&answer, now)),
            _ => vec![],
        }
    }

    fn on_not_compared(&mut self, comparison: &str) -> Vec<MirrorStep> {
        let step = match comparison {
            OWN => self.giving.on_not_compared(),
            COMPARE => self.asking.on_not_compared(),
            _ => None,
        };
        step.into_iter().collect()
    }

    /// That is how relays answer which do not know NIP-77.
    fn on_notice(&mut self, reason: &str) -> Vec<MirrorStep> {
        if self.giving.asked().is_none() && self.asking.asked().is_none() {
            // It says so to each message, also to those that end a comparison, and people need not know.
            if !reason.contains("NEG-") && self.unknown.as_deref() != Some(reason) {
                self.report.refusal = Some(cut(reason));
            }
            return vec![];
        }
        self.unknown = Some(cut(reason));
        self.not_compared += 1;
        [OWN, COMPARE].into_iter().flat_map(|comparison| self.on_not_compared(comparison)).collect()
    }

    fn on_event(&mut self, subscription: &str, event: UnverifiedEvent, now: u64) -> Vec<MirrorStep> {
        if !self.asking.takes(subscription, &event) {
            return vec![];
        }
        self.failures = 0;
        self.report.heard += 1;
        self.report.last_event = Some(now);
        vec![MirrorStep::Heard(Box::new(event))]
    }

    fn on_eose(&mut self, subscription: &str, now: u64) -> Vec<MirrorStep> {
        self.failures = 0;
        self.noted(|asking| asking.on_eose(subscription, now))
    }

    /// Whether all is caught up shows in what comes next.
    fn noted(&mut self, next: impl FnOnce(&mut Asking) -> Vec<MirrorStep>) -> Vec<MirrorStep> {
        let steps = next(&mut self.asking);
        self.report.caught_up |= steps.iter().any(|step| matches!(step, MirrorStep::CaughtUp(_)));
        self.note_reading();
        steps
    }

    fn note_reading(&mut self) {
        let asking = &mut self.asking;
        let (listens, polled) = (asking.listens(), asking.polled());
        let owners_read = self.connected && asking.has_read_owners();
        let asked_in_vain = self.report.needs_signature || asking.asks_again();
        self.report.passed_over += asking.passed_over();
        self.report.listens = listens;
        self.report.polled = polled;
        self.report.owners_read |= owners_read;
        self.report.asked_in_vain = asked_in_vain;
    }

    fn on_refused(&mut self, reason: &str) {
        self.report.needs_signature |= reason.starts_with("auth-required:");
        self.report.refusal = Some(cut(reason));
    }
}

/// How much work a relay wants that refuses an event for want of it: the largest number that it names, because what the
/// event had is less.
fn bits_in(reason: &str) -> Option<u8> {
    let numbers = reason.split(|char: char| !char.is_ascii_digit());
    numbers.filter_map(|number| number.parse::<u8>().ok()).max()
}

fn cut(reason: &str) -> String {
    reason.chars().filter(|letter| !letter.is_control()).take(MAX_REASON).collect()
}

fn line(message: &impl serde::Serialize) -> String {
    serde_json::to_string(message).expect("text, numbers and hex always have a JSON form")
}

#[cfg(test)]
mod tests;
