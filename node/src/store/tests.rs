mod bounds;
mod damage;
mod deleting;
mod doubtful_clock;
mod durability;
mod ending;
mod filters;
mod known_authors;
mod mailbox;
mod rows;
mod shared;

use std::ops::ControlFlow;

use nostrp2p_core::{DeliveryKey, DeliveryState};
use nostrp2p_protocol::{Event, EventTemplate, Filter, Kind, SecretKey, Tag, frame::Delivery};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::clock;

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).unwrap()
}

fn event(author: u8, kind: u16, created_at: u64, content: &str, tags: Vec<Tag>) -> Event {
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(&key(author), &[0; 32])
}

pub(super) fn post(author: u8, created_at: u64, content: &str) -> Event {
    event(author, 1, created_at, content, vec![])
}

/// Far in the future, so that the retention by age touches nothing.
const FOREVER: Retention = Retention { events: 1_000_000, ..Retention::EVERYTHING };

pub(super) fn open(directory: &Path) -> (Store, Writer) {
    Store::open(directory, FOREVER).unwrap()
}

pub(super) async fn commit(writer: &Writer, event: &Event) -> Inserted {
    writer.commit(event.clone(), Propagation::Done).await.await.unwrap().unwrap()
}

fn contents(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.content.as_str()).collect()
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let (id, lineage) = (store.id(), store.lineage());
    assert_eq!(commit(&writer, &post(1, 10, "one")).await, Inserted::New(1));
    assert_eq!(commit(&writer, &post(1, 5, "two")).await, Inserted::New(2));
    assert_eq!(commit(&writer, &post(1, 10, "one")).await, Inserted::Known(1));
    writer.set_owner(key(1).public_key()).await.unwrap();
    writer.close();
    drop(store);

    let (store, writer) = open(directory.path());
    assert_eq!((store.lineage(), store.owner().unwrap()), (lineage, Some(key(1).public_key())));
    assert_ne!(store.id(), id, "each run has an id of its own");
    let StoreProgress { newest, stored, .. } = *store.progress().borrow();
    assert_eq!((newest, stored), (2, 2));
    let batch = store.after(0).unwrap();
    assert_eq!((batch.through, contents(&batch.events)), (2, vec!["one", "two"]));
    assert_eq!(contents(&store.after(1).unwrap().events), ["two"]);
    assert_eq!(contents(&store.after(99).unwrap().events), Vec::<&str>::new());
    writer.close();
}

#[tokio::test]
async fn only_the_newest_profile_is_kept_and_ties_go_to_the_lower_id() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let profile = |created_at, content| event(1, 0, created_at, content, vec![]);
    assert_eq!(commit(&writer, &profile(10, "old")).await, Inserted::New(1));
    assert_eq!(commit(&writer, &profile(20, "new")).await, Inserted::New(2));
    assert_eq!(commit(&writer, &profile(15, "late")).await, Inserted::Superseded(2));
    let (one, other) = (profile(30, "a"), profile(30, "b"));
    let (low, high) = if one.id() < other.id() { (one, other) } else { (other, one) };
    assert_eq!(commit(&writer, &high).await, Inserted::New(3));
    assert_eq!(commit(&writer, &low).await, Inserted::New(4));
    assert_eq!(commit(&writer, &high).await, Inserted::Superseded(4));
    let tagged = |d: &str, content| event(1, 30_078, 1, content, vec![Tag::new(["d", d])]);
    commit(&writer, &tagged("x", "x")).await;
    commit(&writer, &tagged("y", "y")).await;
    assert_eq!(contents(&store.after(0).unwrap().events), [low.content.as_str(), "x", "y"]);
    writer.close();
}

#[tokio::test]
async fn a_sequence_number_is_never_given_twice() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    commit(&writer, &event(1, 0, 10, "old", vec![])).await;
    commit(&writer, &event(1, 0, 20, "new", vec![])).await;
    writer.close();
    drop(store);
    let (store, writer) = open(directory.path());
    assert_eq!(commit(&writer, &post(1, 1, "next")).await, Inserted::New(3));
    assert_eq!(store.progress().borrow().stored, 2);
    writer.close();
}

#[tokio::test]
async fn the_oldest_go_first_but_never_the_owners_nor_profiles_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let retention = Retention { events: 4, ..Retention::EVERYTHING };
    let (store, writer) = Store::open(directory.path(), retention).unwrap();
    writer.set_owner(key(1).public_key()).await.unwrap();
    commit(&writer, &post(1, 1, "own")).await;
    commit(&writer, &event(2, 0, 2, "profile", vec![])).await;
    for number in 3..10 {
        commit(&writer, &post(2, number, &number.to_string())).await;
    }
    writer.close();
    drop(store);
    // The first commit after opening looks for what is too much.
    let (store, writer) = Store::open(directory.path(), retention).unwrap();
    commit(&writer, &post(2, 10, "10")).await;
    assert_eq!(contents(&store.after(0).unwrap().events), ["own", "profile", "8", "9", "10"]);
    writer.close();
}

#[tokio::test]
async fn long_answers_come_in_parts() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..30 {
        writer.store(post(1, number, &"x".repeat(20_000)), Propagation::Done).await;
    }
    commit(&writer, &post(1, 30, "last")).await;
    let first = store.after(0).unwrap();
    assert!(first.through < first.newest && first.events.len() < 30);
    let mut all = first.events.len();
    let mut through = first.through;
    while through < first.newest {
        let batch = store.after(through).unwrap();
        (all, through) = (all + batch.events.len(), batch.through);
    }
    assert_eq!(all, 31);
    let found = store.find(&[Filter::default()]).unwrap();
    assert!(!found.complete && found.events[0].content == "last");
    writer.close();
}

#[tokio::test]
async fn events_with_very_many_tags_are_found_by_each_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..9 {
        let tags = (0..2_000).map(|tag| Tag::new(["t".to_owned(), format!("{number}-{tag}")])).collect();
        writer.store(event(1, 1, number, "", tags), Propagation::Done).await;
    }
    commit(&writer, &event(1, 1, 9, "last", vec![])).await;
    for value in ["0-0", "4-1999", "8-1000"] {
        let mut filter = Filter::default();
        filter.tags.insert('t', [value.to_owned()].into());
        assert_eq!(store.find(&[filter]).unwrap().events.len(), 1, "{value}");
    }
    writer.close();
}

#[tokio::test]
async fn finding_agrees_with_a_naive_search() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut events = Vec::new();
    for number in 0..400 {
        let tags = (0..random.random_range(0..3))
            .map(|_| {
                Tag::new([["t", "p"][random.random_range(0..2)], ["a", "b", "c"][random.random_range(0..3)]])
            })
            .collect();
        let kind = [1, 6, 7, 1111][random.random_range(0..4)];
        let created_at = random.random_range(0..40);
        events.push(event(random.random_range(1..4), kind, created_at, &number.to_string(), tags));
        writer.store(events[number].clone(), Propagation::Done).await;
    }
    commit(&writer, &events[0].clone()).await;
    for _ in 0..500 {
        let filter = random_filter(&mut random, &events);
        let mut expected: Vec<&Event> =
            events.iter().filter(|event| filter.matches(&event.id(), event)).collect();
        expected.sort_by_key(|event| (std::cmp::Reverse(event.created_at), event.id()));
        let limit = filter.limit.map_or(500, |limit| usize::try_from(limit).unwrap());
        // With a limit, which events of the oldest second are left out is open; compare the times.
        let times = |events: &[Event]| events.iter().map(|event| event.created_at).collect::<Vec<_>>();
        expected.truncate(limit);
        let expected: Vec<Event> = expected.into_iter().cloned().collect();
        let found = store.find(std::slice::from_ref(&filter)).unwrap();
        assert_eq!(times(&found.events), times(&expected), "seed {seed}, {filter:?}");
        if filter.limit.is_none() {
            assert_eq!(found.events, expected, "seed {seed}, {filter:?}");
        }
        assert!(found.complete, "seed {seed}, {filter:?}");
    }
    writer.close();
}

fn random_filter(random: &mut StdRng, events: &[Event]) -> Filter {
    let maybe = |random: &mut StdRng| random.random_bool(0.4);
    let mut filter = Filter::default();
    if random.random_bool(0.1) {
        filter.ids = Some((0..5).map(|_| events[random.random_range(0..events.len())].id()).collect());
    }
    if maybe(random) {
        filter.authors = Some((0..2).map(|_| key(random.random_range(1..5)).public_key()).collect());
    }
    if maybe(random) {
        filter.kinds = Some((0..2).map(|_| Kind([1, 6, 7, 3][random.random_range(0..4)])).collect());
    }
    if maybe(random) {
        let values = (0..2).map(|_| ["a", "b", "x"][random.random_range(0..3)].to_owned()).collect();
        filter.tags.insert(['t', 'p'][random.random_range(0..2)], values);
    }
    filter.since = maybe(random).then(|| random.random_range(0..30));
    filter.until = maybe(random).then(|| random.random_range(10..40));
    filter.limit = maybe(random).then(|| random.random_range(0..20));
    filter
}

#[tokio::test]
async fn what_nobody_has_taken_is_remembered_until_somebody_has() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.commit(post(1, 1, "ahead"), Propagation::Ahead).await.await.unwrap().unwrap();
    commit(&writer, &post(1, 2, "private")).await;
    writer.close();
    drop(store);
    let (store, writer) = open(directory.path());
    let unsent = store.unsent().unwrap();
    assert!(matches!(&unsent[..], [(1, event)] if event.content == "ahead"), "{unsent:?}");
    writer.sent(1).await;
    // Sending the same event again does not bring the mark back.
    writer.commit(post(1, 1, "ahead"), Propagation::Ahead).await.await.unwrap().unwrap();
    assert_eq!(store.unsent().unwrap(), []);
    writer.close();
}

#[tokio::test]
async fn deliveries_are_written_with_their_event_and_go_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let (bob, carol) = (key(2).public_key(), key(3).public_key());
    let reply = post(1, 1, "reply");
    writer.commit(reply.clone(), Propagation::To(vec![bob, carol], 77)).await.await.unwrap().unwrap();
    let row = DeliveryState::new(77);
    assert_eq!(store.waiting().unwrap().len(), 2);
    let delivered = DeliveryState { state: Delivery::Delivered, ..row };
    writer.record(DeliveryKey { sequence: 1, person: bob }, delivered).await;
    writer.close();
    drop(store);
    let (store, writer) = open(directory.path());
    assert_eq!(store.waiting().unwrap(), [(DeliveryKey { sequence: 1, person: carol }, row)]);
    let mut deliveries = store.deliveries().unwrap();
    deliveries[0].1.sort_by_key(|(_, state)| u8::from(*state));
    assert_eq!(deliveries, [(reply.id(), vec![(carol, Delivery::Waiting), (bob, Delivery::Delivered)])]);
    writer.close();
}

#[test]
fn a_store_in_use_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, writer) = open(directory.path());
    let error = Store::open(directory.path(), FOREVER).err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("already running"), "{error}");
    writer.close();
}

#[test]
fn a_damaged_store_is_reported_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.redb");
    std::fs::write(&path, [b'x'; 10_000]).unwrap();
    let error = Store::open(directory.path(), FOREVER).err().unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), [b'x'; 10_000]);
}

#[test]
fn a_store_of_a_later_version_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.close();
    let transaction = store.database.begin_write().unwrap();
    transaction.open_table(tables::META).unwrap().insert("schema", 99).unwrap();
    transaction.commit().unwrap();
    drop(store);
    let error = Store::open(directory.path(), FOREVER).err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
}

#[tokio::test]
async fn backwards_shows_every_event_of_a_second_and_stops_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    // Of others, so many in an hour would not be kept.
    writer.set_owner(key(1).public_key()).await.unwrap();
    // More than one answer of `find` holds.
    for number in 0..600 {
        writer.store(post(1, 10, &number.to_string()), Propagation::Done).await;
    }
    commit(&writer, &post(1, 9, "before")).await;
    commit(&writer, &post(1, 11, "after")).await;
    let seen = |since, until, most: usize| {
        let mut seen = Vec::new();
        let visit = |event| {
            seen.push(event);
            if seen.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        store.backwards(since, until, visit).unwrap();
        seen
    };
    assert_eq!(seen(10, 10, 1_000).len(), 600);
    assert_eq!(contents(&seen(0, 20, 2)), ["after", "599"]);
    assert_eq!(contents(&seen(9, 9, 2)), ["before"]);
    assert_eq!(seen(11, 10, 2), []);
}

#[tokio::test]
async fn many_large_events_of_one_second_fill_an_answer_and_do_not_empty_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    // More than a selection keeps in memory, in no order that their ids have.
    let posts: Vec<Event> =
        (0..40).map(|number| post(1, 10, &format!("{number} {}", "x".repeat(60_000)))).collect();
    for post in &posts {
        commit(&writer, post).await;
    }
    let found = store.find(&[Filter::default()]).unwrap();
    let mut expected: Vec<_> = posts.iter().map(Event::id).collect();
    expected.sort_unstable();
    let ids: Vec<_> = found.events.iter().map(Event::id).collect();
    assert!(ids.len() >= 4 && expected.starts_with(&ids), "{} events, the lowest ids first", ids.len());
    assert!(!found.complete);
    drop(writer);
}

impl Store {
    /// Everything that is stored, however much it is.
    fn select_all(&self) -> Vec<Event> {
        let (mut all, mut through) = (Vec::new(), 0);
        loop {
            let batch = self.after(through).unwrap();
            all.extend(batch.events);
            if batch.through >= batch.newest {
                return all;
            }
            through = batch.through;
        }
    }
}
