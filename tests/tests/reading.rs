//! Reading in real browsers: what is deleted goes everywhere, conversations, quotes and reposts.

use nostrp2p_tests::{Browser, Node, Size};

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
    alice.see("notice", "Bob replied").await;
    alice.see("notice", "Bob likes your post").await;
    phone.see_no("unread").await;
    alice.see_no("unread").await;
    phone.driver.refresh().await.expect("a page");
    phone.attribute("connection", "data-state", "connected").await;
    phone.go("#/notifications").await;
    phone.see("notice", "Bob replied").await;
    phone.attribute("notice", "data-new", "no").await;
    phone.see_no("unread").await;
    tokio::join!(alice.close(), bob.close(), phone.close());
}
