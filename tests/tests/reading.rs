//! Reading in real browsers: what is deleted goes everywhere, conversations, quotes and reposts.

use nostrp2p_protocol::{EventTemplate, Kind, Tag};
use nostrp2p_tests::{Browser, Node, Person, Relay, Size, now, until};
use serde_json::{Value, json};

/// Two people in two browsers, with a node each, who have seen each other.
async fn two_people() -> ((Browser, Node), (Browser, Node)) {
    let node_a = Node::start(&[]).await;
    let node_b = Node::start(&["-b", &node_a.nodes()]).await;
    let (alice, bob) = tokio::join!(Browser::start(Size::Desktop), Browser::start(Size::Phone));
    alice.arrive(&node_a, "Alice").await;
    bob.arrive(&node_b, "Bob").await;
    ((alice, node_a), (bob, node_b))
}

#[tokio::test]
async fn what_is_deleted_goes_from_the_other_browser_and_stays_away() {
    let ((alice, _node_a), (bob, _node_b)) = two_people().await;
    alice.write("to be regretted").await;
    bob.see("post-text", "to be regretted").await;
    alice.press_in_post("to be regretted", "more").await;
    alice.click("delete").await;
    alice.read("others may have kept it").await;
    alice.click("delete-yes").await;
    tokio::join!(alice.see_gone("to be regretted"), bob.see_gone("to be regretted"));
    alice.write("and now this").await;
    bob.see("post-text", "and now this").await;
    for page in [&alice, &bob] {
        page.driver.refresh().await.expect("a page");
        page.see("post-text", "and now this").await;
        page.see_gone("to be regretted").await;
    }
    tokio::join!(alice.close(), bob.close());
}

#[tokio::test]
async fn a_conversation_is_read_as_one() {
    let ((alice, _node_a), (bob, _node_b)) = two_people().await;
    alice.write("the beginning").await;
    bob.press_in_post("the beginning", "reply").await;
    bob.type_into("compose-text", "an answer").await;
    bob.click("compose-send").await;
    alice.press_in_post("an answer", "reply").await;
    alice.type_into("compose-text", "an answer to it").await;
    alice.click("compose-send").await;
    bob.see("post-text", "an answer to it").await;

    // By the keyboard from the timeline into the conversation, and back to where it began.
    let answer = bob.find_css("[data-testid=\"post\"]:has([data-testid=\"like\"])").await;
    answer.send_keys("\u{e007}").await.expect("a page");
    bob.find("thread").await;
    let order =
        "return Array.from(document.querySelectorAll('[data-testid=post-text]')).map(e => e.textContent)";
    let texts = bob.driver.execute(order, vec![]).await.expect("a page");
    assert_eq!(texts, serde_json::json!(["the beginning", "an answer", "an answer to it"]));
    bob.click("back").await;
    bob.find_css(".home").await;
    tokio::join!(alice.close(), bob.close());
}

#[tokio::test]
async fn quotes_and_reposts_are_shown_whole() {
    let ((alice, _node_a), (bob, _node_b)) = two_people().await;
    alice.write("worth passing on").await;
    bob.press_in_post("worth passing on", "repost").await;
    bob.click("repost-now").await;
    alice.read("Bob reposted").await;
    bob.press_in_post("worth passing on", "repost").await;
    bob.click("quote-now").await;
    bob.type_into("compose-text", "so true").await;
    bob.click("compose-send").await;
    alice.see("post-text", "so true").await;
    alice.see("quote", "worth passing on").await;
    alice.click("quote").await;
    alice.find("thread").await;
    tokio::join!(alice.close(), bob.close());
}

#[tokio::test]
async fn what_was_read_on_one_device_is_read_on_the_other() {
    let ((alice, node_a), (bob, _node_b)) = two_people().await;
    alice.write("who reads this?").await;
    bob.press_in_post("who reads this?", "like").await;
    bob.press_in_post("who reads this?", "reply").await;
    bob.type_into("compose-text", "I do").await;
    bob.click("compose-send").await;
    alice.attribute("unread", "data-count", "2").await;

    let phone = Browser::start(Size::Phone).await;
    phone.sign_in(&node_a, &alice.nsec().await).await;
    phone.attribute("unread", "data-count", "2").await;
    alice.go("#/notifications").await;
    alice.see("notice", "1 answer · 1 like").await;
    phone.see_no("unread").await;
    alice.see_no("unread").await;
    phone.driver.refresh().await.expect("a page");
    phone.attribute("connection", "data-state", "connected").await;
    phone.go("#/notifications").await;
    phone.see("notice", "1 answer · 1 like").await;
    phone.attribute("notice", "data-new", "no").await;
    phone.see_no("unread").await;
    tokio::join!(alice.close(), bob.close(), phone.close());
}

#[tokio::test]
async fn a_hashtag_is_signed_as_a_tag_and_leads_to_what_the_own_node_holds_of_it() {
    let mut bob = Person::arrive(None).await;
    let node = Node::start(&["-b", &bob.node.nodes()]).await;
    let alice = Browser::start(Size::Desktop).await;
    alice.arrive(&node, "Alice").await;
    let by_bob = |content: &str, tags: &[&str]| {
        let tags = tags.iter().map(|tag| Tag::new(["t", tag])).collect();
        // Older than what Alice writes, which is to stand above them.
        let created_at = now() - 60;
        let draft = EventTemplate { created_at, kind: Kind::POST, tags, content: content.to_owned() };
        draft.sign(&bob.key, &[7; 32])
    };
    let events = [
        by_bob("of relays #nostr", &["nostr"]),
        by_bob("of foxes", &["nostr"]),
        by_bob("of cats", &["cats"]),
        by_bob("of ostriches #nostrich", &["nostrich"]),
    ];
    for event in events {
        bob.client.publish(&event).await;
    }
    alice.see("post-text", "of relays").await;
    alice.see("post-text", "of cats").await;
    alice.write("hello #Nostr").await;
    let at_bobs = || async {
        let mut relay = Relay::login(&bob.node.clients(), &bob.key).await;
        relay.ask(&[json!({ "kinds": [1], "#t": ["nostr"] })]).await
    };
    let event = until("bob's node to find it by its tag", || async {
        let found = at_bobs().await;
        let hers = found.iter().find(|event| event["content"] == "hello #Nostr");
        hers.cloned().ok_or(found)
    })
    .await;
    assert_eq!(event["tags"], json!([["t", "nostr"]]));

    alice.find_css("[data-testid=post-text] .mention").await.click().await.expect("a page");
    alice.see_gone("of cats").await;
    alice.see_gone("of ostriches").await;
    alice.see("post-text", "of relays").await;
    alice.see("post-text", "of foxes").await;
    alice.see("post-text", "hello #Nostr").await;
    alice.close().await;
}

#[tokio::test]
async fn counts_stand_beside_the_buttons_of_the_own_post_and_me_shows_what_one_wrote_and_liked() {
    let ((alice, _node_a), (bob, _node_b)) = two_people().await;
    alice.write("of mine").await;
    bob.write("of bob").await;
    bob.press_in_post("of mine", "like").await;
    bob.press_in_post("of mine", "repost").await;
    bob.click("repost-now").await;
    bob.press_in_post("of mine", "reply").await;
    bob.type_into("compose-text", "an answer of bob").await;
    bob.click("compose-send").await;
    alice.press_in_post("of bob", "like").await;
    alice.press_in_post("of bob", "reply").await;
    alice.type_into("compose-text", "an answer of mine").await;
    alice.click("compose-send").await;
    alice.find_css("[data-testid=likes]").await;

    // What stands in the one row of the own post, in this order.
    let row = "
        const posts = Array.from(document.querySelectorAll('[data-testid=post]'));
        const text = post => post.querySelector('[data-testid=post-text]')?.textContent;
        const rows = posts.find(post => text(post) === 'of mine')?.querySelectorAll('.post-actions') ?? [];
        return Array.from(rows, row => Array.from(row.children, child =>
            child.dataset.testid + (child.tagName === 'BUTTON' ? '' : ' ' + child.textContent)));";
    let expected = json!([["reply", "answers 1", "repost", "reposts 1", "likes 1 like", "more"]]);
    until("the counts beside their buttons", || async {
        let seen: Value = alice.run(row).await;
        if seen == expected { Ok(()) } else { Err(seen) }
    })
    .await;

    alice.go("#/me").await;
    let texts = "
        const texts = id => Array.from(
            document.querySelectorAll(`[data-testid=${id}] [data-testid=post-text]`), e => e.textContent);
        return [texts('own-posts').sort(), texts('own-likes')];";
    let expected = json!([["an answer of mine", "of mine"], ["of bob"]]);
    until("what she wrote and liked", || async {
        let seen: Value = alice.run(texts).await;
        if seen == expected { Ok(()) } else { Err(seen) }
    })
    .await;
    tokio::join!(alice.close(), bob.close());
}
