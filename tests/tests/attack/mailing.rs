//! Mail to the owner: what a flood through a mirror, and by deliveries, takes of what friends have sent.

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Attacker, Client, ForeignRelay, Node, Person, held, now, random_key, until};

use super::texts;

/// The mailbox of the node that is attacked, in bytes.
const MAILBOX: u64 = 1024 * 1024;
/// What the flooder addresses to the owner through the mirror: 4 KB each, in as many hours as an hour's cap asks for.
const FLOOD: u64 = 700;
const LETTERS: usize = 5;

fn to(person: &SecretKey, key: &SecretKey, kind: u16, created_at: u64, content: &str) -> Event {
    let tags = vec![Tag::new(["p", &person.public_key().to_string()])];
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

#[tokio::test]
async fn a_flood_through_a_mirror_and_by_deliveries_takes_nothing_of_what_friends_send() {
    let relay = ForeignRelay::start().await;
    let (alice, carol, mallory) = (random_key(), random_key(), random_key());
    let npub = alice.public_key().to_npub();
    let mut bob = Person::arrive(None).await;
    let at = bob.node.nodes();
    let node = Node::start(&["-p", &npub, "--mirror", &relay.url(), "--max-mail", "1", "-b", &at]).await;
    let mut client = Client::login(&node.clients(), &alice).await;
    client.delegate(&alice).await;
    client.neighbours(1).await;
    let people = [&bob.key, &carol].map(|key| Tag::new(["p", &key.public_key().to_string()]));
    let list = EventTemplate {
        created_at: now(),
        kind: Kind::FOLLOW_LIST,
        tags: people.to_vec(),
        content: String::new(),
    };
    client.publish(&list.sign(&alice, &[7; 32])).await;

    // What friends send: replies and gift wraps to Alice from node to node, posts through the mirror.
    let mut letters = Vec::new();
    for number in 0..LETTERS {
        let reply = to(&alice, &bob.key, 1, now(), &format!("reply {number}"));
        let wrap = to(&alice, &random_key(), 1059, now(), &format!("wrap {number}"));
        for letter in [reply, wrap] {
            bob.client.publish(&letter).await;
            letters.push(letter.content.clone());
        }
        let post = to(&carol, &carol, 1, now() - 60, &format!("a friend's post {number}"));
        relay.put(&post).await;
        letters.push(post.content.clone());
    }
    // The flood: mentions at the relay, and gift wraps from a node that acts for nobody.
    for number in 0..FLOOD {
        let content = format!("spam {number} {}", "x".repeat(4_000));
        relay.put(&to(&alice, &mallory, 1, now() - 3_600 * (1 + number / 200) - number, &content)).await;
    }
    let attacker = Attacker::join(&node).await;
    let mut wraps = 0;
    for number in 0..100 {
        let content = format!("spam wrap {number} {}", "x".repeat(20_000));
        let wrap = to(&alice, &random_key(), 1059, now(), &content);
        wraps += u32::from(
            attacker.deliver(attacker.victim(), wrap).await == Some(nostrp2p_protocol::rpc::Receipt::Taken),
        );
    }
    until("the mailbox to be nearly full", || async {
        let bytes = node.metric("mailbox_bytes").await;
        if bytes > MAILBOX / 10 * 8 { Ok(()) } else { Err(bytes) }
    })
    .await;
    // A friend's letter finds room in a full mailbox.
    let late = to(&alice, &bob.key, 1, now(), "late reply");
    bob.client.publish(&late).await;
    letters.push(late.content.clone());
    until("all that friends sent", || async {
        let mut reader = Client::login(&node.clients(), &alice).await;
        let held = texts(&mut reader).await;
        let missing: Vec<_> = letters.iter().filter(|letter| !held.contains(*letter)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    })
    .await;
    let bytes = node.metric("mailbox_bytes").await;
    assert!(bytes <= MAILBOX, "{bytes}");
    held(
        "hostile mirror",
        &format!(
            "{FLOOD} mentions of 4 KB by one key through a mirror, 100 gift wraps of 20 KB by deliveries, a mailbox of 1 MiB"
        ),
        &format!(
            "{} letters and posts of friends are all there; {wraps} wraps were taken, the mailbox holds {bytes} bytes",
            letters.len()
        ),
    );
}
