//! What is no post, in the page: polls, articles, highlights, comments, reposts of them, and what the page does not know.

use nostrp2p_protocol::{Event, EventPointer, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Browser, Person, Relay, Size, now, until};
use serde_json::{Value, json};

fn signed(key: &SecretKey, kind: u16, tags: &[&[&str]], content: &str) -> Event {
    let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
    EventTemplate { created_at: now(), kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

/// What somebody wrote of this kind, once their node has it.
async fn written(person: &Person, kind: u16) -> Value {
    let mut program = Relay::login(&person.node.clients(), &person.key).await;
    let author = person.key.public_key().to_string();
    until("the node to have it", async || {
        let found = program.ask(&[json!({ "kinds": [kind], "authors": [author] })]).await;
        found.into_iter().next().ok_or("nothing yet")
    })
    .await
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
    let markdown = format!(
        "## Why\n\nIt *is* **quick**, see [the book](https://a.example/book).\n\n- safe\n- small\n\n```\ncargo run\n```\n\n{}A long read with <b>no</b> markup.",
        "> ".repeat(2_000)
    );
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
    browser.see("poll-option", "Choice 3").await;
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
    // In full, as elements.
    let quoted =
        "return document.querySelector('.article blockquote blockquote blockquote')?.textContent ?? ''";
    browser.comes_to("the article in full", quoted, "A long read with <b>no</b> markup.".into()).await;
    picture(&browser, "article-phone").await;
    browser.press_in_post("On Rust", "repost").await;
    browser.click("repost-now").await;
    browser.see("notice", "Reposted").await;
    browser.go("#/").await;
    browser.read(" reposted").await;
    browser.close().await;
}

#[tokio::test]
async fn a_vote_says_before_to_whom_it_goes_and_a_comment_on_the_poll_is_no_post() {
    let (alice, mut bob, browser) = Person::pair_with_browser(Size::Phone).await;
    let options: [&[&str]; 3] =
        [&["option", "a", "Tea"], &["option", "b", "Coffee"], &["option", "c", &"long".repeat(75)]];
    let poll = signed(&bob.key, 1_068, &options, "What shall it be?");
    bob.client.publish(&poll).await;
    browser.see("poll-option", "Coffee").await;
    let pointer =
        EventPointer { id: poll.id(), author: Some(bob.key.public_key()), relays: vec![], kind: None };
    browser.go(&format!("#/e/{}", pointer.to_nevent())).await;
    browser.see("poll-state", "0 votes").await;
    let choose = "
        const options = Array.from(document.querySelectorAll('[data-testid=poll-option]'));
        options.find(option => option.textContent.includes('Coffee'))?.click();";
    browser.run(choose).await;
    browser.see("vote-goes-to", "whose node shows all votes to whoever opens this poll").await;
    picture(&browser, "poll-phone").await;
    browser.click("vote").await;
    browser.see("poll-state", "1 vote").await;
    let fits = "return document.documentElement.scrollWidth <= innerWidth";
    browser.comes_to("the layout stays", fits, true.into()).await;
    picture(&browser, "voted-phone").await;
    let vote = written(&alice, 1_018).await;
    assert_eq!(vote["tags"], json!([["e", poll.id().to_string()], ["response", "b"]]));

    browser.press_in_post("What shall it be?", "reply").await;
    browser.type_into("compose-text", "Coffee, please").await;
    browser.click("compose-send").await;
    browser.see("thread", "Coffee, please").await;
    let comment = written(&alice, 1_111).await;
    let author = bob.key.public_key().to_string();
    for tag in [json!(["K", "1068"]), json!(["k", "1068"]), json!(["P", author]), json!(["p", author])] {
        assert!(comment["tags"].as_array().is_some_and(|tags| tags.contains(&tag)), "{tag} in {comment}");
    }
    // It is private, so it reaches its person.
    until("the comment at Bob", async || {
        let held = bob.client.everything().await;
        if held.iter().any(|text| text == "Coffee, please") { Ok(()) } else { Err(held) }
    })
    .await;
    browser.close().await;
}
