//! The screen Network: how the own node stands, in words and figures.

use nostrp2p_tests::{Browser, Person, Size, post, until};

#[tokio::test]
async fn the_page_says_whether_others_reach_the_node_and_how_much_goes_between_them() {
    let (alice, mut bob) = Person::pair().await;
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&alice.node, &alice.key.to_nsec()).await;
    browser.go("#/network").await;
    browser.see("figure-connected", "1").await;
    browser.see("reached", "on its own machine alone").await;
    bob.client.publish(&post(&bob.key, "how do you do?")).await;
    for figure in ["figure-received", "figure-sent"] {
        until(figure, || async {
            let carried = browser.find(figure).await.text().await.unwrap_or_default();
            if carried.starts_with(|first: char| ('1'..='9').contains(&first)) {
                Ok(())
            } else {
                Err(carried)
            }
        })
        .await;
    }
    browser.close().await;
}
