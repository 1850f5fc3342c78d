//! Tables of nodes: somebody who fills them with inventions, and a node that goes on after its owner has taken back the word.

use nostrp2p_overlay::{NodeSecret, Protocol};
use nostrp2p_protocol::{
    Announcement, PeerId, SignedAnnouncement, UnverifiedEvent,
    announcement::MAX_ANNOUNCEMENTS,
    delegation,
    frame::Delivery,
    rpc::{Revoked, RpcRequest, decode_announcements, encode_announcements},
};
use nostrp2p_tests::{Attacker, Client, Node, Person, held, now, random_key, reply, until};

/// An answer full of nodes that did not exist before, of people who did not either, dated as late as is taken.
fn inventions(protocol: Protocol) -> Option<Vec<u8>> {
    let invented: Vec<Vec<u8>> = (0..MAX_ANNOUNCEMENTS).map(|_| invent()).collect();
    (protocol == Protocol::Fetch).then(|| encode_announcements(&invented))
}

fn invent() -> Vec<u8> {
    let secret = NodeSecret::generate();
    let word = delegation::draft(&secret.peer_id(), now()).sign(&random_key(), &[7; 32]);
    let announcement = Announcement {
        peer: secret.peer_id(),
        issued_at: now() + 890,
        addresses: vec!["/ip4/127.0.0.1/tcp/9".into()],
        delegation: Some(UnverifiedEvent { claimed_id: None, ..word.into() }),
        helper: Some("wss://invented.example".into()),
    };
    announcement.encode(&secret.sign(&announcement.signed_bytes()))
}

/// What a node tells a newcomer of others.
async fn told_by(node: PeerId, newcomer: &Attacker) -> Vec<PeerId> {
    let answer = newcomer.ask(node, Protocol::Fetch, RpcRequest::Announcements.encode()).await.unwrap();
    let told = decode_announcements(&answer).unwrap();
    told.iter().map(|bytes| SignedAnnouncement::decode(bytes).unwrap().announcement.peer).collect()
}

#[tokio::test]
async fn inventions_hide_no_node_from_a_newcomer_and_delay_no_reply() {
    const KEYS: usize = 6;
    let (mut alice, mut bob) = Person::pair().await;
    // One after the other comes under a new key, is asked, and tells of 200 nodes.
    let mut inventors = Vec::new();
    for _ in 0..KEYS {
        inventors.push(Attacker::join_and(&alice.node, inventions).await);
    }
    let newcomer = Attacker::join(&alice.node).await;
    let told = until("alice's node to be full of inventions", || async {
        let told = told_by(alice.client.peer(), &newcomer).await;
        if told.len() == MAX_ANNOUNCEMENTS { Ok(told) } else { Err(told.len()) }
    })
    .await;
    assert!(told.contains(&bob.client.peer()), "the newcomer is not told of the node that exists");

    bob.client.watch(0).await;
    let secret = reply(&alice.key, "in spite of all inventions", &[&bob.key]);
    alice.client.publish(&secret).await;
    alice.client.delivery(&secret, &bob.key, Delivery::Delivered).await;
    bob.client.hear("in spite of all inventions").await;
    held(
        "invented nodes",
        &format!("told of 200 nodes under each of {KEYS} keys, dated 15 minutes ahead"),
        "a newcomer was told of the node that exists; a private reply arrived",
    );
}

#[tokio::test]
async fn who_asks_for_the_nodes_of_a_person_asks_what_was_taken_back_too() {
    let mut alice = Person::arrive(None).await;
    let neighbour = Attacker::join(&alice.node).await;
    let bob = random_key();
    alice.client.publish(&reply(&alice.key, "where are you?", &[&bob])).await;
    for question in
        [RpcRequest::Seek(vec![bob.public_key()]), RpcRequest::Revocations(vec![bob.public_key()])]
    {
        until("alice's node to ask", || async {
            let asked = neighbour.questions();
            if asked.contains(&question) { Ok(()) } else { Err(asked) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_node_whose_word_was_taken_back_gets_nothing_more() {
    let mut alice = Person::arrive(None).await;
    let bob = random_key();
    let npub = bob.public_key().to_npub();
    let home = Node::start(&["-p", &npub, "-b", &alice.node.nodes()]).await;
    let mut bobs = Client::login(&home.clients(), &bob).await;
    bobs.delegate(&bob).await;
    bobs.watch(0).await;
    // A node of Bob's that was stolen, with his word, which holds for 90 days.
    let mut thief = Attacker::join(&alice.node).await;
    let word = delegation::draft(&thief.peer(), now() - 100).sign(&bob, &[7; 32]);
    thief.announce(word.clone()).await;
    for number in 0..200 {
        let before = reply(&alice.key, &format!("before {number}"), &[&bob]);
        alice.client.publish(&before).await;
        alice.client.delivery(&before, &bob, Delivery::Delivered).await;
        if !thief.stolen().is_empty() {
            break;
        }
    }
    let before = thief.stolen().len();
    assert!(before > 0, "while the word held, the node got mail");

    // He takes it back at home. Everybody hears of it, and tells who asks.
    bobs.publish(&delegation::ended(&thief.peer(), now()).sign(&bob, &[7; 32])).await;
    let newcomer = Attacker::join(&alice.node).await;
    let question = RpcRequest::Revocations(vec![bob.public_key()]).encode();
    until("alice's node to tell of it", || async {
        let answer = newcomer.ask(newcomer.victim(), Protocol::Fetch, question.clone()).await;
        let told = answer.ok().and_then(|answer| Revoked::decode(&answer).ok());
        if told.is_some_and(|told| !told.events.is_empty()) { Ok(()) } else { Err("nothing") }
    })
    .await;
    thief.announce(word).await;
    for text in ["after", "long after"] {
        let after = reply(&alice.key, text, &[&bob]);
        alice.client.publish(&after).await;
        alice.client.delivery(&after, &bob, Delivery::Delivered).await;
        bobs.hear(text).await;
    }
    assert_eq!(thief.stolen().len(), before, "{:?}", thief.stolen());
    held(
        "a revoked node that goes on",
        "showed the word again that its owner had taken back at another node",
        "nothing of what was written after that",
    );
}
