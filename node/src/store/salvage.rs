//! Saving what can be read from a damaged store.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use nostrp2p_protocol::{Event, UnverifiedEvent};
use redb::{Database, ReadableDatabase, ReadableTable};

use super::{FILE, OpenError, Retention, Store, lock::Lock, quietly, record, tables, tables::EVENTS};

/// What [`salvage`] has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Where the damaged file is now.
    pub aside: PathBuf,
    /// Events that were saved: id and signature are right.
    pub events: u64,
    /// Records that could not be read, or were not right.
    pub lost: u64,
    /// Whether the owner could be read.
    pub owner: bool,
}

/// Sets the store of a data directory aside, under a name that ends in the time, and begins a new one with what can
/// still be read. Blocks until that is done. The node must not run.
///
/// # Errors
/// When the file cannot be moved, or the new store cannot be written.
pub fn salvage(directory: &Path) -> Result<Salvaged, OpenError> {
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
    let (store, writer) =
        Store::open_locked(lock, directory, Retention { events: u64::MAX, seconds: u64::MAX })?;
    let mut salvaged = Salvaged { aside, events: 0, lost: 0, owner: false };
    // Even closing a damaged file may panic; what was read until then counts.
    quietly(|| {
        read(&copy, &mut salvaged, |saved| match saved {
            Saved::Owner(owner) => drop(writer.set_owner_blocking(owner)),
            Saved::Event(event) => writer.store_blocking(event),
        });
    });
    writer.close();
    drop(store);
    std::fs::remove_file(&copy).map_err(io)?;
    Ok(salvaged)
}

enum Saved {
    Owner(nostrp2p_protocol::PublicKey),
    Event(Event),
}

/// Reads a copy, for opening it may repair, which means change, it.
fn read(copy: &Path, salvaged: &mut Salvaged, mut save: impl FnMut(Saved)) {
    let Some(Ok(database)) = quietly(|| Database::open(copy)) else { return };
    if let Some(Ok(Some(owner))) = quietly(|| tables::owner(&database.begin_read()?)) {
        salvaged.owner = true;
        save(Saved::Owner(owner));
    }
    let newest = quietly(|| {
        let transaction = database.begin_read()?;
        let newest = transaction.open_table(EVENTS)?.last()?.map_or(0, |(sequence, _)| sequence.value());
        Ok::<_, redb::Error>(newest)
    });
    // When the end cannot be read, looking further than this would take too long for too little.
    let newest = newest.and_then(Result::ok).unwrap_or(1_000_000);
    for sequence in 1..=newest {
        match quietly(|| event(&database, sequence)) {
            Some(Ok(None)) => {}
            Some(Ok(Some(Some(event)))) => {
                salvaged.events += 1;
                save(Saved::Event(event));
            }
            Some(Ok(Some(None)) | Err(_)) | None => salvaged.lost += 1,
        }
    }
}

/// A record, checked as if it came from a stranger; `Some(None)` when it is not right.
fn event(database: &Database, sequence: u64) -> Result<Option<Option<Event>>, redb::Error> {
    let events = database.begin_read()?.open_table(EVENTS)?;
    let Some(value) = events.get(sequence)? else { return Ok(None) };
    let event = record::decode(value.value());
    Ok(Some(event.and_then(|event| UnverifiedEvent::from(event).verify().ok())))
}
