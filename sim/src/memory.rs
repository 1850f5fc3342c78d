//! A store in memory that keeps the rules of the real one: replacement, deletion, and so many of an author in an hour.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_core::{Sharing, SyncWindow};
use nostrp2p_protocol::{
    Event, EventId, Kind, PublicKey,
    event_policy::{Audience, CapDecision, audience, hour, room},
};

/// The events of one node.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    events: BTreeMap<EventId, Event>,
    shared: BTreeSet<(u64, EventId)>,
    by_hour: BTreeMap<(PublicKey, bool, u64), BTreeSet<EventId>>,
    buried: BTreeSet<(PublicKey, EventId)>,
    sequences: Vec<EventId>,
}

impl Memory {
    /// Keeps an event unless a rule is against it; returns its sequence number if it is new.
    pub(crate) fn insert(&mut self, event: Event, sharing: Sharing) -> Option<u64> {
        let id = event.id();
        if self.events.contains_key(&id) || self.buried.contains(&(event.pubkey, id)) {
            return None;
        }
        if event.kind == Kind::DELETION {
            for target in event.tag_values("e").filter_map(|id| id.parse().ok()) {
                self.buried.insert((event.pubkey, target));
                if self.events.get(&target).is_some_and(|other| other.pubkey == event.pubkey) {
                    self.remove(&target);
                }
            }
        }
        if sharing == Sharing::Shared || audience(&event) == Audience::Everyone {
            let place = (event.pubkey, event.kind == Kind::DELETION, hour(event.created_at).0);
            let held = self.by_hour.entry(place).or_default();
            match room(&id, held.iter().copied()) {
                CapDecision::Free => {}
                CapDecision::Full => return None,
                CapDecision::InsteadOf(other) => self.remove(&other),
            }
            self.by_hour.entry(place).or_default().insert(id);
            self.shared.insert((event.created_at, id));
        }
        self.events.insert(id, event);
        self.sequences.push(id);
        u64::try_from(self.sequences.len()).ok()
    }

    pub(crate) fn holds(&self, id: &EventId) -> bool {
        self.events.contains_key(id)
    }

    pub(crate) fn by_sequence(&self, sequence: u64) -> Option<&Event> {
        let index = usize::try_from(sequence).ok()?.checked_sub(1)?;
        self.events.get(self.sequences.get(index)?)
    }

    pub(crate) fn shared(&self, window: SyncWindow) -> Vec<(u64, EventId)> {
        let lowest = EventId::from_bytes([0; 32]);
        self.shared.range((window.since, lowest)..(window.until, lowest)).copied().collect()
    }

    pub(crate) fn shared_events(&self, ids: &[EventId]) -> Vec<Event> {
        let events = ids.iter().filter_map(|id| self.events.get(id));
        events.filter(|event| self.shared.contains(&(event.created_at, event.id()))).cloned().collect()
    }

    fn remove(&mut self, id: &EventId) {
        let Some(event) = self.events.remove(id) else { return };
        self.shared.remove(&(event.created_at, *id));
        let place = (event.pubkey, event.kind == Kind::DELETION, hour(event.created_at).0);
        if let Some(held) = self.by_hour.get_mut(&place) {
            held.remove(id);
        }
    }
}
