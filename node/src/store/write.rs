//! What one write transaction does with one event.

use nostrp2p_core::{Address, Row};
use nostrp2p_protocol::{Event, Kind, PublicKey};
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::{
    Progress,
    index::{self, Prefix},
    record,
    tables::{EVENTS, IDS, INDEX, META, META_NEWEST, OUTBOX, OWNER, UNSENT},
};

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Most events. Default 100,000.
    pub events: u64,
    /// Longest time since `created_at`, in seconds. Default 30 days.
    pub seconds: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { events: 100_000, seconds: 30 * 86_400 }
    }
}

/// What became of an event that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored under this new sequence number.
    New(u64),
    /// It was there already, under this sequence number.
    Known(u64),
    /// A newer one of the same author, kind and `d` tag is there, under this sequence number.
    Superseded(u64),
}

impl Inserted {
    /// The sequence number under which a reader finds this event or what replaced it.
    pub const fn sequence(self) -> u64 {
        match self {
            Self::New(sequence) | Self::Known(sequence) | Self::Superseded(sequence) => sequence,
        }
    }
}

/// Rows looked at in one go when old events are dropped, so that a commit stays short.
const SWEEP_ROWS: usize = 2_000;

/// The open tables of one write transaction.
pub(super) struct Tables<'txn> {
    events: Table<'txn, u64, &'static [u8]>,
    ids: Table<'txn, &'static [u8; 32], u64>,
    index: Table<'txn, &'static [u8], ()>,
    unsent: Table<'txn, u64, ()>,
    outbox: Table<'txn, (u64, &'static [u8; 32]), (u8, u8, u64)>,
    meta: Table<'txn, &'static str, u64>,
    newest: u64,
}

impl<'txn> Tables<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        let meta = transaction.open_table(META)?;
        let newest = meta.get(META_NEWEST)?.map_or(0, |newest| newest.value());
        Ok(Self {
            events: transaction.open_table(EVENTS)?,
            ids: transaction.open_table(IDS)?,
            index: transaction.open_table(INDEX)?,
            unsent: transaction.open_table(UNSENT)?,
            outbox: transaction.open_table(OUTBOX)?,
            meta,
            newest,
        })
    }

    pub(super) fn insert(&mut self, event: &Event) -> Result<Inserted, redb::Error> {
        if let Some(sequence) = self.ids.get(event.id().as_bytes())? {
            return Ok(Inserted::Known(sequence.value()));
        }
        for (sequence, other) in self.same_address(event)? {
            if (other.created_at, event.id()) > (event.created_at, other.id()) {
                return Ok(Inserted::Superseded(sequence));
            }
            self.remove(sequence, &other)?;
        }
        self.newest += 1;
        self.events.insert(self.newest, record::encode(event).as_slice())?;
        self.ids.insert(event.id().as_bytes(), self.newest)?;
        for row in index::rows(event, self.newest) {
            self.index.insert(row.as_slice(), ())?;
        }
        Ok(Inserted::New(self.newest))
    }

    /// Notes that an event still has to reach another node.
    pub(super) fn mark_unsent(&mut self, sequence: u64) -> Result<(), redb::Error> {
        self.unsent.insert(sequence, ())?;
        Ok(())
    }

    /// Notes that an event has reached another node.
    pub(super) fn mark_sent(&mut self, sequence: u64) -> Result<(), redb::Error> {
        self.unsent.remove(sequence)?;
        Ok(())
    }

    /// Writes down how far a delivery has come.
    pub(super) fn record(&mut self, address: Address, row: Row) -> Result<(), redb::Error> {
        let key = (address.sequence, address.person.as_bytes());
        self.outbox.insert(key, (u8::from(row.state), row.retries, row.since))?;
        Ok(())
    }

    /// The stored events that this one competes with: same author, kind and, if addressable, `d` tag.
    fn same_address(&self, event: &Event) -> Result<Vec<(u64, Event)>, redb::Error> {
        if !(event.kind.is_replaceable() || event.kind.is_addressable()) {
            return Ok(vec![]);
        }
        let (first, last) = Prefix::author_kind(&event.pubkey, event.kind).range(0, u64::MAX);
        let mut competitors = Vec::new();
        for row in self.index.range(first.as_slice()..=last.as_slice())? {
            let Some((_, sequence)) = index::tail(row?.0.value()) else { continue };
            if let Some(other) = self.event(sequence)? {
                let same = !event.kind.is_addressable() || identifier(&other) == identifier(event);
                competitors.extend(same.then_some((sequence, other)));
            }
        }
        Ok(competitors)
    }

    fn event(&self, sequence: u64) -> Result<Option<Event>, redb::Error> {
        Ok(self.events.get(sequence)?.and_then(|value| record::decode(value.value())))
    }

    fn remove(&mut self, sequence: u64, event: &Event) -> Result<(), redb::Error> {
        self.events.remove(sequence)?;
        self.unsent.remove(sequence)?;
        let everybody = (sequence, &[0x00; 32])..=(sequence, &[0xff; 32]);
        self.outbox.retain_in(everybody, |_, _| false)?;
        self.ids.remove(event.id().as_bytes())?;
        for row in index::rows(event, sequence) {
            self.index.remove(row.as_slice())?;
        }
        Ok(())
    }

    /// Drops the oldest events beyond the retention, but never the owner's own and never a profile or follow list.
    pub(super) fn sweep(
        &mut self,
        retention: Retention,
        owner: Option<PublicKey>,
        now: u64,
    ) -> Result<(), redb::Error> {
        let mut surplus = self.events.len()?.saturating_sub(retention.events);
        let horizon = now.saturating_sub(retention.seconds);
        let (first, last) = Prefix::all().range(0, u64::MAX);
        let mut victims = Vec::new();
        for row in self.index.range(first.as_slice()..=last.as_slice())?.take(SWEEP_ROWS) {
            let Some((created_at, sequence)) = index::tail(row?.0.value()) else { continue };
            if surplus == 0 && created_at >= horizon {
                break;
            }
            let Some(event) = self.event(sequence)? else { continue };
            if Some(event.pubkey) == owner || matches!(event.kind, Kind::PROFILE | Kind::FOLLOW_LIST) {
                continue;
            }
            surplus = surplus.saturating_sub(1);
            victims.push((sequence, event));
        }
        for (sequence, event) in victims {
            self.remove(sequence, &event)?;
        }
        Ok(())
    }

    /// Writes down the highest sequence number and says how far the store has come.
    pub(super) fn finish(mut self) -> Result<Progress, redb::Error> {
        self.meta.insert(META_NEWEST, self.newest)?;
        Ok(Progress { newest: self.newest, stored: self.events.len()? })
    }
}

/// Makes somebody the owner.
pub(super) fn set_owner(transaction: &WriteTransaction, owner: &PublicKey) -> Result<(), redb::Error> {
    transaction.open_table(OWNER)?.insert(0, owner.as_bytes())?;
    Ok(())
}

/// The `d` tag of an addressable event (NIP-01); a missing one counts as empty.
fn identifier(event: &Event) -> String {
    event.tag_values("d").next().unwrap_or_default().to_owned()
}
