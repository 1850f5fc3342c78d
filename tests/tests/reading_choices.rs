//! What people choose to read, in the page: muting and hiding, answers of those they follow, conversations, bookmarks,
//! pinned posts and lists of people. What is for oneself alone is encrypted wherever it lies.

use nostrp2p_protocol::{
    Event, EventTemplate, Kind, SecretKey, Tag, event_policy::everyone_tag, nip44::ConversationKey,
};
use nostrp2p_tests::{Browser, Person, Relay, Size, now, random_key, until};
use serde_json::{Value, json};

fn signed(key: &SecretKey, kind: u16, created_at: u64, tags: Vec<Tag>, content: &str) -> Event {
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

/// An answer for everyone to the post with which a conversation began.
fn answer(key: &SecretKey, root: &Event, created_at: u64, text: &str) -> Event {
    let root = [
        Tag::new(["e", &root.id().to_string(), "", "root"]),
        Tag::new(["p", &root.pubkey.to_string()]),
        everyone_tag(),
    ];
    signed(key, 1, created_at, root.to_vec(), text)
}

fn own(key: &SecretKey) -> ConversationKey {
    ConversationKey::new(key, &key.public_key()).expect("a key fits itself")
}

/// The newest version of a list on the node: its tags, and what it says to its author alone.
async fn list(person: &Person, kind: u16) -> (Value, Value, String) {
    let mut program = Relay::login(&person.node.clients(), &person.key).await;
    let found = program.ask(&[json!({ "kinds": [kind] })]).await;
    let list = found.into_iter().next().unwrap_or_default();
    let content = list["content"].as_str().unwrap_or_default().to_owned();
    let private = own(&person.key)
        .open(&content)
        .map_or(Value::Null, |text| serde_json::from_str(&text).expect("the private part is JSON"));
    (list["tags"].clone(), private, content)
}

/// Presses the button in the row with this text.
async fn press_in_row(browser: &Browser, row: &str, text: &str) {
    let script = "
        const rows = Array.from(document.querySelectorAll(`[data-testid=\"${arguments[0]}\"]`));
        const button = rows.find(row => row.textContent.includes(arguments[1]))?.querySelector('button');
        button?.click();
        return Boolean(button);";
    until(&format!("a button in {row} {text:?}"), || async {
        match browser.driver.execute(script, vec![json!(row), json!(text)]).await {
            Ok(Value::Bool(true)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
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

/// How many elements there are with this `data-testid`.
async fn count(browser: &Browser, id: &str) -> Value {
    browser.run(&format!("return document.querySelectorAll('[data-testid=\"{id}\"]').length")).await
}

#[tokio::test]
async fn words_conversations_and_posts_are_muted_everywhere_and_nobody_can_read_which() {
    let (mut alice, mut bob, browser) = Person::pair_with_browser(Size::Phone).await;
    // What another program has written into the list stays in it.
    let somebody = Tag::new(["p", &random_key().public_key().to_string()]);
    let private = own(&alice.key).seal(r#"[["word","snakes"],["odd","kept",""]]"#, &[3; 32]).unwrap();
    alice.client.publish(&signed(&alice.key, 10_000, now() - 60, vec![somebody.clone()], &private)).await;
    let root = signed(&bob.key, 1, now() - 5, vec![], "What do you all think?");
    let to_alice = vec![Tag::new(["p", &alice.key.public_key().to_string()])];
    for event in [
        signed(&bob.key, 1, now() - 9, vec![], "Snakes and ladders"),
        signed(&bob.key, 1, now() - 8, vec![], "A spider in the bath"),
        signed(&bob.key, 1, now() - 7, vec![], "A calm day"),
        root.clone(),
        signed(
            &bob.key,
            1,
            now() - 4,
            vec![Tag::new(["e", &root.id().to_string(), "", "root"])],
            "I think so",
        ),
        signed(&bob.key, 1, now() - 3, to_alice.clone(), "Alice, a spider!"),
        signed(&bob.key, 1, now() - 2, to_alice, "Alice, hello"),
    ] {
        bob.client.publish(&event).await;
    }
    browser.see("post-text", "A calm day").await;
    browser.see("post-text", "Alice, hello").await;
    browser.see_gone("Snakes and ladders").await;

    browser.go("#/settings").await;
    browser.see("muted", "snakes").await;
    browser.type_into("muted-word", "Spider").await;
    browser.click("mute-word").await;
    browser.see("muted", "spider").await;
    picture(&browser, "muted-phone").await;
    browser.go("#/").await;
    browser.see("post-text", "A calm day").await;
    browser.see_gone("A spider in the bath").await;
    browser.press_in_post("What do you all think?", "more").await;
    browser.find("menu").await;
    picture(&browser, "menu-phone").await;
    browser.click("mute-thread").await;
    browser.see_gone("I think so").await;
    browser.see_gone("What do you all think?").await;
    browser.press_in_post("A calm day", "more").await;
    browser.click("hide-post").await;
    browser.see_gone("A calm day").await;

    browser.go("#/notifications").await;
    browser.see("notice", "Alice, hello").await;
    assert_eq!(count(&browser, "notice").await, 1, "the other one has a muted word");
    browser.go("#/find").await;
    browser.type_into("search", "calm").await;
    browser.read("Your node holds nothing of that.").await;

    // The node has it, and cannot read it; what was there before is still there.
    let hidden = root.id().to_string();
    let (tags, private, content) = until("the node to have all three", async || {
        let (tags, private, content) = list(&alice, 10_000).await;
        if private.as_array().is_some_and(|private| private.len() == 5) {
            Ok((tags, private, content))
        } else {
            Err(private)
        }
    })
    .await;
    assert_eq!(tags, json!([somebody.elements()]));
    assert_eq!(private[0], json!(["word", "snakes"]));
    assert_eq!(private[1], json!(["odd", "kept", ""]));
    assert_eq!((&private[2], &private[3]), (&json!(["word", "spider"]), &json!(["e", hidden])));
    assert!(!content.contains("spider") && !content.contains(&hidden));

    // After a reload it is as it was, and each can be taken back.
    browser.open(&format!("http://{}/", alice.node.clients())).await;
    browser.see("post-text", "Alice, hello").await;
    browser.see_gone("A spider in the bath").await;
    browser.go("#/settings").await;
    press_in_row(&browser, "muted", "spider").await;
    press_in_row(&browser, "muted", "A calm day").await;
    browser.go("#/").await;
    browser.see("post-text", "A spider in the bath").await;
    browser.see("post-text", "A calm day").await;
    browser.see_gone("I think so").await;
    browser.close().await;
}

#[tokio::test]
async fn answers_of_those_one_follows_say_what_they_answer_and_notifications_are_gathered() {
    let (mut alice, mut bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    bob.client.watch(0).await;
    let mine = signed(&alice.key, 1, now() - 20, vec![], "My first words");
    alice.client.publish(&mine).await;
    bob.client.hear("My first words").await;
    let thread = signed(&bob.key, 1, now() - 15, vec![], "A thread of Bob");
    bob.client.publish(&thread).await;
    for number in 1..=3 {
        let text = format!("Bob answers {number}");
        bob.client.publish(&answer(&bob.key, &mine, now() - 10 + number, &text)).await;
    }
    let like = ["e", "p"].into_iter().zip([mine.id().to_string(), alice.key.public_key().to_string()]);
    let like = like.map(|(name, value)| Tag::new([name, &value])).collect();
    bob.client.publish(&signed(&bob.key, 7, now(), like, "+")).await;

    browser.go(&format!("#/p/{}", bob.key.public_key().to_npub())).await;
    browser.click("follow").await;
    browser.click("begin-list").await;
    browser.attribute("follow", "aria-pressed", "true").await;
    browser.go("#/").await;
    browser.click("tab-following").await;
    browser.see("post-text", "Bob answers 3").await;
    browser.see("answered", "My first words").await;
    picture(&browser, "answers-desktop").await;
    browser.click("with-answers").await;
    browser.see_gone("Bob answers 3").await;
    browser.see("post-text", "A thread of Bob").await;
    browser.click("with-answers").await;
    browser.see("post-text", "Bob answers 3").await;

    browser.press_in_post("A thread of Bob", "more").await;
    browser.click("follow-thread").await;
    let below = vec![Tag::new(["e", &thread.id().to_string(), "", "root"])];
    bob.client.publish(&signed(&bob.key, 1, now() + 1, below, "More of it")).await;
    browser.go("#/notifications").await;
    browser.see("notice", "3 answers · 1 like").await;
    browser.see("notice", "My first words").await;
    browser.see("notice", "in a conversation that you follow").await;
    assert_eq!(count(&browser, "notice").await, 2);
    picture(&browser, "notifications-desktop").await;
    browser.close().await;
}

#[tokio::test]
async fn bookmarks_pins_and_lists_of_people_are_kept_by_the_node_for_every_device() {
    let (mut alice, mut bob, browser) = Person::pair_with_browser(Size::Phone).await;
    bob.client.publish(&signed(&bob.key, 1, now() - 9, vec![], "Worth keeping")).await;
    bob.client.publish(&signed(&bob.key, 1, now() - 8, vec![], "Not so much")).await;
    alice.client.publish(&signed(&alice.key, 1, now() - 7, vec![], "Who I am")).await;
    let bookmarks = vec![Tag::new(["title", "kept"]), Tag::new(["r", "https://kept.example"])];
    alice.client.publish(&signed(&alice.key, 10_003, now() - 60, bookmarks, "")).await;
    browser.see("post-text", "Who I am").await;

    browser.press_in_post("Worth keeping", "more").await;
    browser.click("bookmark").await;
    browser.find("tab-bookmarks").await;
    browser.press_in_post("Who I am", "more").await;
    browser.click("pin").await;
    browser.click("begin-list").await;
    browser.go(&format!("#/p/{}", bob.key.public_key().to_npub())).await;
    browser.click("sort").await;
    browser.type_into("set-name", "Friends").await;
    browser.click("set-new").await;
    browser.attribute("set", "aria-pressed", "true").await;
    picture(&browser, "sets-phone").await;
    browser.go(&format!("#/p/{}", alice.key.public_key().to_npub())).await;
    browser.see("pinned", "Who I am").await;
    picture(&browser, "pinned-phone").await;

    let worth = until("the node to have them", async || {
        let (tags, private, content) = list(&alice, 10_003).await;
        if private.is_array() { Ok((tags, private, content)) } else { Err(content) }
    });
    let (tags, private, content) = worth.await;
    assert_eq!(tags, json!([["title", "kept"], ["r", "https://kept.example"]]));
    let id = private[0][1].as_str().unwrap().to_owned();
    assert!(private[0][0] == "e" && !content.contains(&id));
    let (tags, _, _) = list(&alice, 10_001).await;
    assert_eq!(tags[0][0], "e", "what stands on one's page is for everyone");
    let (tags, private, _) = list(&alice, 30_000).await;
    assert_eq!(tags, json!([["d", "Friends"], ["title", "Friends"]]));
    assert_eq!(private, json!([["p", bob.key.public_key().to_string()]]));
    browser.close().await;

    // Another device has them all.
    let other = Browser::start(Size::Desktop).await;
    other.sign_in(&alice.node, &alice.key.to_nsec()).await;
    other.click("tab-bookmarks").await;
    other.see("post-text", "Worth keeping").await;
    other.see_gone("Not so much").await;
    picture(&other, "bookmarks-desktop").await;
    other.see("tab-set", "Friends").await;
    other.click("tab-set").await;
    other.see("post-text", "Not so much").await;
    other.see_gone("Who I am").await;
    picture(&other, "set-desktop").await;
    // Whoever opens her page sees what she pinned.
    let bobs = Browser::start(Size::Phone).await;
    bobs.sign_in(&bob.node, &bob.key.to_nsec()).await;
    bobs.go(&format!("#/p/{}", alice.key.public_key().to_npub())).await;
    bobs.see("pinned", "Who I am").await;
    for browser in [other, bobs] {
        browser.close().await;
    }
}
