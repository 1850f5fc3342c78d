//! Bounds in bytes: what is kept of others, what is remembered of deletions, and what the file gives back.

use std::time::{Duration, Instant};

use super::{
    super::{
        compaction,
        opening::Purpose,
        origin::{Door, Origin},
        tombstones::Bounds,
    },
    *,
};

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn large_events_are_bounded_by_their_bytes_and_so_is_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let retention = Retention { disk_bytes: 16 * MIB, ..Retention::EVERYTHING };
    let (store, writer) = Store::open(directory.path(), retention).unwrap();
    writer.set_owner(key(1).public_key()).await.unwrap();
    commit(&writer, &event(1, 3, 5, "", vec![Tag::new(["p", &key(2).public_key().to_string()])])).await;
    let friend: Vec<Event> = (0..20).map(|number| post(2, 10_000 + number, &"f".repeat(10_000))).collect();
    for event in &friend {
        writer.store(event.clone(), Propagation::Shared).await;
    }
    for number in 0..1_000 {
        let tags = (0..100).map(|tag| Tag::new(["t".to_owned(), format!("{number} {tag}")])).collect();
        let large = event(3, 1, 20_000 + 60 * number, &"x".repeat(40_000), tags);
        commit(&writer, &large).await;
    }
    let usage = store.progress().borrow().usage;
    assert!(usage.others_bytes <= 4 * MIB + 512 * 1024, "{usage:?}");
    assert!(store.file_bytes() <= 16 * MIB, "{} bytes in the file, {usage:?}", store.file_bytes());
    let held = store.select_all();
    assert!(friend.iter().all(|event| held.contains(event)));
    assert!(held.iter().filter(|event| event.pubkey == key(3).public_key()).count() > 30);
    writer.close();
}

#[test]
fn tombstones_are_bounded_when_they_are_written_and_whoever_has_the_most_gives_up_theirs() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.close();
    let transaction = store.database.begin_write().unwrap();
    {
        let mut tables = write::Tables::open(&transaction, &store.database.memtables()).unwrap();
        tables.deletion_rows = usize::MAX;
        tables.owner = Some(key(1).public_key());
        tables.tombstones.owner = tables.owner;
        tables.tombstones.set_bounds(Bounds { all: 1_000, of_author: 800 });
        let deletion = |author: u8, at: u64, targets: u64| {
            let id = |number: u64| {
                format!("{:064x}", u128::from(author) << 64 | u128::from(at) << 32 | u128::from(number))
            };
            let tags = (0..targets).map(|number| Tag::new(["e".to_owned(), id(number)])).collect();
            event(author, 5, at, "", tags)
        };
        let asked = Origin::by(Door::Asked);
        for (author, at, targets) in [(1, 10, 700), (2, 11, 100), (3, 12, 850), (3, 13, 850)] {
            tables.insert(&deletion(author, at, targets), &asked, 20).unwrap();
            assert!(tables.tombstones.len() <= 1_000, "after {targets} of {author}");
        }
        let gone = |tables: &write::Tables<'_>, deletion: &Event| {
            let ids = deletion.tag_values("e").map(|id| id.parse().unwrap());
            ids.filter(|id| tables.tombstones.remembers(&deletion.pubkey, id)).count()
        };
        assert_eq!(gone(&tables, &deletion(1, 10, 700)), 700, "the owner's stay");
        assert_eq!(gone(&tables, &deletion(2, 11, 100)), 100, "so do those of somebody who has few");
        assert_eq!(gone(&tables, &deletion(3, 12, 850)), 0, "the oldest of whoever has the most go");
        assert!(gone(&tables, &deletion(3, 13, 850)) > 100);
        // However long an identifier is, its tombstone is short.
        let long = event(4, 30_023, 5, "article", vec![Tag::new(["d", &"d".repeat(30_000)])]);
        let address = format!("30023:{}:{}", key(4).public_key(), "d".repeat(30_000));
        tables.insert(&long, &asked, 20).unwrap();
        tables.insert(&event(4, 5, 6, "", vec![Tag::new(["a", &address])]), &asked, 20).unwrap();
        assert_eq!(tables.insert(&long, &asked, 20).unwrap(), Inserted::Deleted);
        assert!(tables.tombstones.longest() < 100);
        tables.tombstones.rebuild().unwrap();
        assert_eq!(tables.insert(&long, &asked, 20).unwrap(), Inserted::Deleted);
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_file_that_is_mostly_empty_gives_its_disk_back_when_it_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..600 {
        writer.store(post(2, 3_600 * number, &"x".repeat(20_000)), Propagation::Shared).await;
    }
    commit(&writer, &post(1, 1, "stays")).await;
    commit(&writer, &event(2, 62, 3_600 * 600, "goodbye", vec![Tag::new(["relay", "ALL_RELAYS"])])).await;
    // What vanishes goes in portions.
    store.progress().wait_for(|progress| progress.stored == 2).await.unwrap();
    let full = store.file_bytes();
    writer.close();
    drop(store);
    let path = directory.path().join(FILE);
    let (mut database, opened) = disk::open(&path, Purpose::Begin(1), CacheSize::SMALL).unwrap();
    compaction::give_back(&mut database, &path, &opened.progress.usage, MIB);
    drop(database);
    let after = std::fs::metadata(&path).unwrap().len();
    assert!(full > 10 * MIB && after < full / 4, "{full} before, {after} after");
    let (store, writer) = open(directory.path());
    assert_eq!(contents(&store.after(0).unwrap().events), ["stays", "goodbye"]);
    writer.close();
}

#[tokio::test]
async fn a_running_node_that_is_idle_gives_its_disk_back_too() {
    let directory = tempfile::tempdir().unwrap();
    let idle = Idle { after: Duration::from_millis(20), worthwhile: MIB };
    let lock = Lock::of(directory.path()).unwrap();
    let (store, writer) = Store::open_locked(lock, directory.path(), Retention::EVERYTHING, idle).unwrap();
    for number in 0..600 {
        writer.store(post(2, 3_600 * number, &"x".repeat(20_000)), Propagation::Shared).await;
    }
    commit(&writer, &post(1, 1, "stays")).await;
    let full = store.file_bytes();
    commit(&writer, &event(2, 62, 3_600 * 600, "goodbye", vec![Tag::new(["relay", "ALL_RELAYS"])])).await;
    store.progress().wait_for(|progress| progress.stored == 2).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while store.file_bytes() >= full / 4 {
        assert!(Instant::now() < deadline, "{full} before, {} after", store.file_bytes());
        tokio::task::yield_now().await;
    }
    assert!(full > 10 * MIB);
    assert_eq!(contents(&store.after(0).unwrap().events), ["stays", "goodbye"]);
    commit(&writer, &post(1, 2, "and it goes on")).await;
    writer.close();
    drop(store);
    let (store, writer) = open(directory.path());
    assert_eq!(store.after(0).unwrap().events.len(), 3);
    writer.close();
}
