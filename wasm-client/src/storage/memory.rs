//! Storage that ends with the page: for tests, and where the browser grants none.

use std::{cell::RefCell, cmp::Reverse};

use nostrp2p_protocol::{Event, EventId, PublicKey, Rumor};

use super::{
    Change, MAX_DELETIONS, MAX_EVENTS, MAX_LISTS, OPENING_EVENTS, OPENING_PROFILES, Place, Setting, Settings,
    Snapshot, Storage, StorageError,
};
use crate::{model::deleted, sorted::SortedMap};

/// Storage in memory.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    content: RefCell<Content>,
}

/// Events from the oldest to the newest, so that what comes in is mostly appended.
type Rows = SortedMap<Reverse<Place>, Rumor>;

#[derive(Debug, Default)]
struct Content {
    events: Rows,
    profiles: SortedMap<PublicKey, Rumor>,
    deletions: Rows,
    lists: Rows,
    outbox: SortedMap<EventId, Event>,
    settings: SortedMap<String, String>,
}

impl Storage for MemoryStorage {
    async fn load(&self) -> Result<Snapshot, StorageError> {
        let content = self.content.borrow();
        let mut settings = Settings::default();
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
        let behind = content.events.iter().rev().filter(|(place, _)| place.0 > than);
        Ok(behind
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|(_, rumor)| rumor.clone())
            .collect())
    }
}

/// Drops the oldest beyond a bound.
fn trim(rows: &mut Rows, max: u32) {
    let excess = rows.len().saturating_sub(usize::try_from(max).unwrap_or(usize::MAX));
    rows.drop_first(excess);
}

fn newest(rows: &Rows, count: u32) -> Vec<Rumor> {
    rows.values().rev().take(usize::try_from(count).unwrap_or(usize::MAX)).cloned().collect()
}

fn place_of(rows: &Rows, id: EventId, author: &PublicKey) -> Option<Reverse<Place>> {
    let mut rows = rows.iter();
    rows.find(|(place, event)| place.0.id == id && event.pubkey == *author).map(|(place, _)| *place)
}

fn put(rows: &mut Rows, rumor: Rumor) {
    rows.insert(Reverse(Place::new(rumor.created_at, rumor.id())), rumor);
}

impl Content {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Keep(rumor) => put(&mut self.events, rumor),
            Change::Profile(rumor) => drop(self.profiles.insert(rumor.pubkey, rumor)),
            Change::Deletion(rumor) => {
                for id in deleted::targets(&rumor) {
                    if let Some(place) = place_of(&self.events, id, &rumor.pubkey) {
                        self.events.remove(&place);
                    }
                }
                put(&mut self.deletions, rumor);
            }
            Change::List(rumor) => put(&mut self.lists, rumor),
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
