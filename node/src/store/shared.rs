//! The events that neighbours may have when they catch up, by time and id: what set reconciliation compares.
//!
//! | row | of |
//! |---|---|
//! | `[7, created_at (8), id (32), sequence (8)]` | each shared event |
//! | `[8, what counts together (16, see [`HourKey`]), id (32)]` | the same events, and what came from relays |
//!
//! 100,000 events are about 12 MB.

use hashlink::LruCache;
use nostrp2p_protocol::{
    Event, EventId, Kind,
    event_policy::{CapDecision, MAX_PER_HOUR, hour, room},
};
use sha2::{Digest, Sha256};

use super::rows::{FindRows, Rows};

/// First byte of the rows by time and id.
pub(super) const BY_TIME_AND_ID: u8 = 7;
/// First byte of the rows by hour.
pub(super) const BY_HOUR: u8 = 8;

/// Added to the sequence number of an event that is public by a statement alone, so that neighbours that read none are not
/// told of it.
pub(super) const STATED: u64 = 1 << 63;

/// Hours of authors of which is remembered how many events they hold, at most: 300 KB.
const REMEMBERED_HOURS: usize = 4_096;

/// The events that are shared, and what is remembered of them.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) counts: HourCounts,
}

/// How many events count together in the hours that were looked up last: who writes much writes several events of a group,
/// and of the next ones, and an hour may hold 240.
pub(super) struct HourCounts(LruCache<HourKey, usize>);

impl Default for HourCounts {
    fn default() -> Self {
        Self(LruCache::new(REMEMBERED_HOURS))
    }
}

/// By what events count together: the hour (7 bytes, see [`nostrp2p_protocol::limits::MAX_CREATED_AT`]), then a hash of author and sort. So what is
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
        if let Some(count) = self.counts.0.peek_mut(&hour) {
            *count += 1;
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, rows: &mut Rows<'_>, event: &Event) -> Result<(), redb::Error> {
        let row = rows.forwards(&of_event(event))?.next()?.map(<[u8]>::to_vec);
        let Some(row) = row else { return Ok(()) };
        rows.remove(row)?;
        let hour = hour_of(event, false);
        rows.remove(row_by_hour(hour, &event.id()))?;
        if let Some(count) = self.counts.0.peek_mut(&hour) {
            *count = count.saturating_sub(1);
        }
        Ok(())
    }

    /// The place of an event among those that count together with it: of its author, sort and hour.
    pub(super) fn room_for(&mut self, rows: &Rows<'_>, event: &Event) -> Result<CapDecision, redb::Error> {
        let hour = hour_of(event, false);
        let held = self.held(rows, hour)?;
        let highest = if held < MAX_PER_HOUR { None } else { highest(rows, hour)? };
        Ok(room(&event.id(), held, highest))
    }

    /// How many events are held that count together in this hour.
    pub(super) fn held(&mut self, rows: &Rows<'_>, hour: HourKey) -> Result<usize, redb::Error> {
        if let Some(held) = self.counts.0.get(&hour) {
            return Ok(*held);
        }
        let held = count(rows, hour)?;
        self.counts.0.insert(hour, held);
        Ok(held)
    }
}

/// How many events count together. They are as many as all nodes keep of them, however many the owner has written.
fn count(rows: &Rows<'_>, hour: HourKey) -> Result<usize, redb::Error> {
    let mut rows = rows.forwards(&of_hour(hour))?;
    let mut count = 0;
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// The highest id among those that count together.
fn highest(rows: &Rows<'_>, hour: HourKey) -> Result<Option<EventId>, redb::Error> {
    let mut rows = rows.backwards(&of_hour(hour))?;
    Ok(rows.next()?.and_then(<[u8]>::last_chunk).map(|id| EventId::from_bytes(*id)))
}

/// How many events of this author and hour came from relays.
pub(super) fn mirrored_beside(rows: &Rows<'_>, event: &Event) -> Result<usize, redb::Error> {
    count(rows, hour_of(event, true))
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

/// With which others an event counts. What came from relays counts by itself, because neighbours do not have it.
pub(super) fn hour_of(event: &Event, mirrored: bool) -> HourKey {
    let sort = [u8::from(event.kind == Kind::DELETION) | u8::from(mirrored) << 1];
    let hash = Sha256::digest([event.pubkey.as_bytes().as_slice(), &sort].concat());
    let (hour, _) = hour(event.created_at);
    let mut key = [0; 16];
    key.iter_mut().zip(hour.to_be_bytes().into_iter().skip(1).chain(hash)).for_each(|(to, from)| *to = from);
    key
}

/// All rows of an hour.
fn of_hour(hour: HourKey) -> (Vec<u8>, Vec<u8>) {
    let [first, last] = [[0x00; 32], [0xff; 32]].map(|id| row_by_hour(hour, &EventId::from_bytes(id)));
    (first, last)
}

fn row_by_hour(hour: HourKey, id: &EventId) -> Vec<u8> {
    [[BY_HOUR].as_slice(), &hour, id.as_bytes()].concat()
}

/// The row of a shared event, `sequence` with [`STATED`].
pub(super) fn row((created_at, id): (u64, &EventId), sequence: u64) -> Vec<u8> {
    [[BY_TIME_AND_ID].as_slice(), &created_at.to_be_bytes(), id.as_bytes(), &sequence.to_be_bytes()].concat()
}

/// `created_at`, id and sequence number with [`STATED`] of a row; None of a damaged one.
pub(super) fn parts(row: &[u8]) -> Option<(u64, EventId, u64)> {
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
pub(super) fn between(since: u64, until: u64) -> (Vec<u8>, Vec<u8>) {
    let [first, last] = [since, until].map(|time| row((time, &EventId::from_bytes([0; 32])), 0));
    (first, last)
}
