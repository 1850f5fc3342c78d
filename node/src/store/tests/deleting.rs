//! Deletions, however large, and the addresses by which events are found.

use nostrp2p_protocol::event_policy::{EventAddress, References};
use redb::ReadableTableMetadata;

use super::*;
use crate::store::{
    origin::{Door, Origin},
    rows::FindRows,
    tables::DELETING,
    write::Tables,
};

fn article(author: u8, created_at: u64, name: &str) -> Event {
    event(author, 30_818, created_at, name, vec![Tag::new(["d", name])])
}

fn address(author: u8, kind: u16, name: &str) -> String {
    format!("{kind}:{}:{name}", key(author).public_key())
}

fn deletion_of(addresses: impl IntoIterator<Item = String>) -> Event {
    let tags = addresses.into_iter().map(|address| Tag::new(["a".to_owned(), address])).collect();
    event(1, 5, 100, "", tags)
}

/// Waits until no deletion is under way.
async fn carried_out(store: &Store, writer: &Writer) {
    for _ in 0..10_000 {
        let under_way = store.database.begin_read().unwrap().open_table(DELETING).unwrap().len().unwrap();
        if under_way == 0 {
            return;
        }
        writer.settle().await.unwrap();
    }
    panic!("deletions are never carried out");
}

#[tokio::test]
async fn an_address_deletes_what_is_replaced_under_it_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    commit(&writer, &post(1, 1, "a post")).await;
    commit(&writer, &event(1, 0, 2, "profile", vec![])).await;
    commit(&writer, &article(1, 3, "x")).await;
    commit(&writer, &article(1, 4, "y")).await;
    commit(&writer, &article(1, 200, "later")).await;
    let names = [
        address(1, 1, ""),
        address(1, 0, "z"),
        address(1, 30_818, "x"),
        address(1, 30_818, "x"),
        address(2, 30_818, "y"),
        address(1, 30_818, "later"),
    ];
    commit(&writer, &deletion_of(names)).await;
    let left = store.after(0).unwrap().events;
    assert_eq!(contents(&left), ["a post", "profile", "y", "later", ""]);
    commit(&writer, &event(1, 5, 101, "", vec![Tag::new(["a".to_owned(), address(1, 0, "")])])).await;
    assert_eq!(contents(&store.after(0).unwrap().events), ["a post", "y", "later", "", ""]);
    assert_eq!(commit(&writer, &article(1, 5, "x")).await, Inserted::Deleted);
    writer.close();
}

#[tokio::test]
async fn a_large_deletion_is_carried_out_in_portions_and_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let tags = || (0..40).map(|number| Tag::new(["t".to_owned(), number.to_string()]));
    let names: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    for name in &names {
        let tags = tags().chain([Tag::new(["d", name])]).collect();
        writer.store(event(1, 30_818, 1, name, tags), Propagation::Done).await;
    }
    writer.settle().await.unwrap();
    let deletion = deletion_of(names.iter().map(|name| address(1, 30_818, name)));

    // The writer's first transaction, after which the machine stops.
    let transaction = store.database.begin_write().unwrap();
    let mut tables = Tables::open(&transaction, &store.database.memtables()).unwrap();
    tables.insert(&deletion, &Origin::by(Door::Overlay), 100).unwrap();
    let left = tables.events.len().unwrap();
    assert!((281..301).contains(&left), "each has some 50 rows, {left} are left");
    assert_eq!(tables.deletion_rows, 0, "and no more in this transaction");
    tables.go_on_deleting().unwrap();
    assert_eq!(tables.events.len().unwrap(), left);
    tables.finish(&store.database.memtables(), true, 0).unwrap();
    transaction.commit().unwrap();
    writer.close();
    drop(store);

    let (store, writer) = open(directory.path());
    carried_out(&store, &writer).await;
    assert_eq!(store.progress().borrow().stored, 1, "the deletion");
    assert_eq!(commit(&writer, &article(1, 5, "299")).await, Inserted::Deleted);
    writer.close();
}

#[tokio::test]
async fn an_event_with_more_rows_than_a_portion_is_deleted_by_a_portion_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let tags = (0..1_500).map(|number| Tag::new(["t".to_owned(), number.to_string()])).collect();
    let large = event(1, 1, 1, "large", tags);
    commit(&writer, &large).await;
    commit(&writer, &post(1, 2, "small")).await;
    let ids = [large.id(), store.after(1).unwrap().events[0].id()];
    let tags = ids.iter().map(|id| Tag::new(["e".to_owned(), id.to_string()])).collect();
    commit(&writer, &event(1, 5, 3, "", tags)).await;
    carried_out(&store, &writer).await;
    assert_eq!(store.progress().borrow().stored, 1);
    writer.close();
}

#[tokio::test]
async fn who_vanishes_goes_in_portions_and_nothing_comes_back_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let person = key(1).public_key().to_string();
    for number in 0..400 {
        writer.store(post(1, number, &number.to_string()), Propagation::Done).await;
        let wrap = event(2, 1059, number, &number.to_string(), vec![Tag::new(["p", &person])]);
        writer.store(wrap, Propagation::Done).await;
        let mention = event(3, 1, number, &number.to_string(), vec![Tag::new(["p", &person])]);
        writer.store(mention, Propagation::Done).await;
    }
    commit(&writer, &post(1, 2_000, "later")).await;
    commit(&writer, &event(1, 62, 1_000, "", vec![])).await;
    assert_eq!(commit(&writer, &post(1, 7, "again")).await, Inserted::Deleted);
    carried_out(&store, &writer).await;
    assert_eq!(
        store.progress().borrow().stored,
        400 + 2,
        "mentions by others, the request and what came later"
    );
    writer.close();
}

#[tokio::test]
async fn one_author_with_many_addresses_costs_a_few_rows_each() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..2_000 {
        writer.store(article(1, number, &number.to_string()), Propagation::Done).await;
    }
    commit(&writer, &article(1, 5_000, "7")).await;
    assert_eq!(store.progress().borrow().stored, 2_000);
    let rows = store.database.snapshot().unwrap().into_rows();
    let read = |name: &str| {
        let address = EventAddress::parse(&address(1, 30_818, name)).unwrap();
        let mut range = rows.backwards(&index::Prefix::address(&address).range(0, u64::MAX)).unwrap();
        let mut count = 0;
        while range.next().unwrap().is_some() {
            count += 1;
        }
        count
    };
    assert_eq!(["7", "8", "1999", "2000"].map(read), [1, 1, 1, 0]);
    writer.close();
}

#[tokio::test]
async fn what_is_named_is_found_with_how_it_came() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let to_owner = event(2, 1, 1, "both", vec![Tag::new(["p", &key(1).public_key().to_string()])]);
    let from_relay = event(2, 1, 2, "relay", vec![Tag::new(["p", &key(1).public_key().to_string()])]);
    for event in [&to_owner, &from_relay] {
        writer.store(event.clone(), Propagation::Mirrored("wss://r.example".into())).await;
    }
    commit(&writer, &to_owner).await;
    commit(&writer, &article(1, 3, "x")).await;
    let references = References {
        ids: [to_owner.id(), from_relay.id()].into(),
        addresses: [EventAddress::parse(&address(1, 30_818, "x")).unwrap()].into(),
    };
    let found = store.named(&references).unwrap();
    let found: Vec<_> =
        found.iter().map(|target| (target.unsigned.content.as_str(), target.on_a_relay)).collect();
    assert_eq!(found, [("both", false), ("relay", true), ("x", false)], "who handed it over made it private");
    writer.close();
}
