//! Deletions, expirations and what is dropped.

use super::{
    super::origin::{Door, Origin},
    *,
};

fn deletion(author: u8, created_at: u64, tags: &[(&str, &str)]) -> Event {
    event(author, 5, created_at, "", tags.iter().map(|(name, value)| Tag::new([*name, *value])).collect())
}

fn stored(store: &Store) -> Vec<String> {
    let events = store.after(0).unwrap().events;
    events
        .into_iter()
        .filter(|event| event.kind != Kind::DELETION)
        .map(|event| event.content.clone())
        .collect()
}

#[tokio::test]
async fn what_its_author_deletes_is_gone_and_does_not_come_back() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let (mine, other) = (post(1, 10, "mine"), post(2, 10, "another's"));
    for event in [&mine, &other] {
        commit(&writer, event).await;
    }
    let ids = [("e", mine.id().to_string()), ("e", other.id().to_string())];
    let tags: Vec<(&str, &str)> = ids.iter().map(|(name, id)| (*name, id.as_str())).collect();
    let word = deletion(1, 11, &tags);
    assert_eq!(commit(&writer, &word).await, Inserted::New(3));
    assert_eq!(stored(&store), ["another's"]);
    assert_eq!(commit(&writer, &mine).await, Inserted::Deleted);
    writer.close();
    drop(store);

    let (store, writer) = open(directory.path());
    assert_eq!(commit(&writer, &mine).await, Inserted::Deleted, "after a restart too");
    let undo = deletion(1, 12, &[("e", &word.id().to_string())]);
    commit(&writer, &undo).await;
    assert_eq!(commit(&writer, &mine).await, Inserted::Deleted, "a deletion cannot be deleted");
    assert_eq!(stored(&store), ["another's"]);
    writer.close();
}

#[tokio::test]
async fn a_deletion_that_comes_first_keeps_its_target_out_but_nobody_elses() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let (mine, other) = (post(1, 10, "mine"), post(2, 10, "another's"));
    for target in [&mine, &other] {
        commit(&writer, &deletion(1, 11, &[("e", &target.id().to_string())])).await;
    }
    assert_eq!(commit(&writer, &mine).await, Inserted::Deleted);
    assert!(matches!(commit(&writer, &other).await, Inserted::New(_)));
    assert_eq!(stored(&store), ["another's"]);
    writer.close();
}

#[tokio::test]
async fn an_address_is_deleted_up_to_the_time_of_the_deletion() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let article = |created_at, text| event(1, 30_023, created_at, text, vec![Tag::new(["d", "a:b"])]);
    commit(&writer, &article(10, "old")).await;
    let author = key(1).public_key();
    let (own, foreign) = (format!("30023:{author}:a:b"), format!("30023:{}:a:b", key(2).public_key()));
    commit(&writer, &deletion(1, 20, &[("a", &own), ("a", &foreign), ("a", "x"), ("a", "")])).await;
    assert_eq!(stored(&store), [""; 0]);
    assert_eq!(commit(&writer, &article(20, "same second")).await, Inserted::Deleted);
    assert!(matches!(commit(&writer, &article(21, "new")).await, Inserted::New(_)));
    let foreign = event(2, 30_023, 1, "foreign", vec![Tag::new(["d", "a:b"])]);
    assert!(matches!(commit(&writer, &foreign).await, Inserted::New(_)));
    writer.close();
}

#[tokio::test]
async fn a_deleted_event_waits_for_nobody_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let (reply, public) = (post(1, 1, "reply"), post(1, 2, "public"));
    let to = Propagation::To(vec![key(2).public_key()], 77);
    writer.commit(reply.clone(), to).await.await.unwrap().unwrap();
    writer.commit(public.clone(), Propagation::Ahead).await.await.unwrap().unwrap();
    commit(&writer, &deletion(1, 3, &[("e", &reply.id().to_string()), ("e", &public.id().to_string())]))
        .await;
    assert_eq!((store.waiting().unwrap(), store.unsent().unwrap()), (vec![], vec![]));
    // An attempt that was under way reports later.
    let given_up = DeliveryState { state: Delivery::GivenUp, ..DeliveryState::new(77) };
    writer.record(DeliveryKey { sequence: 1, person: key(2).public_key() }, given_up).await;
    commit(&writer, &post(1, 4, "next")).await;
    assert_eq!(store.deliveries().unwrap(), []);
    writer.close();
}

fn ending(author: u8, content: &str, end: u64) -> Event {
    event(author, 1, 1, content, vec![Tag::new(["expiration".to_owned(), end.to_string()])])
}

#[tokio::test]
async fn what_has_ended_is_neither_taken_nor_shown() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let now = clock::now();
    assert_eq!(commit(&writer, &ending(1, "over", now - 1)).await, Inserted::Ended);
    commit(&writer, &ending(1, "later", now + 3_600)).await;
    commit(&writer, &ending(1, "nonsense", 0).clone()).await;
    assert_eq!(stored(&store), ["later"]);
    let delegation =
        nostrp2p_protocol::delegation::draft(&nostrp2p_protocol::PeerId::from_ed25519([1; 32]), 1);
    commit(&writer, &delegation.sign(&key(1), &[0; 32])).await;
    assert_eq!(store.progress().borrow().stored, 2, "an ended delegation is the owner's word too");
    writer.close();
}

#[test]
fn a_sweep_drops_what_has_ended_and_remembers_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    writer.close();
    let transaction = store.database.begin_write().unwrap();
    {
        let mut tables = write::Tables::open(&transaction, &store.database.memtables()).unwrap();
        tables.owner = Some(key(1).public_key());
        let asked = Origin::by(Door::Asked);
        tables.insert(&ending(2, "ends", 100), &asked, 50).unwrap();
        for number in 0..4_500 {
            let own = Origin::by(Door::Owner { shared: true });
            tables.insert(&post(1, 200 + number, "own"), &own, 50).unwrap();
        }
        tables.insert(&post(2, 5_000, "a stranger's"), &asked, 50).unwrap();
        tables.insert(&event(2, 0, 1, "profile in use", vec![]), &asked, 50).unwrap();
        tables.insert(&event(3, 0, 1, "profile of nobody", vec![]), &asked, 50).unwrap();
        tables.came_before = u64::MAX;
        let mut place = sweep::SweepPosition::default();
        let retention = Retention { seconds: 10_000, ..Retention::EVERYTHING };
        let mut sweep = |tables: &mut write::Tables<'_>| {
            sweep::sweep(tables, retention, 20_000, &mut place).unwrap();
        };
        let has = |tables: &write::Tables<'_>, event: &Event| tables.find(&event.id()).unwrap().is_some();
        sweep(&mut tables);
        assert!(!has(&tables, &ending(2, "ends", 100)));
        assert!(!has(&tables, &event(3, 0, 1, "profile of nobody", vec![])));
        assert!(has(&tables, &post(2, 5_000, "a stranger's")), "4,000 rows are looked at in one go");
        sweep(&mut tables);
        assert!(!has(&tables, &post(2, 5_000, "a stranger's")));
        assert!(has(&tables, &event(2, 0, 1, "profile in use", vec![])));
        sweep(&mut tables);
        assert!(!has(&tables, &event(2, 0, 1, "profile in use", vec![])), "nothing of theirs is left");
        assert!(has(&tables, &post(1, 200, "own")) && has(&tables, &post(1, 4_699, "own")));
    }
    transaction.commit().unwrap();
}

#[tokio::test]
async fn what_was_fetched_although_it_is_old_stays_for_those_who_wait_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
    writer.set_owner(key(1).public_key()).await.unwrap();
    writer.close();
    drop(store);
    // The first write of a run drops what is too old.
    let (store, writer) = Store::open(directory.path(), Retention::default()).unwrap();
    commit(&writer, &post(2, clock::now() - 400 * 86_400, "of long ago")).await;
    assert_eq!(stored(&store), ["of long ago"]);
    writer.close();
}

#[tokio::test]
async fn who_vanishes_takes_everything_along_and_nothing_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let me = key(1).public_key().to_string();
    let (before, after) = (post(1, 10, "before"), post(1, 30, "after"));
    let deletion = event(1, 5, 12, "", vec![Tag::new(["e", &before.id().to_string()])]);
    let wrap = event(9, 1059, 15, "for me", vec![Tag::new(["p", &me])]);
    let mention = event(2, 1, 15, "about me", vec![Tag::new(["p", &me])]);
    for event in [&post(1, 11, "more"), &wrap, &mention, &deletion] {
        commit(&writer, event).await;
    }
    let request = event(1, 62, 20, "goodbye", vec![Tag::new(["relay", "ALL_RELAYS"])]);
    commit(&writer, &request).await;
    assert_eq!(contents(&store.after(0).unwrap().events), ["about me", "goodbye"]);
    for event in [&before, &deletion, &wrap] {
        assert_eq!(commit(&writer, event).await, Inserted::Deleted, "{event:?}");
    }
    assert_eq!(commit(&writer, &request).await, Inserted::Known(5));
    commit(&writer, &after).await;
    let takes_it_back = event(1, 5, 40, "", vec![Tag::new(["e", &request.id().to_string()])]);
    commit(&writer, &takes_it_back).await;
    assert_eq!(commit(&writer, &before).await, Inserted::Deleted, "there is no way back");
    writer.close();
}
