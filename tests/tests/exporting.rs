//! Everything as a file: made by the page, taken in by another node.

use std::{collections::BTreeSet, path::Path, process::Command};

use nostrp2p_protocol::UnverifiedEvent;
use nostrp2p_tests::{Browser, Node, Person, Size, binary, history, post, reply, until};
use serde_json::json;

/// More than one part of an export holds.
const POSTS: usize = 1_200;

/// What a node that is stopped holds, as its own export writes it.
fn held(data: &Path) -> BTreeSet<String> {
    let mut export = Command::new(binary());
    let export = export.args(["export", "-", "--data-dir"]).arg(data).output().expect("the binary starts");
    assert!(export.status.success(), "{}", String::from_utf8_lossy(&export.stderr));
    lines(&String::from_utf8(export.stdout).expect("text"))
}

/// Events in one form, so that they can be compared whatever the order of their fields was.
fn lines(text: &str) -> BTreeSet<String> {
    let read = |line: &str| -> String {
        let event: UnverifiedEvent = serde_json::from_str(line).expect("an event with a signature");
        serde_json::to_string(&event.verify().expect("a signature that fits")).expect("a form")
    };
    text.lines().map(read).collect()
}

#[tokio::test]
async fn what_the_page_exports_another_node_takes_in_whole() {
    let mut alice = Person::arrive(None).await;
    let bob = nostrp2p_tests::random_key();
    let node =
        Node::start(&["-p", &bob.public_key().to_npub(), "-b", &alice.node.nodes()]).await.stop().await;
    node.import(&history(POSTS));
    let node = node.start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let browser = Browser::start(Size::Desktop).await;
    let downloads = json!({ "behavior": "allow", "downloadPath": folder.path() });
    browser.devtools("Browser.setDownloadBehavior", downloads).await;
    browser.sign_in(&node, &bob.to_nsec()).await;
    alice.client.neighbours(1).await;
    browser.write("a post with \"quotes\" and 日本語").await;
    browser.attribute("post-state", "data-state", "sent").await;
    let question = post(&alice.key, "what do you think?");
    alice.client.publish(&question).await;
    browser.see("post-text", "what do you think?").await;
    // What is private belongs to the owner's things, too.
    let asked = reply(&alice.key, "between you and me", &[&bob]);
    alice.client.publish(&asked).await;
    browser.see("post-text", "between you and me").await;
    browser.go("#/settings").await;
    browser.click("export").await;
    let file = until("the file", || async {
        let found = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path());
        let mut found = found.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        found.next().ok_or("no file yet")
    })
    .await;
    let exported = until("the whole file", || async {
        let text = std::fs::read_to_string(&file).expect("a file");
        if text.contains("between you and me") && text.ends_with('\n') { Ok(text) } else { Err(text.len()) }
    })
    .await;
    browser.close().await;
    let node = node.stop().await;
    assert_eq!(lines(&exported), held(node.data_dir()));

    let other = tempfile::tempdir().expect("a folder");
    let mut import = Command::new(binary());
    let import =
        import.arg("import").arg(&file).arg("--data-dir").arg(other.path()).output().expect("a binary");
    assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    assert_eq!(held(other.path()), held(node.data_dir()));
}
