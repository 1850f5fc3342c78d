//! Events that are dated too far ahead: which they are, when they are due, and whom to ask for them then.
//!
//! Only ids are kept, no events. The neighbour that brought one has it, and when it is due a comparison with that
//! neighbour fetches it by the usual rules. So nothing here has to be checked, no bytes of others wait in memory, and
//! a forgery does no harm, because the id covers the time. A flood of such events causes no more work than a
//! neighbour can cause by saying news. See PROTOCOL.md, "Catching up".

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{EventId, PeerId, limits::MAX_SECONDS_AHEAD};

/// The longest wait, in seconds: later events are fetched then, too. Clocks are wrong by an hour when somebody
/// mistakes the season; one that is wrong by more may be set right at any time. Two hours; a guess.
const MAX_WAIT_SECONDS: u64 = 7_200;

/// The id that is ordered before all others.
const FIRST: EventId = EventId::from_bytes([0; 32]);

/// Events that are dated too far ahead, with the neighbours that brought them.
#[derive(Debug)]
pub(crate) struct FutureEvents {
    capacity: usize,
    of: BTreeMap<EventId, (u64, PeerId)>,
    /// The same by neighbour: when an event is due, and its id.
    brought: BTreeMap<PeerId, BTreeSet<(u64, EventId)>>,
}

impl FutureEvents {
    /// Holds at most so many ids, some 150 bytes each.
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { capacity, of: BTreeMap::new(), brought: BTreeMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether an event has come that is not due yet.
    pub(crate) fn is_waiting(&self, id: &EventId, now: u64) -> bool {
        self.of.get(id).is_some_and(|(due, _)| *due > now)
    }

    /// Notes an event that is dated too far ahead. When the table is full, the neighbour with most entries loses the
    /// one that is due last, so that no neighbour crowds out the others.
    pub(crate) fn note(&mut self, id: EventId, created_at: u64, from: PeerId, now: u64) {
        if self.is_waiting(&id, now) {
            return;
        }
        self.remove(&id);
        let due = created_at.saturating_sub(MAX_SECONDS_AHEAD).min(now.saturating_add(MAX_WAIT_SECONDS));
        self.of.insert(id, (due, from));
        self.brought.entry(from).or_default().insert((due, id));
        if self.of.len() > self.capacity {
            let fullest = self.brought.values().max_by_key(|ids| ids.len());
            if let Some((_, last)) = fullest.and_then(BTreeSet::last).copied() {
                self.remove(&last);
            }
        }
    }

    /// The clock was set back: nothing waits longer than the longest wait from now on.
    pub(crate) fn on_clock_back(&mut self, now: u64) {
        let latest = now.saturating_add(MAX_WAIT_SECONDS);
        for ids in self.brought.values_mut() {
            let far: Vec<(u64, EventId)> = ids.range((latest.saturating_add(1), FIRST)..).copied().collect();
            for (due, id) in far {
                ids.remove(&(due, id));
                ids.insert((latest, id));
                if let Some(entry) = self.of.get_mut(&id) {
                    entry.0 = latest;
                }
            }
        }
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.brought.values().filter_map(|ids| ids.first()).map(|(due, _)| *due).min()
    }

    /// The neighbours who brought what is due by now, each once; it waits no more.
    pub(crate) fn take_due(&mut self, now: u64) -> Vec<PeerId> {
        let first = |ids: &BTreeSet<(u64, EventId)>| ids.first().is_some_and(|(due, _)| *due <= now);
        let peers = self.brought.iter().filter(|(_, ids)| first(ids));
        let peers: Vec<PeerId> = peers.map(|(peer, _)| *peer).collect();
        for peer in &peers {
            let ids = self.brought.get(peer).into_iter().flatten();
            let due: Vec<EventId> = ids.take_while(|(due, _)| *due <= now).map(|(_, id)| *id).collect();
            due.iter().for_each(|id| self.remove(id));
        }
        peers
    }

    fn remove(&mut self, id: &EventId) {
        let Some((due, from)) = self.of.remove(id) else { return };
        if let Some(ids) = self.brought.get_mut(&from) {
            ids.remove(&(due, *id));
            if ids.is_empty() {
                self.brought.remove(&from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn peer(number: u8) -> PeerId {
        PeerId::from_ed25519([number; 32])
    }

    fn id(number: u16) -> EventId {
        let [high, low] = number.to_be_bytes();
        EventId::from_bytes([[high, low]; 16].concat().try_into().unwrap())
    }

    /// The time at which an event is created that is due so many seconds from [`NOW`].
    fn due_in(seconds: u64) -> u64 {
        NOW + MAX_SECONDS_AHEAD + seconds
    }

    #[test]
    fn after_the_clock_was_set_back_nothing_waits_for_the_former_time() {
        let mut early = FutureEvents::new(10);
        early.note(id(1), u64::MAX, peer(1), NOW + 86_400);
        early.note(id(2), due_in(60), peer(2), NOW);
        early.on_clock_back(NOW);
        assert_eq!(early.take_due(NOW + 60), [peer(2)]);
        assert_eq!(early.take_due(NOW + MAX_WAIT_SECONDS), [peer(1)]);
        assert_eq!(early.len(), 0);
    }

    #[test]
    fn what_is_due_is_told_once_by_who_brought_it() {
        let mut early = FutureEvents::new(10);
        for (number, from, seconds) in [(1, 1, 60), (2, 1, 61), (3, 2, 60), (4, 3, 62)] {
            early.note(id(number), due_in(seconds), peer(from), NOW);
        }
        assert!(early.is_waiting(&id(1), NOW + 59) && !early.is_waiting(&id(1), NOW + 60));
        assert_eq!(early.take_due(NOW + 59), []);
        assert_eq!(early.take_due(NOW + 61), [peer(1), peer(2)]);
        assert_eq!(early.take_due(NOW + 61), []);
        assert_eq!(early.len(), 1);
    }

    #[test]
    fn what_is_dated_far_ahead_is_asked_for_after_two_hours_for_the_clock_may_be_wrong() {
        let mut early = FutureEvents::new(10);
        early.note(id(1), NOW + 10 * 365 * 86_400, peer(1), NOW);
        early.note(id(2), u64::MAX, peer(1), NOW);
        assert_eq!(early.take_due(NOW + MAX_WAIT_SECONDS - 1), []);
        assert_eq!(early.take_due(NOW + MAX_WAIT_SECONDS), [peer(1)]);
        assert_eq!(early.len(), 0);
    }

    #[test]
    fn who_comes_again_with_the_same_does_not_put_it_off() {
        let mut early = FutureEvents::new(10);
        early.note(id(1), u64::MAX, peer(1), NOW);
        early.note(id(1), u64::MAX, peer(2), NOW + 100);
        assert_eq!(early.take_due(NOW + MAX_WAIT_SECONDS), [peer(1)]);
    }

    #[test]
    fn a_neighbour_with_many_crowds_out_nobody_but_itself_and_keeps_what_is_due_first() {
        let mut early = FutureEvents::new(100);
        for number in 0..10 {
            early.note(id(number), due_in(100), peer(1), NOW);
        }
        for number in 1_000..2_000 {
            early.note(id(number), due_in(u64::from(2_000 - number)), peer(2), NOW);
        }
        assert_eq!((early.len(), early.brought[&peer(1)].len()), (100, 10));
        let kept: Vec<u64> = early.brought[&peer(2)].iter().map(|(due, _)| due - NOW).collect();
        assert_eq!(kept, (1..=90).collect::<Vec<u64>>());
        early.note(id(20), due_in(7_000), peer(3), NOW);
        assert!(early.is_waiting(&id(20), NOW), "the one with most has made room");
        assert_eq!(early.len(), 100);
    }
}
