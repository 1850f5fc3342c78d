//! Mirrors: a node and real relays of the rest of Nostr, in both directions.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{net::Ipv4Addr, time::Duration};

use nostr_relay_builder::{
    LocalRelay, RelayBuilder,
    builder::{RelayBuilderNip42, RelayBuilderNip42Mode},
};
use nostr_sdk::prelude::{
    Client as Sdk, Event as SdkEvent, Filter as SdkFilter, JsonUtil, Keys, MemoryDatabase,
    MemoryDatabaseOptions, NostrDatabase,
};
use nostrp2p_protocol::{Draft, Event, Kind, SecretKey, Tag};
use nostrp2p_tests::{Node, Relay, free_port, get, now, post, random_key, until};
use serde_json::{Value, json};

/// Someone else's relay, whose events outlive a restart.
struct Foreign {
    database: MemoryDatabase,
    port: u16,
    relay: LocalRelay,
}

impl Foreign {
    async fn start() -> Self {
        let database = MemoryDatabase::with_opts(MemoryDatabaseOptions { events: true, max_events: None });
        let port = free_port();
        let relay = Self::run(&database, port).await;
        Self { database, port, relay }
    }

    async fn run(database: &MemoryDatabase, port: u16) -> LocalRelay {
        let builder =
            RelayBuilder::default().addr(Ipv4Addr::LOCALHOST.into()).port(port).database(database.clone());
        let relay = LocalRelay::new(builder);
        until("the relay to listen", || relay.run()).await;
        relay
    }

    fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// What is stored there, by content.
    async fn contents(&self) -> Vec<String> {
        let events = self.database.query(SdkFilter::new()).await.unwrap();
        let mut contents: Vec<String> = events.into_iter().map(|event| event.content).collect();
        contents.sort_unstable();
        contents
    }

    /// Waits until exactly this is stored there.
    async fn holds(&self, expected: &[&str]) {
        until(&format!("the relay to hold {expected:?}"), || async {
            let seen = self.contents().await;
            if seen == expected { Ok(()) } else { Err(seen) }
        })
        .await;
    }
}

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    Draft { created_at: now(), kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

async fn node_of(key: &SecretKey, mirror: &str) -> Node {
    Node::start(&["-p", &key.public_key().to_npub(), "--mirror", mirror]).await
}

/// A person with a client of their own at a relay.
async fn elsewhere(url: &str, key: &SecretKey) -> Sdk {
    let client = Sdk::new(Keys::parse(&hex::encode(key.to_bytes().as_slice())).unwrap());
    client.add_relay(url).await.unwrap();
    client.connect().await;
    client.wait_for_connection(Duration::from_secs(20)).await;
    client
}

async fn say(client: &Sdk, event: &Event) {
    let event = SdkEvent::from_json(serde_json::to_string(event).unwrap()).unwrap();
    let output = client.send_event(&event).await.unwrap();
    assert!(output.failed.is_empty(), "{output:?}");
}

/// Waits until a node holds exactly these contents besides lists.
async fn node_holds(relay: &mut Relay, expected: &[&str]) {
    for _ in 0..600 {
        let mut seen = relay.contents(json!({ "kinds": [0, 1, 7] })).await;
        seen.sort_unstable();
        if seen == expected {
            return;
        }
        assert!(seen.len() <= expected.len(), "{seen:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(relay.contents(json!({})).await, expected);
}

async fn status(node: &Node) -> Value {
    let (_, _, body) = get(&node.clients(), "/node.json", &[]).await;
    serde_json::from_slice::<Value>(&body).unwrap()["mirrors"][0].clone()
}

async fn status_says(node: &Node, field: &str, expected: Value) {
    until(&format!("{field} to be {expected}"), || async {
        let status = status(node).await;
        if status[field] == expected { Ok(()) } else { Err(status) }
    })
    .await;
}

#[tokio::test]
async fn public_events_go_out_once_private_ones_never_also_across_a_restart_of_the_relay() {
    let alice = random_key();
    let mut foreign = Foreign::start().await;
    let node = node_of(&alice, &foreign.url()).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    let bob = random_key().public_key().to_string();
    let regretted = post(&alice, "regretted");
    relay.put(&post(&alice, "for all")).await;
    relay.put(&regretted).await;
    relay.put(&signed(&alice, 1, &[&["p", &bob]], "for bob alone")).await;
    relay.put(&signed(&alice, 7, &[&["p", &bob]], "+")).await;
    relay.put(&signed(&alice, 1, &[&["-"]], "for this relay alone")).await;
    relay.put(&signed(&alice, 30_023, &[&["d", "x"]], "an article")).await;
    foreign.holds(&["an article", "for all", "regretted"]).await;
    relay.put(&signed(&alice, 5, &[&["e", &regretted.id().to_string()]], "sorry")).await;
    foreign.holds(&["an article", "for all", "sorry"]).await;
    status_says(&node, "behind", json!(0)).await;
    status_says(&node, "accepted", json!(4)).await;

    foreign.relay.shutdown();
    status_says(&node, "state", json!("waiting")).await;
    relay.put(&post(&alice, "while it was away")).await;
    // The node itself starts anew as well: the queue is on the disk.
    let node = node.restart().await;
    foreign.relay = Foreign::run(&foreign.database, foreign.port).await;
    foreign.holds(&["an article", "for all", "sorry", "while it was away"]).await;
    status_says(&node, "accepted", json!(1)).await;
    let (_, _, metrics) = get(&node.clients(), "/metrics", &[]).await;
    let metrics = String::from_utf8(metrics).unwrap();
    let line = format!("nostrp2p_mirror_connected{{url=\"{}\"}} 1", foreign.url());
    assert!(metrics.contains(&line), "{metrics}");
}

#[tokio::test]
async fn what_people_elsewhere_write_comes_in_once_also_what_was_missed() {
    let (alice, carol, dave) = (random_key(), random_key(), random_key());
    let mut foreign = Foreign::start().await;
    let there = elsewhere(&foreign.url(), &carol).await;
    say(&there, &signed(&carol, 0, &[], "{\"name\":\"Carol\"}")).await;
    say(&there, &post(&carol, "before")).await;
    say(&there, &post(&dave, "by nobody she knows")).await;

    let node = node_of(&alice, &foreign.url()).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&signed(&alice, 3, &[&["p", &carol.public_key().to_string()]], "")).await;
    let before = ["before", "{\"name\":\"Carol\"}"];
    node_holds(&mut relay, &before).await;

    let me = alice.public_key().to_string();
    say(&there, &post(&carol, "live")).await;
    say(&there, &signed(&dave, 1, &[&["p", &me]], "a reply")).await;
    say(&there, &signed(&dave, 7, &[&["p", &me]], "+")).await;
    let live = ["+", "a reply", "before", "live", "{\"name\":\"Carol\"}"];
    node_holds(&mut relay, &live).await;
    status_says(&node, "caught_up", json!(true)).await;

    foreign.relay.shutdown();
    status_says(&node, "state", json!("waiting")).await;
    foreign.relay = Foreign::run(&foreign.database, foreign.port).await;
    let again = elsewhere(&foreign.url(), &carol).await;
    say(&again, &post(&carol, "missed")).await;
    let all = ["+", "a reply", "before", "live", "missed", "{\"name\":\"Carol\"}"];
    node_holds(&mut relay, &all).await;
}

#[tokio::test]
async fn what_came_from_a_relay_is_not_spread_on_the_overlay() {
    let (alice, bob, carol) = (random_key(), random_key(), random_key());
    let foreign = Foreign::start().await;
    let there = elsewhere(&foreign.url(), &carol).await;
    let node = node_of(&alice, &foreign.url()).await;
    let neighbour = Node::start(&["-p", &bob.public_key().to_npub(), "-b", &node.nodes()]).await;
    let mut at_alice = Relay::login(&node.clients(), &alice).await;
    let mut at_bob = Relay::login(&neighbour.clients(), &bob).await;
    at_alice.put(&signed(&alice, 3, &[&["p", &carol.public_key().to_string()]], "")).await;
    say(&there, &post(&carol, "from elsewhere")).await;
    node_holds(&mut at_alice, &["from elsewhere"]).await;
    // What Alice says afterwards is there; so what came before would be there too.
    let own = post(&alice, "by alice");
    at_bob.say(&json!(["REQ", "live", { "kinds": [1] }])).await;
    assert_eq!(at_bob.next().await[0], "EOSE");
    at_alice.put(&own).await;
    assert_eq!(at_bob.next().await, json!(["EVENT", "live", own]));
}

#[tokio::test]
async fn a_relay_that_wants_a_signature_is_named_and_gets_nothing() {
    let alice = random_key();
    let port = free_port();
    let nip42 = RelayBuilderNip42 { mode: RelayBuilderNip42Mode::Both };
    let builder = RelayBuilder::default().addr(Ipv4Addr::LOCALHOST.into()).port(port).nip42(nip42);
    let strict = LocalRelay::new(builder);
    until("the relay to listen", || strict.run()).await;
    let node = node_of(&alice, &format!("ws://127.0.0.1:{port}")).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&post(&alice, "for all")).await;
    status_says(&node, "needs_signature", json!(true)).await;
}
