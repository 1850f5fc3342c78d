//! Pages of the answers to a post, as other nodes are asked for them.

use nostrp2p_protocol::{EventId, Filter, Kind, PublicKey, UnsignedEvent, limits::MAX_CREATED_AT};

/// Answers of a page: nodes answer with no more.
const PAGE: u32 = 100;
/// Bytes of contents from which on a page counts as full: nodes cut short what would be too long for one answer.
const FULL_BYTES: usize = 64 * 1024;
/// Pages of a conversation that are asked for: twice what a page of the browser shows.
const MAX_PAGES: u8 = 10;

/// Some of the posts that name a post in an `e` tag, the newest first. The nodes of its author are asked, which have heard
/// of all that are for everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswersPage {
    /// The post.
    pub to: EventId,
    /// The author of the post, whose nodes are asked.
    pub author: PublicKey,
    /// The newest time of an answer, in seconds since 1970.
    until: u64,
    /// How many pages came before.
    number: u8,
}

impl AnswersPage {
    /// The first page of the answers to a post of this author.
    pub const fn first(to: EventId, author: PublicKey) -> Self {
        Self { to, author, until: MAX_CREATED_AT, number: 0 }
    }

    /// Whether an event belongs to it.
    pub fn holds(&self, unsigned: &UnsignedEvent) -> bool {
        unsigned.kind == Kind::POST
            && unsigned.created_at <= self.until
            && unsigned.tag_values("e").any(|id| id.parse() == Ok(self.to))
    }

    /// The page behind this one, if these events fill it. Answers of one second that fill a page alone end it: what is
    /// behind them cannot be named.
    pub fn next<'a>(self, events: impl Iterator<Item = &'a UnsignedEvent>) -> Option<Self> {
        let (mut count, mut bytes, mut oldest) = (0_u32, 0_usize, self.until);
        for unsigned in events.filter(|unsigned| self.holds(unsigned)) {
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(unsigned.content.len());
            oldest = oldest.min(unsigned.created_at);
        }
        let full = count >= PAGE || bytes >= FULL_BYTES;
        let number = self.number.saturating_add(1);
        (full && oldest < self.until && number < MAX_PAGES).then_some(Self { until: oldest, number, ..self })
    }

    /// The question.
    pub fn filter(&self) -> Filter {
        Filter {
            kinds: Some([Kind::POST].into()),
            tags: [('e', [self.to.to_string()].into())].into(),
            until: (self.number > 0).then_some(self.until),
            limit: Some(PAGE),
            ..Filter::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Tag};

    use super::*;

    const ROOT: EventId = EventId::from_bytes([7; 32]);
    const ALICE: PublicKey = PublicKey::from_bytes([1; 32]);

    fn answer(created_at: u64, bytes: usize) -> UnsignedEvent {
        let tags = vec![Tag::new(["e", &ROOT.to_string(), "", "root"])];
        EventTemplate { created_at, kind: Kind::POST, tags, content: "x".repeat(bytes) }.by(ALICE)
    }

    #[test]
    fn a_full_page_is_followed_by_the_one_behind_it_and_ten_are_enough() {
        let first = AnswersPage::first(ROOT, ALICE);
        assert_eq!(first.filter().until, None);
        let full: Vec<UnsignedEvent> = (900..1_000).map(|second| answer(second, 1)).collect();
        let next = first.next(full.iter()).expect("there may be more");
        assert_eq!(next.filter().until, Some(900));
        assert!(next.holds(&answer(900, 1)) && !next.holds(&answer(901, 1)));
        assert_eq!(next.next(full.iter()), None, "what is newer was not asked for");
        assert_eq!(first.next(full.iter().skip(1)), None);
        assert!(first.next([answer(5, FULL_BYTES)].iter()).is_some(), "an answer that was cut short");
        let (mut page, mut pages) = (first, 1);
        let of_a_second = |second| (0..100).map(|_| answer(second, 1)).collect::<Vec<_>>();
        for second in (0..1_000).rev() {
            let Some(next) = page.next(of_a_second(second).iter()) else { break };
            (page, pages) = (next, pages + 1);
        }
        assert_eq!(pages, MAX_PAGES);
    }

    #[test]
    fn other_events_do_not_belong_to_it() {
        let first = AnswersPage::first(ROOT, ALICE);
        let other = EventTemplate { created_at: 1, kind: Kind::POST, tags: vec![], content: String::new() };
        assert!(first.holds(&answer(1, 1)) && !first.holds(&other.by(ALICE)));
        assert!(!first.holds(&UnsignedEvent { kind: Kind::REACTION, ..answer(1, 1) }));
    }
}
