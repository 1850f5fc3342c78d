//! Several nodes of one person, and several devices of one node.

use nostrp2p_protocol::frame::{ClientFrame, NodeFrame, RefusalCode};
use nostrp2p_tests::{Client, Node, Person, post, random_key, reply, until};

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
        until("the node to know its sibling", || async {
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

    // Bob's node, which is nobody's sibling, holds nothing but his own part.
    let everything = bob.client.everything().await;
    assert!(everything.contains(&"sent from the second".to_owned()), "{everything:?}");
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
