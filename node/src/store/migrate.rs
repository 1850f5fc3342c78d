//! From the tables of an earlier version to those of today, in the transaction that opens the store.
//!
//! | schema | new |
//! |---|---|
//! | 1 | the first |
//! | 2 | tombstones, ends of events, read markers, siblings |
//! | 3 | events that neighbours may have when they catch up |
//! | 4 | those of an author and hour, and since when people are known |
//! | 5 | sequence numbers that a crash must not give again |

use nostrp2p_core::{Audience, audience};
use nostrp2p_protocol::Kind;
use redb::{ReadableTable, WriteTransaction};

use super::{
    Progress,
    index::{self, Prefix},
    newcomers,
    tables::{META, META_SCHEMA, SCHEMA},
    write::Tables,
};

/// Brings the tables from schema `from` to [`SCHEMA`], and creates those that are missing.
pub(super) fn migrate(
    transaction: &WriteTransaction,
    from: u64,
    progress: Progress,
) -> Result<Progress, redb::Error> {
    // Opening a table creates it.
    let mut tables = Tables::open(transaction)?;
    if from >= SCHEMA {
        return Ok(progress);
    }
    tracing::info!(from, to = SCHEMA, events = progress.stored, "bringing the store up to date");
    if from < 2 {
        note_ends(&mut tables)?;
        apply_deletions(&mut tables)?;
    }
    if from < 3 {
        share(&mut tables)?;
    } else if from < 4 {
        number_by_hour(&mut tables)?;
    }
    let progress = tables.finish(true)?.progress;
    transaction.open_table(META)?.insert(META_SCHEMA, SCHEMA)?;
    Ok(progress)
}

fn note_ends(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    let sequences: Vec<u64> =
        tables.events.iter()?.map(|row| row.map(|row| row.0.value())).collect::<Result<_, _>>()?;
    for sequence in sequences {
        if let Some(event) = tables.event(sequence)? {
            tables.note_end(sequence, &event)?;
        }
    }
    Ok(())
}

/// Deletions are left out: nobody wrote down which were for everyone.
fn share(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    let sequences: Vec<u64> =
        tables.events.iter()?.map(|row| row.map(|row| row.0.value())).collect::<Result<_, _>>()?;
    for sequence in sequences {
        if let Some(event) = tables.event(sequence)?
            && audience(&event) == Audience::Everyone
        {
            tables.shared.insert(&event, sequence)?;
            newcomers::know_everybody(tables, &event)?;
        }
    }
    Ok(())
}

fn number_by_hour(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    for sequence in tables.shared.sequences()? {
        if let Some(event) = tables.event(sequence)? {
            tables.shared.insert(&event, sequence)?;
            newcomers::know_everybody(tables, &event)?;
        }
    }
    Ok(())
}

fn apply_deletions(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    tables.index.settle()?;
    let rows = Prefix::kind(Kind::DELETION).range(0, u64::MAX);
    let mut deletions = Vec::new();
    for row in tables.index.range(&rows)? {
        let Some((_, sequence)) = index::tail(row?.0.value()) else { continue };
        deletions.extend(tables.event(sequence)?);
    }
    for deletion in deletions {
        tables.delete(&deletion)?;
    }
    Ok(())
}
