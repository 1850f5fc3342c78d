//! The screen Network: how the own node stands, in words and figures.

use nostrp2p_protocol::SecretKey;
use nostrp2p_tests::{Browser, Node, Person, Size, post, random_key, reply, until};

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

#[tokio::test]
async fn the_page_warns_before_mailbox_and_disk_are_full() {
    let owner = random_key();
    let npub = owner.public_key().to_npub();
    // Each nine tenths of the mailbox, and with what surrounds it more than the disk that the node may take.
    let node = Node::start(&["-p", &npub, "--max-mail", "1", "--max-disk", "2"]).await.stop().await;
    let text = "x".repeat(20_000);
    let mail = |number: u8| reply(&SecretKey::from_bytes([number + 1; 32]).expect("a key"), &text, &[&owner]);
    node.import(&(0..46).map(mail).collect::<Vec<_>>());
    let node = node.start().await;
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(&node, &owner.to_nsec()).await;
    browser.go("#/network").await;
    browser.see("warnings", "The mailbox of your node is nearly full").await;
    browser.see("warnings", "nearly all the disk that it may").await;
    browser.close().await;
}
