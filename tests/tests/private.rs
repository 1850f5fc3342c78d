//! Private events: they reach the people they are for, and nobody else.

use nostrp2p_protocol::frame::Delivery;
use nostrp2p_tests::{Client, Node, Person, post, random_key, reply};

#[tokio::test]
async fn a_reply_reaches_only_the_people_in_it() {
    let mut alice = Person::arrive(None).await;
    let mut bob = Person::arrive(Some(&alice)).await;
    let mut carol = Person::arrive(Some(&alice)).await;
    let mut dave = Person::arrive(Some(&alice)).await;
    bob.client.watch(0).await;
    carol.client.watch(0).await;
    dave.client.watch(0).await;

    // Bob and Carol know each other only by way of Alice's node.
    let secret = reply(&bob.key, "for alice and carol", &[&alice.key, &carol.key]);
    bob.client.publish(&secret).await;
    bob.client.delivery(&secret, &alice.key, Delivery::Delivered).await;
    let mut again = Client::login(&bob.node.clients(), &bob.key).await;
    again.delivery(&secret, &carol.key, Delivery::Delivered).await;
    carol.client.hear("for alice and carol").await;
    assert!(alice.client.everything().await.contains(&secret.content));

    // What is public and later has arrived at Dave; the reply has not.
    bob.client.publish(&post(&bob.key, "for everyone")).await;
    dave.client.hear("for everyone").await;
    assert!(!dave.client.everything().await.contains(&secret.content));
    // When a node has ended, all that it was told is on its disk.
    let stopped = dave.node.stop().await;
    let store = std::fs::read(stopped.data_dir().join("store.redb")).unwrap();
    let holds = |text: &str| store.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("for everyone") && !holds(&secret.content), "what is on Dave's disk");
}

#[tokio::test]
async fn a_reply_waits_for_a_node_that_is_away() {
    let mut alice = Person::arrive(None).await;
    let mut bob = Person::arrive(Some(&alice)).await;
    // Alice's node knows Bob's once it has delivered something.
    let hello = reply(&alice.key, "hello", &[&bob.key]);
    alice.client.publish(&hello).await;
    alice.client.delivery(&hello, &bob.key, Delivery::Delivered).await;
    bob.client.watch(0).await;
    let through = bob.client.hear("hello").await;

    let stopped = bob.node.stop().await;
    let waiting = reply(&alice.key, "are you there?", &[&bob.key]);
    alice.client.publish(&waiting).await;
    alice.client.delivery(&waiting, &bob.key, Delivery::Waiting).await;
    // Alice's node may restart meanwhile.
    let node = alice.node.kill().await.start().await;
    let mut client = Client::login(&node.clients(), &alice.key).await;

    let node_b = stopped.start().await;
    client.delivery(&waiting, &bob.key, Delivery::Delivered).await;
    let mut client_b = Client::login(&node_b.clients(), &bob.key).await;
    client_b.watch(through).await;
    client_b.hear("are you there?").await;
}

#[tokio::test]
async fn nobody_gets_anothers_mail_without_their_word() {
    let mut alice = Person::arrive(None).await;
    let bob = random_key();
    // A node that was started with Bob's public key, but has no delegation: anybody can do that.
    let npub = bob.public_key().to_npub();
    let thief = Node::start(&["-p", &npub, "-b", &alice.node.nodes()]).await;
    alice.client.neighbours(1).await;
    let secret = reply(&alice.key, "for bob only", &[&bob]);
    alice.client.publish(&secret).await;
    alice.client.delivery(&secret, &bob, Delivery::Waiting).await;

    // When Bob himself delegates a node, it gets what waited; and the other still has nothing.
    let real = Node::start(&["-p", &npub, "-b", &alice.node.nodes()]).await;
    let mut bobs = Client::login(&real.clients(), &bob).await;
    bobs.delegate(&bob).await;
    bobs.watch(0).await;
    bobs.hear("for bob only").await;
    let mut seen = Client::login(&thief.clients(), &bob).await;
    assert!(!seen.everything().await.contains(&secret.content));
}
