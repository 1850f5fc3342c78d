//! The position of each polling client in the store, so that it gets late arrivals.
//!
//! A client of the original asks for windows of `created_at`: from its last poll until now. An event that arrives
//! after its second was polled would never be shown. So the node remembers for each poll the store's position; the
//! next poll begins there and gets what was stored since then, although it is dated before. Clients drop events that
//! they have by id, so too many do no harm. The positions are lost when the node stops.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Polls that are remembered: three quarters of an hour of one client, and 4 KB.
const MAX_POLLS: usize = 256;

/// The end of each polled window, and the sequence number up to which its client has been served.
#[derive(Debug, Default)]
pub(super) struct Polls(Mutex<BTreeMap<u64, u64>>);

impl Polls {
    /// Remembers a poll. Of two that ended in the same second the one that had less counts.
    pub(super) fn record(&self, until: u64, sequence: u64) {
        let mut polls = self.lock();
        polls.entry(until).and_modify(|known| *known = sequence.min(*known)).or_insert(sequence);
        while polls.len() > MAX_POLLS {
            polls.pop_first();
        }
    }

    /// The position up to which a client has been served that asks on from `since`: that of the poll that ended then,
    /// or else the last before, or else the first after (its clock is behind ours). None when nobody has polled yet.
    pub(super) fn served(&self, since: u64) -> Option<u64> {
        let polls = self.lock();
        let poll = polls.range(..=since).next_back().or_else(|| polls.first_key_value());
        poll.map(|(_, sequence)| *sequence)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_on_where_its_last_poll_ended() {
        let polls = Polls::default();
        assert_eq!(polls.served(100), None);
        polls.record(100, 5);
        polls.record(110, 8);
        assert_eq!([90, 100, 105, 110, 500].map(|since| polls.served(since)), [5, 5, 5, 8, 8].map(Some));
    }

    #[test]
    fn of_two_clients_in_one_second_neither_loses() {
        let polls = Polls::default();
        polls.record(100, 5);
        polls.record(100, 4);
        polls.record(100, 6);
        assert_eq!(polls.served(100), Some(4));
    }

    #[test]
    fn the_memory_is_bounded() {
        let polls = Polls::default();
        for second in 0..1_000 {
            polls.record(second, second);
        }
        assert_eq!(polls.lock().len(), MAX_POLLS);
        assert_eq!(polls.served(0), Some(744));
    }
}
