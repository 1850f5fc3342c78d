//! A long word in any box, typed or written by others, makes no screen wider and covers no button.

use nostrp2p_protocol::{EventTemplate, Kind};
use nostrp2p_tests::{Browser, Node, Person, Size, now, post, until};
use serde_json::{Value, json};

/// Fills every box of the screen with a long word, as typing does.
const FILL: &str = "
    const word = arguments[0];
    for (const box of document.querySelectorAll('textarea, input:not([type=file], [type=radio], [type=checkbox])')) {
        const prototype = box.tagName === 'TEXTAREA' ? HTMLTextAreaElement : HTMLInputElement;
        Object.getOwnPropertyDescriptor(prototype.prototype, 'value').set.call(box, word);
        box.dispatchEvent(new Event('input', { bubbles: true }));
    }";

/// What of the screen is beyond the window, or under something else.
const WRONG: &str = "
    const wrong = [];
    const { scrollWidth } = document.documentElement;
    if (scrollWidth > innerWidth) wrong.push(`${scrollWidth} of ${innerWidth}`);
    for (const element of document.querySelectorAll('#main button, #main textarea, #main input, #main .post-text')) {
        const { left, right, top, bottom, width } = element.getBoundingClientRect();
        if (width === 0) continue;
        const name = `${element.tagName} ${element.dataset.testid ?? element.className}`;
        if (left < 0 || right > innerWidth + 1) wrong.push(`${name} from ${left} to ${right}`);
        const [x, y] = [(left + right) / 2, (top + bottom) / 2];
        if (element.dataset.testid === 'compose-send' && y > 0 && y < innerHeight
            && !element.contains(document.elementFromPoint(x, y))) wrong.push(`${name} is covered`);
    }
    return wrong;";

#[tokio::test]
async fn a_long_word_in_any_box_makes_no_screen_wider() {
    let word = format!("https://en.example.org/{}", "w".repeat(140));
    let mut bo = Person::arrive(None).await;
    let node = Node::start(&["-b", &bo.node.nodes()]).await;
    let browser = Browser::start(Size::Desktop).await;
    browser.arrive(&node, "Ada").await;
    bo.client.neighbours(1).await;
    let long = "w".repeat(300);
    let content = json!({ "name": long, "about": long, "nip05": format!("{long}@x.example") }).to_string();
    let profile = EventTemplate { created_at: now(), kind: Kind::PROFILE, tags: vec![], content };
    bo.client.publish(&profile.sign(&bo.key, &[7; 32])).await;
    bo.client.publish(&post(&bo.key, &format!("{long} {word} #{long}"))).await;
    browser.see("post-text", &long).await;
    let person = format!("#/p/{}", bo.key.public_key().to_npub());
    for width in [320, 390, 768, 1_280] {
        browser.set_viewport(width, 800).await;
        for (screen, title) in [
            ("#/", "Home"),
            ("#/write", "Write"),
            ("#/find", "Search"),
            ("#/me", "Me"),
            ("#/settings", "Settings"),
            ("#/network", "Network"),
            ("#/notifications", "Notifications"),
            (&person, "www"),
        ] {
            browser.go(screen).await;
            until(&format!("{screen} to be drawn"), || async {
                let shown = browser.run("return document.title").await;
                if shown.as_str().is_some_and(|shown| shown.contains(title)) { Ok(()) } else { Err(shown) }
            })
            .await;
            browser.driver.execute(FILL, vec![json!(word)]).await.unwrap();
            until(&format!("{screen} to fit at {width}"), || async {
                match browser.driver.execute(WRONG, vec![]).await {
                    Ok(Value::Array(wrong)) if wrong.is_empty() => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            })
            .await;
        }
    }
}
