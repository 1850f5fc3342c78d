//! Four people with four nodes on loopback, as in the original's README: what travels how, seen from the node that
//! must not see it. What it holds is read from its store file and by its interfaces; what reached it, by whatever way,
//! from its log, which names every event that its overlay hands up after decryption.

use std::collections::BTreeSet;

use nostrp2p_protocol::{Event, EventId, EventTemplate, Kind, SecretKey, Tag, frame::Delivery};
use nostrp2p_tests::{Client, Node, now, post, random_key, reply, rest, until};

const RECEIVED: &str = "nostrp2p_runtime::received=debug";

struct Person {
    key: SecretKey,
    node: Node,
    client: Client,
}

async fn arrive(first: Option<&Node>) -> Person {
    let key = random_key();
    let npub = key.public_key().to_npub();
    let bootstrap = first.map(Node::nodes);
    let mut arguments = vec!["-p", npub.as_str(), "--legacy-rest"];
    arguments.extend(bootstrap.as_deref().map(|address| ["-b", address]).into_iter().flatten());
    let node = Node::start_with_log(&arguments, RECEIVED).await;
    let mut client = Client::login(&node.clients(), &key).await;
    client.delegate(&key).await;
    client.watch(0).await;
    Person { key, node, client }
}

fn like(key: &SecretKey, target: &Event) -> Event {
    let tags = vec![
        Tag::new(["e".to_owned(), target.id().to_string()]),
        Tag::new(["p".to_owned(), target.pubkey.to_string()]),
    ];
    EventTemplate { created_at: now(), kind: Kind::REACTION, tags, content: "+".into() }.sign(key, &[7; 32])
}

fn quote(key: &SecretKey, text: &str, target: &Event) -> Event {
    let tags = vec![
        Tag::new(["q".to_owned(), target.id().to_string()]),
        Tag::new(["p".to_owned(), target.pubkey.to_string()]),
    ];
    EventTemplate { created_at: now(), kind: Kind::POST, tags, content: text.into() }.sign(key, &[7; 32])
}

/// The ids of all events that came to a node from others.
fn received(node: &Node) -> BTreeSet<EventId> {
    let log = node.log();
    let ids = log.lines().filter_map(|line| line.split("id=").nth(1)?.split(' ').next()?.parse().ok());
    ids.collect()
}

fn on_disk(node: &Node, bytes: &[u8]) -> bool {
    let store = std::fs::read(node.data_dir().join("store.redb")).expect("a store");
    store.windows(bytes.len()).any(|window| window == bytes)
}

/// What the original's client would show.
async fn timeline(node: &Node) -> BTreeSet<Vec<u8>> {
    let question = br#"{"kinds":[40000],"since":-1,"until":-1,"limit":300}"#;
    let answer = rest(&node.clients(), "/req", &[], question).await;
    answer.events().into_iter().map(|event| event.id).collect()
}

#[tokio::test]
async fn replies_and_likes_are_invisible_to_third_nodes() {
    let mut alice = arrive(None).await;
    let mut bob = arrive(Some(&alice.node)).await;
    let mut carol = arrive(Some(&alice.node)).await;
    let mut dave = arrive(Some(&alice.node)).await;
    alice.client.neighbours(3).await;

    // A post goes to everybody; the answer, the mention and the like to Alice or Carol alone.
    let first = post(&alice.key, "the post that everybody sees");
    alice.client.publish(&first).await;
    for other in [&mut bob, &mut carol, &mut dave] {
        other.client.hear(&first.content).await;
    }
    let answer = reply(&bob.key, "an answer for alice alone", &[&alice.key]);
    let mention = reply(&bob.key, "a mention of alice and carol", &[&alice.key, &carol.key]);
    let liked = like(&bob.key, &first);
    for (event, people) in [(&answer, vec![&alice]), (&mention, vec![&alice, &carol]), (&liked, vec![&alice])]
    {
        bob.client.publish(event).await;
        for person in people {
            bob.client.delivery(event, &person.key, Delivery::Delivered).await;
        }
    }
    // What is published last and has arrived everywhere shows that what is before it would have, too.
    let quoted = quote(&bob.key, "a quote that everybody sees", &first);
    bob.client.publish(&quoted).await;
    for other in [&mut alice, &mut carol, &mut dave] {
        other.client.hear(&quoted.content).await;
    }

    // What others told is on the disk within some seconds, and with the last of it all before.
    for person in [&alice, &carol, &dave] {
        until("the quote on the disk", || async {
            if on_disk(&person.node, quoted.id().as_bytes()) { Ok(()) } else { Err("nothing") }
        })
        .await;
    }

    let sees = async |person: &Person| {
        let (got, shown) = (received(&person.node), timeline(&person.node).await);
        [&first, &answer, &mention, &liked, &quoted].map(|event| {
            let id = event.id();
            let here = on_disk(&person.node, id.as_bytes()) && shown.contains(id.as_bytes().as_slice());
            let absent = !on_disk(&person.node, id.as_bytes()) && !shown.contains(id.as_bytes().as_slice());
            assert!(here || absent, "{id} is shown and not stored, or stored and not shown");
            // The author's own events come from nowhere.
            assert_eq!(got.contains(&id), here && event.pubkey != person.key.public_key(), "{id}");
            here
        })
    };
    //                               post  answer mention like  quote
    assert_eq!(sees(&alice).await, [true, true, true, true, true], "Alice, who is answered and liked");
    assert_eq!(sees(&bob).await, [true, true, true, true, true], "Bob sees that he liked");
    assert_eq!(sees(&carol).await, [true, false, true, false, true], "Carol, who is mentioned");
    assert_eq!(sees(&dave).await, [true, false, false, false, true], "Dave, a third");
    for text in [&answer.content, &mention.content] {
        assert!(!on_disk(&dave.node, text.as_bytes()), "{text}");
    }
}

#[tokio::test]
async fn only_the_liked_sees_the_total() {
    let mut alice = arrive(None).await;
    let mut bob = arrive(Some(&alice.node)).await;
    let mut carol = arrive(Some(&alice.node)).await;
    let first = post(&alice.key, "how many like it?");
    alice.client.publish(&first).await;
    for liker in [&mut bob, &mut carol] {
        liker.client.hear(&first.content).await;
        let liked = like(&liker.key, &first);
        liker.client.publish(&liked).await;
        liker.client.delivery(&liked, &alice.key, Delivery::Delivered).await;
    }
    let likes = async |person: &Person| {
        let mut client = Client::login(&person.node.clients(), &person.key).await;
        client.everything().await.iter().filter(|content| *content == "+").count()
    };
    until("both likes at alice's node", || async {
        let seen = likes(&alice).await;
        if seen == 2 { Ok(()) } else { Err(seen) }
    })
    .await;
    assert_eq!((likes(&bob).await, likes(&carol).await), (1, 1), "a liker sees the own like alone");
}
