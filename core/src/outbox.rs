//! Private events on their way: when to try, when to give up.
//!
//! Tried at once, then when the event has waited 5 * 2^n minutes, n = 1..10 (the last time after about 3.5 days), and
//! at once when a node of the recipient appears. What is kept on disk is [`Row`]; this is the memory of it.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{PublicKey, frame::Delivery};

/// Retries after the first attempt.
const RETRIES: u8 = 10;
/// Unit of the waiting times, in seconds: five minutes.
const UNIT_SECONDS: u64 = 5 * 60;
/// Most deliveries that wait. A row is about 200 bytes here.
pub(crate) const MAX_WAITING: usize = 10_000;

/// One event for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The event's sequence number in the own store.
    pub sequence: u64,
    /// For whom.
    pub person: PublicKey,
}

/// How far a delivery has come, as it is kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Waiting, delivered or given up.
    pub state: Delivery,
    /// The number of the next retry, 1 to 10; 0 before the first attempt.
    pub retries: u8,
    /// When the event was published, in seconds since 1970.
    pub since: u64,
}

/// The deliveries that wait.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: BTreeMap<Address, Waiting>,
    due: BTreeSet<(u64, Address)>,
    by_person: BTreeSet<(PublicKey, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    retries: u8,
    since: u64,
    /// None while an attempt is under way.
    due: Option<u64>,
    /// Whether a node of the person has appeared while an attempt was under way, which then counts for nothing.
    hurried: bool,
}

impl Row {
    /// A delivery that has not been tried.
    pub const fn new(now: u64) -> Self {
        Self { state: Delivery::Waiting, retries: 0, since: now }
    }
}

/// When the retry with this number (from 1) is due, in seconds after publication.
const fn waiting_time(retry: u8) -> u64 {
    UNIT_SECONDS << retry
}

impl Outbox {
    /// Whether no more deliveries are taken.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    /// Takes a delivery in, new or from disk; it is due at once, or when its next retry is. One that waits already
    /// stays as it is: a client publishes again what was not acknowledged.
    pub fn add(&mut self, address: Address, row: Row, now: u64) {
        if row.state != Delivery::Waiting || self.waiting.contains_key(&address) {
            return;
        }
        let due = match row.retries {
            0 => now,
            retries => row.since.saturating_add(waiting_time(retries)),
        };
        self.waiting.insert(
            address,
            Waiting { retries: row.retries, since: row.since, due: Some(due), hurried: false },
        );
        self.due.insert((due, address));
        self.by_person.insert((address.person, address.sequence));
    }

    /// Whether it waits.
    pub fn contains(&self, address: &Address) -> bool {
        self.waiting.contains_key(address)
    }

    /// Whether anything waits for a person.
    pub fn waits_for(&self, person: &PublicKey) -> bool {
        self.by_person.range((*person, 0)..=(*person, u64::MAX)).next().is_some()
    }

    /// The deliveries to try now, at most `most`. Each must be reported by [`Outbox::on_delivered`] or
    /// [`Outbox::on_failed`] before it is given again.
    pub fn due(&mut self, now: u64, most: usize) -> Vec<Address> {
        let due: Vec<(u64, Address)> =
            self.due.iter().take_while(|(due, _)| *due <= now).take(most).copied().collect();
        for (when, address) in &due {
            self.due.remove(&(*when, *address));
            if let Some(waiting) = self.waiting.get_mut(address) {
                waiting.due = None;
            }
        }
        due.into_iter().map(|(_, address)| address).collect()
    }

    /// Makes everything for a person due at once, because a node of that person has appeared.
    pub fn hurry(&mut self, person: &PublicKey, now: u64) {
        let addresses = self.by_person.range((*person, 0)..=(*person, u64::MAX));
        for (person, sequence) in addresses {
            let address = Address { sequence: *sequence, person: *person };
            let Some(waiting) = self.waiting.get_mut(&address) else { continue };
            match waiting.due {
                None => waiting.hurried = true,
                Some(due) if due > now => {
                    self.due.remove(&(due, address));
                    self.due.insert((now, address));
                    waiting.due = Some(now);
                }
                Some(_) => {}
            }
        }
    }

    /// The person has it.
    pub fn on_delivered(&mut self, address: Address) -> Option<Row> {
        self.finish(address, Delivery::Delivered)
    }

    /// The person's node will never take it.
    pub fn on_refused(&mut self, address: Address) -> Option<Row> {
        self.finish(address, Delivery::GivenUp)
    }

    /// An attempt failed: the next retry is due later, or it is given up.
    pub fn on_failed(&mut self, address: Address, now: u64) -> Option<Row> {
        let waiting = self.waiting.get_mut(&address)?;
        // What was missed, while the node was off or a hurried attempt came early, is not made up for.
        let next = (1..=RETRIES).find(|retry| waiting.since.saturating_add(waiting_time(*retry)) > now);
        let Some(retry) = next else { return self.finish(address, Delivery::GivenUp) };
        let hurried = std::mem::take(&mut waiting.hurried);
        let due = if hurried { now } else { waiting.since.saturating_add(waiting_time(retry)) };
        waiting.retries = retry;
        waiting.due = Some(due);
        self.due.insert((due, address));
        Some(Row { state: Delivery::Waiting, retries: retry, since: waiting.since })
    }

    fn finish(&mut self, address: Address, state: Delivery) -> Option<Row> {
        let Waiting { retries, since, due, .. } = self.waiting.remove(&address)?;
        self.by_person.remove(&(address.person, address.sequence));
        if let Some(due) = due {
            self.due.remove(&(due, address));
        }
        Some(Row { state, retries, since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const ADDRESS: Address = Address { sequence: 1, person: PublicKey::from_bytes([1; 32]) };
    const MINUTE: u64 = 60;

    fn outbox() -> Outbox {
        let mut outbox = Outbox::default();
        outbox.add(ADDRESS, Row::new(NOW), NOW);
        outbox
    }

    #[test]
    fn all_ten_retries_come_when_they_should_and_then_it_is_given_up() {
        let mut outbox = outbox();
        assert_eq!(outbox.due(NOW, 9), [ADDRESS], "at once");
        let minutes = [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120];
        for (number, minutes) in minutes.into_iter().enumerate() {
            let before = if number == 0 { NOW } else { NOW + minutes * MINUTE / 2 };
            let row = outbox.on_failed(ADDRESS, before).unwrap();
            assert_eq!((row.state, usize::from(row.retries)), (Delivery::Waiting, number + 1));
            assert_eq!(outbox.due(NOW + minutes * MINUTE - 1, 9), [], "before {minutes} minutes");
            assert_eq!(outbox.due(NOW + minutes * MINUTE, 9), [ADDRESS], "after {minutes} minutes");
        }
        let row = outbox.on_failed(ADDRESS, NOW + 5_120 * MINUTE).unwrap();
        assert_eq!(row.state, Delivery::GivenUp);
        assert_eq!(outbox.due(u64::MAX, 9), []);
        assert!(outbox.waiting.is_empty() && outbox.by_person.is_empty());
    }

    #[test]
    fn it_is_tried_at_once_when_the_person_appears() {
        let mut outbox = outbox();
        outbox.due(NOW, 9);
        outbox.hurry(&ADDRESS.person, NOW);
        assert_eq!(outbox.due(NOW, 9), [], "an attempt is under way");
        outbox.on_failed(ADDRESS, NOW);
        assert_eq!(outbox.due(NOW, 9), [ADDRESS], "the person appeared during the attempt");
        outbox.on_failed(ADDRESS, NOW);
        assert_eq!(outbox.due(NOW, 9), []);
        outbox.hurry(&PublicKey::from_bytes([2; 32]), NOW + 1);
        assert_eq!(outbox.due(NOW + 1, 9), [], "somebody else appeared");
        outbox.hurry(&ADDRESS.person, NOW + 1);
        assert_eq!(outbox.due(NOW + 1, 9), [ADDRESS]);
        let row = outbox.on_failed(ADDRESS, NOW + 1).unwrap();
        assert_eq!(row.retries, 1, "an early attempt uses up no retry");
        assert_eq!(outbox.due(NOW + 10 * MINUTE, 9), [ADDRESS]);
        assert_eq!(outbox.on_delivered(ADDRESS).unwrap().state, Delivery::Delivered);
        assert_eq!(outbox.on_delivered(ADDRESS), None);
    }

    #[test]
    fn what_is_published_again_is_not_tried_twice() {
        let mut outbox = outbox();
        outbox.add(ADDRESS, Row::new(NOW + 1), NOW + 1);
        assert_eq!(outbox.due(NOW + 1, 9), [ADDRESS]);
        outbox.add(ADDRESS, Row::new(NOW + 2), NOW + 2);
        assert_eq!(outbox.due(NOW + 2, 9), [], "an attempt is under way");
    }

    #[test]
    fn what_comes_from_disk_goes_on_where_it_was() {
        let mut outbox = Outbox::default();
        outbox.add(ADDRESS, Row { state: Delivery::Waiting, retries: 3, since: NOW }, NOW + 1);
        assert_eq!(outbox.due(NOW + 40 * MINUTE - 1, 9), []);
        assert_eq!(outbox.due(NOW + 40 * MINUTE, 9), [ADDRESS]);
        let mut done = Outbox::default();
        done.add(ADDRESS, Row { state: Delivery::Delivered, retries: 3, since: NOW }, NOW);
        assert_eq!(done.due(u64::MAX, 9), []);
    }

    #[test]
    fn after_days_without_the_node_it_is_tried_once_more_and_given_up() {
        let mut outbox = Outbox::default();
        outbox.add(ADDRESS, Row { state: Delivery::Waiting, retries: 1, since: NOW }, NOW + 6_000 * MINUTE);
        assert_eq!(outbox.due(NOW + 6_000 * MINUTE, 9), [ADDRESS]);
        assert_eq!(outbox.on_failed(ADDRESS, NOW + 6_000 * MINUTE).unwrap().state, Delivery::GivenUp);
    }
}
