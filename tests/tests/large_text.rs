//! Text of twice the usual size (WCAG 1.4.4): nothing that the page says is cut, and nothing leaves the window.
#![expect(clippy::panic, reason = "a test stops at the first surprise")]

use nostrp2p_protocol::{EventTemplate, Kind, Tag};
use nostrp2p_tests::{Browser, Person, Size, now, post};
use serde_json::{Value, json};

/// What of the page's own words is cut, and what stands beyond the window. Names and texts of people may be cut: they can be
/// of any length.
const WRONG: &str = "
    const wrong = [];
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) wrong.push(`the page is ${scrollWidth} wide`);
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const words = walk.currentNode;
        const element = words.parentElement;
        if (!words.data.trim() || element.closest('script, .hidden, bdi, textarea, [dir], .rail-label')) continue;
        if (!element.checkVisibility({ visibilityProperty: true })) continue;
        const range = document.createRange();
        range.selectNodeContents(words);
        const box = range.getBoundingClientRect();
        const name = `${element.className || element.tagName} ${JSON.stringify(words.data.slice(0, 40))}`;
        if (box.left < -1 || box.right > innerWidth + 1) wrong.push(`${name} leaves the window`);
        for (let around = element; around && around !== document.body; around = around.parentElement) {
            const style = getComputedStyle(around);
            if (style.display === 'inline' || style.overflowX === 'visible') continue;
            const edge = around.getBoundingClientRect();
            if (box.left < edge.left - 1 || box.right > edge.right + 1)
                wrong.push(`${name} is cut by ${around.className || around.tagName}`);
        }
    }
    // What is pressed shows all of what it holds.
    for (const element of document.querySelectorAll('button, .button, .pill, .tab, .badge, dt')) {
        if (!element.checkVisibility({ visibilityProperty: true }) || element.closest('.post-name')) continue;
        const { scrollWidth, clientWidth, scrollHeight, clientHeight } = element;
        if (clientWidth && getComputedStyle(element).display !== 'inline' && scrollWidth > clientWidth + 1
            && !element.matches('.pill, .rail-link'))
            wrong.push(`${element.className} holds ${scrollWidth} in ${clientWidth}`);
        if (element.matches('.badge') && scrollHeight > clientHeight + 1)
            wrong.push(`${element.className} holds ${scrollHeight} in ${clientHeight} of height`);
    }
    return wrong;";

#[tokio::test]
async fn at_twice_the_usual_text_nothing_is_cut_on_a_phone() {
    check(Size::Phone, "phone").await;
}

#[tokio::test]
async fn at_twice_the_usual_text_nothing_is_cut_on_a_desktop() {
    check(Size::Desktop, "desktop").await;
}

async fn check(size: Size, device: &str) {
    let (alice, mut bob) = Person::pair().await;
    let content = r#"{"name":"Bo","about":"hello"}"#.to_owned();
    let profile = EventTemplate { created_at: now(), kind: Kind::PROFILE, tags: vec![], content };
    bob.client.publish(&profile.sign(&bob.key, &[7; 32])).await;
    let theirs = post(&bob.key, "from Bo");
    bob.client.publish(&theirs).await;
    // Something to be told of beside the bell.
    let tags = vec![Tag::new(["p".to_owned(), alice.key.public_key().to_string()])];
    let to_alice = EventTemplate { created_at: now(), kind: Kind::POST, tags, content: "hello".into() };
    bob.client.publish(&to_alice.sign(&bob.key, &[7; 32])).await;
    // As somebody has it who has chosen the largest text of the browser.
    let browser = Browser::start_with(size, &["--blink-settings=defaultFontSize=32"]).await;
    browser.sign_in(&alice.node, &alice.key.to_nsec()).await;
    browser.see("post-text", "from Bo").await;
    assert_eq!(browser.run("return getComputedStyle(document.body).fontSize").await, json!("32px"));
    browser.find("unread").await;
    if matches!(size, Size::Desktop) {
        // A name, which may be cut, takes the place of the node's id.
        browser.find_css(".around-row bdi").await;
    }
    let mut wrong = found(&browser, "unread").await;
    for language in ["en", "ja"] {
        browser.go("#/settings").await;
        browser.find_css(&format!("[data-language={language}]")).await.click().await.expect("a choice");
        browser.find_css(&format!("html[lang={language}]")).await;
        // What opens over the posts.
        browser.go("#/").await;
        browser.press_in_post("from Bo", "more").await;
        browser.find("menu").await;
        wrong.extend(found(&browser, &format!("{language} menu")).await);
        browser.driver.active_element().await.expect("a page").send_keys("?").await.expect("a button");
        browser.find("help").await;
        wrong.extend(found(&browser, &format!("{language} help")).await);
        browser.click("help-close").await;
        for (screen, shows) in screens(&bob, &theirs.id().to_note()) {
            browser.go(&screen).await;
            browser.find_css(shows).await;
            let name = screen.trim_matches(['#', '/']).split('/').next().unwrap_or_default().to_owned();
            if let Some(folder) = std::env::var_os("NOSTRP2P_PICTURES") {
                let file = format!("large-{name}-{device}-{language}.png");
                browser.screenshot(&std::path::Path::new(&folder).join(file)).await;
            }
            wrong.extend(found(&browser, &format!("{language} #/{name}")).await);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    browser.close().await;
}

/// What is wrong in what is shown now.
async fn found(browser: &Browser, place: &str) -> Vec<String> {
    let Value::Array(found) = browser.run(WRONG).await else { panic!("no list") };
    found.into_iter().map(|found| format!("{place}: {found}")).collect()
}

/// All screens, each with what it shows once it is drawn.
fn screens(bob: &Person, note: &str) -> Vec<(String, &'static str)> {
    [
        ("#/".to_owned(), "[data-testid=post]"),
        ("#/find".to_owned(), "[data-testid=search]"),
        ("#/write".to_owned(), "[data-testid=compose-text]"),
        ("#/notifications".to_owned(), "[data-testid=notifications]"),
        ("#/me".to_owned(), "[data-testid=npub]"),
        ("#/settings".to_owned(), "[data-theme-choice]"),
        ("#/network".to_owned(), ".peer"),
        (format!("#/p/{}", bob.key.public_key().to_npub()), "[data-testid=follow]"),
        (format!("#/e/{note}"), "[data-testid=thread] [data-testid=post]"),
    ]
    .into()
}
