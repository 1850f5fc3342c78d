//! Profile and lists of a key that exists elsewhere: nothing of them is lost by using it here.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use fantoccini::Locator;
use nostr_sdk::prelude::{Filter as SdkFilter, MemoryDatabase, NostrDatabase};
use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};
use nostrp2p_tests::{Browser, ForeignRelay, Node, Size, free_port, now, random_key, until};
use serde_json::json;

const PROFILE: &str =
    r#"{"name":"ada", "display_name":"Ada L.","lud16":"ada@pay.example","about":"x","n":1.50}"#;

fn signed(key: &SecretKey, kind: u16, tags: Vec<Tag>, content: &str) -> Event {
    // A profile may have stood for years.
    let created_at = now() - 400 * 86_400;
    EventTemplate { created_at, kind: Kind(kind), tags, content: content.into() }.sign(key, &[7; 32])
}

/// What a relay holds of this kind: its tags and content.
async fn held(database: &MemoryDatabase, kind: u16) -> (usize, String) {
    let events = database.query(SdkFilter::new().kind(nostr_sdk::Kind::from(kind))).await.unwrap();
    events.into_iter().next().map(|event| (event.tags.len(), event.content)).unwrap_or_default()
}

/// Claims a node with a key that was made elsewhere, up to the step in which a name is chosen.
async fn claim_with(browser: &Browser, node: &Node, key: &SecretKey) {
    browser.open(node.claim_link.as_ref().unwrap()).await;
    browser.find("welcome").await;
    browser.click("next").await;
    browser.click("key-import").await;
    browser.type_into("nsec-input", key.to_nsec().as_str()).await;
    browser.click("next").await;
    browser.find("name-input").await;
}

async fn name_in_the_form(browser: &Browser, expected: &str) {
    until(&format!("the form to show {expected:?}"), || async {
        let input = browser.find("name-input").await;
        match input.prop("value").await {
            Ok(Some(value)) if value == expected => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn signing_in_with_a_key_from_elsewhere_keeps_its_profile_and_its_follows() {
    let browser = Browser::start(Size::Desktop).await;
    let ada = random_key();
    let relay = ForeignRelay::start().await;
    let follows = (0..300).map(|_| Tag::new(["p".to_owned(), random_key().public_key().to_string()]));
    let about = vec![Tag::new(["i", "github:ada", "proof"]), Tag::new(["emoji", "a", "https://x.example/a"])];
    for event in [signed(&ada, 0, about, PROFILE), signed(&ada, 3, follows.collect(), "")] {
        relay.put(&event).await;
    }

    let node = Node::start(&["--mirror", &relay.url()]).await;
    claim_with(&browser, &node, &ada).await;
    name_in_the_form(&browser, "Ada L.").await;
    browser.type_into("name-input", " the Second").await;
    browser.click("next").await;
    browser.attribute("connection", "data-state", "connected").await;
    let renamed = PROFILE.replace("Ada L.", "Ada L. the Second");
    until("the relay to hold the new name and all else", || async {
        let seen = held(relay.database(), 0).await;
        if seen == (2, renamed.clone()) { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
    let person = random_key().public_key().to_npub();
    browser.go(&format!("#/p/{person}")).await;
    browser.click("follow").await;
    until("the relay to hold one follow more", || async {
        let (seen, _) = held(relay.database(), 3).await;
        if seen == 301 { Ok(()) } else { Err(seen.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_chosen_before_a_mirror_has_answered_waits_for_it() {
    let browser = Browser::start(Size::Phone).await;
    // A relay that takes connections and says nothing yet.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let node = Node::start(&["--mirror", &url]).await;
    claim_with(&browser, &node, &random_key()).await;
    browser.type_into("name-input", "Ada").await;
    browser.click("next").await;
    browser.read("once your node has shown the present one").await;
    // It never answers, so the person is asked after a while.
    browser.find("begin-list").await;
    drop(silent);
    browser.close().await;
}

#[tokio::test]
async fn where_nothing_can_be_reached_the_person_is_asked_before_a_first_profile() {
    let browser = Browser::start(Size::Phone).await;
    let node = Node::start(&["--mirror", &format!("ws://127.0.0.1:{}", free_port())]).await;
    claim_with(&browser, &node, &random_key()).await;
    browser.type_into("name-input", "Ada").await;
    browser.click("next").await;
    browser.find("begin-list").await;
    browser.click("begin-list").await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.go("#/me").await;
    name_in_the_form(&browser, "Ada").await;
}

#[tokio::test]
async fn a_profile_that_the_node_refuses_is_as_it_was() {
    let browser = Browser::start(Size::Desktop).await;
    let node = Node::start(&[]).await;
    browser.arrive(&node, "Ada").await;
    browser.go("#/me").await;
    browser.find("profile-save").await;
    let fill = "
        const about = document.getElementById('about');
        about.value = 'x'.repeat(70000);
        about.dispatchEvent(new Event('input', { bubbles: true }));";
    browser.driver.execute(fill, vec![json!(null)]).await.unwrap();
    browser.click("profile-save").await;
    browser.see("notice", "It is too long").await;
    // What was typed stays, to be made shorter, until it is dropped; the profile is as it was.
    browser.go("#/").await;
    browser.go("#/me").await;
    for (letters, then) in [(70_000, Some("profile-cancel")), (0, None)] {
        until(&format!("{letters} letters in the form"), || async {
            let about = browser.driver.find(Locator::Id("about")).await.map_err(|error| error.to_string())?;
            let value = about.prop("value").await.map_err(|error| error.to_string())?.unwrap_or_default();
            if value.len() == letters { Ok(()) } else { Err(value.len().to_string()) }
        })
        .await;
        if let Some(button) = then {
            browser.click(button).await;
        }
    }
    name_in_the_form(&browser, "Ada").await;
}
