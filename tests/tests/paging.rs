//! Pages go by time and id: no number of posts of one second hides any of them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use nostrp2p_protocol::{EventTemplate, Kind, SecretKey};
use nostrp2p_tests::{Browser, Node, Size, now, random_key};
use serde_json::json;

/// Posts of one second, by this many people: more than two whole answers of the node hold.
const POSTS: usize = 1_200;
const PEOPLE: usize = 40;
/// How long it may take to scroll through them.
const LONG_WAY: Duration = Duration::from_secs(180);

/// Scrolls by some pixels, and says which posts can be seen then.
const SCROLL: &str = "
    const done = arguments[arguments.length - 1];
    scrollBy({ top: arguments[0], behavior: 'instant' });
    requestAnimationFrame(() => requestAnimationFrame(() => done(
        Array.from(document.querySelectorAll('[data-testid=post-text]'), text => text.textContent))));";

#[tokio::test]
async fn all_of_twelve_hundred_posts_of_one_second_are_shown_and_what_came_before() {
    let second = now() - 3_600;
    let by = |number: usize, created_at: u64, content: String| {
        let key = SecretKey::from_bytes([u8::try_from(number % PEOPLE + 1).unwrap_or(1); 32]).expect("a key");
        EventTemplate { created_at, kind: Kind::POST, tags: vec![], content }.sign(&key, &[7; 32])
    };
    let mut events: Vec<_> = (0..POSTS).map(|number| by(number, second, format!("No. {number}"))).collect();
    events.push(by(0, second - 60, "before all of them".to_owned()));
    let key = random_key();
    let stopped = Node::start(&["-p", &key.public_key().to_npub()]).await.stop().await;
    stopped.import(&events);
    let node = stopped.start().await;
    let browser = Browser::start(Size::Desktop).await;
    browser.sign_in(&node, &key.to_nsec()).await;
    browser.see("post-text", "No. ").await;

    let mut seen = BTreeSet::new();
    let deadline = Instant::now() + LONG_WAY;
    while !seen.contains("before all of them") {
        let posts = browser.driver.execute_async(SCROLL, vec![json!(2_000)]).await.expect("a page");
        let posts: Vec<String> = serde_json::from_value(posts).expect("texts");
        seen.extend(posts);
        assert!(Instant::now() < deadline, "{} posts were shown so far", seen.len());
    }
    assert_eq!(seen.len(), POSTS + 1);
    browser.close().await;
}
