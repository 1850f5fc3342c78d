//! A hosted page that cannot reach a node says why, as far as a browser lets it know, and what to do.

use nostrp2p_tests::{Browser, Certificate, Node, Site, Size, free_port};
use serde_json::json;

/// Types an address and waits for a sentence about it.
async fn try_address(browser: &Browser, address: &str, sentence: &str) {
    browser.type_over("node-address", address).await;
    browser.click("node-connect").await;
    browser.see("error", sentence).await;
}

#[tokio::test]
async fn a_page_over_https_explains_what_browsers_forbid_it() {
    let certificate = Certificate::new();
    let site = Site::start_secure(&certificate).await;
    let browser = Browser::start_with(Size::Phone, &[&certificate.chromium_flag()]).await;
    browser.open(&site.url).await;
    // Mixed content is told before anything is tried: 192.0.2.0/24 belongs to nobody.
    let plain = "http://192.0.2.1:20001";
    try_address(
        &browser,
        plain,
        "This page came over https, so the browser lets it talk to 192.0.2.1:20001 only over https too",
    )
    .await;
    // On this machine it may, so there the port is wrong, or the browser's question was answered with no.
    let port = free_port();
    let wrong = format!("127.0.0.1:{port}");
    try_address(
        &browser,
        &wrong,
        &format!("No node answers at {wrong}. Is it running? If the browser asked"),
    )
    .await;
    // A certificate that nobody trusts looks to a page like a node that is off, so the sentence names both.
    let stranger = Site::start_secure(&Certificate::new()).await;
    let authority = stranger.url.trim_start_matches("https://").trim_end_matches('/');
    let sentence =
        format!("Open https://{authority}/ in a new tab; if the browser warns there, it is the certificate");
    try_address(&browser, &stranger.url, &sentence).await;
    // And what works needs no sentence.
    let node = Node::start(&["--allow-origin", site.origin()]).await;
    browser.type_over("node-address", node.claim_link.as_ref().expect("a claim link")).await;
    browser.click("node-connect").await;
    browser.find("next").await;
    browser.see_no("error").await;
    browser.close().await;
}

#[tokio::test]
async fn a_page_over_http_tells_a_wrong_port_from_something_else_that_answers() {
    let site = Site::start().await;
    let browser = Browser::start(Size::Desktop).await;
    browser.open(&site.url).await;
    let wrong = format!("127.0.0.1:{}", free_port());
    try_address(
        &browser,
        &wrong,
        &format!("No node answers at {wrong}. Is it running, and is this its address?"),
    )
    .await;
    browser.close().await;
}

/// Chromium asks before a public page reaches this machine. Nobody can press its buttons from outside, so the answer is
/// given beforehand, and the site is made a public one by the browser's own switch; the refusal is Chromium's.
#[tokio::test]
async fn a_no_to_the_browsers_question_about_the_network_is_explained_and_a_yes_connects() {
    let certificate = Certificate::new();
    let site = Site::start_secure(&certificate).await;
    let port = site.url.trim_end_matches('/').rsplit(':').next().expect("a port").to_owned();
    let public = format!("--ip-address-space-overrides=127.0.0.1:{port}=public,[::1]:{port}=public");
    let ask = "--enable-features=LocalNetworkAccessChecks:LocalNetworkAccessChecksWarn/false,LocalNetworkAccessChecksWebSockets";
    let browser = Browser::start_with(Size::Phone, &[&certificate.chromium_flag(), &public, ask]).await;
    let node = Node::start(&["--allow-origin", site.origin()]).await;
    let link = node.claim_link.as_ref().expect("a claim link");
    let answer = async |setting: &str| {
        // The second is what Chromium calls it since it tells this machine from its network.
        for name in ["local-network-access", "loopback-network"] {
            let parameters = json!({
                "permission": { "name": name }, "setting": setting, "origin": site.origin()
            });
            browser.devtools("Browser.setPermission", parameters).await;
        }
    };
    answer("denied").await;
    browser.open(&site.url).await;
    try_address(
        &browser,
        link,
        "If the browser asked whether this page may reach devices on your network, it needs a yes",
    )
    .await;
    answer("granted").await;
    // A page that was refused has to be opened anew.
    browser.open("about:blank").await;
    browser.open(&site.url).await;
    browser.type_over("node-address", link).await;
    browser.click("node-connect").await;
    browser.find("next").await;
    browser.close().await;
}
