//! The rows by which events are found: one table, of which the newest rows are in memory.
//!
//! A row is a key of a few dozen bytes without a value; `index.rs`, `ids.rs` and `shared.rs` say what is in it, and its
//! first byte tells whose it is. An event has about nine rows, which lie at random among those of all others, so that
//! putting them into the table at once would copy nine of its pages for each event. A commit therefore writes its rows
//! down one after the other, in one value of the log, and keeps them in memory as a [`SortedRun`]. Much later, when
//! there are tens of thousands, they are moved into the table in its order, so that each page is copied once for many
//! rows. This is a log-structured merge (O'Neil and others, 1996) with two levels.
//!
//! | where | what |
//! |---|---|
//! | table `rows` | all rows but the newest |
//! | table `row_log` | the rows of each commit since then, put in or removed, by number of the commit |
//! | [`Memtable`] | the same rows as in the log, in order |
//!
//! Readers look at both: see [`RowRange`]. Each [`Snapshot`] has the memtable of its own commit.

mod log;
mod memtable;
mod merge;
mod snapshot;
mod sorted_run;

use std::{collections::BTreeMap, sync::Arc};

use redb::{ReadOnlyTable, ReadTransaction, Table, TableDefinition, WriteTransaction};

use log::{Log, ROW_LOG};
use memtable::Memtable;
use sorted_run::SortedRun;

pub(super) use memtable::{Memtables, NewestRows};
pub(super) use merge::{Direction, RowRange};
pub(super) use snapshot::Snapshot;

/// All rows but the newest. The row is the key, there is no value.
pub(super) const ROWS: TableDefinition<&[u8], ()> = TableDefinition::new("rows");

/// Most bytes of rows in memory before they are moved into the table: those of some 40,000 events.
pub(super) const MOVE_AT_BYTES: usize = 16 * 1024 * 1024;
/// From so many bytes on a transaction moves them all, so that memory is bounded.
pub(super) const MOST_BYTES: usize = 2 * MOVE_AT_BYTES;
/// Most rows of one transaction before they become a run: those of some thousand ordinary events. One event may have two
/// thousand.
const MOST_FRESH: usize = 32_768;
/// While rows are moved, a commit moves so many for each one that it brings, so that the memory does not grow without end.
const MOVED_FOR_EACH: usize = 4;

/// Where rows are found.
pub(super) trait FindRows {
    /// The rows from the first to the last, both inclusive.
    fn range(&self, direction: Direction, range: &(Vec<u8>, Vec<u8>)) -> Result<RowRange<'_>, redb::Error>;

    /// The lowest row first.
    fn forwards(&self, range: &(Vec<u8>, Vec<u8>)) -> Result<RowRange<'_>, redb::Error> {
        self.range(Direction::Forwards, range)
    }

    /// The highest row first.
    fn backwards(&self, range: &(Vec<u8>, Vec<u8>)) -> Result<RowRange<'_>, redb::Error> {
        self.range(Direction::Backwards, range)
    }

    /// Whether any of the rows is there.
    fn has_any(&self, range: &(Vec<u8>, Vec<u8>)) -> Result<bool, redb::Error> {
        Ok(self.forwards(range)?.next()?.is_some())
    }
}

/// When a transaction moves rows into the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moves {
    /// When memory holds so many bytes of them.
    pub(super) from_bytes: usize,
    /// At least so many rows in any case.
    pub(super) at_least: usize,
}

/// The rows of one write transaction.
pub(super) struct Rows<'txn> {
    table: Table<'txn, &'static [u8], ()>,
    log: Log<'txn>,
    memtable: Memtable,
    /// What this transaction changes: whether the row is there.
    fresh: BTreeMap<Vec<u8>, bool>,
    /// Rows that this transaction has changed so far.
    changed: usize,
    /// Whether rows go into the table without a detour, as when a store is brought up to date.
    straight: bool,
}

impl<'txn> Rows<'txn> {
    pub(super) fn open(
        transaction: &'txn WriteTransaction,
        memtables: &Memtables,
    ) -> Result<Self, redb::Error> {
        let log = Log::open(transaction)?;
        let commit = log.last()?;
        let memtable = match memtables.get(commit) {
            Some(memtable) => memtable,
            None => memtables.begin(commit, log.read()?),
        };
        Ok(Self {
            table: transaction.open_table(ROWS)?,
            log,
            memtable: Memtable::clone(&memtable),
            fresh: BTreeMap::new(),
            changed: 0,
            straight: false,
        })
    }

    /// From now on rows go into the table without a detour.
    pub(super) const fn go_straight(&mut self) {
        self.straight = true;
    }

    /// Puts a row in.
    pub(super) fn insert(&mut self, row: Vec<u8>) -> Result<(), redb::Error> {
        self.change(row, true)
    }

    /// Removes a row, if it is there.
    pub(super) fn remove(&mut self, row: Vec<u8>) -> Result<(), redb::Error> {
        self.change(row, false)
    }

    fn change(&mut self, row: Vec<u8>, there: bool) -> Result<(), redb::Error> {
        self.fresh.insert(row, there);
        if self.fresh.len() >= MOST_FRESH { self.settle() } else { Ok(()) }
    }

    /// Writes the changes of this transaction down.
    fn settle(&mut self) -> Result<(), redb::Error> {
        let fresh = std::mem::take(&mut self.fresh);
        if self.straight {
            for (row, there) in &fresh {
                self.put(row, *there)?;
            }
            return Ok(());
        }
        if !fresh.is_empty() {
            self.changed += fresh.len();
            let run = SortedRun::of(fresh.iter().map(|(row, there)| (row.as_slice(), *there)));
            self.log.append(&run)?;
            self.memtable.push(run);
        }
        if self.memtable.bytes() > MOST_BYTES { self.move_all() } else { Ok(()) }
    }

    fn put(&mut self, row: &[u8], there: bool) -> Result<(), redb::Error> {
        if there {
            self.table.insert(row, ())?;
        } else {
            self.table.remove(row)?;
        }
        Ok(())
    }

    /// Writes the changes of this transaction down, and moves some rows into the table. Says where the rows are then.
    pub(super) fn finish(&mut self, memtables: &Memtables, moves: Moves) -> Result<NewestRows, redb::Error> {
        self.settle()?;
        if self.memtable.bytes() >= moves.from_bytes || moves.at_least > 0 {
            self.memtable.begin_moving(self.log.last()?);
        }
        self.move_some(moves.at_least.max(self.changed.saturating_mul(MOVED_FOR_EACH)))?;
        memtables.prepare(self.log.last()?, Arc::new(self.memtable.clone()));
        Ok(self.memtable.newest())
    }

    /// Moves all rows into the table.
    pub(super) fn move_all(&mut self) -> Result<(), redb::Error> {
        while self.memtable.newest() != NewestRows::InTable {
            self.memtable.begin_moving(self.log.last()?);
            self.move_some(usize::MAX)?;
        }
        Ok(())
    }

    /// Goes on moving rows into the table, in their order.
    fn move_some(&mut self, most: usize) -> Result<(), redb::Error> {
        if most == 0 {
            return Ok(());
        }
        let Some(mut moving) = self.memtable.take_moving() else { return Ok(()) };
        let mut moved = 0;
        let mut rows = moving.rest();
        let mut last = None;
        while moved < most
            && let Some((row, there)) = rows.next()
        {
            self.put(row, there)?;
            (last, moved) = (Some(row), moved + 1);
        }
        if let Some(last) = last.map(<[u8]>::to_vec) {
            moving.reached(last);
        }
        self.log.note_moved()?;
        if moved < most {
            self.log.forget(moving.through())
        } else {
            self.memtable.go_on_moving(moving);
            Ok(())
        }
    }
}

impl FindRows for Rows<'_> {
    fn range(&self, direction: Direction, range: &(Vec<u8>, Vec<u8>)) -> Result<RowRange<'_>, redb::Error> {
        RowRange::of(direction, &self.table, (self.memtable.runs(), Some(&self.fresh)), range)
    }
}

/// The rows of one snapshot.
pub(super) struct RowsReader {
    table: ReadOnlyTable<&'static [u8], ()>,
    memtable: Arc<Memtable>,
}

impl RowsReader {
    /// Where the newest rows are.
    pub(super) fn newest(&self) -> NewestRows {
        self.memtable.newest()
    }

    #[cfg(test)]
    pub(super) fn bytes_in_memory(&self) -> usize {
        self.memtable.bytes()
    }

    /// The rows of a store that may be damaged: those of its table alone where the log cannot be read.
    pub(super) fn of_damaged(transaction: &ReadTransaction) -> Result<Self, redb::Error> {
        let memtable = super::quietly(|| log::read(&transaction.open_table(ROW_LOG)?));
        let memtable = Arc::new(memtable.and_then(Result::ok).unwrap_or_default());
        Ok(Self { table: transaction.open_table(ROWS)?, memtable })
    }
}

impl FindRows for RowsReader {
    fn range(&self, direction: Direction, range: &(Vec<u8>, Vec<u8>)) -> Result<RowRange<'_>, redb::Error> {
        RowRange::of(direction, &self.table, (self.memtable.runs(), None), range)
    }
}
