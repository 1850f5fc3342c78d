//! Giving disk back: redb keeps the pages of what was dropped and writes on them again, but its file does not become
//! shorter while they lie in its middle. So a file that is mostly empty is compacted when the store is opened, before
//! anybody reads, and when nothing has been written for a while. Whoever reads meanwhile waits, so a running node leaves
//! that to the next start when it holds much.

use std::{path::Path, time::Duration};

use redb::{CompactionError, Database};

use super::{quietly, usage::Usage};

/// A shorter file is left alone, in bytes: there is not enough to gain for a slower start.
pub(super) const WORTHWHILE: u64 = 64 * 1024 * 1024;
/// Bytes that the store holds at most when it is compacted while the node runs: about a second on a slow disk. A guess.
const MOST_WHILE_RUNNING: u64 = 128 * 1024 * 1024;

/// When a running node gives disk back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Idle {
    /// So long nothing was written.
    pub(super) after: Duration,
    /// The shortest file that is looked at, in bytes.
    pub(super) worthwhile: u64,
}

impl Default for Idle {
    fn default() -> Self {
        Self { after: Duration::from_secs(30), worthwhile: WORTHWHILE }
    }
}

/// A file is mostly empty when it is so many times as long as what it holds.
const MOSTLY_EMPTY: u64 = 3;

/// Whether a file of so many bytes is long enough and mostly empty.
fn is_worthwhile(length: u64, usage: &Usage, worthwhile: u64) -> bool {
    length >= worthwhile && length / MOSTLY_EMPTY >= usage.bytes()
}

/// The same for a file that is in use.
pub(super) fn is_worthwhile_now(length: u64, usage: &Usage, worthwhile: u64) -> bool {
    usage.bytes() <= MOST_WHILE_RUNNING && is_worthwhile(length, usage, worthwhile)
}

/// Compacts the file if it is at least `worthwhile` bytes long and mostly empty. A failure costs nothing but the time.
pub(super) fn give_back(database: &mut Database, path: &Path, usage: &Usage, worthwhile: u64) {
    let length = || std::fs::metadata(path).map_or(0, |file| file.len());
    let before = length();
    if !is_worthwhile(before, usage, worthwhile) {
        return;
    }
    match quietly(|| database.compact()) {
        Some(Ok(_)) => tracing::info!(before, after = length(), "the store gave disk back"),
        Some(Err(CompactionError::TransactionInProgress)) => {
            tracing::debug!("the store is being read; it gives disk back later");
        }
        Some(Err(error)) => tracing::warn!(%error, "the store could not give disk back"),
        None => tracing::warn!("the store could not give disk back: its pages do not fit together"),
    }
}
