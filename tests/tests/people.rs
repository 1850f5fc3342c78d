//! People in a real browser: their pages, and whom one follows.

use nostrp2p_protocol::{EventTemplate, Kind};
use nostrp2p_tests::{Browser, Node, Person, Size, now, post};

/// Alice, who wrote before anybody else was there; Carol, who got it; and Bob's browser, whose node got nothing of it.
async fn alice_with_a_past() -> (Person, Person, Browser, Node) {
    let mut alice = Person::arrive(None).await;
    let content = r#"{"name":"Alice","about":"I was here first.","nip05":"alice@example.org"}"#.to_owned();
    let profile = EventTemplate { created_at: now(), kind: Kind::PROFILE, tags: vec![], content };
    alice.client.publish(&profile.sign(&alice.key, &[7; 32])).await;
    alice.client.publish(&post(&alice.key, "written long before Bob came")).await;
    // What nobody had taken goes to the first neighbour; Carol is it, so that Bob lacks it.
    let mut carol = Person::arrive(Some(&alice)).await;
    carol.client.watch(0).await;
    carol.client.hear("written long before Bob came").await;
    let node = Node::start(&["-b", &alice.node.nodes()]).await;
    let bob = Browser::start(Size::Phone).await;
    bob.arrive(&node, "Bob").await;
    (alice, carol, bob, node)
}

#[tokio::test]
async fn the_page_of_a_person_fills_itself_from_that_persons_node() {
    let (alice, _carol, bob, _node) = alice_with_a_past().await;
    bob.go(&format!("#/p/{}", alice.key.public_key().to_npub())).await;
    bob.see("person-name", "Alice").await;
    bob.see("about", "I was here first.").await;
    bob.see("nip05", "alice@example.org").await;
    bob.see("post-text", "written long before Bob came").await;
    bob.close().await;
}

#[tokio::test]
async fn following_somebody_gathers_what_they_wrote_and_write() {
    let (mut alice, mut carol, bob, _node) = alice_with_a_past().await;
    carol.client.publish(&post(&carol.key, "from a stranger")).await;
    bob.see("post-text", "from a stranger").await;
    bob.click("tab-following").await;
    bob.read("You follow nobody yet").await;

    // By a pasted key.
    bob.go("#/find").await;
    bob.type_into("search", &alice.key.public_key().to_npub()).await;
    bob.see("person-row", "Alice").await;
    bob.click("follow").await;
    bob.attribute("follow", "aria-pressed", "true").await;
    bob.go("#/").await;
    bob.see("post-text", "written long before Bob came").await;
    alice.client.publish(&post(&alice.key, "and one of today")).await;
    bob.see("post-text", "and one of today").await;
    bob.see_gone("from a stranger").await;

    // The choice and the list survive a reload.
    bob.driver.refresh().await.expect("a page");
    bob.see("post-text", "and one of today").await;
    bob.see_gone("from a stranger").await;
    bob.go(&format!("#/p/{}", alice.key.public_key().to_npub())).await;
    bob.attribute("follow", "aria-pressed", "true").await;
    bob.click("follow").await;
    bob.attribute("follow", "aria-pressed", "false").await;
    bob.go("#/").await;
    bob.read("You follow nobody yet").await;
    bob.close().await;
}
