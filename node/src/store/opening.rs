//! Opening the file: creates the tables that are missing, brings those of an earlier version up to date, and finds out
//! where the store stands.

use nostrp2p_protocol::frame::StoreId;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::{
    StoreProgress,
    file_check::FileMark,
    index::{self, Prefix},
    meta, migrate,
    rows::{FindRows, Memtables, Rows},
    runs::{self, RUNS},
    tables::{
        EVENTS, META, META_BORN, META_CLOCK, META_NEWEST, META_RESERVED, META_SCHEMA, META_WRITTEN, OUTBOX,
        OWNER, SCHEMA, UNSENT,
    },
    usage::Usage,
};

/// Row of [`META`]: random, names this store.
const META_ID: &str = "id";

/// Row of [`META`]: names this store to pages, which resume by it over restarts. It is another one after the file was put
/// back from a backup.
const META_LINEAGE: &str = "lineage";
/// Row of [`META`]: which file it was; see [`FileMark`].
const META_FILE: &str = "file";

/// How much later than its last commit the file may have been written, in seconds, to be as the program left it.
const WRITTEN_WITHIN: u64 = 120;

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
                runs::begin(&mut transaction.open_table(RUNS)?, id, before, newest)?;
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
        meta::prepare(&transaction)?;
        let stored = transaction.open_table(EVENTS)?.len()?;
        let usage = Usage::load(&meta)?;
        let clock = noted.map_or_else(|| newest_time(&transaction, now), |clock| Ok(Some(clock)))?;
        Opened { schema, id, progress: StoreProgress { newest, stored, usage }, lineage, clock }
    };
    let progress = migrate::migrate(&transaction, opened.schema, opened.progress)?;
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
    let mut rows = rows.backwards(&Prefix::all().range(0, now))?;
    Ok(rows.next()?.and_then(index::tail).map(|(created_at, _)| created_at))
}
