//! Deliveries of private events: when to try, when to give up.
//!
//! Each delivery is tried at once, then up to ten more times. The pauses between attempts are 10, 10, 20, 40, ...
//! 2,560 minutes, so the last attempt comes 3.5 days after the first. Only attempts count: neither the time that the
//! node was off nor a jump of the clock uses one up, and an attempt without any neighbour does not count. A delivery
//! is also tried at once when a node of the recipient appears, even after it was given up. The disk keeps
//! [`DeliveryState`]; this module is its copy in memory.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{PublicKey, frame::Delivery};

/// Retries after the first attempt.
const RETRIES: u8 = 10;
/// [`DeliveryState::retries`] of a delivery that the recipient's node refused for good: it is not tried again by itself.
const REFUSED: u8 = u8::MAX;
/// Unit of the waiting times, in seconds: five minutes.
const UNIT_SECONDS: u64 = 5 * 60;
/// Most waiting deliveries. A row takes about 200 bytes here.
pub(crate) const MAX_WAITING: usize = 10_000;
/// Most given-up deliveries that are remembered, in case a node of the recipient appears: 2 MB. The one of the oldest
/// event is forgotten first, and can still be retried by hand.
const MAX_GIVEN_UP: usize = 10_000;

/// A delivery: one event for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryKey {
    /// The event's sequence number in the own store.
    pub sequence: u64,
    /// For whom.
    pub person: PublicKey,
}

/// How far a delivery has come, as it is kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryState {
    /// Waiting, delivered or given up.
    pub state: Delivery,
    /// The number of the next retry, 1 to 10; 0 before the first attempt, 255 when the recipient's node refused.
    pub retries: u8,
    /// When the last attempt that counts was made, in seconds since 1970; before the first, when it was published.
    pub since: u64,
}

/// Why an attempt did not deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No node of the person answered, or none is known.
    NoAnswer,
    /// A node of the person answered that it takes the event later.
    Later,
    /// This node has no neighbour at all, so nothing was tried.
    Alone,
}

/// The deliveries that wait.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: BTreeMap<DeliveryKey, Waiting>,
    due: BTreeSet<(u64, DeliveryKey)>,
    by_person: BTreeSet<(PublicKey, u64)>,
    given_up: BTreeSet<DeliveryKey>,
    given_up_by_person: BTreeSet<(PublicKey, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    retries: u8,
    since: u64,
    /// When the next attempt counts. An attempt before then, made because the person appeared, does not.
    counts_from: u64,
    /// None while an attempt is under way.
    due: Option<u64>,
    /// Whether a node of the person has appeared while an attempt was under way, which then counts for nothing.
    hurried: bool,
    last: Option<Failure>,
}

impl DeliveryState {
    /// A delivery that has not been tried.
    pub const fn new(now: u64) -> Self {
        Self { state: Delivery::Waiting, retries: 0, since: now }
    }
}

/// The pause before the retry with this number (from 1), in seconds.
const fn pause(retry: u8) -> u64 {
    match retry {
        0 => 0,
        1 => UNIT_SECONDS << 1,
        retry => UNIT_SECONDS << (retry - 1),
    }
}

impl Outbox {
    /// Whether no more deliveries are taken.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    /// Takes in a delivery, new or from the disk. It is due at once, or at its next retry. One that already waits
    /// stays as it is, because a client publishes again what was not acknowledged. One that was given up waits for a
    /// node of the person.
    pub fn add(&mut self, address: DeliveryKey, row: DeliveryState, now: u64) {
        if row.state == Delivery::GivenUp && row.retries != REFUSED {
            return self.remember_given_up(address);
        }
        if row.state != Delivery::Waiting || self.waiting.contains_key(&address) {
            return;
        }
        self.forget_given_up(address);
        let retries = row.retries.min(RETRIES);
        // A row that was written while the clock was ahead must not wait for that time to come.
        let due = row.since.min(now).saturating_add(pause(retries));
        let since = row.since.min(now);
        let waiting =
            Waiting { retries, since, counts_from: due, due: Some(due), hurried: false, last: None };
        self.waiting.insert(address, waiting);
        self.due.insert((due, address));
        self.by_person.insert((address.person, address.sequence));
    }

    /// Whether it waits.
    pub fn contains(&self, address: &DeliveryKey) -> bool {
        self.waiting.contains_key(address)
    }

    /// Whether anything waits for a person.
    pub fn waits_for(&self, person: &PublicKey) -> bool {
        self.by_person.range((*person, 0)..=(*person, u64::MAX)).next().is_some()
    }

    /// The deliveries to try now, at most `most`. Each must be reported by [`Outbox::on_delivered`] or
    /// [`Outbox::on_refused`], or as failed, before it is given again.
    pub fn due(&mut self, now: u64, most: usize) -> Vec<DeliveryKey> {
        let due: Vec<(u64, DeliveryKey)> =
            self.due.iter().take_while(|(due, _)| *due <= now).take(most).copied().collect();
        for (when, address) in &due {
            self.due.remove(&(*when, *address));
            if let Some(waiting) = self.waiting.get_mut(address) {
                waiting.due = None;
            }
        }
        due.into_iter().map(|(_, address)| address).collect()
    }

    /// When the next attempt is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Makes all deliveries to a person due at once, because a node of that person has appeared. Given-up ones wait
    /// again; returns those, to be stored.
    pub fn hurry(&mut self, person: &PublicKey, now: u64) -> Vec<(DeliveryKey, DeliveryState)> {
        self.hurry_where(person, now, |_| true);
        let mut revived = Vec::new();
        for address in addresses_of(&self.given_up_by_person, person) {
            if self.is_full() {
                break;
            }
            let row = DeliveryState::new(now);
            self.add(address, row, now);
            revived.push((address, row));
        }
        revived
    }

    /// Makes the unanswered deliveries to a person due at once, because one of the person's nodes has answered
    /// another one. A delivery that such a node has postponed itself keeps its time.
    pub(crate) fn hurry_unanswered(&mut self, person: &PublicKey, now: u64) {
        self.hurry_where(person, now, |waiting| waiting.last != Some(Failure::Later));
    }

    /// The node has a neighbour again: what was not tried for want of one is due.
    pub(crate) fn on_online(&mut self, now: u64) {
        let alone = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.due.is_none() || waiting.last == Some(Failure::Alone));
        let alone: Vec<DeliveryKey> = alone.map(|(address, _)| *address).collect();
        alone.into_iter().for_each(|address| self.make_due(address, now));
    }

    /// The clock was set back: nothing waits longer than its pause from now on.
    pub(crate) fn on_clock_back(&mut self, now: u64) {
        for (address, waiting) in &mut self.waiting {
            waiting.since = waiting.since.min(now);
            let latest = now.saturating_add(pause(waiting.retries.max(1)));
            waiting.counts_from = waiting.counts_from.min(latest);
            if let Some(due) = waiting.due.filter(|due| *due > latest) {
                self.due.remove(&(due, *address));
                self.due.insert((latest, *address));
                waiting.due = Some(latest);
            }
        }
    }

    /// The person has it.
    pub fn on_delivered(&mut self, address: DeliveryKey) -> Option<DeliveryState> {
        let waiting = self.take(address)?;
        Some(DeliveryState { state: Delivery::Delivered, retries: waiting.retries, since: waiting.since })
    }

    /// The person's node will never take it.
    pub fn on_refused(&mut self, address: DeliveryKey) -> Option<DeliveryState> {
        let waiting = self.take(address)?;
        Some(DeliveryState { state: Delivery::GivenUp, retries: REFUSED, since: waiting.since })
    }

    /// An attempt failed: the next retry is due later, or it is given up until a node of the person appears.
    pub(crate) fn on_failed(
        &mut self,
        address: DeliveryKey,
        failure: Failure,
        now: u64,
    ) -> Option<DeliveryState> {
        let waiting = self.waiting.get_mut(&address)?;
        let before = waiting.last.replace(failure);
        if failure == Failure::Alone {
            // Somebody may have come while the attempt was under way.
            let hurried = std::mem::take(&mut waiting.hurried);
            let due = if hurried { now } else { now.saturating_add(pause(1)) };
            waiting.due = Some(due);
            self.due.insert((due, address));
            // Nothing of it changes, so that it waits is told and written down once.
            let row =
                DeliveryState { state: Delivery::Waiting, retries: waiting.retries, since: waiting.since };
            return (before != Some(failure)).then_some(row);
        }
        if waiting.counts_from <= now {
            if waiting.retries == RETRIES {
                let Waiting { retries, since, .. } = self.take(address)?;
                self.remember_given_up(address);
                return Some(DeliveryState { state: Delivery::GivenUp, retries, since });
            }
            waiting.retries += 1;
            waiting.since = now;
            waiting.counts_from = now.saturating_add(pause(waiting.retries));
        }
        let hurried = std::mem::take(&mut waiting.hurried);
        let due = if hurried { now } else { waiting.counts_from };
        waiting.due = Some(due);
        self.due.insert((due, address));
        Some(DeliveryState { state: Delivery::Waiting, retries: waiting.retries, since: waiting.since })
    }

    fn hurry_where(&mut self, person: &PublicKey, now: u64, wanted: impl Fn(&Waiting) -> bool) {
        for address in addresses_of(&self.by_person, person) {
            if self.waiting.get(&address).is_some_and(&wanted) {
                self.make_due(address, now);
            }
        }
    }

    fn make_due(&mut self, address: DeliveryKey, now: u64) {
        let Some(waiting) = self.waiting.get_mut(&address) else { return };
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

    fn take(&mut self, address: DeliveryKey) -> Option<Waiting> {
        let waiting = self.waiting.remove(&address)?;
        self.by_person.remove(&(address.person, address.sequence));
        if let Some(due) = waiting.due {
            self.due.remove(&(due, address));
        }
        Some(waiting)
    }

    fn remember_given_up(&mut self, address: DeliveryKey) {
        self.given_up.insert(address);
        self.given_up_by_person.insert((address.person, address.sequence));
        while self.given_up.len() > MAX_GIVEN_UP {
            let Some(oldest) = self.given_up.first().copied() else { break };
            self.forget_given_up(oldest);
        }
    }

    fn forget_given_up(&mut self, address: DeliveryKey) {
        if self.given_up.remove(&address) {
            self.given_up_by_person.remove(&(address.person, address.sequence));
        }
    }
}

fn addresses_of(by_person: &BTreeSet<(PublicKey, u64)>, person: &PublicKey) -> Vec<DeliveryKey> {
    let theirs = by_person.range((*person, 0)..=(*person, u64::MAX));
    theirs.map(|(person, sequence)| DeliveryKey { sequence: *sequence, person: *person }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const ADDRESS: DeliveryKey = DeliveryKey { sequence: 1, person: PublicKey::from_bytes([1; 32]) };
    const MINUTE: u64 = 60;
    const DAY: u64 = 86_400;

    fn outbox() -> Outbox {
        let mut outbox = Outbox::default();
        outbox.add(ADDRESS, DeliveryState::new(NOW), NOW);
        outbox
    }

    fn fail(outbox: &mut Outbox, now: u64) -> DeliveryState {
        outbox.on_failed(ADDRESS, Failure::NoAnswer, now).unwrap()
    }

    #[test]
    fn all_ten_retries_come_when_they_should_and_then_it_is_given_up() {
        let mut outbox = outbox();
        assert_eq!(outbox.due(NOW, 9), [ADDRESS], "at once");
        let minutes = [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120];
        for (number, minutes) in minutes.into_iter().enumerate() {
            let before = if number == 0 { NOW } else { NOW + minutes * MINUTE / 2 };
            let row = fail(&mut outbox, before);
            assert_eq!((row.state, usize::from(row.retries)), (Delivery::Waiting, number + 1));
            assert_eq!(outbox.due(NOW + minutes * MINUTE - 1, 9), [], "before {minutes} minutes");
            assert_eq!(outbox.due(NOW + minutes * MINUTE, 9), [ADDRESS], "after {minutes} minutes");
        }
        let row = fail(&mut outbox, NOW + 5_120 * MINUTE);
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
        fail(&mut outbox, NOW);
        assert_eq!(outbox.due(NOW, 9), [ADDRESS], "the person appeared during the attempt");
        fail(&mut outbox, NOW);
        assert_eq!(outbox.due(NOW, 9), []);
        outbox.hurry(&PublicKey::from_bytes([2; 32]), NOW + 1);
        assert_eq!(outbox.due(NOW + 1, 9), [], "somebody else appeared");
        outbox.hurry(&ADDRESS.person, NOW + 1);
        assert_eq!(outbox.due(NOW + 1, 9), [ADDRESS]);
        assert_eq!(fail(&mut outbox, NOW + 1).retries, 1, "an early attempt uses up no retry");
        assert_eq!(outbox.due(NOW + 10 * MINUTE, 9), [ADDRESS]);
        assert_eq!(outbox.on_delivered(ADDRESS).unwrap().state, Delivery::Delivered);
        assert_eq!(outbox.on_delivered(ADDRESS), None);
    }

    #[test]
    fn what_is_published_again_is_not_tried_twice() {
        let mut outbox = outbox();
        outbox.add(ADDRESS, DeliveryState::new(NOW + 1), NOW + 1);
        assert_eq!(outbox.due(NOW + 1, 9), [ADDRESS]);
        outbox.add(ADDRESS, DeliveryState::new(NOW + 2), NOW + 2);
        assert_eq!(outbox.due(NOW + 2, 9), [], "an attempt is under way");
    }

    #[test]
    fn what_comes_from_disk_goes_on_where_it_was() {
        let mut outbox = Outbox::default();
        outbox.add(ADDRESS, DeliveryState { state: Delivery::Waiting, retries: 3, since: NOW }, NOW + 1);
        assert_eq!(outbox.due(NOW + 20 * MINUTE - 1, 9), []);
        assert_eq!(outbox.due(NOW + 20 * MINUTE, 9), [ADDRESS]);
        let mut done = Outbox::default();
        done.add(ADDRESS, DeliveryState { state: Delivery::Delivered, retries: 3, since: NOW }, NOW);
        assert_eq!(done.due(u64::MAX, 9), []);
    }

    #[test]
    fn days_without_the_node_use_up_one_attempt_and_no_more() {
        let mut outbox = Outbox::default();
        let later = NOW + 6 * DAY;
        outbox.add(ADDRESS, DeliveryState { state: Delivery::Waiting, retries: 1, since: NOW }, later);
        assert_eq!(outbox.due(later, 9), [ADDRESS]);
        let row = fail(&mut outbox, later);
        assert_eq!((row.state, row.retries), (Delivery::Waiting, 2));
        outbox.hurry(&ADDRESS.person, later + 20);
        assert_eq!(outbox.due(later + 20, 9), [ADDRESS], "the friend came 20 s after the start");
    }

    #[test]
    fn seconds_of_a_clock_a_year_ahead_use_up_one_attempt_and_no_more() {
        let mut outbox = outbox();
        outbox.due(NOW, 9);
        fail(&mut outbox, NOW);
        let ahead = NOW + 365 * DAY;
        for second in 0..8 {
            for _ in outbox.due(ahead + second, 9) {
                fail(&mut outbox, ahead + second);
            }
        }
        outbox.on_clock_back(NOW + 9);
        assert_eq!(outbox.waiting.get(&ADDRESS).map(|waiting| waiting.retries), Some(2));
        assert_eq!(outbox.due(NOW + 9 + pause(2), 9), [ADDRESS], "and it is tried after its usual pause");
        let mut restarted = Outbox::default();
        restarted.add(ADDRESS, DeliveryState { state: Delivery::Waiting, retries: 2, since: ahead }, NOW);
        assert_eq!(restarted.due(NOW + pause(2), 9), [ADDRESS], "also after a restart");
    }

    #[test]
    fn without_a_neighbour_nothing_is_used_up_and_with_the_first_one_it_is_tried() {
        let mut outbox = outbox();
        for attempt in 0..100 {
            let now = NOW + attempt * 10 * MINUTE;
            assert_eq!(outbox.due(now, 9), [ADDRESS]);
            let told = outbox.on_failed(ADDRESS, Failure::Alone, now);
            assert_eq!(
                told,
                (attempt == 0).then_some(DeliveryState::new(NOW)),
                "it is told once that it waits"
            );
        }
        let now = NOW + 1_000 * MINUTE - 1;
        assert_eq!(outbox.due(now, 9), []);
        outbox.on_online(now);
        assert_eq!(outbox.due(now, 9), [ADDRESS]);
        assert_eq!(fail(&mut outbox, now).retries, 1);
        outbox.on_online(now);
        assert_eq!(outbox.due(now, 9), [], "it was tried");
    }

    #[test]
    fn what_was_given_up_is_tried_when_the_person_appears_unless_it_was_refused() {
        let mut outbox = Outbox::default();
        outbox.add(ADDRESS, DeliveryState { state: Delivery::GivenUp, retries: RETRIES, since: NOW }, NOW);
        let refused = DeliveryKey { sequence: 2, ..ADDRESS };
        outbox.add(refused, DeliveryState { state: Delivery::GivenUp, retries: REFUSED, since: NOW }, NOW);
        assert_eq!(outbox.due(u64::MAX, 9), []);
        let revived = outbox.hurry(&ADDRESS.person, NOW + DAY);
        assert_eq!(revived, [(ADDRESS, DeliveryState::new(NOW + DAY))]);
        assert_eq!(outbox.due(NOW + DAY, 9), [ADDRESS]);
        assert_eq!(outbox.on_refused(ADDRESS).map(|row| row.retries), Some(REFUSED));
        assert_eq!(outbox.hurry(&ADDRESS.person, NOW + DAY), []);
        assert!(outbox.given_up.is_empty() && outbox.given_up_by_person.is_empty());
    }

    #[test]
    fn an_answer_makes_due_what_had_none_and_not_what_was_put_off() {
        let mut outbox = outbox();
        let other = DeliveryKey { sequence: 2, ..ADDRESS };
        outbox.add(other, DeliveryState::new(NOW), NOW);
        assert_eq!(outbox.due(NOW, 9), [ADDRESS, other]);
        fail(&mut outbox, NOW);
        outbox.on_failed(other, Failure::Later, NOW);
        outbox.hurry_unanswered(&ADDRESS.person, NOW + 1);
        assert_eq!(outbox.due(NOW + 1, 9), [ADDRESS]);
    }

    #[test]
    fn what_was_given_up_is_bounded() {
        let mut outbox = Outbox::default();
        for sequence in 0..MAX_GIVEN_UP as u64 + 10 {
            let row = DeliveryState { state: Delivery::GivenUp, retries: RETRIES, since: NOW };
            outbox.add(DeliveryKey { sequence, ..ADDRESS }, row, NOW);
        }
        assert_eq!(outbox.given_up.len(), MAX_GIVEN_UP);
        assert_eq!(outbox.given_up_by_person.len(), MAX_GIVEN_UP);
        let revived = outbox.hurry(&ADDRESS.person, NOW);
        assert_eq!((revived.len(), outbox.given_up.len()), (MAX_WAITING, 0));
    }
}
