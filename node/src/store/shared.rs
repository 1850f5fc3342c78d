//! The events that neighbours may have when they catch up, by time and id: what set reconciliation compares.
//!
//! | row | of |
//! |---|---|
//! | `[7, created_at (8), id (32), sequence (8)]` | each shared event |
//! | `[8, what counts together (16, see [`HourKey`]), id (32)]` | the same events, and what came from relays |
//!
//! 100,000 events are about 12 MB.

use std::collections::BTreeSet;

use nostrp2p_core::SyncWindow;
use nostrp2p_protocol::{Event, EventId, Kind, event_policy::hour, limits::MAX_CREATED_AT};
use sha2::{Digest, Sha256};

use super::{
    Store, ids, known_authors,
    read::living,
    reading::{KEYS_IN_A_ROW, Reading},
    rows::{FindRows, Rows},
    tables::EVENTS,
};

/// First byte of the rows by time and id.
pub(super) const BY_TIME_AND_ID: u8 = 7;
/// First byte of the rows by hour.
pub(super) const BY_HOUR: u8 = 8;

/// Added to the sequence number of an event that is public by a statement alone, so that neighbours that read none are not
/// told of it.
pub(super) const STATED: u64 = 1 << 63;

/// What was looked up last, as it is now: who writes much writes several events of a group, and of the next ones.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) near: Option<Near>,
}

/// The ids of the events that count together in an hour.
pub(super) type Near = (HourKey, BTreeSet<EventId>);

/// By what events count together: the hour (7 bytes, see [`MAX_CREATED_AT`]), then a hash of author and sort. So what is
/// written at one time lies together.
pub(super) type HourKey = [u8; 16];

/// Whether neighbours may have an event.
pub(super) fn holds(rows: &impl FindRows, event: &Event) -> Result<bool, redb::Error> {
    rows.has_any(&of_event(event))
}

impl Shared {
    pub(super) fn insert(
        &mut self,
        rows: &mut Rows<'_>,
        event: &Event,
        sequence: u64,
    ) -> Result<(), redb::Error> {
        let stated = if event.statement.is_some() { STATED } else { 0 };
        let id = event.id();
        rows.insert(row((event.created_at, &id), sequence | stated))?;
        let hour = hour_of(event, false);
        rows.insert(row_by_hour(hour, &id))?;
        if let Some(near) = self.near_to(hour) {
            near.insert(id);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, rows: &mut Rows<'_>, event: &Event) -> Result<(), redb::Error> {
        let row = rows.forwards(&of_event(event))?.next()?.map(<[u8]>::to_vec);
        if let Some(row) = row {
            rows.remove(row)?;
        }
        let (hour, id) = (hour_of(event, false), event.id());
        rows.remove(row_by_hour(hour, &id))?;
        if let Some(near) = self.near_to(hour) {
            near.remove(&id);
        }
        Ok(())
    }

    /// The ids of those that count together with an event: of its author, sort and hour. They are as many as all nodes
    /// keep of them, however many the owner has written.
    pub(super) fn beside(
        &mut self,
        rows: &Rows<'_>,
        event: &Event,
    ) -> Result<&BTreeSet<EventId>, redb::Error> {
        let hour = hour_of(event, false);
        let known = self.near.take().filter(|(near, _)| *near == hour).map(|(_, ids)| ids);
        let ids = match known {
            Some(ids) => ids,
            None => look_up(rows, hour)?,
        };
        Ok(&self.near.insert((hour, ids)).1)
    }

    fn near_to(&mut self, hour: HourKey) -> Option<&mut BTreeSet<EventId>> {
        self.near.as_mut().filter(|(near, _)| *near == hour).map(|(_, ids)| ids)
    }
}

fn look_up(rows: &Rows<'_>, hour: HourKey) -> Result<BTreeSet<EventId>, redb::Error> {
    let [first, last] = [[0x00; 32], [0xff; 32]].map(|id| row_by_hour(hour, &EventId::from_bytes(id)));
    let mut ids = BTreeSet::new();
    let mut rows = rows.forwards(&(first, last))?;
    while let Some(row) = rows.next()? {
        ids.extend(row.last_chunk().map(|id| EventId::from_bytes(*id)));
    }
    Ok(ids)
}

/// How many events of this author and hour came from relays.
pub(super) fn mirrored_beside(rows: &Rows<'_>, event: &Event) -> Result<usize, redb::Error> {
    Ok(look_up(rows, hour_of(event, true))?.len())
}

/// Notes that an event came from a relay, or that such a one is gone.
pub(super) fn note_mirrored(rows: &mut Rows<'_>, event: &Event, there: bool) -> Result<(), redb::Error> {
    let row = row_by_hour(hour_of(event, true), &event.id());
    if there { rows.insert(row) } else { rows.remove(row) }
}

/// The sequence numbers of all.
pub(super) fn sequences(rows: &Rows<'_>) -> Result<Vec<u64>, redb::Error> {
    let mut sequences = Vec::new();
    let mut rows = rows.forwards(&between(0, u64::MAX))?;
    while let Some(row) = rows.next()? {
        sequences.extend(parts(row).map(|(_, _, sequence)| sequence & !STATED));
    }
    Ok(sequences)
}

/// What came from relays counts by itself, because neighbours do not have it.
fn hour_of(event: &Event, mirrored: bool) -> HourKey {
    let sort = [u8::from(event.kind == Kind::DELETION) | u8::from(mirrored) << 1];
    let hash = Sha256::digest([event.pubkey.as_bytes().as_slice(), &sort].concat());
    let (hour, _) = hour(event.created_at);
    let mut key = [0; 16];
    key.iter_mut().zip(hour.to_be_bytes().into_iter().skip(1).chain(hash)).for_each(|(to, from)| *to = from);
    key
}

fn row_by_hour(hour: HourKey, id: &EventId) -> Vec<u8> {
    [[BY_HOUR].as_slice(), &hour, id.as_bytes()].concat()
}

/// The row of a shared event, `sequence` with [`STATED`].
pub(super) fn row((created_at, id): (u64, &EventId), sequence: u64) -> Vec<u8> {
    [[BY_TIME_AND_ID].as_slice(), &created_at.to_be_bytes(), id.as_bytes(), &sequence.to_be_bytes()].concat()
}

/// `created_at`, id and sequence number with [`STATED`] of a row; None of a damaged one.
fn parts(row: &[u8]) -> Option<(u64, EventId, u64)> {
    let (created_at, rest) = row.get(1..)?.split_first_chunk()?;
    let (id, sequence) = rest.split_first_chunk()?;
    let sequence = sequence.first_chunk()?;
    Some((u64::from_be_bytes(*created_at), EventId::from_bytes(*id), u64::from_be_bytes(*sequence)))
}

/// The rows of an event; there is one at most.
fn of_event(event: &Event) -> (Vec<u8>, Vec<u8>) {
    let [first, last] = [0, u64::MAX].map(|sequence| row((event.created_at, &event.id()), sequence));
    (first, last)
}

/// The rows from a time to before another.
fn between(since: u64, until: u64) -> (Vec<u8>, Vec<u8>) {
    let [first, last] = [since, until].map(|time| row((time, &EventId::from_bytes([0; 32])), 0));
    (first, last)
}

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
        let rows = snapshot.rows()?;
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
        let (rows, events) = (snapshot.rows()?, snapshot.open_table(EVENTS)?);
        let mut found = Vec::new();
        for id in ids {
            if !reading.take(1) {
                break;
            }
            let Some(sequence) = ids::find(&rows, &events, id)? else { continue };
            let event = events.get(sequence)?;
            let event = event.and_then(|record| living(record.value(), self.time().now()));
            if let Some(event) = event
                && holds(&rows, &event)?
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
        let roomy = usage.others.saturating_add(super::writer::SWEEP_EVERY) < self.retention.events;
        if roomy && usage.others_bytes < self.retention.others_limit(&usage) / 16 * 15 {
            return Ok(0);
        }
        let rows = self.database.snapshot()?.rows()?;
        let mut rows = rows.forwards(&between(0, MAX_CREATED_AT))?;
        Ok(rows.next()?.and_then(parts).map_or(0, |(created_at, ..)| created_at))
    }
}
