//! The original's REST interface: every recorded exchange, and what was not recorded.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{fs, path::PathBuf};

use nostrp2p_protocol::{Event, EventTemplate, Kind, PublicKey, SecretKey, Tag};
use nostrp2p_tests::{
    Client, Node, RestAnswer, authorization, http_login, now, post, random_key, request, rest, until,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

/// A node that serves the original's clients without login.
async fn legacy_node(key: &SecretKey, more: &[&str]) -> Node {
    Node::start(&[&["--legacy-rest", "-p", &key.public_key().to_npub()], more].concat()).await
}

async fn publish(node: &Node, event: &Event) -> RestAnswer {
    rest(&node.clients(), "/publish", &[], serde_json::to_string(event).unwrap().as_bytes()).await
}

async fn ask(node: &Node, question: &Value) -> RestAnswer {
    rest(&node.clients(), "/req", &[], question.to_string().as_bytes()).await
}

fn timeline(since: u64, until: u64) -> Value {
    json!({ "kinds": [40000], "since": since, "until": until, "limit": -1 })
}

fn signed(key: &SecretKey, kind: u16, created_at: u64, tags: Vec<Tag>, content: &str) -> Event {
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(key, &[3; 32])
}

// --- recorded exchanges ---

#[tokio::test]
async fn every_recorded_exchange_goes_as_it_should() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/rest");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 26, "the recorded exchanges");
    let mut failures = Vec::new();
    for path in paths {
        let exchange: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        if let Err(failure) = play(&exchange).await {
            failures.push(format!("{}: {failure}", exchange["name"]));
        }
    }
    assert!(failures.is_empty(), "{} exchanges went wrong:\n{}", failures.len(), failures.join("\n"));
}

async fn play(exchange: &Value) -> Result<(), String> {
    let owner: PublicKey = exchange["server_pubkey"].as_str().unwrap().parse().unwrap();
    let node = Node::start(&["--legacy-rest", "-p", &owner.to_npub()]).await;
    for step in exchange["setup"].as_array().unwrap() {
        rest(&node.clients(), step["path"].as_str().unwrap(), &[], step["body"].to_string().as_bytes()).await;
    }
    let (question, recorded) = (&exchange["request"], &exchange["response"]);
    let body = question["body"].to_string();
    let path = question["path"].as_str().unwrap();
    let answer = rest(&node.clients(), path, &["Accept-Encoding: gzip, deflate"], body.as_bytes()).await;
    if let Some(status) = exchange["here"].as_u64() {
        return same(&u64::from(answer.status), &status);
    }
    let here = exchange["here"].as_str().unwrap();
    if let Some(count) = here.strip_prefix("events:") {
        let events = answer.events().len();
        return same(&events.to_string(), &count.to_owned());
    }
    same(&here, &"same")?;
    same(&u64::from(answer.status), &recorded["status"].as_u64().unwrap())?;
    if !answer.head.contains("\r\ncontent-encoding: gzip") {
        return Err("not compressed".into());
    }
    let content_type = recorded["headers"]["content-type"].as_str().unwrap();
    if !answer.head.contains(&format!("\r\ncontent-type: {content_type}")) {
        return Err(format!("not {content_type} but {}", answer.head));
    }
    assert_eq!(exchange["compare"], "bytes", "the rig compares bytes only");
    match (recorded["text"].as_str(), recorded["msgpack_hex"].as_str()) {
        (Some(text), _) => same(&answer.text().as_str(), &text),
        (None, Some(hex)) => same(&hex::encode(&answer.body).as_str(), &hex),
        (None, None) => Err("nothing was recorded".into()),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(got: &T, expected: &T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("got {got:?}, expected {expected:?}")) }
}

#[tokio::test]
async fn what_the_original_never_found_is_found() {
    let alice = random_key();
    let node = legacy_node(&alice, &[]).await;
    let author = alice.public_key().to_string();
    for (kind, content) in [(0, "{}"), (3, "")] {
        let event = signed(&alice, kind, now(), vec![Tag::new(["p", &author, "", ""])], content);
        assert_eq!(publish(&node, &event).await.status, 200);
        let answer = ask(&node, &json!({ "kinds": [kind], "authors": [author] })).await;
        let events = answer.events();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].id, event.id().as_bytes());
        assert!(events[0].sig.is_none() && events[0].kind == kind && events[0].tags.len() == 1);
    }
    let stranger = random_key().public_key().to_string();
    for kind in [0, 3] {
        let none = ask(&node, &json!({ "kinds": [kind], "authors": [stranger] })).await;
        assert_eq!(hex::encode(none.body), "81a44576747390");
    }
    let none = ask(&node, &json!({ "kinds": [1], "ids": ["ab".repeat(32)], "authors": [stranger] })).await;
    assert_eq!(hex::encode(none.body), "81a44576747390");
}

#[tokio::test]
async fn of_many_events_in_one_second_each_is_found_and_none_is_lost() {
    let alice = random_key();
    let node = legacy_node(&alice, &[]).await;
    let mut page = Client::login(&node.clients(), &alice).await;
    let second = now() - 50;
    // 20 events of 60 KB: more than a batch of the store holds.
    let text = "x".repeat(60_000);
    for number in 0..20 {
        page.publish(&signed(&alice, 1, second, vec![], &format!("{number} {text}"))).await;
    }
    assert_eq!(ask(&node, &timeline(second, second)).await.events().len(), 20);
    let small: Vec<Event> =
        (0..5).map(|number| signed(&alice, 1, second, vec![], &format!("small {number}"))).collect();
    for event in &small {
        page.publish(event).await;
    }
    for event in &small {
        let answer = ask(&node, &json!({ "kinds": [1], "ids": [event.id()] })).await;
        assert_eq!(answer.contents(), [event.content.as_str()]);
    }
}

#[tokio::test]
async fn what_a_client_would_choke_on_is_mended_or_held_back() {
    let alice = random_key();
    let node = legacy_node(&alice, &[]).await;
    let (id, me) = ("ab".repeat(32), alice.public_key().to_string());
    let time = now();
    let reply = vec![Tag::new(["e", &id]), Tag::new(["p", &me])];
    for event in [
        signed(&alice, 7, time, vec![Tag::new(["p", &me])], "a like of nothing"),
        signed(&alice, 6, time, vec![Tag::new(["e", &id])], "no event"),
        signed(&alice, 1, time, reply, "a reply with a short e tag"),
    ] {
        let answer = publish(&node, &event).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let events =
        ask(&node, &json!({ "kinds": [40000], "since": -1, "until": -1, "limit": 300 })).await.events();
    assert_eq!(events.len(), 1, "{events:?}");
    let tags: Vec<Vec<&[u8]>> =
        events[0].tags.iter().map(|tag| tag.iter().map(|element| element.as_slice()).collect()).collect();
    assert_eq!(tags[0], [b"e".as_slice(), id.as_bytes(), b"", b""]);
    assert_eq!(tags[1], [b"p".as_slice(), me.as_bytes()]);
}

// --- late arrivals ---

#[tokio::test]
async fn what_arrives_late_from_another_node_is_in_the_next_answer_once() {
    let (alice, bob) = (random_key(), random_key());
    let node_a = legacy_node(&alice, &[]).await;
    let node_b = Node::start(&["-p", &bob.public_key().to_npub(), "-b", &node_a.nodes()]).await;
    let mut bob_page = Client::login(&node_b.clients(), &bob).await;
    bob_page.neighbours(1).await;

    let polled = now() - 20;
    assert_eq!(ask(&node_a, &timeline(polled - 100, polled)).await.contents(), [""; 0]);
    let late = signed(&bob, 1, polled - 50, vec![], "late");
    bob_page.publish(&late).await;
    let mut page = Client::login(&node_a.clients(), &alice).await;
    page.watch(0).await;
    page.hear("late").await;

    assert_eq!(ask(&node_a, &timeline(polled, polled + 10)).await.contents(), ["late"]);
    assert_eq!(ask(&node_a, &timeline(polled + 10, polled + 20)).await.contents(), [""; 0]);
    // A second client that was behind gets it as well.
    assert_eq!(ask(&node_a, &timeline(polled, polled + 12)).await.contents(), ["late"]);
}

#[tokio::test]
async fn late_arrivals_come_before_the_window_and_survive_the_first_poll() {
    let alice = random_key();
    let node = legacy_node(&alice, &[]).await;
    let first = json!({ "kinds": [40000], "since": -1, "until": -1, "limit": 300 });
    publish(&node, &post(&alice, "there at the first poll")).await;
    assert_eq!(ask(&node, &first).await.contents(), ["there at the first poll"]);
    let time = now();
    for (age, text) in [(300, "written offline"), (200, "and later"), (0, "now")] {
        publish(&node, &signed(&alice, 1, time + 5 - age, vec![], text)).await;
    }
    let contents = ask(&node, &timeline(time + 2, time + 10)).await.contents();
    assert_eq!(contents, ["written offline", "and later", "now"]);
}

// --- who may ---

#[tokio::test]
async fn without_legacy_rest_only_the_owner_gets_in() {
    let (alice, mallory) = (random_key(), random_key());
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let url = format!("http://{}/req", node.clients());
    let body = br#"{"kinds":[40000],"since":-1,"until":-1,"limit":300}"#.as_slice();
    let asked = async |headers: &[&str]| rest(&node.clients(), "/req", headers, body).await;

    let good = http_login(&alice, &url, "POST", Some(body), 0);
    assert_eq!(asked(&[&good]).await.events().len(), 0);

    let refused = async |what: &str, headers: &[&str]| {
        let answer = asked(headers).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        assert!(answer.head.contains("\r\nwww-authenticate: nostr"), "{}", answer.head);
        assert!(answer.error().len() > 20, "{what}: {}", answer.error());
    };
    refused("used already", &[&good]).await;
    refused("without the body's hash", &[&http_login(&alice, &url, "POST", None, 0)]).await;
    refused("no login", &[]).await;
    refused("another person", &[&http_login(&mallory, &url, "POST", Some(body), 0)]).await;
    refused("another method", &[&http_login(&alice, &url, "GET", Some(body), 0)]).await;
    refused("another path", &[&http_login(&alice, &url.replace("/req", "/publish"), "POST", Some(body), 0)])
        .await;
    refused("another host", &[&http_login(&alice, "http://evil.example/req", "POST", Some(body), 0)]).await;
    refused("another body", &[&http_login(&alice, &url, "POST", Some(b"{}"), 0)]).await;
    refused("too old", &[&http_login(&alice, &url, "POST", Some(body), 70)]).await;
    refused("of the future", &[&http_login(&alice, &url, "POST", Some(body), -70)]).await;
    refused("no NIP-98", &["Authorization: Basic YTpi"]).await;
    refused("no event", &["Authorization: Nostr e30="]).await;
    refused("another kind", &[&authorization(&post(&alice, "x"))]).await;

    let event = serde_json::to_string(&post(&alice, "by REST")).unwrap();
    let anonymous = rest(&node.clients(), "/publish", &[], event.as_bytes()).await;
    assert_eq!(anonymous.status, 401);
    let login = http_login(&alice, &url.replace("/req", "/publish"), "POST", Some(event.as_bytes()), 0);
    let answer = rest(&node.clients(), "/publish", &[&login], event.as_bytes()).await;
    assert_eq!(answer.text(), "{\n  \"Status\": \"SUCCESS\"\n}");
    let another = http_login(&alice, &url, "POST", Some(body), 0);
    assert_eq!(asked(&[&another]).await.contents(), ["by REST"]);
}

#[tokio::test]
async fn a_login_that_was_used_is_worth_nothing_after_a_restart_either() {
    let alice = random_key();
    let mut node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let url = format!("http://{}/req", node.clients());
    let body = br#"{"kinds":[40000],"since":-1,"until":-1,"limit":300}"#.as_slice();
    // Programs whose clocks are half a minute wrong are honest too, and one may sign before the restart and ask after it.
    let login = |age| http_login(&alice, &url, "POST", Some(body), age);
    let unused = login(1);
    for killed in [false, true] {
        let used = [login(0), login(30), login(-30)];
        for login in &used {
            assert_eq!(rest(&node.clients(), "/req", &[login], body).await.status, 200);
        }
        node = if killed { node.kill().await.start().await } else { node.restart().await };
        for login in &used {
            let answer = rest(&node.clients(), "/req", &[login], body).await;
            assert_eq!(answer.status, 401, "{}", answer.text());
            assert!(answer.error().contains("used already; sign a new one"), "{}", answer.error());
        }
    }
    for honest in [unused, login(0), login(30), login(-30)] {
        assert_eq!(rest(&node.clients(), "/req", &[&honest], body).await.status, 200);
    }
}

#[tokio::test]
async fn guests_see_what_is_public_and_nothing_else() {
    let alice = random_key();
    let node = Node::start(&["--public-read", "-p", &alice.public_key().to_npub()]).await;
    let mut page = Client::login(&node.clients(), &alice).await;
    let friend = random_key().public_key().to_string();
    let reply = signed(&alice, 1, now(), vec![Tag::new(["p", &friend])], "for a friend");
    page.publish(&post(&alice, "for everybody")).await;
    page.publish(&reply).await;
    page.publish(&signed(&alice, 2, now(), vec![], "kept")).await;
    let all = json!({ "kinds": [40000], "since": -1, "until": -1, "limit": 300 });
    assert_eq!(ask(&node, &all).await.contents(), ["for everybody"]);
    let by_id = ask(&node, &json!({ "kinds": [1], "ids": [reply.id()] })).await;
    assert_eq!(by_id.contents(), [""; 0]);
    assert_eq!(publish(&node, &post(&alice, "x")).await.status, 401);
}

#[tokio::test]
async fn a_browser_page_gets_in_only_from_an_allowed_site() {
    let alice = random_key();
    let node = legacy_node(&alice, &["--allow-origin", "https://client.example"]).await;
    let clients = node.clients();
    let ask_first = async |origin: &str| {
        let headers = [
            &format!("Origin: {origin}"),
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: content-type",
            "Access-Control-Request-Private-Network: true",
        ];
        let (status, head, _) = request(&clients, "OPTIONS", "/req", &headers, b"").await;
        (status, head.to_lowercase())
    };
    let (status, head) = ask_first("https://client.example").await;
    assert_eq!(status, 204);
    for expected in [
        "access-control-allow-origin: https://client.example",
        "access-control-allow-methods: post",
        "access-control-allow-headers: accept, authorization, content-type",
        "access-control-allow-private-network: true",
    ] {
        assert!(head.contains(expected), "no {expected} in {head}");
    }
    assert!(!head.contains("credentials") && !head.contains("origin: *"), "{head}");
    let (status, head) = ask_first("https://evil.example").await;
    assert!(status == 403 && !head.contains("access-control"), "{head}");

    let question = timeline(1, 2).to_string();
    let asked = async |headers: &[&str]| rest(&clients, "/req", headers, question.as_bytes()).await;
    let allowed = asked(&["Origin: https://client.example"]).await;
    assert!(allowed.head.contains("access-control-allow-origin: https://client.example"), "{}", allowed.head);
    assert_eq!(asked(&["Origin: https://evil.example"]).await.status, 403);
    assert_eq!(asked(&["Host: evil.example"]).await.status, 403);
    assert!(!asked(&[]).await.head.contains("access-control"));
}

// --- form ---

#[tokio::test]
async fn the_body_is_compressed_only_for_those_who_take_it() {
    let node = legacy_node(&random_key(), &[]).await;
    let question = timeline(1, 2).to_string();
    for (header, packed) in
        [("Accept-Encoding: gzip, deflate", true), ("Accept-Encoding: gzip;q=0", false), ("X: x", false)]
    {
        let answer = rest(&node.clients(), "/req", &[header], question.as_bytes()).await;
        assert_eq!(answer.head.contains("content-encoding"), packed, "{header}: {}", answer.head);
        assert_eq!(hex::encode(answer.body), "81a44576747390");
    }
}

#[tokio::test]
async fn other_methods_and_types_are_refused_with_a_sentence() {
    let node = legacy_node(&random_key(), &[]).await;
    let clients = node.clients();
    for path in ["/publish", "/req"] {
        let (status, _, body) = request(&clients, "GET", path, &[], b"").await;
        assert_eq!(status, 405);
        assert!(String::from_utf8_lossy(&body).contains("POST"));
        for header in ["content-type: text/plain", "X: x"] {
            let (status, _, body) =
                request(&clients, "POST", path, &[header, "Content-Length: 2"], b"{}").await;
            assert_eq!(status, 415, "{path} {header}");
            assert!(String::from_utf8_lossy(&body).starts_with("{\n  \"Error\": \""));
        }
    }
}

// --- bad input ---

/// What was sent, the status that it must get, and the body.
type Case = (String, u16, Vec<u8>);

/// Each field of a good event broken in each way.
fn broken_fields(good: &Value) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut case = |name: String, body: String| cases.push((name, 400, body.into_bytes()));
    let changed = |key: &str, value: Value| {
        let mut event = good.clone();
        event[key] = value;
        event.to_string()
    };
    for key in ["id", "pubkey", "created_at", "kind", "tags", "content", "sig"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(key);
        case(format!("{key} missing"), without.to_string());
        let twice = good.to_string().replacen('{', &format!("{{\"{key}\":{},", good[key]), 1);
        case(format!("{key} twice"), twice);
        for value in [json!({}), json!(true), json!(1.5), json!([[[1]]]), json!("é"), json!(-1)] {
            case(format!("{key} {value}"), changed(key, value));
        }
        // The original takes null tags of posts as none.
        if key != "tags" {
            case(format!("{key} null"), changed(key, Value::Null));
        }
    }
    for key in ["id", "pubkey", "sig"] {
        let hex = good[key].as_str().unwrap();
        case(format!("{key} upper"), changed(key, hex.to_uppercase().into()));
        case(format!("{key} short"), changed(key, hex[2..].into()));
        case(format!("{key} long"), changed(key, format!("{hex}00").into()));
        case(format!("{key} no hex"), changed(key, "zz".repeat(hex.len() / 2).into()));
    }
    case("forged id".into(), changed("id", "ab".repeat(32).into()));
    case("forged signature".into(), changed("sig", "ab".repeat(64).into()));
    case("forged content".into(), changed("content", "other".into()));
    case("kind 65536".into(), changed("kind", 65_536.into()));
    cases
}

/// Events that are signed well but may not be published.
fn refused_events(alice: &SecretKey) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut case = |name: &str, status, event: Event| {
        cases.push((name.to_owned(), status, serde_json::to_vec(&event).unwrap()));
    };
    case("another author", 403, post(&random_key(), "x"));
    case("the year 2100", 400, signed(alice, 1, 4_102_444_800, vec![], "x"));
    case("beyond all years", 413, signed(alice, 1, u64::MAX, vec![], "x"));
    case("empty content", 400, signed(alice, 1, now(), vec![], ""));
    case("reaction without p", 400, signed(alice, 7, now(), vec![Tag::new(["e", "x"])], "+"));
    case("login", 400, signed(alice, 22_242, now(), vec![], "x"));
    case("empty tag", 413, signed(alice, 1, now(), vec![Tag::new([""; 0])], "x"));
    case("2,001 tags", 413, signed(alice, 1, now(), vec![Tag::new(["t", "x"]); 2_001], "x"));
    case("70 KB", 413, signed(alice, 1, now(), vec![], &"x".repeat(70_000)));
    case("1 MB", 413, signed(alice, 1, now(), vec![], &"x".repeat(1_000_000)));
    case("10 MB", 413, signed(alice, 1, now(), vec![], &"x".repeat(10_000_000)));
    cases
}

/// Bodies that are no JSON, or no object.
fn rubbish(good: &Value) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut case = |name: &str, body: Vec<u8>| cases.push((name.to_owned(), 400, body));
    case("deep nesting", format!("{{\"tags\":{}", "[".repeat(100_000)).into_bytes());
    case("deep unknown key", "{\"x\":".repeat(10_000).into_bytes());
    let broken_utf8 = good.to_string().into_bytes();
    case("not UTF-8", broken_utf8.into_iter().map(|byte| if byte == b'g' { 0xff } else { byte }).collect());
    case("lone surrogate", good.to_string().replace("good", "\\ud800").into_bytes());
    case("more after it", format!("{good} {good}").into_bytes());
    for text in ["", " ", "null", "[]", "7", "\"x\"", "{", "{}", "\0"] {
        case(&format!("{text:?}"), text.as_bytes().to_vec());
    }
    cases
}

#[tokio::test]
async fn every_bad_event_gets_a_4xx_with_a_sentence_and_the_node_lives_on() {
    let alice = random_key();
    let node = legacy_node(&alice, &[]).await;
    let good = serde_json::to_value(post(&alice, "good")).unwrap();
    let before = node.resident_kib();
    let mut failures = Vec::new();
    for (name, status, body) in [broken_fields(&good), refused_events(&alice), rubbish(&good)].concat() {
        let answer = rest(&node.clients(), "/publish", &[], &body).await;
        if answer.status != status || !(8..500).contains(&answer.error().len()) {
            failures.push(format!("{name}: {} {}", answer.status, answer.text()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(publish(&node, &post(&alice, "still works")).await.status, 200);
    let all = json!({ "kinds": [40000], "since": -1, "until": -1, "limit": 300 });
    assert_eq!(ask(&node, &all).await.contents(), ["still works"]);
    if let (Some(before), Some(after)) = (before, node.resident_kib()) {
        assert!(after < before + 60_000, "the node grew from {before} to {after} KiB");
    }
}

#[tokio::test]
async fn what_looks_odd_but_is_right_is_taken() {
    let alice = random_key();
    let node = legacy_node(&alice, &[]).await;
    for event in [
        signed(&alice, 2, now(), vec![], "unknown kind"),
        signed(&alice, 1, 0, vec![], "of 1970"),
        signed(&alice, 3, now(), vec![Tag::new(["p", &"ab".repeat(32), "", ""]); 800], ""),
        signed(&alice, 1, now(), vec![], "\u{0}\u{1f}\u{7f}\u{2028}😀</script>"),
        signed(&alice, 1, now(), vec![Tag::new(["t", "x"]); 2_000], "2,000 tags"),
    ] {
        let answer = publish(&node, &event).await;
        assert_eq!(answer.text(), "{\n  \"Status\": \"SUCCESS\"\n}");
    }
    let answer = ask(&node, &json!({ "kinds": [40000], "since": -1, "until": -1, "limit": 300 })).await;
    assert_eq!(answer.events().len(), 5);
    assert_eq!(answer.contents()[0], "of 1970");
}

#[tokio::test]
async fn the_owners_old_events_outlive_a_restart() {
    let alice = random_key();
    let node = legacy_node(&alice, &[]).await;
    publish(&node, &signed(&alice, 1, 1_700_000_000, vec![], "of 2023")).await;
    let node = node.restart().await;
    assert_eq!(ask(&node, &timeline(1_700_000_000, 1_700_000_000)).await.contents(), ["of 2023"]);
}

#[tokio::test]
async fn every_bad_question_gets_a_4xx_with_a_sentence() {
    let node = legacy_node(&random_key(), &[]).await;
    let key = "ab".repeat(32);
    let many = vec![Value::from(7); 3_000];
    let authors: Vec<String> = (0..10_001).map(|number| format!("{number:064x}")).collect();
    let cases = [
        (400, json!([])),
        (400, json!({})),
        (400, json!({ "kinds": null })),
        (400, json!({ "kinds": "40000" })),
        (400, json!({ "kinds": [-1] })),
        (400, json!({ "kinds": [70_000] })),
        (400, json!({ "kinds": [40000.5] })),
        (400, json!({ "kinds": [1] })),
        (400, json!({ "kinds": [0] })),
        (400, json!({ "kinds": [3], "authors": [] })),
        (400, json!({ "kinds": [1], "ids": [key.to_uppercase()] })),
        (400, json!({ "kinds": [1], "ids": ["zz".repeat(32)] })),
        (400, json!({ "kinds": [1], "ids": [key[2..]] })),
        (400, json!({ "kinds": [0], "authors": key })),
        (400, json!({ "kinds": [0], "authors": [null] })),
        (400, json!({ "kinds": [0], "authors": authors })),
        (400, json!({ "kinds": [40000], "since": "1" })),
        (400, json!({ "kinds": [40000], "until": {} })),
        (400, json!({ "kinds": [40000], "limit": 1.5 })),
        (413, json!({ "kinds": [1], "ids": ["x".repeat(2_000_000)] })),
    ];
    for (status, question) in cases {
        let answer = ask(&node, &question).await;
        assert_eq!(answer.status, status, "{question}");
        assert!(answer.error().len() < 500, "{question}");
    }
    assert_eq!(ask(&node, &json!({ "kinds": many })).await.events().len(), 0);
    let fine = json!({ "kinds": [40000], "since": i64::MIN, "until": i64::MAX, "limit": i64::MAX });
    assert_eq!(ask(&node, &fine).await.events().len(), 0);
}

#[tokio::test]
async fn a_node_that_takes_no_events_says_so() {
    let alice = random_key();
    let node = legacy_node(&alice, &["-w=false"]).await;
    let answer = publish(&node, &post(&alice, "x")).await;
    assert_eq!(answer.status, 403);
    assert!(answer.error().contains("--writable"), "{}", answer.error());
}

#[tokio::test]
async fn clients_that_stop_in_the_middle_hold_up_others_only_as_long_as_they_stay() {
    let alice = random_key();
    let node = legacy_node(&alice, &[]).await;
    let stopped = tokio::sync::Mutex::new(Vec::new());
    let head = format!(
        "POST /publish HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{",
        node.clients()
    );
    // One more each time: which of those that come together the node takes is open.
    until("the node to say that it is busy", async || {
        let mut stream = tokio::net::TcpStream::connect(node.clients()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stopped.lock().await.push(stream);
        let answer = ask(&node, &timeline(1, 2)).await;
        if answer.status == 503 && answer.error().contains("busy") { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    drop(stopped);
    until("the node to serve others", async || {
        let answer = publish(&node, &post(&alice, "x")).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
}
