//! Damaged files, and files of an earlier version.

use redb::{ReadableTableMetadata, TableDefinition, TableHandle};

use super::*;
use crate::store::{index::Prefix, shared::PLACES};

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

/// Writes a store with the tables of schema 1, as the first version did.
fn write_schema_1(path: &Path, events: &[Event]) {
    let database = Database::create(path).unwrap();
    let transaction = database.begin_write().unwrap();
    for (sequence, event) in (1..).zip(events) {
        let record = record::encode(event);
        transaction.open_table(tables::EVENTS).unwrap().insert(sequence, record.as_slice()).unwrap();
        transaction.open_table(migrate::OLD_IDS).unwrap().insert(event.id().as_bytes(), sequence).unwrap();
        let mut index = transaction.open_table(migrate::OLD_INDEX).unwrap();
        for row in index::rows(event, sequence) {
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
    assert!(transaction.delete_table(people).unwrap() && transaction.delete_table(PLACES).unwrap());
    assert!(transaction.delete_table(ids::IDS).unwrap() && transaction.delete_table(tables::INDEX).unwrap());
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
    let transaction = store.database.begin_read().unwrap();
    let places = transaction.open_table(PLACES).unwrap();
    assert_eq!(places.len().unwrap(), 2, "they count in their hours again");
    drop(transaction);
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
    assert!(transaction.delete_table(PLACES).unwrap());
    assert!(transaction.delete_table(ids::IDS).unwrap() && transaction.delete_table(tables::INDEX).unwrap());
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
    assert_eq!(transaction.open_table(PLACES).unwrap().len().unwrap(), 239, "one was deleted");
    assert!(
        transaction.list_tables().unwrap().all(|table| !["ids", "index", "places"].contains(&table.name()))
    );
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
        let mut rows = transaction.open_table(tables::INDEX).unwrap();
        rows.retain(|row, ()| !matches!(row.first(), Some(4..=6))).unwrap();
        for (kind, created_at, sequence) in [(Kind::POST, 1, 1_u64), (Kind(1111), 4, 5)] {
            let (first, _) = Prefix::kind(kind).range(created_at, created_at);
            let row = [&first[..first.len() - 8], &sequence.to_be_bytes()].concat();
            rows.insert(row.as_slice(), ()).unwrap();
        }
        let shared: TableDefinition<(u64, &[u8; 32]), u64> = TableDefinition::new("shared");
        transaction.open_table(shared).unwrap().insert((2, reply.id().as_bytes()), 2).unwrap();
    }
    transaction.open_table(tables::META).unwrap().insert(tables::META_SCHEMA, 7).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let (store, writer) = open(directory.path());
    let everything = nostrp2p_core::SyncWindow { since: 0, until: u64::MAX };
    assert_eq!(store.shared(everything).unwrap().len(), 3, "no reply, and no comment for some");
    let posts = Filter { kinds: Some([Kind::POST].into()), ..Filter::default() };
    assert_eq!(contents(&store.find(&[posts]).unwrap().events), ["reply", "post"]);
    let transaction = store.database.begin_read().unwrap();
    let rows = transaction.open_table(tables::INDEX).unwrap();
    let (first, last) = Prefix::public(Kind::POST).range(0, u64::MAX);
    assert_eq!(rows.range(first.as_slice()..=last.as_slice()).unwrap().count(), 1);
    let (first, last) = Prefix::kind(Kind::POST).range(0, u64::MAX);
    assert_eq!(rows.range(first.as_slice()..=last.as_slice()).unwrap().count(), 1, "the reply");
    for part in [Prefix::kind(Kind(1111)), Prefix::public(Kind(1111))] {
        let (first, last) = part.range(0, u64::MAX);
        assert_eq!(rows.range(first.as_slice()..=last.as_slice()).unwrap().count(), 1, "{part:?}");
    }
    drop((rows, transaction));
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
