//! What was deleted must not come back (NIP-09): a tombstone outlives its target.
//!
//! A tombstone bites only on events of the author who asked for the deletion. By id it bites for good; by address
//! (`a` tag) on versions that are not newer than the deletion. A request to vanish (NIP-62) bites on everything that its
//! author wrote until then, and on gift wraps for that person. One of a clock that was ahead does not bite on what is of
//! now (see [`nostrp2p_protocol::event_policy::is_outdated`]).

use std::collections::BTreeSet;

use nostrp2p_protocol::{
    Event, EventId, Kind, PublicKey, UnsignedEvent,
    event_policy::{EventAddress, address_of, is_outdated},
};
use redb::{ReadableTable, ReadableTableMetadata, Table, TableDefinition, WriteTransaction};
use sha2::{Digest, Sha256};

use super::on_demand::OnDemand;

/// Target (see [`by_id`], [`by_address`] and [`by_author`]) -> `created_at` of the deletion, in seconds.
const TOMBSTONES: TableDefinition<&[u8], u64> = TableDefinition::new("tombstones");
/// The same by time, so that the oldest are found: `created_at` and target.
const BY_TIME: TableDefinition<(u64, &[u8]), ()> = TableDefinition::new("tombstones_by_time");

/// Author -> how many tombstones are theirs. The owner's are not counted, for they are not given up.
const COUNTS: TableDefinition<&[u8; 32], u64> = TableDefinition::new("tombstones_of");
/// The same by number, so that the author with the most is found.
const BY_COUNT: TableDefinition<(u64, &[u8; 32]), ()> = TableDefinition::new("tombstones_by_count");

/// Most tombstones: about 30 MB on disk, for none is longer than [`by_address`] makes it. The author with the most gives
/// up the oldest.
const MAX_TOMBSTONES: u64 = 200_000;
/// Most tombstones of one author: a twentieth of all, so nobody makes others give up theirs.
const MAX_OF_AUTHOR: u64 = 10_000;
/// Who is at the bound gives up one part of so many at once, so that it is not done for each tombstone.
const GIVEN_UP_PART: u64 = 8;
/// Identifiers (`d` tags) longer than this are replaced by their hash, in bytes.
const MAX_IDENTIFIER_BYTES: usize = 32;
/// Tombstones that are given up in one go.
const PURGE_ROWS: usize = 2_000;

/// The open tables.
pub(super) struct Tombstones<'txn> {
    targets: Table<'txn, &'static [u8], u64>,
    by_time: OnDemand<'txn, (u64, &'static [u8]), ()>,
    counts: OnDemand<'txn, &'static [u8; 32], u64>,
    by_count: OnDemand<'txn, (u64, &'static [u8; 32]), ()>,
    pub(super) owner: Option<PublicKey>,
    bounds: Bounds,
}

/// How many are kept; smaller in tests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) all: u64,
    pub(super) of_author: u64,
}

impl<'txn> Tombstones<'txn> {
    pub(super) fn open(
        transaction: &'txn WriteTransaction,
        owner: Option<PublicKey>,
    ) -> Result<Self, redb::Error> {
        Ok(Self {
            targets: transaction.open_table(TOMBSTONES)?,
            by_time: OnDemand::new(transaction, BY_TIME),
            counts: OnDemand::new(transaction, COUNTS),
            by_count: OnDemand::new(transaction, BY_COUNT),
            owner,
            bounds: Bounds { all: MAX_TOMBSTONES, of_author: MAX_OF_AUTHOR },
        })
    }

    /// Opens the tables that are opened when they are used, for that creates them.
    pub(super) fn create_missing(&self) -> Result<(), redb::Error> {
        self.by_time.get()?;
        self.counts.get()?;
        self.by_count.get()?;
        Ok(())
    }

    /// Writes all of them down anew, from a version that neither counted them nor shortened their identifiers.
    pub(super) fn rebuild(&mut self) -> Result<(), redb::Error> {
        let mut all = Vec::new();
        for row in self.targets.iter()? {
            let (target, at) = row?;
            all.push((target.value().to_vec(), at.value()));
        }
        self.targets.retain(|_, _| false)?;
        self.by_time.get_mut()?.retain(|_, ()| false)?;
        for (target, at) in all {
            let identifier = target.get(ADDRESS_HEAD..).filter(|_| target.get(AUTHOR) == Some(&1));
            let target = match identifier {
                Some(identifier) => {
                    let head = target.get(..ADDRESS_HEAD).unwrap_or_default();
                    [head, &shortened(identifier)].concat()
                }
                None => target,
            };
            self.insert(&target, at)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) const fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, author: &PublicKey, id: &EventId) -> bool {
        self.targets.get(by_id(author, id).as_slice()).unwrap().is_some()
    }

    #[cfg(test)]
    pub(super) fn longest(&self) -> usize {
        self.targets.iter().unwrap().map(|row| row.unwrap().0.value().len()).max().unwrap_or(0)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> u64 {
        assert_eq!(self.targets.len().unwrap(), self.by_time.get().unwrap().len().unwrap());
        self.targets.len().unwrap()
    }

    /// Whether its author has had an event deleted. `now` in seconds since 1970.
    pub(super) fn is_deleted(&self, event: &Event, now: u64) -> Result<bool, redb::Error> {
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
    pub(super) fn record(&mut self, deletion: &Event, target: &DeletionTarget) -> Result<(), redb::Error> {
        let row = match target {
            DeletionTarget::Id(id) => by_id(&deletion.pubkey, id),
            DeletionTarget::Address(address) => by_address(address),
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
        match before {
            Some(before) => drop(self.by_time.get_mut()?.remove((before, target))?),
            None => self.make_room(target)?,
        }
        self.targets.insert(target, at)?;
        self.by_time.get_mut()?.insert((at, target), ())?;
        Ok(())
    }

    /// The owner is known now: what the owner has had deleted is not counted any more.
    pub(super) fn own(&mut self, owner: &PublicKey) -> Result<(), redb::Error> {
        self.owner = Some(*owner);
        self.set_count(owner.as_bytes(), 0)
    }

    /// Counts one more of its author, after giving up others of that author, or of the one with the most.
    fn make_room(&mut self, target: &[u8]) -> Result<(), redb::Error> {
        let Some(author) = self.counted(target) else { return Ok(()) };
        if self.count(&author)? >= self.bounds.of_author {
            self.give_up(&author)?;
        } else if self.targets.len()? >= self.bounds.all {
            let most = self.by_count.get()?.iter()?.next_back().transpose()?;
            if let Some(most) = most.map(|row| *row.0.value().1) {
                self.give_up(&most)?;
            }
        }
        let count = self.count(&author)?;
        self.set_count(&author, count + 1)
    }

    /// The author of a tombstone, unless it is the owner.
    fn counted(&self, target: &[u8]) -> Option<[u8; 32]> {
        let author = *target.first_chunk::<AUTHOR>()?;
        (self.owner.as_ref().map(PublicKey::as_bytes) != Some(&author)).then_some(author)
    }

    fn count(&self, author: &[u8; 32]) -> Result<u64, redb::Error> {
        Ok(self.counts.get()?.get(author)?.map_or(0, |count| count.value()))
    }

    fn set_count(&mut self, author: &[u8; 32], count: u64) -> Result<(), redb::Error> {
        let before = self.counts.get()?.get(author)?.map(|count| count.value());
        if let Some(before) = before {
            self.by_count.get_mut()?.remove((before, author))?;
        }
        if count == 0 {
            self.counts.get_mut()?.remove(author)?;
        } else {
            self.counts.get_mut()?.insert(author, count)?;
            self.by_count.get_mut()?.insert((count, author), ())?;
        }
        Ok(())
    }

    /// Gives up the oldest of an author. That a person has vanished is remembered longest.
    fn give_up(&mut self, author: &[u8; 32]) -> Result<(), redb::Error> {
        let last = [author.as_slice(), &[0xff]].concat();
        let mut theirs = Vec::new();
        for row in self.targets.range(author.as_slice()..=last.as_slice())? {
            let (target, at) = row?;
            let vanished = target.value().get(AUTHOR) == Some(&2);
            theirs.push((vanished, at.value(), target.value().to_vec()));
        }
        theirs.sort_unstable();
        let part = usize::try_from(self.bounds.of_author.min(self.count(author)?) / GIVEN_UP_PART);
        for (_, at, target) in theirs.into_iter().take(part.unwrap_or(1).max(1)) {
            self.remove(at, &target)?;
        }
        Ok(())
    }

    fn remove(&mut self, at: u64, target: &[u8]) -> Result<(), redb::Error> {
        self.by_time.get_mut()?.remove((at, target))?;
        if self.targets.remove(target)?.is_some()
            && let Some(author) = self.counted(target)
        {
            let count = self.count(&author)?;
            self.set_count(&author, count.saturating_sub(1))?;
        }
        Ok(())
    }

    /// Gives up those older than `horizon` (seconds since 1970), except the owner's.
    pub(super) fn purge(&mut self, horizon: u64) -> Result<(), redb::Error> {
        let mut victims = Vec::new();
        for row in self.by_time.get()?.iter()?.take(PURGE_ROWS) {
            let key = row?.0;
            let (at, target) = key.value();
            if at >= horizon {
                break;
            }
            if self.counted(target).is_some() {
                victims.push((at, target.to_vec()));
            }
        }
        for (at, target) in victims {
            self.remove(at, &target)?;
        }
        Ok(())
    }
}

/// What a deletion names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DeletionTarget {
    Id(EventId),
    Address(EventAddress),
}

/// What a deletion names of its author's, each thing once and always in the same order.
pub(super) fn targets(deletion: &UnsignedEvent) -> BTreeSet<DeletionTarget> {
    let ids = deletion.tag_values("e").filter_map(|id| id.parse().ok()).map(DeletionTarget::Id);
    let addresses = deletion.tag_values("a").filter_map(EventAddress::parse);
    let own = addresses.filter(|address| address.author == deletion.pubkey).map(DeletionTarget::Address);
    ids.chain(own).collect()
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

fn by_address(EventAddress { author, kind, identifier }: &EventAddress) -> Vec<u8> {
    let identifier = shortened(identifier.as_bytes());
    [author.as_bytes().as_slice(), &[1], &kind.0.to_be_bytes(), &identifier].concat()
}

/// Bytes of the author at the beginning of a target; a byte that says what sort of target it is follows.
const AUTHOR: usize = 32;
/// Bytes of an address before its identifier: author, sort and kind.
const ADDRESS_HEAD: usize = AUTHOR + 1 + 2;

/// An identifier, or its hash if it is long.
fn shortened(identifier: &[u8]) -> Vec<u8> {
    if identifier.len() <= MAX_IDENTIFIER_BYTES {
        return identifier.to_vec();
    }
    Sha256::digest(identifier).to_vec()
}
