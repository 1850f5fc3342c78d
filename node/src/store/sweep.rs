//! What is dropped, after every so many new events: what has ended, what is too old, and what is too much.

mod keeping;
mod newcomers;
mod surplus;

use std::collections::BTreeSet;

use nostrp2p_protocol::PublicKey;
use redb::ReadableTable;

use super::{
    index::{self, Prefix},
    retention::{Retention, SWEEP_ROWS},
    rows::FindRows,
    write::Tables,
};
use keeping::stays;

/// How much longer than events their tombstones are kept, in seconds: clocks differ.
const TOMBSTONES_LONGER: u64 = 86_400;

/// Where the last sweep stopped, so that the next one goes on there: what is kept for ever must not hide the rest.
#[derive(Debug, Default)]
pub(super) struct SweepPosition(Option<Vec<u8>>);

/// Drops events that have ended, and of other people's events what is too old, then what is too much: first those of
/// newcomers, as far as they are more than their share, then what [`surplus`] says. Never the owner's own and mail; nor
/// the profiles and lists of people in use: whom the owner follows, and whoever wrote something that is stored.
///
/// As long as a store has no owner, age drops nothing: nobody knows whose the events are.
pub(super) fn sweep(
    tables: &mut Tables<'_>,
    retention: Retention,
    now: u64,
    place: &mut SweepPosition,
) -> Result<(), redb::Error> {
    drop_ended(tables, now)?;
    let horizon = now.saturating_sub(retention.seconds);
    tables.tombstones.purge(horizon.saturating_sub(TOMBSTONES_LONGER))?;
    let circle = tables.circle()?;
    let followed = &circle.followed;
    if tables.owner.is_some() {
        drop_old(tables, horizon, followed, place)?;
    }
    let excess = |tables: &Tables<'_>| retention.excess(&tables.usage);
    newcomers::sweep(tables, retention.events, excess, followed, now)?;
    newcomers::purge(tables, horizon, retention.events)?;
    surplus::drop_heaviest(tables, excess, followed)?;
    tables.circle = Some(circle);
    Ok(())
}

fn drop_old(
    tables: &mut Tables<'_>,
    horizon: u64,
    followed: &BTreeSet<PublicKey>,
    place: &mut SweepPosition,
) -> Result<(), redb::Error> {
    let Some(until) = horizon.checked_sub(1) else { return Ok(()) };
    let (first, last) = Prefix::all().range(0, until);
    let from = place.0.take().filter(|from| *from <= last).unwrap_or(first);
    let mut victims = Vec::new();
    let mut looked_at = 0;
    let mut rows = tables.rows.forwards(&(from, last))?;
    while let Some(row) = rows.next()? {
        if looked_at == SWEEP_ROWS {
            place.0 = Some(row.to_vec());
            break;
        }
        looked_at += 1;
        let row = index::tail(row).filter(|(_, sequence)| *sequence <= tables.came_before);
        let Some((_, sequence)) = row else { continue };
        let Some(event) = tables.event(sequence)? else { continue };
        if !stays(tables, sequence, &event, followed)? {
            victims.push((sequence, event));
        }
    }
    drop(rows);
    for (sequence, event) in victims {
        tables.remove(sequence, &event)?;
    }
    Ok(())
}

fn drop_ended(tables: &mut Tables<'_>, now: u64) -> Result<(), redb::Error> {
    let mut ended = Vec::new();
    for row in tables.ends.get()?.range(..=(now, u64::MAX))?.take(SWEEP_ROWS) {
        ended.push(row?.0.value());
    }
    for (end, sequence) in ended {
        if let Some(event) = tables.event(sequence)? {
            tables.remove(sequence, &event)?;
        }
        tables.ends.get_mut()?.remove((end, sequence))?;
    }
    Ok(())
}
