//! Comparing what a relay has with what the store has (NIP-77, negentropy), on the side that begins it.

use std::collections::BTreeSet;

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use nostrp2p_protocol::EventId;

/// Messages after which a comparison ends with what it has found. Two or three are usual.
const MAX_ROUNDS: u32 = 50;
/// Ids after which it ends, on either side: 640 KB.
const MAX_DIFFERENCE: usize = 20_000;

/// A comparison under way.
pub(super) struct Comparing {
    negentropy: Negentropy<'static, NegentropyStorageVector>,
    difference: Difference,
    rounds: u32,
    /// When the last message went out, in seconds since 1970.
    asked: u64,
}

/// The difference between the two sides.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Events that the relay lacks.
    pub(super) lacking: BTreeSet<EventId>,
    /// Events that only the relay has.
    pub(super) needed: BTreeSet<EventId>,
    /// Whether there may be more: it was too much for one comparison.
    pub(super) cut: bool,
}

/// The next step of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send this.
    Send(Vec<u8>),
    /// That is all.
    Done(Difference),
}

impl Comparing {
    /// Begins with times and ids, and gives the first message. No message of this side is longer than `longest`, in bytes.
    pub(super) fn begin(held: &[(u64, EventId)], longest: u64, now: u64) -> Option<(Self, Vec<u8>)> {
        let mut storage = NegentropyStorageVector::with_capacity(held.len());
        for (created_at, id) in held {
            storage.insert(*created_at, Id::from_byte_array(*id.as_bytes())).ok()?;
        }
        storage.seal().ok()?;
        let mut negentropy = Negentropy::owned(storage, longest).ok()?;
        let first = negentropy.initiate().ok()?;
        Some((Self { negentropy, difference: Difference::default(), rounds: 1, asked: now }, first))
    }

    /// Takes the relay's answer; None when it is damaged.
    pub(super) fn on_answer(&mut self, answer: &[u8], now: u64) -> Option<Next> {
        let (mut lacking, mut needed) = (Vec::new(), Vec::new());
        let next = self.negentropy.reconcile_with_ids(answer, &mut lacking, &mut needed).ok()?;
        let ids = |ids: Vec<Id>| ids.into_iter().map(|id| EventId::from_bytes(*id.as_bytes()));
        self.difference.lacking.extend(ids(lacking));
        self.difference.needed.extend(ids(needed));
        let Difference { lacking, needed, .. } = &self.difference;
        let small = lacking.len().max(needed.len()) < MAX_DIFFERENCE;
        match next {
            Some(message) if self.rounds < MAX_ROUNDS && small => {
                self.rounds += 1;
                self.asked = now;
                Some(Next::Send(message))
            }
            next => {
                self.difference.cut = next.is_some();
                Some(Next::Done(std::mem::take(&mut self.difference)))
            }
        }
    }

    /// Since when the relay owes an answer, in seconds since 1970.
    pub(super) const fn asked(&self) -> u64 {
        self.asked
    }
}

impl std::fmt::Debug for Comparing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Comparing").field("rounds", &self.rounds).finish_non_exhaustive()
    }
}
