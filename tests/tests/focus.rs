//! Where the focus goes when what had it is gone, and what keys that are held or pressed with others do.

use nostrp2p_protocol::{EventTemplate, Kind, Tag};
use nostrp2p_tests::{Browser, Person, Size, now, post, until};
use serde_json::{Value, json};

/// The key Enter, as WebDriver names it.
const ENTER: &str = "\u{e007}";

/// Moves the focus to the button with this text or hook in the screen, and presses Enter there.
async fn press(browser: &Browser, button: &str) {
    let script = "
        const buttons = Array.from(document.querySelectorAll('main button'));
        const it = buttons.find(it => it.dataset.testid === arguments[0] || it.textContent === arguments[0]);
        it?.focus();
        return Boolean(it)";
    until(&format!("the button {button}"), || async {
        match browser.driver.execute(script, vec![json!(button)]).await {
            Ok(Value::Bool(true)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    browser.driver.active_element().await.expect("a page").send_keys(ENTER).await.expect("a button");
}

/// Waits until the button with this text or hook has the focus.
async fn focused(browser: &Browser, button: &str) {
    let script = "const it = document.activeElement; return it.dataset.testid ?? it.textContent";
    browser.comes_to(&format!("the focus on {button}"), script, json!(button)).await;
}

#[tokio::test]
async fn what_had_the_focus_and_is_gone_leaves_it_nearby_desktop() {
    leaves_it_nearby(Size::Desktop).await;
}

#[tokio::test]
async fn what_had_the_focus_and_is_gone_leaves_it_nearby_phone() {
    leaves_it_nearby(Size::Phone).await;
}

async fn leaves_it_nearby(size: Size) {
    let (_alice, mut bob, browser) = Person::pair_with_browser(size).await;
    bob.client.publish(&post(&bob.key, "look https://127.0.0.1:1/a.png")).await;
    browser.see("post-text", "look").await;
    // A question has its focus on the answer that changes nothing.
    browser.go("#/settings").await;
    press(&browser, "forget").await;
    browser.find("forget-yes").await;
    focused(&browser, "Cancel").await;
    press(&browser, "Cancel").await;
    focused(&browser, "forget").await;
    press(&browser, "lock-choose").await;
    focused(&browser, "passphrase").await;
    press(&browser, "Cancel").await;
    focused(&browser, "lock-choose").await;
    browser.go("#/me").await;
    press(&browser, "key-reveal").await;
    browser.find("nsec").await;
    press(&browser, "Hide").await;
    focused(&browser, "backup-download").await;
    browser.go("#/").await;
    press(&browser, "media-show").await;
    browser
        .comes_to("the post to have it", "return document.activeElement.localName", json!("article"))
        .await;
    browser.close().await;
}

#[tokio::test]
async fn of_a_post_that_is_shown_twice_the_one_where_one_was_keeps_the_focus() {
    let (_alice, mut bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    let twice = post(&bob.key, "shown twice");
    bob.client.publish(&twice).await;
    let tag = |name: &str, value: String| Tag::new([name.to_owned(), value]);
    let tags = vec![tag("e", twice.id().to_string()), tag("p", bob.key.public_key().to_string())];
    let repost = EventTemplate { created_at: now() + 1, kind: Kind::REPOST, tags, content: String::new() };
    bob.client.publish(&repost.sign(&bob.key, &[7; 32])).await;
    browser.comes_to("both", "return document.querySelectorAll('article').length", json!(2)).await;
    browser.run("document.querySelectorAll('[data-testid=more]')[1].focus()").await;
    for keys in [ENTER, "\u{e00c}"] {
        browser.driver.active_element().await.expect("a page").send_keys(keys).await.expect("a button");
    }
    browser.see_no("menu").await;
    let where_it_is =
        "return Array.from(document.querySelectorAll('[data-testid=more]')).indexOf(document.activeElement)";
    browser.comes_to("the second one", where_it_is, json!(1)).await;
    browser.close().await;
}

#[tokio::test]
async fn a_key_that_is_held_answers_no_question_and_arrows_with_alt_stay_the_browsers() {
    let (_alice, _bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    browser.go("#/settings").await;
    browser.find("forget").await;
    browser.run("document.querySelector('[data-testid=forget]').focus()").await;
    let enter = |repeated: bool| {
        json!({ "type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r",
            "autoRepeat": repeated })
    };
    browser.devtools("Input.dispatchKeyEvent", enter(false)).await;
    browser.find("forget-yes").await;
    focused(&browser, "Cancel").await;
    for _ in 0..3 {
        browser.devtools("Input.dispatchKeyEvent", enter(true)).await;
    }
    focused(&browser, "Cancel").await;
    browser.find("forget-yes").await;
    // By these keys browsers go back.
    let alt_left = "
        const chosen = document.querySelector('[data-theme-choice=auto]');
        chosen.focus();
        const key = new KeyboardEvent('keydown',
            { key: 'ArrowLeft', altKey: true, bubbles: true, cancelable: true });
        return [chosen.dispatchEvent(key), document.activeElement === chosen]";
    assert_eq!(browser.run(alt_left).await, json!([true, true]));
    browser.attribute("connection", "data-state", "connected").await;
    browser.close().await;
}

/// Sends a key to what has the focus.
async fn key(browser: &Browser, key: &str) {
    browser
        .driver
        .active_element()
        .await
        .expect("a page")
        .send_keys(key)
        .await
        .expect("something that takes keys");
}

#[tokio::test]
async fn whoever_has_answered_by_keyboard_goes_on_at_what_was_answered() {
    let (_alice, mut bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    for number in 0..12 {
        let content = format!("number {number}.\n\n\n\nend");
        let created_at = now() - 100 + number;
        let draft = EventTemplate { created_at, kind: Kind::POST, tags: vec![], content };
        bob.client.publish(&draft.sign(&bob.key, &[7; 32])).await;
    }
    browser.see("post-text", "number 11.").await;
    browser.see("post-text", "number 1.").await;
    browser.press_in_post("number 2.", "reply").await;
    browser.type_into("compose-text", "answered").await;
    browser.click("compose-send").await;
    browser.see("post-text", "answered").await;
    let there = "
        const it = document.activeElement;
        const { top, bottom } = it.getBoundingClientRect();
        const post = it.closest('article')?.textContent.includes('number 2.');
        return [it.dataset.testid, post, top > 0 && bottom < innerHeight]";
    browser.comes_to("the focus on the button", there, json!(["reply", true, true])).await;

    // Escape leaves the composer, so that the keys that move count again.
    key(&browser, "n").await;
    browser.comes_to("the composer", "return document.activeElement.id", json!("compose")).await;
    key(&browser, "\u{e00c}").await;
    browser.comes_to("a post", "return document.activeElement.localName", json!("article")).await;
    browser.go("#/me").await;
    browser.see("post-text", "answered").await;
    key(&browser, "j").await;
    browser.comes_to("a post on Me", "return document.activeElement.localName", json!("article")).await;

    // What was looked for before is written over.
    for words in ["number 3", "number 4"] {
        key(&browser, "/").await;
        browser.comes_to("the search", "return document.activeElement.id", json!("search")).await;
        key(&browser, words).await;
        let typed = "return document.getElementById('search').value";
        browser.comes_to("the words", typed, json!(words)).await;
        browser.see("post-text", words).await;
        browser.go("#/").await;
    }
    browser.close().await;
}
