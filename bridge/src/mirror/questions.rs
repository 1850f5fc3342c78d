//! Divides what is wanted into questions that a relay takes: how long a message, how many filters and how many
//! subscriptions it allows (NIP-11).

use std::collections::BTreeSet;

use nostrp2p_protocol::{Filter, PublicKey};

use super::{Terms, line};

/// Longest message in bytes to a relay that does not say what it takes. Most take 128 KiB.
const MESSAGE_BYTES: u32 = 64 * 1024;
/// Shortest and longest message that is believed of a relay: the example of NIP-11 is 16 KiB, and what is longer than
/// 128 KiB some take only from proxies on.
const BELIEVED_BYTES: (u32, u32) = (4 * 1024, 128 * 1024);
/// Filters of one question to a relay that does not say how many it takes: nostream takes 10.
const FILTERS: u32 = 10;
/// Subscriptions of a relay that does not say how many it allows. Those that allow few say so, nostream 10; strfry allows 20.
const SUBSCRIPTIONS: u32 = 20;
/// Subscriptions besides those for what is new: what was missed, profiles, and two comparisons.
const OTHERS: u32 = 4;
/// Most subscriptions for what is new: 10,000 people in messages of 16 KiB take 45.
const MAX_LIVE: u32 = 50;
/// Shortest and longest message in a comparison, in bytes: the protocol needs the former; the latter is in hex below the
/// 128 KiB that relays take.
const COMPARISON_BYTES: (usize, usize) = (4_096, 60_000);
/// Bytes of a question besides its filters.
const AROUND: usize = 100;
/// Bytes that an author takes in a filter: 64 digits, two quotation marks, a comma.
const AUTHOR_BYTES: usize = 67;

/// The limits of one relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    message_bytes: usize,
    filters: usize,
    /// Subscriptions for what is new.
    live: usize,
    /// Most events of an answer, as far as the relay says so.
    pub(super) limit: Option<u32>,
}

impl Allowed {
    /// From the relay's NIP-11 document. After `unheard` connections in a row that ended without a message of the
    /// relay, messages are shorter: some relays close the connection at a message that is too long, without a reason.
    pub(super) fn by(terms: &Terms, unheard: u32) -> Self {
        let bytes = terms.message_bytes.unwrap_or(MESSAGE_BYTES) >> unheard.min(8);
        let bytes = bytes.clamp(BELIEVED_BYTES.0, BELIEVED_BYTES.1);
        let subscriptions = terms.subscriptions.unwrap_or(SUBSCRIPTIONS);
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            message_bytes: count(bytes),
            filters: count(terms.filters.unwrap_or(FILTERS).max(1)),
            live: count(subscriptions.saturating_sub(OTHERS).clamp(1, MAX_LIVE)),
            limit: terms.limit.filter(|limit| *limit > 0),
        }
    }

    /// Longest message in a comparison, in bytes; twice as many in hex.
    pub(super) fn comparison_bytes(&self) -> u64 {
        let bytes =
            (self.message_bytes.saturating_sub(AROUND) / 2).clamp(COMPARISON_BYTES.0, COMPARISON_BYTES.1);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// How many subscriptions for what is new the relay allows.
    pub(super) const fn live(&self) -> usize {
        self.live
    }

    /// The same filters, those with many authors split, so that each fits into a message.
    pub(super) fn divide(&self, wanted: &[Filter]) -> Vec<Filter> {
        wanted.iter().flat_map(|filter| self.divided(filter)).collect()
    }

    fn divided(&self, filter: &Filter) -> Vec<Filter> {
        let Some(authors) = filter.authors.as_ref().filter(|_| self.bytes(filter) > self.message_bytes)
        else {
            return vec![filter.clone()];
        };
        let rest = self.bytes(filter).saturating_sub(authors.len() * AUTHOR_BYTES);
        let each = (self.message_bytes.saturating_sub(rest) / AUTHOR_BYTES).max(1);
        let authors: Vec<PublicKey> = authors.iter().copied().collect();
        let part = |part: &[PublicKey]| Filter {
            authors: Some(part.iter().copied().collect::<BTreeSet<_>>()),
            ..filter.clone()
        };
        authors.chunks(each).map(part).collect()
    }

    /// The filters of each question, in order, as few questions as hold them.
    pub(super) fn pack(&self, filters: &[Filter]) -> Vec<Vec<Filter>> {
        let mut questions: Vec<Vec<Filter>> = Vec::new();
        let mut bytes = 0;
        for filter in filters {
            let length = self.bytes(filter);
            match questions.last_mut() {
                Some(last) if last.len() < self.filters && bytes + length <= self.message_bytes => {
                    last.push(filter.clone());
                    bytes += length;
                }
                _ => {
                    questions.push(vec![filter.clone()]);
                    bytes = length;
                }
            }
        }
        questions
    }

    /// Bytes of a question with this filter, with room for the times and the limit that it gets.
    fn bytes(&self, filter: &Filter) -> usize {
        line(filter).len() + AROUND
    }
}

impl Default for Allowed {
    fn default() -> Self {
        Self::by(&Terms::default(), 0)
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::limits::MAX_LIST_ENTRIES;

    use super::*;
    use crate::mirror::{interest, relay_info::Terms};

    fn people(count: usize) -> BTreeSet<PublicKey> {
        let key = |number: usize| format!("{number:064x}").parse().unwrap();
        (0..count).map(key).collect()
    }

    fn check(terms: Terms, unheard: u32, questions: usize) {
        let followed = people(MAX_LIST_ENTRIES);
        let owner = "f".repeat(64).parse().unwrap();
        let allowed = Allowed::by(&terms, unheard);
        let filters = allowed.divide(&interest(&owner, &followed));
        let packed = allowed.pack(&filters);
        assert_eq!(packed.len(), questions, "{terms:?}");
        let longest = usize::try_from(terms.message_bytes.unwrap_or(MESSAGE_BYTES)).unwrap();
        for question in &packed {
            assert!(question.len() <= usize::try_from(terms.filters.unwrap_or(FILTERS)).unwrap());
            assert!(line(question).len() < longest, "{}", line(question).len());
        }
        assert_eq!(packed.concat(), filters, "in order");
        let named: BTreeSet<PublicKey> =
            filters.iter().filter_map(|filter| filter.authors.clone()).flatten().collect();
        assert!(named.is_superset(&followed), "everybody is asked for");
    }

    #[test]
    fn ten_thousand_people_fit_into_questions_of_every_size_that_a_relay_allows() {
        let unknown = Terms::default();
        check(unknown, 0, 12);
        check(unknown, 1, 23);
        check(Terms { message_bytes: Some(128 * 1024), ..unknown }, 0, 6);
        check(Terms { message_bytes: Some(128 * 1024), filters: Some(1), ..unknown }, 0, 26);
        check(Terms { message_bytes: Some(16 * 1024), ..unknown }, 0, 46);
        check(Terms { message_bytes: Some(1 << 30), filters: Some(1_000), ..unknown }, 0, 6);
    }

    #[test]
    fn what_a_relay_does_not_say_or_cannot_mean_is_guessed() {
        let live = |subscriptions| Allowed::by(&Terms { subscriptions, ..Terms::default() }, 0).live();
        assert_eq!([live(None), live(Some(0)), live(Some(5)), live(Some(10))], [16, 1, 1, 6]);
        assert_eq!(live(Some(u32::MAX)), 50);
        let limit = |limit| Allowed::by(&Terms { limit, ..Terms::default() }, 0).limit;
        assert_eq!([limit(None), limit(Some(0)), limit(Some(100))], [None, None, Some(100)]);
        let compared = |bytes| {
            Allowed::by(&Terms { message_bytes: Some(bytes), ..Terms::default() }, 0).comparison_bytes()
        };
        assert_eq!([compared(0), compared(16_384), compared(u32::MAX)], [4_096, 8_142, 60_000]);
    }
}
