//! What one write transaction does with one event.

use nostrp2p_core::{DeliveryKey, DeliveryState};
use nostrp2p_protocol::{
    Event, EventId, PublicKey,
    event_policy::{EventAddress, address_of, expires_at},
};
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::{
    Retention, StoreProgress, ids,
    index::{self, Prefix},
    known_authors::Newcomers,
    loads::Loads,
    mailbox::{self, Circle, Mailbox, SenderKey},
    on_demand::OnDemand,
    record,
    rows::{FindRows, Memtables, Moves, NewestRows, Rows},
    shared::{self, Shared},
    tables::{
        DELETING, ENDS, EVENTS, META, META_BORN, META_CLOCK, META_NEWEST, META_RESERVED, META_WRITTEN,
        MIRRORED, OUTBOX, OWNER, RESTORED, UNSENT,
    },
    tombstones::Tombstones,
    usage::{self, Owned, Usage},
};

/// Sequence numbers that are set aside at once, so that what is not durable yet can be numbered.
const RESERVE: u64 = 10_000;

/// Rows that deletions touch in one transaction: some 5 ms of the writer thread. One event may have more, for it has a row
/// for each of its tags; it is removed in a transaction that begins with it.
pub(super) const PORTION_ROWS: usize = 1_000;
/// The open tables of one write transaction.
pub(super) struct Tables<'txn> {
    pub(super) events: Table<'txn, u64, &'static [u8]>,
    pub(super) rows: Rows<'txn>,
    pub(super) unsent: Table<'txn, u64, ()>,
    pub(super) outbox: OnDemand<'txn, (u64, &'static [u8; 32]), (u8, u8, u64)>,
    pub(super) ends: OnDemand<'txn, (u64, u64), ()>,
    pub(super) tombstones: Tombstones<'txn>,
    pub(super) shared: Shared,
    pub(super) newcomers: Newcomers<'txn>,
    pub(super) mirrored: OnDemand<'txn, u64, &'static str>,
    pub(super) mailbox: Mailbox<'txn>,
    /// Sequence numbers of what an import has brought while the store had no owner.
    pub(super) restored: OnDemand<'txn, u64, ()>,
    pub(super) owner: Option<PublicKey>,
    pub(super) bounds: Retention,
    pub(super) usage: Usage,
    /// None until there was too much for the first time.
    pub(super) loads: Option<Loads>,
    /// The owner's lists, once they were read.
    pub(super) circle: Option<Circle>,
    pub(super) deleting: OnDemand<'txn, u64, &'static [u8]>,
    /// Rows that deletions may still touch in this transaction.
    pub(super) deletion_rows: usize,
    meta: Table<'txn, &'static str, u64>,
    pub(super) newest: u64,
    /// The newest number before this transaction. What has come in it is not dropped for its age: it may be the answer
    /// of another node for which a program waits.
    pub(super) came_before: u64,
}

impl<'txn> Tables<'txn> {
    pub(super) fn open(
        transaction: &'txn WriteTransaction,
        memtables: &Memtables,
    ) -> Result<Self, redb::Error> {
        let meta = transaction.open_table(META)?;
        let newest = meta.get(META_NEWEST)?.map_or(0, |newest| newest.value());
        let born = meta.get(META_BORN)?.map_or(0, |born| born.value());
        let owner = transaction.open_table(OWNER)?.get(0)?.map(|key| PublicKey::from_bytes(*key.value()));
        Ok(Self {
            events: transaction.open_table(EVENTS)?,
            rows: Rows::open(transaction, memtables)?,
            unsent: transaction.open_table(UNSENT)?,
            outbox: OnDemand::new(transaction, OUTBOX),
            ends: OnDemand::new(transaction, ENDS),
            tombstones: Tombstones::open(transaction, owner)?,
            shared: Shared::default(),
            newcomers: Newcomers::open(transaction, born)?,
            mirrored: OnDemand::new(transaction, MIRRORED),
            mailbox: Mailbox::of(transaction),
            restored: OnDemand::new(transaction, RESTORED),
            owner,
            bounds: Retention::EVERYTHING,
            usage: Usage::load(&meta)?,
            loads: None,
            circle: None,
            deleting: OnDemand::new(transaction, DELETING),
            deletion_rows: PORTION_ROWS,
            meta,
            newest,
            came_before: newest,
        })
    }

    /// Opens the tables that are opened when they are used, for that creates them.
    pub(super) fn create_missing(&self) -> Result<(), redb::Error> {
        self.outbox.get()?;
        self.ends.get()?;
        self.mirrored.get()?;
        self.restored.get()?;
        self.deleting.get()?;
        self.tombstones.create_missing()?;
        self.newcomers.create_missing()?;
        self.mailbox.create_missing()
    }

    /// Writes down whose an event is that was stored, and what it counts.
    pub(super) fn book(
        &mut self,
        event: &Event,
        sequence: u64,
        sender: Option<SenderKey>,
        bytes: u64,
    ) -> Result<Owned, redb::Error> {
        let owned = match sender {
            _ if Some(event.pubkey) == self.owner => Owned::Own,
            None => Owned::Other,
            Some(mailbox::OWN) => Owned::Own,
            Some(_) => Owned::Mail,
        };
        if let Some(sender) = sender {
            self.mailbox.insert(sequence, &sender, bytes)?;
        }
        if let (Owned::Other, Some(loads)) = (owned, &mut self.loads) {
            loads.add(event.pubkey, bytes);
        }
        self.usage.add(owned, bytes);
        Ok(owned)
    }

    /// Notes when an event that is stored already ends.
    pub(super) fn note_end(&mut self, sequence: u64, event: &Event) -> Result<(), redb::Error> {
        if let Some(end) = expires_at(event) {
            self.ends.get_mut()?.insert((end, sequence), ())?;
        }
        Ok(())
    }

    /// Notes that an event still has to reach another node.
    pub(super) fn mark_unsent(&mut self, sequence: u64) -> Result<(), redb::Error> {
        self.unsent.insert(sequence, ())?;
        Ok(())
    }

    /// Notes from which relay an event came.
    pub(super) fn mark_mirrored(&mut self, sequence: u64, relay: &str) -> Result<(), redb::Error> {
        self.mirrored.get_mut()?.insert(sequence, relay)?;
        Ok(())
    }

    /// Notes that an event has reached another node.
    pub(super) fn mark_sent(&mut self, sequence: u64) -> Result<(), redb::Error> {
        self.unsent.remove(sequence)?;
        Ok(())
    }

    /// Writes down how far a delivery has come.
    pub(super) fn record(&mut self, address: DeliveryKey, row: DeliveryState) -> Result<(), redb::Error> {
        // It may have been deleted while it was on its way.
        if self.events.get(address.sequence)?.is_none() {
            return Ok(());
        }
        let key = (address.sequence, address.person.as_bytes());
        self.outbox.get_mut()?.insert(key, (u8::from(row.state), row.retries, row.since))?;
        Ok(())
    }

    /// The stored events with this address: one, unless two hashes begin alike.
    pub(super) fn at_address(&mut self, address: &EventAddress) -> Result<Vec<(u64, Event)>, redb::Error> {
        let rows = Prefix::address(address).range(0, u64::MAX);
        let mut found = Vec::new();
        let mut rows = self.rows.forwards(&rows)?;
        while let Some(row) = rows.next()? {
            let Some((_, sequence)) = index::tail(row) else { continue };
            if let Some(other) = self.event(sequence)?
                && address_of(&other).as_ref() == Some(address)
            {
                found.push((sequence, other));
            }
        }
        Ok(found)
    }

    /// The sequence number of the event with this id.
    pub(super) fn find(&self, id: &EventId) -> Result<Option<u64>, redb::Error> {
        ids::find(&self.rows, &self.events, id)
    }

    pub(super) fn event(&self, sequence: u64) -> Result<Option<Event>, redb::Error> {
        Ok(self.events.get(sequence)?.and_then(|value| record::decode(value.value())))
    }

    /// Whose a stored event is.
    pub(super) fn owned(&self, sequence: u64, event: &Event) -> Result<Owned, redb::Error> {
        if Some(event.pubkey) == self.owner {
            return Ok(Owned::Own);
        }
        Ok(match self.mailbox.sender(sequence)? {
            Some(mailbox::OWN) => Owned::Own,
            Some(_) => Owned::Mail,
            None => Owned::Other,
        })
    }

    /// The sequence numbers of all events, in order.
    pub(super) fn sequences(&self) -> Result<Vec<u64>, redb::Error> {
        Ok(self.events.iter()?.map(|row| row.map(|row| row.0.value())).collect::<Result<_, _>>()?)
    }

    pub(super) fn remove(&mut self, sequence: u64, event: &Event) -> Result<(), redb::Error> {
        let owned = self.owned(sequence, event)?;
        let record = self.events.remove(sequence)?.map(|record| record.value().len());
        if let Some(record) = record {
            let bytes = usage::cost(event, record);
            self.usage.subtract(owned, bytes);
            if let (Owned::Other, Some(loads)) = (owned, &mut self.loads) {
                loads.subtract(&event.pubkey, bytes);
            }
        }
        self.mailbox.remove(sequence)?;
        self.restored.get_mut()?.remove(sequence)?;
        self.unsent.remove(sequence)?;
        if self.mirrored.get_mut()?.remove(sequence)?.is_some() {
            shared::note_mirrored(&mut self.rows, event, false)?;
        }
        let everybody = (sequence, &[0x00; 32])..=(sequence, &[0xff; 32]);
        self.outbox.get_mut()?.retain_in(everybody, |_, _| false)?;
        ids::remove(&mut self.rows, &event.id(), sequence)?;
        self.shared.remove(&mut self.rows, event)?;
        self.newcomers.remove(event, sequence)?;
        if let Some(end) = expires_at(event) {
            self.ends.get_mut()?.remove((end, sequence))?;
        }
        index::remove(&mut self.rows, event, sequence)?;
        let nothing_left = index::kinds_of(&self.rows, &event.pubkey, 1)?.is_empty();
        if nothing_left { self.newcomers.forget_person(&event.pubkey) } else { Ok(()) }
    }

    /// Writes down the highest sequence number and says how far the store has come. Numbers are reserved unless the commit
    /// is going to be `durable` in any case.
    ///
    /// At least `moved` rows go from memory into their table.
    pub(super) fn finish(
        mut self,
        memtables: &Memtables,
        durable: bool,
        moved: usize,
    ) -> Result<Finished, redb::Error> {
        let rows = self
            .rows
            .finish(memtables, Moves { from_bytes: self.bounds.rows_in_memory(), at_least: moved })?;
        self.meta.insert(META_NEWEST, self.newest)?;
        let reserved = self.meta.get(META_RESERVED)?.map_or(0, |reserved| reserved.value());
        let reserve = !durable && self.newest > reserved;
        if reserve {
            self.meta.insert(META_RESERVED, self.newest + RESERVE)?;
        }
        self.usage.save(&mut self.meta)?;
        let progress = StoreProgress { newest: self.newest, stored: self.events.len()?, usage: self.usage };
        let deleting = !self.deleting.get()?.is_empty()?;
        Ok(Finished { progress, durable: durable || reserve, deleting, rows })
    }

    /// Notes the time that is trusted, in seconds since 1970, for the next start.
    pub(super) fn note_time(&mut self, now: u64) -> Result<(), redb::Error> {
        self.meta.insert(META_CLOCK, now)?;
        self.meta.insert(META_WRITTEN, crate::clock::now())?;
        Ok(())
    }

    /// Gives the reserved numbers back that nobody has got, and leaves no rows to the next start.
    pub(super) fn close(mut self) -> Result<(), redb::Error> {
        self.rows.move_all()?;
        self.meta.insert(META_RESERVED, self.newest)?;
        Ok(())
    }
}

/// What [`Tables::finish`] says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished {
    pub(super) progress: StoreProgress,
    /// Whether the commit has to be durable: because it shall be, or because more numbers were reserved.
    pub(super) durable: bool,
    /// Whether deletions have been stored that are not carried out yet.
    pub(super) deleting: bool,
    /// Where the newest rows are.
    pub(super) rows: NewestRows,
}
