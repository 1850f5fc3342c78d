//! From the tables of an earlier version to those of today, in the transaction that opens the store.
//!
//! | schema | new |
//! |---|---|
//! | 1 | the first |
//! | 2 | tombstones, ends of events, read markers, own nodes |
//! | 3 | events that neighbours may have when they catch up |
//! | 4 | those of an author and hour, and since when people are known |
//! | 5 | sequence numbers that a crash must not give again |
//! | 6 | ids by their beginning, what an author has written kind by kind, places by hour |
//! | 7 | whose an event is: mail and its senders, bytes |
//! | 8 | addresses, posts for everyone apart from those for some, deletions in portions |
//! | 9 | tombstones of each author counted, with short identifiers |
//! | 10 | comments and voice answers for everyone apart from those for some |
//! | 11 | all rows by which events are found in one table, the newest of them in a log and in memory |

use std::collections::BTreeSet;

use nostrp2p_protocol::{
    EventId, Kind,
    event_policy::{Audience, audience, conversation_kinds},
};
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::{
    StoreProgress, ids,
    index::{self, Prefix},
    owner,
    rows::{FindRows, Memtables},
    shared,
    tables::{META, META_SCHEMA, SCHEMA},
    write::Tables,
};

/// Until schema 5: event id -> sequence number.
pub(super) const OLD_IDS: TableDefinition<&[u8; 32], u64> = TableDefinition::new("ids");
/// Until schema 5: rows with whole authors.
pub(super) const OLD_INDEX: TableDefinition<&[u8], ()> = TableDefinition::new("index");
/// Until schema 5: rows that began with a hash.
pub(super) const OLD_PLACES: TableDefinition<&[u8; 48], ()> = TableDefinition::new("places");
/// Until schema 10: first 8 bytes of an id, and sequence number.
pub(super) const OLD_BEGINNINGS: TableDefinition<(u64, u64), ()> = TableDefinition::new("ids_by_beginning");
/// Until schema 10: `created_at` and id of a shared event -> sequence number.
pub(super) const OLD_SHARED: TableDefinition<(u64, &[u8; 32]), u64> = TableDefinition::new("shared");
/// Until schema 10: what counts together, and id.
pub(super) const OLD_HOURS: TableDefinition<&[u8; 48], ()> = TableDefinition::new("places_by_hour");

/// Since when those are known whose events were here before anybody wrote that down.
const ALWAYS: u64 = 0;

/// Brings the tables from schema `from` to [`SCHEMA`], and creates those that are missing.
pub(super) fn migrate(
    transaction: &WriteTransaction,
    from: u64,
    progress: StoreProgress,
) -> Result<StoreProgress, redb::Error> {
    let memtables = Memtables::default();
    let mut tables = Tables::open(transaction, &memtables)?;
    tables.create_missing()?;
    if from >= SCHEMA {
        return Ok(progress);
    }
    tables.rows.go_straight();
    tracing::info!(from, to = SCHEMA, events = progress.stored, "bringing the store up to date");
    // However much there is, it is brought up to date now.
    tables.deletion_rows = usize::MAX;
    unite_rows(transaction, &mut tables)?;
    if from < 6 {
        find_anew(transaction, &mut tables)?;
    } else if from < 8 {
        find_addresses(&mut tables)?;
        part_conversations(&mut tables, &[Kind::POST].into())?;
    }
    if (6..10).contains(&from) {
        let comments = conversation_kinds().into_iter().filter(|kind| *kind != Kind::POST).collect();
        part_conversations(&mut tables, &comments)?;
    }
    if from < 2 {
        note_ends(&mut tables)?;
        apply_deletions(&mut tables)?;
    }
    if from < 3 {
        share(&mut tables)?;
    } else {
        share_no_replies(&mut tables)?;
        number_by_hour(&mut tables, from < 4)?;
    }
    if from < 7 {
        owner::classify(&mut tables)?;
    }
    if from < 9 {
        tables.tombstones.rebuild()?;
    }
    let progress = tables.finish(&memtables, true, 0)?.progress;
    transaction.open_table(META)?.insert(META_SCHEMA, SCHEMA)?;
    Ok(progress)
}

/// Puts the rows of tables that there were until schema 10 into the one that there is now.
fn unite_rows(transaction: &WriteTransaction, tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    for row in transaction.open_table(OLD_SHARED)?.iter()? {
        let (key, sequence) = row?;
        let (created_at, id) = key.value();
        tables.rows.insert(shared::row((created_at, &EventId::from_bytes(*id)), sequence.value()))?;
    }
    for row in transaction.open_table(OLD_HOURS)?.iter()? {
        tables.rows.insert([&[shared::BY_HOUR], row?.0.value().as_slice()].concat())?;
    }
    for row in transaction.open_table(OLD_BEGINNINGS)?.iter()? {
        let (beginning, sequence) = row?.0.value();
        tables.rows.insert(ids::row(beginning, sequence))?;
    }
    transaction.delete_table(OLD_SHARED)?;
    transaction.delete_table(OLD_HOURS)?;
    transaction.delete_table(OLD_BEGINNINGS)?;
    Ok(())
}

/// Writes down by id and by everything else where each event is.
fn find_anew(transaction: &WriteTransaction, tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    transaction.delete_table(OLD_IDS)?;
    transaction.delete_table(OLD_INDEX)?;
    transaction.delete_table(OLD_PLACES)?;
    for sequence in tables.sequences()? {
        if let Some(event) = tables.event(sequence)? {
            ids::insert(&mut tables.rows, &event.id(), sequence)?;
            index::add(&mut tables.rows, &event, sequence)?;
        }
    }
    Ok(())
}

/// Writes down under which addresses events are.
fn find_addresses(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    for sequence in in_range(tables, Prefix::kind(Kind(30_000)), Prefix::kind(Kind(39_999)))? {
        if let Some(event) = tables.event(sequence)? {
            index::add(&mut tables.rows, &event, sequence)?;
        }
    }
    Ok(())
}

/// Puts events of these kinds for everyone apart from those for some.
fn part_conversations(tables: &mut Tables<'_>, kinds: &BTreeSet<Kind>) -> Result<(), redb::Error> {
    for kind in kinds {
        for sequence in in_range(tables, Prefix::kind(*kind), Prefix::kind(*kind))? {
            if let Some(event) = tables.event(sequence)?
                && audience(&event) == Audience::Everyone
            {
                index::add(&mut tables.rows, &event, sequence)?;
                tables.rows.remove(Prefix::kind(*kind).row(event.created_at, sequence))?;
            }
        }
    }
    Ok(())
}

/// The sequence numbers in the rows from the first of one key to the last of another.
fn in_range(tables: &Tables<'_>, first: Prefix, last: Prefix) -> Result<Vec<u64>, redb::Error> {
    let ((first, _), (_, last)) = (first.range(0, u64::MAX), last.range(0, u64::MAX));
    let mut sequences = Vec::new();
    let mut rows = tables.rows.forwards(&(first, last))?;
    while let Some(row) = rows.next()? {
        sequences.extend(index::tail(row).map(|(_, sequence)| sequence));
    }
    Ok(sequences)
}

/// Until schema 7 a reply that quotes was taken for one that is for everyone. Nobody takes it by catching up any more.
fn share_no_replies(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    for sequence in shared::sequences(&tables.rows)? {
        if let Some(event) = tables.event(sequence)?
            && !matches!(audience(&event), Audience::Everyone | Audience::AsTargets)
        {
            tables.shared.remove(&mut tables.rows, &event)?;
        }
    }
    Ok(())
}

fn note_ends(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    for sequence in tables.sequences()? {
        if let Some(event) = tables.event(sequence)? {
            tables.note_end(sequence, &event)?;
        }
    }
    Ok(())
}

/// Deletions are left out: nobody wrote down which were for everyone.
fn share(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    for sequence in tables.sequences()? {
        if let Some(event) = tables.event(sequence)?
            && audience(&event) == Audience::Everyone
        {
            tables.shared.insert(&mut tables.rows, &event, sequence)?;
            tables.newcomers.know(&event.pubkey, ALWAYS)?;
        }
    }
    Ok(())
}

fn number_by_hour(tables: &mut Tables<'_>, everybody_is_known: bool) -> Result<(), redb::Error> {
    for sequence in shared::sequences(&tables.rows)? {
        if let Some(event) = tables.event(sequence)? {
            tables.shared.insert(&mut tables.rows, &event, sequence)?;
            if everybody_is_known {
                tables.newcomers.know(&event.pubkey, ALWAYS)?;
            }
        }
    }
    Ok(())
}

fn apply_deletions(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    let mut deletions = Vec::new();
    for sequence in in_range(tables, Prefix::kind(Kind::DELETION), Prefix::kind(Kind::DELETION))? {
        deletions.extend(tables.event(sequence)?.map(|deletion| (sequence, deletion)));
    }
    for (sequence, deletion) in deletions {
        tables.delete(sequence, &deletion)?;
    }
    Ok(())
}
