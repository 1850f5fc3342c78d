//! What was deleted must not come back (NIP-09): a tombstone outlives its target.
//!
//! A tombstone bites only on events of the author who asked for the deletion. By id it bites for good; by address
//! (`a` tag) on versions that are not newer than the deletion. A request to vanish (NIP-62) bites on everything that its
//! author wrote until then, and on gift wraps for that person. One of a clock that was ahead does not bite on what is of
//! now (see [`nostrp2p_core::is_outdated`]).

use std::collections::BTreeSet;

use nostrp2p_core::is_outdated;
use nostrp2p_protocol::{Event, EventId, Kind, PublicKey, Rumor};
use redb::{ReadableTable, ReadableTableMetadata, Table, TableDefinition, WriteTransaction};

/// Target (see [`by_id`], [`by_address`] and [`by_author`]) -> `created_at` of the deletion, in seconds.
const TOMBSTONES: TableDefinition<&[u8], u64> = TableDefinition::new("tombstones");
/// The same by time, so that the oldest are found: `created_at` and target.
const BY_TIME: TableDefinition<(u64, &[u8]), ()> = TableDefinition::new("tombstones_by_time");

/// Most tombstones: about 25 MB on disk. The oldest make room.
const MAX_TOMBSTONES: u64 = 200_000;
/// Tombstones that are given up in one go.
const PURGE_ROWS: usize = 2_000;

/// The open tables.
pub(super) struct Tombstones<'txn> {
    targets: Table<'txn, &'static [u8], u64>,
    by_time: Table<'txn, (u64, &'static [u8]), ()>,
}

impl<'txn> Tombstones<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self { targets: transaction.open_table(TOMBSTONES)?, by_time: transaction.open_table(BY_TIME)? })
    }

    /// Whether its author has had an event deleted. `now` in seconds since 1970.
    pub(super) fn bite(&self, event: &Event, now: u64) -> Result<bool, redb::Error> {
        if event.kind == Kind::VANISH {
            return Ok(false);
        }
        for person in vanishing(event) {
            let gone = self.targets.get(by_author(&person).as_slice())?.map(|at| at.value());
            if gone.is_some_and(|at| is_outdated(event.created_at, at, now)) {
                return Ok(true);
            }
        }
        if event.kind == Kind::DELETION {
            return Ok(false);
        }
        if self.targets.get(by_id(&event.pubkey, &event.id()).as_slice())?.is_some() {
            return Ok(true);
        }
        let Some(address) = address_of(event) else { return Ok(false) };
        let deleted = self.targets.get(by_address(&address).as_slice())?.map(|at| at.value());
        Ok(deleted.is_some_and(|at| is_outdated(event.created_at, at, now)))
    }

    /// Remembers a target of a deletion.
    pub(super) fn bury(&mut self, deletion: &Event, target: &Target) -> Result<(), redb::Error> {
        let row = match target {
            Target::Id(id) => by_id(&deletion.pubkey, id),
            Target::Address(address) => by_address(address),
        };
        self.insert(&row, deletion.created_at)
    }

    /// Remembers that a person has vanished.
    pub(super) fn bury_author(&mut self, request: &Event) -> Result<(), redb::Error> {
        self.insert(&by_author(&request.pubkey), request.created_at)
    }

    fn insert(&mut self, target: &[u8], at: u64) -> Result<(), redb::Error> {
        let before = self.targets.get(target)?.map(|at| at.value());
        if before.is_some_and(|before| before >= at) {
            return Ok(());
        }
        if let Some(before) = before {
            self.by_time.remove((before, target))?;
        }
        self.targets.insert(target, at)?;
        self.by_time.insert((at, target), ())?;
        Ok(())
    }

    /// Gives up the oldest beyond the bound, and those older than `horizon` (seconds since 1970), except the owner's.
    pub(super) fn purge(&mut self, horizon: u64, owner: Option<PublicKey>) -> Result<(), redb::Error> {
        let mut surplus = self.targets.len()?.saturating_sub(MAX_TOMBSTONES);
        let mut victims = Vec::new();
        for row in self.by_time.iter()?.take(PURGE_ROWS) {
            let key = row?.0;
            let (at, target) = key.value();
            if surplus == 0 && at >= horizon {
                break;
            }
            if !owner.is_some_and(|owner| target.starts_with(owner.as_bytes())) {
                surplus = surplus.saturating_sub(1);
                victims.push((at, target.to_vec()));
            }
        }
        for (at, target) in victims {
            self.targets.remove(target.as_slice())?;
            self.by_time.remove((at, target.as_slice()))?;
        }
        Ok(())
    }
}

/// Author, kind and `d` tag of a replaceable or addressable event (NIP-01).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(super) author: PublicKey,
    pub(super) kind: Kind,
    pub(super) identifier: String,
}

/// What a deletion names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Id(EventId),
    Address(Address),
}

/// The address under which an event is replaced.
pub(super) fn address_of(rumor: &Rumor) -> Option<Address> {
    let identifier = match rumor.kind {
        kind if kind.is_addressable() => rumor.tag_values("d").next().unwrap_or_default().to_owned(),
        kind if kind.is_replaceable() => String::new(),
        _ => return None,
    };
    Some(Address { author: rumor.pubkey, kind: rumor.kind, identifier })
}

/// What a deletion names of its author's, each thing once and always in the same order.
pub(super) fn targets(deletion: &Rumor) -> BTreeSet<Target> {
    let ids = deletion.tag_values("e").filter_map(|id| id.parse().ok()).map(Target::Id);
    let addresses = deletion.tag_values("a").filter_map(Address::parse);
    let own = addresses.filter(|address| address.author == deletion.pubkey).map(Target::Address);
    ids.chain(own).collect()
}

impl Address {
    /// Reads `kind:pubkey:d`; None unless events of that kind are replaced under such an address (NIP-01).
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(3, ':');
        let kind = Kind(parts.next()?.parse().ok()?);
        let author = parts.next()?.parse().ok()?;
        let identifier = parts.next().unwrap_or_default().to_owned();
        let names = kind.is_addressable() || (kind.is_replaceable() && identifier.is_empty());
        names.then_some(Self { author, kind, identifier })
    }
}

/// With whose vanishing an event goes: its author's, or that of those for whom a gift wrap is.
pub(super) fn vanishing(event: &Event) -> Vec<PublicKey> {
    match event.kind {
        Kind::GIFT_WRAP => event.tag_values("p").filter_map(|person| person.parse().ok()).collect(),
        _ => vec![event.pubkey],
    }
}

fn by_author(author: &PublicKey) -> Vec<u8> {
    [author.as_bytes().as_slice(), &[2]].concat()
}

fn by_id(author: &PublicKey, id: &EventId) -> Vec<u8> {
    [author.as_bytes().as_slice(), &[0], id.as_bytes()].concat()
}

fn by_address(Address { author, kind, identifier }: &Address) -> Vec<u8> {
    [author.as_bytes().as_slice(), &[1], &kind.0.to_be_bytes(), identifier.as_bytes()].concat()
}
