//! Looking events up. Each call reads one consistent snapshot.

use std::ops::ControlFlow;

use nostrp2p_core::{DeliveryKey, DeliveryState};
use nostrp2p_protocol::{
    Event, EventId, Filter, PublicKey, Tag, UnsignedEvent,
    frame::Delivery,
    limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_LIST_BYTES},
};
use redb::{AccessGuard, ReadTransaction, ReadableTable};

use super::{
    Mark, Store, ids,
    index::{self, Prefix},
    query::{Asked, Picked, Selection},
    reading::Reading,
    record::living,
    rows::{FindRows, RowsReader},
    shared,
    tables::{EVENTS, META, META_NEWEST, MIRRORED, OUTBOX, UNSENT},
};

/// Bytes of records after which a batch or an answer is closed.
const CLOSE_AT_BYTES: usize = MAX_BATCH_BYTES / 4;
/// Bytes of records that an answer may have at most: a long list and its neighbours, below [`MAX_BATCH_BYTES`] with room for
/// what is around them. What would lead beyond comes with the next answer.
pub(crate) const ANSWER_BYTES: usize = MAX_BATCH_BYTES - 16 * 1024;
const _: () = assert!(MAX_LIST_BYTES + 1024 < ANSWER_BYTES);

/// At most how many bytes an event takes in a message, near enough: its texts, and what stands around them.
pub(crate) fn bulk(unsigned: &UnsignedEvent) -> usize {
    let elements = unsigned.tags.iter().flat_map(Tag::elements);
    unsigned.content.len()
        + 200
        + elements.map(|element| element.len() + 3).sum::<usize>()
        + unsigned.tags.len()
        + unsigned.statement.as_ref().map_or(0, |statement| statement.as_bytes().len() + 3)
}

/// Events in the order of their sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Highest sequence number that was looked at; the next batch begins after it.
    pub through: u64,
    /// Highest sequence number in the store.
    pub newest: u64,
    /// At most 500 events and about 256 KiB.
    pub events: Vec<Event>,
}

/// The same as [`Batch`], each event with its sequence number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Highest sequence number that was looked at; the next ones begin after it.
    pub through: u64,
    /// At most 500 events and about 256 KiB.
    pub events: Vec<(u64, Event)>,
}

/// The answer to a question, the newest first, ties by lower id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEvents {
    /// Whether nothing was left out.
    pub complete: bool,
    /// At most 500 events and about 256 KiB.
    pub events: Vec<Event>,
}

/// How far an event has come with each of the people it is for.
type People = Vec<(PublicKey, Delivery)>;
/// An event and how far it has come.
pub type EventDeliveries = (EventId, People);

impl Store {
    /// Reads what was stored after a sequence number.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn after(&self, after: u64) -> Result<Batch, redb::Error> {
        let newest = self.progress.borrow().newest;
        let Numbered { through, events } = self.numbered(after)?;
        let events = events.into_iter().map(|(_, event)| event).collect();
        Ok(Batch { through, newest: newest.max(through), events })
    }

    /// The same, each with its number.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn numbered(&self, after: u64) -> Result<Numbered, redb::Error> {
        let transaction = self.database.begin_read()?;
        let newest = transaction.open_table(META)?.get(META_NEWEST)?.map_or(0, |newest| newest.value());
        let now = self.time().now();
        let mut numbered = Numbered { through: newest, events: Vec::new() };
        let (mut bytes, mut last) = (0, after);
        for row in transaction.open_table(EVENTS)?.range(after.saturating_add(1)..)? {
            let (sequence, value) = row?;
            bytes += value.value().len();
            if bytes > ANSWER_BYTES && !numbered.events.is_empty() {
                numbered.through = last;
                break;
            }
            last = sequence.value();
            numbered.events.extend(living(value.value(), now).map(|event| (sequence.value(), event)));
            if numbered.events.len() == MAX_BATCH_EVENTS || bytes >= CLOSE_AT_BYTES {
                numbered.through = sequence.value();
                break;
            }
        }
        Ok(numbered)
    }

    /// An event by its sequence number.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn event(&self, sequence: u64) -> Result<Option<Event>, redb::Error> {
        let events = self.database.begin_read()?.open_table(EVENTS)?;
        Ok(events.get(sequence)?.and_then(|value| living(value.value(), self.time().now())))
    }

    /// From which relay an event came, if it came from one.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn mirrored(&self, sequence: u64) -> Result<Option<String>, redb::Error> {
        let mirrored = self.database.begin_read()?.open_table(MIRRORED)?;
        Ok(mirrored.get(sequence)?.map(|relay| relay.value().to_owned()))
    }

    /// Whether the event with this id came from a relay. What cannot be read did not.
    pub(crate) fn is_mirrored(&self, id: &EventId) -> bool {
        let mirrored = || {
            let snapshot = self.database.snapshot()?;
            let Some(sequence) = ids::find(snapshot.rows(), &snapshot.open_table(EVENTS)?, id)? else {
                return Ok(false);
            };
            Ok::<_, redb::Error>(snapshot.open_table(MIRRORED)?.get(sequence)?.is_some())
        };
        mirrored().unwrap_or_default()
    }

    /// How an event that somebody else wrote came, as an export says it.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn mark(&self, sequence: u64, event: &Event) -> Result<Mark, redb::Error> {
        let snapshot = self.database.snapshot()?;
        mark((&snapshot, Some(snapshot.rows())), sequence, event)
    }

    /// All deliveries that wait.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn waiting(&self) -> Result<Vec<(DeliveryKey, DeliveryState)>, redb::Error> {
        let outbox = self.database.begin_read()?.open_table(OUTBOX)?;
        let mut waiting = Vec::new();
        for row in outbox.iter()? {
            let (address, row) = delivery(row?);
            if row.state == Delivery::Waiting {
                waiting.push((address, row));
            }
        }
        Ok(waiting)
    }

    /// The deliveries of an event that have not arrived, as far as the disk knows.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn undelivered(&self, id: &EventId) -> Result<Vec<DeliveryKey>, redb::Error> {
        let snapshot = self.database.snapshot()?;
        let Some(sequence) = ids::find(snapshot.rows(), &snapshot.open_table(EVENTS)?, id)? else {
            return Ok(Vec::new());
        };
        let mut undelivered = Vec::new();
        for row in snapshot.open_table(OUTBOX)?.range((sequence, &[0; 32])..=(sequence, &[0xff; 32]))? {
            let (address, row) = delivery(row?);
            if row.state != Delivery::Delivered {
                undelivered.push(address);
            }
        }
        Ok(undelivered)
    }

    /// The latest deliveries by event, the newest event first; at most 200 rows.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn deliveries(&self) -> Result<Vec<EventDeliveries>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let events = transaction.open_table(EVENTS)?;
        let mut by_event: Vec<(u64, People)> = Vec::new();
        for row in transaction.open_table(OUTBOX)?.iter()?.rev().take(LATEST_DELIVERIES) {
            let (address, row) = delivery(row?);
            let person = (address.person, row.state);
            match by_event.last_mut() {
                Some((sequence, people)) if *sequence == address.sequence => people.push(person),
                _ => by_event.push((address.sequence, vec![person])),
            }
        }
        let mut deliveries = Vec::new();
        for (sequence, people) in by_event {
            let event = events.get(sequence)?.and_then(|value| living(value.value(), self.time().now()));
            deliveries.extend(event.map(|event| (event.id(), people)));
        }
        Ok(deliveries)
    }

    /// The own public events that no other node has taken yet, oldest first, with their sequence numbers; at most 500.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn unsent(&self) -> Result<Vec<(u64, Event)>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let events = transaction.open_table(EVENTS)?;
        let mut unsent = Vec::new();
        for row in transaction.open_table(UNSENT)?.iter()?.take(MAX_BATCH_EVENTS) {
            let sequence = row?.0.value();
            let event = events.get(sequence)?.and_then(|value| living(value.value(), self.time().now()));
            unsent.extend(event.map(|event| (sequence, event)));
        }
        Ok(unsent)
    }

    /// Finds the newest events that match any of the filters.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn find(&self, filters: &[Filter]) -> Result<FoundEvents, redb::Error> {
        self.find_visible(filters, |_| true)
    }

    /// The same among the events that `visible` lets through.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn find_visible(
        &self,
        filters: &[Filter],
        visible: impl Fn(&Event) -> bool,
    ) -> Result<FoundEvents, redb::Error> {
        self.find_within(filters, visible, &mut Reading::for_owner())
    }

    /// The same within a budget.
    pub(crate) fn find_within(
        &self,
        filters: &[Filter],
        visible: impl Fn(&Event) -> bool,
        reading: &mut Reading<'_>,
    ) -> Result<FoundEvents, redb::Error> {
        let asked: Vec<Asked<'_>> = filters.iter().map(|filter| Asked { filter, also: &visible }).collect();
        let Selection { mut complete, picked, .. } = self.select_within(&asked, reading)?;
        let (mut events, mut bytes) = (Vec::new(), 0);
        for Picked { sequence, event } in picked {
            // What the answer did not keep in memory is read again; the newest by order need not be those read first.
            let Some(event) = event.map_or_else(|| self.event(sequence), |event| Ok(Some(event)))? else {
                continue;
            };
            let full = bytes >= CLOSE_AT_BYTES || events.len() >= MAX_BATCH_EVENTS;
            bytes += bulk(&event);
            if !events.is_empty() && (full || bytes > ANSWER_BYTES) {
                complete = false;
                break;
            }
            events.push(event);
        }
        Ok(FoundEvents { complete, events })
    }

    /// Shows events of `since..=until` to `visit`, the latest `created_at` first, until it breaks off; within one
    /// second the one stored last comes first. Unlike [`Store::find`] it counts neither events nor bytes: `visit` does.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn backwards(
        &self,
        since: u64,
        until: u64,
        mut visit: impl FnMut(Event) -> ControlFlow<()>,
    ) -> Result<(), redb::Error> {
        if since > until {
            return Ok(());
        }
        let snapshot = self.database.snapshot()?;
        let (rows, events) = (snapshot.rows(), snapshot.open_table(EVENTS)?);
        let mut rows = rows.backwards(&Prefix::all().range(since, until))?;
        while let Some(row) = rows.next()? {
            let Some((_, sequence)) = index::tail(row) else { continue };
            let event = events.get(sequence)?.and_then(|value| living(value.value(), self.time().now()));
            if event.is_some_and(|event| visit(event).is_break()) {
                break;
            }
        }
        Ok(())
    }
}

/// Rows of [`Store::deliveries`]: more than fit on a screen.
const LATEST_DELIVERIES: usize = 200;

/// See [`Store::mark`].
pub(super) fn mark(
    (transaction, rows): (&ReadTransaction, Option<&RowsReader>),
    sequence: u64,
    event: &Event,
) -> Result<Mark, redb::Error> {
    if let Some(relay) = transaction.open_table(MIRRORED)?.get(sequence)? {
        return Ok(Mark::Mirrored(relay.value().to_owned()));
    }
    Ok(if rows.map(|rows| shared::holds(rows, event)).transpose()?.unwrap_or_default() {
        Mark::Shared
    } else {
        Mark::None
    })
}

type DeliveryRow<'a> = (AccessGuard<'a, (u64, &'static [u8; 32])>, AccessGuard<'a, (u8, u8, u64)>);

fn delivery((key, value): DeliveryRow<'_>) -> (DeliveryKey, DeliveryState) {
    let (sequence, person) = key.value();
    let (state, retries, since) = value.value();
    let address = DeliveryKey { sequence, person: PublicKey::from_bytes(*person) };
    (address, DeliveryState { state: Delivery::from(state), retries, since })
}
