//! The page without a network: it opens from what the service worker kept, shows what was read, and sends later.

use nostrp2p_tests::{Browser, Node, Size};
use serde_json::json;

#[tokio::test]
async fn the_page_starts_while_its_node_is_away_and_sends_later() {
    let node = Node::start(&[]).await;
    let browser = Browser::start(Size::Phone).await;
    browser.arrive(&node, "Mia").await;
    browser.write("written while all was well").await;
    browser.attribute("post-state", "data-state", "sent").await;
    // The service worker has the whole version before it is ready, or it is not ready.
    let ready = "navigator.serviceWorker.ready.then(() => arguments[arguments.length - 1](true))";
    let ready = browser.driver.execute_async(ready, vec![]).await.expect("a page");
    assert_eq!(ready, json!(true));

    let stopped = node.stop().await;
    browser.driver.refresh().await.expect("the page opens without the node that served it");
    browser.see("post-text", "written while all was well").await;
    browser.attribute("connection", "data-state", "offline").await;
    browser.write("written in a tunnel").await;
    browser.attribute("post-state", "data-state", "waiting").await;
    browser.driver.refresh().await.expect("a page");
    browser.see("post-text", "written in a tunnel").await;

    let node = stopped.start().await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.see_no_state("waiting").await;
    drop(node);
    browser.close().await;
}
