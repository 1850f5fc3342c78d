//! One test for each NIP that the relay advertises, by a plain Nostr program; the last test compares the two lists.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Node, Person, Relay, get, http_login, now, post, random_key, rest, until};
use serde_json::{Value, json};

fn at(key: &SecretKey, created_at: u64, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    at(key, now(), kind, tags, content)
}

struct Owner {
    key: SecretKey,
    node: Node,
    relay: Relay,
}

impl Owner {
    async fn new() -> Self {
        let key = random_key();
        let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
        let relay = Relay::login(&node.clients(), &key).await;
        Self { key, node, relay }
    }

    fn sign(&self, kind: u16, tags: &[&[&str]], content: &str) -> Event {
        signed(&self.key, kind, tags, content)
    }

    /// Publishes an event, finds it by a filter, and gets back every byte of it.
    async fn round_trip(&mut self, event: &Event, filter: Value) {
        self.relay.put(event).await;
        assert_eq!(self.relay.ask(&[filter]).await, [json!(event)]);
    }

    /// Publishes an event that the relay must not take; returns the reason.
    async fn refused(&mut self, event: &Event) -> String {
        let answer = self.relay.publish(event).await;
        assert_eq!((&answer[1], &answer[2]), (&json!(event.id()), &json!(false)), "{answer}");
        answer[3].as_str().unwrap().to_owned()
    }
}

/// Two people whose nodes know each other, and the relays of both.
async fn two_people() -> (Person, Relay, Person, Relay) {
    let (alice, bob) = Person::pair().await;
    let at_alice = Relay::login(&alice.node.clients(), &alice.key).await;
    let at_bob = Relay::login(&bob.node.clients(), &bob.key).await;
    (alice, at_alice, bob, at_bob)
}

/// Waits for an event on a subscription that has had its EOSE.
async fn hears(relay: &mut Relay, event: &Event) {
    let answer = relay.next().await;
    assert_eq!(answer, json!(["EVENT", "live", event]));
}

async fn listen(relay: &mut Relay, filter: Value) {
    relay.say(&json!(["REQ", "live", filter])).await;
    assert_eq!(relay.next().await, json!(["EOSE", "live"]));
}

#[tokio::test]
async fn nip_01_filters_limits_order_replacement_and_ephemeral_events() {
    let mut owner = Owner::new().await;
    let then = now() - 1_000;
    let key = owner.key.clone();
    let posts: Vec<Event> =
        (0..5).map(|n| at(&key, then + n, 1, &[&["t", &n.to_string()]], &n.to_string())).collect();
    for event in &posts {
        owner.relay.put(event).await;
    }
    let answer = owner.relay.publish(&posts[0]).await;
    assert!(answer[2] == true && answer[3].as_str().unwrap().starts_with("duplicate: "), "{answer}");
    let me = owner.key.public_key();
    for (filter, expected) in [
        (json!({}), vec!["4", "3", "2", "1", "0"]),
        (json!({ "limit": 2 }), vec!["4", "3"]),
        (json!({ "limit": 0 }), vec![]),
        (json!({ "ids": [posts[1].id(), posts[3].id()] }), vec!["3", "1"]),
        (json!({ "authors": [me], "kinds": [1], "since": then + 1, "until": then + 2 }), vec!["2", "1"]),
        (json!({ "#t": ["0", "4", "9"] }), vec!["4", "0"]),
        (json!({ "kinds": [7] }), vec![]),
        (json!({ "kinds": [] }), vec![]),
        (json!({ "authors": [random_key().public_key()] }), vec![]),
    ] {
        assert_eq!(owner.relay.contents(filter.clone()).await, expected, "{filter}");
    }
    let both = owner.relay.ask(&[json!({ "#t": ["1"] }), json!({ "kinds": [1], "limit": 1 })]).await;
    assert_eq!(both, [json!(posts[4]), json!(posts[1])], "several filters, each with its limit");

    let profile = |created_at, content: &str| at(&key, created_at, 0, &[], content);
    let (one, other) = (profile(then, "a"), profile(then, "b"));
    let (low, high) = if one.id() < other.id() { (one, other) } else { (other, one) };
    owner.relay.put(&high).await;
    owner.relay.put(&low).await;
    let answer = owner.relay.publish(&high).await;
    assert!(answer[3].as_str().unwrap().contains("newer version"), "{answer}");
    assert_eq!(owner.relay.ask(&[json!({ "kinds": [0] })]).await, [json!(low)]);
    let addressed = |created_at, d: &str| at(&key, created_at, 30_023, &[&["d", d]], d);
    for event in [addressed(then, "x"), addressed(then + 1, "x"), addressed(then, "y")] {
        owner.relay.put(&event).await;
    }
    let articles = owner.relay.ask(&[json!({ "kinds": [30_023] })]).await;
    assert_eq!(articles, [json!(addressed(then + 1, "x")), json!(addressed(then, "y"))]);

    let mut other = Relay::login(&owner.node.clients(), &owner.key).await;
    listen(&mut other, json!({ "kinds": [20_001] })).await;
    let ephemeral = owner.sign(20_001, &[], "typing");
    owner.relay.put(&ephemeral).await;
    hears(&mut other, &ephemeral).await;
    assert_eq!(owner.relay.contents(json!({ "kinds": [20_001] })).await, [""; 0]);

    let mut forged = json!(["EVENT", posts[0]]);
    forged[1]["content"] = "other".into();
    owner.relay.say(&forged).await;
    assert!(owner.relay.next().await[3].as_str().unwrap().starts_with("invalid: "));
    let ahead = at(&key, now() + 2_000, 1, &[], "");
    assert!(owner.refused(&ahead).await.starts_with("invalid: "));
    let foreign = post(&random_key(), "");
    assert!(owner.refused(&foreign).await.starts_with("restricted: "));
    let large = owner.sign(1, &[], &"x".repeat(70_000));
    assert!(owner.refused(&large).await.starts_with("invalid: "));
}

#[tokio::test]
async fn nip_02_a_follow_list_is_replaced_as_a_whole() {
    let mut owner = Owner::new().await;
    let then = now() - 10;
    let (old, new) = (random_key().public_key().to_string(), random_key().public_key().to_string());
    owner.relay.put(&at(&owner.key, then, 3, &[&["p", &old, "wss://a.example", "pet"]], "")).await;
    let list = at(&owner.key, then + 1, 3, &[&["p", &new]], "");
    owner.round_trip(&list, json!({ "kinds": [3] })).await;
    assert_eq!(owner.relay.contents(json!({ "#p": [old] })).await, [""; 0]);
}

#[tokio::test]
async fn nip_09_what_is_deleted_by_id_or_address_stays_away() {
    let mut owner = Owner::new().await;
    let then = now() - 100;
    let regretted = at(&owner.key, then, 1, &[], "regretted");
    let article = at(&owner.key, then, 30_023, &[&["d", "x"]], "article");
    let later = at(&owner.key, then + 50, 30_023, &[&["d", "x"]], "second edition");
    let kept = at(&owner.key, then, 1, &[], "kept");
    for event in [&regretted, &article, &kept] {
        owner.relay.put(event).await;
    }
    let address = format!("30023:{}:x", owner.key.public_key());
    let id = regretted.id().to_string();
    let deletion = at(&owner.key, then + 10, 5, &[&["e", &id], &["a", &address], &["k", "1"]], "sorry");
    owner.relay.put(&deletion).await;
    assert_eq!(owner.relay.contents(json!({ "kinds": [1, 30_023] })).await, ["kept"]);
    assert!(owner.refused(&regretted).await.starts_with("blocked: "));
    assert!(owner.refused(&article).await.starts_with("blocked: "));
    owner.relay.put(&later).await;
    assert_eq!(
        owner.relay.ask(&[json!({ "kinds": [5] })]).await,
        [json!(deletion)],
        "the request itself is shown"
    );
    let of_deletion = at(&owner.key, then + 20, 5, &[&["e", &deletion.id().to_string()]], "");
    owner.relay.put(&of_deletion).await;
    assert!(owner.refused(&regretted).await.starts_with("blocked: "), "a deletion cannot be deleted");
}

#[tokio::test]
async fn nip_10_an_answer_with_markers_is_delivered_to_the_people_in_it() {
    let (alice, mut at_alice, bob, mut at_bob) = two_people().await;
    let root = post(&bob.key, "the beginning");
    at_bob.put(&root).await;
    let (id, whom) = (root.id().to_string(), bob.key.public_key().to_string());
    let answer = signed(&alice.key, 1, &[&["e", &id, "", "root", &whom], &["p", &whom]], "an answer");
    listen(&mut at_bob, json!({ "#e": [id] })).await;
    at_alice.put(&answer).await;
    hears(&mut at_bob, &answer).await;
    assert_eq!(at_alice.ask(&[json!({ "#e": [id] })]).await, [json!(answer)]);
}

#[tokio::test]
async fn nip_11_the_document_has_every_limit_and_any_page_may_read_it() {
    let node = Node::start(&[]).await;
    let (status, head, body) = get(&node.clients(), "/", &["Accept: application/nostr+json"]).await;
    assert_eq!(status, 200);
    let head = head.to_lowercase();
    assert!(head.contains("content-type: application/nostr+json"), "{head}");
    for header in ["origin", "headers", "methods"] {
        assert!(head.contains(&format!("access-control-allow-{header}: *")), "{head}");
    }
    let document: Value = serde_json::from_slice(&body).unwrap();
    // Without "software", as long as the manifest names no repository.
    for field in ["name", "description", "supported_nips", "version", "limitation"] {
        assert!(!document[field].is_null(), "{field}");
    }
    let limitation = &document["limitation"];
    for (limit, value) in [
        ("max_message_length", json!(1_310_720)),
        ("max_subscriptions", json!(200)),
        ("max_limit", json!(500)),
        ("default_limit", json!(500)),
        ("max_subid_length", json!(64)),
        ("max_event_tags", json!(10_100)),
        ("max_content_length", json!(65_536)),
        ("min_pow_difficulty", json!(0)),
        ("auth_required", json!(true)),
        ("payment_required", json!(false)),
        ("restricted_writes", json!(true)),
        ("created_at_lower_limit", json!(9_007_199_254_740_991u64)),
        ("created_at_upper_limit", json!(900)),
    ] {
        assert_eq!(limitation[limit], value, "{limit}");
    }
}

#[tokio::test]
async fn nip_13_work_that_a_nonce_promises_must_be_done() {
    let mut owner = Owner::new().await;
    let mut mined = None;
    for nonce in 0..u32::MAX {
        let event = owner.sign(1, &[&["nonce", &nonce.to_string(), "4"]], "mined");
        if event.id().as_bytes()[0] < 16 {
            mined = Some(event);
            break;
        }
    }
    owner.relay.put(&mined.unwrap()).await;
    let lazy = (0..).map(|nonce: u32| owner.sign(1, &[&["nonce", &nonce.to_string(), "4"]], "lazy"));
    let lazy = lazy.into_iter().find(|event| event.id().as_bytes()[0] >= 16).unwrap();
    assert!(owner.refused(&lazy).await.starts_with("pow: "));
}

/// A sealed message in its wrap. What is inside is nothing to a relay.
fn gift_wrap(to: &SecretKey) -> Event {
    let to = to.public_key().to_string();
    at(&random_key(), now() - 3_600, 1059, &[&["p", &to]], "AgICencrypted")
}

#[tokio::test]
async fn nip_17_a_direct_message_reaches_its_recipient_and_the_senders_own_copy_stays() {
    let (alice, mut at_alice, bob, mut at_bob) = two_people().await;
    listen(&mut at_bob, json!({ "kinds": [1059], "#p": [bob.key.public_key()] })).await;
    let (message, copy) = (gift_wrap(&bob.key), gift_wrap(&alice.key));
    at_alice.put(&message).await;
    at_alice.put(&copy).await;
    hears(&mut at_bob, &message).await;
    assert_eq!(at_alice.ask(&[json!({ "kinds": [1059] })]).await, [json!(copy)]);
    let relays = signed(&bob.key, 10_050, &[&["relay", "wss://inbox.example"]], "");
    at_bob.put(&relays).await;
}

#[tokio::test]
async fn nip_18_reposts_and_quotes_reach_everybody() {
    let (alice, mut at_alice, bob, mut at_bob) = two_people().await;
    let original = post(&bob.key, "worth repeating");
    at_bob.put(&original).await;
    let (id, whom) = (original.id().to_string(), bob.key.public_key().to_string());
    listen(&mut at_bob, json!({ "authors": [alice.key.public_key()] })).await;
    let text = serde_json::to_string(&original).unwrap();
    let repost = signed(&alice.key, 6, &[&["e", &id, ""], &["p", &whom]], &text);
    at_alice.put(&repost).await;
    hears(&mut at_bob, &repost).await;
    let quote = signed(&alice.key, 1, &[&["q", &id, "", &whom], &["p", &whom]], "so true");
    at_alice.put(&quote).await;
    hears(&mut at_bob, &quote).await;
    let generic = signed(&alice.key, 16, &[&["e", &id], &["k", "30023"]], "");
    at_alice.put(&generic).await;
    assert_eq!(at_alice.ask(&[json!({ "kinds": [16], "#k": ["30023"] })]).await, [json!(generic)]);
}

#[tokio::test]
async fn nip_22_comments_are_found_by_what_they_are_about() {
    let mut owner = Owner::new().await;
    let tags: [&[&str]; 4] =
        [&["I", "https://a.example/x"], &["K", "web"], &["i", "https://a.example/x"], &["k", "web"]];
    let comment = owner.sign(1111, &tags, "a comment");
    owner.round_trip(&comment, json!({ "kinds": [1111], "#I": ["https://a.example/x"] })).await;
    assert_eq!(owner.relay.contents(json!({ "#K": ["web"] })).await, ["a comment"]);
    assert_eq!(owner.relay.contents(json!({ "#K": ["WEB"] })).await, [""; 0]);
}

#[tokio::test]
async fn nip_25_a_like_goes_to_the_author_of_what_is_liked() {
    let (alice, mut at_alice, bob, mut at_bob) = two_people().await;
    let liked = post(&bob.key, "likeable");
    at_bob.put(&liked).await;
    listen(&mut at_bob, json!({ "kinds": [7], "#e": [liked.id()] })).await;
    let (id, whom) = (liked.id().to_string(), bob.key.public_key().to_string());
    let like = signed(&alice.key, 7, &[&["e", &id], &["p", &whom], &["k", "1"]], "+");
    at_alice.put(&like).await;
    hears(&mut at_bob, &like).await;
}

#[tokio::test]
async fn nip_40_what_has_ended_is_neither_shown_nor_taken() {
    let mut owner = Owner::new().await;
    let soon = (now() + 2).to_string();
    let event = owner.sign(1, &[&["expiration", &soon]], "for a moment");
    owner.round_trip(&event, json!({ "kinds": [1] })).await;
    until("the event to end", || async {
        let mut relay = Relay::login(&owner.node.clients(), &owner.key).await;
        let seen = relay.contents(json!({ "kinds": [1] })).await;
        if seen.is_empty() { Ok(()) } else { Err(seen) }
    })
    .await;
    let past = (now() - 1).to_string();
    let over = owner.sign(1, &[&["expiration", &past]], "over");
    owner.refused(&over).await;
}

#[tokio::test]
async fn nip_42_only_a_proof_for_this_connection_by_the_owner_counts() {
    let owner = Owner::new().await;
    let mut relay = Relay::connect(&owner.node.clients()).await;
    relay.say(&json!(["REQ", "a", {}])).await;
    assert!(relay.next().await[2].as_str().unwrap().starts_with("auth-required: "));
    let answer = relay.auth(&random_key()).await;
    assert!(answer[2] == false && answer[3].as_str().unwrap().starts_with("restricted: "), "{answer}");
    let elsewhere =
        signed(&owner.key, 22_242, &[&["relay", "wss://other.example"], &["challenge", "00"]], "");
    relay.say(&json!(["AUTH", elsewhere])).await;
    assert!(relay.next().await[3].as_str().unwrap().starts_with("invalid: "));
    assert_eq!(relay.auth(&owner.key).await[2], true);
    assert_eq!(relay.contents(json!({})).await, [""; 0]);
}

#[tokio::test]
async fn nip_44_encrypted_contents_are_carried_unread() {
    let (_alice, mut at_alice, bob, mut at_bob) = two_people().await;
    listen(&mut at_bob, json!({ "kinds": [1059] })).await;
    // Every byte value, as the payloads of NIP-44 have them, in base64, up to its longest.
    let payload = "A".repeat(60_000);
    let to = bob.key.public_key().to_string();
    let wrap = at(&random_key(), now(), 1059, &[&["p", &to]], &payload);
    at_alice.put(&wrap).await;
    hears(&mut at_bob, &wrap).await;
}

#[tokio::test]
async fn nip_45_events_are_counted_without_being_sent() {
    let mut owner = Owner::new().await;
    for number in 0..7 {
        owner.relay.put(&post(&owner.key, &number.to_string())).await;
    }
    owner.relay.put(&owner.sign(7, &[&["p", &"ab".repeat(32)]], "+")).await;
    for (filters, count) in [(vec![json!({ "kinds": [1] })], 7), (vec![json!({ "limit": 1 }), json!({})], 8)]
    {
        let mut message = vec![json!("COUNT"), json!("c")];
        message.extend(filters);
        owner.relay.say(&Value::Array(message)).await;
        assert_eq!(owner.relay.next().await, json!(["COUNT", "c", { "count": count }]));
    }
}

#[tokio::test]
async fn nip_50_words_are_found_in_any_language() {
    let mut owner = Owner::new().await;
    for text in ["Rust is fun", "今日は東京で雨が降っています", "Привет, мир"] {
        owner.relay.put(&post(&owner.key, text)).await;
    }
    for (search, expected) in [
        ("RUST fun", vec!["Rust is fun"]),
        ("東京", vec!["今日は東京で雨が降っています"]),
        ("привет", vec!["Привет, мир"]),
        ("大阪", vec![]),
    ] {
        assert_eq!(
            owner.relay.contents(json!({ "search": search, "kinds": [1] })).await,
            expected,
            "{search}"
        );
    }
    listen(&mut owner.relay, json!({ "search": "later", "limit": 0 })).await;
    let mut other = Relay::login(&owner.node.clients(), &owner.key).await;
    other.put(&post(&owner.key, "now")).await;
    let later = post(&owner.key, "and later");
    other.put(&later).await;
    hears(&mut owner.relay, &later).await;
}

#[tokio::test]
async fn nip_56_reports_are_kept_and_found_by_whom_they_are_about() {
    let mut owner = Owner::new().await;
    let whom = random_key().public_key().to_string();
    let report = owner.sign(1984, &[&["p", &whom, "spam"]], "spam");
    owner.round_trip(&report, json!({ "kinds": [1984], "#p": [whom] })).await;
}

#[tokio::test]
async fn nip_59_wraps_are_shown_to_those_for_whom_they_are() {
    let mut owner = Owner::new().await;
    let (mine, passing) = (gift_wrap(&owner.key), gift_wrap(&random_key()));
    owner.relay.put(&mine).await;
    owner.relay.put(&passing).await;
    assert_eq!(owner.relay.ask(&[json!({ "kinds": [1059] })]).await, [json!(mine)]);
    assert_eq!(owner.relay.ask(&[json!({ "ids": [passing.id()] })]).await, [] as [Value; 0]);
    owner.relay.say(&json!(["COUNT", "c", {}])).await;
    assert_eq!(owner.relay.next().await[2]["count"], 1);
}

#[tokio::test]
async fn nip_62_who_vanishes_takes_everything_along() {
    let mut owner = Owner::new().await;
    let old = at(&owner.key, now() - 100, 1, &[], "old");
    owner.relay.put(&old).await;
    let elsewhere = owner.sign(62, &[&["relay", "wss://elsewhere.example"]], "");
    assert!(owner.refused(&elsewhere).await.starts_with("invalid: "));
    let address = format!("ws://{}", owner.node.clients());
    let request = owner.sign(62, &[&["relay", &address]], "goodbye");
    owner.relay.put(&request).await;
    assert_eq!(owner.relay.contents(json!({})).await, ["goodbye"]);
    assert!(owner.refused(&old).await.starts_with("blocked: "));
}

#[tokio::test]
async fn nip_65_the_relay_list_is_kept_and_replaced() {
    let mut owner = Owner::new().await;
    let then = now() - 10;
    owner.relay.put(&at(&owner.key, then, 10_002, &[&["r", "wss://old.example"]], "")).await;
    let list = at(&owner.key, then + 1, 10_002, &[&["r", "wss://new.example", "write"]], "");
    owner.round_trip(&list, json!({ "kinds": [10_002] })).await;
}

#[tokio::test]
async fn nip_70_protected_events_are_taken_from_their_author_alone() {
    let key = random_key();
    let node = Node::start(&["--open-relay", "-p", &key.public_key().to_npub()]).await;
    let protected = signed(&key, 1, &[&["-"]], "for this relay only");
    let mut relay = Relay::connect(&node.clients()).await;
    let answer = relay.publish(&protected).await;
    assert!(answer[3].as_str().unwrap().starts_with("auth-required: "), "{answer}");
    relay.auth(&key).await;
    relay.put(&protected).await;
    let repost = signed(&key, 6, &[], &serde_json::to_string(&protected).unwrap());
    assert!(relay.publish(&repost).await[3].as_str().unwrap().starts_with("blocked: "));
}

#[tokio::test]
async fn nip_77_two_sides_find_out_what_each_lacks() {
    let mut owner = Owner::new().await;
    let there: Vec<Event> = (0..60).map(|n| post(&owner.key, &format!("there {n}"))).collect();
    for event in &there {
        owner.relay.put(event).await;
    }
    let here: Vec<Event> = (0..5).map(|n| post(&owner.key, &format!("here {n}"))).collect();
    let mut storage = NegentropyStorageVector::new();
    for event in here.iter().chain(&there[10..]) {
        storage.insert(event.created_at, Id::from_byte_array(*event.id().as_bytes())).unwrap();
    }
    storage.seal().unwrap();
    let mut client = Negentropy::owned(storage, 0).unwrap();
    let opening = hex::encode(client.initiate().unwrap());
    owner.relay.say(&json!(["NEG-OPEN", "n", { "kinds": [1] }, opening])).await;
    let (mut have, mut need) = (Vec::new(), Vec::new());
    loop {
        let answer = owner.relay.next().await;
        assert_eq!(answer[0], "NEG-MSG", "{answer}");
        let message = hex::decode(answer[2].as_str().unwrap()).unwrap();
        match client.reconcile_with_ids(&message, &mut have, &mut need).unwrap() {
            Some(next) => owner.relay.say(&json!(["NEG-MSG", "n", hex::encode(next)])).await,
            None => break,
        }
    }
    let ids = |events: &[Event]| events.iter().map(|event| *event.id().as_bytes()).collect::<BTreeSet<_>>();
    assert_eq!(have.iter().map(|id| id.to_bytes()).collect::<BTreeSet<_>>(), ids(&here));
    assert_eq!(need.iter().map(|id| id.to_bytes()).collect::<BTreeSet<_>>(), ids(&there[..10]));
    owner.relay.say(&json!(["NEG-CLOSE", "n"])).await;
    owner.relay.say(&json!(["NEG-MSG", "n", "61"])).await;
    assert_eq!(owner.relay.next().await[0], "NEG-ERR");
}

#[tokio::test]
async fn nip_98_http_requests_are_signed_one_by_one() {
    let owner = Owner::new().await;
    let authority = owner.node.clients();
    let event = post(&owner.key, "by HTTP");
    let body = serde_json::to_vec(&event).unwrap();
    let refused = rest(&authority, "/publish", &[], &body).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    let login = http_login(&owner.key, &format!("http://{authority}/publish"), "POST", Some(&body), 0);
    let taken = rest(&authority, "/publish", &[&login], &body).await;
    assert_eq!(taken.status, 200, "{}", taken.text());
    let mut relay = owner.relay;
    assert_eq!(relay.contents(json!({ "kinds": [1] })).await, ["by HTTP"]);
}

#[tokio::test]
async fn what_is_advertised_is_what_the_tests_here_prove() {
    let node = Node::start(&[]).await;
    let (_, _, body) = get(&node.clients(), "/", &["Accept: application/nostr+json"]).await;
    let document: Value = serde_json::from_slice(&body).unwrap();
    let advertised: BTreeSet<u64> = serde_json::from_value(document["supported_nips"].clone()).unwrap();
    let source = include_str!("relay_nips.rs");
    let proven: BTreeSet<u64> =
        source.split("async fn nip_").skip(1).filter_map(|rest| rest.get(..2)?.parse().ok()).collect();
    assert_eq!(advertised, proven);
}
