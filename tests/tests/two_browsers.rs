//! The whole path: two people in two real browsers, each with a node of their own.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test stops at the first surprise")]

use std::time::{Duration, Instant};

use nostrp2p_tests::{Browser, Node, Size};

/// Posts whose way is timed; the median of them is printed. Bob does not follow Alice, so with what she writes besides
/// they stay below what is taken of a stranger at once.
const TIMED_POSTS: usize = 11;

/// From pressing "send" to the text in the other page.
const AIM: Duration = Duration::from_millis(100);
/// For machines that are busy with something else: half of their time is twice as long, and the pages wait for each other.
const MARGIN: Duration = Duration::from_millis(300);

#[tokio::test]
async fn two_people_talk() {
    let node_a = Node::start(&[]).await;
    let node_b = Node::start(&["-b", &node_a.nodes()]).await;
    let (alice, bob) = tokio::join!(Browser::start(Size::Desktop), Browser::start(Size::Phone));
    alice.arrive(&node_a, "Alice").await;
    bob.arrive(&node_b, "Bob").await;

    // Written in one browser, seen in the other, without a reload, with the author's name.
    let written = Instant::now();
    alice.write("Hello Bob, こんにちは").await;
    bob.see("post-text", "Hello Bob, こんにちは").await;
    assert!(written.elapsed() < Duration::from_secs(2), "it took {:?}", written.elapsed());
    bob.see("post-name", "Alice").await;
    alice.attribute("post-state", "data-state", "sent").await;
    bob.write("Hello Alice").await;
    alice.see("post-text", "Hello Alice").await;

    time_posts(&alice, &bob).await;

    // Bob's node is away for a while and comes back.
    let stopped = node_b.stop().await;
    bob.attribute("connection", "data-state", "offline").await;
    alice.write("Bob may miss this").await;
    bob.write("Written offline").await;
    let node_b = stopped.start().await;
    bob.attribute("connection", "data-state", "connected").await;
    alice.see("post-text", "Written offline").await;
    alice.write("Welcome back").await;
    bob.see("post-text", "Welcome back").await;

    // A reload keeps the login and what was read.
    bob.driver.refresh().await.unwrap();
    bob.attribute("connection", "data-state", "connected").await;
    bob.see("post-text", "Hello Bob").await;
    bob.write("After the reload").await;
    alice.see("post-text", "After the reload").await;
    drop(node_b);
    tokio::join!(alice.close(), bob.close());
}

/// Prints the median time from pressing "send" to the text in the other page.
async fn time_posts(from: &Browser, to: &Browser) {
    // The pages note the times themselves, so that WebDriver's own delays do not count.
    let watch = "
        window.seen = {};
        const look = () => document.querySelectorAll('[data-testid=post-text]').forEach(post => {
            const text = post.textContent;
            if (!(text in window.seen)) window.seen[text] = Date.now();
        });
        look();
        new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });";
    to.driver.execute(watch, vec![]).await.unwrap();
    let press = "
        window.pressed = {};
        document.addEventListener('click', () => {
            const box = document.querySelector('[data-testid=compose-text]');
            if (box) window.pressed[box.value] = Date.now();
        }, true);";
    from.driver.execute(press, vec![]).await.unwrap();
    let mut times = Vec::new();
    for number in 0..TIMED_POSTS {
        let text = format!("timed post {number}");
        from.write(&text).await;
        to.see("post-text", &text).await;
        let pressed = from.driver.execute(&format!("return window.pressed['{text}']"), vec![]).await.unwrap();
        let seen = to.driver.execute(&format!("return window.seen['{text}']"), vec![]).await.unwrap();
        times.push(seen.as_u64().unwrap().saturating_sub(pressed.as_u64().unwrap()));
    }
    times.sort_unstable();
    let median = Duration::from_millis(times[TIMED_POSTS / 2]);
    println!(
        "budget: post to other browser on loopback, median: {median:?} (aim: {AIM:?}, margin: {MARGIN:?})"
    );
    assert!(median <= AIM + MARGIN, "a post needs {median:?}");
}

/// Alice at a desktop, Bob at a phone and Carol, each at a node of their own; Alice has asked all of them something.
async fn who_is_coming() -> ([Browser; 3], [Node; 3]) {
    let node_a = Node::start(&[]).await;
    let node_b = Node::start(&["-b", &node_a.nodes()]).await;
    let node_c = Node::start(&["-b", &node_a.nodes()]).await;
    let (alice, bob) = tokio::join!(Browser::start(Size::Desktop), Browser::start(Size::Phone));
    let carol = Browser::start(Size::Desktop).await;
    alice.arrive(&node_a, "Alice").await;
    bob.arrive(&node_b, "Bob").await;
    carol.arrive(&node_c, "Carol").await;
    alice.write("Who is coming?").await;
    tokio::join!(bob.see("post-text", "Who is coming?"), carol.see("post-text", "Who is coming?"));
    bob.see("post-name", "Alice").await;
    ([alice, bob, carol], [node_a, node_b, node_c])
}

#[tokio::test]
async fn a_reply_and_a_like_reach_only_their_person() {
    let ([alice, bob, carol], _nodes) = who_is_coming().await;

    bob.click("like").await;
    bob.attribute("like", "aria-pressed", "true").await;
    bob.click("reply").await;
    bob.read("Replying to Alice. Only Alice can see it.").await;
    bob.type_into("compose-text", "I am").await;
    picture(&bob, "reply-phone").await;
    bob.click("compose-send").await;

    alice.see("post-text", "I am").await;
    alice.see("private", "only for you").await;
    alice.see("likes", "1 like").await;
    bob.see("private", "only for Alice").await;
    bob.attribute("post-state", "data-state", "delivered").await;
    tokio::join!(picture(&alice, "talk-desktop"), picture(&bob, "talk-phone"));

    // By the keyboard, on Bob's post, which is the only one that Alice can like: like it, answer it.
    let bobs = alice.find_css("[data-testid=\"post\"]:has([data-testid=\"like\"])").await;
    bobs.send_keys("lr").await.unwrap();
    alice.attribute("like", "aria-pressed", "true").await;
    alice.read("Replying to Bob. Only Bob can see it.").await;
    picture(&alice, "reply-desktop").await;
    alice.type_into("compose-text", "Then come").await;
    alice.click("compose-send").await;
    bob.see("post-text", "Then come").await;
    bob.see("likes", "1 like").await;

    // What is for everyone and comes later has reached Carol: what was for Alice alone has not.
    bob.write("See you all").await;
    carol.see("post-text", "See you all").await;
    let page = carol.find_css("body").await.text().await.unwrap();
    assert!(!page.contains("I am") && !page.contains("Then come") && !page.contains("1 like"), "{page}");

    // A reload keeps the heart.
    bob.driver.refresh().await.unwrap();
    bob.attribute("like", "aria-pressed", "true").await;
    tokio::join!(alice.close(), bob.close(), carol.close());
}

#[tokio::test]
async fn an_answer_for_everyone_is_read_by_all_and_the_private_one_beside_it_is_not() {
    let ([alice, bob, carol], _nodes) = who_is_coming().await;

    bob.click("reply").await;
    bob.read("Replying to Alice. Only Alice can see it.").await;
    bob.attribute("for-conversation", "aria-checked", "true").await;
    bob.type_into("compose-text", "To you: I am ill").await;
    bob.click("compose-send").await;
    alice.see("post-text", "To you: I am ill").await;

    // The choice is there for each answer, and stands before it is sent.
    open_conversation(&bob).await;
    bob.press_in_post("Who is coming?", "reply").await;
    bob.attribute("for-conversation", "aria-checked", "true").await;
    bob.click("for-everyone").await;
    bob.read("Replying to Alice. Everyone can see it.").await;
    bob.see("audience-stays", "cannot be changed").await;
    picture(&bob, "answer-phone").await;
    bob.type_into("compose-text", "To all: not me").await;
    bob.driver.refresh().await.unwrap();
    bob.attribute("for-everyone", "aria-checked", "true").await;
    bob.click("compose-send").await;
    tokio::join!(alice.see("post-text", "To all: not me"), carol.see("post-text", "To all: not me"));
    carol.see("post-name", "Bob").await;
    carol.see_no("private").await;
    let page = carol.find_css("body").await.text().await.unwrap();
    assert!(!page.contains("I am ill"), "{page}");

    // Both stand in the conversation of those who have both, and the private one is marked.
    open_conversation(&alice).await;
    alice.see("private", "only for you").await;
    for text in ["To you: I am ill", "To all: not me"] {
        alice.read(text).await;
    }
    picture(&alice, "conversation-desktop").await;
    open_conversation(&bob).await;
    picture(&bob, "conversation-phone").await;
    // As before in this conversation.
    bob.press_in_post("Who is coming?", "reply").await;
    bob.attribute("for-everyone", "aria-checked", "true").await;
    tokio::join!(alice.close(), bob.close(), carol.close());
}

/// Opens the conversation that Alice began.
async fn open_conversation(browser: &Browser) {
    browser.press_in_post("Who is coming?", "post-time").await;
    browser.find("thread").await;
}

/// Saves a screenshot where `NOSTRP2P_PICTURES` says, if it does.
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("NOSTRP2P_PICTURES") {
        browser.screenshot(&std::path::Path::new(&folder).join(format!("{name}.png"))).await;
    }
}

#[tokio::test]
async fn a_used_claim_link_and_a_wrong_nsec_are_explained() {
    let node = Node::start(&[]).await;
    let alice = Browser::start(Size::Desktop).await;
    alice.arrive(&node, "Alice").await;
    let stranger = Browser::start(Size::Phone).await;
    stranger.open(node.claim_link.as_ref().unwrap()).await;
    stranger.find("welcome").await;
    stranger.read("Found the node of npub1").await;
    stranger.click("next").await;
    stranger.click("key-import").await;
    stranger.type_into("nsec-input", "nsec1wrong").await;
    stranger.click("next").await;
    stranger.read("is not a whole nsec").await;
    tokio::join!(alice.close(), stranger.close());
}
