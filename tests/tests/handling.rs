//! The page by mouse, by keyboard, for readers of screens, on paper, and in a browser whose storage is silent.

use std::time::Duration;

use fantoccini::elements::Element;
use nostrp2p_protocol::{EventTemplate, Kind};
use nostrp2p_tests::{Browser, Person, Size, now, post, reply, until};
use serde_json::json;

async fn press(element: Element, keys: &str) {
    element.send_keys(keys).await.expect("an element that takes keys");
}

/// Clicks on the text of the first post with this button while these modifiers are held (2 is Ctrl).
async fn click_on_text(browser: &Browser, button: &str, modifiers: u32) {
    let place = "
        const box = document.querySelector('[data-testid=post-text]').getBoundingClientRect();
        return [Math.round(box.left + 12), Math.round(box.top + 8)]";
    let (x, y): (f64, f64) = serde_json::from_value(browser.run(place).await).expect("a place");
    for kind in ["mousePressed", "mouseReleased"] {
        let click = json!({
            "type": kind, "x": x, "y": y, "button": button, "clickCount": 1, "modifiers": modifiers
        });
        browser.devtools("Input.dispatchMouseEvent", click).await;
    }
}

#[tokio::test]
async fn a_post_opens_in_a_new_tab_by_ctrl_and_by_the_middle_button() {
    let (_alice, mut bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    bob.client.publish(&post(&bob.key, "open me elsewhere")).await;
    browser.see("post-text", "open me").await;
    let here = browser.driver.window().await.expect("a window");
    for (button, modifiers) in [("left", 2), ("middle", 0)] {
        click_on_text(&browser, button, modifiers).await;
        let opened = until("a second tab", || async {
            let windows = browser.driver.windows().await.map_err(|error| error.to_string())?;
            windows.into_iter().find(|window| *window != here).ok_or_else(String::new)
        })
        .await;
        assert_eq!(browser.run("return location.hash").await, json!("#/"));
        browser.driver.switch_to_window(opened).await.expect("the second tab");
        browser.comes_to("the conversation", "return location.hash.startsWith('#/e/')", json!(true)).await;
        browser.see("post-text", "open me").await;
        browser.driver.close_window().await.expect("a tab that can be closed");
        browser.driver.switch_to_window(here.clone()).await.expect("the first tab");
    }
    browser.close().await;
}

#[tokio::test]
async fn the_focus_stays_where_one_works_and_the_title_and_the_live_region_say_what_happens() {
    let (alice, mut bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    bob.client.publish(&post(&bob.key, "from Bob")).await;
    browser.see("post-text", "from Bob").await;
    let live = "return document.querySelector('[aria-live=polite]').textContent";
    browser.comes_to("the new post to be said", live, json!("1 new post")).await;
    browser.write("from Alice").await;
    browser.see("post-text", "from Alice").await;
    browser.see_no_state("waiting").await;

    // To pass on: the menu closes, and the focus is on the button that opened it.
    let in_post =
        |text: &str, hook: &str| format!("//article[contains(., '{text}')]//*[@data-testid='{hook}']");
    for (text, hook, then) in
        [("from Bob", "repost", &["repost-now"][..]), ("from Alice", "more", &["delete", "delete-yes"])]
    {
        for hook in [&[hook], then].concat() {
            let path = in_post(text, hook);
            let button = browser.driver.wait().for_element(fantoccini::Locator::XPath(&path)).await;
            button.expect("a button").send_keys("\u{e007}").await.expect("a button that takes keys");
        }
        browser.see_no("menu").await;
        if text == "from Bob" {
            let focused = "
                const focused = document.activeElement;
                return [focused.dataset.testid, focused.closest('article').textContent.includes('from Bob')]";
            browser.comes_to("the focus to be back", focused, json!(["repost", true])).await;
        }
    }
    // What had the focus is deleted: the next post has it.
    browser.see_gone("from Alice").await;
    let focused =
        "return document.activeElement.closest('article')?.textContent.includes('from Bob') ?? false";
    browser.comes_to("the focus to be on the next post", focused, json!(true)).await;

    // A reply is begun and left: the focus is back on its button, and the draft stays.
    for (hook, keys) in [("reply", "\u{e007}"), ("compose-text", "later\u{e00c}")] {
        let path = if hook == "reply" { in_post("from Bob", hook) } else { "//textarea".to_owned() };
        let element = browser.driver.wait().for_element(fantoccini::Locator::XPath(&path)).await;
        press(element.expect("an element"), keys).await;
    }
    let focused = "return document.activeElement.dataset.testid";
    browser.comes_to("the focus to be back", focused, json!("reply")).await;
    let draft = "return document.querySelector('[data-testid=compose-text]').value";
    assert_eq!(browser.run(draft).await, json!("later"));

    // Arrow keys among tabs: one stop for the tab key, and the next one is chosen.
    press(browser.find("tab-everyone").await, "\u{e012}").await;
    browser.find_css("[data-testid=tab-following][aria-selected=true]:focus").await;
    press(browser.find("tab-following").await, "\u{e014}").await;
    browser.find_css("[data-testid=tab-everyone][aria-selected=true]:focus").await;
    let stops =
        "return Array.from(document.querySelectorAll('[role=tab]')).filter(tab => tab.tabIndex === 0).length";
    browser.comes_to("one stop", stops, json!(1)).await;

    // The title says the screen and what is unread; the new screen is said too.
    for text in ["to Alice", "to Alice again"] {
        bob.client.publish(&reply(&bob.key, text, &[&alice.key])).await;
    }
    let title = "return document.title";
    browser.comes_to("the title to count", title, json!("(2) Home · NostrP2P")).await;
    browser.go("#/settings").await;
    browser.comes_to("the screen in the title", title, json!("(2) Settings · NostrP2P")).await;
    browser.comes_to("the screen to be said", live, json!("Settings")).await;
    browser.go("#/notifications").await;
    browser.comes_to("nothing unread", title, json!("Notifications · NostrP2P")).await;
    browser.close().await;
}

#[tokio::test]
async fn on_paper_there_are_the_posts_and_nothing_else() {
    let (_alice, mut bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    let printed = post(&bob.key, "to be printed");
    bob.client.publish(&printed).await;
    browser.see("post-text", "to be printed").await;
    browser.devtools("Emulation.setEmulatedMedia", json!({ "media": "print" })).await;
    let seen = "
        const shown = new Set();
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
            const element = walk.currentNode.parentElement;
            if (!walk.currentNode.data.trim() || element.closest('script, .hidden')) continue;
            if (!element.checkVisibility({ visibilityProperty: true })) continue;
            shown.add(element.closest('article') ? 'post' : element.className + ': ' + walk.currentNode.data);
        }
        for (const button of document.querySelectorAll('button, textarea, input'))
            if (button.checkVisibility()) shown.add('a ' + button.localName + ' ' + button.className);
        return Array.from(shown)";
    let thread = format!("#/e/{}", printed.id().to_note());
    for (width, height) in [(1_280, 800), (390, 844)] {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
        for fragment in ["#/", &thread] {
            browser.go(fragment).await;
            browser.see("post-text", "to be printed").await;
            browser.comes_to(&format!("{fragment} at {width}"), seen, json!(["post"])).await;
        }
    }
    browser.close().await;
}

#[tokio::test]
async fn a_storage_that_never_answers_is_given_up_and_told_of() {
    let (alice, _bob) = Person::pair().await;
    let browser = Browser::start(Size::Phone).await;
    let silent = "IDBFactory.prototype.open = () => new EventTarget();";
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": silent })).await;
    let begun = std::time::Instant::now();
    browser.open(&format!("http://{}/", alice.node.clients())).await;
    browser.find("welcome").await;
    browser.see("storage-trouble", "storage does not answer").await;
    assert!(begun.elapsed() > Duration::from_secs(10), "the storage was waited for");
    browser.click("next").await;
    browser.click("key-import").await;
    browser.type_into("nsec-input", &alice.key.to_nsec()).await;
    browser.click("next").await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.see("storage-trouble", "storage does not answer").await;
    browser.write("written without a storage").await;
    browser.see("post-text", "without a storage").await;
    browser.close().await;
}

#[tokio::test]
async fn a_storage_that_opens_and_then_never_answers_is_given_up_too() {
    let (alice, _bob) = Person::pair().await;
    let browser = Browser::start(Size::Phone).await;
    let silent = "
        const never = () => new EventTarget();
        Object.assign(IDBObjectStore.prototype, { get: never, getAll: never, put: never, delete: never });";
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": silent })).await;
    browser.open(&format!("http://{}/", alice.node.clients())).await;
    browser.find("welcome").await;
    browser.see("storage-trouble", "storage does not answer").await;
    browser.close().await;
}

#[tokio::test]
async fn what_another_tab_does_with_the_storage_as_a_whole_does_not_wait_and_is_told() {
    let (_alice, _bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    let first = browser.driver.window().await.expect("a window");
    let second = browser.driver.new_window(true).await.expect("a second tab").handle;
    let address = browser.run("return location.origin + '/healthz'").await;
    browser.driver.switch_to_window(second).await.expect("the second tab");
    browser.open(address.as_str().expect("an address")).await;
    // As the next version of the page may.
    let next = "
        return new Promise(give => {
            const asked = indexedDB.open('nostrp2p', 99);
            asked.onsuccess = () => { asked.result.close(); give('open'); };
            asked.onblocked = () => give('blocked');
        })";
    assert_eq!(browser.run(next).await, json!("open"));
    browser.driver.switch_to_window(first).await.expect("the first tab");
    browser.type_into("compose-text", "not stored").await;
    browser.see("storage-trouble", "does not let this page store anything").await;
    browser.close().await;
}

#[tokio::test]
async fn what_was_typed_is_there_after_leaving_and_after_a_reload() {
    let (_alice, mut bob, browser) = Person::pair_with_browser(Size::Phone).await;
    bob.client.publish(&post(&bob.key, "a red bicycle")).await;
    browser.see("post-text", "bicycle").await;
    browser.go("#/me").await;
    browser.type_into("name-input", "Alice the Great").await;
    browser.go("#/find").await;
    browser.type_into("search", "bicycle").await;
    browser.see("post-text", "a red bicycle").await;
    browser.driver.refresh().await.expect("a page");
    browser.see("post-text", "a red bicycle").await;
    let value = |hook: &str| format!("return document.querySelector('[data-testid={hook}]')?.value");
    browser.comes_to("the words", &value("search"), json!("bicycle")).await;
    browser.go("#/me").await;
    browser.comes_to("the name", &value("name-input"), json!("Alice the Great")).await;
    browser.click("profile-cancel").await;
    browser.comes_to("the former name", &value("name-input"), json!("")).await;
    browser.close().await;
}

#[tokio::test]
async fn in_letters_of_twice_the_size_names_are_seen_and_no_screen_is_wider_than_the_window() {
    let (mut alice, mut bob, browser) = Person::pair_with_browser(Size::Phone).await;
    for (person, name) in [(&mut alice, "Alice the First of Her Name"), (&mut bob, "Bob")] {
        let content = json!({ "name": name }).to_string();
        let profile = EventTemplate { created_at: now(), kind: Kind::PROFILE, tags: vec![], content };
        person.client.publish(&profile.sign(&person.key, &[7; 32])).await;
        person.client.publish(&post(&person.key, "hello https://127.0.0.1:1/a.png")).await;
        browser.see("post-name", name).await;
    }
    browser.devtools("Page.setFontSizes", json!({ "fontSizes": { "standard": 32 } })).await;
    let size = "return getComputedStyle(document.documentElement).fontSize";
    browser.comes_to("large letters", size, json!("32px")).await;
    let names = "
        return Array.from(document.querySelectorAll('.post-name'), name =>
            name.getBoundingClientRect().width > 40)";
    browser.comes_to("the names to be seen", names, json!([true, true])).await;
    // Nothing is cut off in the frame of a picture, nor the key by which two of one name are told apart.
    let whole = |selector: &str| {
        format!(
            "return Array.from(document.querySelectorAll('{selector}'), it =>
                it.scrollHeight <= it.clientHeight + 1 && it.scrollWidth <= it.clientWidth + 1)"
        )
    };
    browser.comes_to("whole frames", &whole(".media-frame"), json!([true, true])).await;
    browser.go("#/find").await;
    browser.comes_to("whole keys", &whole(".person-link .muted"), json!([true])).await;
    let title = "return document.title";
    for (fragment, screen) in [
        ("#/settings", "Settings"),
        ("#/find", "Search"),
        ("#/network", "Network"),
        ("#/me", "Me"),
        ("#/notifications", "Notifications"),
        ("#/write", "Write"),
        ("#/", "Home"),
    ] {
        browser.go(fragment).await;
        browser.comes_to(screen, title, json!(format!("{screen} · NostrP2P"))).await;
        let wide = "return document.documentElement.scrollWidth > innerWidth";
        browser.comes_to(&format!("{screen} to fit"), wide, json!(false)).await;
    }
    browser.close().await;
}
