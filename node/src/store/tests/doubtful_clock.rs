//! A clock that is far ahead of the last run: nothing is dropped or expired by it until it is borne out.

use super::*;
use crate::store::write::Tables;

const DAY: u64 = 86_400;

/// Notes that the last run trusted this time.
fn last_run_at(directory: &Path, at: u64) {
    let (store, writer) = open(directory);
    writer.close();
    let transaction = store.database.begin_write().unwrap();
    Tables::open(&transaction, &store.database.memtables()).unwrap().note_time(at).unwrap();
    transaction.commit().unwrap();
}

fn stored(store: &Store) -> Vec<String> {
    let events = store.after(0).unwrap().events;
    events.into_iter().map(|event| event.content.clone()).collect()
}

fn ending(created_at: u64, end: u64) -> Event {
    event(1, 1, created_at, "ends", vec![Tag::new(["expiration".to_owned(), end.to_string()])])
}

#[tokio::test]
async fn nothing_is_dropped_or_expired_by_age_until_the_clock_is_borne_out() {
    let directory = tempfile::tempdir().unwrap();
    let then = clock::now() - 40 * DAY;
    last_run_at(directory.path(), then);
    let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
    assert!(store.time().doubt().is_some_and(|ahead| ahead >= 40 * DAY - 60));
    // Without an owner age drops nothing.
    writer.set_owner(key(9).public_key()).await.unwrap();
    assert!(matches!(commit(&writer, &ending(then, then + DAY)).await, Inserted::New(_)));
    for number in 0..5 {
        commit(&writer, &post(2, then + number, &number.to_string())).await;
    }
    writer.close();
    drop(store);
    let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
    commit(&writer, &post(3, then + 9, "the first write of a run sweeps")).await;
    assert_eq!(stored(&store).len(), 7, "the doubt outlasts a restart");
    assert!(!store.time().bear_out(then), "a neighbour of another time");
    assert!(store.time().bear_out(clock::now()));
    assert_eq!(store.time().doubt(), None);
    assert_eq!(commit(&writer, &ending(then + 1, then + DAY)).await, Inserted::Ended);
    writer.close();
    drop(store);
    let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
    commit(&writer, &post(2, clock::now(), "now")).await;
    assert_eq!(stored(&store), ["now"], "what is old is dropped as ever");
    writer.close();
}

#[tokio::test]
async fn a_run_without_a_noted_time_is_as_old_as_its_newest_event() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let then = clock::now() - 3 * DAY;
    commit(&writer, &post(1, then, "the newest")).await;
    writer.close();
    let transaction = store.database.begin_write().unwrap();
    drop(transaction.open_table(tables::META).unwrap().remove(tables::META_CLOCK).unwrap());
    transaction.commit().unwrap();
    drop(store);
    let (store, writer) = open(directory.path());
    assert!(store.time().doubt().is_some());
    writer.close();
}

#[tokio::test]
async fn a_version_of_now_replaces_one_of_a_clock_that_was_ahead() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let now = clock::now();
    let profile = |created_at: u64, text: &str| event(1, 0, created_at, text, vec![]);
    assert_eq!(commit(&writer, &profile(now + 365 * DAY, "ahead")).await, Inserted::New(1));
    assert_eq!(commit(&writer, &profile(now - 2 * DAY, "old")).await, Inserted::Superseded(1));
    assert_eq!(commit(&writer, &profile(now, "now")).await, Inserted::New(2));
    assert_eq!(commit(&writer, &profile(now + 365 * DAY, "ahead")).await, Inserted::Superseded(2));
    assert_eq!(stored(&store), ["now"]);
    let address = format!("0:{}:", key(1).public_key());
    let deletion = event(1, 5, now + 365 * DAY, "", vec![Tag::new(["a", address.as_str()])]);
    commit(&writer, &deletion).await;
    assert!(matches!(commit(&writer, &profile(now + 1, "again")).await, Inserted::New(_)));
    writer.close();
}
