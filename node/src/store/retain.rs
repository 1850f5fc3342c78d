//! What is kept and what is dropped.

use std::collections::BTreeSet;

use nostrp2p_protocol::{Event, Kind, PublicKey, event_policy::is_served_on_request};
use redb::ReadableTable;

use super::{
    index::{self, Prefix},
    known_authors,
    rows::{FindRows, MOVE_AT_BYTES},
    surplus::{self, Excess},
    usage::{Owned, Usage},
    write::Tables,
    writer::GROUP,
};

/// How much is kept. The owner's own events are kept whatever their age and number, and so is mail up to its bound.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Most events that are neither the owner's nor addressed to the owner. Default 100,000.
    pub events: u64,
    /// Longest time since `created_at` of these, in seconds. Default 30 days.
    pub seconds: u64,
    /// Most bytes of mail: of what others have addressed to the owner. Default 1 GiB.
    pub mail_bytes: u64,
    /// Bytes of disk that the store is to stay below. Default 4 GiB. Of these others' events get a quarter, as long as own
    /// events and mail leave that.
    pub disk_bytes: u64,
}

const GIB: u64 = 1 << 30;
/// Others' events get one part of so many of the disk's bytes.
const OTHERS_SHARE: u64 = 4;
/// Index rows that are not in their table yet get one part of so many of the disk's bytes.
const ROWS_SHARE: u64 = 64;

impl Default for Retention {
    fn default() -> Self {
        Self { events: 100_000, seconds: 30 * 86_400, mail_bytes: GIB, disk_bytes: 4 * GIB }
    }
}

impl Retention {
    /// Nothing is dropped: for commands that look at a store or put something into it while the node is stopped.
    pub const EVERYTHING: Self =
        Self { events: u64::MAX, seconds: u64::MAX, mail_bytes: u64::MAX, disk_bytes: u64::MAX };

    /// Most bytes of mail beside what the owner has written.
    pub const fn mail_limit(&self, usage: &Usage) -> u64 {
        let left = self.disk_bytes.saturating_sub(usage.own_bytes);
        if self.mail_bytes < left { self.mail_bytes } else { left }
    }

    /// Most bytes of what is neither the owner's nor mail.
    pub const fn others_limit(&self, usage: &Usage) -> u64 {
        let left = self.disk_bytes.saturating_sub(usage.own_bytes).saturating_sub(usage.mail_bytes);
        let share = self.disk_bytes / OTHERS_SHARE;
        if share < left { share } else { left }
    }

    /// Bytes of new index rows that may be in memory, and as many in the file, before they are moved to the others: where
    /// there is little disk, less.
    pub(super) fn rows_in_memory(&self) -> usize {
        usize::try_from(self.disk_bytes / ROWS_SHARE).unwrap_or(usize::MAX).min(MOVE_AT_BYTES)
    }

    /// By how much the bounds for others' events are passed.
    pub(super) const fn excess(&self, usage: &Usage) -> Excess {
        Excess {
            events: usage.others.saturating_sub(self.events),
            bytes: usage.others_bytes.saturating_sub(self.others_limit(usage)),
        }
    }
}

/// Rows looked at in one go, so that a commit stays short: more than can have come since the last sweep.
pub(super) const SWEEP_ROWS: usize = 2 * GROUP;
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
    known_authors::sweep(tables, retention.events, excess, followed, now)?;
    known_authors::purge(tables, horizon, retention.events)?;
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

/// Whether an event is kept whatever its age and however much there is.
pub(super) fn stays(
    tables: &Tables<'_>,
    sequence: u64,
    event: &Event,
    followed: &BTreeSet<PublicKey>,
) -> Result<bool, redb::Error> {
    if tables.owned(sequence, event)? != Owned::Other {
        return Ok(true);
    }
    if tables.owner.is_none() && tables.restored.get()?.get(sequence)?.is_some() {
        return Ok(true);
    }
    if !is_about_author(event.kind) {
        return Ok(false);
    }
    Ok(followed.contains(&event.pubkey) || writes(tables, &event.pubkey)?)
}

/// Whether an event says who its author is, without which the rest is worth little: a profile, or a list that is served
/// on request.
pub(super) fn is_about_author(kind: Kind) -> bool {
    kind == Kind::PROFILE || is_served_on_request(kind)
}

/// More kinds than say who somebody is.
const KINDS: usize = 16;

/// Whether something of a person is stored besides profile and lists.
fn writes(tables: &Tables<'_>, person: &PublicKey) -> Result<bool, redb::Error> {
    let kinds = index::kinds_of(&tables.rows, person, KINDS)?;
    Ok(kinds.into_iter().any(|kind| !is_about_author(kind)))
}
