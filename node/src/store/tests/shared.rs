//! What neighbours may have when they catch up, and the rule by which all nodes come to hold the same.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_core::{SeededRng, SyncWindow};
use nostrp2p_protocol::{
    EventId, PublicStatement, UnverifiedEvent,
    event_policy::{MAX_PER_HOUR, is_public},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    super::{
        origin::{Door, Origin},
        shared::{Shared, hour_of},
    },
    *,
};

const ALL: SyncWindow = SyncWindow { since: 0, until: u64::MAX };

fn ids(store: &Store, window: SyncWindow) -> Vec<EventId> {
    store.shared(window).unwrap().into_iter().map(|(_, id)| id).collect()
}

fn deletion(author: u8, target: &Event) -> Event {
    event(author, 5, 100, "", vec![Tag::new(["e", &target.id().to_string()])])
}

#[tokio::test]
async fn only_what_is_for_everyone_is_shared_and_only_while_it_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let public = post(1, 10, "for all");
    let private = event(1, 1, 10, "for you", vec![Tag::new(["p", &key(2).public_key().to_string()])]);
    let list = event(1, 3, 10, "", vec![]);
    let (own, theirs) = (deletion(1, &private), deletion(2, &public));
    for event in [&public, &private, &list, &own] {
        commit(&writer, event).await;
    }
    writer.commit(theirs.clone(), Propagation::Shared).await.await.unwrap().unwrap();
    assert_eq!(ids(&store, ALL), [public.id(), theirs.id()]);
    assert_eq!(ids(&store, SyncWindow { since: 11, until: 100 }), []);
    let asked = [own.id(), theirs.id(), private.id(), list.id(), public.id()];
    let found: Vec<EventId> =
        store.shared_events(&asked, &mut Reading::for_owner()).unwrap().iter().map(Event::id).collect();
    assert_eq!(found, [theirs.id(), public.id()], "nothing private can be had by its id");
    // The same deletion comes once more, now from somebody who shares it.
    assert_eq!(
        writer.commit(own.clone(), Propagation::Shared).await.await.unwrap().unwrap(),
        Inserted::Known(4)
    );
    assert!(ids(&store, ALL).contains(&own.id()));
    writer.commit(deletion(1, &public), Propagation::Shared).await.await.unwrap().unwrap();
    assert!(!ids(&store, ALL).contains(&public.id()), "it was deleted");
    writer.close();
}

/// The event with a statement, which the store takes for checked.
fn stated(event: &Event) -> Event {
    let mut event = UnverifiedEvent::from(event.clone());
    event.unsigned.statement = Some(PublicStatement::from_bytes(&[7; 240]).unwrap());
    Event::trusted(event)
}

#[tokio::test]
async fn what_is_here_privately_is_public_from_its_statement_on_and_stays_the_owners() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.set_owner(key(2).public_key()).await.unwrap();
    let tags = vec![Tag::new(["p", &key(2).public_key().to_string()])];
    let reply = event(1, 1, 10, "for you", tags);
    commit(&writer, &reply).await;
    let before = store.progress().borrow().usage;
    assert_eq!(ids(&store, ALL), []);

    let share = async |event: Event| writer.commit(event, Propagation::Shared).await.await.unwrap().unwrap();
    assert_eq!(share(stated(&reply)).await, Inserted::New(2), "readers learn of it by a new number");
    assert_eq!(share(stated(&reply)).await, Inserted::Known(2));
    // Without its statement it comes from nodes that read none, and from those that deliver it.
    assert_eq!(
        writer.commit(reply.clone(), Propagation::Done).await.await.unwrap().unwrap(),
        Inserted::Known(2)
    );
    let usage = store.progress().borrow().usage;
    assert!(usage.mail_bytes > before.mail_bytes && usage.others == 0, "{usage:?}");
    assert_eq!(ids(&store, ALL), [reply.id()]);
    let without = store.shared_within(ALL, false, &mut Reading::for_owner()).unwrap();
    assert_eq!(without, [], "nodes that read no statements could not take it");
    writer.close();
    drop(store);
    let (store, writer) = open(directory.path());
    assert_eq!(store.after(0).unwrap().events, [stated(&reply)], "the statement is stored");
    let kinds = Some([Kind::POST].into());
    let filter = Filter { kinds, ..Filter::default() };
    let turn = store.turns().others().await;
    let found = {
        let mut reading = Reading::of_public(100, &crate::fetch_server::PUBLIC, &turn);
        store.find_within(&[filter], |event| is_public(event), &mut reading).unwrap()
    };
    assert_eq!(found.events, [stated(&reply)], "strangers find it");
    writer.close();
}

#[tokio::test]
async fn of_a_flood_in_one_hour_every_store_keeps_the_same_events() {
    let posts: Vec<Event> = (0..300u64).map(|number| post(1, 7_200 + number, &number.to_string())).collect();
    let mut lowest: Vec<EventId> = posts.iter().map(Event::id).collect();
    lowest.sort_unstable();
    lowest.truncate(MAX_PER_HOUR);
    let mut kept = vec![];
    for seed in [1, 2] {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = open(directory.path());
        let mut order = posts.clone();
        SeededRng::new(seed).shuffle(&mut order);
        for event in order {
            writer.store(event, Propagation::Shared).await;
        }
        let other = post(2, 7_200, "somebody else");
        let later = post(1, 10_800, "an hour later");
        for event in [&other, &later] {
            assert!(
                matches!(commit(&writer, event).await, Inserted::New(_)),
                "no flood is in the way of others"
            );
        }
        let mut shared: BTreeSet<EventId> = ids(&store, ALL).into_iter().collect();
        assert!(shared.remove(&other.id()) && shared.remove(&later.id()));
        assert_eq!(store.progress().borrow().stored, 242, "what has no place is not kept either");
        kept.push(shared);
        writer.close();
    }
    assert_eq!(kept[0], lowest.into_iter().collect());
    assert_eq!(kept[0], kept[1]);
}

#[tokio::test]
async fn the_owner_keeps_all_that_he_wrote_and_shares_what_others_will_take() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.set_owner(key(1).public_key()).await.unwrap();
    for number in 0..260u64 {
        let stored = writer.commit(post(1, 7_200, &number.to_string()), Propagation::Ahead).await.await;
        assert!(matches!(stored.unwrap().unwrap(), Inserted::New(_)));
    }
    assert_eq!(store.progress().borrow().stored, 260);
    assert_eq!(ids(&store, ALL).len(), MAX_PER_HOUR);
    writer.close();
}

#[tokio::test]
async fn a_full_store_does_not_ask_for_what_it_would_drop() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) =
        Store::open(directory.path(), Retention { events: 1_050, ..Retention::EVERYTHING }).unwrap();
    for number in 0..40u64 {
        commit(&writer, &post(1, 7_200 * (number + 1), "")).await;
    }
    assert_eq!(store.floor().unwrap(), 0);
    for number in 40..60u64 {
        commit(&writer, &post(1, 7_200 * (number + 1), "")).await;
    }
    assert_eq!(store.floor().unwrap(), 7_200);
    writer.close();
}

#[tokio::test]
async fn an_owner_who_writes_thousands_in_an_hour_is_compared_with_what_is_shared_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.set_owner(key(1).public_key()).await.unwrap();
    for number in 0..2_000u64 {
        writer.store(post(1, 7_200, &number.to_string()), Propagation::Ahead).await;
    }
    let last = commit(&writer, &post(1, 7_200, "last")).await;
    assert_eq!(last, Inserted::New(2_001));
    let transaction = store.database.begin_write().unwrap();
    let mut tables = write::Tables::open(&transaction, &store.database.memtables()).unwrap();
    let held = tables.shared.held(&tables.rows, hour_of(&post(1, 7_200, "next"), false)).unwrap();
    assert_eq!(held, MAX_PER_HOUR, "so many rows are counted, and no event is read");
    drop(tables);
    drop(transaction);
    writer.close();
}

#[tokio::test]
async fn what_is_remembered_of_an_hour_is_what_its_rows_say() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let transaction = store.database.begin_write().unwrap();
    let mut tables = write::Tables::open(&transaction, &store.database.memtables()).unwrap();
    tables.owner = Some(key(1).public_key());
    let mut stored = BTreeMap::new();
    let mut full = 0;
    for number in 0..2_000u64 {
        let author = random.random_range(1..3);
        let event = post(author, 7_200 + 3_600 * random.random_range(0..2), &number.to_string());
        let door = if random.random_bool(0.8) { Door::Overlay } else { Door::Mirror };
        if let Inserted::New(sequence) = tables.insert(&event, &Origin::by(door), 100_000).unwrap() {
            stored.insert(sequence, event.clone());
        }
        if random.random_bool(0.2) {
            let place = random.random_range(0..stored.len());
            let (&sequence, other) = stored.iter().nth(place).unwrap();
            tables.remove(sequence, &other.clone()).unwrap();
            stored.remove(&sequence);
        }
        let hour = hour_of(&event, false);
        let remembered = tables.shared.held(&tables.rows, hour).unwrap();
        let counted = Shared::default().held(&tables.rows, hour).unwrap();
        assert_eq!(remembered, counted, "{number}");
        full += usize::from(counted == MAX_PER_HOUR);
    }
    assert!(full > 0, "no hour was ever full");
    drop(tables);
    drop(transaction);
    writer.close();
}
