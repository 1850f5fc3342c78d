//! Used logins (NIP-98): without this, whoever sees one could use it again while its time is valid.
//!
//! Only logins that the owner signed get here, so nobody else can fill the table. None is forgotten before its time
//! is over, because then it would be valid again; so a full table refuses. A file in the data directory keeps them
//! over a restart. To refuse everything signed before the start instead would refuse honest programs whose clock is
//! behind, and would miss logins that are dated ahead.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use nostrp2p_protocol::EventId;

use super::login::{InvalidLogin, Login, MAX_SECONDS_APART, MAX_USED};
use crate::data_dir;

/// The file in the data directory.
const FILE: &str = "used-logins";
/// The row of one login in the file: the end of its validity, 8 bytes big-endian, and its id.
const ROW_BYTES: usize = 8 + EventId::LEN;

/// Logins that were used, each with the time until which it would fit. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct UsedLogins(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    used: BTreeMap<EventId, u64>,
    path: PathBuf,
    /// Open at its end, which is behind a whole row; None before the first row is written, and after a failure.
    file: Option<File>,
    syncing: Syncing,
}

/// The effect of a request that somebody else sends once more after a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeated {
    /// It answers with what only the owner may see.
    GivesAway,
    /// It publishes an event that the node has, or that is deleted.
    DoesNothing,
}

/// Whether what is written is on its way to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syncing {
    No,
    /// A thread waits for the disk.
    Now,
    /// A thread waits for the disk, and has to do so once more.
    Again,
}

impl UsedLogins {
    /// Takes up what an earlier run has written down in this data directory.
    pub(super) fn open(directory: &Path) -> Self {
        let path = directory.join(FILE);
        // Where there is none, nothing was used.
        let bytes = fs::read(&path).unwrap_or_default();
        let (rows, _half) = bytes.as_chunks::<ROW_BYTES>();
        let newest = rows.len().saturating_sub(MAX_USED);
        let used = rows.iter().skip(newest).filter_map(|row| {
            let (until, id) = row.split_first_chunk::<8>()?;
            Some((EventId::from_bytes(id.try_into().ok()?), u64::from_be_bytes(*until)))
        });
        Self(Arc::new(Mutex::new(Table { used: used.collect(), path, file: None, syncing: Syncing::No })))
    }

    /// Takes a login that fits for the one request it is good for. `now` in seconds since 1970. Writes 40 bytes to a file
    /// without waiting for the disk: a crash of the node forgets none of them. What gives something away is brought to the
    /// disk at once in the background, so a power cut forgets those of the moment that the disk takes.
    pub(super) fn use_up(&self, login: &Login, repeated: Repeated, now: u64) -> Result<(), InvalidLogin> {
        let mut table = self.table();
        if table.used.contains_key(&login.id) {
            return Err(InvalidLogin::Used);
        }
        if table.used.len() >= MAX_USED {
            table.used.retain(|_, until| *until >= now);
            table.file = None;
        }
        if table.used.len() >= MAX_USED {
            return Err(InvalidLogin::TooMany);
        }
        let until = login.created_at.saturating_add(MAX_SECONDS_APART);
        table.used.insert(login.id, until);
        if table.write_down(&login.id, until) && repeated == Repeated::GivesAway {
            self.sync_soon(&mut table);
        }
        Ok(())
    }

    /// Has what is written brought to the disk by a thread, one at a time.
    fn sync_soon(&self, table: &mut Table) {
        if table.syncing != Syncing::No {
            table.syncing = Syncing::Again;
            return;
        }
        let used = Self(Arc::clone(&self.0));
        let started = thread::Builder::new().name("used-logins".into()).spawn(move || used.sync());
        if started.is_ok() {
            table.syncing = Syncing::Now;
        }
    }

    fn sync(&self) {
        loop {
            let file = self.table().file.as_ref().and_then(|file| file.try_clone().ok());
            // What the disk refuses holds as long as the node runs, as in `write_down`.
            let _synced = file.map(|file| file.sync_data());
            let mut table = self.table();
            if table.syncing == Syncing::Now {
                table.syncing = Syncing::No;
                return;
            }
            table.syncing = Syncing::Now;
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Adds a row to the file, or writes all of it where it is not open. What cannot be written holds as long as the node
    /// runs: a full disk does not keep the owner out. Returns whether it is written.
    fn write_down(&mut self, id: &EventId, until: u64) -> bool {
        let written = match self.file.take() {
            Some(mut file) => file.write_all(&row(id, until)).map(|()| file),
            None => self.write_all(),
        };
        match written {
            Ok(file) => {
                self.file = Some(file);
                true
            }
            Err(error) => {
                let file = self.path.display();
                tracing::warn!(%file, %error, "a used login (NIP-98) is not remembered over a restart");
                false
            }
        }
    }

    fn write_all(&self) -> std::io::Result<File> {
        let rows: Vec<u8> = self.used.iter().flat_map(|(id, until)| row(id, *until)).collect();
        // A crash in between leaves the former file.
        let new = self.path.with_extension("new");
        data_dir::write_private(&new, &rows)?;
        fs::rename(&new, &self.path)?;
        OpenOptions::new().append(true).open(&self.path)
    }
}

fn row(id: &EventId, until: u64) -> [u8; ROW_BYTES] {
    let mut row = [0; ROW_BYTES];
    for (byte, value) in row.iter_mut().zip(until.to_be_bytes().iter().chain(id.as_bytes())) {
        *byte = *value;
    }
    row
}

#[cfg(test)]
mod tests {
    use super::{
        Repeated::{DoesNothing, GivesAway},
        *,
    };

    const NOW: u64 = 1_700_000_000;

    fn login(number: usize, created_at: u64) -> Login {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_le_bytes());
        Login::of(EventId::from_bytes(id), created_at)
    }

    #[test]
    fn a_login_is_good_once_and_a_full_table_forgets_only_what_is_too_old() {
        let directory = tempfile::tempdir().unwrap();
        let used = UsedLogins::open(directory.path());
        assert_eq!(used.use_up(&login(0, NOW), GivesAway, NOW), Ok(()));
        assert_eq!(used.use_up(&login(0, NOW), GivesAway, NOW + 60), Err(InvalidLogin::Used));
        for number in 1..MAX_USED {
            assert_eq!(used.use_up(&login(number, NOW + 60), GivesAway, NOW), Ok(()));
        }
        assert_eq!(used.use_up(&login(MAX_USED, NOW), GivesAway, NOW + 60), Err(InvalidLogin::TooMany));
        let used = UsedLogins::open(directory.path());
        assert_eq!(
            used.use_up(&login(MAX_USED, NOW), GivesAway, NOW + 60),
            Err(InvalidLogin::TooMany),
            "after a restart"
        );
        assert_eq!(used.use_up(&login(MAX_USED, NOW + 61), GivesAway, NOW + 61), Ok(()), "the first is over");
        assert_eq!(used.use_up(&login(1, NOW + 60), GivesAway, NOW + 61), Err(InvalidLogin::Used));
        let bytes = fs::metadata(directory.path().join(FILE)).unwrap().len();
        assert_eq!(bytes, u64::try_from(MAX_USED * ROW_BYTES).unwrap(), "the first has left the file too");
    }

    #[test]
    fn a_row_that_comes_while_a_thread_waits_for_the_disk_is_brought_there_by_the_same_thread() {
        let directory = tempfile::tempdir().unwrap();
        let used = UsedLogins::open(directory.path());
        assert_eq!(used.use_up(&login(0, NOW), GivesAway, NOW), Ok(()));
        while used.table().syncing != Syncing::No {
            thread::yield_now();
        }
        let mut table = used.table();
        let expected = [Syncing::Now, Syncing::Again, Syncing::Again];
        let seen = expected.map(|_| {
            used.sync_soon(&mut table);
            table.syncing
        });
        assert_eq!(seen, expected);
        drop(table);
        while used.table().syncing != Syncing::No {
            thread::yield_now();
        }
    }

    #[test]
    fn a_login_that_only_publishes_is_written_down_without_a_word_to_the_disk() {
        let directory = tempfile::tempdir().unwrap();
        let used = UsedLogins::open(directory.path());
        assert_eq!(used.use_up(&login(0, NOW), DoesNothing, NOW), Ok(()));
        assert_eq!(used.table().syncing, Syncing::No);
        let used = UsedLogins::open(directory.path());
        assert_eq!(used.use_up(&login(0, NOW), DoesNothing, NOW), Err(InvalidLogin::Used));
    }

    #[test]
    fn half_a_row_and_a_disk_that_refuses_lose_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let used = UsedLogins::open(directory.path());
        assert_eq!(used.use_up(&login(1, NOW), GivesAway, NOW), Ok(()));
        let path = directory.path().join(FILE);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&[7; ROW_BYTES - 1]).unwrap();
        for number in 2..4 {
            let used = UsedLogins::open(directory.path());
            assert_eq!(used.use_up(&login(1, NOW), GivesAway, NOW), Err(InvalidLogin::Used));
            assert_eq!(used.use_up(&login(number, NOW), GivesAway, NOW), Ok(()));
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let used = UsedLogins::open(directory.path());
        assert_eq!(used.use_up(&login(9, NOW), GivesAway, NOW), Ok(()));
        assert_eq!(used.use_up(&login(9, NOW), GivesAway, NOW), Err(InvalidLogin::Used));
    }
}
