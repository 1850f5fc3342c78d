//! A node whose clock jumps an hour ahead, back, and an hour behind: what depends on the time is refused with a sentence
//! that says so, all else goes on, nobody is blamed, and when the clock is right again everybody talks as before.
//! Its clock is that of libfaketime; where that is not installed, the test is skipped.
#![cfg(target_os = "linux")]

use nostrp2p_protocol::{
    SecretKey,
    frame::{ClientFrame, Delivery, RefusalCode},
};
use nostrp2p_tests::{Browser, Client, FakeClock, Node, Size, post, random_key, reply, skip};

/// A node that goes by this clock.
async fn node_by(clock: &FakeClock, arguments: &[&str]) -> Node {
    let environment = clock.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Node::start_in_environment(arguments, "warn", &environment).await
}

/// A node with an owner, and its friend's.
struct Pair {
    clock: FakeClock,
    node: Node,
    alice: SecretKey,
    client: Client,
    bob: SecretKey,
    friend: Client,
    _other: Node,
}

impl Pair {
    async fn start(clock: FakeClock) -> Self {
        let (alice, bob) = (random_key(), random_key());
        let node = node_by(&clock, &[]).await;
        let mut client = Client::claim(&node.clients(), node.token(), &alice).await;
        client.delegate(&alice).await;
        let other = Node::start(&["-b", &node.nodes()]).await;
        let mut friend = Client::claim(&other.clients(), other.token(), &bob).await;
        friend.delegate(&bob).await;
        client.neighbours(1).await;
        client.watch(0).await;
        friend.watch(0).await;
        Self { clock, node, alice, client, bob, friend, _other: other }
    }

    /// Both write for everyone and for each other, and both hear of it.
    async fn talk(&mut self, when: &str) {
        let text = |who: &str| format!("{who} writes {when}");
        self.client.publish(&post(&self.alice, &text("Alice"))).await;
        self.friend.hear(&text("Alice")).await;
        self.friend.publish(&post(&self.bob, &text("Bob"))).await;
        self.client.hear(&text("Bob")).await;
        let to_bob = reply(&self.alice, &text("Alice alone"), &[&self.bob]);
        self.client.publish(&to_bob).await;
        self.friend.hear(&to_bob.content).await;
        self.client.delivery(&to_bob, &self.bob, Delivery::Delivered).await;
        let to_alice = reply(&self.bob, &text("Bob alone"), &[&self.alice]);
        self.friend.publish(&to_alice).await;
        self.client.hear(&to_alice.content).await;
    }

    /// Nobody can sign in, and the node says why.
    async fn login_is_refused(&self) {
        let mut device = Client::connect(&self.node.clients()).await;
        let proof = device.proof(&self.alice);
        device.send(ClientFrame::Login { request: 1, proof }).await;
        let refusal = device.refusal().await;
        assert_eq!(refusal.code, RefusalCode::WrongTime, "{refusal}");
        assert!(refusal.reason.contains("clocks of client and node"), "{refusal}");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_an_hour_each_way_is_named_and_all_else_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let Some(clock) = FakeClock::new(folder.path()) else { return skip("there is no libfaketime") };
    let mut pair = Pair::start(clock).await;
    pair.talk("in time").await;

    pair.clock.set("+3600");
    pair.login_is_refused().await;
    pair.talk("an hour ahead").await;

    pair.clock.set("+0");
    drop(Client::login(&pair.node.clients(), &pair.alice).await);
    pair.talk("after the jump back").await;

    pair.clock.set("-3600");
    pair.login_is_refused().await;
    // What its owner writes is from the future, as is what the friend writes.
    let early = post(&pair.alice, "too early");
    pair.client.send(ClientFrame::Publish { request: 4, event: early.into() }).await;
    let refusal = pair.client.refusal().await;
    assert!(refusal.reason.contains("set the clock that is wrong"), "{refusal}");
    pair.friend.publish(&post(&pair.bob, "for whoever is in time")).await;

    pair.clock.set("+0");
    // What the friend wrote meanwhile was too early; it is due now, and asked for.
    pair.client.hear("for whoever is in time").await;
    drop(Client::login(&pair.node.clients(), &pair.alice).await);
    pair.talk("at last").await;
    pair.client.publish(&post(&pair.alice, "too early, and in time now")).await;

    // Too early by some seconds, it comes when it is due, although nothing is set right.
    pair.clock.set("-906");
    pair.friend.publish(&post(&pair.bob, "some seconds early")).await;
    pair.client.hear("some seconds early").await;

    let log = pair.node.log();
    assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
    let metrics = pair.node.inside("/metrics").await.2;
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    assert!(!metrics.contains("reason=\"too_new\"} 0"), "nothing came too early: {metrics}");
    assert!(metrics.contains("nostrp2p_peers_banned_total 0"), "a friend was blamed: {metrics}");
}

#[tokio::test]
async fn the_page_says_that_the_clock_is_far_ahead_of_the_last_run() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let Some(clock) = FakeClock::new(folder.path()) else { return skip("there is no libfaketime") };
    let alice = random_key();
    clock.set("-32d");
    let node = node_by(&clock, &["-p", &alice.public_key().to_npub()]).await;
    let stopped = node.stop().await;
    clock.set("+0");
    let node = stopped.start().await;
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&node, &alice.to_nsec()).await;
    browser.go("#/network").await;
    browser.see("warnings", "The clock of your node is far ahead of its last run").await;
    browser.close().await;
}

/// Fifteen private replies, and an own post that ends in a day, over a start with this clock.
async fn keeps_private_mail(ahead: &str) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let Some(clock) = FakeClock::new(folder.path()) else { return skip("there is no libfaketime") };
    let Pair { clock, node, alice, mut client, bob, mut friend, _other } = Pair::start(clock).await;
    let texts: Vec<String> = (0..15).map(|number| format!("private {number}")).collect();
    for text in &texts {
        friend.publish(&reply(&bob, text, &[&alice])).await;
        client.hear(text).await;
    }
    let day = nostrp2p_tests::now() + 86_400;
    let ending = nostrp2p_protocol::EventTemplate {
        created_at: nostrp2p_tests::now(),
        kind: nostrp2p_protocol::Kind::POST,
        tags: vec![nostrp2p_protocol::Tag::new(["expiration".to_owned(), day.to_string()])],
        content: "ends in a day".to_owned(),
    };
    client.publish(&ending.sign(&alice, &[0; 32])).await;
    drop(client);
    let stopped = node.stop().await;
    clock.set(ahead);
    let node = stopped.start().await;
    // What others write is stored, and old things are looked for with the first write.
    friend.publish(&post(&bob, "in between")).await;
    let relay = node.inside("/node.json").await.2;
    let text = String::from_utf8_lossy(&relay).into_owned();
    assert!(text.contains("ahead of the last run"), "nobody is told: {text}");
    let stopped = node.stop().await;
    clock.set("+0");
    let node = stopped.start().await;
    let mut client = Client::login(&node.clients(), &alice).await;
    let kept = client.everything().await;
    for text in texts.iter().map(String::as_str).chain(["ends in a day"]) {
        assert!(kept.iter().any(|kept| kept == text), "{text} is gone after a start with {ahead}: {kept:?}");
    }
}

#[tokio::test]
async fn a_start_with_a_clock_a_month_ahead_loses_no_private_mail() {
    keeps_private_mail("+32d").await;
}
