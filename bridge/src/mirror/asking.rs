//! What is asked of a relay: what is new from now on, page by page what was missed, and who the strangers are that
//! wrote something of it.

use std::collections::BTreeSet;

use nostrp2p_protocol::{EventId, Filter, Kind, PublicKey, UnverifiedEvent};

use super::{Step, line};

/// Events of a page. Relays that allow fewer send fewer; the next page begins where this one ended.
const PAGE: u32 = 500;
/// Most events that are fetched for one filter after a time away.
const MAX_MISSED: usize = 5_000;
/// How far back the first conversation looks, in seconds: as long as the store keeps.
const HORIZON: u64 = 30 * 86_400;
/// How much of what was heard before is asked for again, in seconds: clocks differ, and events come late.
const OVERLAP: u64 = 15 * 60;

const LIVE: &str = "live";
const MISSED: &str = "missed";
const PROFILES: &str = "profiles";

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
    /// The filter whose pages are being read; all are read when it is beyond the last.
    current: usize,
    page: Page,
    /// Authors whom the filters do not name, and those of them who have not been asked for yet.
    strangers: BTreeSet<PublicKey>,
    unasked: Vec<PublicKey>,
    /// Whether a question for profiles is open.
    asks_profiles: bool,
}

#[derive(Debug, Default)]
struct Page {
    /// The page reaches up to here, inclusive.
    until: u64,
    oldest: u64,
    fresh: usize,
    fetched: usize,
    /// What was seen of this filter: a page begins in the second in which the last one ended.
    seen: BTreeSet<EventId>,
}

impl Asking {
    pub(super) fn new(heard_until: u64) -> Self {
        Self {
            heard_until,
            wanted: Vec::new(),
            begun: 0,
            current: 0,
            page: Page::default(),
            strangers: BTreeSet::new(),
            unasked: Vec::new(),
            asks_profiles: false,
        }
    }

    /// Asks on a new connection.
    pub(super) fn begin(&mut self, wanted: Vec<Filter>, now: u64) -> Vec<Step> {
        self.wanted = wanted;
        self.begun = now;
        self.current = 0;
        self.strangers.clear();
        self.unasked.clear();
        self.asks_profiles = false;
        self.page = Page { until: now, oldest: now, ..Page::default() };
        if self.wanted.is_empty() {
            return vec![];
        }
        let live = self.wanted.iter().map(|filter| Filter { since: Some(now), ..filter.clone() });
        let live = Step::Send(request(LIVE, live));
        [Some(live), self.ask()].into_iter().flatten().collect()
    }

    /// Whether an event is one that was asked for.
    pub(super) fn takes(&mut self, subscription: &str, event: &UnverifiedEvent) -> bool {
        let id = event.claimed_id.unwrap_or_else(|| event.rumor.id());
        let author = event.rumor.pubkey;
        if subscription == PROFILES {
            return event.rumor.kind == Kind::PROFILE && self.strangers.contains(&author);
        }
        if !self.wanted.iter().any(|filter| filter.matches(&id, &event.rumor)) {
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
            self.page.oldest = self.page.oldest.min(event.rumor.created_at);
            if self.page.seen.insert(id) {
                self.page.fresh += 1;
                self.page.fetched += 1;
                return true;
            }
            return false;
        }
        subscription == LIVE
    }

    pub(super) fn on_eose(&mut self, subscription: &str) -> Vec<Step> {
        if subscription == PROFILES {
            self.asks_profiles = false;
            return vec![Step::Send(line(&("CLOSE", PROFILES)))];
        }
        if subscription != MISSED || self.current >= self.wanted.len() {
            return vec![];
        }
        if self.page.fresh > 0 && self.page.fetched < MAX_MISSED {
            self.page.until = self.page.oldest;
            self.page.fresh = 0;
        } else {
            self.current += 1;
            self.page = Page { until: self.begun, oldest: self.begun, ..Page::default() };
        }
        if let Some(question) = self.ask() {
            return vec![question];
        }
        self.heard_until = self.begun;
        vec![Step::Send(line(&("CLOSE", MISSED))), Step::CaughtUp(self.begun)]
    }

    /// Asks who strangers are, if some have written and no such question is open.
    pub(super) fn ask_profiles(&mut self) -> Option<Step> {
        if self.asks_profiles || self.unasked.is_empty() {
            return None;
        }
        self.asks_profiles = true;
        let authors = self.unasked.drain(..self.unasked.len().min(STRANGERS_AT_ONCE)).collect();
        let kinds = Some([Kind::PROFILE].into());
        Some(Step::Send(request(PROFILES, [Filter { authors: Some(authors), kinds, ..Filter::default() }])))
    }

    /// The relay has ended a subscription by itself.
    pub(super) fn on_closed(&mut self, subscription: &str) {
        self.asks_profiles &= subscription != PROFILES;
    }

    /// Asks for the current page; None when all have been read.
    fn ask(&self) -> Option<Step> {
        let since = self.heard_until.saturating_sub(OVERLAP).max(self.begun.saturating_sub(HORIZON));
        let filter = self.wanted.get(self.current)?;
        let (since, until) = (Some(since), Some(self.page.until));
        Some(Step::Send(request(MISSED, [Filter { since, until, limit: Some(PAGE), ..filter.clone() }])))
    }
}

fn request(subscription: &str, filters: impl IntoIterator<Item = Filter>) -> String {
    let filters: Vec<String> = filters.into_iter().map(|filter| line(&filter)).collect();
    format!("[\"REQ\",\"{subscription}\",{}]", filters.join(","))
}
