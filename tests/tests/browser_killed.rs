//! The browser is killed (`kill -9`) while posts wait, are sent and are acknowledged: what the page has shown as waiting
//! or sent is there when it opens again, all of it reaches the node, and nothing comes twice.
//! `cargo xtask durability --browser 100` does it a hundred times.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use nostrp2p_protocol::SecretKey;
use nostrp2p_tests::{Browser, Client, Node, Size, Stopped, until};
use serde_json::json;

/// Rounds of writing and killing; `BROWSER_ROUNDS` gives another number.
fn rounds() -> u64 {
    std::env::var("BROWSER_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6)
}

/// Writes posts as fast as the page takes them, a screen full at most.
const WRITE: &str = "
    const [round] = arguments;
    const find = id => document.querySelector(`[data-testid=\"${id}\"]`);
    let number = 0;
    const step = () => {
        const box = find('compose-text');
        if (!box) {
            find('compose-open')?.click();
        } else if (box.value !== '') {
            find('compose-send')?.click();
        } else if (number < 8) {
            box.value = `round ${round}, post ${++number}`;
            box.dispatchEvent(new Event('input', { bubbles: true }));
        }
        setTimeout(step, 5);
    };
    step();";

/// How far each post on the page has come, by its text.
const LOOK: &str = "
    const posts = Array.from(document.querySelectorAll('[data-testid=post]'));
    return posts.map(post => [
        post.querySelector('[data-testid=post-text]')?.textContent ?? '',
        post.querySelector('[data-testid=post-state]')?.dataset.state ?? '',
    ]);";

/// What a page shows, as far as it may be relied on: not what it says is still being saved.
async fn shown(browser: &Browser) -> Option<BTreeMap<String, String>> {
    let posts = browser.driver.execute(LOOK, vec![]).await.ok()?;
    let posts: Vec<(String, String)> = serde_json::from_value(posts).ok()?;
    Some(posts.into_iter().filter(|(text, state)| text.starts_with("round ") && state != "saving").collect())
}

#[tokio::test]
async fn what_the_page_has_shown_survives_kill_9_of_the_browser() {
    let seed: u64 = std::env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).expect("random numbers");
        u64::from_le_bytes(bytes)
    });
    println!("KILL_SEED={seed}");
    let mut node = Node::start(&[]).await;
    let mut browser = Browser::start(Size::Desktop).await;
    browser.arrive(&node, "Mia").await;
    let key = SecretKey::from_nsec(&browser.nsec().await).expect("an nsec");
    let ready = "navigator.serviceWorker.ready.then(() => arguments[arguments.length - 1](true))";
    browser.driver.execute_async(ready, vec![]).await.expect("a page");
    let page = format!("http://{}/", node.clients());

    let mut promised = 0;
    for round in 0..rounds() {
        let random = seed.rotate_left(u32::try_from(round % 64).unwrap_or(0) * 7).wrapping_add(round * 7_919);
        // Every third time the node is away, so that everything waits.
        let mut place = Place::Here(Box::new(node));
        if round % 3 == 2 {
            place = place.leave().await;
            browser.attribute("connection", "data-state", "offline").await;
        }
        browser.driver.execute(WRITE, vec![json!(round)]).await.expect("a page");
        let end = Instant::now() + Duration::from_millis(50 + random % 1_500);
        let mut seen = BTreeMap::new();
        while Instant::now() < end {
            seen.extend(shown(&browser).await.expect("a page"));
        }
        seen.retain(|text, _| text.starts_with(&format!("round {round},")));
        let profile = browser.kill().await;

        // The page comes back with all of it, without its node if that is away.
        browser = Browser::start_again(profile, Size::Desktop).await;
        browser.open(&page).await;
        until(&format!("{seen:?} to be there again (seed {seed}, round {round})"), || async {
            let there = shown(&browser).await.unwrap_or_default();
            let lost: Vec<_> = seen.keys().filter(|text| !there.contains_key(*text)).collect();
            if lost.is_empty() { Ok(()) } else { Err(format!("{lost:?} is lost")) }
        })
        .await;
        node = place.back().await;
        browser.attribute("connection", "data-state", "connected").await;
        for state in ["saving", "waiting", "failed"] {
            browser.see_no_state(state).await;
        }
        let mut client = Client::login(&node.clients(), &key).await;
        let held = client.everything_after(0).await;
        for text in seen.keys() {
            let copies = held.iter().filter(|held| *held == text).count();
            assert_eq!(copies, 1, "{text:?} was {:?} (seed {seed})", seen.get(text));
        }
        promised += seen.len();
    }
    println!("{promised} posts shown before {} kills of the browser: all are there, each once", rounds());
    assert!(promised > 0, "hardly anything was written");
    browser.close().await;
}

/// A node that may be away for a while.
enum Place {
    Here(Box<Node>),
    Away(Stopped),
}

impl Place {
    async fn leave(self) -> Self {
        match self {
            Self::Here(node) => Self::Away(node.stop().await),
            away @ Self::Away(_) => away,
        }
    }

    async fn back(self) -> Node {
        match self {
            Self::Here(node) => *node,
            Self::Away(stopped) => stopped.start().await,
        }
    }
}
