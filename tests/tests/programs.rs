//! What the owner's Nostr programs get by the relay that the node had to fetch first, and what they are told.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::{Duration, Instant};

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Node, PATIENCE, Person, Relay, get, now, random_key, until};
use serde_json::{Value, json};

/// The lists that nodes serve on request besides the follow list (PROTOCOL.md, "What travels how").
const LISTS: [u16; 6] = [10_001, 10_002, 10_030, 10_044, 10_050, 10_063];
/// Older than what a node keeps of others.
const OLD_SECONDS: u64 = 40 * 86_400;

fn at(key: &SecretKey, created_at: u64, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    at(key, now(), kind, tags, content)
}

/// Alice with a past that nobody was sent: a follow list, every list that is served on request, and an old post. Bob's
/// node is joined to hers, and a Nostr program of his has signed in.
async fn alice_and_bobs_program(more: &[&str]) -> (Person, Event, Node, SecretKey, Relay) {
    let mut alice = Person::arrive(None).await;
    let followed = "ab".repeat(32);
    alice.client.publish(&signed(&alice.key, 3, &[&["p", &followed]], "alice follows")).await;
    for kind in LISTS {
        let relay = &["r", "wss://relay.example.com"];
        alice.client.publish(&signed(&alice.key, kind, &[relay], &format!("list {kind}"))).await;
    }
    let old = at(&alice.key, now() - OLD_SECONDS, 1, &[], "of long ago");
    alice.client.publish(&old).await;
    let key = random_key();
    let npub = key.public_key().to_npub();
    let node = Node::start(&[&["-p", npub.as_str(), "-b", &alice.node.nodes()], more].concat()).await;
    alice.client.neighbours(1).await;
    let relay = Relay::login(&node.clients(), &key).await;
    (alice, old, node, key, relay)
}

async fn count(relay: &mut Relay, filter: Value) -> u64 {
    relay.say(&json!(["COUNT", "c", filter])).await;
    let answer = relay.next().await;
    assert_eq!((&answer[0], &answer[1]), (&json!("COUNT"), &json!("c")), "{answer}");
    answer[2]["count"].as_u64().unwrap()
}

#[tokio::test]
async fn what_a_program_asks_for_and_the_node_lacks_is_in_the_answer() {
    let (alice, old, _node, _, mut relay) = alice_and_bobs_program(&[]).await;
    let author = alice.key.public_key();
    let began = Instant::now();
    let list = relay.contents(json!({ "kinds": [3], "authors": [author] })).await;
    let took = began.elapsed();
    assert_eq!(list, ["alice follows"]);
    assert!(took < Duration::from_secs(2), "the answer ends when the fetch does, not after {took:?}");
    assert_eq!(relay.contents(json!({ "ids": [old.id()] })).await, ["of long ago"]);
}

#[tokio::test]
async fn the_posts_of_an_author_come_however_old_they_are() {
    let (alice, _, _node, _, mut relay) = alice_and_bobs_program(&[]).await;
    let author = alice.key.public_key();
    let all = relay.contents(json!({ "authors": [author] })).await;
    assert!(all.contains(&"of long ago".to_owned()), "{all:?}");
}

#[tokio::test]
async fn lists_that_others_need_are_served_on_request() {
    let (alice, _, _node, _, mut relay) = alice_and_bobs_program(&[]).await;
    let author = alice.key.public_key();
    for kind in LISTS {
        let filter = json!({ "kinds": [kind], "authors": [author] });
        assert_eq!(relay.contents(filter).await, [format!("list {kind}")]);
    }
}

#[tokio::test]
async fn only_the_owners_req_makes_the_node_ask_others() {
    let (alice, _, node, key, mut relay) = alice_and_bobs_program(&["--public-read"]).await;
    let author = alice.key.public_key();
    let list = json!({ "kinds": [3], "authors": [author] });
    let mut guest = Relay::connect(&node.clients()).await;
    assert_eq!(guest.contents(list.clone()).await, [""; 0]);
    assert_eq!(count(&mut relay, list.clone()).await, 0);
    relay.say(&json!(["NEG-OPEN", "n", list, "6100000200"])).await;
    assert_eq!(relay.next().await[0], "NEG-MSG");
    // What the owner asks for afterwards of the same node comes; by then the others' questions would have been answered.
    let relays = json!({ "ids": [alice_post(&mut relay, &author.to_string()).await] });
    assert_eq!(relay.contents(relays).await.len(), 1);
    assert_eq!(count(&mut relay, list.clone()).await, 0, "neither guest, COUNT nor NEG has fetched it");
    let mut second = Relay::login(&node.clients(), &key).await;
    assert_eq!(second.contents(list).await, ["alice follows"]);
}

/// The id of a post of this author, as the owner's program finds it.
async fn alice_post(relay: &mut Relay, author: &str) -> String {
    let posts = relay.ask(&[json!({ "kinds": [1], "authors": [author] })]).await;
    posts[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_comes_too_late_for_the_answer_comes_live() {
    let (alice, _, _node, _, mut relay) = alice_and_bobs_program(&[]).await;
    let author = alice.key.public_key();
    let stopped = alice.node.stop().await;
    relay.say(&json!(["REQ", "late", { "kinds": [3], "authors": [author] }])).await;
    assert_eq!(relay.next().await, json!(["EOSE", "late"]));
    let _alice = stopped.start().await;
    let event = relay.next().await;
    assert_eq!((&event[0], &event[2]["content"]), (&json!("EVENT"), &json!("alice follows")), "{event}");
}

#[tokio::test]
async fn an_empty_identifier_stands_for_what_has_none() {
    let key = random_key();
    let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
    let mut relay = Relay::login(&node.clients(), &key).await;
    relay.put(&signed(&key, 0, &[], "profile")).await;
    relay.put(&signed(&key, 1, &[], "post")).await;
    relay.put(&signed(&key, 30_023, &[], "without an identifier")).await;
    relay.put(&signed(&key, 30_023, &[&["d", "x"]], "with one")).await;
    let me = key.public_key();
    let found = relay.contents(json!({ "kinds": [0], "authors": [me], "#d": [""] })).await;
    assert_eq!(found, ["profile"]);
    let mut all = relay.contents(json!({ "#d": [""] })).await;
    all.sort();
    assert_eq!(all, ["profile", "without an identifier"]);
    let both = relay.contents(json!({ "kinds": [30_023], "#d": ["", "x"] })).await;
    assert_eq!(both.len(), 2, "{both:?}");
}

#[tokio::test]
async fn what_is_no_key_matches_nothing_and_closes_nothing() {
    let key = random_key();
    let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
    let mut relay = Relay::login(&node.clients(), &key).await;
    let post = signed(&key, 1, &[], "found");
    relay.put(&post).await;
    let me = key.public_key().to_string();
    let wrong = [format!("{me},{me}"), key.public_key().to_npub()];
    for subscription in ["one", "other"] {
        let filter = json!({ "authors": [wrong[0], wrong[1], me], "kinds": [1] });
        relay.say(&json!(["REQ", subscription, filter])).await;
        if subscription == "one" {
            let notice = relay.next().await;
            assert!(notice[0] == "NOTICE" && notice[1].as_str().unwrap().contains("npub1"), "{notice}");
        }
        assert_eq!(relay.next().await, json!(["EVENT", subscription, post]));
        assert_eq!(relay.next().await, json!(["EOSE", subscription]));
    }
    assert_eq!(relay.contents(json!({ "ids": ["note1xyz"] })).await, [""; 0]);
}

#[tokio::test]
async fn every_page_learns_what_the_relay_is_and_not_whose() {
    let npub = random_key().public_key().to_npub();
    for (more, named) in [(&[][..], false), (&["--public-read"], true)] {
        let node = Node::start(&[&["-p", npub.as_str()], more].concat()).await;
        let information = ["Accept: application/nostr+json", "Origin: https://jumble.example"];
        let (status, head, body) = get(&node.clients(), "/", &information).await;
        assert_eq!(status, 200);
        assert!(head.to_lowercase().contains("access-control-allow-origin: *"), "{head}");
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document.get("pubkey").is_some(), named, "{document}");
        assert_eq!(document["name"] != "a nostrp2p node", named, "{document}");
        let software = document.get("software").and_then(Value::as_str);
        assert!(software.is_none_or(|url| url.contains("://") && !url.contains(".example")), "{document}");
        // The owner's own programs have no origin.
        let (_, _, body) = get(&node.clients(), "/", &information[..1]).await;
        let document: Value = serde_json::from_slice(&body).unwrap();
        assert!(document.get("pubkey").is_some(), "{document}");
        // Nothing else is for such a page.
        let (status, _, _) = get(&node.clients(), "/node.json", &information[1..]).await;
        assert_eq!(status, 403);
    }
}

#[tokio::test]
async fn a_program_is_told_when_private_mail_cannot_come_and_can_mend_it() {
    let key = random_key();
    let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
    let mut relay = Relay::connect(&node.clients()).await;
    assert_eq!(relay.auth(&key).await[2], true);
    let notice = relay.notice().await;
    assert!(notice.starts_with("private mail: ") && notice.contains("nostrp2p:node:"), "{notice}");
    // By the words of the notice and of docs/relay.md alone.
    let tag = notice.split('"').find(|part| part.starts_with("nostrp2p:node:")).unwrap().to_owned();
    for (days, warned) in [(20, true), (80, false)] {
        let end = now() + days * 86_400;
        let created_at = now() + days / 80;
        relay
            .put(&at(&key, created_at, 30_078, &[&["d", &tag], &["expiration", &end.to_string()]], ""))
            .await;
        until("the node to know its delegation", || async {
            let (_, _, body) = node.inside("/node.json").await;
            let node: Value = serde_json::from_slice(&body).unwrap();
            if node["delegated"] == end { Ok(()) } else { Err(node["delegated"].clone()) }
        })
        .await;
        let mut other = Relay::connect(&node.clients()).await;
        assert_eq!(other.auth(&key).await[2], true);
        if warned {
            let notice = other.notice().await;
            assert!(notice.starts_with("private mail: ") && notice.contains("days"), "{notice}");
        }
        // Whatever is said after the login comes before the answer to the next question.
        other.say(&json!(["REQ", "a", { "kinds": [9] }])).await;
        assert_eq!(other.whatever().await, json!(["EOSE", "a"]));
    }
}

#[tokio::test]
async fn a_protected_event_is_broadcast_to_nobody() {
    let (alice, bob) = Person::pair().await;
    let mut relay = Relay::login(&alice.node.clients(), &alice.key).await;
    let mut at_bob = Relay::login(&bob.node.clients(), &bob.key).await;
    let bobs = bob.key.public_key().to_string();
    let kept = signed(&alice.key, 1, &[&["-"]], "protected");
    let answer = relay.publish(&kept).await;
    assert_eq!(answer[3], "kept on your node: it is protected (NIP-70)", "{answer}");
    let quoted = "ab".repeat(32);
    let private = signed(&alice.key, 1, &[&["-"], &["q", &quoted], &["p", &bobs]], "protected and for bob");
    at_bob.say(&json!(["REQ", "live", { "authors": [alice.key.public_key()], "kinds": [1] }])).await;
    loop {
        if relay_ended(&at_bob.next().await) {
            break;
        }
    }
    let answer = relay.publish(&private).await;
    assert_eq!(answer[3], "goes privately to the person it names", "{answer}");
    assert_eq!(at_bob.next().await, json!(["EVENT", "live", private]));
    assert_eq!(at_bob.contents(json!({ "ids": [kept.id()] })).await, [""; 0]);
    assert_eq!(relay.contents(json!({ "ids": [kept.id()] })).await, ["protected"]);
}

fn relay_ended(said: &Value) -> bool {
    said[0] == "EOSE"
}

#[tokio::test]
async fn a_page_that_was_refused_is_told_to_the_person_who_runs_the_node() {
    let key = random_key();
    let npub = key.public_key().to_npub();
    let node = Node::start_with_log(&["-p", &npub], "info").await;
    for origin in ["https://jumble.example", "https://jumble.example", "null"] {
        let refused = Relay::connect_as(&node.clients(), &node.clients(), &[("origin", origin)]).await;
        assert_eq!(refused.err(), Some(403), "{origin}");
    }
    let log = node.log();
    assert_eq!(log.matches("--allow-origin https://jumble.example").count(), 1, "{log}");
    assert!(!log.contains("--allow-origin null") && !log.contains("--allow-host"), "{log}");
    let (_, _, body) = node.inside("/node.json").await;
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["refused_origins"]["https://jumble.example"], 2, "{document}");
    let binary = nostrp2p_tests::binary();
    let mut status = tokio::process::Command::new(binary);
    status.args(["status", "-l", &node.nodes(), "--data-dir"]).arg(node.data_dir());
    let output = tokio::time::timeout(PATIENCE, status.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("--allow-origin https://jumble.example"), "{said}");
}

#[tokio::test]
async fn a_list_with_an_address_of_ones_own_house_goes_to_nobody() {
    let (alice, bob) = Person::pair().await;
    let mut relay = Relay::login(&alice.node.clients(), &alice.key).await;
    let mut at_bob = Relay::login(&bob.node.clients(), &bob.key).await;
    let author = alice.key.public_key();
    for (kind, name, address) in
        [(10_002, "r", "ws://192.168.1.7:20001/"), (10_050, "relay", "ws://localhost:34221/")]
    {
        let tags: [&[&str]; 2] = [&[name, "wss://relay.example.com"], &[name, address]];
        let list = signed(&alice.key, kind, &tags, "with my house");
        let answer = relay.publish(&list).await;
        let held = answer[3].as_str().unwrap();
        assert!(held.starts_with("kept on your node: ") && held.contains(address), "{answer}");
        let asked = json!({ "kinds": [kind], "authors": [author] });
        assert_eq!(at_bob.contents(asked.clone()).await, [""; 0]);
        assert_eq!(relay.contents(asked).await, ["with my house"]);
    }
}
