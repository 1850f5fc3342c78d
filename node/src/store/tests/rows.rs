//! The newest index rows are in memory and in the log, all others in their table: readers see both as one.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use super::*;
use crate::store::rows::{FindRows, MOST_BYTES, Moves, NewestRows, RowRange, Rows, RowsReader, Snapshot};

/// Bytes of rows in memory at which they are moved in these tests.
const FEW: usize = 4_096;

fn forwards(rows: &impl FindRows, range: &(Vec<u8>, Vec<u8>)) -> Vec<Vec<u8>> {
    collect(rows.forwards(range).unwrap())
}

fn collect(mut range: RowRange<'_>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some(row) = range.next().unwrap() {
        found.push(row.to_vec());
    }
    found
}

fn expected(model: &BTreeSet<Vec<u8>>, (first, last): &(Vec<u8>, Vec<u8>)) -> Vec<Vec<u8>> {
    model.iter().filter(|row| (first..=last).contains(row)).cloned().collect()
}

fn read(disk: &Disk) -> RowsReader {
    disk.snapshot().unwrap().into_rows()
}

/// Reads ranges of all sorts, and compares them with what they should be.
fn check(rows: &RowsReader, model: &BTreeSet<Vec<u8>>, random: &mut StdRng) {
    for _ in 0..20 {
        let mut ends: [Vec<u8>; 2] = [(), ()].map(|()| row(random));
        ends.sort();
        let [first, last] = ends;
        let range = (first, last);
        let should = expected(model, &range);
        assert_eq!(forwards(rows, &range), should);
        assert_eq!(rows.has_any(&range).unwrap(), !should.is_empty());
        let mut backwards = collect(rows.backwards(&range).unwrap());
        backwards.reverse();
        assert_eq!(backwards, should);
    }
}

fn row(random: &mut StdRng) -> Vec<u8> {
    let length = random.random_range(1..4);
    (0..length).map(|_| random.random_range(0..12)).collect()
}

/// Some commits with random changes, each compared with a set; what they leave is given back.
fn change(disk: &Disk, model: &mut BTreeSet<Vec<u8>>, random: &mut StdRng) -> NewestRows {
    let transaction = disk.begin_write().unwrap();
    let mut rows = Rows::open(&transaction, &disk.memtables()).unwrap();
    for _ in 0..random.random_range(0..200) {
        let row = row(random);
        if random.random_bool(0.6) {
            model.insert(row.clone());
            rows.insert(row).unwrap();
        } else {
            model.remove(&row);
            rows.remove(row).unwrap();
        }
    }
    let all = (vec![], vec![u8::MAX]);
    assert_eq!(forwards(&rows, &all), expected(model, &all), "as its own transaction sees it");
    let at_least = if random.random_bool(0.2) { random.random_range(0..500) } else { 0 };
    let waiting = rows.finish(&disk.memtables(), Moves { from_bytes: FEW, at_least }).unwrap();
    drop(rows);
    transaction.commit().unwrap();
    if random.random_bool(0.7) {
        disk.memtables().committed();
    }
    waiting
}

#[test]
fn rows_in_memory_and_in_the_table_are_read_as_one_by_everybody_as_of_their_own_commit() {
    let seed = rand::random();
    println!("seed {seed}");
    let random = &mut StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.close();
    let disk = &store.database;
    let (mut model, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut earlier = Vec::new();
    for _ in 0..300 {
        seen.insert(format!("{:?}", change(disk, &mut model, random)));
        check(&read(disk), &model, random);
        if random.random_bool(0.1) {
            earlier.push((disk.snapshot().unwrap(), model.clone()));
        }
    }
    assert_eq!(seen.len(), 3, "rows were in memory, on their way and in the table: {seen:?}");
    for (snapshot, model) in earlier {
        check(snapshot.rows(), &model, random);
    }
}

#[test]
fn a_transaction_that_is_not_committed_leaves_no_rows() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.close();
    let random = &mut StdRng::seed_from_u64(1);
    let mut model = BTreeSet::new();
    for _ in 0..30 {
        change(&store.database, &mut model, random);
        let transaction = store.database.begin_write().unwrap();
        let mut rows = Rows::open(&transaction, &store.database.memtables()).unwrap();
        rows.insert(vec![0, 99]).unwrap();
        rows.finish(&store.database.memtables(), Moves { from_bytes: FEW, at_least: 10 }).unwrap();
        drop(rows);
        drop(transaction);
        check(&read(&store.database), &model, random);
    }
}

#[test]
fn a_reader_that_commits_overtake_begins_again_and_does_not_read_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.close();
    let disk = &store.database;
    let state = RefCell::new((BTreeSet::new(), StdRng::seed_from_u64(2)));
    let commit = || {
        let (model, random) = &mut *state.borrow_mut();
        change(disk, model, random);
        disk.memtables().committed();
    };
    commit();
    let begun = Cell::new(0);
    let begin = || {
        let transaction = disk.begin_read();
        if begun.replace(begun.get() + 1) == 0 {
            commit();
        }
        transaction
    };
    let snapshot = Snapshot::begin(&disk.memtables(), begin).unwrap();
    assert_eq!(begun.get(), 2);
    let (model, random) = &mut *state.borrow_mut();
    check(snapshot.rows(), model, random);
}

#[test]
fn however_much_one_transaction_writes_memory_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.close();
    let transaction = store.database.begin_write().unwrap();
    let memtables = store.database.memtables();
    let mut rows = Rows::open(&transaction, &memtables).unwrap();
    let length = 512;
    let count = u32::try_from(2 * MOST_BYTES / length).unwrap();
    for number in 0..count {
        let mut row = vec![0; length];
        row[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
        rows.insert(row).unwrap();
    }
    rows.finish(&memtables, Moves { from_bytes: usize::MAX, at_least: 0 }).unwrap();
    drop(rows);
    transaction.commit().unwrap();
    let rows = read(&store.database);
    assert!(rows.bytes_in_memory() <= MOST_BYTES, "{} bytes", rows.bytes_in_memory());
    assert_eq!(forwards(&rows, &(vec![], vec![u8::MAX; 5])).len(), usize::try_from(count).unwrap());
}

#[test]
fn rows_that_were_in_memory_are_read_from_the_log_after_a_crash_and_moved_by_an_orderly_end() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..500 {
        writer.store_blocking(post(1, 60 * number, &number.to_string()), Propagation::Shared);
    }
    let stored = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(writer.settle());
    stored.unwrap();
    assert_ne!(read(&store.database).newest(), NewestRows::InTable);
    // What a crash leaves behind.
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(directory.path().join(FILE), copy.path().join(FILE)).unwrap();
    let everything = nostrp2p_core::SyncWindow { since: 0, until: u64::MAX };
    let shared = store.shared(everything).unwrap();
    assert_eq!(shared.len(), 500);
    writer.close();
    assert_eq!(read(&store.database).newest(), NewestRows::InTable);
    let (after_crash, writer) = open(copy.path());
    assert_ne!(read(&after_crash.database).newest(), NewestRows::InTable);
    assert_eq!(after_crash.shared(everything).unwrap(), shared);
    writer.close();
    drop(after_crash);
    let (in_order, writer) = open(copy.path());
    assert_eq!(read(&in_order.database).newest(), NewestRows::InTable, "the log is empty");
    assert_eq!(in_order.shared(everything).unwrap(), shared);
    writer.close();
}

#[test]
fn a_store_in_which_nothing_happens_gives_the_memory_of_its_newest_rows_back() {
    let directory = tempfile::tempdir().unwrap();
    let idle = Idle { after: std::time::Duration::from_millis(50), ..Idle::default() };
    let lock = Lock::of(directory.path()).unwrap();
    let (store, writer) = Store::open_locked(lock, directory.path(), Retention::EVERYTHING, idle).unwrap();
    for number in 0..3_000 {
        writer.store_blocking(post(1, 60 * number, &number.to_string()), Propagation::Done);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(writer.settle()).unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while read(&store.database).newest() != NewestRows::InTable || store.database.memtables().bytes() > 0 {
        assert!(std::time::Instant::now() < until, "rows are still in memory");
        std::thread::yield_now();
    }
    assert_eq!(store.select_all().len(), 3_000);
    writer.close();
}

#[test]
fn a_log_that_is_damaged_is_no_store_that_lacks_rows() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.close();
    let transaction = store.database.begin_write().unwrap();
    let log: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("row_log");
    transaction.open_table(log).unwrap().insert(1, [0, 9, 1].as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(store);
    let Err(error) = Store::open(directory.path(), Retention::EVERYTHING) else { panic!("it is damaged") };
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}
