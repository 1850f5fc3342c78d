//! Having the node work: questions that read much, deletions that name much.

use std::{
    collections::BTreeSet,
    io::Write,
    process::Command,
    time::{Duration, Instant},
};

use nostrp2p_overlay::Protocol;
use nostrp2p_protocol::{
    Event, EventTemplate, Filter, Kind, PublicKey, SecretKey, Tag,
    frame::{ClientFrame, NodeFrame, RefusalCode},
    rpc::{Found, RpcRequest},
};
use nostrp2p_tests::{Attacker, Client, Node, Person, Relay, binary, held, now, post, random_key};
use serde_json::json;

use super::reaches;

/// Authors whom nobody knows: each is a range of the index to open, which counts as ten rows.
fn strangers(count: usize) -> BTreeSet<PublicKey> {
    (0..count).map(|_| PublicKey::from_bytes(rand::random())).collect()
}

#[tokio::test]
async fn neighbours_that_ask_much_are_refused_and_others_are_not() {
    let mut alice = Person::arrive(None).await;
    let (greedy, modest) = (Attacker::join(&alice.node).await, Attacker::join(&alice.node).await);
    let victim = greedy.victim();
    let question = |count| {
        let (authors, kinds) = (Some(strangers(count)), Some([Kind::POST].into()));
        RpcRequest::Events(vec![Filter { authors, kinds, ..Filter::default() }]).encode()
    };
    let (mut answered, mut refused_after) = (0, Vec::new());
    for _ in 0..26 {
        let begun = Instant::now();
        match greedy.ask(victim, Protocol::Fetch, question(1_000)).await {
            Ok(_) => answered += 1,
            Err(_) => refused_after.push(begun.elapsed()),
        }
    }
    // 200,000 rows at once, and 167 more each second.
    assert!((19..=24).contains(&answered), "{answered} of 26 questions of 10,000 rows were answered");
    // A refusal is work too, and who gets it at once asks again at once.
    assert!(refused_after.iter().all(|after| *after >= Duration::from_secs(1)), "{refused_after:?}");
    reaches(&alice.node, "rows_read_for_others_total", 190_000).await;
    let rows = alice.node.metric("rows_read_for_others_total").await;
    assert!(rows <= 260_000, "{rows} rows were read");
    let other = modest.ask(victim, Protocol::Fetch, question(3)).await.unwrap();
    assert_eq!(Found::decode(&other).unwrap().events, []);
    let sequence = alice.client.publish(&post(&alice.key, "still works")).await;
    assert!(sequence > 0 && alice.client.everything().await.contains(&"still works".to_owned()));
    held(
        "questions that read much",
        "26 questions for 1,000 people each by a neighbour, 20 by a guest of the relay, searches by a guest of the page",
        &format!("{answered} answered, then each refused after a second; others and the owner are served"),
    );
}

#[tokio::test]
async fn guests_that_ask_much_are_refused_whatever_sessions_they_open() {
    let key = random_key();
    let node = Node::start(&["-p", &key.public_key().to_npub(), "--public-read"]).await;
    let mut answers = Vec::new();
    for _ in 0..20 {
        let mut guest = Relay::connect(&node.clients()).await;
        let authors: Vec<String> = strangers(1_500).iter().map(ToString::to_string).collect();
        guest.say(&json!(["COUNT", "c", { "authors": authors, "kinds": [1] }])).await;
        answers.push(guest.next().await);
    }
    let counted = answers.iter().filter(|answer| answer[0] == "COUNT").count();
    assert!((11..=16).contains(&counted), "{counted} questions of 15,000 rows were answered");
    let refused = answers.last().unwrap();
    assert!(
        refused[0] == "CLOSED" && refused[2].as_str().unwrap().starts_with("rate-limited: "),
        "{refused}"
    );
    // The page's guests at that address have the same budget.
    let mut guest = Client::connect(&node.clients()).await;
    let filters = vec![Filter::default()];
    guest.send(ClientFrame::Search { request: 3, filters: filters.clone(), words: "x".into() }).await;
    assert_eq!(guest.refusal().await.code, RefusalCode::Busy);
    let mut owner = Client::login(&node.clients(), &key).await;
    owner.send(ClientFrame::Search { request: 3, filters, words: "x".into() }).await;
    assert!(matches!(owner.answer().await, NodeFrame::Answer { .. }));
}

fn article(key: &SecretKey, number: u64) -> Event {
    let tags = vec![Tag::new(["d".to_owned(), number.to_string()])];
    let created_at = now() - 60 * (number + 10);
    EventTemplate { created_at, kind: Kind(30_023), tags, content: "an article".into() }.sign(key, &[7; 32])
}

/// A deletion with as many addresses as fit: of articles that are there, many times over, and of posts.
fn large_deletion(key: &SecretKey, round: u64) -> Event {
    let tags = (0..760_u64).map(|number| {
        let kind = if number % 4 == 0 { 1 } else { 30_023 };
        Tag::new(["a".to_owned(), format!("{kind}:{}:{}", key.public_key(), number % 400)])
    });
    let draft = EventTemplate {
        created_at: now() - round,
        kind: Kind::DELETION,
        tags: tags.collect(),
        content: String::new(),
    };
    draft.sign(key, &[7; 32])
}

#[tokio::test]
async fn large_deletions_do_not_keep_the_owner_waiting() {
    let (key, mallory) = (random_key(), random_key());
    let stopped = Node::start(&["-p", &key.public_key().to_npub()]).await.stop().await;
    let mut lines = tempfile::NamedTempFile::new().unwrap();
    for number in 0..600 {
        writeln!(lines, "{}", serde_json::to_string(&article(&mallory, number)).unwrap()).unwrap();
    }
    let mut import = Command::new(binary());
    import.arg("import").arg(lines.path()).arg("--data-dir").arg(stopped.data_dir());
    assert!(import.output().unwrap().status.success());
    let node = stopped.start().await;
    let mut owner = Client::login(&node.clients(), &key).await;
    let attacker = Attacker::join(&node).await;
    for round in 0..8 {
        attacker.shout(large_deletion(&mallory, round)).await;
    }
    reaches(&node, "verdicts_accepted_total", 1).await;
    let begun = Instant::now();
    // It waits for half a minute at most; before, each of these tags read all articles of their author.
    for number in 0..5 {
        owner.publish(&post(&key, &format!("post {number}"))).await;
    }
    let took = begun.elapsed();
    held(
        "large deletions",
        "8 deletions of 760 addresses each by somebody with 600 articles",
        &format!("five posts of the owner acknowledged in {} ms meanwhile", took.as_millis()),
    );
}
