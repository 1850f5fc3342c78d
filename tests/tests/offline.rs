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
    can_start_offline(&browser).await;
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

#[tokio::test]
async fn bookmarks_and_muted_words_are_there_while_the_node_is_away() {
    let node = Node::start(&[]).await;
    let browser = Browser::start(Size::Phone).await;
    browser.arrive(&node, "Mia").await;
    browser.write("to be kept").await;
    browser.attribute("post-state", "data-state", "sent").await;
    browser.press_in_post("to be kept", "more").await;
    browser.click("bookmark").await;
    browser.find("tab-bookmarks").await;
    browser.go("#/settings").await;
    browser.type_into("muted-word", "spider").await;
    browser.click("mute-word").await;
    browser.see("muted", "spider").await;
    let names = "return new Promise(give => { indexedDB.open('nostrp2p').onsuccess = opened => {
        const database = opened.target.result;
        const names = database.transaction('settings').objectStore('settings').getAllKeys();
        names.onsuccess = () => {
            database.close();
            give(names.result.filter(name => /^(list|private):/.test(name)));
        };
    }; })";
    let all = json!(["list:10003:", "private:10000:", "private:10003:"]);
    browser.comes_to("both lists to be stored", names, all).await;
    can_start_offline(&browser).await;

    let stopped = node.stop().await;
    browser.driver.refresh().await.expect("the page opens without the node that served it");
    browser.attribute("connection", "data-state", "offline").await;
    browser.see("muted", "spider").await;
    browser.go("#/").await;
    browser.click("tab-bookmarks").await;
    browser.see("post-text", "to be kept").await;
    drop(stopped);
    browser.close().await;
}

/// Waits until the service worker has the whole version; it is not ready before.
async fn can_start_offline(browser: &Browser) {
    let ready = "navigator.serviceWorker.ready.then(() => arguments[arguments.length - 1](true))";
    let ready = browser.driver.execute_async(ready, vec![]).await.expect("a page");
    assert_eq!(ready, json!(true));
}
