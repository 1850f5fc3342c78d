//! People who read on relays of their own alone, as their lists say (NIP-65): what the owner answers reaches them there.
#![expect(clippy::panic, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{
    Event, EventTemplate, Kind, SecretKey, Tag,
    event_policy::everyone_tag,
    frame::{ClientFrame, Delivery, NodeFrame},
};
use nostrp2p_tests::{Certificate, Client, ForeignRelay, Node, TlsFront, now, random_key, skip, until};

use super::mirrors::{elsewhere, say};

/// Ada's relay, and another one on her list where nobody listens.
const NAMES: [&str; 2] = ["reads.example", "dead.example"];

fn signed(key: &SecretKey, kind: Kind, tags: Vec<Tag>, content: &str) -> Event {
    EventTemplate { created_at: now(), kind, tags, content: content.into() }.sign(key, &[7; 32])
}

/// Tags of an answer: what it answers and whom it names.
fn below(root: &Event, to: &SecretKey) -> Vec<Tag> {
    let root = Tag::new(["e", &root.id().to_string(), "", "root"]);
    vec![root, Tag::new(["p", &to.public_key().to_string()])]
}

async fn has(relay: &ForeignRelay, text: &str) {
    until(&format!("the relay to have {text:?}"), async || {
        let seen = relay.contents().await;
        if seen.iter().any(|seen| seen == text) { Ok(()) } else { Err(seen) }
    })
    .await;
}

/// How an event stands with relays.
async fn relays(client: &mut Client, event: &Event) -> Vec<(String, Delivery)> {
    client.send(ClientFrame::Relays { request: 77, id: event.id() }).await;
    match client.answer().await {
        NodeFrame::Relays { request: 77, relays } => relays,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_reaches_somebody_at_the_relay_of_their_own_list_and_a_thread_of_ten_goes_both_ways() {
    let (alice, ada) = (random_key(), random_key());
    let (mirror, hers) = (ForeignRelay::start().await, ForeignRelay::start().await);
    let certificate = Certificate::of(&NAMES);
    let front = TlsFront::start(&certificate, hers.port()).await;
    let [at_hers, at_dead] = NAMES.map(|name| format!("wss://{name}:{}", front.port()));
    let at_dead = at_dead.replace(&format!(":{}", front.port()), ":1");
    // Somebody has carried these to Alice's mirror. Ada herself knows her own relay alone.
    let lists = vec![Tag::new(["r", &at_dead]), Tag::new(["r", &at_hers])];
    let question = signed(&ada, Kind::POST, vec![Tag::new(["p", &alice.public_key().to_string()])], "Alice?");
    mirror.put(&signed(&ada, Kind::PROFILE, vec![], r#"{"name":"Ada"}"#)).await;
    mirror.put(&signed(&ada, Kind(10_002), lists, "")).await;
    mirror.put(&question).await;
    hers.put(&question).await;

    let folder = tempfile::tempdir().unwrap();
    certificate.write(folder.path());
    let authority = folder.path().join("fullchain.pem");
    let npub = alice.public_key().to_npub();
    let arguments = [
        "-p",
        &npub,
        "--mirror",
        &mirror.url(),
        "--mirror-lists",
        "--mirror-ca",
        authority.to_str().unwrap(),
    ];
    let Some(node) = Node::start_with_names(&NAMES, &arguments).await else {
        return skip("names cannot be led to loopback here, which needs root and unshare");
    };
    let mut client = Client::login(&node.clients(), &alice).await;
    client.delegate(&alice).await;
    client.watch(0).await;
    client.hear("Alice?").await;

    let private = signed(&alice, Kind::POST, below(&question, &ada), "for her eyes");
    client.publish(&private).await;
    let there = elsewhere(&hers.url(), &ada).await;
    let mut last = question.clone();
    for number in 1..=5 {
        let mut tags = below(&question, &ada);
        tags.push(everyone_tag());
        last = signed(&alice, Kind::POST, tags, &format!("Alice {number}"));
        client.publish(&last).await;
        has(&hers, &last.content).await;
        let hers = format!("Ada {number}");
        say(&there, &signed(&ada, Kind::POST, below(&question, &alice), &hers)).await;
        client.hear(&hers).await;
    }
    let like = signed(&alice, Kind::REACTION, [below(&question, &ada), vec![everyone_tag()]].concat(), "+");
    client.publish(&like).await;
    has(&hers, "+").await;
    has(&mirror, "Alice 5").await;
    assert!(!hers.contents().await.contains(&private.content));
    assert!(!mirror.contents().await.contains(&private.content));
    // Not for her: it names nobody.
    client.publish(&signed(&alice, Kind::POST, vec![], "a post")).await;
    has(&mirror, "a post").await;
    assert!(!hers.contents().await.contains(&"a post".to_owned()));

    let mut expected = vec![
        (mirror.url(), Delivery::Delivered),
        (at_dead, Delivery::Waiting),
        (at_hers, Delivery::Delivered),
    ];
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    until("the relays to have answered", async || {
        let states = relays(&mut client, &last).await;
        if states == expected { Ok(()) } else { Err(states) }
    })
    .await;
    assert_eq!(relays(&mut client, &private).await, []);

    // What is taken back is taken back there, too.
    let gone = signed(&alice, Kind::DELETION, vec![Tag::new(["e", &last.id().to_string()])], "a mistake");
    client.publish(&gone).await;
    has(&hers, "a mistake").await;
    drop(node);
}
