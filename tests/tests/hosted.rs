//! The client from a host of static sites, with the headers that `netlify.toml` asks for, and a node elsewhere.

use nostrp2p_tests::{Browser, Node, Site, Size};
use serde_json::{Value, json};

#[tokio::test]
async fn a_hosted_page_claims_a_node_elsewhere_under_its_strict_headers() {
    let site = Site::start().await;
    let node = Node::start(&["--allow-origin", site.origin()]).await;
    let browser = Browser::start(Size::Desktop).await;
    browser.open(&site.url).await;
    browser.find("node-address").await;
    let fetched =
        "return performance.getEntriesByType('resource').map(entry => entry.name.split('/').pop());";
    let fetched = browser.driver.execute(fetched, vec![]).await.expect("a page");
    let fetched: Vec<&str> = fetched.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(fetched.iter().any(|name| name.starts_with("client.")), "{fetched:?}");
    for later in ["ciphers.", "ja.", "keys."] {
        assert!(!fetched.iter().any(|name| name.starts_with(later)), "the first load has {fetched:?}");
    }
    browser.type_into("node-address", node.claim_link.as_ref().expect("a claim link")).await;
    browser.click("node-connect").await;
    browser.become_somebody("Mia").await;
    browser.write("from somewhere else").await;
    browser.attribute("post-state", "data-state", "sent").await;
    // The headers are there, and they hold: no script but the page's own runs.
    let forbidden = "
        const done = arguments[arguments.length - 1];
        document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);";
    let directive = browser.driver.execute_async(forbidden, vec![]).await.expect("a page");
    assert_eq!(directive, json!("script-src-elem"));
    browser.close().await;
}
