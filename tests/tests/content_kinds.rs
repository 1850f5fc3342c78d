//! What is no post, in the page: polls, articles, highlights, comments, reposts of them, and what the page does not know.

use nostrp2p_protocol::{Event, EventPointer, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Browser, Person, Size, now};

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at: now(), kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

/// A picture to look at in both colours, if somebody wants some (`NOSTRP2P_PICTURES` is a folder).
async fn picture(browser: &Browser, name: &str) {
    let Some(folder) = std::env::var_os("NOSTRP2P_PICTURES") else { return };
    for colours in ["light", "dark"] {
        browser.run(&format!("document.documentElement.dataset.theme = '{colours}'")).await;
        browser.screenshot(&std::path::Path::new(&folder).join(format!("{name}-{colours}.png"))).await;
    }
    browser.run("document.documentElement.dataset.theme = 'auto'").await;
}

#[tokio::test]
async fn polls_articles_highlights_and_comments_are_shown_and_can_be_passed_on() {
    let (_alice, mut bob, browser) = Person::pair_with_browser(Size::Phone).await;
    let markdown = format!("{}A long read with <b>no</b> markup.", "> ".repeat(2_000));
    let article = signed(&bob.key, 30_023, &[&["d", "on-rust"], &["title", "On Rust"]], &markdown);
    let id = article.id().to_string();
    let options: Vec<[String; 3]> =
        (0..1_000).map(|number| ["option".into(), number.to_string(), format!("Choice {number}")]).collect();
    let options: Vec<Vec<&str>> =
        options.iter().map(|tag| tag.iter().map(String::as_str).collect()).collect();
    let options: Vec<&[&str]> = options.iter().map(Vec::as_slice).collect();
    for event in [
        article.clone(),
        signed(&bob.key, 1_068, &options, "What shall it be?"),
        signed(
            &bob.key,
            9_802,
            &[&["r", "https://a.example/essay"], &["p", &id]],
            "A sentence that is well said",
        ),
        signed(
            &bob.key,
            1_111,
            &[&["E", &id], &["K", "30023"], &["e", &id], &["k", "30023"], &["audience", "everyone"]],
            "A word about the article",
        ),
    ] {
        bob.client.publish(&event).await;
    }
    browser.see("post-text", "On Rust").await;
    browser.see("post-text", "○ Choice 3").await;
    browser.see("post-text", "a.example/essay").await;
    browser.see("post-text", "A word about the article").await;
    browser.see_no("private").await;
    picture(&browser, "kinds-phone").await;
    // Nothing is wider than the screen.
    let fits = "return document.documentElement.scrollWidth <= innerWidth";
    browser.comes_to("the layout stays", fits, true.into()).await;

    // The comment stands under the article, which can be passed on as what it is.
    let pointer =
        EventPointer { id: article.id(), author: Some(bob.key.public_key()), relays: vec![], kind: None };
    browser.go(&format!("#/e/{}", pointer.to_nevent())).await;
    browser.see("thread", "A word about the article").await;
    picture(&browser, "article-phone").await;
    browser.press_in_post("On Rust", "repost").await;
    browser.click("repost-now").await;
    browser.see("notice", "Reposted").await;
    browser.go("#/").await;
    browser.read(" reposted").await;
    browser.close().await;
}
