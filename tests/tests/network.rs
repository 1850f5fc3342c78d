//! The screen Network: how the own node stands, in words and figures.

use nostrp2p_tests::{Browser, Person, Size, post};

#[tokio::test]
async fn the_page_says_whether_others_reach_the_node_and_how_much_they_told_it() {
    let (alice, mut bob) = Person::pair().await;
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&alice.node, &alice.key.to_nsec()).await;
    browser.go("#/network").await;
    browser.see("figure-connected", "1").await;
    browser.see("reached", "on its own machine alone").await;
    // Bob's announcement and this post: less than a kilobyte is said as one.
    bob.client.publish(&post(&bob.key, "how do you do?")).await;
    browser.see("figure-heard", "1 KB").await;
    browser.close().await;
}
