//! A new version of the page: it is announced, runs when the person says so, and nothing is lost; one that did not come
//! whole is none.
//!
//! The site is a real one with the headers of `netlify.toml`; its second version is the first one with another page.

use base64::Engine;
use nostrp2p_tests::{Browser, Node, Site, Size, until};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Looks for a new version, and says how that ended: as a worker that waits, or as one that was thrown away.
const LOOK: &str = "
    const done = arguments[arguments.length - 1];
    navigator.serviceWorker.ready.then(registration => {
        registration.addEventListener('updatefound', () => {
            const { installing } = registration;
            installing.addEventListener('statechange', () => {
                if (['installed', 'redundant'].includes(installing.state)) done(installing.state);
            });
        });
        registration.update().catch(error => done(String(error)));
    });";

/// The version that runs, and whether the worker that serves it is in charge.
const VERSION: &str = "
    return [document.querySelector('meta[name=version]')?.content ?? 'A', Boolean(navigator.serviceWorker.controller)];";

/// A worker of another version: its name is made of the digits of the first one in another order.
fn another_worker(worker: &str) -> String {
    let (before, rest) = worker.split_once("const VERSION = '").expect("a version");
    let (version, after) = rest.split_once('\'').expect("its end");
    let version: String = version.chars().rev().chain(['0']).collect();
    format!("{before}const VERSION = '{version}'{after}")
}

/// The worker with the hash of this page, as a build of that version has it.
fn with_page(worker: &str, page: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(page.as_bytes()));
    let (before, rest) = worker.split_once("\"./\":\"sha256-").expect("the page's hash");
    let (_, after) = rest.split_once('"').expect("its end");
    format!("{before}\"./\":\"sha256-{hash}\"{after}")
}

async fn version(browser: &Browser) -> Value {
    browser.run(VERSION).await
}

/// A browser in use, with a page that the worker serves and something begun.
async fn reader(site: &Site, node: &Node) -> Browser {
    let browser = Browser::start(Size::Phone).await;
    browser.open(&site.url).await;
    browser.type_into("node-address", node.claim_link.as_ref().expect("a claim link")).await;
    browser.click("node-connect").await;
    browser.become_somebody("Mia").await;
    browser.write("written with the first version").await;
    browser.attribute("post-state", "data-state", "sent").await;
    until("the worker to serve the page", || async {
        let seen = version(&browser).await;
        if seen == json!(["A", true]) { Ok(()) } else { Err(seen) }
    })
    .await;
    browser.click("compose-open").await;
    browser.type_into("compose-text", "begun with the first version").await;
    browser
}

async fn look_for_a_version(browser: &Browser) -> Value {
    browser.driver.execute_async(LOOK, vec![]).await.expect("a page")
}

#[tokio::test]
async fn a_new_version_waits_for_a_yes_and_loses_nothing() {
    let site = Site::start().await;
    let node = Node::start(&["--allow-origin", site.origin()]).await;
    let browser = reader(&site, &node).await;
    let folder = tempfile::tempdir().expect("a folder");
    let page = |page: &str| page.replacen("<head>", "<head><meta name=\"version\" content=\"B\">", 1);
    let first = std::fs::read_to_string(site.folder().join("index.html")).expect("the page");
    let worker = |worker: &str| with_page(&another_worker(worker), &page(&first));
    site.publish(folder.path(), &[("index.html", &page), ("sw.js", &worker)]);
    assert_eq!(look_for_a_version(&browser).await, json!("installed"));
    browser.find("update-now").await;
    // Nobody said yes: the first version runs on.
    assert_eq!(version(&browser).await, json!(["A", true]));
    browser.click("update-now").await;
    until("the second version", || async {
        // While the page is loaded anew there is none that could be asked.
        let seen = browser.driver.execute(VERSION, vec![]).await.map_err(|error| error.to_string())?;
        if seen == json!(["B", true]) { Ok(()) } else { Err(seen.to_string()) }
    })
    .await;
    browser.go("#/").await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.go("#/write").await;
    until("the draft", || async {
        let draft =
            browser.find("compose-text").await.prop("value").await.map_err(|error| error.to_string())?;
        if draft.as_deref() == Some("begun with the first version") {
            Ok(())
        } else {
            Err(format!("{draft:?}"))
        }
    })
    .await;
    browser.go("#/").await;
    browser.see("post-text", "written with the first version").await;
    browser.see_no("update-now").await;
    browser.close().await;
}

#[tokio::test]
async fn a_version_that_does_not_come_whole_is_none() {
    let site = Site::start().await;
    let node = Node::start(&["--allow-origin", site.origin()]).await;
    let browser = reader(&site, &node).await;
    let folder = tempfile::tempdir().expect("a folder");
    // As a proxy does that puts its own page in the place of a file.
    let poisoned = |_: &str| "<title>Please sign in to this network</title>".to_owned();
    site.publish(folder.path(), &[("sw.js", &another_worker), ("client.", &poisoned)]);
    assert_eq!(look_for_a_version(&browser).await, json!("redundant"));
    browser.see_no("update-now").await;
    browser.driver.refresh().await.expect("a page");
    browser.go("#/").await;
    browser.attribute("connection", "data-state", "connected").await;
    assert_eq!(version(&browser).await, json!(["A", true]));
    browser.see("post-text", "written with the first version").await;
    browser.close().await;
}
