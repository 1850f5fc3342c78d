//! Several nodes of one person, and several devices of one node.

use std::time::{Duration, Instant};

use nostrp2p_protocol::{
    EventTemplate, Filter, Kind, SecretKey, Tag, delegation,
    frame::{ClientFrame, NodeFrame, RefusalCode},
};
use nostrp2p_tests::{Client, Node, Person, free_port, now, post, random_key, reply, until};
use serde_json::Value;

async fn second_node_of(alice: &Person) -> (Node, Client) {
    let npub = alice.key.public_key().to_npub();
    let node = Node::start(&["-p", &npub, "-b", &alice.node.nodes()]).await;
    let mut client = Client::login(&node.clients(), &alice.key).await;
    client.delegate(&alice.key).await;
    (node, client)
}

#[tokio::test]
async fn both_nodes_of_a_person_hold_what_is_private() {
    let mut alice = Person::arrive(None).await;
    let mut bob = Person::arrive(Some(&alice)).await;
    // Written and received before the second node exists: moving to another node takes the past along.
    let received = reply(&bob.key, "to alice, long ago", &[&alice.key]);
    bob.client.publish(&received).await;
    alice.client.watch(0).await;
    alice.client.hear(&received.content).await;
    let sent = reply(&alice.key, "to bob, long ago", &[&bob.key]);
    alice.client.publish(&sent).await;

    let (second, mut client) = second_node_of(&alice).await;
    client.watch(0).await;
    let mut seen = Client::login(&second.clients(), &alice.key).await;
    client.hear(&sent.content).await;
    seen.watch(0).await;
    seen.hear(&received.content).await;

    // Each of the two knows of the other.
    for node in [&alice.node, &second] {
        until("the node to know the other one", || async {
            let body = node.inside("/node.json").await.2;
            let text = String::from_utf8_lossy(&body).into_owned();
            if text.contains("\"own\":1") { Ok(()) } else { Err(text) }
        })
        .await;
    }

    // From now on both get what comes, and what the other one sends.
    let news = reply(&bob.key, "to alice, now", &[&alice.key]);
    bob.client.publish(&news).await;
    client.hear(&news.content).await;
    alice.client.hear(&news.content).await;
    client.publish(&reply(&alice.key, "sent from the second", &[&bob.key])).await;
    alice.client.hear("sent from the second").await;

    // Bob's node, which is nobody else's, holds nothing but his own part.
    let everything = bob.client.everything().await;
    assert!(everything.contains(&"sent from the second".to_owned()), "{everything:?}");
}

/// What a page is told before it makes the first version of a profile or list, right after it has signed in.
async fn base_of(client: &mut Client, key: &SecretKey) -> Vec<Kind> {
    let kinds = [Kind::PROFILE, Kind::FOLLOW_LIST, Kind::MUTE_LIST];
    let asked =
        Filter { authors: Some([key.public_key()].into()), kinds: Some(kinds.into()), ..Filter::default() };
    client.send(ClientFrame::Fetch { request: 5, filters: vec![asked] }).await;
    let draft = delegation::draft(&client.peer(), now()).sign(key, &[7; 32]);
    client.send(ClientFrame::Publish { request: 6, event: draft.into() }).await;
    loop {
        if let NodeFrame::Answer { request: 5, events, .. } = client.answer().await {
            return events.iter().map(|event| event.kind).collect();
        }
    }
}

#[tokio::test]
async fn another_node_of_the_owner_gives_the_base_of_what_is_changed_first() {
    let mut alice = Person::arrive(None).await;
    for kind in [Kind::PROFILE, Kind::FOLLOW_LIST, Kind::MUTE_LIST] {
        let tags = vec![Tag::new(["p", &"ab".repeat(32)])];
        let draft = EventTemplate { created_at: now(), kind, tags, content: "{}".into() };
        alice.client.publish(&draft.sign(&alice.key, &[7; 32])).await;
    }
    let second = Node::start(&["-b", &alice.node.nodes()]).await;
    until("the second node to have heard of the first", || async {
        let body = second.inside("/node.json").await.2;
        let text = String::from_utf8_lossy(&body).into_owned();
        if text.contains("\"known\":1") { Ok(()) } else { Err(text) }
    })
    .await;
    let mut client = Client::claim(&second.clients(), second.token(), &alice.key).await;
    let mut kinds = base_of(&mut client, &alice.key).await;
    kinds.sort_unstable();
    assert_eq!(kinds, [Kind::PROFILE, Kind::FOLLOW_LIST, Kind::MUTE_LIST]);
}

#[tokio::test]
async fn a_mirror_that_does_not_answer_is_not_waited_for() {
    let alice = random_key();
    let npub = alice.public_key().to_npub();
    let mirror = format!("ws://127.0.0.1:{}", free_port());
    let node = Node::start(&["-p", &npub, "--mirror", &mirror]).await;
    until("the mirror to be known not to answer", || async {
        let body = node.inside("/node.json").await.2;
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mirror = &told["mirrors"][0];
        if mirror["reason"].is_string() { Ok(()) } else { Err(mirror.to_string()) }
    })
    .await;
    let begun = Instant::now();
    let mut client = Client::login(&node.clients(), &alice).await;
    assert_eq!(base_of(&mut client, &alice).await, []);
    // The longest wait is 15 s.
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_second_node_that_was_off_catches_up() {
    let mut alice = Person::arrive(None).await;
    let mut bob = Person::arrive(Some(&alice)).await;
    let (second, mut client) = second_node_of(&alice).await;
    client.neighbours(1).await;
    let stopped = second.stop().await;
    let missed = reply(&bob.key, "while it was off", &[&alice.key]);
    bob.client.publish(&missed).await;
    alice.client.watch(0).await;
    alice.client.hear(&missed.content).await;
    let second = stopped.start().await;
    let mut client = Client::login(&second.clients(), &alice.key).await;
    client.watch(0).await;
    client.hear(&missed.content).await;
}

#[tokio::test]
async fn read_markers_are_the_same_on_all_devices_and_never_go_back() {
    let mut alice = Person::arrive(None).await;
    let mut phone = Client::login(&alice.node.clients(), &alice.key).await;
    let mark = |until| ClientFrame::Mark { name: "notifications".into(), until };
    alice.client.send(mark(100)).await;
    phone.marker("notifications", 100).await;
    phone.send(mark(50)).await;
    phone.send(mark(200)).await;
    alice.client.marker("notifications", 200).await;
    let node = alice.node.restart().await;
    let mut tablet = Client::login(&node.clients(), &alice.key).await;
    tablet.marker("notifications", 200).await;
}

#[tokio::test]
async fn guests_read_what_is_public_where_the_operator_says_so() {
    let alice = random_key();
    let npub = alice.public_key().to_npub();
    let node = Node::start(&["-p", &npub, "--public-read"]).await;
    let mut owner = Client::login(&node.clients(), &alice).await;
    owner.publish(&reply(&alice, "private", &[&random_key()])).await;
    owner.publish(&post(&alice, "public")).await;
    let mut guest = Client::connect(&node.clients()).await;
    guest.watch(0).await;
    guest.hear("public").await;
    assert_eq!(guest.everything().await, ["public"]);
    guest.send(ClientFrame::Publish { request: 4, event: post(&alice, "by a guest").into() }).await;
    assert_eq!(guest.refusal().await.code, RefusalCode::LoginNeeded);
    guest.send(ClientFrame::Mark { name: "x".into(), until: 1 }).await;
    assert_eq!(guest.refusal().await.code, RefusalCode::LoginNeeded);

    let closed = Node::start(&["-p", &npub]).await;
    let mut guest = Client::connect(&closed.clients()).await;
    guest.watch(0).await;
    assert_eq!(guest.refusal().await.code, RefusalCode::LoginNeeded);
}

#[tokio::test]
async fn logins_that_fail_end_the_connection() {
    let alice = Person::arrive(None).await;
    let mut thief = Client::connect(&alice.node.clients()).await;
    for _ in 0..5 {
        let proof = thief.proof(&random_key());
        thief.send(ClientFrame::Login { request: 1, proof }).await;
        assert_eq!(thief.refusal().await.code, RefusalCode::NotOwner);
    }
    assert_eq!(thief.refusal().await.code, RefusalCode::Busy);
    let frame: Option<NodeFrame> = thief.next().await;
    assert_eq!(frame, None, "the node has closed the connection");
}
