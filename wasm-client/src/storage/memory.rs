//! Storage that ends with the page: for tests, and where the browser grants none.

use std::{cell::RefCell, collections::BTreeMap};

use nostrp2p_protocol::{Event, EventId, PublicKey, Rumor};

use super::{
    Change, MAX_DELETIONS, MAX_EVENTS, MAX_LISTS, OPENING_EVENTS, OPENING_PROFILES, Place, Setting, Settings,
    Snapshot, Storage, StorageError,
};
use crate::model::deleted;

/// Storage in memory.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    content: RefCell<Content>,
}

#[derive(Debug, Default)]
struct Content {
    events: BTreeMap<Place, Rumor>,
    profiles: BTreeMap<PublicKey, Rumor>,
    deletions: BTreeMap<Place, Rumor>,
    lists: BTreeMap<Place, Rumor>,
    outbox: BTreeMap<EventId, Event>,
    settings: BTreeMap<&'static str, String>,
}

impl Storage for MemoryStorage {
    async fn load(&self) -> Result<Snapshot, StorageError> {
        let content = self.content.borrow();
        let mut settings = Settings::default();
        for (name, text) in &content.settings {
            settings.read(name, text);
        }
        let first = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Snapshot {
            events: content.events.values().take(first(OPENING_EVENTS)).cloned().collect(),
            profiles: content.profiles.values().take(first(OPENING_PROFILES)).cloned().collect(),
            deletions: content.deletions.values().take(first(MAX_DELETIONS)).cloned().collect(),
            lists: content.lists.values().take(first(MAX_LISTS)).cloned().collect(),
            outbox: content.outbox.values().cloned().collect(),
            settings,
        })
    }

    async fn apply(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        let mut content = self.content.borrow_mut();
        for change in changes {
            content.apply(change);
        }
        trim(&mut content.deletions, MAX_DELETIONS);
        trim(&mut content.lists, MAX_LISTS);
        trim(&mut content.events, MAX_EVENTS);
        Ok(())
    }

    async fn older(&self, than: Place, limit: u32) -> Result<Vec<Rumor>, StorageError> {
        let content = self.content.borrow();
        let behind = content.events.range((std::ops::Bound::Excluded(than), std::ops::Bound::Unbounded));
        Ok(behind
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(_, rumor)| rumor.clone())
            .collect())
    }
}

/// Drops the oldest beyond a bound.
fn trim(rows: &mut BTreeMap<Place, Rumor>, max: u32) {
    while rows.len() > usize::try_from(max).unwrap_or(usize::MAX) {
        rows.pop_last();
    }
}

impl Content {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Keep(rumor) => drop(self.events.insert(Place::new(rumor.created_at, rumor.id()), rumor)),
            Change::Profile(rumor) => drop(self.profiles.insert(rumor.pubkey, rumor)),
            Change::Deletion(rumor) => {
                for id in deleted::targets(&rumor) {
                    self.events.retain(|place, event| place.id != id || event.pubkey != rumor.pubkey);
                }
                self.deletions.insert(Place::new(rumor.created_at, rumor.id()), rumor);
            }
            Change::List(rumor) => drop(self.lists.insert(Place::new(rumor.created_at, rumor.id()), rumor)),
            Change::Outgoing(event) => drop(self.outbox.insert(event.id(), event)),
            Change::Settled(id) => drop(self.outbox.remove(&id)),
            Change::Set(setting) => self.set(&setting),
            Change::ForgetEvents => {
                self.events.clear();
                self.profiles.clear();
                self.deletions.clear();
            }
            Change::ForgetAll => *self = Self::default(),
        }
    }

    fn set(&mut self, setting: &Setting) {
        match setting.text() {
            Some(text) => drop(self.settings.insert(setting.name(), text)),
            None => drop(self.settings.remove(setting.name())),
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
