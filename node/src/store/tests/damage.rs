//! Damaged files, and files of an earlier version.

use std::sync::atomic::{AtomicU32, Ordering};

use nostrp2p_protocol::EventId;
use redb::{StorageBackend, TableDefinition, TableHandle, WriteTransaction, backends::FileBackend};

use super::*;
use crate::store::{
    index::Prefix,
    rows::{FindRows, ROWS},
    shared::{BY_HOUR, BY_TIME_AND_ID},
};

#[test]
fn what_can_be_read_of_a_damaged_store_is_saved() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.set_owner_blocking(key(1).public_key()).unwrap();
    for number in 0..300 {
        writer.store_blocking(post(1, 60 * number, &format!("post {number}")), Propagation::Done);
    }
    writer.close();
    drop(store);
    let sound = std::fs::read(directory.path().join(FILE)).unwrap();

    let mut refused = 0;
    for round in 0..60 {
        let damaged = tempfile::tempdir().unwrap();
        let mut bytes = sound.clone();
        if round % 3 == 0 {
            bytes.truncate(random.random_range(0..bytes.len()));
        } else {
            for _ in 0..random.random_range(1..200) {
                let place = random.random_range(0..bytes.len());
                bytes[place] ^= 1 << random.random_range(0..8);
            }
        }
        std::fs::write(damaged.path().join(FILE), &bytes).unwrap();
        match Store::open(damaged.path(), FOREVER) {
            Ok((store, writer)) => {
                // What is damaged deeper down shows when it is read, written or closed, sometimes as a panic, which
                // must not go further than the task that it is in.
                quietly(|| {
                    let _read = store.after(0).map(|batch| batch.events.len());
                    drop((store, writer));
                });
            }
            Err(OpenError::Damaged { reason, .. }) => {
                assert!(!reason.is_empty());
                refused += 1;
            }
            // An empty file is a new store to redb, and a header may say that it is of another version.
            Err(other) => {
                assert!(matches!(other, OpenError::Newer { .. } | OpenError::Io { .. }), "{other:?}")
            }
        }
        let salvaged = repair(damaged.path()).unwrap();
        assert!(salvaged.aside.exists(), "seed {seed}, round {round}");
        assert!(salvaged.events <= 300);
        let (store, writer) = open(damaged.path());
        assert_eq!(store.progress().borrow().stored, salvaged.events, "seed {seed}, round {round}");
        writer.close();
    }
    println!("{refused} of 60 were refused at opening");
    assert!(refused > 0);

    let salvaged = repair(directory.path()).unwrap();
    assert_eq!((salvaged.events, salvaged.lost, salvaged.owner), (300, 0, true), "nothing was wrong with it");
    let (store, writer) = open(directory.path());
    assert_eq!(store.owner().unwrap(), Some(key(1).public_key()));
    writer.close();
}

#[test]
fn a_store_in_use_is_not_set_aside() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, writer) = open(directory.path());
    assert!(matches!(repair(directory.path()), Err(OpenError::InUse { .. })));
    assert!(directory.path().join(FILE).exists());
    writer.close();
}

/// Puts rows into the tables in which they were until schema 10.
fn part_rows(transaction: &WriteTransaction) {
    let mut rows = transaction.open_table(ROWS).unwrap();
    let mut shared = transaction.open_table(migrate::OLD_SHARED).unwrap();
    let mut hours = transaction.open_table(migrate::OLD_HOURS).unwrap();
    let mut beginnings = transaction.open_table(migrate::OLD_BEGINNINGS).unwrap();
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    rows.retain(|row, ()| {
        match row[0] {
            BY_TIME_AND_ID => {
                let key = (number(&row[1..9]), row[9..41].try_into().unwrap());
                shared.insert(key, number(&row[41..])).unwrap();
            }
            BY_HOUR => drop(hours.insert(row.last_chunk::<48>().unwrap(), ()).unwrap()),
            ids::BY_ID => drop(beginnings.insert((number(&row[1..9]), number(&row[9..])), ()).unwrap()),
            _ => return true,
        }
        false
    })
    .unwrap();
}

/// How many rows begin with this byte.
fn count(store: &Store, sort: u8) -> usize {
    count_in(store, &(vec![sort], vec![sort + 1]))
}

fn count_in(store: &Store, range: &(Vec<u8>, Vec<u8>)) -> usize {
    let rows = store.database.snapshot().unwrap().into_rows();
    let (mut range, mut count) = (rows.forwards(range).unwrap(), 0);
    while range.next().unwrap().is_some() {
        count += 1;
    }
    count
}

/// Leaves a store as schema 10 had it: 240 posts, and the times and ids of those that are shared.
async fn schema_10(directory: &Path) -> (Vec<Event>, Vec<(u64, EventId)>) {
    let (store, writer) = open(directory);
    let posts: Vec<Event> = (0..240).map(|number| post(1 + number % 3, number.into(), "a post")).collect();
    for post in &posts {
        writer.store(post.clone(), Propagation::Shared).await;
    }
    writer.settle().await.unwrap();
    let shared = store.shared(EVERYTHING).unwrap();
    writer.close();
    drop(store);
    let database = Database::open(directory.join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    part_rows(&transaction);
    transaction.open_table(tables::META).unwrap().insert(tables::META_SCHEMA, 10).unwrap();
    transaction.commit().unwrap();
    (posts, shared)
}

const EVERYTHING: nostrp2p_core::SyncWindow = nostrp2p_core::SyncWindow { since: 0, until: u64::MAX };

#[tokio::test]
async fn a_store_of_schema_10_has_all_its_rows_in_one_table() {
    let directory = tempfile::tempdir().unwrap();
    let (posts, shared) = schema_10(directory.path()).await;
    let (store, writer) = open(directory.path());
    assert_eq!(store.shared(EVERYTHING).unwrap(), shared);
    assert_eq!([BY_TIME_AND_ID, BY_HOUR, ids::BY_ID].map(|sort| count(&store, sort)), [240; 3]);
    assert_eq!(commit(&writer, &posts[7]).await, Inserted::Known(8));
    writer.close();
}

/// A file whose disk takes so many more writes, and then is full.
#[derive(Debug)]
struct FillingDisk(FileBackend, AtomicU32);

impl StorageBackend for FillingDisk {
    fn len(&self) -> std::io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, length: u64) -> std::io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> std::io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        let left = self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map_err(|_| ErrorKind::StorageFull)?;
        self.0.write(offset, data)
    }
}

#[tokio::test]
async fn a_disk_that_fills_while_a_store_is_brought_up_to_date_costs_nothing_at_whatever_write() {
    let directory = tempfile::tempdir().unwrap();
    let (_, shared) = schema_10(directory.path()).await;
    let path = directory.path().join(FILE);
    let mark = || file_check::FileMark::of(&path);
    let bring_up_to_date = |writes: u32| {
        let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let disk = FillingDisk(FileBackend::new(file).unwrap(), AtomicU32::new(writes));
        let opened = quietly(|| {
            let database = Database::builder().create_with_backend(disk)?;
            opening::prepare(&database, 1, Purpose::Begin(1), (mark(), mark()))
        });
        opened.is_some_and(|opened| opened.is_ok())
    };
    let needed = (0..5_000).find(|writes| bring_up_to_date(*writes)).unwrap();
    assert!(needed > 10, "it took {needed} writes");
    let (store, writer) = open(directory.path());
    assert_eq!(store.shared(EVERYTHING).unwrap(), shared);
    assert_eq!([BY_TIME_AND_ID, BY_HOUR, ids::BY_ID].map(|sort| count(&store, sort)), [240; 3]);
    assert_eq!(store.select_all().len(), 240);
    writer.close();
}

/// Writes a store with the tables of schema 1, as the first version did.
fn write_schema_1(path: &Path, events: &[Event]) {
    let database = Database::create(path).unwrap();
    let transaction = database.begin_write().unwrap();
    for (sequence, event) in (1..).zip(events) {
        let record = record::encode(event);
        transaction.open_table(tables::EVENTS).unwrap().insert(sequence, record.as_slice()).unwrap();
        transaction.open_table(migrate::OLD_IDS).unwrap().insert(event.id().as_bytes(), sequence).unwrap();
        let mut index = transaction.open_table(migrate::OLD_INDEX).unwrap();
        for row in index::index_rows(event, sequence) {
            index.insert(row.as_slice(), ()).unwrap();
        }
    }
    {
        let mut meta = transaction.open_table(tables::META).unwrap();
        let newest = u64::try_from(events.len()).unwrap();
        for (name, value) in [("schema", 1), ("id", 7), ("newest", newest)] {
            meta.insert(name, value).unwrap();
        }
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_store_of_schema_1_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let target = post(1, 10, "deleted, but schema 1 kept it");
    let deletion = event(1, 5, 11, "", vec![Tag::new(["e", &target.id().to_string()])]);
    let ended = event(2, 1, 5, "ended", vec![Tag::new(["expiration", "100"])]);
    let kept = post(2, 12, "kept");
    write_schema_1(&directory.path().join(FILE), &[target.clone(), deletion, ended, kept]);
    let (store, writer) = open(directory.path());
    let texts = store.after(0).unwrap().events;
    assert_eq!(contents(&texts), ["", "kept"]);
    assert_eq!(commit(&writer, &target).await, Inserted::Deleted);
    assert_eq!(commit(&writer, &post(1, 20, "next")).await, Inserted::New(5));
    assert_eq!(store.progress().borrow().stored, 3, "the ended one went with the first sweep");
    writer.close();
    drop(store);
    let (store, writer) = open(directory.path());
    assert_eq!(contents(&store.after(3).unwrap().events), ["kept", "next"]);
    writer.close();
}

#[tokio::test]
async fn a_store_of_schema_3_has_always_known_those_whose_events_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for event in [post(1, 10, "one"), post(2, 20, "two")] {
        writer.commit(event, Propagation::Shared).await.await.unwrap().unwrap();
    }
    writer.close();
    drop(store);

    let database = Database::open(directory.path().join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    let people: TableDefinition<&[u8; 32], u64> = TableDefinition::new("people");
    part_rows(&transaction);
    assert!(
        transaction.delete_table(people).unwrap() && transaction.delete_table(migrate::OLD_HOURS).unwrap()
    );
    assert!(
        transaction.delete_table(migrate::OLD_BEGINNINGS).unwrap() && transaction.delete_table(ROWS).unwrap()
    );
    {
        let mut meta = transaction.open_table(tables::META).unwrap();
        meta.insert(tables::META_SCHEMA, 3).unwrap();
        meta.remove(tables::META_BORN).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);

    let (store, writer) = open(directory.path());
    let mut known = [(key(1).public_key(), 0), (key(2).public_key(), 0)];
    known.sort_unstable();
    assert_eq!(store.people().unwrap(), (0, known.to_vec()), "nobody is new");
    assert_eq!(count(&store, BY_HOUR), 2, "they count in their hours again");
    assert_eq!(contents(&store.after(0).unwrap().events), ["one", "two"]);
    writer.close();
}

#[tokio::test]
async fn a_store_of_schema_5_is_read_as_before() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let posts: Vec<Event> = (0..240).map(|number| post(1 + number % 3, number.into(), "a post")).collect();
    for post in &posts {
        writer.store(post.clone(), Propagation::Shared).await;
    }
    let wish = event(2, 5, 1_000, "", vec![Tag::new(["e", &posts[1].id().to_string()])]);
    commit(&writer, &wish).await;
    let known = store.people().unwrap();
    writer.close();
    drop(store);

    let database = Database::open(directory.path().join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    part_rows(&transaction);
    assert!(transaction.delete_table(migrate::OLD_HOURS).unwrap());
    assert!(
        transaction.delete_table(migrate::OLD_BEGINNINGS).unwrap() && transaction.delete_table(ROWS).unwrap()
    );
    // What it held does not matter: it is made again from the events.
    transaction.open_table(migrate::OLD_IDS).unwrap().insert(&[1; 32], 1).unwrap();
    transaction.open_table(migrate::OLD_INDEX).unwrap().insert([0; 17].as_slice(), ()).unwrap();
    transaction.open_table(migrate::OLD_PLACES).unwrap().insert(&[0; 48], ()).unwrap();
    transaction.open_table(tables::META).unwrap().insert(tables::META_SCHEMA, 5).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let (store, writer) = open(directory.path());
    assert_eq!(store.people().unwrap(), known, "nobody became known again");
    let transaction = store.database.begin_read().unwrap();
    assert_eq!(count(&store, BY_HOUR), 239, "one was deleted");
    let old = ["ids", "index", "places", "ids_by_beginning", "shared", "places_by_hour"];
    assert!(transaction.list_tables().unwrap().all(|table| !old.contains(&table.name())));
    drop(transaction);
    let find = |filter: serde_json::Value| {
        let filter: Filter = serde_json::from_value(filter).unwrap();
        store.find(&[filter]).unwrap().events.len()
    };
    assert_eq!(find(serde_json::json!({ "authors": [key(2).public_key().to_string()] })), 80);
    assert_eq!(find(serde_json::json!({ "kinds": [5] })), 1);
    assert_eq!(find(serde_json::json!({ "ids": [posts[7].id().to_string()] })), 1);
    assert_eq!(commit(&writer, &posts[7]).await, Inserted::Known(8));
    writer.close();
}

#[tokio::test]
async fn a_store_of_schema_7_finds_addresses_and_public_posts_and_shares_no_replies() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let bob = key(2).public_key().to_string();
    let reply =
        event(1, 1, 2, "reply", vec![Tag::new(["p", &bob]), Tag::new(["q", "x"]), Tag::new(["e", "y"])]);
    let article = event(1, 30_023, 3, "article", vec![Tag::new(["d", "x"])]);
    let comments = [("for bob", bob.as_str()), ("for all", "")].map(|(text, person)| {
        let tags = (!person.is_empty()).then(|| Tag::new(["p", person]));
        event(1, 1111, 4, text, tags.into_iter().collect())
    });
    for event in [post(1, 1, "post"), reply.clone(), article.clone()].iter().chain(&comments) {
        commit(&writer, event).await;
    }
    writer.close();
    drop(store);

    let database = Database::open(directory.path().join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        part_rows(&transaction);
        let mut rows = transaction.open_table(ROWS).unwrap();
        rows.retain(|row, ()| !matches!(row.first(), Some(4..=6))).unwrap();
        for (kind, created_at, sequence) in [(Kind::POST, 1, 1_u64), (Kind(1111), 4, 5)] {
            let (first, _) = Prefix::kind(kind).range(created_at, created_at);
            let row = [&first[..first.len() - 8], &sequence.to_be_bytes()].concat();
            rows.insert(row.as_slice(), ()).unwrap();
        }
        transaction.open_table(migrate::OLD_SHARED).unwrap().insert((2, reply.id().as_bytes()), 2).unwrap();
    }
    transaction.open_table(tables::META).unwrap().insert(tables::META_SCHEMA, 7).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let (store, writer) = open(directory.path());
    let everything = nostrp2p_core::SyncWindow { since: 0, until: u64::MAX };
    assert_eq!(store.shared(everything).unwrap().len(), 3, "no reply, and no comment for some");
    let posts = Filter { kinds: Some([Kind::POST].into()), ..Filter::default() };
    assert_eq!(contents(&store.find(&[posts]).unwrap().events), ["reply", "post"]);
    for part in [Kind::POST, Kind(1111)].into_iter().flat_map(Prefix::all_of_kind) {
        assert_eq!(count_in(&store, &part.range(0, u64::MAX)), 1, "{part:?}");
    }
    let newer = event(1, 30_023, 9, "newer", vec![Tag::new(["d", "x"])]);
    commit(&writer, &newer).await;
    assert_eq!(store.progress().borrow().stored, 5, "it has replaced the other");
    writer.close();
}

/// A bit that tips over in a sequence number may make it larger than anybody can count to.
#[test]
fn a_damaged_sequence_number_keeps_nobody_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..20 {
        writer.store_blocking(post(1, 60 * number, &format!("post {number}")), Propagation::Done);
    }
    writer.close();
    drop(store);
    let database = Database::create(directory.path().join(FILE)).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut events = transaction.open_table(tables::EVENTS).unwrap();
        let record = events.remove(7).unwrap().unwrap().value().to_vec();
        events.insert(7 | 1 << 60, record.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let salvaged = repair(directory.path()).unwrap();
    assert_eq!((salvaged.events, salvaged.lost), (20, 0));
}
