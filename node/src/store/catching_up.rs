//! What other nodes ask for when they catch up: the times and ids of the events that are shared, and the events themselves.

use nostrp2p_core::SyncWindow;
use nostrp2p_protocol::{Event, EventId, limits::MAX_CREATED_AT};

use super::{
    Store, ids, known_authors,
    reading::{KEYS_IN_A_ROW, Reading},
    record::living,
    retention::SWEEP_EVERY,
    rows::FindRows,
    shared::{STATED, between, holds, parts},
    tables::EVENTS,
};

impl Store {
    /// Times and ids of the shared events of a window, in order, and of those that would be if the store were not full.
    /// 100,000 take some 20 ms.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn shared(&self, window: SyncWindow) -> Result<Vec<(u64, EventId)>, redb::Error> {
        self.shared_within(window, true, &mut Reading::for_owner())
    }

    /// The same for another node: what it takes is counted, and it gives way to the owner. With or without what is public
    /// by a statement alone.
    pub(crate) fn shared_within(
        &self,
        window: SyncWindow,
        statements: bool,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<(u64, EventId)>, redb::Error> {
        let snapshot = self.database.snapshot()?;
        let mut items = known_authors::forgotten(&snapshot, window.since, window.until)?;
        let rows = snapshot.rows();
        let mut rows = rows.forwards(&between(window.since, window.until))?;
        while let Some(row) = rows.next()? {
            let Some((created_at, id, sequence)) = parts(row) else { continue };
            if statements || sequence & STATED == 0 {
                items.push((created_at, id));
            }
            if items.len().is_multiple_of(KEYS_IN_A_ROW) {
                // However long the list is, half of it would be of no use.
                let _counted = reading.take(1);
            }
        }
        // Two runs that are in order each, which this sort makes one in one go.
        items.sort();
        Ok(items)
    }

    /// Those of the events that are stored and shared, in the order of the ids.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(crate) fn shared_events(
        &self,
        ids: &[EventId],
        reading: &mut Reading<'_>,
    ) -> Result<Vec<Event>, redb::Error> {
        let snapshot = self.database.snapshot()?;
        let (rows, events) = (snapshot.rows(), snapshot.open_table(EVENTS)?);
        let mut found = Vec::new();
        for id in ids {
            if !reading.take(1) {
                break;
            }
            let Some(sequence) = ids::find(rows, &events, id)? else { continue };
            let event = events.get(sequence)?;
            let event = event.and_then(|record| living(record.value(), self.time().now()));
            if let Some(event) = event
                && holds(rows, &event)?
            {
                found.push(event);
            }
        }
        Ok(found)
    }

    /// Before which `created_at` this store is too full to keep more, in seconds: asking for older events would be in
    /// vain, for the next sweep drops them. 0 as long as there is room.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn floor(&self) -> Result<u64, redb::Error> {
        // The sweep comes after every 1,000 new events, so a full store is a little above or below its bound.
        let usage = self.progress.borrow().usage;
        let roomy = usage.others.saturating_add(SWEEP_EVERY) < self.retention.events;
        if roomy && usage.others_bytes < self.retention.others_limit(&usage) / 16 * 15 {
            return Ok(0);
        }
        let rows = self.database.snapshot()?.into_rows();
        let mut rows = rows.forwards(&between(0, MAX_CREATED_AT))?;
        Ok(rows.next()?.and_then(parts).map_or(0, |(created_at, ..)| created_at))
    }
}
