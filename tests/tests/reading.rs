//! Reading in real browsers: what is deleted goes everywhere.

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
