//! That one process at a time uses a data directory.
//!
//! redb locks its file while it is open. It is not while the disk refuses to write, for what is read then is a
//! [view](super::view), and another node could be started beside this one. So a file of its own is locked for as long as
//! anybody holds the store. What is in it does not matter, and that it is there says nothing.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::Path,
};

use super::OpenError;

/// The file in the data directory.
const FILE: &str = "store.lock";

/// The lock, until it is dropped or the process ends, however that happens.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "it is held, not used")] File);

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn of(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(FILE);
        let file = open(&path).map_err(|error| OpenError::Io { path: path.clone(), error })?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { directory: directory.to_owned() }),
            // Some file systems have no locks; redb does without, too.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Self(file)),
            Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                Err(OpenError::NoLocks { directory: directory.to_owned(), error })
            }
            Err(TryLockError::Error(error)) => Err(OpenError::Io { path, error }),
        }
    }
}

/// Whether an error says that the file system cannot lock: a network share without its lock service (`ENOLCK`).
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = if cfg!(target_os = "macos") { 77 } else { 37 };
    cfg!(unix) && error.raw_os_error() == Some(ENOLCK)
}

/// On a disk that refuses to write the file of an earlier start is as good.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path).or_else(|error| {
        // What was wrong at first says more.
        File::open(path).map_err(|_| error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Retention, Store, repair};

    #[test]
    fn a_directory_is_locked_once_and_free_again_after_that() {
        let directory = tempfile::tempdir().unwrap();
        let lock = Lock::of(directory.path()).unwrap();
        assert!(matches!(Lock::of(directory.path()), Err(OpenError::InUse { .. })));
        drop(lock);
        drop(Lock::of(directory.path()).unwrap());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_without_locks_is_named_as_such() {
        assert!(has_no_locks(&io::Error::from_raw_os_error(37)));
        assert!(!has_no_locks(&io::Error::from_raw_os_error(28)), "a full disk is something else");
        let error = io::Error::from_raw_os_error(37);
        let text = OpenError::NoLocks { directory: "/nfs".into(), error }.to_string();
        assert!(text.contains("does not lock") && !text.contains("full"), "{text}");
    }

    #[test]
    fn a_store_whose_disk_refuses_is_in_use_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
        store.database.stop_writing().unwrap();
        let again = Store::open(directory.path(), Retention::default()).err();
        assert!(matches!(again, Some(OpenError::InUse { .. })), "{again:?}");
        let salvaged = repair(directory.path());
        assert!(matches!(salvaged, Err(OpenError::InUse { .. })), "{salvaged:?}");
        store.database.write_again().unwrap();
        writer.close();
        drop(store);
        repair(directory.path()).unwrap();
    }
}
