//! Strangers at the inbox: what they get in, and what they displace or delay by it.

use std::time::{Duration, Instant};

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Client, Node, Relay, held, now, post, random_key};
use serde_json::json;

/// The mailbox of the node that is attacked, in bytes.
const MAILBOX: u64 = 1024 * 1024;
/// Wraps that strangers bring, of 15 KB each: more than a quarter of the mailbox.
const WRAPS: usize = 40;
/// Strangers who flood at a time, and EVENTs of each.
const FLOODERS: usize = 10;
const FLOOD: usize = 400;

fn to(person: &SecretKey, kind: u16, content: &str) -> Event {
    let tags = vec![Tag::new(["p", &person.public_key().to_string()])];
    EventTemplate { created_at: now(), kind: Kind(kind), tags, content: content.into() }
        .sign(&random_key(), &[7; 32])
}

async fn inbox_of(key: &SecretKey, friend: &SecretKey) -> (Node, Client) {
    let npub = key.public_key().to_npub();
    let node = Node::start(&["-p", &npub, "--inbox", "--max-mail", "1"]).await;
    let mut client = Client::login(&node.clients(), key).await;
    let tags = vec![Tag::new(["p", &friend.public_key().to_string()])];
    let list = EventTemplate { created_at: now(), kind: Kind::FOLLOW_LIST, tags, content: String::new() };
    client.publish(&list.sign(key, &[7; 32])).await;
    (node, client)
}

#[tokio::test]
async fn strangers_who_fill_the_inbox_displace_nothing_and_keep_no_friend_out() {
    let (bob, friend) = (random_key(), random_key());
    let (node, _client) = inbox_of(&bob, &friend).await;
    let mut stranger = Relay::connect(&node.clients()).await;
    let mut taken = Vec::new();
    let mut refused = 0;
    for number in 0..WRAPS {
        let wrap = to(&bob, 1059, &format!("{number} {}", "x".repeat(15_000)));
        let answer = stranger.publish(&wrap).await;
        if answer[2] == true {
            taken.push(wrap);
        } else {
            let reason = answer[3].as_str().unwrap().to_owned();
            assert_eq!(reason, "rate-limited: this inbox is full");
            refused += 1;
        }
    }
    let bytes = node.metric("mailbox_bytes").await;
    assert!(bytes <= MAILBOX / 4 && refused > 0, "{bytes}, {refused}");
    let mut signed_in = Relay::connect(&node.clients()).await;
    assert_eq!(signed_in.auth(&friend).await[2], true);
    let letters: Vec<Event> = (0..5).map(|number| to(&bob, 1059, &format!("of a friend {number}"))).collect();
    for letter in &letters {
        signed_in.put(letter).await;
    }
    let mut own = Relay::login(&node.clients(), &bob).await;
    let ids: Vec<_> = taken.iter().chain(&letters).map(Event::id).collect();
    assert_eq!(
        own.contents(json!({ "ids": ids })).await.len(),
        ids.len(),
        "all that was acknowledged is there"
    );
    held(
        "strangers who fill the inbox",
        &format!("{WRAPS} gift wraps of 15 KB by one stranger, a mailbox of 1 MiB"),
        &format!(
            "{} were taken and are all there, {refused} refused; {bytes} bytes of mail, and 5 wraps of a friend who has signed in are there",
            taken.len()
        ),
    );
}

#[tokio::test]
async fn a_flood_at_the_inbox_is_refused_and_the_owner_publishes_and_friends_are_heard() {
    let (bob, friend) = (random_key(), random_key());
    let (node, mut client) = inbox_of(&bob, &friend).await;
    let mut flood = tokio::task::JoinSet::new();
    for _ in 0..FLOODERS {
        let (at, bob) = (node.clients(), bob.clone());
        flood.spawn(async move {
            let mut stranger = Relay::connect(&at).await;
            let events: Vec<Event> = (0..FLOOD).map(|number| to(&bob, 7, &number.to_string())).collect();
            for event in &events {
                stranger.say(&json!(["EVENT", event])).await;
            }
            let mut taken = 0;
            for _ in &events {
                let answer = stranger.next().await;
                assert!(
                    answer[2] == true || answer[3].as_str().unwrap().starts_with("rate-limited:"),
                    "{answer}"
                );
                taken += usize::from(answer[2] == true);
            }
            taken
        });
    }
    let (mut slowest, mut published) = (Duration::ZERO, 0);
    let mut taken = 0;
    while !flood.is_empty() {
        let began = Instant::now();
        client.publish(&post(&bob, &format!("number {published}"))).await;
        slowest = slowest.max(began.elapsed());
        published += 1;
        while let Some(done) = flood.try_join_next() {
            taken += done.unwrap();
        }
    }
    let mut signed_in = Relay::connect(&node.clients()).await;
    assert_eq!(signed_in.auth(&friend).await[2], true);
    signed_in.put(&to(&bob, 1059, "of a friend")).await;
    // One address has 60 at once and 240 an hour.
    assert!((60..100).contains(&taken), "{taken}");
    held(
        "a flood at the inbox",
        &format!(
            "{} signed EVENTs by {FLOODERS} strangers at one address, as fast as they go",
            FLOODERS * FLOOD
        ),
        &format!(
            "{taken} were taken; the owner published {published} posts meanwhile, the slowest in {slowest:?}; a friend's wrap got in"
        ),
    );
}
