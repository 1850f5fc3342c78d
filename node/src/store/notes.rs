//! Small things besides events: read markers of the owner, and how far siblings have told what they hold.

use std::collections::BTreeMap;

use nostrp2p_core::Cursor;
use nostrp2p_protocol::PeerId;
use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::Store;

/// Name of a read marker -> up to which `created_at`, in seconds.
const MARKERS: TableDefinition<&str, u64> = TableDefinition::new("markers");
/// Another node of the owner -> which store it has, and the last sequence number that it has told.
const SIBLINGS: TableDefinition<&[u8; 32], (u64, u64)> = TableDefinition::new("siblings");

/// Something to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A read marker now stands here.
    Marker(String, u64),
    /// A read marker made room.
    NoMarker(String),
    /// A sibling has told everything up to here.
    Sibling(PeerId, Cursor),
}

/// Creates the tables that are missing.
pub(super) fn prepare(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(MARKERS)?;
    transaction.open_table(SIBLINGS)?;
    Ok(())
}

/// Writes a note down.
pub(super) fn write(transaction: &WriteTransaction, note: &Note) -> Result<(), redb::Error> {
    match note {
        Note::Marker(name, until) => drop(transaction.open_table(MARKERS)?.insert(name.as_str(), until)?),
        Note::NoMarker(name) => drop(transaction.open_table(MARKERS)?.remove(name.as_str())?),
        Note::Sibling(peer, Cursor { store, after }) => {
            let row = (store.unwrap_or(0), *after);
            transaction.open_table(SIBLINGS)?.insert(peer.as_ed25519(), row)?;
        }
    }
    Ok(())
}

impl Store {
    /// All read markers of the owner.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn markers(&self) -> Result<BTreeMap<String, u64>, redb::Error> {
        let markers = self.database.begin_read()?.open_table(MARKERS)?;
        let rows =
            markers.iter()?.map(|row| row.map(|(name, until)| (name.value().to_owned(), until.value())));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How far each sibling has told what it holds.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn siblings(&self) -> Result<Vec<(PeerId, Cursor)>, redb::Error> {
        let siblings = self.database.begin_read()?.open_table(SIBLINGS)?;
        let rows = siblings.iter()?.map(|row| {
            row.map(|(peer, row)| {
                let (store, after) = row.value();
                (PeerId::from_ed25519(*peer.value()), Cursor { store: Some(store), after })
            })
        });
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
