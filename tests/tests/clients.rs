//! Nostr libraries of others against a running node: the scripts are in `tests/clients`, the libraries come from npm.
#![expect(clippy::panic, reason = "a test stops at the first surprise")]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nostrp2p_protocol::{EventTemplate, Kind};
use nostrp2p_tests::{Node, Relay, now, post, random_key};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

/// Each script has a deadline of its own for every step; this one is for a script that hangs between them.
const SCRIPT_LIMIT: Duration = Duration::from_secs(300);

/// Where `cargo xtask test` has put the scripts and what they need.
fn folder() -> PathBuf {
    let made = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients");
    let folder = std::env::var_os("NOSTRP2P_CLIENTS").map_or_else(made, PathBuf::from);
    assert!(
        folder.join("node_modules").exists(),
        "{} is missing; run these tests by `cargo xtask test`",
        folder.display()
    );
    folder
}

/// Runs a script; each of its steps must have gone well, and it must have got through all of them.
async fn run(script: &str, arguments: &[&str], steps: &[&str]) {
    run_for(1, script, arguments, steps).await;
}

/// The same for a script in which several people speak, each with a node of their own.
async fn run_for(people: usize, script: &str, arguments: &[&str], steps: &[&str]) {
    let mut running = Command::new("node");
    running.arg(script);
    let mut nodes = Vec::new();
    for _ in 0..people {
        let key = random_key();
        let npub = key.public_key().to_npub();
        let node = Node::start(&[&["-p", npub.as_str()], arguments].concat()).await;
        running.arg(format!("ws://{}/", node.clients())).arg(hex::encode(key.to_bytes().as_slice()));
        nodes.push(node);
    }
    let running = running.current_dir(folder()).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(SCRIPT_LIMIT, running).await.unwrap_or_else(|_| panic!("{script} hangs"));
    let output = output.unwrap_or_else(|error| panic!("Node.js does not start: {error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    let done: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("ok: ")).collect();
    assert_eq!(done, steps, "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn nostr_tools_does_everything_with_the_relay() {
    let steps = [
        "connect",
        "auth",
        "publish and query",
        "subscribe",
        "replace",
        "delete",
        "others are refused",
        "a thousand events",
        "search",
        "negentropy",
    ];
    run("nostr-tools.js", &[], &steps).await;
}

#[tokio::test]
async fn ndk_signs_in_publishes_listens_and_syncs() {
    let steps = [
        "connect and auth",
        "publish and query",
        "subscribe",
        "replace",
        "delete",
        "a thousand events and a sync",
    ];
    run("ndk.js", &[], &steps).await;
}

#[tokio::test]
async fn nostr_fetch_gets_everything_from_an_open_relay() {
    let steps = [
        "a thousand events are there",
        "all of them are fetched",
        "the latest are fetched",
        "a time range is iterated",
    ];
    run("nostr-fetch.js", &["--open-relay"], &steps).await;
}

#[tokio::test]
async fn two_people_write_to_each_other_by_nostr_tools_at_their_inboxes() {
    let steps = [
        "both read at their own nodes",
        "Alice writes to Bob",
        "Bob answers",
        "Alice writes again",
        "nobody else reads it",
    ];
    run_for(2, "nip17.js", &["--inbox"], &steps).await;
}

/// Restarts a node to which libraries listen; each must hear what is published afterwards.
async fn restart_under(arguments: &[&str], mode: &str, libraries: &[&str]) {
    let key = random_key();
    let npub = key.public_key().to_npub();
    let mut node = Node::start(&[&["-p", npub.as_str()], arguments].concat()).await;
    // Libraries that count from what they have heard go on there, nostr-tools one second later: so what comes after the
    // restart is of a later second.
    let before = EventTemplate {
        created_at: now() - 60,
        kind: Kind::POST,
        tags: vec![],
        content: "before the restart".into(),
    };
    Relay::login(&node.clients(), &key).await.put(&before.sign(&key, &[7; 32])).await;
    let mut script = Command::new("node")
        .arg("restart.js")
        .arg(format!("ws://{}/", node.clients()))
        .arg(hex::encode(key.to_bytes().as_slice()))
        .arg(mode)
        .current_dir(folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("Node.js does not start: {error}"));
    let mut lines = BufReader::new(script.stdout.take().expect("it was asked for")).lines();
    let mut said = Vec::new();
    while let Ok(Ok(Some(line))) = timeout(SCRIPT_LIMIT, lines.next_line()).await {
        if line == "all listen" {
            node = node.restart().await;
            Relay::login(&node.clients(), &key).await.put(&post(&key, "after the restart")).await;
        }
        said.push(line);
    }
    for library in libraries {
        assert!(said.contains(&format!("ok: {library} hears again")), "{library}: {said:#?}");
    }
}

#[tokio::test]
async fn subscriptions_come_back_by_themselves_after_a_clean_restart() {
    let libraries = ["applesauce", "rx-nostr", "nostr-tools", "NDK"];
    restart_under(&["--open-relay"], "open", &libraries).await;
}

#[tokio::test]
async fn programs_sign_in_again_after_a_clean_restart() {
    restart_under(&[], "auth", &["applesauce", "rx-nostr", "NDK"]).await;
}
