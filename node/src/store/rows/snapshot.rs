//! What one reader sees.

use std::ops::Deref;

use redb::{ReadTransaction, TransactionError};

use super::{
    Memtables, ROWS, RowsReader,
    log::{self, LogReader, ROW_LOG},
};

/// How often a reader begins before it reads the log: one that is overtaken by commits again and again goes on all the same.
const MOST_ATTEMPTS: u32 = 100;

/// One state of the store: its index rows, and the transaction by which all other tables are read, to which it
/// dereferences.
pub(in crate::store) struct Snapshot {
    transaction: ReadTransaction,
    rows: RowsReader,
}

impl Snapshot {
    /// Begins to read. Commits may be made between that and looking for the memtable, whose memory is then gone: it begins
    /// again, for reading the log takes a tenth of a second.
    pub(in crate::store) fn begin(
        memtables: &Memtables,
        begin: impl Fn() -> Result<ReadTransaction, TransactionError>,
    ) -> Result<Self, redb::Error> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let transaction = begin()?;
            let log: LogReader = transaction.open_table(ROW_LOG)?;
            let commit = log::last(&log)?;
            let memtable = match memtables.get(commit) {
                Some(memtable) => memtable,
                None if attempts == MOST_ATTEMPTS || memtables.is_empty() => {
                    memtables.begin(commit, log::read(&log)?)
                }
                None => continue,
            };
            let rows = RowsReader { table: transaction.open_table(ROWS)?, memtable };
            return Ok(Self { transaction, rows });
        }
    }

    /// The rows by which events are found.
    pub(in crate::store) const fn rows(&self) -> &RowsReader {
        &self.rows
    }

    /// The same alone.
    pub(in crate::store) fn into_rows(self) -> RowsReader {
        self.rows
    }
}

impl Deref for Snapshot {
    type Target = ReadTransaction;

    fn deref(&self) -> &ReadTransaction {
        &self.transaction
    }
}
