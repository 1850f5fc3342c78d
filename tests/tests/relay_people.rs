//! People who read on Nostr relays only, in the page: what the page says before one answers them, and what reaches them.

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag, event_policy::everyone_tag};
use nostrp2p_tests::{Browser, Client, ForeignRelay, Node, Person, Size, now, random_key, until};

use super::mirrors::{elsewhere, say};

fn signed(key: &SecretKey, kind: Kind, tags: Vec<Tag>, content: &str) -> Event {
    EventTemplate { created_at: now(), kind, tags, content: content.into() }.sign(key, &[7; 32])
}

#[tokio::test]
async fn somebody_on_a_relay_gets_an_answer_for_everyone_and_the_page_says_so_before() {
    let (alice, ada) = (random_key(), random_key());
    let relay = ForeignRelay::start().await;
    let npub = alice.public_key().to_npub();
    // Before the node asks: nobody is told of what is put there.
    let names_alice = vec![Tag::new(["p", &alice.public_key().to_string()])];
    relay.put(&signed(&ada, Kind::PROFILE, vec![], r#"{"name":"Ada"}"#)).await;
    let question = signed(&ada, Kind::POST, names_alice, "Alice, are you on a relay?");
    relay.put(&question).await;
    let node = Node::start(&["-p", &npub, "--mirror", &relay.url()]).await;
    let mut client = Client::login(&node.clients(), &alice).await;
    client.delegate(&alice).await;
    client.watch(0).await;
    client.hear("Alice, are you on a relay?").await;

    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&node, &alice.to_nsec()).await;
    browser.go("#/notifications").await;
    browser.click("notice").await;
    browser.see("post-text", "are you on a relay?").await;
    // It stands on a relay, where everybody can read it, so it is not private here.
    browser.see_no("private").await;
    browser.press_in_post("are you on a relay?", "reply").await;
    browser.see("relay-only", "Ada").await;
    browser.attribute("for-everyone", "aria-checked", "true").await;
    picture(&browser, "relay-only-phone").await;
    browser.type_into("compose-text", "Yes, by way of my node").await;
    browser.click("compose-send").await;
    relay.holds(&["Alice, are you on a relay?", "Yes, by way of my node", r#"{"name":"Ada"}"#]).await;

    // A like reaches her in public alone, and the page asks once.
    browser.press_in_post("are you on a relay?", "like").await;
    browser.find("like-public").await;
    picture(&browser, "like-on-relays-phone").await;
    browser.click("like-public").await;
    relay.holds(&["+", "Alice, are you on a relay?", "Yes, by way of my node", r#"{"name":"Ada"}"#]).await;

    // What she answers comes back by the same way, and stands under it.
    let tags = vec![
        Tag::new(["e", &question.id().to_string(), "", "root"]),
        Tag::new(["p", &alice.public_key().to_string()]),
    ];
    let there = elsewhere(&relay.url(), &ada).await;
    say(&there, &signed(&ada, Kind::POST, tags.clone(), "Good to hear")).await;
    browser.see("post-text", "Good to hear").await;
    // And so on, ten in all.
    let root = tags[0].clone();
    for number in 1..=5 {
        say(&there, &signed(&ada, Kind::POST, tags.clone(), &format!("Ada {number}"))).await;
        browser.see("post-text", &format!("Ada {number}")).await;
        let to_ada = vec![root.clone(), Tag::new(["p", &ada.public_key().to_string()]), everyone_tag()];
        client.publish(&signed(&alice, Kind::POST, to_ada, &format!("Alice {number}"))).await;
        until("the relay to have it", async || {
            let seen = relay.contents().await;
            if seen.contains(&format!("Alice {number}")) { Ok(()) } else { Err(seen) }
        })
        .await;
    }
    picture(&browser, "thread-over-a-relay-phone").await;

    // Which relay has an answer stands in its menu.
    browser.press_in_post("Yes, by way of my node", "more").await;
    browser.see("delivery", &relay.url()).await;
    browser.see("delivery", "has it").await;
    browser.run("document.querySelector('[data-testid=delivery]').scrollIntoView({ block: 'center' })").await;
    picture(&browser, "at-relays-phone").await;
    browser.close().await;
}

#[tokio::test]
async fn what_its_author_warns_of_is_shown_after_a_tap() {
    let (alice, bob, browser) = Person::pair_with_browser(Size::Desktop).await;
    let mut bob = bob;
    let warning = vec![Tag::new(["content-warning", "spiders"])];
    bob.client.publish(&signed(&bob.key, Kind::POST, warning, "a spider with eight legs")).await;
    browser.see("warned", "spiders").await;
    assert!(!browser.find_css("main").await.text().await.unwrap().contains("eight legs"));
    picture(&browser, "warned-desktop").await;
    browser.click("warned-show").await;
    browser.see("post-text", "a spider with eight legs").await;
    drop(alice);
    browser.close().await;
}

/// A picture to look at, if somebody wants some (`NOSTRP2P_PICTURES` is a folder).
async fn picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("NOSTRP2P_PICTURES") {
        browser.screenshot(&std::path::Path::new(&folder).join(format!("{name}.png"))).await;
    }
}
