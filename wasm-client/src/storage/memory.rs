//! Storage in memory: for tests, and where the browser grants none.

use std::{cell::RefCell, cmp::Reverse};

use nostrp2p_protocol::{Event, EventId, PublicKey, UnsignedEvent};

use super::{
    MAX_DELETIONS, MAX_EVENTS, OPENING_EVENTS, OPENING_PROFILES, Setting, Snapshot, Storage, StorageChange,
    StorageError, StoredSettings,
};
use crate::{
    model::{TimelineKey, deleted, lists::MAX_LISTS},
    sorted_map::SortedMap,
};

/// Storage in memory.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    content: RefCell<Content>,
}

/// Events from the oldest to the newest, so that what comes in is mostly appended.
type Rows = SortedMap<Reverse<TimelineKey>, UnsignedEvent>;

#[derive(Debug, Default)]
struct Content {
    events: Rows,
    profiles: SortedMap<PublicKey, UnsignedEvent>,
    deletions: Rows,
    lists: Rows,
    outbox: SortedMap<EventId, Event>,
    settings: SortedMap<String, String>,
}

impl Storage for MemoryStorage {
    async fn load(&self) -> Result<Snapshot, StorageError> {
        let content = self.content.borrow();
        let mut settings = StoredSettings::default();
        for (name, text) in content.settings.iter() {
            settings.read(name, text);
        }
        let first = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Snapshot {
            events: newest(&content.events, OPENING_EVENTS),
            profiles: content.profiles.values().take(first(OPENING_PROFILES)).cloned().collect(),
            deletions: newest(&content.deletions, MAX_DELETIONS),
            lists: newest(&content.lists, MAX_LISTS),
            outbox: content.outbox.values().cloned().collect(),
            settings,
        })
    }

    async fn apply(&self, changes: Vec<StorageChange>) -> Result<(), StorageError> {
        let mut content = self.content.borrow_mut();
        for change in changes {
            content.apply(change);
        }
        trim(&mut content.deletions, MAX_DELETIONS);
        trim(&mut content.lists, MAX_LISTS);
        trim(&mut content.events, MAX_EVENTS);
        Ok(())
    }

    async fn older(&self, than: TimelineKey, limit: u32) -> Result<Vec<UnsignedEvent>, StorageError> {
        let content = self.content.borrow();
        let behind = content.events.iter().rev().filter(|(place, _)| place.0 > than);
        Ok(behind
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(_, unsigned)| unsigned.clone())
            .collect())
    }
}

/// Drops the oldest beyond a bound.
fn trim(rows: &mut Rows, max: u32) {
    let excess = rows.len().saturating_sub(usize::try_from(max).unwrap_or(usize::MAX));
    rows.drop_first(excess);
}

fn newest(rows: &Rows, count: u32) -> Vec<UnsignedEvent> {
    rows.values().rev().take(usize::try_from(count).unwrap_or(usize::MAX)).cloned().collect()
}

fn place_of(rows: &Rows, id: EventId, author: &PublicKey) -> Option<Reverse<TimelineKey>> {
    let mut rows = rows.iter();
    rows.find(|(place, event)| place.0.id == id && event.pubkey == *author).map(|(place, _)| *place)
}

fn put(rows: &mut Rows, unsigned: UnsignedEvent) {
    rows.insert(Reverse(TimelineKey::new(unsigned.created_at, unsigned.id())), unsigned);
}

impl Content {
    fn apply(&mut self, change: StorageChange) {
        match change {
            StorageChange::Keep(unsigned) => put(&mut self.events, unsigned),
            StorageChange::Profile(unsigned) => drop(self.profiles.insert(unsigned.pubkey, unsigned)),
            StorageChange::Deletion(unsigned) => {
                for id in deleted::targets(&unsigned) {
                    if let Some(place) = place_of(&self.events, id, &unsigned.pubkey) {
                        self.events.remove(&place);
                    }
                }
                put(&mut self.deletions, unsigned);
            }
            StorageChange::List(unsigned) => put(&mut self.lists, unsigned),
            StorageChange::Outgoing(event) => drop(self.outbox.insert(event.id(), event)),
            StorageChange::Settled(id) => drop(self.outbox.remove(&id)),
            StorageChange::Set(setting) => self.set(&setting),
            StorageChange::ForgetEvents => {
                self.events.clear();
                self.profiles.clear();
                self.deletions.clear();
            }
            StorageChange::ForgetAll => *self = Self::default(),
        }
    }

    fn set(&mut self, setting: &Setting) {
        match setting.text() {
            Some(text) => drop(self.settings.insert(setting.name().into_owned(), text)),
            None => drop(self.settings.remove(&setting.name().into_owned())),
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::storage::contract;

    #[test]
    fn memory_keeps_the_contract_of_storage() {
        let storage = MemoryStorage::default();
        // Nothing here ever waits, so one poll runs it through.
        let done = pin!(contract::check_all(&storage)).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(done, Poll::Ready(()));
    }
}
