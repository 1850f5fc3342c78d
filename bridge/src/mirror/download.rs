//! What is asked of a relay: what is new from now on, what was missed, and who the strangers are that wrote something of
//! it. What was missed is found by comparing (NIP-77) where the relay does that, and page by page where it does not.

use std::collections::BTreeSet;

use nostrp2p_protocol::{EventId, Filter, Kind, PublicKey, UnverifiedEvent, event_policy::HORIZON_SECONDS};

use super::{
    Collect, MirrorStep,
    comparing::{Comparing, Next},
    line,
    patience::{Due, Patience},
};

/// How long a relay may take for the end of what is stored, in seconds.
const EOSE_WITHIN: u64 = 60;
/// Events of a page. Relays that allow fewer send fewer; the next page begins where this one ended.
const PAGE: u32 = 500;
/// Events that are asked for by their ids at a time; relays refuse long filters.
const IDS_AT_ONCE: usize = 200;
/// Most events that are remembered as fetched although the node may not have kept them.
const MAX_TRIED: usize = 20_000;
/// How much of what was heard before is asked for again, in seconds: clocks differ, and events come late.
const OVERLAP: u64 = 15 * 60;

const LIVE: &str = "live";
const MISSED: &str = "missed";
const PROFILES: &str = "profiles";
/// The name of the comparison.
pub(super) const COMPARE: &str = "compare";

/// Strangers whose profiles are asked for in one conversation. More than this reply to nobody in a day.
const MAX_STRANGERS: usize = 1_000;
/// Of these so many at a time; relays refuse long filters.
const STRANGERS_AT_ONCE: usize = 100;

/// Where the questions stand.
#[derive(Debug)]
pub(super) struct Asking {
    heard_until: u64,
    wanted: Vec<Filter>,
    begun: u64,
    /// Whether to compare before anything is fetched.
    compares: bool,
    comparing: Option<Box<Comparing>>,
    /// What the comparison has found and was not asked for yet.
    needed: Vec<EventId>,
    /// What was asked for by its ids and not answered yet.
    fetching: Vec<EventId>,
    /// What comparisons have found before: what the node did not keep then it does not want now either.
    tried: BTreeSet<EventId>,
    /// The filter whose pages are being read; all are read when it is beyond the last.
    current: usize,
    page: Page,
    /// Whether the last comparison of the current filter was cut, and something of it was fetched: then it is compared again.
    compares_again: bool,
    /// The earliest time of what came and was not taken: what was heard reaches no further.
    not_taken: Option<u64>,
    /// Whether nothing is asked for and nothing is taken: the relay has brought more than it may.
    paused: bool,
    /// Authors whom the filters do not name, and those of them who have not been asked for yet.
    strangers: BTreeSet<PublicKey>,
    unasked: Vec<PublicKey>,
    /// Whether a question for profiles is open.
    asks_profiles: bool,
    /// The questions for what is new, for what was missed and for profiles: whether they owe an answer.
    live: Patience,
    missed: Patience,
    profiles: Patience,
    /// Whether the relay tells what is new.
    listens: bool,
    /// Since when what is new is asked for, in seconds since 1970.
    live_since: u64,
}

#[derive(Debug, Default)]
struct Page {
    /// The page reaches up to here, inclusive.
    until: u64,
    oldest: u64,
    fresh: usize,
    /// Events of the page within its time, fresh or not.
    given: usize,
    /// Whether it is asked for by ids, so that no other page follows it.
    by_ids: bool,
    /// What was seen of this filter: a page begins in the second in which the last one ended.
    seen: BTreeSet<EventId>,
}

impl Asking {
    pub(super) fn new(heard_until: u64) -> Self {
        Self {
            heard_until,
            wanted: Vec::new(),
            begun: 0,
            compares: false,
            comparing: None,
            needed: Vec::new(),
            fetching: Vec::new(),
            tried: BTreeSet::new(),
            current: 0,
            page: Page::default(),
            compares_again: false,
            not_taken: None,
            paused: false,
            strangers: BTreeSet::new(),
            unasked: Vec::new(),
            asks_profiles: false,
            live: Patience::default(),
            missed: Patience::default(),
            profiles: Patience::default(),
            listens: false,
            live_since: 0,
        }
    }

    /// What is wanted.
    pub(super) fn wanted(&self) -> Vec<Filter> {
        self.wanted.clone()
    }

    /// Asks on a new connection, or for something else.
    pub(super) fn begin(&mut self, wanted: Vec<Filter>, compares: bool, now: u64) -> Vec<MirrorStep> {
        let stopped = self.comparing.take().map(|_| MirrorStep::Send(line(&("NEG-CLOSE", COMPARE))));
        self.wanted = wanted;
        self.begun = now;
        self.compares = compares;
        self.needed.clear();
        self.fetching.clear();
        self.compares_again = false;
        self.not_taken = None;
        self.paused = false;
        self.current = 0;
        self.strangers.clear();
        self.unasked.clear();
        self.asks_profiles = false;
        self.page = self.first_page();
        self.stop_waiting();
        if self.wanted.is_empty() {
            return stopped.into_iter().collect();
        }
        self.live_since = now;
        let live = self.ask_live();
        [stopped, Some(live), self.ask()].into_iter().flatten().collect()
    }

    /// Whether the relay tells what is new.
    pub(super) const fn listens(&self) -> bool {
        self.listens
    }

    fn ask_live(&mut self) -> MirrorStep {
        self.live.on_asked();
        let since = Some(self.live_since);
        let live = self.wanted.iter().map(|filter| Filter { since, ..filter.clone() });
        MirrorStep::Send(request(LIVE, live))
    }

    fn stop_waiting(&mut self) {
        self.listens = false;
        [&mut self.live, &mut self.missed, &mut self.profiles].into_iter().for_each(Patience::stop);
    }

    /// The relay wants a login first: nothing is asked until then.
    pub(super) fn wait_for_login(&mut self) {
        self.stop_waiting();
        self.asks_profiles = false;
    }

    /// Some time has passed: what was not answered is given up, and what failed is asked again.
    pub(super) fn on_tick(&mut self, now: u64) -> Vec<MirrorStep> {
        if self.paused {
            return vec![];
        }
        let mut steps = Vec::new();
        match self.live.on_tick(EOSE_WITHIN, now) {
            Due::Late => steps.push(self.give_up(LIVE, now)),
            Due::Again => steps.push(self.ask_live()),
            Due::Nothing => {}
        }
        match self.missed.on_tick(EOSE_WITHIN, now) {
            Due::Late => steps.push(self.give_up(MISSED, now)),
            Due::Again => steps.extend(self.ask_page_again()),
            Due::Nothing => {}
        }
        if self.profiles.on_tick(EOSE_WITHIN, now) == Due::Late {
            steps.push(self.give_up(PROFILES, now));
        }
        steps
    }

    /// A question had no answer in time: it is closed, and counts as ended by the relay.
    fn give_up(&mut self, subscription: &str, now: u64) -> MirrorStep {
        self.on_closed(subscription, now);
        MirrorStep::Send(line(&("CLOSE", subscription)))
    }

    /// The question that was open when it failed.
    fn ask_page_again(&mut self) -> Option<MirrorStep> {
        if self.fetching.is_empty() { self.ask() } else { Some(self.ask_by_ids()) }
    }

    fn ask_by_ids(&mut self) -> MirrorStep {
        self.missed.on_asked();
        let ids = Some(self.fetching.iter().copied().collect());
        MirrorStep::Send(request(MISSED, [Filter { ids, ..Filter::default() }]))
    }

    /// Ends all questions, until [`Asking::begin`]. What was heard until now stays as it is.
    pub(super) fn pause(&mut self) -> Vec<MirrorStep> {
        if std::mem::replace(&mut self.paused, true) || self.wanted.is_empty() {
            return vec![];
        }
        let compares = self.comparing.take().map(|_| MirrorStep::Send(line(&("NEG-CLOSE", COMPARE))));
        let profiles =
            std::mem::take(&mut self.asks_profiles).then(|| MirrorStep::Send(line(&("CLOSE", PROFILES))));
        let others = [LIVE, MISSED].map(|subscription| MirrorStep::Send(line(&("CLOSE", subscription))));
        self.stop_waiting();
        self.needed.clear();
        self.fetching.clear();
        compares.into_iter().chain(profiles).chain(others).collect()
    }

    /// An event of this time came and was not taken, although it may be another time.
    pub(super) fn on_not_taken(&mut self, created_at: u64) {
        self.not_taken = Some(self.not_taken.map_or(created_at, |before| before.min(created_at)));
    }

    /// The connection is gone.
    pub(super) fn stop(&mut self) {
        self.comparing = None;
        self.stop_waiting();
    }

    /// What the store has of what the current filter wants: time and id of each.
    pub(super) fn on_collected(&mut self, held: &[(u64, EventId)], now: u64) -> Option<MirrorStep> {
        let filter = self.compared()?;
        let Some((comparing, first)) = Comparing::begin(held, now) else {
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

    /// The comparison came to nothing: pages will do.
    pub(super) fn on_not_compared(&mut self) -> Option<MirrorStep> {
        self.compares = false;
        self.comparing.take().and_then(|_| self.ask())
    }

    /// Since when the relay owes an answer in the comparison.
    pub(super) fn asked(&self) -> Option<u64> {
        self.comparing.as_ref().map(|comparing| comparing.asked())
    }

    /// Whether an event is one that was asked for.
    pub(super) fn takes(&mut self, subscription: &str, event: &UnverifiedEvent) -> bool {
        let id = event.claimed_id.unwrap_or_else(|| event.unsigned.id());
        let author = event.unsigned.pubkey;
        if self.paused {
            return false;
        }
        if subscription == PROFILES {
            return event.unsigned.kind == Kind::PROFILE && self.strangers.contains(&author);
        }
        if !self.wanted.iter().any(|filter| filter.matches(&id, &event.unsigned)) {
            return false;
        }
        let named = |filter: &Filter| filter.authors.as_ref().is_some_and(|named| named.contains(&author));
        if self.strangers.len() < MAX_STRANGERS
            && !self.wanted.iter().any(named)
            && self.strangers.insert(author)
        {
            self.unasked.push(author);
        }
        if subscription == MISSED {
            self.page.oldest = self.page.oldest.min(event.unsigned.created_at);
            self.page.given += usize::from(event.unsigned.created_at <= self.page.until);
            if self.page.seen.insert(id) {
                self.page.fresh += 1;
                return true;
            }
            return false;
        }
        subscription == LIVE
    }

    pub(super) fn on_eose(&mut self, subscription: &str) -> Vec<MirrorStep> {
        if subscription == PROFILES {
            self.asks_profiles = false;
            self.profiles.on_answered();
            return vec![MirrorStep::Send(line(&("CLOSE", PROFILES)))];
        }
        if subscription == LIVE && self.live.is_waiting() {
            self.live.on_answered();
            self.listens = true;
        }
        if subscription != MISSED || self.paused || self.current >= self.wanted.len() {
            return vec![];
        }
        self.missed.on_answered();
        self.go_on()
    }

    /// A page is here, or a comparison has shown what is missing: the next page, or the next filter.
    fn go_on(&mut self) -> Vec<MirrorStep> {
        // A page that brings nothing new may be one of many events of one second: the second before is next.
        let more = !self.page.by_ids && self.page.given > 0;
        let room = MAX_TRIED.saturating_sub(self.tried.len());
        self.tried.extend(self.fetching.drain(..).take(room));
        if !self.needed.is_empty() {
            self.fetching = self.needed.split_off(self.needed.len().saturating_sub(IDS_AT_ONCE));
            self.page.by_ids = true;
            return vec![self.ask_by_ids()];
        }
        if more {
            let stuck = self.page.fresh == 0;
            self.page.until = if stuck { self.page.oldest.saturating_sub(1) } else { self.page.oldest };
            (self.page.fresh, self.page.given) = (0, 0);
        } else if std::mem::take(&mut self.compares_again) {
            self.page = self.first_page();
        } else {
            self.current += 1;
            self.page = self.first_page();
        }
        if let Some(question) = self.ask() {
            return vec![question];
        }
        let until = self.not_taken.map_or(self.begun, |at| at.saturating_sub(1).min(self.begun));
        self.heard_until = self.heard_until.max(until);
        vec![MirrorStep::Send(line(&("CLOSE", MISSED))), MirrorStep::CaughtUp(self.heard_until)]
    }

    /// Asks who strangers are, if some have written and no such question is open.
    pub(super) fn ask_profiles(&mut self) -> Option<MirrorStep> {
        if self.asks_profiles || self.paused || self.unasked.is_empty() {
            return None;
        }
        self.asks_profiles = true;
        self.profiles.on_asked();
        let authors = self.unasked.drain(..self.unasked.len().min(STRANGERS_AT_ONCE)).collect();
        let kinds = Some([Kind::PROFILE].into());
        Some(MirrorStep::Send(request(
            PROFILES,
            [Filter { authors: Some(authors), kinds, ..Filter::default() }],
        )))
    }

    /// The relay has ended a subscription by itself, or refused it: it is asked again after a pause.
    pub(super) fn on_closed(&mut self, subscription: &str, now: u64) {
        match subscription {
            LIVE if !self.wanted.is_empty() => {
                if self.listens {
                    // What comes until it is asked again must not be missed.
                    self.live_since = now.saturating_sub(OVERLAP);
                }
                self.listens = false;
                self.live.on_failed(now);
            }
            MISSED if self.missed.is_waiting() => self.missed.on_failed(now),
            PROFILES => {
                self.asks_profiles = false;
                self.profiles.stop();
            }
            _ => {}
        }
    }

    /// Asks for the current page, or what there is to be compared; None when all have been read.
    fn ask(&mut self) -> Option<MirrorStep> {
        if self.compares {
            return self.compared().map(|filter| MirrorStep::Collect(Collect::Wanted(filter)));
        }
        let filter = self.wanted.get(self.current)?;
        let since = match self.horizon(filter) {
            0 => 0,
            horizon => self.heard_until.saturating_sub(OVERLAP).max(horizon),
        };
        let (since, until) = (Some(since), Some(self.page.until));
        let question = request(MISSED, [Filter { since, until, limit: Some(PAGE), ..filter.clone() }]);
        self.missed.on_asked();
        Some(MirrorStep::Send(question))
    }

    /// What is compared of the current filter: all that the store may keep, for it costs little and finds what came to
    /// the relay late.
    fn compared(&self) -> Option<Filter> {
        let filter = self.wanted.get(self.current)?.clone();
        Some(Filter { since: Some(self.horizon(&filter)), until: Some(self.begun), ..filter })
    }

    /// The earliest time that is asked for. A profile or a list may have stood for years.
    fn horizon(&self, filter: &Filter) -> u64 {
        let stands = |kind: &Kind| kind.is_replaceable() || kind.is_addressable();
        let lasts = filter.kinds.as_ref().is_some_and(|kinds| kinds.iter().all(stands));
        if lasts { 0 } else { self.begun.saturating_sub(HORIZON_SECONDS) }
    }

    fn first_page(&self) -> Page {
        Page { until: self.begun, oldest: self.begun, ..Page::default() }
    }
}

fn request(subscription: &str, filters: impl IntoIterator<Item = Filter>) -> String {
    let filters: Vec<String> = filters.into_iter().map(|filter| line(&filter)).collect();
    format!("[\"REQ\",\"{subscription}\",{}]", filters.join(","))
}
