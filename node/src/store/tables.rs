//! The tables of the store, and their schema version.

use nostrp2p_protocol::{PublicKey, frame::StoreId};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    TableError,
};

use super::{
    StoreProgress,
    file_check::FileMark,
    rows::{Memtables, Rows},
    runs::RUNS,
    usage::Usage,
};

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
/// The owner's public key, under the key 0.
pub(super) const OWNER: TableDefinition<u8, &[u8; 32]> = TableDefinition::new("owner");

/// Row of [`META`]: version of the tables.
pub(super) const META_SCHEMA: &str = "schema";
/// Row of [`META`]: random, names this store.
const META_ID: &str = "id";
/// Row of [`META`]: when the store was made, in seconds since 1970; 0 when nobody wrote it down.
pub(super) const META_BORN: &str = "born";
/// Row of [`META`]: the highest sequence number ever given away. Numbers of dropped events are not given again.
pub(super) const META_NEWEST: &str = "newest";
/// Row of [`META`]: up to here sequence numbers may have been given away by commits that a crash has undone. What was
/// given away by durable commits may be beyond.
pub(super) const META_RESERVED: &str = "reserved";

/// Row of [`META`]: names this store to pages, which resume by it over restarts. It is another one after the file was put
/// back from a backup.
const META_LINEAGE: &str = "lineage";
/// Row of [`META`]: which file it was; see [`FileMark`].
const META_FILE: &str = "file";
/// Row of [`META`]: when the file was written last on purpose, in seconds since 1970 by the clock as it was.
pub(super) const META_WRITTEN: &str = "written";
/// How much later than its last commit the file may have been written, in seconds, to be as the program left it.
const WRITTEN_WITHIN: u64 = 120;
/// Row of [`META`]: the time that was trusted last, in seconds since 1970; see [`crate::trusted_time`].
pub(super) const META_CLOCK: &str = "clock";

/// Why the store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A process begins to use it; the run has this id.
    Begin(StoreId),
    /// The same process goes on, after the disk had refused.
    GoOn,
}

/// What [`prepare`] found.
pub(super) struct Opened {
    pub(super) schema: u64,
    pub(super) id: u64,
    pub(super) progress: StoreProgress,
    /// Names the store to pages.
    pub(super) lineage: u64,
    /// The time that the last run trusted, in seconds since 1970; None in a new store.
    pub(super) clock: Option<u64>,
}

/// Creates the tables that are missing and reads where the store stands.
pub(super) fn prepare(
    database: &Database,
    now: u64,
    purpose: Purpose,
    (before_opening, file): (FileMark, FileMark),
) -> Result<Opened, redb::Error> {
    let transaction = database.begin_write()?;
    let opened = {
        let mut meta = transaction.open_table(META)?;
        let mut get_or = |key, default: u64| -> Result<u64, redb::Error> {
            if let Some(value) = meta.get(key)?.map(|value| value.value()) {
                return Ok(value);
            }
            meta.insert(key, default)?;
            Ok(default)
        };
        let schema = get_or(META_SCHEMA, SCHEMA)?;
        if schema > SCHEMA {
            return Ok(Opened { schema, id: 0, progress: StoreProgress::default(), lineage: 0, clock: None });
        }
        let before = get_or(META_ID, 0)?;
        let newest = get_or(META_NEWEST, 0)?;
        let id = match purpose {
            Purpose::Begin(id) => {
                meta.insert(META_ID, id)?;
                let before = (before != 0).then_some(before);
                super::runs::begin(&mut transaction.open_table(RUNS)?, id, before, newest)?;
                id
            }
            Purpose::GoOn => before,
        };
        let noted = meta.get(META_CLOCK)?.map(|clock| clock.value());
        let same_file = meta.get(META_FILE)?.is_none_or(|known| known.value() == before_opening.file);
        let left = meta.get(META_WRITTEN)?.map(|written| written.value());
        let as_left = left.is_none_or(|left| before_opening.written <= left.saturating_add(WRITTEN_WITHIN));
        meta.insert(META_WRITTEN, now)?;
        if matches!(purpose, Purpose::Begin(_)) && !(same_file && as_left) {
            meta.insert(META_LINEAGE, id)?;
        }
        meta.insert(META_FILE, file.file)?;
        let mut get_or = |key, default: u64| -> Result<u64, redb::Error> {
            if let Some(value) = meta.get(key)?.map(|value| value.value()) {
                return Ok(value);
            }
            meta.insert(key, default)?;
            Ok(default)
        };
        let lineage = get_or(META_LINEAGE, if before == 0 { id } else { before })?;
        get_or(META_BORN, if newest == 0 { now } else { 0 })?;
        let reserved = get_or(META_RESERVED, newest)?;
        // After a crash somebody may know these numbers for events that are gone.
        let newest = newest.max(reserved);
        meta.insert(META_NEWEST, newest)?;
        transaction.open_table(UNSENT)?;
        transaction.open_table(OUTBOX)?;
        transaction.open_table(OWNER)?;
        super::meta::prepare(&transaction)?;
        let stored = transaction.open_table(EVENTS)?.len()?;
        let usage = Usage::load(&meta)?;
        let clock = noted.map_or_else(|| newest_time(&transaction, now), |clock| Ok(Some(clock)))?;
        Opened { schema, id, progress: StoreProgress { newest, stored, usage }, lineage, clock }
    };
    let progress = super::migrate::migrate(&transaction, opened.schema, opened.progress)?;
    transaction.commit()?;
    Ok(Opened { progress, ..opened })
}

/// Whether the tables are those of this version, so that [`prepare`] changes a few rows only.
pub(super) fn are_current(database: &Database) -> Result<bool, redb::Error> {
    let meta = database.begin_read()?.open_table(META)?;
    Ok(meta.get(META_SCHEMA)?.is_some_and(|schema| schema.value() == SCHEMA))
}

/// When the newest event of a store was written that has noted no time yet; None when it is empty.
fn newest_time(transaction: &redb::WriteTransaction, now: u64) -> Result<Option<u64>, redb::Error> {
    let rows = Rows::open(transaction, &Memtables::default())?;
    let mut rows = rows.backwards(&super::index::Prefix::all().range(0, now))?;
    Ok(rows.next()?.and_then(super::index::tail).map(|(created_at, _)| created_at))
}

/// Reads the owner.
pub(super) fn owner(transaction: &ReadTransaction) -> Result<Option<PublicKey>, redb::Error> {
    match transaction.open_table(OWNER) {
        Ok(table) => Ok(table.get(0)?.map(|key| PublicKey::from_bytes(*key.value()))),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
