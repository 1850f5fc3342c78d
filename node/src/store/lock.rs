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
            Err(TryLockError::Error(error)) => Err(OpenError::Io { path, error }),
        }
    }
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
    use crate::store::{Retention, Store, salvage};

    #[test]
    fn a_directory_is_locked_once_and_free_again_after_that() {
        let directory = tempfile::tempdir().unwrap();
        let lock = Lock::of(directory.path()).unwrap();
        assert!(matches!(Lock::of(directory.path()), Err(OpenError::InUse { .. })));
        drop(lock);
        drop(Lock::of(directory.path()).unwrap());
    }

    #[test]
    fn a_store_whose_disk_refuses_is_in_use_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
        store.database.stop_writing().unwrap();
        let again = Store::open(directory.path(), Retention::default()).err();
        assert!(matches!(again, Some(OpenError::InUse { .. })), "{again:?}");
        let salvaged = salvage(directory.path());
        assert!(matches!(salvaged, Err(OpenError::InUse { .. })), "{salvaged:?}");
        store.database.write_again().unwrap();
        writer.close();
        drop(store);
        salvage(directory.path()).unwrap();
    }
}
