//! Reading rows in order from the table and from memory at once.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, btree_map},
};

use redb::{AccessGuard, Range, ReadableTable};

use super::sorted_run::{Change, SortedRun};

/// In which order rows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Direction {
    /// The lowest first.
    Forwards,
    /// The highest first.
    Backwards,
}

impl Direction {
    /// Which of two rows comes first.
    fn order(self, one: &[u8], other: &[u8]) -> Ordering {
        match self {
            Self::Forwards => one.cmp(other),
            Self::Backwards => other.cmp(one),
        }
    }
}

/// Where rows come from besides the table.
enum Source<'a> {
    /// A part of a run: from the first place to before the second.
    Run(&'a SortedRun, usize, usize),
    /// What a transaction has changed so far.
    Fresh(btree_map::Range<'a, Vec<u8>, bool>),
}

impl<'a> Source<'a> {
    fn next(&mut self, direction: Direction) -> Option<Change<'a>> {
        match (self, direction) {
            (Self::Run(_, from, to), _) if *from >= *to => None,
            (Self::Run(run, from, _), Direction::Forwards) => {
                *from += 1;
                run.get(*from - 1)
            }
            (Self::Run(run, _, to), Direction::Backwards) => {
                *to -= 1;
                run.get(*to)
            }
            (Self::Fresh(rows), Direction::Forwards) => rows.next().map(change),
            (Self::Fresh(rows), Direction::Backwards) => rows.next_back().map(change),
        }
    }
}

fn change<'a>((row, there): (&'a Vec<u8>, &bool)) -> Change<'a> {
    (row.as_slice(), *there)
}

/// The rows of several runs in order, each once; of one that is in several, what the newest says.
pub(super) struct MergedRuns<'a> {
    direction: Direction,
    /// The next row of each source, and the source; the newest first. Those that have ended are not here any more.
    sources: Vec<(Change<'a>, Source<'a>)>,
}

impl<'a> MergedRuns<'a> {
    fn new(direction: Direction, sources: impl Iterator<Item = Source<'a>>) -> Self {
        let begin = |mut source: Source<'a>| source.next(direction).map(|row| (row, source));
        Self { direction, sources: sources.filter_map(begin).collect() }
    }

    /// All rows of runs, the newest run first, that come behind a row.
    pub(super) fn behind(runs: impl Iterator<Item = &'a SortedRun>, row: Option<&[u8]>) -> Self {
        let rest =
            |run: &'a SortedRun| Source::Run(run, row.map_or(0, |row| run.before(row, true)), run.len());
        Self::new(Direction::Forwards, runs.map(rest))
    }

    pub(super) fn next(&mut self) -> Option<Change<'a>> {
        let first = self.sources.iter().map(|(change, _)| *change);
        // Of equal ones the first, which is the newest.
        let first = first.min_by(|(one, _), (other, _)| self.direction.order(one, other))?;
        let direction = self.direction;
        self.sources.retain_mut(|(change, source)| {
            if change.0 != first.0 {
                return true;
            }
            source.next(direction).map(|next| *change = next).is_some()
        });
        Some(first)
    }
}

/// The next row of the table.
type TableRow<'a> = AccessGuard<'a, &'static [u8]>;

/// The rows of a range, in the table and in memory.
pub(in crate::store) struct RowRange<'a> {
    table: Range<'a, &'static [u8], ()>,
    from_table: Option<TableRow<'a>>,
    memory: MergedRuns<'a>,
    from_memory: Option<Change<'a>>,
    row: Vec<u8>,
}

impl<'a> RowRange<'a> {
    /// Reads from the first to the last, both inclusive. The newest of the runs comes first, and `fresh` is newer than all.
    pub(super) fn of(
        direction: Direction,
        table: &'a impl ReadableTable<&'static [u8], ()>,
        (runs, fresh): (impl Iterator<Item = &'a SortedRun>, Option<&'a BTreeMap<Vec<u8>, bool>>),
        (first, last): &(Vec<u8>, Vec<u8>),
    ) -> Result<Self, redb::Error> {
        let part = |run: &'a SortedRun| Source::Run(run, run.before(first, false), run.before(last, true));
        // A map panics when its range ends before it begins.
        let fresh = fresh.filter(|_| first <= last);
        let fresh = fresh.map(|fresh| {
            Source::Fresh(fresh.range::<[u8], _>((
                std::ops::Bound::Included(first.as_slice()),
                std::ops::Bound::Included(last.as_slice()),
            )))
        });
        let memory = MergedRuns::new(direction, fresh.into_iter().chain(runs.map(part)));
        let table = table.range(first.as_slice()..=last.as_slice())?;
        let mut range = Self { table, from_table: None, memory, from_memory: None, row: Vec::new() };
        range.from_table = range.next_of_table()?;
        range.from_memory = range.memory.next();
        Ok(range)
    }

    /// The next row that is there.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(in crate::store) fn next(&mut self) -> Result<Option<&[u8]>, redb::Error> {
        loop {
            let order = match (&self.from_table, self.from_memory) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(table), Some((memory, _))) => self.memory.direction.order(table.value(), memory),
            };
            let mut there = true;
            self.row.clear();
            if let Some((row, is_there)) = self.from_memory.filter(|_| order.is_ge()) {
                self.row.extend(row);
                there = is_there;
                self.from_memory = self.memory.next();
            }
            if order.is_le() {
                if order.is_lt()
                    && let Some(row) = &self.from_table
                {
                    self.row.extend(row.value());
                }
                self.from_table = self.next_of_table()?;
            }
            if there {
                return Ok(Some(&self.row));
            }
        }
    }

    fn next_of_table(&mut self) -> Result<Option<TableRow<'a>>, redb::Error> {
        let row = match self.memory.direction {
            Direction::Forwards => self.table.next(),
            Direction::Backwards => self.table.next_back(),
        };
        Ok(row.transpose()?.map(|(row, _)| row))
    }
}
