//! Every screen, on a phone and on a desktop, light and dark, in both languages: usable by all, as far as axe-core
//! can tell, and never wider than the window. With `NOSTRP2P_PICTURES` it also saves a picture of each
//! (`cargo xtask screenshots`).

use std::path::Path;

use nostrp2p_tests::{Browser, Node, Size, Town, axe, skip, until};
use serde_json::json;

/// Looks at what a browser shows, and gathers what is wrong.
struct Inspector {
    axe: Option<String>,
    suffix: String,
    wrong: Vec<String>,
}

impl Inspector {
    async fn look(&mut self, browser: &Browser, screen: &str) {
        settled(browser).await;
        let name = format!("{screen}-{}", self.suffix);
        if let Some(folder) = std::env::var_os("NOSTRP2P_PICTURES") {
            browser.screenshot(&Path::new(&folder).join(format!("{name}.png"))).await;
        }
        let wide = "return document.documentElement.scrollWidth > innerWidth";
        if browser.driver.execute(wide, vec![]).await.expect("a page") == json!(true) {
            self.wrong.push(format!("{name}: wider than the window"));
        }
        if let Some(axe) = &self.axe {
            self.wrong
                .extend(browser.findings(axe).await.into_iter().map(|found| format!("{name}: {found}")));
        }
    }
}

/// Waits until nothing on the page moves, loads or is still to be drawn.
async fn settled(browser: &Browser) {
    let script = "
        const done = arguments[arguments.length - 1];
        requestAnimationFrame(() => requestAnimationFrame(() => done(
            document.getAnimations().every(one => one.playState !== 'running' || one.effect.getTiming().iterations === Infinity)
        )));";
    until("the page to settle", || async {
        match browser.driver.execute_async(script, vec![]).await {
            Ok(serde_json::Value::Bool(true)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn every_screen_is_usable_by_all_on_a_phone() {
    check(Size::Phone, "phone").await;
}

#[tokio::test]
async fn every_screen_is_usable_by_all_on_a_desktop() {
    check(Size::Desktop, "desktop").await;
}

async fn check(size: Size, device: &str) {
    let axe = axe();
    if axe.is_none() {
        skip("there is no axe-core, so only the width of the screens is checked");
    }
    let town = Town::found().await;
    let mut inspector = Inspector { axe, suffix: format!("{device}-light"), wrong: Vec::new() };
    let newcomer = Browser::start(size).await;
    arriving(&newcomer, &mut inspector).await;
    newcomer.close().await;

    let browser = Browser::start(size).await;
    browser.sign_in(&town.people[0].node, &town.nsec(0)).await;
    browser.see("post-text", "閉店前").await;
    browser.see("post-name", "Professor").await;
    for theme in ["light", "dark"] {
        browser.go("#/settings").await;
        browser.find_css(&format!("[data-theme-choice={theme}]")).await.click().await.expect("a choice");
        browser.find_css(&format!("html[data-theme={theme}]")).await;
        inspector.suffix = format!("{device}-{theme}");
        tour(&browser, &town, &mut inspector).await;
    }
    browser.go("#/settings").await;
    browser.find_css("[data-language=ja]").await.click().await.expect("a choice");
    browser.find_css("html[lang=ja]").await;
    inspector.suffix = format!("{device}-light-ja");
    browser.find_css("[data-theme-choice=light]").await.click().await.expect("a choice");
    for (screen, fragment) in [("settings", "#/settings"), ("home", "#/"), ("me", "#/me")] {
        browser.go(fragment).await;
        inspector.look(&browser, screen).await;
    }
    offline(&browser, town, &mut inspector).await;
    browser.close().await;
    assert!(inspector.wrong.is_empty(), "{:#?}", inspector.wrong);
}

/// The steps of setting up, with what can go wrong in them, and the first empty screens.
async fn arriving(browser: &Browser, inspector: &mut Inspector) {
    let node = Node::start(&[]).await;
    browser.open(node.claim_link.as_ref().expect("a claim link")).await;
    browser.find("next").await;
    inspector.look(browser, "welcome-node").await;
    browser.click("next").await;
    browser.find("key-create").await;
    inspector.look(browser, "welcome-key").await;
    browser.click("key-import").await;
    browser.type_into("nsec-input", "nsec1wrong").await;
    browser.click("next").await;
    browser.find("error").await;
    inspector.look(browser, "welcome-import-error").await;
    browser.click("back").await;
    browser.click("key-create").await;
    browser.find("nsec").await;
    inspector.look(browser, "welcome-backup").await;
    browser.click("backup-later").await;
    browser.type_into("name-input", "Mia").await;
    inspector.look(browser, "welcome-name").await;
    browser.click("next").await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.find_css(".empty").await;
    for (screen, fragment) in [
        ("home-empty", "#/"),
        ("find-empty", "#/find"),
        ("notifications-empty", "#/notifications"),
        ("network-empty", "#/network"),
    ] {
        browser.go(fragment).await;
        inspector.look(browser, screen).await;
    }
}

/// Every screen in use.
async fn tour(browser: &Browser, town: &Town, inspector: &mut Inspector) {
    let person = format!("#/p/{}", town.public(3).to_npub());
    let conversation = format!("#/e/{}", town.conversation.to_note());
    for (screen, fragment, shows) in [
        ("home", "#/", "[data-testid=post]"),
        ("find", "#/find", "[data-testid=person-row]"),
        ("notifications", "#/notifications", "[data-testid=notice]"),
        ("network", "#/network", ".peer"),
        ("me", "#/me", "[data-testid=npub]"),
        ("settings", "#/settings", "[data-theme-choice]"),
        ("person", &person, "[data-testid=follow]"),
        ("thread", &conversation, "[data-testid=thread] [data-testid=post]"),
        ("write", "#/write", "main"),
    ] {
        browser.go(fragment).await;
        browser.find_css(shows).await;
        inspector.look(browser, screen).await;
    }
    browser.go("#/").await;
    browser.press_in_post("Measure twice", "more").await;
    browser.find("menu").await;
    inspector.look(browser, "home-menu").await;
    browser.press_in_post("Measure twice", "more").await;
    browser.press_in_post("Measure twice", "reply").await;
    browser.find("compose-text").await;
    browser.type_into("compose-text", "And the third time, ask somebody else.").await;
    inspector.look(browser, "reply").await;
    browser.click("reply-cancel").await;
    browser.driver.execute("history.back()", vec![]).await.expect("a page");
    browser.go("#/find").await;
    browser.type_into("search", "no such words").await;
    inspector.look(browser, "find-nothing").await;
    // All of it, and away: WebDriver's own way of emptying a field tells the page nothing.
    browser.type_into("search", "\u{e009}a\u{e000}\u{e017}").await;
    browser.go("#/network").await;
    // A press by the keyboard: nodes of the picture are buttons.
    browser.find_css(".peer").await.send_keys("\u{e007}").await.expect("a node");
    browser.find_css(".peer-chosen").await;
    inspector.look(browser, "network-chosen").await;
}

/// The own node is gone.
async fn offline(browser: &Browser, mut town: Town, inspector: &mut Inspector) {
    let gone = town.people.remove(0).node.stop().await;
    browser.attribute("connection", "data-state", "offline").await;
    for (screen, fragment) in [("home-offline", "#/"), ("network-offline", "#/network")] {
        browser.go(fragment).await;
        inspector.look(browser, screen).await;
    }
    drop(gone);
}
