//! Comparison of two sets of events by their times and ids (negentropy, protocol version 1), as state machines.
//!
//! Equal sets of any size cost one small message each way; the rest grows with the difference. The answering side
//! keeps no state between messages.

use std::{collections::BTreeSet, sync::Arc};

use negentropy::{Id, Negentropy, NegentropyStorageBase, NegentropyStorageVector};
use nostrp2p_protocol::{EventId, sync::MAX_COMPARISON_BYTES};

/// Messages that this node sends in one comparison. Two or three are usual; a frame limit of 256 KiB makes it 13 for
/// 100,000 missing events.
const MAX_ROUNDS: u32 = 24;

/// Ids after which a comparison ends, with more to come another time: 640 KB.
const MAX_NEEDED: usize = 20_000;

/// The events of some time that a node has, by time and id.
#[derive(Debug, Default)]
pub struct SyncSet(NegentropyStorageVector);

impl SyncSet {
    /// Takes times and ids. Nearly free when they come in order.
    pub fn new(items: impl IntoIterator<Item = (u64, EventId)>) -> Self {
        let mut storage = NegentropyStorageVector::new();
        for (created_at, id) in items {
            // Only a sealed storage refuses, and this one is not.
            let _unsealed = storage.insert(created_at, Id::from_byte_array(*id.as_bytes()));
        }
        let _unsealed = storage.seal();
        Self(storage)
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.0.size().unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The answer to a message of somebody who compares; None when the message is damaged.
    pub fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        Negentropy::borrowed(&self.0, FRAME).ok()?.reconcile(message).ok()
    }
}

/// [`MAX_COMPARISON_BYTES`] as negentropy wants it; the same on every machine.
const FRAME: u64 = MAX_COMPARISON_BYTES as u64;

/// The difference between two sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// The events that this side lacks, in order.
    pub needed: Vec<EventId>,
    /// How many the other side lacks.
    pub spare: usize,
    /// Messages that this side has sent.
    pub rounds: u32,
    /// Whether the comparison came to its end.
    pub complete: bool,
}

/// A comparison under way, on the side that began it.
#[derive(Debug)]
pub struct Comparison {
    ledger: Arc<SyncSet>,
    needed: BTreeSet<EventId>,
    spare: usize,
    rounds: u32,
}

/// The next step of a [`Comparison`].
#[derive(Debug, PartialEq, Eq)]
pub enum ComparisonStep {
    /// Send this message, and hand in the answer.
    Send(Vec<u8>),
    /// The comparison is complete.
    Done(Difference),
}

impl Comparison {
    /// Begins, and gives the first message.
    pub fn begin(ledger: Arc<SyncSet>) -> (Self, Vec<u8>) {
        let first = Negentropy::borrowed(&ledger.0, FRAME).and_then(|mut side| side.initiate());
        // A sealed storage and a frame above the minimum leave nothing that could fail.
        (Self { ledger, needed: BTreeSet::new(), spare: 0, rounds: 1 }, first.unwrap_or_default())
    }

    /// Takes the answer to the last message; None when it is damaged.
    pub fn on_answer(&mut self, answer: &[u8]) -> Option<ComparisonStep> {
        let (mut spare, mut needed) = (Vec::new(), Vec::new());
        let next = {
            let mut side = Negentropy::borrowed(&self.ledger.0, FRAME).ok()?;
            side.set_initiator();
            side.reconcile_with_ids(answer, &mut spare, &mut needed).ok()?
        };
        self.spare = self.spare.saturating_add(spare.len()).min(self.ledger.len());
        self.needed.extend(needed.into_iter().map(|id| EventId::from_bytes(*id.as_bytes())));
        match next {
            Some(message) if self.rounds < MAX_ROUNDS && self.needed.len() < MAX_NEEDED => {
                self.rounds += 1;
                Some(ComparisonStep::Send(message))
            }
            next => Some(ComparisonStep::Done(Difference {
                needed: std::mem::take(&mut self.needed).into_iter().collect(),
                spare: self.spare,
                rounds: self.rounds,
                complete: next.is_none(),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: u64) -> (u64, EventId) {
        let mut id = [0; 32];
        // Spread over the ids, as hashes are.
        id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        id[8..16].copy_from_slice(&number.to_be_bytes());
        (1_700_000_000 + number / 3, EventId::from_bytes(id))
    }

    /// Compares two ranges of numbers; returns the difference and the bytes that went both ways.
    fn compare(mine: std::ops::Range<u64>, theirs: impl Iterator<Item = u64>) -> (Difference, usize) {
        let theirs = SyncSet::new(theirs.map(item));
        let (mut comparison, mut message) = Comparison::begin(Arc::new(SyncSet::new(mine.map(item))));
        let mut bytes = 0;
        loop {
            let answer = theirs.answer(&message).unwrap();
            bytes += message.len() + answer.len();
            assert!(message.len() <= MAX_COMPARISON_BYTES && answer.len() <= MAX_COMPARISON_BYTES);
            match comparison.on_answer(&answer).unwrap() {
                ComparisonStep::Send(next) => message = next,
                ComparisonStep::Done(difference) => return (difference, bytes),
            }
        }
    }

    #[test]
    fn equal_sets_of_any_size_cost_one_small_message_each_way() {
        let (difference, bytes) = compare(0..100_000, 0..100_000);
        assert_eq!(difference, Difference { rounds: 1, complete: true, ..Difference::default() });
        assert!(bytes < 500, "{bytes}");
    }

    #[test]
    fn both_directions_of_a_difference_are_found() {
        let (difference, bytes) = compare(0..10_000, (100..10_100).filter(|number| number % 1_000 != 0));
        assert_eq!((difference.needed.len(), difference.spare), (99, 109));
        assert!(difference.complete && difference.rounds <= 4 && bytes < 40_000, "{difference:?} {bytes}");
    }

    #[test]
    fn a_node_that_has_nothing_gets_what_fits_and_comes_back_for_more() {
        let (difference, _) = compare(0..0, 0..100_000);
        assert!(!difference.complete && difference.needed.len() >= MAX_NEEDED);
        assert!(difference.rounds <= MAX_ROUNDS);
        let (difference, _) = compare(0..0, 0..5_000);
        assert!(difference.complete && difference.needed.len() == 5_000);
    }

    #[test]
    fn damaged_messages_are_refused_on_both_sides() {
        let ledger = Arc::new(SyncSet::new((0..50).map(item)));
        assert!(!ledger.is_empty());
        let (_, first) = Comparison::begin(Arc::clone(&ledger));
        assert_eq!(ledger.answer(&[]), None);
        assert_eq!(ledger.answer(&first[..first.len() - 1]), None);
        let (mut comparison, _) = Comparison::begin(ledger);
        assert_eq!(comparison.on_answer(&[]), None);
        assert_eq!(comparison.on_answer(&[0x61, 0, 0, 2, 0x80]).map(drop), Some(()), "an empty list is one");
        assert_eq!(comparison.on_answer(&[0x61, 0, 33]), None);
    }
}
