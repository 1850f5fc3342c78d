//! What one reader sees.

use std::{ops::Deref, sync::Arc};

use redb::ReadTransaction;

use super::{
    Memtables, ROWS, RowsReader,
    log::{self, LogReader, ROW_LOG},
};

/// One state of the store. It dereferences to the transaction, by which all other tables are read.
pub(in crate::store) struct Snapshot {
    transaction: ReadTransaction,
    memtables: Arc<Memtables>,
}

impl Snapshot {
    pub(in crate::store) const fn new(transaction: ReadTransaction, memtables: Arc<Memtables>) -> Self {
        Self { transaction, memtables }
    }

    /// The rows by which events are found.
    pub(in crate::store) fn rows(&self) -> Result<RowsReader, redb::Error> {
        let log: LogReader = self.transaction.open_table(ROW_LOG)?;
        let memtable = self.memtables.of(log::last(&log)?, || log::read(&log))?;
        Ok(RowsReader { table: self.transaction.open_table(ROWS)?, memtable })
    }
}

impl Deref for Snapshot {
    type Target = ReadTransaction;

    fn deref(&self) -> &ReadTransaction {
        &self.transaction
    }
}
