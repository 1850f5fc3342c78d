//! The node's memory on disk: events with local, growing sequence numbers, and who owns the node.
//!
//! One thread writes and commits in groups; everybody reads, each from a consistent snapshot.
//! What a commit has acknowledged survives `kill -9` and a power cut (redb, `Durability::Immediate`); what others have told
//! and nobody here waits for does so after a few seconds (see `writer.rs`).
//! It deliberately does not decide what is kept: it keeps the newest of replaceable events and
//! drops what is old (see [`Retention`]), and that is all.

mod cache;
mod catching_up;
mod compaction;
mod cow_backend;
mod deleting;
mod disk;
mod file_check;
mod ids;
mod index;
mod insert;
mod known_authors;
mod loads;
mod lock;
mod mail_room;
mod mailbox;
mod meta;
mod migrate;
mod named;
mod on_demand;
mod opening;
mod origin;
mod outage;
mod owner;
mod query;
mod read;
mod reading;
mod record;
mod repair;
mod retention;
mod rows;
mod runs;
mod shared;
mod sweep;
mod tables;
mod tombstones;
mod turns;
mod usage;
mod write;
mod writer;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::trusted_time::TrustedTime;
use compaction::Idle;
use disk::Disk;
use lock::Lock;
use nostrp2p_protocol::{PublicKey, frame::StoreId};
use opening::{Opened, Purpose};
use redb::Database;
use tokio::sync::watch;
use writer::Reports;

pub use cache::CacheSize;
pub use meta::MetaWrite;
pub use nostrp2p_core::{Inserted, Mark, Propagation, Stored};
pub use query::{Asked, Picked, Selection};
pub(crate) use read::{ANSWER_BYTES, bulk};
pub use read::{Batch, FoundEvents, Numbered};
pub(crate) use reading::Reading;
pub(crate) use record::{decode as decode_record, encode as encode_record};
pub use repair::{Repaired, repair};
pub use retention::Retention;
pub(crate) use turns::{OwnersTurn, Turns};
pub use usage::Usage;
pub(crate) use writer::WriteQueue;
pub use writer::Writer;

/// The file in the data directory.
const FILE: &str = "store.redb";

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file system has no locks.
    #[error("the file system of {} does not lock files ({error}), so two nodes could write at once; put the data directory on a local disk, or start the lock service of the network share", directory.display())]
    NoLocks {
        /// The data directory.
        directory: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Another process has it.
    #[error("another node is already running on the data directory {}; stop it, or give this one its own with --data-dir", directory.display())]
    InUse {
        /// The data directory.
        directory: PathBuf,
    },
    /// The disk says no.
    #[error("cannot read or write {}: {error}; check that this user may write there and that the disk is not full", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The content is not what redb or this program wrote.
    #[error("the store {} is damaged ({reason}); it was left as it is: run `nostrp2p repair`, which sets it aside and saves what can still be read", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A later version of this program wrote it.
    #[error("the store {} has schema {found}, this program knows up to {known}; use the newer nostrp2p that wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Schema of the file.
        found: u64,
        /// Newest schema that is known here.
        known: u64,
    },
}

/// How far the store has come. Watchers wake when it changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreProgress {
    /// Highest sequence number that was given away; 0 when none was. None is given twice, also after a crash.
    pub newest: u64,
    /// Number of stored events.
    pub stored: u64,
    /// How many bytes they take, and whose they are.
    pub usage: Usage,
}

/// A handle to the store for readers. Cheap to clone; reading blocks the thread for the time of the disk.
#[derive(Clone)]
pub struct Store {
    database: Arc<Disk>,
    id: StoreId,
    lineage: StoreId,
    progress: watch::Receiver<StoreProgress>,
    failure: watch::Receiver<Option<String>>,
    retention: Retention,
    turns: Turns,
}

impl Store {
    /// Opens or creates the store in `directory` and starts its writer thread.
    ///
    /// # Errors
    /// When it is in use, unreadable, damaged, or of a later version.
    pub fn open(directory: &Path, retention: Retention) -> Result<(Self, Writer), OpenError> {
        Self::open_with(directory, retention, CacheSize::SMALL)
    }

    /// [`Store::open`] with so much memory for its pages.
    ///
    /// # Errors
    /// When it is in use, unreadable, damaged, or of a later version.
    pub fn open_with(
        directory: &Path,
        retention: Retention,
        cache: CacheSize,
    ) -> Result<(Self, Writer), OpenError> {
        Self::open_by(Lock::of(directory)?, directory, (retention, cache, Idle::default()), disk::open)
    }

    fn open_locked(
        lock: Lock,
        directory: &Path,
        retention: Retention,
        idle: Idle,
    ) -> Result<(Self, Writer), OpenError> {
        Self::open_by(lock, directory, (retention, CacheSize::SMALL, idle), disk::open)
    }

    fn open_by(
        lock: Lock,
        directory: &Path,
        (retention, cache, idle): (Retention, CacheSize, Idle),
        open: impl FnOnce(&Path, Purpose, CacheSize) -> Result<(Database, Opened), redb::Error>,
    ) -> Result<(Self, Writer), OpenError> {
        let path = directory.join(FILE);
        let io = |error| OpenError::Io { path: directory.join(FILE), error };
        let run = random_id().map_err(io)?;
        let Begun { database, opened, full } =
            begin(directory, &path, run, |purpose| open(&path, purpose, cache))?;
        let time = TrustedTime::since(opened.clock);
        let waiting = full.is_some().then_some(run);
        let database = Arc::new(Disk::new(lock, path, (database, waiting), (time, cache)).map_err(io)?);
        let (report, progress) = watch::channel(opened.progress);
        let (fail, failure) = watch::channel(full);
        let store = Self {
            database: Arc::clone(&database),
            id: opened.id,
            lineage: opened.lineage,
            progress,
            failure,
            retention,
            turns: Turns::new(),
        };
        let reports = Reports { progress: report, failure: fail };
        Ok((store, Writer::start(database, retention, idle, reports)))
    }

    /// The time to go by for what cannot be undone.
    pub fn time(&self) -> &TrustedTime {
        self.database.time()
    }

    /// Names this run of this store: see `runs`. Another store, and another run, has another id.
    pub const fn id(&self) -> StoreId {
        self.id
    }

    /// Names this store to pages, over restarts. It is another one after the file was put back from a backup, as far as
    /// that shows in the file, so that no page resumes at numbers that were given again.
    pub const fn lineage(&self) -> StoreId {
        self.lineage
    }

    /// Who reads first.
    pub(crate) const fn turns(&self) -> &Turns {
        &self.turns
    }

    /// What it keeps.
    pub const fn retention(&self) -> &Retention {
        &self.retention
    }

    /// How long its file is; 0 when that cannot be read.
    pub fn file_bytes(&self) -> u64 {
        self.database.file_bytes()
    }

    /// How far the store has come, now and from now on.
    pub fn progress(&self) -> watch::Receiver<StoreProgress> {
        self.progress.clone()
    }

    /// Why nothing can be written, while that is so, or would be if somebody wrote. After [`Store::ended`] the writer
    /// itself.
    pub fn failure(&self) -> Option<String> {
        if self.failure.has_changed().is_err() {
            return Some("its writer has ended".to_owned());
        }
        self.failure.borrow().clone().or_else(|| self.misplaced())
    }

    /// Whether the store's file was removed, moved or replaced: a sentence that says what to do. Costs one system call.
    pub fn misplaced(&self) -> Option<String> {
        self.database.check_file().err().map(|error| error.to_string())
    }

    /// [`Store::failure`], now and from now on: when it has become None again, some of what the store was given before may
    /// be lost.
    pub fn failures(&self) -> watch::Receiver<Option<String>> {
        self.failure.clone()
    }

    /// Completes when the writer has ended: after it was closed, or by a panic.
    pub async fn ended(&self) {
        let mut failure = self.failure.clone();
        while failure.changed().await.is_ok() {}
    }

    /// Whose node this is, as far as it was ever claimed.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn owner(&self) -> Result<Option<PublicKey>, redb::Error> {
        tables::owner(&self.database.begin_read()?)
    }
}

/// A run of the store that has begun.
struct Begun {
    database: Database,
    opened: Opened,
    /// Why it only reads until there is room.
    full: Option<String>,
}

/// Opens or creates the file and brings its tables up to date, or only reads where the disk is full. What redb finds wrong
/// in a damaged file is sometimes an error and sometimes a panic; both are [`OpenError::Damaged`] here.
fn begin(
    directory: &Path,
    path: &Path,
    run: StoreId,
    open: impl FnOnce(Purpose) -> Result<(Database, Opened), redb::Error>,
) -> Result<Begun, OpenError> {
    let (mut database, opened) = match quietly(|| open(Purpose::Begin(run))) {
        Some(Ok(opened)) => opened,
        Some(Err(error)) => {
            return begin_full(path, run, &error).ok_or_else(|| open_error(error, directory, path));
        }
        None => {
            let reason = "its pages do not fit together".to_owned();
            return Err(OpenError::Damaged { path: path.to_owned(), reason });
        }
    };
    if opened.schema > tables::SCHEMA {
        return Err(OpenError::Newer { path: path.to_owned(), found: opened.schema, known: tables::SCHEMA });
    }
    compaction::give_back(&mut database, path, &opened.progress.usage, compaction::WORTHWHILE);
    Ok(Begun { database, opened, full: None })
}

/// Begins with what the disk holds, if the error says that it is full; None where that is not it, or nothing can be read.
fn begin_full(path: &Path, run: StoreId, error: &redb::Error) -> Option<Begun> {
    let redb::Error::Io(cause) = error else { return None };
    if !matches!(cause.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        return None;
    }
    let (database, opened) = disk::begin_full(path, run)?;
    tracing::error!(%error, "the store could not write; it is only read until there is room");
    Some(Begun { database, opened, full: Some(error.to_string()) })
}

/// The id of a run.
fn random_id() -> std::io::Result<StoreId> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    Ok(u64::from_be_bytes(random))
}

/// Runs something that may panic on damaged data; None when it did.
fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).ok()
}

fn open_error(error: redb::Error, directory: &Path, path: &Path) -> OpenError {
    let (directory, path) = (directory.to_owned(), path.to_owned());
    match error {
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
            OpenError::InUse { directory }
        }
        redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            OpenError::Damaged { path, reason: error.to_string() }
        }
        redb::Error::Io(error) if lock::has_no_locks(&error) => OpenError::NoLocks { directory, error },
        redb::Error::Io(error) => OpenError::Io { path, error },
        other => OpenError::Damaged { path, reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests;
