//! Installing the page as an app.
//!
//! Headless Chromium offers that by itself, once manifest, icons and worker are those of an app; but what its own prompt
//! opens nobody can press. So after the real offer another one is dispatched, an event with the name and the method that
//! Chromium's has, which notes that it was asked.

use nostrp2p_tests::{Browser, Node, Size};
use serde_json::json;

const OFFER: &str = "
    const offer = new Event('beforeinstallprompt', { cancelable: true });
    window.asked = 0;
    offer.prompt = () => { window.asked += 1; return Promise.resolve({ outcome: 'accepted' }); };
    dispatchEvent(offer);
    return offer.defaultPrevented;";

#[tokio::test]
async fn the_page_can_be_installed_and_offers_it_once() {
    let node = Node::start(&[]).await;
    let browser = Browser::start(Size::Phone).await;
    browser.arrive(&node, "Mia").await;
    browser.go("#/settings").await;
    browser.find("install").await;
    assert_eq!(browser.run(OFFER).await, json!(true), "the browser's own bar is kept away");
    // Not under the bar at the bottom, where a person would not leave it either.
    browser.run("document.querySelector('[data-testid=install]').scrollIntoView({ block: 'center' })").await;
    browser.click("install").await;
    assert_eq!(browser.run("return asked").await, json!(1));
    browser.run("dispatchEvent(new Event('appinstalled'))").await;
    browser.see_no("install").await;
    let errors = browser.devtools("Page.getInstallabilityErrors", json!({})).await;
    let errors = errors["installabilityErrors"].as_array().cloned().unwrap_or_default();
    assert!(errors.is_empty(), "{errors:?}");
    let manifest = browser.devtools("Page.getAppManifest", json!({})).await;
    assert_eq!(manifest["errors"], json!([]), "{manifest}");
    browser.close().await;
}
