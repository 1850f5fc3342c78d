//! The database on its disk, also while the disk refuses to write.
//!
//! Once a write has failed, redb lets nothing be read or written any more until the file is opened again. So the writer
//! then puts [a view](CowBackend) of the same file in its place: everybody reads on what was committed, and nothing is written.
//! It is replaced by the database itself when the disk takes bytes again. See [`super::outage`]. A run that finds its disk
//! full begins with a view.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

use nostrp2p_protocol::frame::StoreId;
use redb::{
    Database, ReadTransaction, ReadableDatabase, TransactionError, WriteTransaction,
    backends::InMemoryBackend,
};

use super::{
    CacheSize, StoreProgress, Usage, compaction,
    cow_backend::CowBackend,
    file_check::{FileCheck, FileMark},
    lock::Lock,
    opening::{self, Opened, Purpose},
    quietly,
    rows::{Memtables, NewestRows, Snapshot},
};
use crate::trusted_time::TrustedTime;

/// How much must find room before the store is written to again: what a group of large events takes.
const ROOM: usize = 1024 * 1024;

/// The open database, and the newest rows of its last commits.
struct Current {
    database: Database,
    memtables: Arc<Memtables>,
}

impl Current {
    fn new(database: Database) -> Self {
        Self { database, memtables: Arc::default() }
    }
}

/// The database that everybody uses now.
pub(super) struct Disk {
    path: PathBuf,
    file_check: FileCheck,
    current: RwLock<Current>,
    /// The run that is still to begin on the disk, which was full.
    waiting: Mutex<Option<StoreId>>,
    time: TrustedTime,
    cache: CacheSize,
    /// Last, so that the database is closed before.
    _lock: Lock,
}

impl Disk {
    /// `waiting` where `database` is a view: the run that the disk could not take.
    pub(super) fn new(
        lock: Lock,
        path: PathBuf,
        (database, waiting): (Database, Option<StoreId>),
        (time, cache): (TrustedTime, CacheSize),
    ) -> io::Result<Self> {
        let file_check = FileCheck::of(&path)?;
        let current = RwLock::new(Current::new(database));
        Ok(Self { path, file_check, current, waiting: Mutex::new(waiting), time, cache, _lock: lock })
    }

    /// The time to go by for what cannot be undone.
    pub(super) const fn time(&self) -> &TrustedTime {
        &self.time
    }

    /// Whether the file is still where it was opened.
    pub(super) fn check_file(&self) -> io::Result<()> {
        self.file_check.check()
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, TransactionError> {
        self.current().database.begin_read()
    }

    /// What was committed last, with the rows by which events are found.
    pub(super) fn snapshot(&self) -> Result<Snapshot, redb::Error> {
        let current = self.current();
        Snapshot::begin(&current.memtables, || current.database.begin_read())
    }

    /// Where the newest rows are. What cannot be read is another part's trouble.
    pub(super) fn newest_rows(&self) -> NewestRows {
        self.snapshot().map_or(NewestRows::InTable, |snapshot| snapshot.rows().newest())
    }

    /// The newest rows of the last commits.
    pub(super) fn memtables(&self) -> Arc<Memtables> {
        Arc::clone(&self.current().memtables)
    }

    /// For the writer alone. While there is only a view, what is committed is lost.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, TransactionError> {
        self.current().database.begin_write()
    }

    /// From now on what was committed is read from a view, and nothing reaches the disk. On failure all stays as it is, as
    /// when the file is not where it was: the database that has it open can still be read.
    pub(super) fn stop_writing(&self) -> Result<(), redb::Error> {
        if self.newest().is_some() {
            return Ok(());
        }
        self.check_file().map_err(redb::Error::Io)?;
        self.replace(view(&self.path)?);
        Ok(())
    }

    /// [`Disk::stop_writing`] for a database that could write all the time, and whose file is back where it was. Closing it
    /// writes its end to the file, so it is closed before anything else opens the file. Readers wait meanwhile.
    pub(super) fn close_and_view(&self) -> Result<(), redb::Error> {
        self.check_file().map_err(redb::Error::Io)?;
        let nothing = Database::builder().create_with_backend(InMemoryBackend::new())?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        drop(std::mem::replace(&mut *current, Current::new(nothing)));
        *current = Current::new(view(&self.path)?);
        Ok(())
    }

    /// Opens the database itself again if the disk takes bytes; says how far it has come. On failure all stays as it is.
    pub(super) fn write_again(&self) -> Result<StoreProgress, redb::Error> {
        self.check_file().map_err(redb::Error::Io)?;
        find_room(&self.path).map_err(redb::Error::Io)?;
        let mut waiting = self.newest();
        let purpose = waiting.map_or(Purpose::GoOn, Purpose::Begin);
        let (database, opened) =
            quietly(|| open(&self.path, purpose, self.cache)).unwrap_or_else(no_database)?;
        *waiting = None;
        drop(waiting);
        self.replace(database);
        Ok(opened.progress)
    }

    /// Whoever reads from the former one gets an error, and reads again.
    fn replace(&self, database: Database) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *current, Current::new(database));
        drop(current);
        drop(former);
    }

    /// Gives disk back if the file is mostly empty and nobody reads. Who begins to read meanwhile waits.
    pub(super) fn give_back(&self, usage: &Usage, worthwhile: u64) {
        // Looked at first, so that nobody waits in vain.
        if compaction::is_worthwhile_now(self.file_bytes(), usage, worthwhile) && self.check_file().is_ok() {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            compaction::give_back(&mut current.database, &self.path, usage, worthwhile);
        }
    }

    /// How long the file is; 0 when that cannot be read.
    pub(super) fn file_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    fn newest(&self) -> MutexGuard<'_, Option<StoreId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens or creates the file, and brings its tables up to date. May panic on damaged data.
pub(super) fn open(
    path: &Path,
    purpose: Purpose,
    cache: CacheSize,
) -> Result<(Database, Opened), redb::Error> {
    let before = FileMark::of(path);
    let database = Database::builder().set_cache_size(cache.bytes()).create(path)?;
    let opened = opening::prepare(&database, crate::clock::now(), purpose, (before, FileMark::of(path)))?;
    Ok((database, opened))
}

/// Begins a run on a view, for a disk that is full; None where there is no store of this version to be read.
pub(super) fn begin_full(path: &Path, run: StoreId) -> Option<(Database, Opened)> {
    let open = || {
        let database = view(path)?;
        if !opening::are_current(&database)? {
            return no_database();
        }
        let mark = || FileMark::of(path);
        let opened = opening::prepare(&database, crate::clock::now(), Purpose::Begin(run), (mark(), mark()))?;
        Ok::<_, redb::Error>((database, opened))
    };
    quietly(open)?.ok()
}

fn view(path: &Path) -> Result<Database, redb::Error> {
    let open = || {
        let view = CowBackend::of(path)?;
        Ok::<_, redb::Error>(
            Database::builder().set_cache_size(CacheSize::SMALL.bytes()).create_with_backend(view)?,
        )
    };
    quietly(open).unwrap_or_else(no_database)
}

fn no_database<T>() -> Result<T, redb::Error> {
    Err(redb::Error::Corrupted("its pages do not fit together".to_owned()))
}

/// Whether a file beside the store can be written. It is gone again afterwards.
fn find_room(path: &Path) -> io::Result<()> {
    let path = path.with_extension("room");
    let written = std::fs::File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0x5a; ROOM])?;
        file.sync_all()
    });
    match std::fs::remove_file(&path) {
        Err(error) if written.is_ok() => Err(error),
        _ => written,
    }
}
