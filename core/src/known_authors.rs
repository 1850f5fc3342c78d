//! Since when this node has known each author: it tells a person whom nobody here follows from a key that was just
//! invented.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nostrp2p_protocol::PublicKey;

/// For how many seconds after their first event an author is new: a day; a guess. In the first day of a node's own
/// life nobody is new, because everybody would be.
pub const NEW_SECONDS: u64 = 86_400;

/// Most known authors. 100,000 take about 5 MB, and a store of the usual size can hold events of as many. When the
/// table is full, further authors stay new.
const MAX_KNOWN: usize = 100_000;

/// Most newcomers whose first event is remembered. The oldest is forgotten first, and is new again at the next event.
/// So at most this many invented keys become known in a day.
const MAX_NEWCOMERS: usize = 10_000;

/// When this node got the first event of each author.
#[derive(Debug)]
pub(crate) struct KnownAuthors {
    /// When this node's life began; None before its first event.
    born: Option<u64>,
    known: BTreeSet<PublicKey>,
    newcomers: BTreeMap<PublicKey, u64>,
    order: VecDeque<PublicKey>,
}

impl KnownAuthors {
    pub(crate) const fn new() -> Self {
        Self { born: None, known: BTreeSet::new(), newcomers: BTreeMap::new(), order: VecDeque::new() }
    }

    /// Takes over what the store knows: when its life began, and when it first held something of each of these people.
    pub(crate) fn restore(
        &mut self,
        born: u64,
        people: impl IntoIterator<Item = (PublicKey, u64)>,
        now: u64,
    ) {
        // What was written down while the clock was ahead must not make everybody new for that long.
        let born = born.min(now);
        self.born = Some(self.born.map_or(born, |before| before.min(born)));
        for (person, since) in people {
            self.note(person, since.min(now), now);
        }
    }

    /// The clock was set back: moves first events that lie ahead to now.
    pub(crate) fn on_clock_back(&mut self, now: u64) {
        self.born = self.born.map(|born| born.min(now));
        self.newcomers.values_mut().for_each(|since| *since = (*since).min(now));
    }

    /// Notes an event of an author. Its signature must be right.
    pub(crate) fn meet(&mut self, person: PublicKey, now: u64) {
        self.born.get_or_insert(now);
        if self.known.contains(&person) {
            return;
        }
        let since = self.newcomers.get(&person).copied().unwrap_or(now);
        self.note(person, since, now);
    }

    /// Whether somebody is new while this node is not.
    pub(crate) fn is_newcomer(&self, person: &PublicKey, now: u64) -> bool {
        self.is_grown(now) && !self.known.contains(person) && !is_old(self.newcomers.get(person), now)
    }

    fn is_grown(&self, now: u64) -> bool {
        self.born.is_some_and(|born| born.saturating_add(NEW_SECONDS) <= now)
    }

    fn note(&mut self, person: PublicKey, since: u64, now: u64) {
        if (!self.is_grown(now) || is_old(Some(&since), now)) && self.known.len() < MAX_KNOWN {
            self.newcomers.remove(&person);
            self.known.insert(person);
            return;
        }
        if self.newcomers.insert(person, since).is_none() {
            self.order.push_back(person);
        }
        while self.order.len() > MAX_NEWCOMERS {
            if let Some(longest) = self.order.pop_front() {
                self.newcomers.remove(&longest);
            }
        }
    }
}

fn is_old(since: Option<&u64>, now: u64) -> bool {
    since.is_some_and(|since| since.saturating_add(NEW_SECONDS) <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn person(number: u32) -> PublicKey {
        let mut key = [1; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        PublicKey::from_bytes(key)
    }

    #[test]
    fn a_newcomer_is_known_after_a_day_if_he_comes_again() {
        let mut people = KnownAuthors::new();
        people.restore(0, [], NOW);
        assert!(people.is_newcomer(&person(1), NOW));
        people.meet(person(1), NOW);
        assert!(people.is_newcomer(&person(1), NOW + NEW_SECONDS - 1));
        assert!(!people.is_newcomer(&person(1), NOW + NEW_SECONDS));
        people.meet(person(1), NOW + NEW_SECONDS);
        assert!(people.known.contains(&person(1)) && people.newcomers.is_empty());
    }

    #[test]
    fn to_a_new_node_nobody_is_new() {
        let mut people = KnownAuthors::new();
        people.meet(person(1), NOW);
        assert!(!people.is_newcomer(&person(2), NOW + 100));
        assert!(!people.is_newcomer(&person(1), NOW + NEW_SECONDS), "he was there from the beginning");
        assert!(people.is_newcomer(&person(2), NOW + NEW_SECONDS));
    }

    #[test]
    fn what_the_store_knew_holds_after_a_restart() {
        let mut people = KnownAuthors::new();
        let long = NOW - 10 * NEW_SECONDS;
        people.restore(long, [(person(1), long), (person(2), NOW - 100)], NOW);
        assert!(!people.is_newcomer(&person(1), NOW));
        assert!(people.is_newcomer(&person(2), NOW));
        assert!(!people.is_newcomer(&person(2), NOW - 100 + NEW_SECONDS));
    }

    #[test]
    fn invented_keys_displace_one_another_and_nobody_else() {
        let mut people = KnownAuthors::new();
        people.restore(0, [(person(0), 0)], NOW);
        for number in 1..30_000 {
            people.meet(person(number), NOW);
        }
        assert_eq!((people.newcomers.len(), people.order.len()), (MAX_NEWCOMERS, MAX_NEWCOMERS));
        assert!(!people.is_newcomer(&person(0), NOW));
        assert!(people.is_newcomer(&person(1), NOW + NEW_SECONDS), "forgotten, so new again");
    }
}
