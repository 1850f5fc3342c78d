//! Since when people are known here. Of a full store the events of those who have been known for less than a day go first
//! (`sweep/newcomers.rs`).
//!
//! What is dropped so is younger than much that stays, and neighbours still have it. So that it is not fetched again and
//! again, its time and id are kept, and count as held when stores are compared.

use nostrp2p_core::NEW_SECONDS;
use nostrp2p_protocol::{Event, EventId, PublicKey};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{
    Store,
    on_demand::OnDemand,
    tables::{META, META_BORN},
};

/// Author -> when the first shared event of theirs was stored, in seconds since 1970. A row goes with the last event.
const PEOPLE: TableDefinition<&[u8; 32], u64> = TableDefinition::new("people");
/// `created_at` and sequence number of shared events whose author was new when they came.
const NEWCOMERS: TableDefinition<(u64, u64), ()> = TableDefinition::new("newcomers");
/// `created_at` and id of what was dropped although older events stay.
const FORGOTTEN: TableDefinition<(u64, &[u8; 32]), ()> = TableDefinition::new("forgotten");

/// The open tables.
pub(super) struct Newcomers<'txn> {
    people: Table<'txn, &'static [u8; 32], u64>,
    pub(super) events: OnDemand<'txn, (u64, u64), ()>,
    pub(super) forgotten: OnDemand<'txn, (u64, &'static [u8; 32]), ()>,
    /// When the store's life began. While it is younger than a day, nobody is new to it.
    born: u64,
}

impl<'txn> Newcomers<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction, born: u64) -> Result<Self, redb::Error> {
        Ok(Self {
            people: transaction.open_table(PEOPLE)?,
            events: OnDemand::new(transaction, NEWCOMERS),
            forgotten: OnDemand::new(transaction, FORGOTTEN),
            born,
        })
    }

    /// Opens the tables that are opened when they are used, for that creates them.
    pub(super) fn create_missing(&self) -> Result<(), redb::Error> {
        self.events.get()?;
        self.forgotten.get()?;
        Ok(())
    }

    /// When somebody became known.
    pub(super) fn since(&self, person: &PublicKey) -> Result<Option<u64>, redb::Error> {
        Ok(self.people.get(person.as_bytes())?.map(|since| since.value()))
    }

    /// Somebody has become known.
    pub(super) fn know(&mut self, person: &PublicKey, since: u64) -> Result<(), redb::Error> {
        self.people.insert(person.as_bytes(), since)?;
        Ok(())
    }

    /// A shared event of somebody who has been known since then was stored under this sequence number.
    pub(super) fn note(
        &mut self,
        event: &Event,
        sequence: u64,
        since: u64,
        now: u64,
    ) -> Result<(), redb::Error> {
        self.forgotten.get_mut()?.remove((event.created_at, event.id().as_bytes()))?;
        if self.born.saturating_add(NEW_SECONDS) <= now && since.saturating_add(NEW_SECONDS) > now {
            self.events.get_mut()?.insert((event.created_at, sequence), ())?;
        }
        Ok(())
    }

    /// An event is gone.
    pub(super) fn remove(&mut self, event: &Event, sequence: u64) -> Result<(), redb::Error> {
        self.events.get_mut()?.remove((event.created_at, sequence))?;
        Ok(())
    }

    /// The last event of somebody is gone.
    pub(super) fn forget_person(&mut self, person: &PublicKey) -> Result<(), redb::Error> {
        self.people.remove(person.as_bytes())?;
        Ok(())
    }
}

/// `created_at` and id of what counts as held between these times although it was dropped.
pub(super) fn forgotten(
    transaction: &redb::ReadTransaction,
    since: u64,
    until: u64,
) -> Result<Vec<(u64, EventId)>, redb::Error> {
    let mut items = Vec::new();
    for row in transaction.open_table(FORGOTTEN)?.range((since, &[0; 32])..(until, &[0; 32]))? {
        let key = row?.0;
        let (created_at, id) = key.value();
        items.push((created_at, EventId::from_bytes(*id)));
    }
    Ok(items)
}

impl Store {
    /// When the store's life began, and since when it holds something for everyone of each of these people, in seconds
    /// since 1970.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn people(&self) -> Result<(u64, Vec<(PublicKey, u64)>), redb::Error> {
        let transaction = self.database.begin_read()?;
        let born = transaction.open_table(META)?.get(META_BORN)?.map_or(0, |born| born.value());
        let mut people = Vec::new();
        for row in transaction.open_table(PEOPLE)?.iter()? {
            let (person, since) = row?;
            people.push((PublicKey::from_bytes(*person.value()), since.value()));
        }
        Ok((born, people))
    }
}
