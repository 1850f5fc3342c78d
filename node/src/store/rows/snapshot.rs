//! What one reader sees.

use std::ops::Deref;

use redb::ReadTransaction;

use super::{
    Memtables, ROWS, RowsReader,
    log::{self, LogReader, ROW_LOG},
};

/// One state of the store: its index rows, and the transaction by which all other tables are read, to which it
/// dereferences.
pub(in crate::store) struct Snapshot {
    transaction: ReadTransaction,
    rows: RowsReader,
}

impl Snapshot {
    /// The state that a transaction has just begun to read.
    pub(in crate::store) fn of(
        transaction: ReadTransaction,
        memtables: &Memtables,
    ) -> Result<Self, redb::Error> {
        let log: LogReader = transaction.open_table(ROW_LOG)?;
        let memtable = memtables.of(log::last(&log)?, || log::read(&log))?;
        let rows = RowsReader { table: transaction.open_table(ROWS)?, memtable };
        Ok(Self { transaction, rows })
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
