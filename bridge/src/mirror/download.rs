//! The questions to a relay: for new events from now on ([`Live`]), for stored events that the node missed ([`Past`]), and
//! for profiles ([`Profiles`]).

mod live;
mod pages;
mod past;
mod profiles;

use std::collections::BTreeSet;

use live::Live;
use nostrp2p_protocol::{
    EventId, Filter, Kind, PublicKey, UnverifiedEvent,
    event_policy::{HORIZON_SECONDS, is_gift_wrap},
};
pub(super) use past::COMPARE;
use past::{Part, Past};
use profiles::Profiles;

use super::{MirrorStep, line, mail::is_mail, questions::Allowed};

/// How long a relay may take for the end of what is stored, in seconds.
const EOSE_WITHIN: u64 = 60;
/// How much of what was heard before is asked for again, in seconds: clocks differ, and events come late.
const OVERLAP: u64 = 15 * 60;
/// How much of what was heard before is asked for again of gift wraps, in seconds: their times lie up to two days in the
/// past (NIP-59), and a sender that was away brings them later. After a start all of the horizon is asked for.
const WRAPS_OVERLAP: u64 = 7 * 86_400;
/// How often the node polls what no subscription covers, in seconds.
const POLL_EVERY: u64 = 5 * 60;

/// The state of the subscriptions and fetches.
#[derive(Debug)]
pub(super) struct Asking {
    owner: PublicKey,
    heard_until: u64,
    /// The same of gift wraps, which are not always asked for; None until all of them were read.
    wraps_until: Option<u64>,
    wanted: Vec<Filter>,
    /// The same, split into filters that the relay accepts.
    filters: Vec<Filter>,
    allowed: Allowed,
    live: Live,
    past: Past,
    /// When the node began to read the past, and when it had read all of it; in seconds since 1970.
    begun: u64,
    ended: Option<u64>,
    profiles: Profiles,
    /// Authors whose past was read before; None if nothing is written down about that.
    read: Option<BTreeSet<PublicKey>>,
    /// Whether the past of all authors is being read, and not only what no subscription covers.
    reads_all: bool,
    /// The earliest time of what came and was not taken: what was heard reaches no further.
    not_taken: Option<u64>,
    /// Whether nothing is asked for and nothing is taken: the relay has brought more than it may.
    paused: bool,
}

impl Asking {
    pub(super) fn new(owner: PublicKey, heard_until: u64) -> Self {
        Self {
            owner,
            heard_until,
            wraps_until: None,
            wanted: Vec::new(),
            filters: Vec::new(),
            allowed: Allowed::default(),
            live: Live::default(),
            past: Past::default(),
            begun: 0,
            ended: None,
            profiles: Profiles::default(),
            read: None,
            reads_all: false,
            not_taken: None,
            paused: false,
        }
    }

    /// Goes on from what was written down of the run before.
    pub(super) fn set_read(&mut self, read: Option<BTreeSet<PublicKey>>) {
        self.read = read;
    }

    /// The wanted events.
    pub(super) fn wanted(&self) -> Vec<Filter> {
        self.wanted.clone()
    }

    /// Asks on a new connection, or for something else.
    pub(super) fn begin(
        &mut self,
        wanted: Vec<Filter>,
        allowed: Allowed,
        compares: bool,
        now: u64,
    ) -> Vec<MirrorStep> {
        self.filters = allowed.divide(&wanted);
        self.wanted = wanted;
        self.allowed = allowed;
        self.paused = false;
        let closed = self.profiles.close();
        self.profiles.begin();
        let live = self.live.begin(&self.filters, &allowed, now);
        let parts = self.parts(now);
        self.reads_all = true;
        let past = self.read_past(parts, compares, now);
        closed.into_iter().chain(live).chain(past).collect()
    }

    /// The store lacks profiles and relay lists of these people, who are followed.
    pub(super) fn on_lacking(&mut self, people: &BTreeSet<PublicKey>) {
        self.profiles.on_lacking(people);
    }

    /// Whether all subscriptions for new events stand that the relay allows.
    pub(super) fn listens(&self) -> bool {
        self.live.listens()
    }

    /// People whom no subscription covers, because the relay allows too few.
    pub(super) fn polled(&self) -> usize {
        self.live.people_beyond()
    }

    /// Whether the owner's profile and lists have been read.
    pub(super) fn has_read_owners(&self) -> bool {
        !self.wanted.is_empty() && self.past.is_read_of_versions()
    }

    /// Whether the relay has refused the question for what it has stored, or did not answer it in time.
    pub(super) fn asks_again(&self) -> bool {
        self.past.asks_again()
    }

    /// Seconds of which the relay has more than it gives, since this was asked last.
    pub(super) fn passed_over(&mut self) -> u64 {
        self.past.passed_over()
    }

    /// The relay wants a login first: nothing is asked until then.
    pub(super) fn wait_for_login(&mut self) {
        self.live.stop();
        self.past.stop();
        self.profiles.stop();
    }

    /// Some time has passed: gives up questions without an answer, repeats those that failed, and polls what no
    /// subscription covers.
    pub(super) fn on_tick(&mut self, now: u64) -> Vec<MirrorStep> {
        if self.paused {
            return vec![];
        }
        let mut steps = self.live.on_tick(now);
        steps.extend(self.past.on_tick(now));
        steps.extend(self.profiles.on_tick(now));
        // A clock that was set back must not make it wait.
        let is_due = |ended: u64| ended.saturating_add(POLL_EVERY) <= now || now < ended;
        if self.ended.is_some_and(is_due) {
            let untold = self.live.untold();
            if untold.is_empty() {
                self.ended = Some(now);
            } else {
                let parts = untold.into_iter().map(|filter| self.part(filter, now)).collect();
                self.reads_all = false;
                steps.extend(self.read_past(parts, false, now));
            }
        }
        steps
    }

    /// Ends all questions, until [`Asking::begin`]. What was heard until now stays as it is.
    pub(super) fn pause(&mut self) -> Vec<MirrorStep> {
        if std::mem::replace(&mut self.paused, true) || self.wanted.is_empty() {
            return vec![];
        }
        self.ended = None;
        let profiles = self.profiles.close();
        profiles.into_iter().chain(self.live.close()).chain(self.past.close()).collect()
    }

    /// An event of this time came and was not taken, although it may be another time.
    pub(super) fn on_not_taken(&mut self, created_at: u64) {
        self.not_taken = Some(self.not_taken.map_or(created_at, |before| before.min(created_at)));
    }

    /// The connection is gone.
    pub(super) fn stop(&mut self) {
        self.live.forget();
        self.past.stop();
        self.profiles.stop();
        self.ended = None;
    }

    /// The store holds these of the events that are compared: time and id of each.
    pub(super) fn on_collected(&mut self, held: &[(u64, EventId)], now: u64) -> Option<MirrorStep> {
        self.past.on_collected(held, now)
    }

    /// The relay's answer in the comparison.
    pub(super) fn on_answer(&mut self, answer: &[u8], now: u64) -> Vec<MirrorStep> {
        let steps = self.past.on_answer(answer, now);
        self.and_ended(steps, now)
    }

    /// The comparison has failed: reads pages instead.
    pub(super) fn on_not_compared(&mut self) -> Option<MirrorStep> {
        self.past.on_not_compared()
    }

    /// Since when the relay owes an answer in the comparison.
    pub(super) fn asked(&self) -> Option<u64> {
        self.past.asked()
    }

    /// Whether an event is one that was asked for.
    pub(super) fn takes(&mut self, subscription: &str, event: &UnverifiedEvent) -> bool {
        let id = event.claimed_id.unwrap_or_else(|| event.unsigned.id());
        if self.paused {
            return false;
        }
        if Profiles::is_one(subscription) {
            return self.profiles.takes(&event.unsigned);
        }
        if !self.wanted.iter().any(|filter| filter.matches(&id, &event.unsigned)) {
            return false;
        }
        let author = event.unsigned.pubkey;
        let named = |filter: &Filter| filter.authors.as_ref().is_some_and(|named| named.contains(&author));
        // The keys of gift wraps are thrown away.
        if !is_gift_wrap(event.unsigned.kind) && !self.wanted.iter().any(named) {
            self.profiles.on_stranger(author);
        }
        if Past::is_one(subscription) {
            return self.past.on_event(id, &event.unsigned);
        }
        self.live.is_one(subscription)
    }

    pub(super) fn on_eose(&mut self, subscription: &str, now: u64) -> Vec<MirrorStep> {
        if Profiles::is_one(subscription) {
            return self.profiles.on_eose();
        }
        if !Past::is_one(subscription) {
            self.live.on_eose(subscription);
            return vec![];
        }
        if self.paused {
            return vec![];
        }
        let steps = self.past.on_eose();
        self.and_ended(steps, now)
    }

    /// Asks who people are, if no such question is open.
    pub(super) fn ask_profiles(&mut self) -> Option<MirrorStep> {
        if self.paused { None } else { self.profiles.ask() }
    }

    /// The relay has ended a subscription by itself, or refused it: it is asked again after a pause.
    pub(super) fn on_closed(&mut self, subscription: &str, now: u64) -> Vec<MirrorStep> {
        if Profiles::is_one(subscription) {
            self.profiles.on_refused();
        } else if Past::is_one(subscription) {
            self.past.on_closed(now);
        } else {
            return self.live.on_closed(subscription, now);
        }
        vec![]
    }

    fn read_past(&mut self, parts: Vec<Part>, compares: bool, now: u64) -> Vec<MirrorStep> {
        self.begun = now;
        self.ended = None;
        self.not_taken = None;
        self.past.begin(parts, now, compares, self.allowed)
    }

    /// Adds [`MirrorStep::CaughtUp`] if these steps end the reading of the past.
    fn and_ended(&mut self, mut steps: Vec<MirrorStep>, now: u64) -> Vec<MirrorStep> {
        if !steps.is_empty() && self.past.is_read() && self.ended.is_none() {
            self.ended = Some(now);
            let until = self.not_taken.map_or(self.begun, |at| at.saturating_sub(1).min(self.begun));
            self.heard_until = self.heard_until.max(until);
            if self.filters.iter().any(is_mail) {
                self.wraps_until = self.wraps_until.max(Some(until));
            }
            steps.push(MirrorStep::CaughtUp(self.heard_until));
            steps.extend(self.note_read());
        }
        steps
    }

    /// The parts of the past to read: all of it for people whom the owner follows only now, and what was missed for the
    /// others.
    fn parts(&mut self, now: u64) -> Vec<Part> {
        let (authors, owner) = (self.authors(), self.owner);
        // A node that knows no better has read what people wrote whom the owner follows, and nothing by the owner.
        let read = self.read.get_or_insert_with(|| authors.into_iter().filter(|one| *one != owner).collect());
        let mut new = Vec::new();
        let mut known = Vec::new();
        for filter in &self.filters {
            let Some(authors) = filter.authors.as_ref().filter(|authors| !authors.is_subset(read)) else {
                known.push(filter.clone());
                continue;
            };
            let of = |authors: BTreeSet<PublicKey>| Filter { authors: Some(authors), ..filter.clone() };
            new.push(of(authors.difference(read).copied().collect()));
            let before: BTreeSet<PublicKey> = authors.intersection(read).copied().collect();
            known.extend((!before.is_empty()).then(|| of(before)));
        }
        let known: Vec<Part> = known.into_iter().map(|filter| self.part(filter, now)).collect();
        let whole = |filter: Filter| {
            let horizon = self.horizon(&filter, now);
            Part { filter, since: horizon, horizon }
        };
        let mut parts: Vec<Part> = known.into_iter().chain(new.into_iter().map(whole)).collect();
        // The owner's profile and lists come first, because pages and programs wait for them, and the owner's posts
        // of many years last.
        parts.sort_by_key(|part| (!is_of_versions(&part.filter), part.horizon == 0));
        parts
    }

    /// Has the node write down whose past it has read, if that has changed. Who is followed while the relay cannot be
    /// reached, or shortly before the node ends, is not among them. What was not taken is to be read again.
    fn note_read(&mut self) -> Option<MirrorStep> {
        let authors = self.authors();
        if !self.reads_all || self.not_taken.is_some() || self.read.as_ref() == Some(&authors) {
            return None;
        }
        self.read = Some(authors.clone());
        Some(MirrorStep::PastRead(authors))
    }

    /// The earliest time that is asked for. A profile or a list may have stood for years, and of what the owner wrote nothing
    /// is too old.
    fn horizon(&self, filter: &Filter, now: u64) -> u64 {
        let own = |authors: &BTreeSet<PublicKey>| authors.len() == 1 && authors.contains(&self.owner);
        let own = filter.authors.as_ref().is_some_and(own);
        if own || is_of_versions(filter) { 0 } else { now.saturating_sub(HORIZON_SECONDS) }
    }

    /// The missed events of a filter.
    fn part(&self, filter: Filter, now: u64) -> Part {
        let horizon = self.horizon(&filter, now);
        let since = match horizon {
            horizon if is_of_versions(&filter) => horizon,
            horizon if is_mail(&filter) => {
                self.wraps_until.map_or(horizon, |until| until.saturating_sub(WRAPS_OVERLAP).max(horizon))
            }
            horizon => self.heard_until.saturating_sub(OVERLAP).max(horizon),
        };
        Part { filter, since, horizon }
    }

    fn authors(&self) -> BTreeSet<PublicKey> {
        self.filters.iter().filter_map(|filter| filter.authors.as_ref()).flatten().copied().collect()
    }
}

/// Whether all that a filter asks for is replaced by newer versions: profiles and lists.
fn is_of_versions(filter: &Filter) -> bool {
    let has_versions = |kind: &Kind| kind.is_replaceable() || kind.is_addressable();
    filter.kinds.as_ref().is_some_and(|kinds| kinds.iter().all(has_versions))
}

fn request(subscription: &str, filters: impl IntoIterator<Item = Filter>) -> String {
    let filters: Vec<String> = filters.into_iter().map(|filter| line(&filter)).collect();
    format!("[\"REQ\",\"{subscription}\",{}]", filters.join(","))
}
