//! The newest rows, in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{merge::MergedRuns, sorted_run::SortedRun};

/// A run is merged with the one before while that is less than so many times as large: so there are few, and each row is
/// copied a few times only.
const RATIO: usize = 2;

/// Where the newest rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum NewestRows {
    InTable,
    /// In memory and in the log, where they may stay for a while.
    InMemory,
    /// On their way into the table.
    Moving,
}

/// The rows that are not in the table yet, in a few runs.
#[derive(Debug, Default, Clone)]
pub(super) struct Memtable {
    /// The oldest first.
    runs: Vec<Arc<SortedRun>>,
    moving: Option<MovingRows>,
}

/// Rows on their way into the table. All are still found here, too.
#[derive(Debug, Clone)]
pub(super) struct MovingRows {
    /// The oldest first.
    runs: Vec<Arc<SortedRun>>,
    /// They are in the log up to this number.
    through: u64,
    /// The last row that is in the table.
    reached: Option<Vec<u8>>,
}

impl Memtable {
    /// Adds the rows of the newest commit.
    pub(super) fn push(&mut self, mut run: SortedRun) {
        while let Some(before) = self.runs.pop_if(|before| before.len() < RATIO * run.len()) {
            run = SortedRun::merged(&before, &run);
        }
        self.runs.push(Arc::new(run));
    }

    /// All runs, the newest first.
    pub(super) fn runs(&self) -> impl Iterator<Item = &SortedRun> {
        let moving = self.moving.iter().flat_map(|moving| moving.runs.iter().rev());
        self.runs.iter().rev().chain(moving).map(AsRef::as_ref)
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.runs().map(SortedRun::size).sum()
    }

    pub(super) const fn newest(&self) -> NewestRows {
        match &self.moving {
            Some(_) => NewestRows::Moving,
            None if self.runs.is_empty() => NewestRows::InTable,
            None => NewestRows::InMemory,
        }
    }

    /// From now on all rows that are here, which are in the log up to this number, are on their way into the table; unless
    /// others still are.
    pub(super) fn begin_moving(&mut self, through: u64) {
        if self.moving.is_none() && !self.runs.is_empty() {
            let runs = std::mem::take(&mut self.runs);
            self.moving = Some(MovingRows { runs, through, reached: None });
        }
    }

    /// Gives away what is on its way.
    pub(super) const fn take_moving(&mut self) -> Option<MovingRows> {
        self.moving.take()
    }

    /// Takes it back when it has not arrived.
    pub(super) fn go_on_moving(&mut self, moving: MovingRows) {
        self.moving = Some(moving);
    }
}

impl MovingRows {
    /// The rows that are not in the table yet.
    pub(super) fn rest(&self) -> MergedRuns<'_> {
        MergedRuns::behind(self.runs.iter().rev().map(AsRef::as_ref), self.reached.as_deref())
    }

    /// They are in the table up to this row.
    pub(super) fn reached(&mut self, row: Vec<u8>) {
        self.reached = Some(row);
    }

    pub(super) const fn through(&self) -> u64 {
        self.through
    }
}

/// The memtables of an open database, by number of the commit: of the last commit, and of one that is being made.
#[derive(Default)]
pub(in crate::store) struct Memtables(Mutex<Vec<(u64, Arc<Memtable>)>>);

impl Memtables {
    /// The memtable of a commit, if it is here: the last one's is, unless nothing was read yet since the file was opened.
    pub(super) fn get(&self, commit: u64) -> Option<Arc<Memtable>> {
        self.lock().iter().find(|(number, _)| *number == commit).map(|(_, known)| Arc::clone(known))
    }

    /// Takes the memtable of a commit that was read from the log, if nothing is here yet, and gives it back.
    pub(super) fn begin(&self, commit: u64, memtable: Memtable) -> Arc<Memtable> {
        let memtable = Arc::new(memtable);
        let mut kept = self.lock();
        if kept.is_empty() {
            kept.push((commit, Arc::clone(&memtable)));
        }
        memtable
    }

    /// Whether nothing was read yet.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Keeps the memtable of a commit that is about to be made. One that failed may have had the same number.
    pub(super) fn prepare(&self, commit: u64, memtable: Arc<Memtable>) {
        let mut kept = self.lock();
        kept.retain(|(number, _)| *number < commit);
        kept.push((commit, memtable));
    }

    /// The last commit is made: the memory of those before is given back. Who has just begun to read by one of them begins
    /// again.
    pub(in crate::store) fn committed(&self) {
        let mut kept = self.lock();
        let before = kept.len().saturating_sub(1);
        kept.drain(..before);
    }

    #[cfg(test)]
    pub(in crate::store) fn bytes(&self) -> usize {
        self.lock().iter().map(|(_, memtable)| memtable.bytes()).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u64, Arc<Memtable>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
