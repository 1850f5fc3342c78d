//! Finding an event by its id.
//!
//! A row is `[9, first 8 bytes of the id, sequence]`, big-endian, and the record, which begins with the whole id, decides:
//! so the rows of 100,000 events are 2 MB and not 6. Two events with the same beginning are two rows; to make them costs
//! 2^32 hashes, and gains nothing.

use nostrp2p_protocol::EventId;
use redb::ReadableTable;

use super::rows::{FindRows, Rows};

/// First byte of the rows.
pub(super) const BY_ID: u8 = 9;

/// Puts the row of an event in.
pub(super) fn insert(rows: &mut Rows<'_>, id: &EventId, sequence: u64) -> Result<(), redb::Error> {
    rows.insert(row(beginning(id), sequence))
}

/// Removes the row of an event.
pub(super) fn remove(rows: &mut Rows<'_>, id: &EventId, sequence: u64) -> Result<(), redb::Error> {
    rows.remove(row(beginning(id), sequence))
}

/// The sequence number of the event with this id, if it is there.
pub(super) fn find(
    rows: &impl FindRows,
    events: &impl ReadableTable<u64, &'static [u8]>,
    id: &EventId,
) -> Result<Option<u64>, redb::Error> {
    let beginning = beginning(id);
    let mut rows = rows.forwards(&(row(beginning, 0), row(beginning, u64::MAX)))?;
    while let Some(row) = rows.next()? {
        let Some(sequence) = row.last_chunk().map(|sequence| u64::from_be_bytes(*sequence)) else { continue };
        if events.get(sequence)?.is_some_and(|record| record.value().starts_with(id.as_bytes())) {
            return Ok(Some(sequence));
        }
    }
    Ok(None)
}

pub(super) fn row(beginning: u64, sequence: u64) -> Vec<u8> {
    [[BY_ID].as_slice(), &beginning.to_be_bytes(), &sequence.to_be_bytes()].concat()
}

fn beginning(id: &EventId) -> u64 {
    id.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use redb::{Database, backends::InMemoryBackend};

    use super::*;
    use crate::store::{rows::Memtables, tables::EVENTS};

    #[test]
    fn ids_with_the_same_beginning_are_told_apart() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let [one, other, third] = [1, 2, 3].map(|last| {
            let mut id = [7; 32];
            id[31] = last;
            EventId::from_bytes(id)
        });
        let transaction = database.begin_write().unwrap();
        let mut events = transaction.open_table(EVENTS).unwrap();
        let mut rows = Rows::open(&transaction, &Memtables::default()).unwrap();
        for (id, sequence) in [(one, 1), (other, 2)] {
            events.insert(sequence, id.as_bytes().as_slice()).unwrap();
            insert(&mut rows, &id, sequence).unwrap();
        }
        assert_eq!(find(&rows, &events, &other).unwrap(), Some(2));
        assert_eq!(find(&rows, &events, &third).unwrap(), None);
        remove(&mut rows, &one, 1).unwrap();
        assert_eq!(find(&rows, &events, &one).unwrap(), None);
        assert_eq!(find(&rows, &events, &other).unwrap(), Some(2));
    }
}
