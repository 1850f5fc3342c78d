//! Which sequence numbers still mean what they meant: each run of a store has an id of its own.
//!
//! A store that is put back from a backup gives numbers again that others know for events that are gone. It cannot notice
//! that by itself, so whoever follows it names, with a number, the run in which it was told it. A run that this store
//! knows ended at a certain number here; what was told beyond that is asked for again. A run that it does not know was lost
//! with the backup, and the follower starts over.

use nostrp2p_core::OwnNodeCursor;
use nostrp2p_protocol::frame::StoreId;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition, TableError};

use super::Store;

/// Number of a run -> its id, and the highest sequence number that was durable when it began.
pub(super) const RUNS: TableDefinition<u64, (StoreId, u64)> = TableDefinition::new("runs");

/// Runs that are known: 24 KB. Whoever followed the store last in an older one starts over.
const MAX_RUNS: u64 = 1_000;

/// Begins a run. `before` is the id of a store from which no runs are known yet.
pub(super) fn begin(
    runs: &mut Table<'_, u64, (StoreId, u64)>,
    id: StoreId,
    before: Option<StoreId>,
    newest: u64,
) -> Result<(), redb::Error> {
    let last = runs.last()?.map(|(number, _)| number.value());
    let mut next = last.map_or(0, |number| number.saturating_add(1));
    if let (None, Some(before)) = (last, before) {
        runs.insert(next, (before, 0))?;
        next += 1;
    }
    runs.insert(next, (id, newest))?;
    while runs.len()? > MAX_RUNS {
        runs.pop_first()?;
    }
    Ok(())
}

/// Each run with the number at which it ended, the latest first; the one that goes on has no end.
pub(super) fn ended(transaction: &ReadTransaction) -> Result<Vec<(StoreId, u64)>, redb::Error> {
    let runs = match transaction.open_table(RUNS) {
        Ok(runs) => runs,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut end = u64::MAX;
    let mut ended = Vec::new();
    for row in runs.iter()?.rev() {
        let (id, first) = row?.1.value();
        ended.push((id, end));
        end = end.min(first);
    }
    Ok(ended)
}

impl Store {
    /// After which sequence number somebody goes on who has followed the store up to this cursor; 0 to start over.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn resume(&self, cursor: OwnNodeCursor) -> Result<u64, redb::Error> {
        let Some(store) = cursor.store else { return Ok(0) };
        let runs = ended(&self.database.begin_read()?)?;
        let end = runs.into_iter().find(|(id, _)| *id == store).map(|(_, end)| end);
        Ok(end.map_or(0, |end| cursor.after.min(end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{commit, open, post};

    const fn at(store: StoreId, after: u64) -> OwnNodeCursor {
        OwnNodeCursor { store: Some(store), after }
    }

    #[tokio::test]
    async fn whoever_followed_a_store_goes_on_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = open(directory.path());
        for number in 0..5 {
            commit(&writer, &post(1, number, &number.to_string())).await;
        }
        let (first, lineage) = (store.id(), store.lineage());
        assert_eq!(store.resume(at(first, 5)).unwrap(), 5);
        assert_eq!(store.resume(OwnNodeCursor::default()).unwrap(), 0);
        writer.close();
        drop(store);
        let (store, writer) = open(directory.path());
        assert_ne!(store.id(), first);
        assert_eq!(store.resume(at(first, 5)).unwrap(), 5);
        assert_eq!(store.resume(at(first, 3)).unwrap(), 3);
        assert_eq!(store.resume(at(first + 1, 3)).unwrap(), 0, "another store");
        assert_eq!(store.lineage(), lineage, "a page goes on as well");
        writer.close();
    }

    #[tokio::test]
    async fn whoever_followed_a_store_beyond_its_backup_misses_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(crate::store::FILE);
        let backup = directory.path().join("backup");
        let (mut runs, mut lineages) = (Vec::new(), Vec::new());
        let mut write = async |from: u64, count: u64| {
            let (store, writer) = open(directory.path());
            for number in from..from + count {
                commit(&writer, &post(1, number, &number.to_string())).await;
            }
            let newest = store.progress().borrow().newest;
            runs.push((store.id(), newest));
            lineages.push(store.lineage());
            writer.close();
        };
        write(0, 10).await;
        std::fs::copy(&file, &backup).unwrap();
        write(100, 60).await;
        // As tools that restore do: another file takes the place.
        std::fs::remove_file(&file).unwrap();
        std::fs::copy(&backup, &file).unwrap();
        write(200, 80).await;
        assert_eq!(lineages[0], lineages[1]);
        assert_ne!(lineages[1], lineages[2], "a page starts over");
        let [(before, ten), (lost, seventy), (after, ninety)] = runs[..] else { panic!("three runs") };
        assert_eq!((ten, seventy, ninety), (10, 70, 90), "the numbers of 60 were given again");
        let (store, writer) = open(directory.path());
        assert_eq!(store.resume(at(lost, seventy)).unwrap(), 0, "the run was lost with the backup");
        assert_eq!(store.resume(at(before, ten)).unwrap(), 10, "nothing is told twice");
        assert_eq!(store.resume(at(after, ninety)).unwrap(), 90);
        writer.close();
    }

    #[tokio::test]
    async fn a_run_that_was_copied_while_it_went_on_ends_where_the_copy_does() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(crate::store::FILE);
        let backup = directory.path().join("backup");
        let (store, writer) = open(directory.path());
        commit(&writer, &post(1, 1, "before")).await;
        std::fs::copy(&file, &backup).unwrap();
        commit(&writer, &post(1, 2, "after")).await;
        let run = store.id();
        writer.close();
        drop(store);
        std::fs::copy(&backup, &file).unwrap();
        let (store, writer) = open(directory.path());
        assert_eq!(store.resume(at(run, 2)).unwrap(), 1, "the second event is asked for again");
        writer.close();
    }

    #[test]
    fn runs_are_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = open(directory.path());
        writer.close();
        let transaction = store.database.begin_write().unwrap();
        {
            let mut runs = transaction.open_table(RUNS).unwrap();
            for number in 0..MAX_RUNS + 5 {
                begin(&mut runs, number, None, number).unwrap();
            }
            assert_eq!(runs.len().unwrap(), MAX_RUNS);
        }
        transaction.commit().unwrap();
    }
}
