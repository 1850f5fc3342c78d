//! Finding an event by its id.
//!
//! A row holds the first 8 bytes of the id only, and the record, which begins with the whole id, decides: so the rows of
//! 100,000 events are 2 MB and not 6, and those of a group share pages although ids are random. Two events with the same
//! beginning are two rows; to make them costs 2^32 hashes, and gains nothing.

use std::collections::BTreeMap;

use nostrp2p_protocol::EventId;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

/// First 8 bytes of the id, big-endian, and sequence number.
pub(super) const IDS: TableDefinition<(u64, u64), ()> = TableDefinition::new("ids_by_beginning");

/// The table of one write transaction. New rows are put in at its end and in order.
pub(super) struct Ids<'txn> {
    table: Table<'txn, (u64, u64), ()>,
    fresh: BTreeMap<EventId, u64>,
}

impl<'txn> Ids<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self { table: transaction.open_table(IDS)?, fresh: BTreeMap::new() })
    }

    /// See [`find`].
    pub(super) fn find(
        &self,
        id: &EventId,
        events: &impl ReadableTable<u64, &'static [u8]>,
    ) -> Result<Option<u64>, redb::Error> {
        match self.fresh.get(id) {
            Some(sequence) => Ok(Some(*sequence)),
            None => find(&self.table, events, id),
        }
    }

    pub(super) fn insert(&mut self, id: EventId, sequence: u64) {
        self.fresh.insert(id, sequence);
    }

    pub(super) fn remove(&mut self, id: &EventId, sequence: u64) -> Result<(), redb::Error> {
        if self.fresh.remove(id).is_none() {
            self.table.remove((beginning(id), sequence))?;
        }
        Ok(())
    }

    /// Puts the rows in that wait.
    pub(super) fn settle(&mut self) -> Result<(), redb::Error> {
        for (id, sequence) in std::mem::take(&mut self.fresh) {
            self.table.insert((beginning(&id), sequence), ())?;
        }
        Ok(())
    }
}

/// The sequence number of the event with this id, if it is there.
pub(super) fn find(
    ids: &impl ReadableTable<(u64, u64), ()>,
    events: &impl ReadableTable<u64, &'static [u8]>,
    id: &EventId,
) -> Result<Option<u64>, redb::Error> {
    let beginning = beginning(id);
    for row in ids.range((beginning, 0)..=(beginning, u64::MAX))? {
        let (_, sequence) = row?.0.value();
        if events.get(sequence)?.is_some_and(|record| record.value().starts_with(id.as_bytes())) {
            return Ok(Some(sequence));
        }
    }
    Ok(None)
}

fn beginning(id: &EventId) -> u64 {
    id.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use redb::{Database, ReadableDatabase, backends::InMemoryBackend};

    use super::*;
    use crate::store::tables::EVENTS;

    #[test]
    fn ids_with_the_same_beginning_are_told_apart() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let [one, other, third] = [1, 2, 3].map(|last| {
            let mut id = [7; 32];
            id[31] = last;
            EventId::from_bytes(id)
        });
        let transaction = database.begin_write().unwrap();
        {
            let mut events = transaction.open_table(EVENTS).unwrap();
            let mut ids = Ids::open(&transaction).unwrap();
            for (id, sequence) in [(one, 1), (other, 2)] {
                events.insert(sequence, id.as_bytes().as_slice()).unwrap();
                ids.insert(id, sequence);
            }
            assert_eq!(ids.find(&other, &events).unwrap(), Some(2), "before it is settled");
            ids.settle().unwrap();
            assert_eq!(ids.find(&one, &events).unwrap(), Some(1));
            assert_eq!(ids.find(&third, &events).unwrap(), None);
            ids.remove(&one, 1).unwrap();
            assert_eq!(ids.find(&one, &events).unwrap(), None);
        }
        transaction.commit().unwrap();
        let transaction = database.begin_read().unwrap();
        let (ids, events) = (transaction.open_table(IDS).unwrap(), transaction.open_table(EVENTS).unwrap());
        assert_eq!(find(&ids, &events, &other).unwrap(), Some(2));
        assert_eq!(find(&ids, &events, &one).unwrap(), None);
    }
}
