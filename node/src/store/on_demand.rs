//! Tables of a write transaction that few events need.
//!
//! Opening a table takes a microsecond, and each commit looks at all that were opened; a transaction for a single event
//! would do that for two dozen.

use std::cell::OnceCell;

use redb::{Key, Table, TableDefinition, Value, WriteTransaction};

/// A table that is opened when it is used for the first time.
pub(super) struct OnDemand<'txn, K: Key + 'static, V: Value + 'static> {
    transaction: &'txn WriteTransaction,
    definition: TableDefinition<'static, K, V>,
    table: OnceCell<Table<'txn, K, V>>,
}

impl<'txn, K: Key + 'static, V: Value + 'static> OnDemand<'txn, K, V> {
    pub(super) const fn new(
        transaction: &'txn WriteTransaction,
        definition: TableDefinition<'static, K, V>,
    ) -> Self {
        Self { transaction, definition, table: OnceCell::new() }
    }

    /// The table, to read.
    pub(super) fn get(&self) -> Result<&Table<'txn, K, V>, redb::Error> {
        if let Some(table) = self.table.get() {
            return Ok(table);
        }
        let table = self.transaction.open_table(self.definition)?;
        Ok(self.table.get_or_init(|| table))
    }

    /// The table, to write.
    pub(super) fn get_mut(&mut self) -> Result<&mut Table<'txn, K, V>, redb::Error> {
        if self.table.get().is_none() {
            let table = self.transaction.open_table(self.definition)?;
            self.table.get_or_init(|| table);
        }
        // It was opened above.
        self.table.get_mut().ok_or(redb::Error::PreviousIo)
    }
}
