//! What is kept and what is dropped.

use std::collections::BTreeSet;

use nostrp2p_protocol::{Event, Kind, PublicKey};
use redb::{ReadableTable, ReadableTableMetadata};

use super::{
    index::{self, Prefix},
    newcomers,
    write::Tables,
    writer::GROUP,
};

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Most events. Default 100,000.
    pub events: u64,
    /// Longest time since `created_at`, in seconds. Default 30 days.
    pub seconds: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events: 100_000, seconds: 30 * 86_400 }
    }
}

/// Rows looked at in one go, so that a commit stays short: more than can have come since the last sweep.
pub(super) const SWEEP_ROWS: usize = 2 * GROUP;
/// How much longer than events their tombstones are kept, in seconds: clocks differ.
const TOMBSTONES_LONGER: u64 = 86_400;

/// Where the last sweep stopped, so that the next one goes on there: what is kept for ever must not hide the rest.
#[derive(Debug, Default)]
pub(super) struct Place(Option<Vec<u8>>);

/// Drops events that have ended, and what is beyond the retention: first those of newcomers, as far as they are more than
/// their share, then the oldest. The owner's own stay, and so do the profiles and
/// follow lists of people in use: the owner, whom the owner follows, and whoever wrote something that is stored.
pub(super) fn sweep(
    tables: &mut Tables<'_>,
    retention: Retention,
    owner: Option<PublicKey>,
    now: u64,
    place: &mut Place,
) -> Result<(), redb::Error> {
    tables.index.settle()?;
    drop_ended(tables, now)?;
    let horizon = now.saturating_sub(retention.seconds);
    tables.tombstones.purge(horizon.saturating_sub(TOMBSTONES_LONGER), owner)?;
    let mut surplus = tables.events.len()?.saturating_sub(retention.events);
    let followed = followed_by(tables, owner)?;
    surplus -= newcomers::sweep(tables, retention.events, surplus, &followed, now)?;
    newcomers::purge(tables, horizon, retention.events)?;
    let (first, last) = Prefix::all().range(0, u64::MAX);
    let from = place.0.take().unwrap_or(first);
    let mut victims = Vec::new();
    for (number, row) in tables.index.range(&(from, last))?.enumerate() {
        let key = row?.0;
        if number == SWEEP_ROWS {
            place.0 = Some(key.value().to_vec());
            break;
        }
        let Some((created_at, sequence)) = index::tail(key.value()) else { continue };
        if surplus == 0 && created_at >= horizon {
            // The rest is younger.
            break;
        }
        let Some(event) = tables.event(sequence)? else { continue };
        if stays(tables, &event, owner, &followed)? {
            continue;
        }
        surplus = surplus.saturating_sub(1);
        victims.push((sequence, event));
    }
    for (sequence, event) in victims {
        tables.remove(sequence, &event)?;
    }
    Ok(())
}

fn drop_ended(tables: &mut Tables<'_>, now: u64) -> Result<(), redb::Error> {
    let mut ended = Vec::new();
    for row in tables.ends.range(..=(now, u64::MAX))?.take(SWEEP_ROWS) {
        ended.push(row?.0.value());
    }
    for (end, sequence) in ended {
        if let Some(event) = tables.event(sequence)? {
            tables.remove(sequence, &event)?;
        }
        tables.ends.remove((end, sequence))?;
    }
    Ok(())
}

fn stays(
    tables: &Tables<'_>,
    event: &Event,
    owner: Option<PublicKey>,
    followed: &BTreeSet<PublicKey>,
) -> Result<bool, redb::Error> {
    if Some(event.pubkey) == owner {
        return Ok(true);
    }
    if !matches!(event.kind, Kind::PROFILE | Kind::FOLLOW_LIST) {
        return Ok(false);
    }
    Ok(followed.contains(&event.pubkey) || writes(tables, &event.pubkey)?)
}

/// Whether something of a person is stored besides profile and follow list.
fn writes(tables: &Tables<'_>, person: &PublicKey) -> Result<bool, redb::Error> {
    let kinds = tables.index.kinds_of(person, 3)?;
    Ok(kinds.into_iter().any(|kind| !matches!(kind, Kind::PROFILE | Kind::FOLLOW_LIST)))
}

fn followed_by(tables: &Tables<'_>, owner: Option<PublicKey>) -> Result<BTreeSet<PublicKey>, redb::Error> {
    let Some(owner) = owner else { return Ok(BTreeSet::new()) };
    let rows = Prefix::author_kind(&owner, Kind::FOLLOW_LIST).range(0, u64::MAX);
    let Some(row) = tables.index.range(&rows)?.next_back() else {
        return Ok(BTreeSet::new());
    };
    let Some((_, sequence)) = index::tail(row?.0.value()) else { return Ok(BTreeSet::new()) };
    let list = tables.event(sequence)?;
    let people = |list: Event| list.tag_values("p").filter_map(|person| person.parse().ok()).collect();
    Ok(list.map(people).unwrap_or_default())
}
