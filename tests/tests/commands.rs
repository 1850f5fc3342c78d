//! The other commands of the program, with a real node and its real data.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{path::Path, process::Stdio};

use nostrp2p_tests::{Client, Node, Person, binary, post, random_key};
use tokio::{io::AsyncWriteExt, process::Command};

/// Runs the program with this input; returns its exit status and what it printed.
async fn run(arguments: &[&str], data: Option<&Path>, input: &str) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    if let Some(data) = data {
        command.arg("--data-dir").arg(data);
    }
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output =
        tokio::time::timeout(nostrp2p_tests::PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn status_says_how_the_node_stands() {
    let (alice, _bob) = Person::pair().await;
    let listen = alice.node.nodes();
    let (code, text) = run(&["status", "-l", &listen], None, "").await;
    assert_eq!(code, Some(0), "{text}");
    for expected in
        [&alice.key.public_key().to_npub(), "1 other node", "for another 89 days", "/ip4/127.0.0.1/tcp/"]
    {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    let (_, json) = run(&["status", "--json", "-l", &listen], None, "").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["peers"].as_u64(), json["owner"].as_str().map(str::len)), (Some(1), Some(64)));
    let (code, text) = run(&["status", "-l", "127.0.0.1:1"], None, "").await;
    assert!(code == Some(1) && text.contains("no node answers at 127.0.0.1:2"), "{text}");
}

#[tokio::test]
async fn a_node_without_delegation_gets_it_on_the_command_line() {
    let alice = random_key();
    let npub = alice.public_key().to_npub();
    let node = Node::start(&["-p", &npub]).await;
    let (_, text) = run(&["status", "-l", &node.nodes()], None, "").await;
    assert!(text.contains("delegation  none") && text.contains("owner delegate"), "{text}");
    let data = node.data_dir().to_owned();
    let (code, text) = run(&["owner", "delegate"], Some(&data), &alice.to_nsec()).await;
    assert!(code == Some(1) && text.contains("already running"), "{text}");

    let stopped = node.stop().await;
    let (code, text) = run(&["owner", "delegate"], Some(&data), &random_key().to_nsec()).await;
    assert!(code == Some(1) && text.contains("another key"), "{text}");
    let (code, text) = run(&["owner", "delegate"], Some(&data), &alice.to_nsec()).await;
    assert!(code == Some(0) && text.contains(&format!("now acts for {npub}")), "{text}");
    let (_, text) = run(&["owner", "show"], Some(&data), "").await;
    assert!(text.contains("for another 89 days") || text.contains("for another 90 days"), "{text}");
    let node = stopped.start().await;
    let (_, text) = run(&["status", "-l", &node.nodes()], None, "").await;
    assert!(!text.contains("owner delegate"), "{text}");
}

#[tokio::test]
async fn events_move_to_another_node() {
    let alice = random_key();
    let node = Node::start(&[]).await;
    let mut client = Client::claim(&node.clients(), node.token(), &alice).await;
    for number in 0..3 {
        client.publish(&post(&alice, &format!("post {number}"))).await;
    }
    let data = node.data_dir().to_owned();
    let _stopped = node.stop().await;
    let (code, exported) = run(&["export", "-"], Some(&data), "").await;
    assert_eq!((code, exported.lines().count()), (Some(0), 3), "{exported}");

    let new = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let data = new.data_dir().to_owned();
    let stopped = new.stop().await;
    let (code, text) = run(&["import", "-"], Some(&data), &(exported + "nonsense\n")).await;
    assert!(
        code == Some(0) && text.contains("3 new events, 0 were there already, 1 lines refused"),
        "{text}"
    );
    let new = stopped.start().await;
    let mut client = Client::login(&new.clients(), &alice).await;
    assert_eq!(client.everything().await.len(), 3);
}
