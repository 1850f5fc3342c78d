//! What goes first when the store is full: the events of those who have been known for less than a day. Keys cost nothing,
//! so without this whoever invents enough of them fills the store.

use std::collections::BTreeSet;

use nostrp2p_core::NEW_SECONDS;
use nostrp2p_protocol::{Event, PublicKey};
use redb::{ReadableTable, ReadableTableMetadata};

use super::super::{
    retention::{Excess, SWEEP_ROWS},
    shared,
    usage::Owned,
    write::Tables,
};

/// Of a full store, newcomers keep one part of so many; a guess.
const SHARE: u64 = 4;

/// Drops the oldest events of newcomers while there is too much of all, as far as theirs are more than their share.
pub(super) fn sweep(
    tables: &mut Tables<'_>,
    capacity: u64,
    excess: impl Fn(&Tables<'_>) -> Excess,
    followed: &BTreeSet<PublicKey>,
    now: u64,
) -> Result<(), redb::Error> {
    let mut rows = Vec::new();
    for row in tables.newcomers.events.get()?.iter()?.take(SWEEP_ROWS) {
        rows.push(row?.0.value());
    }
    for (created_at, sequence) in rows {
        let share = capacity.min(tables.usage.others) / SHARE;
        if excess(tables) == Excess::NONE || tables.newcomers.events.get()?.len()? <= share {
            break;
        }
        let Some(event) = tables.event(sequence)? else {
            tables.newcomers.events.get_mut()?.remove((created_at, sequence))?;
            continue;
        };
        let since = tables.newcomers.since(&event.pubkey)?.unwrap_or(now);
        let known = since.saturating_add(NEW_SECONDS) <= now || followed.contains(&event.pubkey);
        if known || tables.owned(sequence, &event)? != Owned::Other {
            tables.newcomers.events.get_mut()?.remove((created_at, sequence))?;
            continue;
        }
        tables.forget(sequence, &event)?;
    }
    Ok(())
}

impl Tables<'_> {
    /// Drops an event although older ones stay. If neighbours may have it, it counts as held when stores are compared.
    pub(super) fn forget(&mut self, sequence: u64, event: &Event) -> Result<(), redb::Error> {
        if shared::holds(&self.rows, event)? {
            self.newcomers.forgotten.get_mut()?.insert((event.created_at, event.id().as_bytes()), ())?;
        }
        self.remove(sequence, event)
    }
}

/// Forgets what was forgotten long ago, and the oldest beyond as many as there may be events.
pub(super) fn purge(tables: &mut Tables<'_>, horizon: u64, capacity: u64) -> Result<(), redb::Error> {
    let forgotten = tables.newcomers.forgotten.get_mut()?;
    forgotten.retain_in(..(horizon, &[0; 32]), |_, ()| false)?;
    for _ in 0..forgotten.len()?.saturating_sub(capacity) {
        forgotten.pop_first()?;
    }
    Ok(())
}
