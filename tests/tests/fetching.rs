//! What a node lacks it asks for: profiles, follow lists and posts that were written before it came.
#![expect(clippy::panic, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{
    Event, EventTemplate, Filter, Kind, SecretKey, Tag,
    frame::{ClientFrame, NodeFrame},
};
use nostrp2p_tests::{Client, Node, Person, now, post, random_key, reply, rest, until};
use tokio::sync::Mutex;

fn sign(key: &SecretKey, kind: Kind, tags: Vec<Tag>, content: &str) -> Event {
    EventTemplate { created_at: now(), kind, tags, content: content.into() }.sign(key, &[7; 32])
}

fn of(key: &SecretKey, kinds: &[Kind]) -> Vec<Filter> {
    let kinds = Some(kinds.iter().copied().collect());
    vec![Filter { authors: Some([key.public_key()].into()), kinds, ..Filter::default() }]
}

/// What the store has for a question, now.
async fn found(client: &mut Client, filters: Vec<Filter>) -> Vec<String> {
    client.send(ClientFrame::Fetch { request: 5, filters }).await;
    match client.answer().await {
        NodeFrame::Answer { request: 5, events, .. } => {
            events.into_iter().map(|event| event.content).collect()
        }
        other => panic!("no answer but {other:?}"),
    }
}

/// A person with a profile, a follow list and a post, written before anybody else was there, and a private reply.
async fn alice_with_a_past() -> (Person, Event) {
    let mut alice = Person::arrive(None).await;
    alice.client.publish(&sign(&alice.key, Kind::PROFILE, vec![], r#"{"name":"alice"}"#)).await;
    let followed = Tag::new(["p", &"ab".repeat(32)]);
    alice.client.publish(&sign(&alice.key, Kind::FOLLOW_LIST, vec![followed], "alice follows")).await;
    let old = post(&alice.key, "written before bob came");
    alice.client.publish(&old).await;
    alice.client.publish(&reply(&alice.key, "a private past", &[&random_key()])).await;
    (alice, old)
}

#[tokio::test]
async fn a_profile_page_fills_itself_from_the_authors_node() {
    let (alice, old) = alice_with_a_past().await;
    // The own posts that nobody had taken go out to the first neighbour; Carol is it, so that Bob lacks them.
    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.watch(0).await;
    carol.client.hear(&old.content).await;
    let mut bob = Person::arrive(Some(&alice)).await;
    bob.client.watch(0).await;

    let kinds = [Kind::PROFILE, Kind::FOLLOW_LIST, Kind::POST, Kind::REPOST];
    assert_eq!(found(&mut bob.client, of(&alice.key, &[Kind::FOLLOW_LIST])).await, [""; 0]);
    bob.client.send(ClientFrame::Subscribe { request: 6, filters: of(&alice.key, &kinds) }).await;
    bob.client.hear("alice follows").await;
    // The profile may be committed a moment later.
    let client = Mutex::new(&mut bob.client);
    until("profile and follow list", || async {
        let page = found(*client.lock().await, of(&alice.key, &[Kind::PROFILE, Kind::FOLLOW_LIST])).await;
        if page.len() == 2 { Ok(()) } else { Err(page) }
    })
    .await;
    let everything = bob.client.everything().await;
    assert!(!everything.contains(&"a private past".to_owned()), "{everything:?}");
}

#[tokio::test]
async fn a_quoted_post_is_fetched_from_its_author() {
    let (alice, old) = alice_with_a_past().await;
    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.watch(0).await;
    carol.client.hear(&old.content).await;
    let mut bob = Person::arrive(Some(&alice)).await;
    bob.client.watch(0).await;
    let by_id = Filter {
        ids: Some([old.id()].into()),
        authors: Some([alice.key.public_key()].into()),
        ..Filter::default()
    };
    bob.client.send(ClientFrame::Fetch { request: 6, filters: vec![by_id] }).await;
    bob.client.hear(&old.content).await;
}

#[tokio::test]
async fn a_client_of_the_original_gets_a_profile_that_its_node_lacks() {
    let (alice, _) = alice_with_a_past().await;
    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.neighbours(1).await;
    let key = random_key();
    let npub = key.public_key().to_npub();
    let node = Node::start(&["-p", &npub, "--legacy-rest", "-b", &alice.node.nodes()]).await;
    let mut client = Client::login(&node.clients(), &key).await;
    client.neighbours(1).await;
    let author = alice.key.public_key();
    let body = format!(r#"{{"kinds":[3],"authors":["{author}"]}}"#);
    until("the follow list over REST", || async {
        let contents = rest(&node.clients(), "/req", &[], body.as_bytes()).await.contents();
        if contents == ["alice follows"] { Ok(()) } else { Err(contents) }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_watch_gets_what_it_subscribes_to() {
    let mut alice = Person::arrive(None).await;
    let mut other = Client::login(&alice.node.clients(), &alice.key).await;
    let tagged = Filter { tags: [('t', ["rust".to_owned()].into())].into(), ..Filter::default() };
    other.send(ClientFrame::Subscribe { request: 3, filters: vec![tagged] }).await;
    assert!(matches!(other.answer().await, NodeFrame::Answer { request: 3, .. }));
    alice.client.publish(&post(&alice.key, "about nothing")).await;
    alice.client.publish(&sign(&alice.key, Kind::POST, vec![Tag::new(["t", "rust"])], "about rust")).await;
    match other.answer().await {
        NodeFrame::Answer { request: 3, events, .. } => {
            let texts: Vec<&str> = events.iter().map(|event| event.content.as_str()).collect();
            assert_eq!(texts, ["about rust"]);
        }
        frame => panic!("{frame:?}"),
    }
    other.send(ClientFrame::Unsubscribe { request: 3 }).await;
    for request in 10..30 {
        other.send(ClientFrame::Subscribe { request, filters: vec![] }).await;
        assert!(matches!(other.answer().await, NodeFrame::Answer { .. }));
    }
    other.send(ClientFrame::Subscribe { request: 30, filters: vec![] }).await;
    assert!(other.refusal().await.reason.contains("20 subscriptions"));
}

#[tokio::test]
async fn the_own_node_is_searched_for_words_and_a_guest_finds_nothing_private() {
    let mut alice = Person::arrive(None).await;
    alice.client.publish(&post(&alice.key, "The Quick brown fox")).await;
    alice.client.publish(&post(&alice.key, "quick and slow")).await;
    alice.client.publish(&post(&alice.key, "日本語の投稿です")).await;
    alice.client.publish(&reply(&alice.key, "a quick secret", &[&random_key()])).await;
    for (words, expected) in [
        ("quick", vec!["The Quick brown fox", "a quick secret", "quick and slow"]),
        ("BROWN quick", vec!["The Quick brown fox"]),
        ("投稿", vec!["日本語の投稿です"]),
        ("nothing of that", vec![]),
    ] {
        let search =
            ClientFrame::Search { request: 6, filters: vec![Filter::default()], words: words.into() };
        alice.client.send(search).await;
        let NodeFrame::Answer { request: 6, events, .. } = alice.client.answer().await else {
            panic!("no answer to {words}")
        };
        let posts = events.into_iter().filter(|event| event.kind == Kind::POST);
        let mut found: Vec<String> = posts.map(|event| event.content).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{words}");
    }
    let mut stranger = Client::connect(&alice.node.clients()).await;
    stranger
        .send(ClientFrame::Search { request: 7, filters: vec![Filter::default()], words: "quick".into() })
        .await;
    assert!(stranger.refusal().await.reason.contains("sign in"));
    let words = "w ".repeat(30);
    alice.client.send(ClientFrame::Search { request: 8, filters: vec![Filter::default()], words }).await;
    assert!(alice.client.refusal().await.reason.contains("more than 20 words"));
}
