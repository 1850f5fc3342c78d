//! Names and links that cannot lie, and finding one's way by keyboard, mouse and history: in a real browser, where
//! fonts, graphemes, focus and scrolling are.

use fantoccini::actions::{InputSource, MouseActions, PointerAction};
use nostrp2p_protocol::{EventTemplate, Kind};
use nostrp2p_tests::{Browser, Node, Person, Size, now, post};
use serde_json::json;

/// Somebody with this name who wrote these posts, and a browser whose node knows them.
async fn somebody(name: &str, texts: &[String], size: Size) -> (Person, Browser, Node) {
    let mut person = Person::arrive(None).await;
    let node = Node::start(&["-b", &person.node.nodes()]).await;
    let browser = Browser::start(size).await;
    browser.arrive(&node, "Mia").await;
    person.client.neighbours(1).await;
    let content = json!({ "name": name }).to_string();
    let profile = EventTemplate { created_at: now(), kind: Kind::PROFILE, tags: vec![], content };
    person.client.publish(&profile.sign(&person.key, &[7; 32])).await;
    for text in texts {
        person.client.publish(&post(&person.key, text)).await;
        browser.see("post-text", text.get(..5).unwrap_or(text)).await;
    }
    (person, browser, node)
}

#[tokio::test]
async fn names_and_links_show_what_they_are_and_letters_stay_whole() {
    let long = format!("{}👨‍👩‍👧‍👦 end", "x".repeat(2_397));
    let texts = ["links https://bank.example@evil.example/x https://b\u{430}nk.example/".to_owned(), long];
    let name = format!("Жанна Straße{}", "\u{2800}".repeat(30));
    let (_person, browser, _node) = somebody(&name, &texts, Size::Phone).await;
    browser
        .comes_to(
            "the key to have its width",
            "
        return Array.from(document.querySelectorAll('.post-key')).every(key =>
            key.getBoundingClientRect().width > 80 && key.scrollWidth <= key.clientWidth + 1)",
            json!(true),
        )
        .await;
    browser.see("post-name", "Жанна").await;
    browser
        .comes_to(
            "the hosts beside their links",
            "return Array.from(document.querySelectorAll('.link-host'), host => host.textContent)",
            json!([" → evil.example", " → xn--bnk-6cd.example"]),
        )
        .await;
    // Folded at 2,400 characters, which is in the midst of the family.
    browser
        .comes_to(
            "the folded text to end before the family",
            "
        const text = Array.from(document.querySelectorAll('[data-testid=post-text]')).find(text =>
            text.textContent.startsWith('xxxxx')).textContent;
        return [text.length, text.endsWith('x')]",
            json!([2_397, true]),
        )
        .await;
    // The search and the composer fold case in every script.
    browser.go("#/find").await;
    browser.type_into("search", "ЖАН").await;
    browser.see("person-row", "Жанна").await;
    browser.type_over("search", "STRASSE").await;
    browser.see("person-row", "Straße").await;
    browser.go("#/write").await;
    browser.type_into("compose-text", "@жан").await;
    browser.see("name-option", "Жанна").await;
    // Enter as WebKit tells it while an input method composes completes nothing.
    browser
        .run(
            "document.querySelector('[data-testid=compose-text]').dispatchEvent(new KeyboardEvent('keydown',
        { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }))",
        )
        .await;
    browser.type_into("compose-text", "\u{e00c}").await;
    let text = browser.find("compose-text").await.prop("value").await.expect("a page");
    assert_eq!(text.as_deref(), Some("@жан"));
    browser.type_over("compose-text", "\u{2800}\u{3164}\u{ad}").await;
    browser
        .comes_to(
            "a post of nothing visible to be none",
            "return document.querySelector('[data-testid=compose-send]').disabled",
            json!(true),
        )
        .await;
    browser.close().await;
}

#[tokio::test]
async fn focus_and_place_are_where_one_was() {
    let texts: Vec<String> = (0..8).map(|n| format!("post {n} {}", "word ".repeat(90))).collect();
    let (_person, browser, _node) = somebody("Ada", &texts, Size::Desktop).await;
    browser.comes_to("the title", "return document.title", json!("Home · NostrP2P")).await;
    // Shortcuts by the place of the key, the menu and back.
    browser
        .run(
            "document.activeElement.blur();
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'о', code: 'KeyJ', bubbles: true }))",
        )
        .await;
    browser.find_css("[data-testid=\"post\"]:focus").await;
    browser.click("more").await;
    browser.find("menu").await;
    browser.driver.active_element().await.expect("a page").send_keys("\u{e00c}").await.expect("a page");
    browser.find_css("[data-testid=\"more\"]:focus").await;

    // A double click selects a word and opens nothing; a click opens the post.
    let place = browser
        .run(
            "
        const box = document.querySelector('[data-testid=post-text]').getBoundingClientRect();
        return [Math.round(box.left + 20), Math.round(box.top + 10)]",
        )
        .await;
    let place: (f64, f64) = serde_json::from_value(place).expect("a place");
    click(&browser, place, 2).await;
    browser.comes_to("a word to be selected", "return getSelection().toString().trim()", json!("post")).await;
    browser.comes_to("nothing to be opened", "return location.hash", json!("#/")).await;
    browser.run("getSelection().removeAllRanges()").await;

    // Back to the place, after a reload too.
    browser.run("scrollTo(0, 700)").await;
    let found = "
        const post = Array.from(document.querySelectorAll('article')).find(post =>
            post.getBoundingClientRect().bottom > 120);";
    let here = format!("{found} return [post.dataset.id, post.getBoundingClientRect().top]");
    let (id, top): (String, f64) = serde_json::from_value(browser.run(&here).await).expect("a post");
    let seen =
        format!("{found} return [post?.dataset.id, Math.abs(post?.getBoundingClientRect().top - {top}) < 4]");
    browser.go("#/settings").await;
    browser.find("export").await;
    browser.find_css("h1:focus").await;
    browser.comes_to("the beginning of the settings", "return scrollY", json!(0)).await;
    browser.driver.back().await.expect("a page");
    browser.comes_to("the place", &seen, json!([id, true])).await;
    browser.driver.refresh().await.expect("a page");
    browser.comes_to("the place after a reload", &seen, json!([id, true])).await;

    // Arrows in a group of choices.
    browser.go("#/settings").await;
    browser.find_css("[data-theme-choice=auto]").await.send_keys("\u{e014}").await.expect("a page");
    browser.find_css("[data-theme-choice=light][aria-checked=true]:focus").await;
    browser.close().await;
}

/// Clicks so many times with a mouse.
async fn click(browser: &Browser, (x, y): (f64, f64), times: usize) {
    let mut mouse =
        MouseActions::new("mouse".to_owned()).then(PointerAction::MoveTo { duration: None, x, y });
    for _ in 0..times {
        mouse = mouse
            .then(PointerAction::Down { button: fantoccini::actions::MOUSE_BUTTON_LEFT })
            .then(PointerAction::Up { button: fantoccini::actions::MOUSE_BUTTON_LEFT });
    }
    browser.driver.perform_actions(mouse).await.expect("a mouse");
}

#[tokio::test]
async fn arabic_names_stand_where_names_stand_and_addresses_run_from_left_to_right() {
    let texts = ["و يا https://example.org/صفحة?q=1 شكرا".to_owned()];
    let (person, browser, _node) = somebody("أمينة", &texts, Size::Desktop).await;
    let edges = "
        const edge = (node, from, to) => {
            const range = document.createRange();
            range.setStart(node, from);
            range.setEnd(node, to);
            return range.getBoundingClientRect();
        };";
    let in_order = format!(
        "{edges}
        const words = document.querySelector('[data-testid=post-text] a').firstChild;
        const host = edge(words, 0, 1), page = edge(words, 12, 13), query = edge(words, words.length - 1, words.length);
        return host.left < page.left && page.left < query.left"
    );
    browser.comes_to("host, page and query in this order", &in_order, json!(true)).await;
    browser.go(&format!("#/p/{}", person.key.public_key().to_npub())).await;
    browser.see("person-name", "أمينة").await;
    let at_the_left = format!(
        "{edges}
        const name = document.querySelector('[data-testid=person-name]');
        return edge(name.firstChild, 0, 5).left - name.getBoundingClientRect().left < 2"
    );
    browser.comes_to("the name under its picture", &at_the_left, json!(true)).await;
    browser.close().await;
}
