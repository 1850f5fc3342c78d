//! What one write transaction does with one event.

use nostrp2p_core::{DeliveryKey, DeliveryState, Inserted};
use nostrp2p_protocol::{
    Event, EventId, Kind, PublicKey,
    event_policy::{
        Audience, CapDecision, EventAddress, MAX_PER_HOUR, address_of, audience, expires_at, is_addressed_to,
        is_expired, replaces, room,
    },
};
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::{
    Retention, StoreProgress,
    deleting::{DELETING, PORTION_ROWS},
    expiration::ENDS,
    ids,
    index::{self, Prefix},
    known_authors::Newcomers,
    mailbox::{self, Circle, Mailbox, SenderKey},
    on_demand::OnDemand,
    origin::{Door, Origin},
    record,
    rows::{FindRows, Memtables, Rows, Waiting},
    shared::{self, Shared},
    surplus::Loads,
    tables::{
        EVENTS, META, META_BORN, META_CLOCK, META_NEWEST, META_RESERVED, META_WRITTEN, MIRRORED, OUTBOX,
        OWNER, RESTORED, UNSENT,
    },
    tombstones::Tombstones,
    usage::{self, Owned, Usage},
};

/// Sequence numbers that are set aside at once, so that what is not durable yet can be numbered.
const RESERVE: u64 = 10_000;

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
    newest: u64,
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

    /// Stores an event, unless it is there, replaced, deleted, over, or too much. `now` in seconds since 1970.
    pub(super) fn insert(
        &mut self,
        event: &Event,
        origin: &Origin,
        now: u64,
    ) -> Result<Inserted, redb::Error> {
        let own = Some(event.pubkey) == self.owner;
        let shared = origin.is_shared(event, own);
        let known = self.find(&event.id())?;
        let stated =
            known.map(|sequence| self.without_statement(sequence, event, shared)).transpose()?.flatten();
        if let Some((sequence, private)) = &stated {
            // Readers learn of it by a new number.
            self.remove(*sequence, private)?;
        } else if let Some(sequence) = known {
            self.note_again(sequence, event, origin, shared)?;
            return Ok(Inserted::Known(sequence));
        }
        if is_expired(event, now) {
            return Ok(Inserted::Ended);
        }
        if self.tombstones.is_deleted(event, now)? {
            return Ok(Inserted::Deleted);
        }
        let record = record::encode(event);
        let bytes = usage::cost(event, record.len());
        let sender = self.sender_of(event, origin)?;
        if let Some(sender) = sender
            && stated.is_none()
            && !self.make_room_for(&sender, bytes)?
        {
            return Ok(Inserted::MailboxFull);
        }
        // Looked up first: what is replaced may be all that there is of its author.
        let mut known_since = self.newcomers.since(&event.pubkey)?;
        let since = known_since.unwrap_or(now);
        for (sequence, other) in self.same_address(event)? {
            if !replaces((event.created_at, &event.id()), (other.created_at, &other.id()), now) {
                return Ok(Inserted::Superseded(sequence));
            }
            self.remove(sequence, &other)?;
            known_since = None;
        }
        let keeps_all = own || origin.door.is_restoring();
        let shared = match shared.then(|| self.room_for(event)).transpose()? {
            None => false,
            Some(CapDecision::Free) => true,
            Some(CapDecision::InsteadOf(other)) => {
                self.displace(&other, keeps_all)?;
                known_since = None;
                true
            }
            Some(CapDecision::Full) if keeps_all => false,
            Some(CapDecision::Full) => return Ok(Inserted::Surplus),
        };
        let mirrored = origin.door == Door::Mirror;
        if mirrored && !own && !is_versioned(event.kind) {
            if shared::mirrored_beside(&self.rows, event)? >= MAX_PER_HOUR {
                return Ok(Inserted::Surplus);
            }
            shared::note_mirrored(&mut self.rows, event, true)?;
        }
        self.newest += 1;
        let sequence = self.newest;
        self.events.insert(sequence, record.as_slice())?;
        ids::insert(&mut self.rows, &event.id(), sequence)?;
        index::add(&mut self.rows, event, sequence)?;
        if let Some(end) = expires_at(event) {
            self.ends.get_mut()?.insert((end, sequence), ())?;
        }
        let owned = self.book(event, sequence, sender, bytes)?;
        if origin.door.is_restoring() && self.owner.is_none() {
            self.restored.get_mut()?.insert(sequence, ())?;
        }
        if shared {
            self.shared.insert(&mut self.rows, event, sequence)?;
            if known_since.is_none() {
                self.newcomers.know(&event.pubkey, since)?;
            }
        }
        if (shared || mirrored) && owned == Owned::Other {
            self.newcomers.note(event, sequence, since, now)?;
        }
        self.on_stored(sequence, event)?;
        Ok(Inserted::New(sequence))
    }

    /// Notes by what door an event has come that is here already.
    fn note_again(
        &mut self,
        sequence: u64,
        event: &Event,
        origin: &Origin,
        shared: bool,
    ) -> Result<(), redb::Error> {
        // A deletion may have come as a private one before. What is here without its statement is not shared without it.
        let shared = shared && event.statement.is_none();
        if shared && !shared::holds(&self.rows, event)? && self.room_for(event)? == CapDecision::Free {
            self.shared.insert(&mut self.rows, event, sequence)?;
        }
        // It is not only on a relay any more: somebody has handed it over.
        if origin.door.is_private()
            && matches!(audience(event), Audience::People(_))
            && self.mirrored.get_mut()?.remove(sequence)?.is_some()
        {
            shared::note_mirrored(&mut self.rows, event, false)?;
        }
        Ok(())
    }

    /// The copy of an event that is here as a private one, when the event comes with a statement that it is for everyone.
    /// None while there is no room for another one that is shared, and of the owner's own: deliveries hang on their number.
    fn without_statement(
        &mut self,
        sequence: u64,
        event: &Event,
        shared: bool,
    ) -> Result<Option<(u64, Event)>, redb::Error> {
        if event.statement.is_none() || !shared || Some(event.pubkey) == self.owner {
            return Ok(None);
        }
        let private = self.event(sequence)?.filter(|private| private.statement.is_none());
        let room = self.room_for(event)? != CapDecision::Full;
        Ok(private.filter(|_| room).map(|private| (sequence, private)))
    }

    /// What follows from an event that was stored.
    fn on_stored(&mut self, sequence: u64, event: &Event) -> Result<(), redb::Error> {
        match event.kind {
            Kind::DELETION | Kind::VANISH => self.delete(sequence, event),
            Kind::FOLLOW_LIST | Kind::MUTE_LIST if Some(event.pubkey) == self.owner => {
                self.circle = None;
                self.mailbox.full_for = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Who answers for an event that the owner did not sign, if it is mail or an own copy.
    fn sender_of(&mut self, event: &Event, origin: &Origin) -> Result<Option<SenderKey>, redb::Error> {
        let Some(owner) = self.owner.filter(|owner| *owner != event.pubkey) else { return Ok(None) };
        if matches!(origin.door, Door::Owner { .. }) {
            return Ok(Some(mailbox::OWN));
        }
        if !is_addressed_to(event, &owner) && !self.is_vote_for(&owner, event, origin)? {
            return Ok(None);
        }
        let sender = origin.sender_of(event);
        if origin.door != Door::Inbox {
            return Ok(Some(sender));
        }
        let circle = self.circle()?;
        let bearer = circle.bearer(sender);
        self.circle = Some(circle);
        Ok(Some(bearer))
    }

    /// Whether an event is a vote in a poll of the owner. A vote names nobody (NIP-88); one that another node delivered is
    /// taken only if the poll is the owner's.
    fn is_vote_for(&self, owner: &PublicKey, vote: &Event, origin: &Origin) -> Result<bool, redb::Error> {
        if vote.kind != Kind::VOTE || origin.sender.is_some() {
            return Ok(vote.kind == Kind::VOTE);
        }
        let poll = vote.tag_values("e").next().and_then(|id| id.parse().ok());
        let Some(sequence) = poll.map(|poll| self.find(&poll)).transpose()?.flatten() else {
            return Ok(false);
        };
        Ok(self.event(sequence)?.is_some_and(|poll| poll.pubkey == *owner))
    }

    fn make_room_for(&mut self, sender: &SenderKey, bytes: u64) -> Result<bool, redb::Error> {
        if *sender == mailbox::OWN { Ok(true) } else { self.make_room(sender, bytes) }
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

    /// The place of an event among the shared ones of its author and hour.
    pub(super) fn room_for(&mut self, event: &Event) -> Result<CapDecision, redb::Error> {
        Ok(room(&event.id(), self.shared.beside(&self.rows, event)?.iter().copied()))
    }

    /// Makes room for another event of the same author among those that are shared. The owner's own stays here and so does
    /// mail, but it is not shared any more.
    fn displace(&mut self, other: &EventId, keep: bool) -> Result<(), redb::Error> {
        let Some(sequence) = self.find(other)? else { return Ok(()) };
        let Some(other) = self.event(sequence)? else { return Ok(()) };
        let keep = keep || self.owned(sequence, &other)? != Owned::Other;
        if keep { self.shared.remove(&mut self.rows, &other) } else { self.remove(sequence, &other) }
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

    /// The stored events that this one competes with: same author, kind and, if addressable, `d` tag.
    fn same_address(&mut self, event: &Event) -> Result<Vec<(u64, Event)>, redb::Error> {
        match address_of(event) {
            Some(address) => self.at_address(&address),
            None => Ok(vec![]),
        }
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
        let rows = self.rows.finish(memtables, self.bounds.rows_in_memory(), moved)?;
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

/// Whether a newer event takes the place of an older one of this kind.
const fn is_versioned(kind: Kind) -> bool {
    kind.is_replaceable() || kind.is_addressable()
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
    pub(super) rows: Waiting,
}
