//! What is addressed to the owner is the owner's: neither age nor what others write takes it away.

use nostrp2p_core::Sender;
use nostrp2p_protocol::PeerId;

use super::{
    super::{mailbox, retention::SWEEP_EVERY, writer::GROUP},
    *,
};

const OWNER: u8 = 1;
const FRIEND: u8 = 2;

fn to_owner(author: u8, kind: u16, created_at: u64, content: &str) -> Event {
    let tags = vec![Tag::new(["p", &key(OWNER).public_key().to_string()])];
    event(author, kind, created_at, content, tags)
}

#[tokio::test]
async fn neither_age_nor_the_surplus_of_others_takes_mail_away() {
    let directory = tempfile::tempdir().unwrap();
    let retention = Retention { events: 10, ..Retention::default() };
    let (store, writer) = Store::open(directory.path(), retention).unwrap();
    writer.set_owner(key(OWNER).public_key()).await.unwrap();
    let long_ago = clock::now() - 400 * 86_400;
    let mail: Vec<Event> = [1, 7, 1059, 9735]
        .into_iter()
        .map(|kind| to_owner(FRIEND, kind, long_ago, &kind.to_string()))
        .collect();
    for event in &mail {
        commit(&writer, event).await;
    }
    for number in 0..1_500 {
        writer
            .store(post(3, clock::now(), &number.to_string()), Propagation::Mirrored("wss://r".into()))
            .await;
    }
    commit(&writer, &post(3, clock::now(), "last")).await;
    writer.close();
    drop(store);
    let (store, writer) = Store::open(directory.path(), retention).unwrap();
    commit(&writer, &post(OWNER, clock::now(), "own")).await;
    let held = store.after(0).unwrap().events;
    for event in &mail {
        assert!(held.contains(event), "kind {} is gone", event.kind.0);
    }
    writer.close();
}

#[tokio::test]
async fn a_strangers_surplus_takes_nothing_of_people_who_are_followed() {
    let directory = tempfile::tempdir().unwrap();
    let retention = Retention { events: 1_000, ..Retention::EVERYTHING };
    let (store, writer) = Store::open(directory.path(), retention).unwrap();
    writer.set_owner(key(OWNER).public_key()).await.unwrap();
    let tags = vec![Tag::new(["p", &key(FRIEND).public_key().to_string()])];
    commit(&writer, &event(OWNER, 3, 5, "", tags)).await;
    for number in 0..300 {
        writer.store(post(FRIEND, 10 + number, "friend"), Propagation::Shared).await;
    }
    for number in 0..50 {
        writer.store(post(4, 100 + number, "modest stranger"), Propagation::Shared).await;
    }
    // Ever younger, so that all others are the oldest.
    for number in 0..5_000 {
        writer.store(post(3, 1_000 + 20 * number, "flood"), Propagation::Shared).await;
    }
    commit(&writer, &post(OWNER, 200_000, "own")).await;
    let held = store.select_all();
    let count = |content: &str| held.iter().filter(|event| event.content == content).count();
    assert_eq!(count("modest stranger"), 50);
    // An hour holds 240, and one more comes with every 15 s that the test takes.
    assert!((240..300).contains(&count("friend")), "{}", count("friend"));
    // What may come between two sweeps, and in the commit before the second, lies there besides.
    let most = 1_000 + usize::try_from(SWEEP_EVERY).unwrap() + GROUP;
    assert!(count("flood") <= most, "{} of at most {most}", count("flood"));
    writer.close();
}

#[tokio::test]
async fn votes_in_a_poll_of_the_owner_are_mail_by_whatever_door_they_come() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
    writer.set_owner(key(OWNER).public_key()).await.unwrap();
    let mut polls = Vec::new();
    for author in [OWNER, FRIEND] {
        let poll = event(author, 1068, 10, "tea or coffee?", vec![]);
        commit(&writer, &poll).await;
        polls.push(poll.id().to_string());
    }
    let doors = [
        Propagation::OwnNode,
        Propagation::Restored(Mark::None),
        Propagation::Mirrored("wss://relay.example".into()),
    ];
    for (poll, is_mail) in polls.iter().zip([true, false]) {
        for (author, propagation) in (3..).zip(doors.clone()) {
            let mail_before = store.progress().borrow().usage.mail_bytes;
            let vote = event(author, 1018, 20, "", vec![Tag::new(["e", poll]), Tag::new(["response", "0"])]);
            let stored = writer.commit(vote, propagation.clone()).await.await.unwrap().unwrap();
            assert!(matches!(stored, Inserted::New(_)), "{stored:?}");
            assert_eq!(store.progress().borrow().usage.mail_bytes > mail_before, is_mail, "{propagation:?}");
        }
    }
    writer.close();
}

/// What [`a_full_mailbox_refuses_strangers_and_keeps_what_friends_send`] sends: some 1.5 KiB each.
fn letter(author: u8, number: u64) -> Event {
    to_owner(author, 1, 1_000 + number, &format!("{number} {}", "x".repeat(1_000)))
}

fn wrap(author: u8, number: u64) -> Event {
    to_owner(author, 1059, 1_000 + number, &format!("{number} {}", "x".repeat(1_000)))
}

async fn hand(writer: &Writer, event: Event, sender: Sender) -> Inserted {
    writer.commit(event, Propagation::Handed(sender)).await.await.unwrap().unwrap()
}

/// What somebody brings to the inbox.
async fn bring(writer: &Writer, event: Event, sender: Sender) -> Inserted {
    writer.commit(event, Propagation::Brought(sender)).await.await.unwrap().unwrap()
}

fn small() -> Retention {
    Retention { mail_bytes: 100 * 1024, ..Retention::EVERYTHING }
}

/// A store with a mailbox of 100 KiB whose owner follows [`FRIEND`] and has muted 9.
async fn small_mailbox(directory: &Path) -> (Store, Writer) {
    let (store, writer) = Store::open(directory, small()).unwrap();
    writer.set_owner(key(OWNER).public_key()).await.unwrap();
    for (kind, person) in [(3, FRIEND), (10_000, 9)] {
        let tags = vec![Tag::new(["p", &key(person).public_key().to_string()])];
        commit(&writer, &event(OWNER, kind, 5, "", tags)).await;
    }
    (store, writer)
}

#[tokio::test]
async fn a_full_mailbox_refuses_strangers_and_keeps_what_friends_send() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = small_mailbox(directory.path()).await;
    let (friend, stranger) =
        (Sender::Person(key(FRIEND).public_key()), Sender::Node(PeerId::from_ed25519([7; 32])));
    // A friend's gift wrap has a key of its own: who handed it over counts.
    let first = wrap(50, 0);
    assert!(matches!(hand(&writer, first.clone(), friend).await, Inserted::New(_)));
    let modest = letter(4, 0);
    commit(&writer, &modest).await;
    let mut refused = 0;
    for number in 0..200 {
        refused += usize::from(hand(&writer, wrap(60, number), stranger).await == Inserted::MailboxFull);
    }
    assert!((100..190).contains(&refused), "{refused}");
    assert!(store.progress().borrow().usage.mail_bytes <= 100 * 1024);
    assert_eq!(commit(&writer, &letter(4, 1)).await, Inserted::MailboxFull, "nobody erases what was taken");
    // What people write who are followed finds room, and the one with the most loses it.
    for number in 0..40 {
        assert!(matches!(commit(&writer, &letter(FRIEND, number)).await, Inserted::New(_)), "{number}");
    }
    let held = store.select_all();
    assert!(held.contains(&first) && held.contains(&modest));
    assert!((0..40).all(|number| held.contains(&letter(FRIEND, number))));
    // Until nothing of others is left: then they wait as well, and what the owner writes does not.
    let mut taken = 0;
    while matches!(commit(&writer, &letter(FRIEND, 100 + taken)).await, Inserted::New(_)) {
        taken += 1;
    }
    let held = store.select_all();
    assert!(held.contains(&first) && !held.contains(&modest));
    let copy = writer.commit(wrap(61, 999), Propagation::To(vec![], 1)).await.await.unwrap().unwrap();
    assert!(matches!(copy, Inserted::New(_)), "an own copy is no mail");
    let other = writer.commit(wrap(62, 999), Propagation::OwnNode).await.await.unwrap().unwrap();
    assert!(matches!(other, Inserted::New(_)), "nor is one from an own node");
    writer.close();
}

#[tokio::test]
async fn mail_of_people_who_are_muted_makes_room_for_everybody_else() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = small_mailbox(directory.path()).await;
    for number in 0..200 {
        writer.store(letter(9, number), Propagation::Done).await;
    }
    assert!(matches!(commit(&writer, &letter(4, 0)).await, Inserted::New(_)));
    assert!(store.select_all().contains(&letter(4, 0)));
    // A list that mutes somebody else works at once.
    for number in 0..200 {
        writer.store(letter(4, number), Propagation::Done).await;
    }
    assert_eq!(commit(&writer, &letter(5, 0)).await, Inserted::MailboxFull);
    let tags = vec![Tag::new(["p", &key(4).public_key().to_string()])];
    commit(&writer, &event(OWNER, 10_000, 6, "", tags)).await;
    assert!(matches!(commit(&writer, &letter(5, 0)).await, Inserted::New(_)));
    writer.close();
}

#[tokio::test]
async fn whose_the_events_are_is_found_out_when_there_is_an_owner_and_by_an_older_store() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let (own, mail, other) = (post(OWNER, 10, "own"), letter(FRIEND, 0), post(3, 10, "other"));
    for event in [&own, &mail, &other] {
        writer.commit(event.clone(), Propagation::Restored(Mark::None)).await.await.unwrap().unwrap();
    }
    let all = nostrp2p_core::SyncWindow { since: 0, until: u64::MAX };
    assert_eq!((store.progress().borrow().usage.others, store.shared(all).unwrap()), (3, vec![]));
    writer.set_owner(key(OWNER).public_key()).await.unwrap();
    let usage = store.progress().borrow().usage;
    assert!(usage.others == 1 && usage.own_bytes > 0 && usage.mail_bytes > 1_000, "{usage:?}");
    assert_eq!(
        store.shared(all).unwrap(),
        [(10, own.id())],
        "what the owner wrote is shared, and nothing else"
    );
    writer.close();

    // As version 6 left it.
    let transaction = store.database.begin_write().unwrap();
    assert!(transaction.delete_table(mailbox::MAIL).unwrap());
    assert!(transaction.delete_table(mailbox::BY_SENDER).unwrap());
    assert!(transaction.delete_table(tables::RESTORED).unwrap());
    let mut meta = transaction.open_table(tables::META).unwrap();
    meta.insert("schema", 6).unwrap();
    for row in ["bytes_own", "bytes_mail", "bytes_others", "others"] {
        meta.remove(row).unwrap();
    }
    drop(meta);
    transaction.commit().unwrap();
    drop(store);
    let (store, writer) = open(directory.path());
    assert_eq!(store.progress().borrow().usage, usage);
    writer.close();
}

#[tokio::test]
async fn strangers_who_fill_the_inbox_displace_nothing_and_leave_three_quarters_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = small_mailbox(directory.path()).await;
    let stranger = Sender::Person(key(4).public_key());
    let mut taken = Vec::new();
    for number in 0..200 {
        let (event, sender) = match number % 2 {
            0 => (letter(4, number), stranger),
            _ => (wrap(60, number), Sender::Anyone),
        };
        match bring(&writer, event.clone(), sender).await {
            Inserted::New(_) => taken.push(event),
            full => assert_eq!(full, Inserted::MailboxFull),
        }
    }
    let quarter = 100 * 1024 / 4;
    let brought = store.progress().borrow().usage.mail_bytes;
    assert!((quarter - 2_000..=quarter).contains(&brought), "{brought}");
    // A friend who has signed in is counted as everywhere, and so is what comes over the overlay.
    let friend = Sender::Person(key(FRIEND).public_key());
    assert!(matches!(bring(&writer, wrap(50, 0), friend).await, Inserted::New(_)));
    assert!(matches!(
        hand(&writer, letter(5, 0), Sender::Person(key(5).public_key())).await,
        Inserted::New(_)
    ));
    // Nor do friends displace what was acknowledged to those who brought it.
    let mut number = 0;
    while matches!(bring(&writer, letter(FRIEND, number), friend).await, Inserted::New(_)) {
        number += 1;
    }
    let held = store.select_all();
    assert!(number > 40 && taken.iter().all(|event| held.contains(event)), "{number}");
    assert!(!held.contains(&letter(5, 0)), "but those who came over the overlay, as before");
    // What is gone makes room, also in another run.
    writer.close();
    drop(store);
    let (store, writer) = Store::open(directory.path(), small()).unwrap();
    assert_eq!(bring(&writer, letter(4, 999), stranger).await, Inserted::MailboxFull);
    let ids = taken.iter().filter(|event| event.kind == Kind::POST).map(|event| event.id().to_string());
    let deletion = event(4, 5, 5_000, "", ids.map(|id| Tag::new(["e", &id])).collect());
    writer.store(deletion, Propagation::Shared).await;
    assert!(matches!(bring(&writer, letter(4, 999), stranger).await, Inserted::New(_)));
    assert!(store.select_all().contains(&letter(4, 999)));
    writer.close();
}

#[tokio::test]
async fn what_is_brought_to_the_inbox_is_shared_with_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = small_mailbox(directory.path()).await;
    let repost = to_owner(4, 6, clock::now(), "for everyone by its kind");
    let sender = Sender::Person(key(4).public_key());
    assert!(matches!(bring(&writer, repost.clone(), sender).await, Inserted::New(_)));
    let all = nostrp2p_core::SyncWindow { since: 0, until: u64::MAX };
    assert_eq!(store.shared(all).unwrap(), vec![]);
    assert_eq!(store.unsent().unwrap(), vec![]);
    // Whoever hears it later by gossip has it from everybody.
    writer.commit(repost, Propagation::Shared).await.await.unwrap().unwrap();
    assert_eq!(store.shared(all).unwrap().len(), 1);
    writer.close();
}
