//! Giving disk back: redb keeps the pages of what was dropped and writes on them again, but its file does not become
//! shorter while they lie in its middle. So a file that is mostly empty is compacted when the store is opened, before
//! anybody reads.

use std::path::Path;

use redb::Database;

use super::{quietly, usage::Usage};

/// A shorter file is left alone, in bytes: there is not enough to gain for a slower start.
pub(super) const WORTHWHILE: u64 = 64 * 1024 * 1024;
/// A file is mostly empty when it is so many times as long as what it holds.
const MOSTLY_EMPTY: u64 = 3;

/// Compacts the file if it is at least `worthwhile` bytes long and mostly empty. A failure costs nothing but the time.
pub(super) fn give_back(database: &mut Database, path: &Path, usage: &Usage, worthwhile: u64) {
    let length = || std::fs::metadata(path).map_or(0, |file| file.len());
    let before = length();
    if before < worthwhile || before / MOSTLY_EMPTY < usage.bytes() {
        return;
    }
    match quietly(|| database.compact()) {
        Some(Ok(_)) => tracing::info!(before, after = length(), "the store gave disk back"),
        Some(Err(error)) => tracing::warn!(%error, "the store could not give disk back"),
        None => tracing::warn!("the store could not give disk back: its pages do not fit together"),
    }
}
