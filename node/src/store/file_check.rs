//! That the store's file is still where it was opened. A file that was removed, moved or replaced while the node runs takes
//! every write without an error, and all of it is lost when the node ends.

use std::{
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// The file that was opened.
#[derive(Debug)]
pub(super) struct FileCheck {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl FileCheck {
    /// Remembers which file is at this path now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(&std::fs::metadata(path)?) })
    }

    /// Whether the same file is still there. Costs one system call.
    ///
    /// # Errors
    /// One that says what happened, for the person who runs the node.
    pub(super) fn check(&self) -> io::Result<()> {
        let shown = self.path.display();
        match std::fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => Ok(()),
            Ok(_) => Err(io::Error::other(format!(
                "another file is at {shown} now, so the node stores nothing; start the node again to use that file"
            ))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "{shown} was removed or moved, so the node stores nothing; put it back and the node goes on, or stop the \
                     node and restore a backup"
                ),
            )),
            // A directory that cannot be read for a moment says nothing about the file.
            Err(_) => Ok(()),
        }
    }
}

/// What tells a file that was put back from a backup from one that the program itself wrote last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FileMark {
    /// Which file it is, as far as the file system says so: a copy has another.
    pub(super) file: u64,
    /// When it was written last, in seconds since 1970.
    pub(super) written: u64,
}

impl FileMark {
    /// Of the file at this path; of one that is not there yet, nothing.
    pub(super) fn of(path: &Path) -> Self {
        let Ok(metadata) = std::fs::metadata(path) else { return Self::default() };
        let since = |time: io::Result<SystemTime>| time.ok()?.duration_since(UNIX_EPOCH).ok();
        let born = since(metadata.created())
            .map_or(0, |since| since.as_secs() ^ u64::from(since.subsec_nanos()) << 32);
        let number = identity(&metadata).map_or(0, |(_, inode)| inode);
        let written = since(metadata.modified()).map_or(0, |since| since.as_secs());
        Self { file: number.rotate_left(17) ^ born, written }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere a file that is open can be neither removed nor replaced.
#[cfg(not(unix))]
const fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use crate::store::{
        FILE, Propagation,
        tests::{commit, open, post},
    };

    #[tokio::test]
    async fn a_store_that_was_removed_takes_nothing_until_it_is_put_back() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("data");
        std::fs::create_dir(&folder).unwrap();
        let (store, writer) = open(&folder);
        commit(&writer, &post(1, 1, "before")).await;
        assert_eq!(store.failure(), None);
        let aside = directory.path().join("aside");
        std::fs::rename(&folder, &aside).unwrap();
        assert!(store.failure().unwrap().contains("removed or moved"), "before anybody writes");
        let refused = writer.commit(post(1, 2, "lost"), Propagation::Done).await.await.unwrap();
        assert!(refused.unwrap_err().contains("removed or moved"));
        assert!(!folder.exists(), "no empty store is made in its place");
        let mut failures = store.failures();
        assert!(failures.borrow().is_some());
        assert_eq!(store.after(0).unwrap().events.len(), 1, "what is open can be read meanwhile");
        std::fs::rename(&aside, &folder).unwrap();
        failures.wait_for(Option::is_none).await.unwrap();
        assert_eq!(store.failure(), None);
        commit(&writer, &post(1, 3, "after")).await;
        let kept: Vec<String> =
            store.after(0).unwrap().events.into_iter().map(|event| event.content.clone()).collect();
        assert_eq!(kept, ["before", "after"]);
        writer.close();
    }

    #[tokio::test]
    async fn a_store_that_was_replaced_is_noticed_and_the_other_one_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let (other, other_writer) = open(elsewhere.path());
        commit(&other_writer, &post(2, 1, "of another store")).await;
        other_writer.close();
        drop(other);
        let (store, writer) = open(directory.path());
        commit(&writer, &post(1, 1, "of this store")).await;
        std::fs::rename(elsewhere.path().join(FILE), directory.path().join(FILE)).unwrap();
        assert!(store.failure().unwrap().contains("another file"));
        let refused = writer.commit(post(1, 2, "lost"), Propagation::Done).await.await.unwrap();
        assert!(refused.unwrap_err().contains("another file"));
        let read = store.after(0).unwrap().events;
        assert_eq!(read.iter().map(|event| event.content.as_str()).collect::<Vec<_>>(), ["of this store"]);
        writer.close();
    }
}
