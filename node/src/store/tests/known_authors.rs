//! Whoever invents people does not push out what known people have written.

use std::collections::BTreeSet;

use nostrp2p_core::SyncWindow;
use nostrp2p_protocol::EventId;

use super::*;
use crate::store::tables::{META, META_BORN};

const ALL: SyncWindow = SyncWindow { since: 0, until: u64::MAX };
const CAPACITY: u64 = 1_200;

fn somebody(number: u64) -> SecretKey {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    SecretKey::from_bytes(bytes).unwrap()
}

fn by(author: u64, created_at: u64) -> Event {
    let draft = EventTemplate { created_at, kind: Kind(1), tags: vec![], content: "hello".into() };
    draft.sign(&somebody(author), &[0; 32])
}

async fn keep(writer: &Writer, event: &Event) -> Inserted {
    writer.commit(event.clone(), Propagation::Shared).await.await.unwrap().unwrap()
}

fn held(store: &Store) -> BTreeSet<EventId> {
    store.shared(ALL).unwrap().into_iter().map(|(_, id)| id).collect()
}

/// As if the store had been made long ago, and known everybody of whom it holds something since then.
fn grow_old(store: &Store) {
    let transaction = store.database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert(META_BORN, 0).unwrap();
    let people: redb::TableDefinition<&[u8; 32], u64> = redb::TableDefinition::new("people");
    for (person, _) in store.people().unwrap().1 {
        transaction.open_table(people).unwrap().insert(person.as_bytes(), 0).unwrap();
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn invented_people_displace_one_another_and_not_those_who_are_known() {
    let directory = tempfile::tempdir().unwrap();
    let retention = Retention { events: CAPACITY, ..Retention::EVERYTHING };
    let (store, writer) = Store::open(directory.path(), retention).unwrap();
    let known: Vec<Event> = (0..800).map(|number| by(number % 20, 10_000 + number)).collect();
    for event in &known {
        keep(&writer, event).await;
    }
    grow_old(&store);
    let flood: Vec<Event> = (0..3_000).map(|number| by(1_000 + number, 20_000 + number)).collect();
    for event in &flood {
        writer.store(event.clone(), Propagation::Shared).await;
    }
    keep(&writer, &by(1, 30_000)).await;
    let ids: Vec<EventId> = known.iter().map(Event::id).collect();
    assert_eq!(
        store.shared_events(&ids, &mut Reading::for_owner()).unwrap().len(),
        800,
        "all that known people wrote is there"
    );
    assert!(store.progress().borrow().stored <= CAPACITY + 1_001);

    // What was dropped is not fetched again: to others it looks as if it were there.
    let flooded: Vec<EventId> = flood.iter().map(Event::id).collect();
    let there = store.shared_events(&flooded, &mut Reading::for_owner()).unwrap().len();
    let looks = held(&store).intersection(&flooded.into_iter().collect()).count();
    assert!(there < 1_500 && looks > there + 1_000, "{there} are there, {looks} look so");
    writer.close();
}

#[tokio::test]
async fn a_new_profile_makes_nobody_new() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.commit(event(2, 0, 10, "old", vec![]), Propagation::Shared).await.await.unwrap().unwrap();
    grow_old(&store);
    writer.commit(event(2, 0, 20, "new", vec![]), Propagation::Shared).await.await.unwrap().unwrap();
    assert_eq!(store.people().unwrap(), (0, vec![(key(2).public_key(), 0)]));
    let deletion = event(2, 5, 30, "", vec![Tag::new(["a".into(), format!("0:{}:", key(2).public_key())])]);
    keep(&writer, &deletion).await;
    assert_eq!(store.people().unwrap().1.len(), 1, "the deletion is still there");
    writer.close();
}
