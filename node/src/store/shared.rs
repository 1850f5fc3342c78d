//! The events that neighbours may have when they catch up, by time and id: what set reconciliation compares.

use std::collections::BTreeSet;

use nostrp2p_core::SyncWindow;
use nostrp2p_protocol::{Event, EventId, Kind, event_policy::hour, limits::MAX_CREATED_AT};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use sha2::{Digest, Sha256};

use super::{
    Store,
    ids::{self, IDS},
    known_authors,
    read::living,
    reading::{KEYS_IN_A_ROW, Reading},
    tables::EVENTS,
};

/// `created_at` and id -> sequence number, with [`STATED`]. 100,000 events are about 6 MB.
pub(super) const SHARED: TableDefinition<(u64, &[u8; 32]), u64> = TableDefinition::new("shared");

/// Added to the sequence number of an event that is public by a statement alone, so that neighbours that read none are not
/// told of it.
const STATED: u64 = 1 << 63;

/// What counts together (see [`HourKey`]) and id of the same events.
pub(super) const PLACES: TableDefinition<&[u8; 48], ()> = TableDefinition::new("places_by_hour");

/// The open tables.
pub(super) struct Shared<'txn> {
    events: Table<'txn, (u64, &'static [u8; 32]), u64>,
    places: Table<'txn, &'static [u8; 48], ()>,
    /// What was looked up last, as it is now: who writes much writes several events of a group, and of the next ones.
    pub(super) near: Option<Near>,
}

/// The ids of the events that count together in a place.
pub(super) type Near = (HourKey, BTreeSet<EventId>);

/// By what events count together: the hour (7 bytes, see [`MAX_CREATED_AT`]), then a hash of author and sort. So what is
/// written at one time lies together.
pub(super) type HourKey = [u8; 16];

impl<'txn> Shared<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            events: transaction.open_table(SHARED)?,
            places: transaction.open_table(PLACES)?,
            near: None,
        })
    }

    pub(super) fn holds(&self, event: &Event) -> Result<bool, redb::Error> {
        Ok(self.events.get((event.created_at, event.id().as_bytes()))?.is_some())
    }

    pub(super) fn insert(&mut self, event: &Event, sequence: u64) -> Result<(), redb::Error> {
        let stated = if event.statement.is_some() { STATED } else { 0 };
        self.events.insert((event.created_at, event.id().as_bytes()), sequence | stated)?;
        let (place, id) = (place(event, false), event.id());
        self.places.insert(&row(place, &id), ())?;
        if let Some(near) = self.near_to(place) {
            near.insert(id);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, event: &Event) -> Result<(), redb::Error> {
        self.events.remove((event.created_at, event.id().as_bytes()))?;
        let (place, id) = (place(event, false), event.id());
        self.places.remove(&row(place, &id))?;
        if let Some(near) = self.near_to(place) {
            near.remove(&id);
        }
        Ok(())
    }

    /// The ids of those that count together with an event: of its author, sort and hour. They are as many as all nodes
    /// keep of them, however many the owner has written.
    pub(super) fn beside(&mut self, event: &Event) -> Result<&BTreeSet<EventId>, redb::Error> {
        let place = place(event, false);
        let known = self.near.take().filter(|(near, _)| *near == place).map(|(_, ids)| ids);
        let ids = match known {
            Some(ids) => ids,
            None => self.look_up(place)?,
        };
        Ok(&self.near.insert((place, ids)).1)
    }

    fn look_up(&self, place: HourKey) -> Result<BTreeSet<EventId>, redb::Error> {
        let [first, last] = [[0x00; 32], [0xff; 32]].map(|id| row(place, &EventId::from_bytes(id)));
        let mut ids = BTreeSet::new();
        for row in self.places.range::<&[u8; 48]>(&first..=&last)? {
            ids.extend(row?.0.value().last_chunk().map(|id| EventId::from_bytes(*id)));
        }
        Ok(ids)
    }

    fn near_to(&mut self, place: HourKey) -> Option<&mut BTreeSet<EventId>> {
        self.near.as_mut().filter(|(near, _)| *near == place).map(|(_, ids)| ids)
    }

    /// How many events of this author and hour came from relays.
    pub(super) fn mirrored_beside(&self, event: &Event) -> Result<usize, redb::Error> {
        Ok(self.look_up(place(event, true))?.len())
    }

    /// Notes that an event came from a relay, or that such a one is gone.
    pub(super) fn note_mirrored(&mut self, event: &Event, there: bool) -> Result<(), redb::Error> {
        let row = row(place(event, true), &event.id());
        if there {
            self.places.insert(&row, ())?;
        } else {
            self.places.remove(&row)?;
        }
        Ok(())
    }

    /// The sequence numbers of all.
    pub(super) fn sequences(&self) -> Result<Vec<u64>, redb::Error> {
        let mut sequences = Vec::new();
        for row in self.events.iter()? {
            sequences.push(row?.1.value() & !STATED);
        }
        Ok(sequences)
    }
}

/// What came from relays counts by itself, because neighbours do not have it.
fn place(event: &Event, mirrored: bool) -> HourKey {
    let sort = [u8::from(event.kind == Kind::DELETION) | u8::from(mirrored) << 1];
    let hash = Sha256::digest([event.pubkey.as_bytes().as_slice(), &sort].concat());
    let (hour, _) = hour(event.created_at);
    let mut place = [0; 16];
    place
        .iter_mut()
        .zip(hour.to_be_bytes().into_iter().skip(1).chain(hash))
        .for_each(|(to, from)| *to = from);
    place
}

/// The row of an event with this id.
fn row(place: HourKey, id: &EventId) -> [u8; 48] {
    let mut row = [0; 48];
    row.iter_mut().zip(place.iter().chain(id.as_bytes())).for_each(|(to, from)| *to = *from);
    row
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
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(SHARED)?;
        let mut items = known_authors::forgotten(&transaction, window.since, window.until)?;
        for row in table.range((window.since, &[0; 32])..(window.until, &[0; 32]))? {
            let (key, sequence) = row?;
            let (created_at, id) = key.value();
            if statements || sequence.value() & STATED == 0 {
                items.push((created_at, EventId::from_bytes(*id)));
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
        let transaction = self.database.begin_read()?;
        let (by_id, events) = (transaction.open_table(IDS)?, transaction.open_table(EVENTS)?);
        let shared = transaction.open_table(SHARED)?;
        let mut found = Vec::new();
        for id in ids {
            if !reading.take(1) {
                break;
            }
            let Some(sequence) = ids::find(&by_id, &events, id)? else { continue };
            let event = events.get(sequence)?;
            let event = event.and_then(|record| living(record.value(), self.time().now()));
            if let Some(event) = event
                && shared.get((event.created_at, id.as_bytes()))?.is_some()
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
        let table = self.database.begin_read()?.open_table(SHARED)?;
        let first = table.range((0, &[0; 32])..(MAX_CREATED_AT, &[0; 32]))?.next().transpose()?;
        Ok(first.map_or(0, |row| row.0.value().0))
    }
}
