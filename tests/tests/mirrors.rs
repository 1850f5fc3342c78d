//! Mirrors: a node and real relays of the rest of Nostr, in both directions.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod base;
mod many;
mod own_past;

use std::{net::Ipv4Addr, time::Duration};

use nostr_relay_builder::{
    LocalRelay, RelayBuilder,
    builder::{RelayBuilderNip42, RelayBuilderNip42Mode},
};
use nostr_sdk::prelude::{
    Client as Sdk, Event as SdkEvent, Filter as SdkFilter, JsonUtil, Keys, MemoryDatabase,
    MemoryDatabaseOptions, NostrDatabase,
};
use nostrp2p_protocol::{
    Event, EventTemplate, Kind, SecretKey, Tag,
    frame::{ClientFrame, NodeFrame},
    login::relay_draft,
};
use nostrp2p_tests::{
    Browser, Certificate, Client, ForeignRelay, Front, Node, Relay, RsRelay, Size, copy_files, free_port,
    now, post, random_key, skip_optional, until,
};
use serde_json::{Value, json};

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at: now(), kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

async fn node_of(key: &SecretKey, mirror: &str) -> Node {
    Node::start(&["-p", &key.public_key().to_npub(), "--mirror", mirror]).await
}

/// A person with a client of their own at a relay.
pub(crate) async fn elsewhere(url: &str, key: &SecretKey) -> Sdk {
    let client = Sdk::new(Keys::parse(&hex::encode(key.to_bytes().as_slice())).unwrap());
    client.add_relay(url).await.unwrap();
    client.connect().await;
    client.wait_for_connection(Duration::from_secs(20)).await;
    client
}

pub(crate) async fn say(client: &Sdk, event: &Event) {
    let event = SdkEvent::from_json(serde_json::to_string(event).unwrap()).unwrap();
    let output = client.send_event(&event).await.unwrap();
    assert!(output.failed.is_empty(), "{output:?}");
}

/// Waits until a node holds exactly these contents besides lists.
async fn node_holds(relay: &mut Relay, expected: &[&str]) {
    until(&format!("the node to hold {expected:?}"), async || {
        let mut seen = relay.contents(json!({ "kinds": [0, 1, 7] })).await;
        seen.sort_unstable();
        assert!(seen.len() <= expected.len(), "{seen:?}");
        if seen == expected { Ok(()) } else { Err(seen) }
    })
    .await;
}

async fn status(node: &Node) -> Value {
    let (_, _, body) = node.inside("/node.json").await;
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
    let mut foreign = ForeignRelay::start().await;
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

    foreign.stop();
    status_says(&node, "state", json!("waiting")).await;
    relay.put(&post(&alice, "while it was away")).await;
    // The node itself starts anew as well: the queue is on the disk.
    let node = node.restart().await;
    foreign.start_again().await;
    foreign.holds(&["an article", "for all", "sorry", "while it was away"]).await;
    status_says(&node, "accepted", json!(1)).await;
    let (_, _, metrics) = node.inside("/metrics").await;
    let metrics = String::from_utf8(metrics).unwrap();
    let line = format!("nostrp2p_mirror_connected{{url=\"{}\"}} 1", foreign.url());
    assert!(metrics.contains(&line), "{metrics}");
}

#[tokio::test]
async fn what_people_elsewhere_write_comes_in_once_also_what_was_missed() {
    let (alice, carol, dave) = (random_key(), random_key(), random_key());
    let mut foreign = ForeignRelay::start().await;
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

    foreign.stop();
    status_says(&node, "state", json!("waiting")).await;
    foreign.start_again().await;
    let again = elsewhere(&foreign.url(), &carol).await;
    say(&again, &post(&carol, "missed")).await;
    let all = ["+", "a reply", "before", "live", "missed", "{\"name\":\"Carol\"}"];
    node_holds(&mut relay, &all).await;
}

#[tokio::test]
async fn what_came_from_a_relay_is_not_spread_on_the_overlay() {
    let (alice, bob, carol) = (random_key(), random_key(), random_key());
    let foreign = ForeignRelay::start().await;
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

/// A relay that takes nothing before somebody signs in.
async fn strict() -> (String, MemoryDatabase, LocalRelay) {
    let database = MemoryDatabase::with_opts(MemoryDatabaseOptions { events: true, max_events: None });
    let port = free_port();
    let nip42 = RelayBuilderNip42 { mode: RelayBuilderNip42Mode::Both };
    let builder = RelayBuilder::default().addr(Ipv4Addr::LOCALHOST.into()).port(port);
    let relay = LocalRelay::new(builder.database(database.clone()).nip42(nip42));
    until("the relay to listen", || relay.run()).await;
    (format!("ws://127.0.0.1:{port}"), database, relay)
}

#[tokio::test]
async fn a_relay_that_wants_a_login_gets_everything_once_a_client_has_signed_it() {
    let alice = random_key();
    let (url, database, _relay) = strict().await;
    let node = node_of(&alice, &url).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&post(&alice, "for all")).await;
    status_says(&node, "needs_signature", json!(true)).await;
    assert!(database.query(SdkFilter::new()).await.unwrap().is_empty());

    let mut client = Client::login(&node.clients(), &alice).await;
    let challenge = loop {
        let Some(NodeFrame::Mirrors(mirrors)) = client.next().await else { continue };
        assert_eq!(mirrors[0].url, url);
        if let Some(challenge) = mirrors[0].challenge().map(str::to_owned) {
            break challenge;
        }
    };
    let sign = |relay: &str, challenge: &str, key: &SecretKey| {
        let proof = relay_draft(relay, challenge, now()).unwrap().sign(key, &[7; 32]).into();
        ClientFrame::RelayLogin { relay: url.clone(), proof }
    };
    // What does not fit is dropped, and the right one still counts.
    client.send(sign(&url, &challenge, &random_key())).await;
    client.send(sign(&url, "another", &alice)).await;
    client.send(sign("wss://other.example", &challenge, &alice)).await;
    client.send(sign(&url, &challenge, &alice)).await;
    // A relay may ask anew with each message that it refuses, so what is signed is what it asked last, as the page does.
    let again = async {
        while let Some(frame) = client.whenever().await {
            let NodeFrame::Mirrors(mirrors) = frame else { continue };
            if let Some(challenge) = mirrors[0].challenge() {
                client.send(sign(&url, challenge, &alice)).await;
            }
        }
    };
    tokio::select! {
        () = again => panic!("the node hung up"),
        () = status_says(&node, "needs_signature", json!(false)) => {}
    }
    status_says(&node, "accepted", json!(1)).await;
    let stored = database.query(SdkFilter::new()).await.unwrap();
    assert_eq!(stored.into_iter().map(|event| event.content).collect::<Vec<_>>(), ["for all"]);
}

#[tokio::test]
async fn direct_messages_at_a_relay_of_the_owners_list_come_in_after_the_login() {
    let alice = random_key();
    let (url, database, _relay) = strict().await;
    let me = alice.public_key().to_string();
    let wrap = |content: &str| {
        let tags = vec![Tag::new(["p", me.as_str()])];
        // Their times lie up to two days in the past (NIP-59).
        let created_at = now() - 86_400;
        let draft = EventTemplate { created_at, kind: Kind::GIFT_WRAP, tags, content: content.into() };
        SdkEvent::from_json(serde_json::to_string(&draft.sign(&random_key(), &[7; 32])).unwrap()).unwrap()
    };
    database.save_event(&wrap("before the login")).await.unwrap();
    let node = node_of(&alice, &url).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    let mut client = Client::login(&node.clients(), &alice).await;
    let sign = async |client: &mut Client| {
        while let Some(frame) = client.whenever().await {
            let NodeFrame::Mirrors(mirrors) = frame else { continue };
            if let Some(challenge) = mirrors[0].challenge() {
                let proof = relay_draft(&url, challenge, now()).unwrap().sign(&alice, &[7; 32]).into();
                client.send(ClientFrame::RelayLogin { relay: url.clone(), proof }).await;
            }
        }
    };
    let wraps = json!({ "kinds": [1059], "#p": [me] });
    let found = async |relay: &mut Relay, count: usize| {
        until("the gift wraps", async || {
            let held = relay.contents(wraps.clone()).await;
            if held.len() == count { Ok(()) } else { Err(held) }
        })
        .await;
    };
    tokio::select! {
        () = sign(&mut client) => panic!("the node hung up"),
        () = status_says(&node, "caught_up", json!(true)) => {}
    }
    assert_eq!(relay.contents(wraps.clone()).await, [""; 0], "the list does not name the relay yet");
    relay.put(&signed(&alice, 10_050, &[&["relay", &url]], "")).await;
    tokio::select! {
        () = sign(&mut client) => panic!("the node hung up"),
        () = found(&mut relay, 1) => {}
    }
    let sender = elsewhere(&url, &random_key()).await;
    sender.send_event(&wrap("live")).await.unwrap();
    found(&mut relay, 2).await;
}

#[tokio::test]
async fn the_page_asks_before_it_signs_in_at_a_relay_and_says_how_the_relay_stands() {
    let alice = random_key();
    let (url, database, _relay) = strict().await;
    let node = node_of(&alice, &url).await;
    let browser = Browser::start(Size::Desktop).await;
    browser.sign_in(&node, &alice.to_nsec()).await;
    browser.write("by my own page").await;
    status_says(&node, "needs_signature", json!(true)).await;

    browser.go("#/network").await;
    browser.see("relay", &url).await;
    // Nothing was signed without a yes.
    assert!(database.query(SdkFilter::new()).await.unwrap().is_empty());
    browser.click("relay-agree").await;
    status_says(&node, "needs_signature", json!(false)).await;
    until("the post at the relay", || async {
        let stored = database.query(SdkFilter::new()).await.unwrap();
        let seen: Vec<String> = stored.into_iter().map(|event| event.content).collect();
        if seen.iter().any(|content| content == "by my own page") { Ok(()) } else { Err(seen) }
    })
    .await;
    browser.see_no("relay-agree").await;

    // The yes counts from then on, also after the node was started again.
    let node = node.stop().await.start().await;
    browser.go("#/").await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.write("and another").await;
    status_says(&node, "needs_signature", json!(false)).await;
    until("the second post at the relay", || async {
        let stored = database.query(SdkFilter::new()).await.unwrap();
        let seen: Vec<String> = stored.into_iter().map(|event| event.content).collect();
        if seen.iter().any(|content| content == "and another") {
            Ok(())
        } else {
            Err((seen, status(&node).await))
        }
    })
    .await;
    browser.close().await;
}

/// A relay that takes only what has so many bits of work.
async fn greedy(bits: u8) -> (String, LocalRelay) {
    let port = free_port();
    let builder = RelayBuilder::default().addr(Ipv4Addr::LOCALHOST.into()).port(port).min_pow(bits);
    let relay = LocalRelay::new(builder);
    until("the relay to listen", || relay.run()).await;
    (format!("ws://127.0.0.1:{port}"), relay)
}

#[tokio::test]
async fn a_relay_that_wants_work_is_told_of_and_does_not_hold_up_what_has_it() {
    let alice = random_key();
    let (url, _relay) = greedy(8).await;
    let node = node_of(&alice, &url).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    let has_it = |event: &Event| event.id().as_bytes()[0] == 0;
    let worked = |number: u32| signed(&alice, 1, &[&["nonce", &number.to_string(), "8"]], "work");
    let with = (0..).map(worked).find(has_it).unwrap();
    let without = (0..).map(|number: u32| post(&alice, &number.to_string())).find(|event| !has_it(event));
    relay.put(&without.unwrap()).await;
    relay.put(&with).await;
    status_says(&node, "accepted", json!(1)).await;
    let status = status(&node).await;
    assert_eq!((&status["refused"], &status["behind"]), (&json!(1), &json!(0)), "{status}");
    assert!(status["reason"].as_str().unwrap().starts_with("pow:"), "{status}");
}

#[tokio::test]
async fn the_page_puts_in_the_work_that_a_relay_has_asked_for() {
    let alice = random_key();
    // Eight bits are there by chance in one post of 256; eighteen are a quarter of a million attempts.
    let (url, _relay) = greedy(18).await;
    let node = node_of(&alice, &url).await;
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&node, &alice.to_nsec()).await;
    browser.write("without work").await;
    status_says(&node, "refused", json!(1)).await;

    browser.go("#/network").await;
    browser.see("relay-work", "18 bits of work").await;
    browser.go("#/").await;
    browser.write("with work").await;
    status_says(&node, "accepted", json!(1)).await;
    let there = elsewhere(&url, &random_key()).await;
    let found = there.fetch_events(SdkFilter::new(), Duration::from_secs(10)).await.unwrap();
    let found: Vec<String> = found.into_iter().map(|event| event.content).collect();
    assert_eq!(found, ["with work"]);
    browser.close().await;
}

#[tokio::test]
async fn a_relay_of_a_private_authority_is_reached_by_wss_with_its_certificate_and_not_without() {
    let alice = random_key();
    let foreign = ForeignRelay::start().await;
    let certificate = Certificate::new();
    let folder = tempfile::tempdir().unwrap();
    certificate.write(folder.path());
    let front = Front::start(Some(&certificate)).await;
    front.lead_to(&format!("127.0.0.1:{}", foreign.port()));
    let url = front.address();
    let authority = folder.path().join("fullchain.pem");
    let authority = authority.to_str().unwrap();
    let trusting = ["-p", &alice.public_key().to_npub(), "--mirror", &url, "--mirror-ca", authority];
    let node = Node::start(&trusting).await;
    Relay::login(&node.clients(), &alice).await.put(&post(&alice, "by wss")).await;
    foreign.holds(&["by wss"]).await;

    let doubting = node_of(&alice, &url).await;
    status_says(&doubting, "state", json!("waiting")).await;
    let reason = status(&doubting).await["reason"].to_string();
    assert!(reason.contains("certificate"), "{reason}");
}

/// Here the relay is a node, which announces NIP-77 by NIP-11; the relays of the other tests do not say whether they do,
/// and nostr-rs-relay says that it does not.
#[tokio::test]
async fn a_relay_that_compares_gets_and_gives_what_the_other_side_lacks() {
    let alice = random_key();
    let (npub, me) = (alice.public_key().to_npub(), alice.public_key().to_string());
    // The owner's other node, as a relay that serves whoever reaches it.
    let other = Node::start(&["-p", &npub, "--open-relay"]).await;
    let mut at_other = Relay::login(&other.clients(), &alice).await;
    let both = post(&alice, "on both");
    at_other.put(&both).await;
    at_other.put(&signed(&alice, 1, &[&["p", &me]], "there alone, and for her")).await;
    let node = node_of(&alice, &format!("ws://{}", other.clients())).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&both).await;
    relay.put(&post(&alice, "here alone")).await;
    let all = ["here alone", "on both", "there alone, and for her"];
    node_holds(&mut relay, &all).await;
    node_holds(&mut at_other, &all).await;
    status_says(&node, "caught_up", json!(true)).await;
    status_says(&node, "behind", json!(0)).await;
    assert_eq!(status(&node).await["refused"], json!(0));
}

/// The other relay of the rest of Nostr that can be installed, if it is there: `cargo install nostr-rs-relay`. It pages,
/// says so by NIP-11, and keeps its events in a file.
#[tokio::test]
async fn nostr_rs_relay_gets_and_gives_everything_once_also_across_its_restart() {
    let Some(program) = RsRelay::program() else {
        return skip_optional("there is no nostr-rs-relay");
    };
    let (alice, carol) = (random_key(), random_key());
    let mut foreign = RsRelay::start(&program).await;
    let there = elsewhere(&foreign.url(), &carol).await;
    say(&there, &post(&carol, "before")).await;
    let node = node_of(&alice, &foreign.url()).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&signed(&alice, 3, &[&["p", &carol.public_key().to_string()]], "")).await;
    relay.put(&post(&alice, "for all")).await;
    node_holds(&mut relay, &["before", "for all"]).await;
    status_says(&node, "accepted", json!(2)).await;

    foreign.stop().await;
    status_says(&node, "state", json!("waiting")).await;
    relay.put(&post(&alice, "while it was away")).await;
    foreign.run().await;
    let again = elsewhere(&foreign.url(), &carol).await;
    say(&again, &post(&carol, "missed")).await;
    node_holds(&mut relay, &["before", "for all", "missed", "while it was away"]).await;
    status_says(&node, "accepted", json!(3)).await;
    let me = alice.public_key().to_string();
    let author = nostr_sdk::PublicKey::from_hex(&me).unwrap();
    let stored = again.fetch_events(SdkFilter::new().author(author), Duration::from_secs(60)).await.unwrap();
    let mut contents: Vec<String> = stored.into_iter().map(|event| event.content).collect();
    contents.sort_unstable();
    assert_eq!(contents, ["", "for all", "while it was away"]);
}

#[tokio::test]
async fn a_node_that_is_put_back_from_a_backup_gives_its_mirror_what_is_new_and_gets_again_what_is_lost() {
    let (alice, carol) = (random_key(), random_key());
    let foreign = ForeignRelay::start().await;
    let there = elsewhere(&foreign.url(), &carol).await;
    let node = node_of(&alice, &foreign.url()).await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    relay.put(&signed(&alice, 3, &[&["p", &carol.public_key().to_string()]], "")).await;
    relay.put(&post(&alice, "1 before")).await;
    say(&there, &post(&carol, "2 before")).await;
    node_holds(&mut relay, &["1 before", "2 before"]).await;
    foreign.holds(&["", "1 before", "2 before"]).await;
    status_says(&node, "behind", json!(0)).await;
    status_says(&node, "caught_up", json!(true)).await;
    let stopped = node.stop().await;
    let backup = tempfile::tempdir().unwrap();
    copy_files(stopped.data_dir(), backup.path());

    let node = stopped.start().await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    for text in ["3 lost here", "4 lost here", "5 lost here"] {
        relay.put(&post(&alice, text)).await;
    }
    say(&there, &post(&carol, "6 by carol")).await;
    node_holds(
        &mut relay,
        &["1 before", "2 before", "3 lost here", "4 lost here", "5 lost here", "6 by carol"],
    )
    .await;
    status_says(&node, "behind", json!(0)).await;
    let stopped = node.stop().await;
    copy_files(backup.path(), stopped.data_dir());

    // The numbers of the three that were lost are given again, to other posts.
    let node = stopped.start().await;
    let mut relay = Relay::login(&node.clients(), &alice).await;
    for text in ["7 after", "8 after"] {
        relay.put(&post(&alice, text)).await;
    }
    let all = [
        "",
        "1 before",
        "2 before",
        "3 lost here",
        "4 lost here",
        "5 lost here",
        "6 by carol",
        "7 after",
        "8 after",
    ];
    foreign.holds(&all).await;
    // What was lost here comes back from the relay, the owner's own too.
    node_holds(&mut relay, &all[1..]).await;
}
