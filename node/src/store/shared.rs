//! The events that neighbours may have when they catch up, by time and id: what set reconciliation compares.

use nostrp2p_core::Window;
use nostrp2p_protocol::{Event, EventId, limits::MAX_CREATED_AT};
use redb::{ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{Store, read::living, tables::EVENTS};
use crate::clock;

/// `created_at` and id -> sequence number. 100,000 events are about 6 MB.
const SHARED: TableDefinition<(u64, &[u8; 32]), u64> = TableDefinition::new("shared");

/// Where an event comes from.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Origin {
    /// It was sent to everybody, by others or by the owner. What is for everyone by itself is shared in any case.
    pub(super) shared: bool,
    /// It came from a relay: what is for everyone by itself is not shared then.
    pub(super) mirrored: bool,
    /// The owner wrote it.
    pub(super) own: bool,
}

/// The open table.
pub(super) struct Shared<'txn>(Table<'txn, (u64, &'static [u8; 32]), u64>);

impl<'txn> Shared<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self(transaction.open_table(SHARED)?))
    }

    pub(super) fn holds(&self, event: &Event) -> Result<bool, redb::Error> {
        Ok(self.0.get((event.created_at, event.id().as_bytes()))?.is_some())
    }

    pub(super) fn insert(&mut self, event: &Event, sequence: u64) -> Result<(), redb::Error> {
        self.0.insert((event.created_at, event.id().as_bytes()), sequence)?;
        Ok(())
    }

    pub(super) fn remove(&mut self, event: &Event) -> Result<(), redb::Error> {
        self.0.remove((event.created_at, event.id().as_bytes()))?;
        Ok(())
    }
}

impl Store {
    /// Times and ids of the shared events of a window, in order. 100,000 take some 20 ms.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn shared(&self, window: Window) -> Result<Vec<(u64, EventId)>, redb::Error> {
        let table = self.database.begin_read()?.open_table(SHARED)?;
        let mut items = Vec::new();
        for row in table.range((window.since, &[0; 32])..(window.until, &[0; 32]))? {
            let key = row?.0;
            let (created_at, id) = key.value();
            items.push((created_at, EventId::from_bytes(*id)));
        }
        Ok(items)
    }

    /// Those of the events that are stored and shared, in the order of the ids.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn shared_events(&self, ids: &[EventId]) -> Result<Vec<Event>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let (by_id, events) = (transaction.open_table(super::tables::IDS)?, transaction.open_table(EVENTS)?);
        let shared = transaction.open_table(SHARED)?;
        let mut found = Vec::new();
        for id in ids {
            let Some(sequence) = by_id.get(id.as_bytes())? else { continue };
            let event = events.get(sequence.value())?;
            let event = event.and_then(|record| living(record.value(), clock::now()));
            if let Some(event) = event
                && shared.get((event.created_at, id.as_bytes()))?.is_some()
            {
                found.push(event);
            }
        }
        Ok(found)
    }

    /// Before which `created_at` this store is too full to keep more, in seconds: asking for older events would be in
    /// vain, for the next sweep drops them. 0 as long as there is room.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn floor(&self) -> Result<u64, redb::Error> {
        // The sweep comes after every 1,000 new events, so a full store is a little above or below its bound.
        if self.progress.borrow().stored.saturating_add(super::writer::SWEEP_EVERY) < self.retention.events {
            return Ok(0);
        }
        let table = self.database.begin_read()?.open_table(SHARED)?;
        let first = table.range((0, &[0; 32])..(MAX_CREATED_AT, &[0; 32]))?.next().transpose()?;
        Ok(first.map_or(0, |row| row.0.value().0))
    }
}
