//! The node as a relay: a plain Nostr conversation over a real WebSocket.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Client, Node, PATIENCE, Relay, get, now, post, random_key, reply, until};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at: now(), kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

async fn node_of(key: &SecretKey, more: &[&str]) -> Node {
    let npub = key.public_key().to_npub();
    Node::start(&[&["-p", npub.as_str()], more].concat()).await
}

#[tokio::test]
async fn a_nostr_program_of_the_owner_reads_writes_and_hears() {
    let alice = random_key();
    let node = node_of(&alice, &[]).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    let event = post(&alice, "by a Nostr program");
    let alone = "waits on your node until another node is connected";
    assert_eq!(relay.publish(&event).await, json!(["OK", event.id(), true, alone]));
    let [private, stream] = [
        reply(&alice, "for two", &[&random_key(), &random_key()]),
        signed(&alice, 30_311, &[&["d", "x"]], ""),
    ];
    for (event, fate) in [
        (&private, "goes privately to the 2 people it names"),
        (&stream, "kept on your node: kind 30311 is not carried"),
    ] {
        assert_eq!(relay.publish(event).await, json!(["OK", event.id(), true, fate]));
    }
    let foreign = post(&random_key(), "not mine");
    assert_eq!(relay.publish(&foreign).await[2], false);

    relay.say(&json!(["REQ", "all", { "kinds": [1], "ids": [event.id()] }])).await;
    assert_eq!(relay.next().await, json!(["EVENT", "all", event]));
    assert_eq!(relay.next().await, json!(["EOSE", "all"]));

    let mut page = Client::login(&node.clients(), &alice).await;
    page.watch(0).await;
    page.hear("by a Nostr program").await;
    let second = post(&alice, "by the page");
    relay.say(&json!(["REQ", "all", { "kinds": [1], "limit": 0 }])).await;
    assert_eq!(relay.next().await, json!(["EOSE", "all"]));
    page.publish(&second).await;
    assert_eq!(relay.next().await, json!(["EVENT", "all", second]));

    relay.say(&json!(["CLOSE", "all"])).await;
    relay.say(&json!(["REQ", "ids", { "ids": [second.id()] }])).await;
    assert_eq!(relay.next().await, json!(["EVENT", "ids", second]));
}

#[tokio::test]
async fn strangers_neither_read_nor_write() {
    let node = node_of(&random_key(), &[]).await;
    let mut relay = Relay::connect(&node.clients()).await;
    relay.say(&json!(["REQ", "all", {}])).await;
    assert!(relay.next().await[2].as_str().unwrap().starts_with("auth-required: "));
    assert!(
        relay.publish(&post(&random_key(), "x")).await[3].as_str().unwrap().starts_with("auth-required: ")
    );
}

#[tokio::test]
async fn guests_read_what_is_public_where_the_owner_lets_them() {
    let alice = random_key();
    let node = node_of(&alice, &["--public-read"]).await;
    let mut owner = Relay::login(&node.clients(), &alice).await;
    owner.put(&post(&alice, "for all")).await;
    owner.put(&reply(&alice, "for one", &[&random_key()])).await;
    owner.put(&signed(&alice, 30_023, &[&["d", "x"]], "an article")).await;
    let answer = owner.publish(&signed(&alice, 4, &[], "an old message")).await;
    assert!(answer[3].as_str().unwrap().starts_with("blocked: use NIP-17"), "{answer}");
    owner.put(&signed(&alice, 30_078, &[&["d", "settings"]], "of a program")).await;

    let mut guest = Relay::connect(&node.clients()).await;
    let mut seen = guest.contents(json!({})).await;
    seen.sort_unstable();
    assert_eq!(seen, ["an article", "for all"]);
    guest.say(&json!(["COUNT", "c", {}])).await;
    assert_eq!(guest.next().await, json!(["COUNT", "c", { "count": 2 }]));
    guest.say(&json!(["REQ", "live", { "limit": 0 }])).await;
    assert_eq!(guest.next().await, json!(["EOSE", "live"]));
    owner.put(&reply(&alice, "for another", &[&random_key()])).await;
    let second = post(&alice, "for all again");
    owner.put(&second).await;
    assert_eq!(guest.next().await, json!(["EVENT", "live", second]));
    let answer = guest.publish(&post(&alice, "signed by the owner, said by a guest")).await;
    assert!(answer[3].as_str().unwrap().starts_with("auth-required: "), "{answer}");
}

#[tokio::test]
async fn a_program_that_cannot_sign_in_is_served_where_the_relay_is_open() {
    let alice = random_key();
    let node = node_of(&alice, &["--open-relay"]).await;
    let mut program = Relay::connect(&node.clients()).await;
    program.put(&reply(&alice, "private", &[&random_key()])).await;
    assert_eq!(program.contents(json!({ "kinds": [1] })).await, ["private"]);
    let answer = program.publish(&post(&random_key(), "by somebody else")).await;
    assert!(answer[3].as_str().unwrap().starts_with("restricted: "), "{answer}");
}

#[tokio::test]
async fn each_event_comes_once_whether_it_was_stored_or_is_new() {
    let alice = random_key();
    let node = node_of(&alice, &[]).await;
    let mut writer = Relay::login(&node.clients(), &alice).await;
    let mut reader = Relay::login(&node.clients(), &alice).await;
    const EVENTS: usize = 300;
    for number in 0..EVENTS {
        writer.say(&json!(["EVENT", post(&alice, &number.to_string())])).await;
        if number == EVENTS / 2 {
            reader.say(&json!(["REQ", "all", { "kinds": [1] }])).await;
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut ended = false;
    while seen.len() < EVENTS || !ended {
        let answer = reader.next().await;
        match answer[0].as_str().unwrap() {
            "EVENT" => assert!(seen.insert(answer[2]["id"].to_string()), "twice: {answer}"),
            "EOSE" => ended = true,
            _ => panic!("{answer}"),
        }
    }
    for _ in 0..EVENTS {
        assert_eq!(writer.next().await[2], true);
    }
}

#[tokio::test]
async fn long_answers_come_whole_and_in_order() {
    let alice = random_key();
    let node = node_of(&alice, &[]).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    let then = now();
    for number in 0..40 {
        let tags = vec![];
        let content = "x".repeat(50_000);
        let draft = EventTemplate { created_at: then - number, kind: Kind::POST, tags, content };
        relay.put(&draft.sign(&alice, &[7; 32])).await;
    }
    let events = relay.ask(&[json!({ "kinds": [1] })]).await;
    let times: Vec<u64> = events.iter().map(|event| event["created_at"].as_u64().unwrap()).collect();
    assert_eq!(times.len(), 40);
    assert!(times.is_sorted_by(|one, other| one >= other), "{times:?}");
}

#[tokio::test]
async fn bytes_that_are_no_messages_get_an_answer_or_a_clean_close() {
    let alice = random_key();
    let node = node_of(&alice, &[]).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.send(Message::Binary(vec![0; 1_000].into())).await;
    assert_eq!(relay.next().await[0], "NOTICE");
    relay.send(Message::Text("[".repeat(100_000).into())).await;
    assert_eq!(relay.next().await[0], "NOTICE");

    // Ten megabytes in one message; the rest of it may not be read any more.
    let mut stream = handshake(&node.clients()).await;
    let mut frame = vec![0x81, 0xff];
    frame.extend(10_000_000u64.to_be_bytes());
    frame.extend([0; 4]);
    stream.write_all(&frame).await.unwrap();
    assert_eq!(close_code(&mut stream).await, 1009);

    let mut stream = handshake(&node.clients()).await;
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]).await.unwrap();
    assert_eq!(close_code(&mut stream).await, 1007);
    // And the node is still there.
    relay.put(&post(&alice, "still here")).await;
}

#[tokio::test]
async fn ten_thousand_questions_leave_memory_as_it_was() {
    let alice = random_key();
    let node = node_of(&alice, &[]).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&post(&alice, "x")).await;
    let mut before = None;
    for number in 0..10_000 {
        relay.say(&json!(["REQ", format!("{}", number % 400), { "kinds": [1], "limit": 1 }])).await;
        let answer = relay.next().await;
        match answer[0].as_str().unwrap() {
            "EVENT" => assert_eq!(relay.next().await[0], "EOSE"),
            "CLOSED" => assert!(answer[2].as_str().unwrap().starts_with("rate-limited: ")),
            _ => panic!("{answer}"),
        }
        if number == 2_000 {
            before = node.resident_kib();
        }
    }
    if let (Some(before), Some(after)) = (before, node.resident_kib()) {
        assert!(after < before + 8 * 1024, "{before} KiB, then {after} KiB");
    }
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_dropped_and_holds_no_memory() {
    let alice = random_key();
    let node = node_of(&alice, &["--open-relay"]).await;
    let mut relay = Relay::connect(&node.clients()).await;
    for number in 0..20 {
        relay.put(&post(&alice, &format!("{number}{}", "x".repeat(60_000)))).await;
    }
    let before = node.resident_kib();
    let mut deaf = handshake(&node.clients()).await;
    for number in 0..200u8 {
        let line = format!(r#"["REQ","{number}",{{}}]"#);
        let mut frame = vec![0x81, 0x80 | u8::try_from(line.len()).unwrap(), 0, 0, 0, 0];
        frame.extend(line.as_bytes());
        stream_all(&mut deaf, &frame).await;
    }
    // 240 MB were asked for. The node writes as much as the socket takes, waits half a minute and hangs up.
    until("the deaf client to be gone, and not the other", async || {
        if let (Some(before), Some(now)) = (before, node.resident_kib()) {
            assert!(now < before + 32 * 1024, "{before} KiB, then {now} KiB");
        }
        let sessions = node.metric("sessions").await;
        if sessions == 1 { Ok(()) } else { Err(sessions) }
    })
    .await;
    relay.put(&post(&alice, "still here")).await;
}

async fn stream_all(stream: &mut TcpStream, bytes: &[u8]) {
    // The node stops reading once it cannot write; what does not go is not needed.
    if let Ok(written) = timeout(Duration::from_secs(1), stream.write_all(bytes)).await {
        written.unwrap();
    }
}

/// A WebSocket of which the test writes the bytes itself.
async fn handshake(authority: &str) -> TcpStream {
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream
}

/// The code of the Close frame that comes after the relay's other messages.
async fn close_code(stream: &mut TcpStream) -> u16 {
    loop {
        let first = timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap();
        let length = stream.read_u8().await.unwrap();
        let length = if length == 126 { stream.read_u16().await.unwrap() } else { length.into() };
        let mut payload = vec![0; length.into()];
        stream.read_exact(&mut payload).await.unwrap();
        if first == 0x88 {
            return u16::from_be_bytes([payload[0], payload[1]]);
        }
    }
}

#[tokio::test]
async fn the_relay_says_what_it_lets_whom_do() {
    for (arguments, auth_required) in
        [(&[][..], true), (&["--public-read"], false), (&["--open-relay"], false)]
    {
        let node = Node::start(arguments).await;
        let (status, _, body) = get(&node.clients(), "/", &["Accept: application/nostr+json"]).await;
        assert_eq!(status, 200);
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document["limitation"]["auth_required"], auth_required, "{document}");
    }
}

#[tokio::test]
async fn a_question_with_as_many_authors_as_the_node_promises_is_answered() {
    let alice = random_key();
    let node = node_of(&alice, &[]).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&post(&alice, "found among many")).await;
    let mut authors = vec![alice.public_key().to_string()];
    authors.extend((1..2_000u16).map(|number| format!("{number:064x}")));
    assert_eq!(relay.contents(json!({ "authors": authors, "kinds": [1] })).await, ["found among many"]);
}
