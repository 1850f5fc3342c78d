//! The rows of the last commits, as they were made: what is in memory only is read from here at a start.

use redb::{ReadOnlyTable, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{memtable::Memtable, sorted_run::SortedRun};

/// Number of a commit -> the rows that it has put in or removed ([`SortedRun::as_bytes`]). Commits that have moved rows
/// into the table have a number too, and no rows. The last row always stays, so that no number is given twice.
pub(super) const ROW_LOG: TableDefinition<u64, &[u8]> = TableDefinition::new("row_log");

/// The log of a write transaction.
pub(super) struct Log<'txn>(Table<'txn, u64, &'static [u8]>);

impl<'txn> Log<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self(transaction.open_table(ROW_LOG)?))
    }

    /// The number of the last commit that has changed rows; 0 when none has.
    pub(super) fn last(&self) -> Result<u64, redb::Error> {
        last(&self.0)
    }

    /// See [`read`].
    pub(super) fn read(&self) -> Result<Memtable, redb::Error> {
        read(&self.0)
    }

    /// Writes rows down under a new number.
    pub(super) fn append(&mut self, run: &SortedRun) -> Result<(), redb::Error> {
        self.insert(run.as_bytes())
    }

    /// Gives this transaction a number of its own, for it moves rows.
    pub(super) fn note_moved(&mut self) -> Result<(), redb::Error> {
        self.insert(&[])
    }

    fn insert(&mut self, bytes: &[u8]) -> Result<(), redb::Error> {
        let number = self.last()? + 1;
        self.0.insert(number, bytes)?;
        Ok(())
    }

    /// Everything up to this number is in the table.
    pub(super) fn forget(&mut self, through: u64) -> Result<(), redb::Error> {
        self.0.retain_in(..=through, |_, _| false)?;
        Ok(())
    }
}

/// The number of the last commit that has changed rows; 0 when none has.
pub(super) fn last(log: &impl ReadableTable<u64, &'static [u8]>) -> Result<u64, redb::Error> {
    Ok(log.last()?.map_or(0, |(number, _)| number.value()))
}

/// Reads all rows of the log, and what follows from them.
pub(super) fn read(log: &impl ReadableTable<u64, &'static [u8]>) -> Result<Memtable, redb::Error> {
    let mut memtable = Memtable::default();
    for row in log.iter()? {
        let run = SortedRun::parse(row?.1.value());
        let run = run.ok_or_else(|| redb::Error::Corrupted("a row of its log is cut off".to_owned()))?;
        if run.len() > 0 {
            memtable.push(run);
        }
    }
    Ok(memtable)
}

/// The log of a snapshot.
pub(super) type LogReader = ReadOnlyTable<u64, &'static [u8]>;
