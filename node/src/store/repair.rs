//! Saving what can be read from a damaged store.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use nostrp2p_protocol::{Event, UnverifiedEvent};
use redb::{Database, ReadableDatabase};

use super::{
    FILE, Mark, OpenError, Propagation, Retention, Store, compaction::Idle, lock::Lock, quietly, read,
    record, rows::RowsReader, tables, tables::EVENTS,
};

/// Places that may fail in one direction until it is given up: beyond, it would take too long for too little.
const MAX_FAILURES: u32 = 20_000;
/// After so many places in a row that fail, the steps become twice as long: a page holds a few dozen records, and what is
/// stepped over is met from the other end.
const PATIENCE: u32 = 64;

/// What [`repair`] has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// Where the damaged file is now.
    pub aside: PathBuf,
    /// Events that were saved: id and signature are right.
    pub events: u64,
    /// Records that were not right, and places where there may have been one that could not be read.
    pub lost: u64,
    /// Whether the owner could be read.
    pub owner: bool,
}

/// Sets the store of a data directory aside, under a name that ends in the time, and begins a new one with what can
/// still be read. Blocks until that is done. The node must not run.
///
/// # Errors
/// When the file cannot be moved, or the new store cannot be written.
pub fn repair(directory: &Path) -> Result<Repaired, OpenError> {
    let path = directory.join(FILE);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let aside = directory.join(format!("{FILE}.damaged-{now}"));
    let io = |error| OpenError::Io { path: path.clone(), error };
    let lock = Lock::of(directory)?;
    // A node of an earlier version has locked only this.
    let in_use = || matches!(Database::open(&path), Err(redb::DatabaseError::DatabaseAlreadyOpen));
    if quietly(in_use) == Some(true) {
        return Err(OpenError::InUse { directory: directory.to_owned() });
    }
    std::fs::rename(&path, &aside).map_err(io)?;
    let copy = directory.join(format!("{FILE}.salvaging"));
    std::fs::copy(&aside, &copy).map_err(io)?;
    let (store, writer) = Store::open_locked(lock, directory, Retention::EVERYTHING, Idle::default())?;
    let mut salvaged = Repaired { aside, events: 0, lost: 0, owner: false };
    // Even closing a damaged file may panic; what was read until then counts.
    quietly(|| {
        read_all(&copy, &mut salvaged, |saved| match saved {
            Saved::Owner(owner) => drop(writer.set_owner_blocking(owner)),
            Saved::Event(event, mark) => writer.store_blocking(event, Propagation::Restored(mark)),
        });
    });
    writer.close();
    drop(store);
    std::fs::remove_file(&copy).map_err(io)?;
    Ok(salvaged)
}

enum Saved {
    Owner(nostrp2p_protocol::PublicKey),
    Event(Event, Mark),
}

/// Reads a copy, for opening it may repair, which means change, it.
fn read_all(copy: &Path, salvaged: &mut Repaired, mut save: impl FnMut(Saved)) {
    let Some(Ok(database)) = quietly(|| Database::open(copy)) else { return };
    if let Some(Ok(Some(owner))) = quietly(|| tables::owner(&database.begin_read()?)) {
        salvaged.owner = true;
        save(Saved::Owner(owner));
    }
    let rows = quietly(|| RowsReader::of_damaged(&database.begin_read()?)).and_then(Result::ok);
    // A damaged number may lead far beyond what comes after it, so the way is gone from both ends.
    let mut seen = BTreeSet::new();
    for backwards in [false, true] {
        let mut place = 0;
        let (mut at, mut failures, mut in_a_row) = (if backwards { u64::MAX } else { 0 }, 0, 0);
        while failures < MAX_FAILURES {
            let found = match quietly(|| next(&database, at, backwards)) {
                Some(Ok(None)) => break,
                Some(Ok(Some((sequence, event)))) => {
                    place = sequence;
                    // In a damaged page the next one may be one that lies behind.
                    let onward = if backwards { sequence <= at } else { sequence >= at };
                    if onward {
                        (at, in_a_row) = (sequence, 0);
                    } else {
                        in_a_row += 1;
                    }
                    event
                }
                Some(Err(_)) | None => {
                    in_a_row += 1;
                    None
                }
            };
            failures += u32::from(in_a_row > 0);
            match found {
                // Those that were right in one direction are not checked again in the other.
                Some(event) if seen.contains(&event.id()) => {}
                found => match found.and_then(|event| UnverifiedEvent::from(event).verify().ok()) {
                    Some(event) => {
                        seen.insert(event.id());
                        salvaged.events += 1;
                        // What cannot be read any more is not shared.
                        let marked =
                            quietly(|| read::mark((&database.begin_read()?, rows.as_ref()), place, &event));
                        let mark = marked.and_then(Result::ok).unwrap_or(Mark::None);
                        save(Saved::Event(event, mark));
                    }
                    None if backwards => {}
                    None => salvaged.lost += 1,
                },
            }
            let step = 1_u64.checked_shl(in_a_row / PATIENCE).unwrap_or(u64::MAX);
            let Some(next) = (if backwards { at.checked_sub(step) } else { at.checked_add(step) }) else {
                break;
            };
            at = next;
        }
    }
}

/// The next record from a sequence number on, unchecked: no event when it cannot be decoded.
fn next(database: &Database, at: u64, backwards: bool) -> Result<Option<(u64, Option<Event>)>, redb::Error> {
    let events = database.begin_read()?.open_table(EVENTS)?;
    let mut range = if backwards { events.range(..=at)? } else { events.range(at..)? };
    let Some((sequence, value)) = (if backwards { range.next_back() } else { range.next() }).transpose()?
    else {
        return Ok(None);
    };
    Ok(Some((sequence.value(), record::decode(value.value()))))
}
