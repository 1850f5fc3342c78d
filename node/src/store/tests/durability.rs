//! What a power cut leaves. It is a copy of the file while the store is open: what was committed without waiting for the
//! disk is not in it.

use super::*;

/// The store as a power cut now would leave it.
fn after_a_crash(directory: &Path) -> (tempfile::TempDir, Store, Writer) {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(directory.join(FILE), copy.path().join(FILE)).unwrap();
    let (store, writer) = open(copy.path());
    (copy, store, writer)
}

#[tokio::test]
async fn what_others_tell_is_read_at_once_and_a_crash_that_undoes_it_never_gives_its_numbers_again() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    assert_eq!(commit(&writer, &post(1, 1, "own")).await, Inserted::New(1));
    let mut highest = 0;
    for number in 0..50 {
        let stored = writer
            .store_one_of_many(post(2, 100 + number, "theirs"), Propagation::Done)
            .await
            .await
            .unwrap()
            .unwrap();
        highest = stored.sequence().unwrap();
        assert_eq!(store.event(highest).unwrap().unwrap().content, "theirs");
    }
    let (_copy, crashed, again) = after_a_crash(directory.path());
    // The first of theirs had to reserve numbers.
    let held = crashed.after(0).unwrap().events;
    assert_eq!(contents(&held), ["own", "theirs"], "the others are not durable yet");
    assert!(crashed.progress().borrow().newest >= highest, "a client may have been told of them");
    let Inserted::New(next) = commit(&again, &post(2, 500, "later")).await else { panic!("it is new") };
    assert!(next > highest, "{next} is not above {highest}");
    again.close();

    // A write that somebody waits for takes along all before it.
    commit(&writer, &post(1, 2, "own, too")).await;
    let (_copy, crashed, again) = after_a_crash(directory.path());
    assert_eq!(crashed.after(0).unwrap().events.len(), 52);
    again.close();
    writer.close();
}

#[tokio::test]
async fn many_are_durable_when_that_is_asked_for_and_numbers_go_on_without_a_gap_after_an_orderly_end() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..50 {
        drop(writer.store_one_of_many(post(1, 60 * number, "one of many"), Propagation::Done).await);
    }
    writer.settle().await.unwrap();
    let (_copy, crashed, again) = after_a_crash(directory.path());
    assert_eq!(crashed.after(0).unwrap().events.len(), 50);
    drop((crashed, again));
    writer.close();
    drop(store);
    let (_store, writer) = open(directory.path());
    assert_eq!(commit(&writer, &post(1, 10_000, "next")).await, Inserted::New(51));
    writer.close();
}

#[tokio::test]
async fn more_numbers_than_are_reserved_make_a_commit_durable() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, writer) = open(directory.path());
    let (mut answers, mut highest) = (Vec::new(), 0);
    for number in 0..10_050 {
        answers.push(writer.store_one_of_many(post(1, 600 * number, "one of many"), Propagation::Done).await);
    }
    for answer in answers {
        highest = highest.max(answer.await.unwrap().unwrap().sequence().unwrap());
    }
    let (_copy, crashed, again) = after_a_crash(directory.path());
    assert!(crashed.progress().borrow().newest >= highest);
    assert!(
        crashed.progress().borrow().stored > 10_000,
        "the commit that reserved more took along all before it"
    );
    drop((crashed, again));
    writer.close();
}

#[tokio::test]
async fn a_run_that_finds_its_disk_full_reads_and_begins_on_the_disk_when_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let (before, writer) = open(directory.path());
    commit(&writer, &post(1, 1, "kept")).await;
    writer.close();
    drop(before);
    let lock = Lock::of(directory.path()).unwrap();
    let full = |_: &Path, _, _| Err(redb::Error::Io(ErrorKind::StorageFull.into()));
    let (store, writer) =
        Store::open_by(lock, directory.path(), (FOREVER, CacheSize::SMALL, Idle::default()), full).unwrap();
    assert_eq!(contents(&store.after(0).unwrap().events), ["kept"]);
    assert!(store.failure().is_some());
    let refused = writer.commit(post(1, 2, "no room"), Propagation::Done).await.await.unwrap();
    assert!(refused.is_err(), "{refused:?}");
    store.failures().wait_for(Option::is_none).await.unwrap();
    assert!(matches!(commit(&writer, &post(1, 3, "room")).await, Inserted::New(_)));
    writer.close();
    let run = store.id();
    drop(store);
    let (store, writer) = open(directory.path());
    assert_eq!(contents(&store.after(0).unwrap().events), ["kept", "room"]);
    let runs = runs::ended(&store.database.begin_read().unwrap()).unwrap();
    assert!(runs.iter().any(|(known, _)| *known == run), "what followed that run goes on");
    writer.close();
}
