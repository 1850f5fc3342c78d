//! Links to other nodes that the person follows on purpose: a second node of their own, and a move to a new machine.

use nostrp2p_tests::{Browser, Node, Size, free_port, until};
use serde_json::Value;

async fn told(node: &Node) -> Value {
    let (_, _, body) = node.inside("/node.json").await;
    serde_json::from_slice(&body).expect("JSON")
}

/// Waits until the node may act for its owner.
async fn appointed(node: &Node) {
    until("a delegation", || async {
        let delegated = told(node).await["delegated"].clone();
        if delegated.is_null() { Err(delegated) } else { Ok(()) }
    })
    .await;
}

/// Follows a link in the page that is open, and has the other node show itself.
async fn look(browser: &Browser, wish: &str, node: &Node) {
    browser.go(wish).await;
    browser.see("offer-node", &node.clients()).await;
    browser.click("offer-look").await;
    let id = told(node).await["peer_id"].as_str().expect("an id").to_owned();
    browser.see("offer-node", &id[id.len() - 8..]).await;
}

async fn writes(browser: &Browser, node: &Node, text: &str) {
    let before = told(node).await["stored"].as_u64().unwrap_or_default();
    browser.write(text).await;
    browser.see("post-text", text).await;
    browser.see_no_state("waiting").await;
    until(&format!("{text:?} at that node"), || async {
        let stored = told(node).await["stored"].as_u64().unwrap_or_default();
        if stored > before { Ok(()) } else { Err(stored) }
    })
    .await;
}

#[tokio::test]
async fn a_second_node_of_ones_own_is_added_and_the_page_stays_with_the_first() {
    let first = Node::start(&[]).await;
    // Without that, the second node itself would send pages of another origin away.
    let second = Node::start(&["--allow-origin", &format!("http://{}", first.clients())]).await;
    let browser = Browser::start(Size::Desktop).await;
    browser.arrive(&first, "Ada").await;
    appointed(&first).await;
    let link = second.claim_link.clone().expect("a claim link");
    let wish = link.split_once('#').expect("a link").1;
    look(&browser, &format!("#{wish}&node=ws://{}", second.clients()), &second).await;
    browser.click("offer-add").await;
    browser.see_no("offer").await;
    appointed(&second).await;
    let owner = told(&first).await["owner"].clone();
    assert_eq!(told(&second).await["owner"], owner);
    writes(&browser, &first, "at the first one").await;
    browser.close().await;
}

#[tokio::test]
async fn a_person_moves_to_a_new_machine_with_the_old_data_directory_and_without_it() {
    let before = free_port();
    let page = format!("http://127.0.0.1:{}", before + 1);
    let old = Node::start_on(before, &["--allow-origin", &page]).await;
    let browser = Browser::start(Size::Desktop).await;
    browser.arrive(&old, "Ada").await;
    appointed(&old).await;
    let npub = browser.npub().await;
    // With the old data directory: the same node at another address.
    let port = free_port();
    let moved = old.stop().await.start_on(port).await;
    look(&browser, &format!("#node=ws://{}", moved.clients()), &moved).await;
    browser.click("offer-move").await;
    browser.attribute("connection", "data-state", "connected").await;
    writes(&browser, &moved, "at the new address").await;
    // Without it: another node at the address where the page looks for its own.
    drop(moved.stop().await);
    let fresh = Node::start_on(port, &["-p", &npub, "--allow-origin", &page]).await;
    browser.see("error", "new data directory").await;
    browser.click("stranger").await;
    browser.click("offer-look").await;
    browser.click("offer-move").await;
    browser.attribute("connection", "data-state", "connected").await;
    appointed(&fresh).await;
    writes(&browser, &fresh, "at the new node").await;
    browser.close().await;
}
