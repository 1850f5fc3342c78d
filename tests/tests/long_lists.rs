//! Lists of ten thousand people: at every door of the own node, at the owner's other nodes and at those of friends; and
//! never where nobody said that they can be read.

use nostrp2p_overlay::Protocol;
use nostrp2p_protocol::{
    Event, EventTemplate, Filter, Kind, SecretKey, Tag,
    frame::{ClientFrame, NodeFrame, RefusalCode},
    rpc::{Found, RpcRequest},
};
use nostrp2p_tests::{Attacker, Client, Node, Person, Relay, http_login, now, post, random_key, rest, until};
use serde_json::{Value, json};

const ENTRIES: usize = 10_000;

/// The people of a long list: none of them is somebody's key, which nobody checks.
fn people(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:064x}")).collect()
}

fn list(key: &SecretKey, kind: u16, count: usize) -> Event {
    list_of(now(), key, kind, count)
}

fn list_of(created_at: u64, key: &SecretKey, kind: u16, count: usize) -> Event {
    let mut tags = vec![Tag::new(["d", "friends"]), Tag::new(["title", "Friends"])];
    tags.extend(people(count).into_iter().map(|person| Tag::new(["p".to_owned(), person])));
    EventTemplate { created_at, kind: Kind(kind), tags, content: String::new() }.sign(key, &[7; 32])
}

fn entries(event: &Value) -> usize {
    let tags = event["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    tags.iter().filter(|tag| tag[0] == "p").count()
}

async fn held(relay: &mut Relay, author: &SecretKey, kind: u16) -> Vec<usize> {
    let filter = json!({ "kinds": [kind], "authors": [author.public_key().to_string()] });
    relay.ask(&[filter]).await.iter().map(entries).collect()
}

#[tokio::test]
async fn a_nostr_program_and_rest_keep_and_find_lists_of_ten_thousand_people() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    for kind in [3, 10_000, 30_000] {
        relay.put(&list(&alice, kind, ENTRIES)).await;
        assert_eq!(held(&mut relay, &alice, kind).await, [ENTRIES], "{kind}");
    }
    let posted = post(&alice, "found among ten thousand");
    relay.put(&posted).await;
    let mut authors = people(ENTRIES - 1);
    authors.push(alice.public_key().to_string());
    let found = relay.contents(json!({ "kinds": [1], "authors": authors })).await;
    assert_eq!(found, ["found among ten thousand"]);
    authors.push("f".repeat(64));
    let message = json!(["REQ", "more", { "kinds": [1], "authors": authors }]);
    relay.say(&message).await;
    let refused = relay.next().await;
    assert!(refused.to_string().contains("more than 10000 values"), "{refused}");
    // One entry more, another kind, and somebody who has not signed in: told why, each in its way.
    let refused = relay.publish(&list(&alice, 3, ENTRIES + 200)).await;
    assert!(refused[2] == false && refused.to_string().contains("tags"), "{refused}");
    let refused = relay.publish(&list(&alice, 1, ENTRIES)).await;
    assert!(refused[2] == false && refused.to_string().contains("tags"), "{refused}");

    // Of two lists of one second the one with the lower id counts, so this one is newer for certain.
    let long = list_of(now() + 1, &alice, 3, ENTRIES - 1);
    let body = serde_json::to_vec(&long).unwrap_or_default();
    let url = format!("http://{}/publish", node.clients());
    let login = http_login(&alice, &url, "POST", Some(&body), 0);
    let answer = rest(&node.clients(), "/publish", &[&login], &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let node = node.restart().await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    assert_eq!(held(&mut relay, &alice, 3).await, [ENTRIES - 1]);
}

#[tokio::test]
async fn long_lists_reach_the_owners_other_node_and_whoever_asks_for_them() {
    let alice = Person::arrive(None).await;
    let mut program = Relay::login(&alice.node.clients(), &alice.key).await;
    program.put(&list(&alice.key, 3, ENTRIES)).await;
    program.put(&list(&alice.key, 10_000, ENTRIES)).await;

    let npub = alice.key.public_key().to_npub();
    let second = Node::start(&["-p", &npub, "-b", &alice.node.nodes()]).await;
    let mut client = Client::login(&second.clients(), &alice.key).await;
    client.delegate(&alice.key).await;
    for kind in [3, 10_000] {
        until("the second node to hold the list", || async {
            let mut there = Relay::login(&second.clients(), &alice.key).await;
            let kept = held(&mut there, &alice.key, kind).await;
            if kept == [ENTRIES] { Ok(()) } else { Err(kept) }
        })
        .await;
    }

    let mut bob = Person::arrive(Some(&alice)).await;
    let of_her = Filter {
        authors: Some([alice.key.public_key()].into()),
        kinds: Some([Kind::FOLLOW_LIST].into()),
        ..Filter::default()
    };
    bob.client.send(ClientFrame::Subscribe { request: 5, filters: vec![of_her] }).await;
    until("bob's node to fetch her follow list", || async {
        let mut there = Relay::login(&bob.node.clients(), &bob.key).await;
        let kept = held(&mut there, &alice.key, 3).await;
        if kept == [ENTRIES] { Ok(()) } else { Err(kept) }
    })
    .await;
}

#[tokio::test]
async fn whoever_does_not_say_that_it_reads_long_lists_is_sent_none() {
    let mut alice = Person::arrive(None).await;
    let mut program = Relay::login(&alice.node.clients(), &alice.key).await;
    let own = alice.key.public_key();
    alice.client.publish(&post(&alice.key, "short")).await;
    program.put(&list(&alice.key, 3, ENTRIES)).await;
    let of_her = Filter {
        authors: Some([own].into()),
        kinds: Some([Kind::FOLLOW_LIST, Kind::POST].into()),
        ..Filter::default()
    };

    // A page of an older version.
    alice.client.send(ClientFrame::Fetch { request: 5, filters: vec![of_her.clone()] }).await;
    match alice.client.answer().await {
        NodeFrame::Answer { events, .. } => {
            let kinds: Vec<Kind> = events.iter().map(|event| event.kind).collect();
            assert_eq!(kinds, [Kind::POST]);
        }
        other => panic!("no answer but {other:?}"),
    }
    assert_eq!(alice.client.everything().await.len(), 2, "the post and the delegation");

    // An older node.
    let older = Attacker::join(&alice.node).await;
    let question = RpcRequest::Events(vec![of_her.clone()]).encode();
    let answer = older.ask(older.victim(), Protocol::Fetch, question).await.expect("an answer");
    let found = Found::decode(&answer).expect("events");
    assert_eq!(found.events.len(), 1, "{found:?}");

    // Before it has signed in nobody sends a long message.
    let mut stranger = Client::connect(&alice.node.clients()).await;
    stranger.send_bytes(vec![0x91; 140_000]).await;
    assert_eq!(stranger.refusal().await.code, RefusalCode::Malformed);
}
