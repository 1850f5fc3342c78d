//! Words reach the people for whom they are meant, and nobody else: what is private stays so over reloads and edits, in
//! two tabs, and a mention is the person that was chosen. On a desktop and on a phone.
#![expect(clippy::panic, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{EventTemplate, Kind};
use nostrp2p_tests::{Browser, Node, Person, Size, now, until};
use serde_json::{Value, json};

/// The key Enter, as WebDriver names it.
const ENTER: &str = "\u{e007}";

/// Two people who are called Ada and one who is called Bo; and a browser whose node knows them all.
async fn two_adas(size: Size) -> (Vec<Person>, Browser, Node) {
    let mut people = vec![Person::arrive(None).await];
    for _ in 0..2 {
        let next = Person::arrive(people.first()).await;
        people.push(next);
    }
    let node = Node::start(&["-b", &people[0].node.nodes()]).await;
    let browser = Browser::start(size).await;
    browser.arrive(&node, "Mia").await;
    for (person, name) in people.iter_mut().zip(["Ada", "Ada", "Bo"]) {
        person.client.neighbours(1).await;
        let content = json!({ "name": name }).to_string();
        let profile = EventTemplate { created_at: now(), kind: Kind::PROFILE, tags: vec![], content };
        person.client.publish(&profile.sign(&person.key, &[7; 32])).await;
        let text = format!("hello from {}", person.key.public_key().to_npub());
        person.client.publish(&nostrp2p_tests::post(&person.key, &text)).await;
        browser.see("post-text", "hello from").await;
    }
    until("all three names", || async {
        let names =
            "return Array.from(document.querySelectorAll('[data-testid=post-name]'), e => e.textContent)";
        let names: Vec<String> = serde_json::from_value(browser.run(names).await).unwrap_or_default();
        let count = |name: &str| names.iter().filter(|other| *other == name).count();
        if count("Ada") == 2 && count("Bo") == 1 { Ok(()) } else { Err(format!("{names:?}")) }
    })
    .await;
    (people, browser, node)
}

/// Opens the composer where it is a screen of its own.
async fn compose(browser: &Browser) {
    if browser.run("return !document.querySelector('[data-testid=compose-text]')").await == json!(true) {
        browser.click("compose-open").await;
    }
    browser.find("compose-text").await;
}

/// Mentions the person with this key, who is offered behind what is typed.
async fn mention(browser: &Browser, typed: &str, person: &Person) {
    browser.type_into("compose-text", typed).await;
    let key = person.key.public_key().to_string();
    let npub = person.key.public_key().to_npub();
    let tail = npub[npub.len() - 4..].to_owned();
    let script = "
        const options = Array.from(document.querySelectorAll('[data-testid=name-option]'));
        const option = options.find(option => option.textContent.endsWith(arguments[0]));
        option?.click();
        return Boolean(option);";
    until(&format!("{key} to be offered"), || async {
        match browser.driver.execute(script, vec![json!(tail)]).await {
            Ok(Value::Bool(true)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

/// What stands in the composer.
async fn text(browser: &Browser) -> String {
    browser.find("compose-text").await.prop("value").await.expect("a page").unwrap_or_default()
}

async fn see_text(browser: &Browser, expected: &str) {
    until(&format!("{expected:?} in the composer"), || async {
        let text = text(browser).await;
        if text == expected { Ok(()) } else { Err(text) }
    })
    .await;
}

async fn reload(browser: &Browser) {
    // What was typed is stored a moment after the last key, and at the latest when the page goes out of sight.
    browser.go("#/settings").await;
    browser.find("export").await;
    browser.driver.refresh().await.expect("a page");
    browser.attribute("connection", "data-state", "connected").await;
    browser.go("#/").await;
}

#[tokio::test]
async fn what_is_private_stays_so_and_a_mention_is_who_was_chosen_desktop() {
    private_words(Size::Desktop).await;
}

#[tokio::test]
async fn what_is_private_stays_so_and_a_mention_is_who_was_chosen_phone() {
    private_words(Size::Phone).await;
}

async fn private_words(size: Size) {
    let (people, browser, _node) = two_adas(size).await;
    let [ada, other_ada, bo] = &people[..] else { panic!("three people") };
    compose(&browser).await;
    // A lone `@` and Enter break the line.
    browser.type_into("compose-text", "@").await;
    browser.find("name-option").await;
    browser.type_into("compose-text", ENTER).await;
    see_text(&browser, "@\n").await;
    browser.type_over("compose-text", "\u{e017}").await;

    // The audience comes back with the draft.
    mention(&browser, "secret for @Ad", ada).await;
    browser.click("for-mentioned").await;
    reload_composer(&browser).await;
    see_text(&browser, "secret for @Ada ").await;
    browser.attribute("for-mentioned", "aria-checked", "true").await;

    // Whoever is named since gets nothing without a word of the author.
    mention(&browser, "about @B", bo).await;
    browser.see("unasked", "Bo").await;
    browser.attribute("for-mentioned", "aria-checked", "true").await;
    browser.attribute("for-unasked", "aria-checked", "false").await;
    browser.type_into("compose-text", &"\u{e003}".repeat("about @Bo ".len())).await;
    see_text(&browser, "secret for @Ada ").await;
    browser.see_no("unasked").await;

    // An edit of the name widens nothing.
    browser.type_into("compose-text", "\u{e003}x").await;
    see_text(&browser, "secret for @Adax").await;
    browser.attribute("for-mentioned", "aria-checked", "true").await;
    browser.see("not-named", "Ada").await;
    browser.click("compose-send").await;
    browser.see("error", "Nobody would get this").await;
    browser.type_over("compose-text", "\u{e017}").await;
    browser.click("for-everyone").await;

    // Two people of one name: each mention is the one that was chosen.
    mention(&browser, "to @Ad", ada).await;
    mention(&browser, "and @Ad", other_ada).await;
    see_text(&browser, "to @Ada and @Ada ").await;
    // What the page put in is undone by the browser's own undo.
    mention(&browser, "and @B", bo).await;
    undo(&browser).await;
    see_text(&browser, "to @Ada and @Ada and @B").await;
    // What is redone names the same person again.
    redo(&browser).await;
    see_text(&browser, "to @Ada and @Ada and @Bo ").await;
    browser.click("compose-send").await;
    browser.see("post-text", "to @Ada and @Ada and @Bo").await;
    let script = "return Array.from(document.querySelectorAll('[data-testid=post-text]'))
        .find(text => text.textContent.startsWith('to @Ada')).innerHTML";
    let html = browser.run(script).await.to_string();
    for person in [ada, other_ada, bo] {
        assert!(html.contains(&person.key.public_key().to_npub()), "{html}");
    }

    // Mentions end with their post.
    compose(&browser).await;
    browser.type_into("compose-text", "bob@Ada.example and @Ada too").await;
    browser.click("compose-send").await;
    browser.see("post-text", "bob@Ada.example and @Ada too").await;
    let mentions = "return Array.from(document.querySelectorAll('[data-testid=post-text]'))
        .find(text => text.textContent.startsWith('bob@')).querySelectorAll('.mention').length";
    assert_eq!(browser.run(mentions).await, json!(0));
    browser.close().await;
}

/// Ctrl+Z in the composer.
async fn undo(browser: &Browser) {
    browser.type_into("compose-text", "\u{e009}z\u{e000}").await;
}

/// Ctrl+Shift+Z in the composer.
async fn redo(browser: &Browser) {
    browser.type_into("compose-text", "\u{e009}\u{e008}z\u{e000}").await;
}

/// Reloads once the draft is stored.
async fn reload_composer(browser: &Browser) {
    reload(browser).await;
    compose(browser).await;
}

/// Likes the first post, and waits until the button says so.
async fn like(browser: &Browser, pressed: &str) {
    browser.click("like").await;
    browser.attribute("like", "aria-pressed", pressed).await;
}

#[tokio::test]
async fn tabs_hear_of_each_other_at_once() {
    let mut alice = Person::arrive(None).await;
    let node = Node::start(&["-b", &alice.node.nodes()]).await;
    let browser = Browser::start(Size::Desktop).await;
    browser.arrive(&node, "Mia").await;
    alice.client.neighbours(1).await;
    alice.client.publish(&nostrp2p_tests::post(&alice.key, "something to like")).await;
    browser.see("post-text", "something to like").await;

    // Like, unlike, like within a second: the node takes the last one too.
    for pressed in ["true", "false", "true"] {
        like(&browser, pressed).await;
    }
    browser.see_no("error").await;
    browser.driver.refresh().await.expect("a page");
    browser.attribute("connection", "data-state", "connected").await;
    browser.attribute("like", "aria-pressed", "true").await;

    // One draft in two tabs: the other has it, does not overwrite it, and does not send it again.
    let first = browser.driver.window().await.expect("a window");
    let second = browser.driver.new_window(true).await.expect("a second tab").handle;
    browser.driver.switch_to_window(second.clone()).await.expect("the second tab");
    browser.open(&format!("http://{}/", node.clients())).await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.driver.switch_to_window(first.clone()).await.expect("the first tab");
    browser.type_into("compose-text", "written once").await;
    browser.driver.switch_to_window(second.clone()).await.expect("the second tab");
    see_text(&browser, "written once").await;
    browser.driver.switch_to_window(first.clone()).await.expect("the first tab");
    browser.driver.refresh().await.expect("a page");
    see_text(&browser, "written once").await;
    browser.click("compose-send").await;
    browser.see("post-text", "written once").await;
    browser.driver.switch_to_window(second.clone()).await.expect("the second tab");
    see_text(&browser, "").await;

    // Forgotten in one, forgotten in the other: no connection, no key, nothing written.
    browser.go("#/me").await;
    browser.click("key-reveal").await;
    browser.find("nsec").await;
    browser.driver.switch_to_window(first).await.expect("the first tab");
    browser.go("#/settings").await;
    browser.click("forget").await;
    browser.click("forget-yes").await;
    browser.find("welcome").await;
    browser.driver.switch_to_window(second).await.expect("the second tab");
    browser.find("welcome").await;
    browser.see_no("nsec").await;
    alice.client.publish(&nostrp2p_tests::post(&alice.key, "after it was forgotten")).await;
    let stored = "
        return new Promise(give => { indexedDB.open('nostrp2p').onsuccess = opened => {
            const database = opened.target.result;
            const names = ['events', 'outbox', 'profiles', 'lists', 'vault'];
            const found = database.transaction(names);
            Promise.all(names.map(name => new Promise(done => {
                found.objectStore(name).count().onsuccess = counted => done(counted.target.result);
            }))).then(counts => { database.close(); give(counts); });
        }; });";
    assert_eq!(browser.run(stored).await, json!([0, 0, 0, 0, 0]));
    browser.close().await;
}
