//! The inbox: what others' programs bring to the owner without a node of their own, and that it goes nowhere from there.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag, work::difficulty};
use nostrp2p_tests::{Client, ForeignRelay, Node, Relay, get, now, post, random_key, until};
use serde_json::{Value, json};

/// A name of the node that is for everybody.
const PUBLIC: &str = "node.example";
/// A page that the node knows nothing of.
const PAGE: (&str, &str) = ("origin", "https://jumble.example");
/// What the inbox takes and stores.
const STORED: [u16; 7] = [1, 6, 7, 16, 1111, 9735, 1059];

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at: now(), kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

fn to(person: &SecretKey, kind: u16, content: &str) -> Event {
    signed(&random_key(), kind, &[&["p", &person.public_key().to_string()]], content)
}

async fn node_of(key: &SecretKey, more: &[&str]) -> Node {
    let npub = key.public_key().to_npub();
    Node::start(&[&["-p", npub.as_str(), "--inbox", "--allow-host", PUBLIC], more].concat()).await
}

#[track_caller]
fn refused(answer: &Value, prefix: &str) {
    let (taken, reason) = match answer[0].as_str() {
        Some("OK") => (answer[2] == true, answer[3].as_str().unwrap()),
        _ => (false, answer[2].as_str().unwrap()),
    };
    assert!(!taken && reason.starts_with(prefix), "{answer} instead of {prefix}");
}

#[tokio::test]
async fn strangers_bring_what_names_the_owner_and_read_nothing() {
    let bob = random_key();
    let node = node_of(&bob, &[]).await;
    let mut own = Relay::login(&node.clients(), &bob).await;
    own.say(&json!(["REQ", "live", { "kinds": [21059], "limit": 0 }])).await;
    assert_eq!(own.next().await, json!(["EOSE", "live"]));
    let mut stranger = Relay::connect(&node.clients()).await;
    for kind in STORED {
        let event = to(&bob, kind, &format!("kind {kind}"));
        assert_eq!(stranger.publish(&event).await, json!(["OK", event.id(), true, ""]));
        assert_eq!(own.contents(json!({ "ids": [event.id()] })).await, [format!("kind {kind}")]);
        assert_eq!(stranger.publish(&event).await, json!(["OK", event.id(), true, ""]), "and again");
    }
    let passing = to(&bob, 21059, "not stored");
    stranger.put(&passing).await;
    assert_eq!(own.next().await, json!(["EVENT", "live", passing]));
    assert_eq!(own.contents(json!({ "ids": [passing.id()] })).await, [""; 0]);

    let other = random_key();
    for event in [to(&other, 1, ""), to(&bob, 30_023, ""), signed(&other, 0, &[], "")] {
        refused(&stranger.publish(&event).await, "restricted:");
    }
    let mut forged = serde_json::to_value(to(&bob, 1, "forged")).unwrap();
    forged["sig"] = json!("00".repeat(64));
    stranger.say(&json!(["EVENT", forged])).await;
    refused(&stranger.next().await, "invalid:");
    for prefix in ["auth-required:", "restricted:"] {
        for question in [
            json!(["REQ", "a", { "kinds": [1] }]),
            json!(["COUNT", "a", { "kinds": [1] }]),
            json!(["NEG-OPEN", "a", {}, "6100000200"]),
        ] {
            stranger.say(&question).await;
            refused(&stranger.next().await, prefix);
        }
        // A login by any key is a yes and opens nothing.
        assert_eq!(stranger.auth(&other).await[2], true);
    }
}

#[tokio::test]
async fn without_the_setting_strangers_are_refused_as_before() {
    let bob = random_key();
    let node = Node::start(&["-p", &bob.public_key().to_npub(), "--allow-host", PUBLIC]).await;
    let mut stranger = Relay::connect(&node.clients()).await;
    refused(&stranger.publish(&to(&bob, 1059, "")).await, "auth-required:");
    refused(&stranger.auth(&random_key()).await, "restricted:");
    refused(&stranger.publish(&to(&bob, 1059, "")).await, "restricted:");
    assert_eq!(Relay::connect_as(&node.clients(), PUBLIC, &[PAGE]).await.err(), Some(403));
}

#[tokio::test]
async fn pages_of_every_site_bring_mail_under_a_public_name_and_the_owner_does_not_sign_in_there() {
    let bob = random_key();
    let node = node_of(&bob, &["--allow-origin", "https://trusted.example"]).await;
    let at = node.clients();
    assert_eq!(Relay::connect_as(&at, &at, &[PAGE]).await.err(), Some(403), "not under a local name");
    let mut page = Relay::connect_as(&at, PUBLIC, &[PAGE]).await.unwrap();
    page.put(&to(&bob, 1059, "from a page")).await;
    refused(&page.publish(&post(&bob, "by the owner")).await, "restricted:");
    refused(&page.auth(&bob).await, "restricted: your node takes no login");
    page.say(&json!(["REQ", "a", { "kinds": [1059] }])).await;
    refused(&page.next().await, "restricted:");
    let (_, _, body) = node.inside("/node.json").await;
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["refused_origins"][PAGE.1], 2, "the owner is told: {document}");
    let trusted = ("origin", "https://trusted.example");
    let mut trusted = Relay::connect_as(&at, PUBLIC, &[trusted]).await.unwrap();
    assert_eq!(trusted.auth(&bob).await[2], true);
    assert_eq!(trusted.contents(json!({ "kinds": [1059] })).await, ["from a page"]);
    // Nothing else of the node is for such a page.
    let from_page = ["Host: node.example", "Origin: https://jumble.example"];
    for path in ["/client", "/node.json", "/metrics", "/", "/req"] {
        let (status, _, _) = get(&at, path, &from_page).await;
        assert_eq!(status, 403, "{path}");
    }
}

#[tokio::test]
async fn the_document_tells_every_page_whose_inbox_it_is_under_a_public_name_only() {
    let bob = random_key();
    let node = node_of(&bob, &["--inbox-work", "12"]).await;
    let page = ["Accept: application/nostr+json", "Origin: https://jumble.example"];
    let document = async |more: &[&str]| {
        let (status, _, body) = get(&node.clients(), "/", &[&page, more].concat()).await;
        assert_eq!(status, 200);
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let public = document(&["Host: node.example"]).await;
    assert_eq!(public["pubkey"], json!(bob.public_key()));
    assert_eq!(public["limitation"]["min_pow_difficulty"], 12);
    assert_eq!(public["limitation"]["restricted_writes"], true);
    assert_eq!(document(&[]).await.get("pubkey"), None);
}

#[tokio::test]
async fn strangers_bring_work_where_the_owner_demands_it_and_the_muted_get_nothing_in() {
    let (bob, friend, muted) = (random_key(), random_key(), random_key());
    let node = node_of(&bob, &["--inbox-work", "8"]).await;
    let mut own = Relay::login(&node.clients(), &bob).await;
    own.put(&signed(&bob, 3, &[&["p", &friend.public_key().to_string()]], "")).await;
    own.put(&signed(&bob, 10_000, &[&["p", &muted.public_key().to_string()]], "")).await;
    let name = bob.public_key().to_string();
    let mut stranger = Relay::connect(&node.clients()).await;
    refused(&stranger.publish(&to(&bob, 1, "lazy")).await, "pow: 8 bits");
    let key = random_key();
    let worked = (0..100_000)
        .map(|number: u32| {
            signed(&key, 1, &[&["p", &name], &["nonce", &number.to_string(), "8"]], "hard-working")
        })
        .find(|event| difficulty(&event.id()) >= 8);
    stranger.put(&worked.unwrap()).await;
    stranger.put(&signed(&friend, 1, &[&["p", &name]], "of a friend")).await;
    assert_eq!(stranger.auth(&friend).await[2], true);
    stranger.put(&to(&bob, 1059, "a wrap of a friend")).await;
    let mut other = Relay::connect(&node.clients()).await;
    assert_eq!(other.auth(&muted).await[2], true);
    refused(&other.publish(&to(&bob, 1059, "a wrap of the muted")).await, "pow:");
    let hard = (0..100_000)
        .map(|number: u32| {
            signed(&muted, 1, &[&["p", &name], &["nonce", &number.to_string(), "8"]], "of the muted")
        })
        .find(|event| difficulty(&event.id()) >= 8);
    refused(&other.publish(&hard.unwrap()).await, "blocked: this inbox does not take it");
    let mut held = own.contents(json!({ "#p": [name], "kinds": [1, 1059] })).await;
    held.sort();
    assert_eq!(held, ["a wrap of a friend", "hard-working", "of a friend"]);
}

#[tokio::test]
async fn what_was_brought_is_published_nowhere() {
    let mirror = ForeignRelay::start().await;
    let (bob, carol) = (random_key(), random_key());
    let node = node_of(&bob, &["--public-read", "--mirror", &mirror.url()]).await;
    let mut client = Client::login(&node.clients(), &bob).await;
    client.delegate(&bob).await;
    let carols = Node::start(&["-p", &carol.public_key().to_npub(), "-b", &node.nodes()]).await;
    client.neighbours(1).await;
    let (name, quoted) = (bob.public_key().to_string(), "ab".repeat(32));
    let canary = |kind: u16, more: &[&[&str]]| {
        let to_bob = ["p", name.as_str()];
        let tags = [&[&to_bob as &[&str]], more].concat();
        signed(&random_key(), kind, &tags, "canary")
    };
    // Two that everybody may see by what they are, and three that are between two people.
    let public = [canary(6, &[]), canary(1, &[&["q", &quoted]])];
    let private = [canary(1, &[]), canary(7, &[]), canary(1059, &[])];
    let mut stranger = Relay::connect(&node.clients()).await;
    for event in public.iter().chain(&private) {
        stranger.put(event).await;
    }
    let found = |events: &[Event]| {
        let ids: Vec<_> = events.iter().map(Event::id).collect();
        json!({ "ids": ids })
    };
    let mut own = Relay::login(&node.clients(), &bob).await;
    assert_eq!(own.contents(found(&[&public[..], &private].concat())).await.len(), 5);
    let mut guest = Relay::connect(&node.clients()).await;
    assert_eq!(guest.contents(found(&public)).await.len(), 2);
    assert_eq!(guest.contents(found(&private)).await, [""; 0]);

    // What the owner writes afterwards reaches everybody, so what was brought would have, too.
    let after = post(&bob, "by the owner, afterwards");
    client.publish(&after).await;
    let mut at_carol = Client::login(&carols.clients(), &carol).await;
    at_carol.watch(0).await;
    at_carol.hear("by the owner, afterwards").await;
    until("the mirror to have the owner's post", || async {
        let held = mirror.contents().await;
        if held.contains(&after.content) { Ok(()) } else { Err(held) }
    })
    .await;
    // A node that joins now has what there was by comparing, and what was brought was there before.
    let dora = random_key();
    let doras = Node::start(&["-p", &dora.public_key().to_npub(), "-b", &node.nodes()]).await;
    let mut at_dora = Client::login(&doras.clients(), &dora).await;
    at_dora.watch(0).await;
    at_dora.hear("by the owner, afterwards").await;
    for held in [at_carol.everything_after(0).await, at_dora.everything_after(0).await] {
        assert!(!held.contains(&"canary".to_owned()), "{held:?}");
    }
    let held = mirror.contents().await;
    assert!(!held.contains(&"canary".to_owned()), "{held:?}");
}

#[tokio::test]
async fn names_of_the_owner_are_found_under_a_public_name_by_pages_of_every_site() {
    let bob = random_key();
    let node = node_of(&bob, &["--nip05-name", "_,bob"]).await;
    let name = bob.public_key().to_string();
    let ask = async |path: &str, host: &str| {
        let host = format!("Host: {host}");
        let (status, head, body) =
            get(&node.clients(), path, &[host.as_str(), "Origin: https://jumble.example"]).await;
        (status, head.to_lowercase(), serde_json::from_slice::<Value>(&body).unwrap_or_default())
    };
    let (status, head, document) = ask("/.well-known/nostr.json?name=bob", PUBLIC).await;
    assert_eq!(status, 200);
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    let relays = json!({ name.clone(): ["wss://node.example/"] });
    assert_eq!(document, json!({ "names": { "bob": name }, "relays": relays }));
    let (_, _, document) = ask("/.well-known/nostr.json?name=carol", PUBLIC).await;
    assert_eq!(document["names"], json!({}));
    let (status, _, _) = ask("/.well-known/nostr.json?name=_", &node.clients()).await;
    assert_eq!(status, 403, "pages learn nothing of a node in this machine");
    let (status, _, _) = get(&node.clients(), "/.well-known/nostr.json?name=_", &[]).await;
    assert_eq!(status, 404);
}
