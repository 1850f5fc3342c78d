//! A store in memory that keeps the rules of the real one: replacement, deletion, and the hourly cap of an author.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_core::{DeliveryKey, DeliveryState, Sharing, SyncWindow};
use nostrp2p_protocol::{
    Event, EventId, Filter, Kind, PublicKey,
    event_policy::{
        Audience, CapDecision, References, Target, audience, hour, is_for_own_nodes, is_public, room,
    },
    frame::Delivery,
};

/// Events that fill a page for another node of the owner, and the most of an answer to a stranger.
const PAGE_EVENTS: usize = 100;

/// The events of one node.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    events: BTreeMap<EventId, Event>,
    shared: BTreeSet<(u64, EventId)>,
    by_hour: BTreeMap<(PublicKey, bool, u64), BTreeSet<EventId>>,
    buried: BTreeSet<(PublicKey, EventId)>,
    sequences: Vec<EventId>,
    unsent: BTreeSet<u64>,
    deliveries: BTreeMap<DeliveryKey, DeliveryState>,
    /// Whether nothing is written at the moment, as if the disk were slow.
    pub(crate) blocked: bool,
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
            match room(&id, held.len(), held.last().copied()) {
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

    /// The highest sequence number that was given.
    pub(crate) fn newest(&self) -> u64 {
        u64::try_from(self.sequences.len()).unwrap_or(u64::MAX)
    }

    /// Notes whether an own public event still has to reach somebody.
    pub(crate) fn note_unsent(&mut self, sequence: u64, unsent: bool) {
        if unsent {
            self.unsent.insert(sequence);
        } else {
            self.unsent.remove(&sequence);
        }
    }

    pub(crate) fn unsent(&self) -> Vec<(u64, Event)> {
        let events =
            self.unsent.iter().filter_map(|sequence| Some((*sequence, self.by_sequence(*sequence)?)));
        events.map(|(sequence, event)| (sequence, event.clone())).collect()
    }

    pub(crate) fn begin_delivery(&mut self, sequence: u64, person: PublicKey, since: u64) {
        self.deliveries.insert(DeliveryKey { sequence, person }, DeliveryState::new(since));
    }

    pub(crate) fn note_delivery(&mut self, delivery: DeliveryKey, state: DeliveryState) {
        self.deliveries.insert(delivery, state);
    }

    /// To whom an event was not delivered.
    pub(crate) fn undelivered(&self, id: &EventId) -> Vec<DeliveryKey> {
        let of_it = |delivery: &DeliveryKey| {
            self.by_sequence(delivery.sequence).is_some_and(|event| event.id() == *id)
        };
        let open = self.deliveries.iter().filter(|(_, row)| row.state != Delivery::Delivered);
        open.map(|(delivery, _)| *delivery).filter(of_it).collect()
    }

    /// The public events that fit, the newest first.
    pub(crate) fn public(&self, filters: &[Filter]) -> Vec<Event> {
        let fits = |event: &&Event| filters.iter().any(|filter| filter.matches(&event.id(), event));
        let mut events: Vec<Event> =
            self.events.values().filter(|event| is_public(event)).filter(fits).cloned().collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.created_at));
        events.truncate(PAGE_EVENTS);
        events
    }

    /// The events for other nodes of this owner behind this sequence number, as many as a page holds; with the
    /// sequence number that they reach.
    pub(crate) fn of_owner(&self, owner: &PublicKey, after: u64) -> (u64, Vec<Event>) {
        let mut page = (after, Vec::new());
        for sequence in after.saturating_add(1)..=self.newest() {
            if page.1.len() == PAGE_EVENTS {
                break;
            }
            page.0 = sequence;
            page.1.extend(self.by_sequence(sequence).filter(|event| is_for_own_nodes(event, owner)).cloned());
        }
        page
    }

    /// The stored ones of these events, by their ids.
    pub(crate) fn named(&self, references: &References) -> Vec<Target> {
        let events = references.ids.iter().filter_map(|id| self.events.get(id));
        events.map(|event| Target::stored(event.clone().into_rumor())).collect()
    }

    pub(crate) fn waiting(&self) -> Vec<(DeliveryKey, DeliveryState)> {
        self.deliveries.iter().map(|(delivery, state)| (*delivery, *state)).collect()
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
