//! A long past: however far somebody scrolls, the page stays small, and the way back leads to where they were.

use std::time::{Duration, Instant};

use nostrp2p_protocol::{EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Browser, Node, Size, history, random_key, until};
use serde_json::{Value, json};

/// How many posts there are.
const POSTS: usize = 800;
/// How long that may take to scroll through.
const LONG_WAY: Duration = Duration::from_secs(180);
/// Most elements that a page may have on the way: about a hundred posts and the frame around them.
const ELEMENTS: u64 = 6_000;

/// Scrolls by some pixels, and says what can be seen then: the number of elements, and the first words of the posts in
/// the window.
const SCROLL: &str = "
    const done = arguments[arguments.length - 1];
    scrollBy({ top: arguments[0], behavior: 'instant' });
    requestAnimationFrame(() => requestAnimationFrame(() => {
        const inSight = Array.from(document.querySelectorAll('article')).filter(post => {
            const { top, bottom } = post.getBoundingClientRect();
            return bottom > 60 && top < innerHeight - 60;
        });
        const words = post => post.querySelector('[data-testid=post-text]')?.textContent.split(':')[0];
        done([document.querySelectorAll('*').length, inSight.map(words)]);
    }));";

/// A node that holds the history, and a browser at it.
async fn reader(size: Size) -> (Node, Browser) {
    let key: SecretKey = random_key();
    let stopped = Node::start(&["-p", &key.public_key().to_npub()]).await.stop().await;
    stopped.import(&history(POSTS));
    let node = stopped.start().await;
    let browser = Browser::start(size).await;
    browser.sign_in(&node, &key.to_nsec()).await;
    browser.see("post-text", &format!("No. {}", POSTS - 1)).await;
    (node, browser)
}

async fn scroll(browser: &Browser, pixels: i32) -> (u64, Vec<String>) {
    let seen = browser.driver.execute_async(SCROLL, vec![json!(pixels)]).await.expect("a page");
    let (elements, posts): (u64, Vec<Option<String>>) = serde_json::from_value(seen).expect("what is seen");
    assert!(elements < ELEMENTS, "the page has {elements} elements at {posts:?}");
    (elements, posts.into_iter().flatten().collect())
}

/// Scrolls on until a post is in sight.
async fn scroll_to(browser: &Browser, post: &str, pixels: i32) {
    let deadline = Instant::now() + LONG_WAY;
    loop {
        let (_, posts) = scroll(browser, pixels).await;
        if posts.iter().any(|seen| seen == post) {
            return;
        }
        assert!(Instant::now() < deadline, "waited for {post}, saw {posts:?}");
    }
}

/// The first post in sight, and where it stands.
async fn reading_at(browser: &Browser) -> Value {
    browser
        .run(
            "const post = Array.from(document.querySelectorAll('article'))
                .find(post => post.getBoundingClientRect().bottom > 100);
            return [post?.dataset.id, Math.round(post?.getBoundingClientRect().top / 4)];",
        )
        .await
}

#[tokio::test]
async fn a_long_past_is_read_to_its_end_and_back_on_a_page_that_stays_small() {
    let (_node, browser) = reader(Size::Phone).await;
    scroll_to(&browser, "No. 600", 700).await;
    // Who looks at something else and comes back reads on where they were.
    let place = reading_at(&browser).await;
    browser.go("#/settings").await;
    browser.find("export").await;
    browser.driver.back().await.expect("a page");
    until("the place where somebody was reading", || async {
        let now = reading_at(&browser).await;
        if now[0] == place[0] { Ok(()) } else { Err((now, place.clone())) }
    })
    .await;
    scroll_to(&browser, "No. 0", 600).await;
    browser.read("That is all your node holds").await;
    // Back up: posts that went out of the page come again, in their order and without a hole.
    scroll_to(&browser, "No. 200", -600).await;
    let (_, posts) = scroll(&browser, 0).await;
    let numbers: Vec<u32> = posts.iter().filter_map(|post| post.strip_prefix("No. ")?.parse().ok()).collect();
    assert!(!numbers.is_empty() && numbers.windows(2).all(|pair| pair[0] == pair[1] + 1), "{numbers:?}");
    // From far down to the beginning in one leap, as the Home key does.
    browser.run("scrollTo({ top: 0, behavior: 'instant' })").await;
    scroll_to(&browser, &format!("No. {}", POSTS - 1), 0).await;
    browser.close().await;
}

#[tokio::test]
async fn a_leap_into_the_middle_of_what_was_read_shows_posts_there() {
    let (_node, browser) = reader(Size::Desktop).await;
    scroll_to(&browser, "No. 600", 500).await;
    browser.run("scrollTo({ top: scrollY / 2, behavior: 'instant' })").await;
    until("posts in the middle", || async {
        let (_, posts) = scroll(&browser, 0).await;
        if posts.is_empty() { Err(posts) } else { Ok(()) }
    })
    .await;
    // The keyboard goes on from what is in sight.
    let (_, posts) = scroll(&browser, 0).await;
    browser.driver.active_element().await.expect("a page").send_keys("jj").await.expect("keys");
    let focused = browser.find_css("article:focus").await.text().await.expect("a page");
    assert!(posts.iter().any(|post| focused.contains(post.as_str())), "{focused} is not among {posts:?}");
    browser.close().await;
}

#[tokio::test]
async fn a_reload_leads_back_to_the_same_place_among_those_one_follows() {
    let key: SecretKey = random_key();
    let stopped = Node::start(&["-p", &key.public_key().to_npub()]).await.stop().await;
    let mut events = history(POSTS);
    let followed = (1..=4).map(|byte| SecretKey::from_bytes([byte; 32]).expect("a key").public_key());
    let tags = followed.map(|person| Tag::new(["p".to_owned(), person.to_string()])).collect();
    let list = EventTemplate { created_at: 1, kind: Kind::FOLLOW_LIST, tags, content: String::new() };
    events.push(list.sign(&key, &[7; 32]));
    stopped.import(&events);
    let node = stopped.start().await;
    for size in [Size::Phone, Size::Desktop] {
        let browser = Browser::start(size).await;
        browser.sign_in(&node, &key.to_nsec()).await;
        browser.see("post-text", &format!("No. {}", POSTS - 1)).await;
        browser.click("tab-following").await;
        browser.see_gone(&format!("No. {}", POSTS - 1)).await;
        scroll_to(&browser, "No. 440", 400).await;
        let place = reading_at(&browser).await;
        for _ in 0..2 {
            browser.driver.refresh().await.expect("a page");
            browser.attribute("connection", "data-state", "connected").await;
            until("the place where somebody was reading", || async {
                let now = reading_at(&browser).await;
                if now == place { Ok(()) } else { Err((now, place.clone())) }
            })
            .await;
        }
        browser.close().await;
    }
}
