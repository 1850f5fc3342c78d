//! Too much: too large, too many, too often.

use std::time::Instant;

use nostrp2p_overlay::{MAX_PAYLOAD, Protocol};
use nostrp2p_protocol::{
    EventTemplate, Filter, Kind, SecretKey,
    frame::{ClientFrame, RefusalCode},
    rpc::{Found, RpcRequest},
    sync::SyncRequest,
};
use nostrp2p_tests::{Attacker, Client, Node, Person, get, held, now, post, post_http, random_key, until};

use super::{reaches, texts};

/// Far more than any of these attacks may cost, and far less than what they send.
const MEMORY_KIB: u64 = 60 * 1024;

/// How much a node has grown, where the system tells.
fn grown(node: &Node, before: Option<u64>) -> u64 {
    let grown = node.resident_kib().zip(before).map_or(0, |(after, before)| after.saturating_sub(before));
    assert!(grown < MEMORY_KIB, "the node grew by {grown} KiB");
    grown / 1024
}

/// A post with a content that is too long by a little: it fits into a packet, and not into an event.
fn oversize(key: &SecretKey) -> nostrp2p_protocol::Event {
    post(key, &"x".repeat(65_600))
}

#[tokio::test]
async fn what_is_too_large_is_stored_nowhere_and_costs_nothing() {
    let (mut alice, mut bob) = Person::pair().await;
    let before = alice.node.resident_kib();
    let mallory = random_key();
    let attacker = Attacker::join(&alice.node).await;
    attacker.shout(oversize(&mallory)).await;
    attacker.shout_bytes(vec![0x92; MAX_PAYLOAD]).await;
    reaches(&alice.node, "verdicts_rejected_total", 2).await;
    let victim = attacker.victim();
    let receipt = attacker.deliver(victim, oversize(&mallory)).await;
    assert_eq!(receipt, Some(nostrp2p_protocol::rpc::Receipt::Refused));

    // At the port of clients: a frame, a head and a body beyond their limits.
    let mut client = Client::connect(&alice.node.clients()).await;
    client.send_bytes(vec![0x91; 300_000]).await;
    assert_eq!(client.refusal().await.code, RefusalCode::Malformed);
    assert_eq!(client.next().await, None, "the node hangs up");
    let long = format!("X-Long: {}", "x".repeat(200_000));
    let head = tokio::spawn({
        let clients = alice.node.clients();
        // The node may hang up in the middle of such a head.
        async move { get(&clients, "/node.json", &[&long]).await.0 }
    });
    assert!(
        head.await.is_ok_and(|status| status == 431)
            || get(&alice.node.clients(), "/healthz", &[]).await.0 == 200
    );
    let body = vec![b' '; 8 * 1024 * 1024];
    let json = ["Content-Type: application/json"];
    let (status, _, _) = post_http(&alice.node.clients(), "/publish", &json, &body).await;
    assert_eq!(status, 401, "a body of a stranger is not even read");

    bob.client.watch(0).await;
    alice.client.publish(&post(&alice.key, "still works")).await;
    bob.client.hear("still works").await;
    assert!(texts(&mut alice.client).await.iter().all(|text| text.len() < 65_000));
    let grown = grown(&alice.node, before);
    held(
        "oversize",
        "events over 64 KiB by broadcast and delivery, 80 KiB of noise, a frame of 300 KB, a head of 200 KB, a body of 8 MB",
        &format!("all refused; the node grew by {grown} MB"),
    );
}

/// An answer that unpacks to a gibibyte, as far as somebody lets it.
fn bomb(_: Protocol) -> Option<Vec<u8>> {
    // Deflate at its best: 258 bytes in two bits or so. Made once, for it takes a moment.
    static BOMB: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let bomb = BOMB.get_or_init(|| {
        use std::io::Write;
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..800 {
            deflate.write_all(&[0; 1024 * 1024]).unwrap();
        }
        let packed = deflate.finish().unwrap();
        // [2, 1, packed]: events in deflate, as PROTOCOL.md says.
        let length = u32::try_from(packed.len()).unwrap().to_be_bytes();
        [&[0x93, 2, 1, 0xc6][..], &length, &packed].concat()
    });
    Some(bomb.clone())
}

#[tokio::test]
async fn a_decompression_bomb_does_not_go_off() {
    let size = bomb(Protocol::Fetch).unwrap().len();
    assert!(size < Protocol::Fetch.max_response(), "{size} bytes would not be taken at all");
    let mut alice = Person::arrive(None).await;
    let attacker = Attacker::join_and(&alice.node, bomb).await;
    alice.client.neighbours(1).await;
    let before = alice.node.resident_kib();
    // Alice's page wants what the node lacks, so it asks its neighbour, who answers with the bomb.
    for number in 0..8 {
        let wanted =
            Filter { ids: Some([post(&random_key(), &number.to_string()).id()].into()), ..Filter::default() };
        alice.client.send(ClientFrame::Fetch { request: 20 + number, filters: vec![wanted] }).await;
        alice.client.answer().await;
    }
    until("the node to ask", || async { if attacker.asked() > 0 { Ok(()) } else { Err("not yet") } }).await;
    alice.client.publish(&post(&alice.key, "still works")).await;

    // A body in gzip, which would be 300 MB.
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..300 {
        gzip.write_all(&[b' '; 1024 * 1024]).unwrap();
    }
    let node = Node::start(&["-p", &alice.key.public_key().to_npub(), "--legacy-rest"]).await;
    let node_before = node.resident_kib();
    let headers = ["Content-Type: application/json", "Content-Encoding: gzip"];
    let (status, _, _) = post_http(&node.clients(), "/publish", &headers, &gzip.finish().unwrap()).await;
    assert!((400..500).contains(&status), "{status}");
    let worst = grown(&alice.node, before).max(grown(&node, node_before));
    held(
        "decompression bomb",
        &format!(
            "answered questions with {} KB that unpack to 800 MB; gzip of 300 MB to the port",
            size / 1024
        ),
        &format!("not unpacked; the nodes grew by {worst} MB"),
    );
}

/// A post with this number, by a stranger.
pub(super) fn spam(key: &SecretKey, number: usize) -> nostrp2p_protocol::Event {
    let content = format!("buy, buy, buy {number}");
    EventTemplate { created_at: now(), kind: Kind::POST, tags: vec![], content }.sign(key, &[7; 32])
}

/// What a node takes of a stranger: 24 at once and 240 an hour. It passes 8 of them on; its neighbours get the others
/// when they catch up.
pub(super) fn strangers_budget(begun: Instant) -> usize {
    25 + usize::try_from(begun.elapsed().as_secs()).unwrap() / 15
}

#[tokio::test]
async fn sybils_get_no_more_through_than_a_strangers_budget_each() {
    const SYBILS: usize = 10;
    const POSTS: usize = 40;
    let (mut alice, mut bob) = Person::pair().await;
    let mut attackers = Vec::new();
    for _ in 0..SYBILS {
        attackers.push((Attacker::join(&alice.node).await, random_key()));
    }
    let begun = Instant::now();
    for number in 0..POSTS {
        for (attacker, key) in &attackers {
            attacker.shout(spam(key, number)).await;
        }
    }
    bob.client.watch(0).await;
    alice.client.publish(&post(&alice.key, "in the middle of it")).await;
    bob.client.hear("in the middle of it").await;
    let all = u64::try_from(SYBILS * POSTS).unwrap();
    until("the node to have judged all", || async {
        let names = [
            "verdicts_accepted_total",
            "verdicts_ignored_total",
            "verdicts_rejected_total",
            "messages_dropped_total",
        ];
        let mut judged = 0;
        for name in names {
            judged += alice.node.metric(name).await;
        }
        if judged >= all { Ok(()) } else { Err(judged) }
    })
    .await;
    let through = texts(&mut bob.client).await.iter().filter(|text| text.starts_with("buy")).count();
    let most = SYBILS * strangers_budget(begun);
    assert!(through <= most, "{through} of {all} got through, {most} may");
    assert_eq!(bob.node.metric("peers_banned_total").await, 0, "nobody honest is blamed");
    held(
        "sybils",
        &format!("{SYBILS} keys and nodes, {POSTS} posts each at once"),
        &format!("{through} of {all} reached the next node (at most {most}); an honest post came at once"),
    );
}

#[tokio::test]
async fn spam_ends_at_the_first_honest_node_which_is_not_blamed_for_it() {
    const POSTS: usize = 150;
    let (alice, mut bob) = Person::pair().await;
    let carol = Person::arrive(Some(&bob)).await;
    let attacker = Attacker::join(&alice.node).await;
    let key = random_key();
    let begun = Instant::now();
    for number in 0..POSTS {
        attacker.shout(spam(&key, number)).await;
        // Each of them once more, broken: who passes these on is blamed for them.
        if number % 50 == 0 {
            let mut broken = nostrp2p_protocol::UnverifiedEvent::from(spam(&key, 1_000 + number));
            broken.sig = nostrp2p_protocol::Signature::from_bytes([3; 64]);
            attacker.shout(broken).await;
        }
    }
    reaches(&alice.node, "verdicts_rejected_total", 1).await;
    bob.client.watch(0).await;
    let mut carols = carol.client;
    carols.publish(&post(&carol.key, "from the other end")).await;
    bob.client.hear("from the other end").await;
    let through = texts(&mut bob.client).await.iter().filter(|text| text.starts_with("buy")).count();
    let most = strangers_budget(begun);
    assert!(through <= most, "{through} got through, {most} may");
    assert_eq!(bob.node.metric("verdicts_rejected_total").await, 0, "no forgery was passed on");
    assert_eq!(bob.node.metric("peers_banned_total").await, 0);
    held(
        "spam through relays",
        &format!("{POSTS} posts of one stranger, and forgeries, by a node in between"),
        &format!("{through} of {POSTS} went on, no forgery; the node in between was not blamed"),
    );
}

#[tokio::test]
async fn fetch_and_sync_are_no_lever_for_bytes_without_end() {
    let mut alice = Person::arrive(None).await;
    // 6 MB of noise, which does not compress.
    for _ in 0..100 {
        let mut noise = vec![0; 29_000];
        getrandom::fill(&mut noise).unwrap();
        alice.client.publish(&post(&alice.key, &hex::encode(noise))).await;
    }
    let attacker = Attacker::join(&alice.node).await;
    let victim = attacker.victim();
    let question = RpcRequest::Events(vec![Filter::default()]).encode();
    let (mut asked, mut got, mut answers) = (0_u64, 0_u64, 0_u64);
    let mut ids = Vec::new();
    // As often as it likes, until the node refuses.
    loop {
        asked += question.len() as u64;
        match attacker.ask(victim, Protocol::Fetch, question.clone()).await {
            Ok(answer) => {
                got += answer.len() as u64;
                answers += 1;
                if ids.is_empty() {
                    let found = Found::decode(&answer).unwrap();
                    ids = found.events.iter().map(|event| event.unsigned.id()).collect();
                }
            }
            Err(_) => break,
        }
        assert!(got < 400 * 1024 * 1024, "{got} bytes, and no end");
    }
    assert!(
        answers > 50 && got > 30 * 1024 * 1024,
        "an honest node gets its answers: {answers}, {got} bytes"
    );
    let fetch_ratio = got / asked.max(1);
    let question = SyncRequest::Get(ids).encode();
    let mut sync_got = 0_u64;
    loop {
        match attacker.ask(victim, Protocol::Sync, question.clone()).await {
            Ok(answer) => sync_got += answer.len() as u64,
            Err(_) => break,
        }
        assert!(got + sync_got < 400 * 1024 * 1024, "{sync_got} bytes, and no end");
    }
    alice.client.publish(&post(&alice.key, "still works")).await;
    held(
        "amplification",
        &format!("asked the largest questions until refused: {answers} fetches"),
        &format!(
            "{} MB and then no more ({fetch_ratio} bytes for each by fetch); by sync after that {} MB",
            got / 1024 / 1024,
            sync_got / 1024 / 1024
        ),
    );
}
