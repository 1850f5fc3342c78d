//! The tables of the store, and their schema version.

use nostrp2p_protocol::PublicKey;
use redb::{ReadTransaction, TableDefinition, TableError};

/// Version of the tables; see `migrate.rs`.
pub(super) const SCHEMA: u64 = 11;

/// Sequence number -> record (see `record.rs`).
pub(super) const EVENTS: TableDefinition<u64, &[u8]> = TableDefinition::new("events");
/// Numbers that belong to the store as a whole.
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Sequence numbers of own public events that no other node has taken yet.
pub(super) const UNSENT: TableDefinition<u64, ()> = TableDefinition::new("unsent");
/// Sequence number of an event that came from a relay -> the relay's address.
pub(super) const MIRRORED: TableDefinition<u64, &str> = TableDefinition::new("mirrored");
/// Sequence number and person -> how far the event has come with that person: state, number of the next retry, time
/// of publication in seconds since 1970.
pub(super) const OUTBOX: TableDefinition<(u64, &[u8; 32]), (u8, u8, u64)> = TableDefinition::new("outbox");
/// Sequence numbers of what an import has brought while the store had no owner: it is kept until there is one.
pub(super) const RESTORED: TableDefinition<u64, ()> = TableDefinition::new("restored");
/// Sequence number of a deletion that is not carried out yet -> where to go on: a number of targets, or an index row.
pub(super) const DELETING: TableDefinition<u64, &[u8]> = TableDefinition::new("deleting");
/// When an event ends by itself (NIP-40), in seconds since 1970, and its sequence number.
pub(super) const ENDS: TableDefinition<(u64, u64), ()> = TableDefinition::new("ends");
/// The owner's public key, under the key 0.
pub(super) const OWNER: TableDefinition<u8, &[u8; 32]> = TableDefinition::new("owner");

/// Row of [`META`]: version of the tables.
pub(super) const META_SCHEMA: &str = "schema";
/// Row of [`META`]: when the store was made, in seconds since 1970; 0 when nobody wrote it down.
pub(super) const META_BORN: &str = "born";
/// Row of [`META`]: the highest sequence number ever given away. Numbers of dropped events are not given again.
pub(super) const META_NEWEST: &str = "newest";
/// Row of [`META`]: up to here sequence numbers may have been given away by commits that a crash has undone. What was
/// given away by durable commits may be beyond.
pub(super) const META_RESERVED: &str = "reserved";

/// Row of [`META`]: when the file was written last on purpose, in seconds since 1970 by the clock as it was.
pub(super) const META_WRITTEN: &str = "written";
/// Row of [`META`]: the time that was trusted last, in seconds since 1970; see [`crate::trusted_time`].
pub(super) const META_CLOCK: &str = "clock";

/// Reads the owner.
pub(super) fn owner(transaction: &ReadTransaction) -> Result<Option<PublicKey>, redb::Error> {
    match transaction.open_table(OWNER) {
        Ok(table) => Ok(table.get(0)?.map(|key| PublicKey::from_bytes(*key.value()))),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
