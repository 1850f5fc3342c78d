//! Pages of the answers to an event (replies, comments, votes) as requests to other nodes.

use nostrp2p_protocol::{
    EventId, Filter, Kind, PublicKey, UnsignedEvent,
    event_policy::{COMMENTS, EventAddress, address_of},
    limits::MAX_CREATED_AT,
};

/// Answers of a page: nodes answer with no more.
const PAGE: u32 = 100;
/// A page with at least this many bytes of content counts as full, because nodes cut an answer that would be too
/// long.
const FULL_BYTES: usize = 64 * 1024;
/// Pages of a conversation that are asked for: twice what a page of the browser shows.
const MAX_PAGES: u8 = 10;

/// An event that others answer, and the form of the answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswersTo {
    /// A post, by posts that name it in an `e` tag (NIP-10).
    Post(EventId),
    /// An event that nothing replaces, by comments that name it in an `E` tag (NIP-22).
    Event(EventId),
    /// An event that newer versions replace, by comments that name its address in an `A` tag (NIP-22).
    Address(EventAddress),
    /// A poll, by votes that name it in an `e` tag (NIP-88).
    Poll(EventId),
}

impl AnswersTo {
    /// All that answers an event of this kind.
    pub fn all(unsigned: &UnsignedEvent, id: EventId) -> Vec<Self> {
        let comments = address_of(unsigned).map_or(Self::Event(id), Self::Address);
        match unsigned.kind {
            Kind::POST => vec![Self::Post(id), comments],
            Kind::POLL => vec![Self::Post(id), Self::Poll(id), comments],
            _ => vec![comments],
        }
    }

    /// The kinds of the answers.
    pub const fn kinds(&self) -> &'static [Kind] {
        match self {
            Self::Post(_) => &[Kind::POST],
            Self::Event(_) | Self::Address(_) => &COMMENTS,
            Self::Poll(_) => &[Kind::VOTE],
        }
    }

    /// The tag of an answer, and its value.
    fn tag(&self) -> (char, String) {
        match self {
            Self::Post(id) | Self::Poll(id) => ('e', id.to_string()),
            Self::Event(id) => ('E', id.to_string()),
            Self::Address(EventAddress { author, kind, identifier }) => {
                ('A', format!("{}:{author}:{identifier}", kind.0))
            }
        }
    }
}

/// A page of the answers to an event, the newest first. The nodes of its author are asked, because all public answers
/// reach them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswersPage {
    /// The event that is answered.
    pub to: AnswersTo,
    /// The author of that, whose nodes are asked.
    pub author: PublicKey,
    /// The newest time of an answer, in seconds since 1970.
    until: u64,
    /// How many pages came before.
    number: u8,
}

impl AnswersPage {
    /// The first page of the answers to something of this author.
    pub const fn first(to: AnswersTo, author: PublicKey) -> Self {
        Self { to, author, until: MAX_CREATED_AT, number: 0 }
    }

    /// Whether an event belongs to it.
    pub fn holds(&self, unsigned: &UnsignedEvent) -> bool {
        // Many events are looked at, and few are of these kinds.
        if unsigned.created_at > self.until || !self.to.kinds().contains(&unsigned.kind) {
            return false;
        }
        let (letter, value) = self.to.tag();
        unsigned.tag_values(letter.encode_utf8(&mut [0; 4])).any(|named| named == value)
    }

    /// The page behind this one, if these events fill it. Answers of one second that fill a page alone end it: what is
    /// behind them cannot be named.
    pub fn next<'a>(&self, events: impl Iterator<Item = &'a UnsignedEvent>) -> Option<Self> {
        let (mut count, mut bytes, mut oldest) = (0_u32, 0_usize, self.until);
        for unsigned in events.filter(|unsigned| self.holds(unsigned)) {
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(unsigned.content.len());
            oldest = oldest.min(unsigned.created_at);
        }
        let full = count >= PAGE || bytes >= FULL_BYTES;
        let number = self.number.saturating_add(1);
        let next = || Self { to: self.to.clone(), author: self.author, until: oldest, number };
        (full && oldest < self.until && number < MAX_PAGES).then(next)
    }

    /// The question.
    pub fn filter(&self) -> Filter {
        let (letter, value) = self.to.tag();
        Filter {
            kinds: Some(self.to.kinds().iter().copied().collect()),
            tags: [(letter, [value].into())].into(),
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

    fn by_alice(kind: Kind, created_at: u64, tags: Vec<Tag>, bytes: usize) -> UnsignedEvent {
        EventTemplate { created_at, kind, tags, content: "x".repeat(bytes) }.by(ALICE)
    }

    fn answer(created_at: u64, bytes: usize) -> UnsignedEvent {
        by_alice(Kind::POST, created_at, vec![Tag::new(["e", &ROOT.to_string(), "", "root"])], bytes)
    }

    fn first() -> AnswersPage {
        AnswersPage::first(AnswersTo::Post(ROOT), ALICE)
    }

    #[test]
    fn a_full_page_is_followed_by_the_one_behind_it_and_ten_are_enough() {
        let first = first();
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
        let other = by_alice(Kind::POST, 1, vec![], 0);
        assert!(first().holds(&answer(1, 1)) && !first().holds(&other));
        assert!(!first().holds(&UnsignedEvent { kind: Kind::REACTION, ..answer(1, 1) }));
    }

    #[test]
    fn what_answers_an_event_depends_on_its_kind() {
        let id = ROOT.to_string();
        let article = by_alice(Kind(30_023), 1, vec![Tag::new(["d", "on-rust"])], 0);
        let address = format!("30023:{ALICE}:on-rust");
        let answers = |root: &UnsignedEvent| AnswersTo::all(root, ROOT);
        let held = |root: &UnsignedEvent, kind: u16, tag: [&str; 2]| {
            let answer = by_alice(Kind(kind), 2, vec![Tag::new(tag)], 0);
            answers(root).into_iter().any(|to| AnswersPage::first(to, ALICE).holds(&answer))
        };
        let [post, picture, poll] = [1, 20, 1068].map(|kind| by_alice(Kind(kind), 1, vec![], 0));
        for (root, kind, tag, expected) in [
            (&post, 1, ["e", &id], true),
            (&post, 1111, ["E", &id], true),
            (&post, 1018, ["e", &id], false),
            (&picture, 1, ["e", &id], false),
            (&picture, 1111, ["E", &id], true),
            (&picture, 1244, ["E", &id], true),
            (&poll, 1018, ["e", &id], true),
            (&poll, 1111, ["E", &id], true),
            (&article, 1111, ["A", &address], true),
            (&article, 1111, ["A", &format!("30023:{ALICE}:other")], false),
            (&article, 1111, ["E", &id], false),
        ] {
            assert_eq!(held(root, kind, tag), expected, "{:?} {kind} {tag:?}", root.kind);
        }
    }
}
