//! A key that exists elsewhere: what a relay holds of its profile and lists is what the owner's programs build on.

use nostrp2p_tests::rest;

use super::*;

/// The kinds that the issue of lost profiles named, one list more, and a set.
const KINDS: [u16; 7] = [0, 3, 10_000, 10_002, 10_003, 10_050, 30_000];

fn content(kind: u16) -> String {
    if kind == 0 { r#"{"name":"ada","lud16":"ada@pay.example"}"#.to_owned() } else { String::new() }
}

/// A version of years ago.
fn version(key: &SecretKey, kind: u16) -> Event {
    let someone = random_key().public_key().to_string();
    let tags = match kind {
        0 => vec![Tag::new(["i", "github:ada", "proof"])],
        10_002 => vec![Tag::new(["r", "wss://relay.example"])],
        10_050 => vec![Tag::new(["relay", "wss://inbox.example"])],
        30_000 => vec![Tag::new(["d", "friends"]), Tag::new(["p".to_owned(), someone])],
        _ => vec![Tag::new(["p".to_owned(), someone])],
    };
    let created_at = now() - 900 * 86_400;
    EventTemplate { created_at, kind: Kind(kind), tags, content: content(kind) }.sign(key, &[7; 32])
}

/// A relay that holds all of these.
async fn relay_of(key: &SecretKey) -> (ForeignRelay, Vec<Event>) {
    let foreign = ForeignRelay::start().await;
    let versions: Vec<Event> = KINDS.iter().map(|kind| version(key, *kind)).collect();
    for version in &versions {
        foreign.put(version).await;
    }
    (foreign, versions)
}

#[tokio::test]
async fn a_program_that_asks_at_once_for_each_of_the_owners_lists_gets_what_a_mirror_holds() {
    let ada = random_key();
    let (foreign, versions) = relay_of(&ada).await;
    let node = node_of(&ada, &foreign.url()).await;
    let me = ada.public_key().to_string();
    let answers = futures_util::future::join_all(versions.iter().map(|version| async {
        let mut program = Relay::login(&node.clients(), &ada).await;
        program.ask(&[json!({ "authors": [me], "kinds": [version.kind.0] })]).await
    }));
    for (answer, version) in answers.await.iter().zip(&versions) {
        assert_eq!(answer, &[json!(version)], "kind {}", version.kind.0);
    }
}

#[tokio::test]
async fn the_page_and_rest_get_what_a_mirror_holds_before_they_build_on_it() {
    let ada = random_key();
    let (foreign, _) = relay_of(&ada).await;
    let node = node_of(&ada, &foreign.url()).await;
    let mut page = Client::login(&node.clients(), &ada).await;
    let filter = nostrp2p_protocol::Filter {
        authors: Some([ada.public_key()].into()),
        kinds: Some(KINDS.into_iter().map(Kind).collect()),
        ..Default::default()
    };
    page.send(ClientFrame::Fetch { request: 7, filters: vec![filter] }).await;
    let NodeFrame::Answer { events, .. } = page.answer().await else { panic!("no answer") };
    let kinds: std::collections::BTreeSet<u16> = events.iter().map(|event| event.kind.0).collect();
    assert_eq!(kinds, KINDS.into());

    // Another node that has nothing yet, asked in the way of the original's clients.
    let npub = ada.public_key().to_npub();
    let node = Node::start(&["-p", &npub, "--legacy-rest", "--mirror", &foreign.url()]).await;
    for kind in [0, 3] {
        let question = json!({ "kinds": [kind], "authors": [ada.public_key()] }).to_string();
        let answer = rest(&node.clients(), "/req", &[], question.as_bytes()).await;
        assert_eq!(answer.contents(), [content(kind)], "kind {kind}");
    }
}
