//! People for whom something waits although no node of theirs is known: when to ask neighbours for their nodes, and
//! when again.
//!
//! A neighbour may not know a node either, or be too busy to answer, and the next attempt of the outbox is minutes
//! away. So neighbours are asked several times in between; the pump asks other ones each time.

use std::collections::BTreeMap;

use nostrp2p_protocol::{PublicKey, rpc::MAX_SOUGHT};

/// Most people who are looked up at a time: 60 kB. Others are looked up with the next attempt of the outbox.
const MAX_PEOPLE: usize = 1_000;
/// The pause after the first question, in seconds; doubled each time.
const PAUSE_SECONDS: u64 = 15;
/// Questions about one person, the last one 225 s after the first; the outbox's next attempt begins anew.
const QUESTIONS: u32 = 5;

/// The people whose nodes are looked up.
#[derive(Debug, Default)]
pub(crate) struct NodeLookup(BTreeMap<PublicKey, Sought>);

#[derive(Debug)]
struct Sought {
    due: u64,
    asked: u32,
}

impl NodeLookup {
    /// Starts the lookup of a person for whom something waits and of whom no node is known.
    pub(crate) fn start(&mut self, person: PublicKey, now: u64) {
        if self.0.len() < MAX_PEOPLE {
            self.0.entry(person).or_insert(Sought { due: now, asked: 0 });
        }
    }

    /// The clock was set back: neighbours are asked at once.
    pub(crate) fn on_clock_back(&mut self, now: u64) {
        self.0.values_mut().for_each(|sought| sought.due = sought.due.min(now));
    }

    /// A node of the person is known.
    pub(crate) fn found(&mut self, person: &PublicKey) {
        self.0.remove(person);
    }

    /// When somebody is asked about next.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.0.values().map(|sought| sought.due).min()
    }

    /// The people to ask neighbours about now, in requests of at most [`MAX_SOUGHT`] people.
    pub(crate) fn due(&mut self, now: u64) -> Vec<Vec<PublicKey>> {
        let mut people = Vec::new();
        for (person, sought) in &mut self.0 {
            if sought.due <= now {
                people.push(*person);
                sought.due = now.saturating_add(PAUSE_SECONDS << sought.asked);
                sought.asked += 1;
            }
        }
        self.0.retain(|_, sought| sought.asked < QUESTIONS);
        people.chunks(MAX_SOUGHT).map(<[PublicKey]>::to_vec).collect()
    }
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
    fn neighbours_are_asked_five_times_and_less_and_less_often() {
        let mut node_lookup = NodeLookup::default();
        node_lookup.start(person(1), NOW);
        let asked: Vec<u64> = (0..1_000).filter(|second| !node_lookup.due(NOW + second).is_empty()).collect();
        assert_eq!(asked, [0, 15, 45, 105, 225]);
        node_lookup.start(person(1), NOW + 1_000);
        assert_eq!(node_lookup.due(NOW + 1_000), [[person(1)]], "the next attempt begins anew");
    }

    #[test]
    fn whoever_is_found_is_not_asked_for_any_more_and_nobody_twice() {
        let mut node_lookup = NodeLookup::default();
        node_lookup.start(person(1), NOW);
        assert_eq!(node_lookup.due(NOW).len(), 1);
        node_lookup.start(person(1), NOW);
        assert!(node_lookup.due(NOW).is_empty());
        node_lookup.found(&person(1));
        assert!(node_lookup.due(NOW + 1_000).is_empty());
    }

    #[test]
    fn the_table_is_bounded_and_questions_are_no_longer_than_they_may_be() {
        let mut node_lookup = NodeLookup::default();
        (0..5_000).for_each(|number| node_lookup.start(person(number), NOW));
        let questions = node_lookup.due(NOW);
        assert_eq!(questions.iter().map(Vec::len).sum::<usize>(), MAX_PEOPLE);
        assert!(questions.iter().all(|people| people.len() <= MAX_SOUGHT));
    }
}
