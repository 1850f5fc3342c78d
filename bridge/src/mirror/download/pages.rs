//! Reads what a relay has stored, page by page, from the newest to the oldest.
//!
//! NIP-01 has no cursor: `until` leads from page to page, and it counts seconds. A second of which a relay has more than
//! it gives at once is read by a larger limit and by narrower filters ([`Second`]).

use std::collections::BTreeSet;

use nostrp2p_protocol::{EventId, Filter, UnsignedEvent};

/// Events of a page. Relays that allow fewer send fewer; the next page begins where this one ended.
const PAGE: u32 = 500;
/// Events that are asked for at once of a second that has more than a page: what NIP-11 shows as an example.
const MAX_LIMIT: u32 = 5_000;
/// No relay has pages shorter than this, so a page that is shorter has all of its second.
const SHORTEST_PAGE: usize = 10;
/// Most questions for one second.
const MAX_QUESTIONS: usize = 1_000;

/// All that matches one filter, of a span of time.
#[derive(Debug)]
pub(super) struct Pages {
    filter: Filter,
    since: u64,
    /// The page reaches up to here, inclusive.
    until: u64,
    /// Most events that the relay gives, as far as it says so.
    limit: Option<u32>,
    oldest: u64,
    /// Events of the page within its time, new or not.
    given: usize,
    /// Events of the longest page so far.
    longest: usize,
    second: Option<Second>,
    /// Events that have come: a page begins in the second in which the last one ended.
    seen: BTreeSet<EventId>,
    /// Seconds of which the relay has more than it gives.
    passed_over: u64,
}

impl Pages {
    pub(super) fn new(filter: Filter, (since, until): (u64, u64), limit: Option<u32>) -> Self {
        Self {
            filter,
            since,
            until,
            limit,
            oldest: until,
            given: 0,
            longest: 0,
            second: None,
            seen: BTreeSet::new(),
            passed_over: 0,
        }
    }

    /// The filter to send now.
    pub(super) fn question(&self) -> Filter {
        if let Some(question) = self.second.as_ref().and_then(Second::question) {
            return question;
        }
        let (since, until) = (Some(self.since), Some(self.until));
        Filter { since, until, limit: Some(self.page()), ..self.filter.clone() }
    }

    /// An event came for the question; returns whether it has not come before.
    pub(super) fn on_event(&mut self, id: EventId, event: &UnsignedEvent) -> bool {
        match &mut self.second {
            Some(second) => second.on_event(&id, event),
            None if event.created_at <= self.until && self.filter.matches(&id, event) => {
                self.oldest = self.oldest.min(event.created_at);
                self.given += 1;
            }
            None => {}
        }
        self.seen.insert(id)
    }

    /// The question has been answered; returns whether there is another one.
    pub(super) fn on_end(&mut self) -> bool {
        if let Some(second) = &mut self.second {
            if second.on_end() {
                return true;
            }
            self.passed_over += u64::from(second.has_more);
            self.second = None;
            return self.go_before();
        }
        if self.given == 0 {
            return false;
        }
        self.longest = self.longest.max(self.given);
        if self.oldest < self.until {
            self.until = self.oldest;
            self.given = 0;
            return self.since <= self.until;
        }
        if self.given < self.shortest() {
            return self.go_before();
        }
        self.second = Second::new(&self.filter, self.until, self.given, self.limit);
        self.second.is_some() || self.go_before()
    }

    /// Seconds of which the relay has more than it gives, since this was asked last.
    pub(super) fn passed_over(&mut self) -> u64 {
        std::mem::take(&mut self.passed_over)
    }

    /// All of the second in which the page ended has come, or will not: the second before is next.
    fn go_before(&mut self) -> bool {
        self.given = 0;
        let before = self.until.checked_sub(1).filter(|before| self.since <= *before);
        if let Some(before) = before {
            (self.until, self.oldest) = (before, before);
        }
        before.is_some()
    }

    fn page(&self) -> u32 {
        PAGE.min(self.limit.unwrap_or(PAGE))
    }

    /// A page of one second that has fewer events than this has all of them: the relay gives more at once.
    fn shortest(&self) -> usize {
        let whole = |limit: u32| usize::try_from(limit.min(PAGE)).unwrap_or(usize::MAX);
        self.limit.map_or(SHORTEST_PAGE, whole).max(self.longest)
    }
}

/// A second of which the relay may have more than a page: it is asked for with a larger limit, then by halves of the
/// authors and kinds.
#[derive(Debug)]
struct Second {
    at: u64,
    limit: u32,
    /// Whether the question is the first one, with the larger limit.
    whole: bool,
    /// Events of the longest answer.
    longest: usize,
    /// The filters that are still to be sent, the next one last.
    parts: Vec<Filter>,
    given: usize,
    questions: usize,
    has_more: bool,
}

impl Second {
    /// `given` is how many events of it came in a page; `limit` is the most that the relay gives. None when it can only be
    /// asked for as it was.
    fn new(filter: &Filter, at: u64, given: usize, limit: Option<u32>) -> Option<Self> {
        let more = limit.unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
        let whole = more > PAGE;
        let mut second = Self {
            at,
            limit: more,
            whole,
            longest: given,
            parts: vec![filter.clone()],
            given: 0,
            questions: 0,
            has_more: false,
        };
        if !whole {
            second.parts = halves(filter)?.into();
        }
        Some(second)
    }

    fn question(&self) -> Option<Filter> {
        let (at, limit) = (Some(self.at), Some(self.limit));
        self.parts.last().map(|part| Filter { since: at, until: at, limit, ..part.clone() })
    }

    fn on_event(&mut self, id: &EventId, event: &UnsignedEvent) {
        let fits = self.question().is_some_and(|question| question.matches(id, event));
        self.given += usize::from(fits);
    }

    fn on_end(&mut self) -> bool {
        let given = std::mem::take(&mut self.given);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        // A larger limit that brings more has brought all.
        let is_cut = if self.whole { given <= self.longest || given >= limit } else { given >= self.longest };
        self.whole = false;
        self.longest = self.longest.max(given);
        self.questions += 1;
        if let Some(part) = self.parts.pop()
            && is_cut
        {
            match halves(&part).filter(|_| self.questions < MAX_QUESTIONS) {
                Some(halves) => self.parts.extend(halves),
                None => self.has_more = true,
            }
        }
        !self.parts.is_empty()
    }
}

/// Two filters that together match what this one matches, if it names more than one author or kind.
fn halves(filter: &Filter) -> Option<[Filter; 2]> {
    if let Some(mut authors) = filter.authors.clone().filter(|authors| authors.len() > 1) {
        let middle = *authors.iter().nth(authors.len() / 2)?;
        let upper = authors.split_off(&middle);
        return Some([authors, upper].map(|half| Filter { authors: Some(half), ..filter.clone() }));
    }
    let mut kinds = filter.kinds.clone().filter(|kinds| kinds.len() > 1)?;
    let middle = *kinds.iter().nth(kinds.len() / 2)?;
    let upper = kinds.split_off(&middle);
    Some([kinds, upper].map(|half| Filter { kinds: Some(half), ..filter.clone() }))
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Kind, PublicKey};

    use super::*;

    const AT: u64 = 1_700_000_000;

    fn event(author: u8, kind: u16, created_at: u64, number: usize) -> UnsignedEvent {
        let content = number.to_string();
        EventTemplate { created_at, kind: Kind(kind), tags: vec![], content }
            .by(PublicKey::from_bytes([author; 32]))
    }

    /// What a relay gives that has `stored` and gives `cap` events at most; how many questions it was asked; and how many
    /// seconds were passed over.
    fn read(stored: &[UnsignedEvent], cap: usize, told: bool, authors: u8) -> (usize, usize, u64) {
        let authors = (1..=authors).map(|author| PublicKey::from_bytes([author; 32])).collect();
        let kinds = [0, 1, 5, 6].map(Kind).into();
        let filter = Filter { authors: Some(authors), kinds: Some(kinds), ..Filter::default() };
        let limit = told.then(|| u32::try_from(cap).unwrap());
        let mut pages = Pages::new(filter, (0, AT), limit);
        let (mut came, mut asked) = (0, 0);
        loop {
            let question = pages.question();
            asked += 1;
            assert!(asked < 5_000, "it ends");
            let mut found: Vec<&UnsignedEvent> =
                stored.iter().filter(|event| question.matches(&event.id(), event)).collect();
            found.sort_by_key(|event| (std::cmp::Reverse(event.created_at), event.id()));
            found.truncate(cap.min(usize::try_from(question.limit.unwrap()).unwrap()));
            came += found.into_iter().filter(|event| pages.on_event(event.id(), event)).count();
            if !pages.on_end() {
                return (came, asked, pages.passed_over());
            }
        }
    }

    #[test]
    fn more_events_of_one_second_than_a_page_has_come_by_a_larger_limit() {
        let mut stored: Vec<UnsignedEvent> = (0..1_200).map(|number| event(1, 1, AT - 9, number)).collect();
        stored.extend((0..5).map(|number| event(1, 1, AT - 20, number)));
        let (came, asked, passed_over) = read(&stored, 5_000, false, 3);
        assert_eq!((came, passed_over), (1_205, 0));
        assert!(asked < 8, "{asked}");
    }

    #[test]
    fn what_a_relay_gives_by_small_pages_alone_comes_by_authors_and_kinds() {
        let mut stored: Vec<UnsignedEvent> = (0..2_400)
            .map(|number| {
                event(u8::try_from(number % 40 + 1).unwrap(), [1, 6][number / 40 % 2], AT - 9, number)
            })
            .collect();
        stored.extend((0..700).map(|number| event(1, 1, AT - 20 - number as u64 / 300, number)));
        for told in [false, true] {
            let (came, asked, passed_over) = read(&stored, 500, told, 40);
            assert_eq!(came, 3_100, "{told}");
            assert_eq!(passed_over, 0, "{told}");
            assert!(asked < 40, "{asked}");
        }
    }

    #[test]
    fn what_a_relay_never_gives_is_passed_over_and_counted() {
        let mut stored: Vec<UnsignedEvent> = (0..150).map(|number| event(1, 1, AT - 9, number)).collect();
        stored.extend((0..150).map(|number| event(1, 1, AT - 12, number)));
        stored.extend((0..5).map(|number| event(1, 1, AT - 20, number)));
        for told in [false, true] {
            assert_eq!(read(&stored, 100, told, 3).0, 205, "{told}");
            assert_eq!(read(&stored, 100, told, 3).2, 2, "{told}");
        }
    }

    #[test]
    fn few_events_need_few_questions() {
        assert_eq!(read(&[], 500, false, 3).1, 1);
        assert_eq!(read(&[event(1, 1, AT - 9, 0)], 500, false, 3), (1, 3, 0));
        let two = [event(1, 1, AT - 9, 0), event(1, 1, 0, 1)];
        assert_eq!(read(&two, 500, false, 3), (2, 2, 0), "none is before 1970");
    }
}
