//! A node that may open no more files: who is there goes on, idle connections make room for who comes, and the log says
//! what to do.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![cfg(target_os = "linux")]

use nostrp2p_tests::{Client, Node, get, post, random_key, until};
use tokio::{net::TcpStream, process::Command};

fn open_files(node: &Node) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", node.id())).unwrap().count()
}

/// Sets how many files a process may have open from now on.
async fn allow(node: &Node, files: usize) {
    let arguments = ["--pid", &node.id().to_string(), &format!("--nofile={files}:")];
    let done = Command::new("prlimit").args(arguments).status().await.unwrap();
    assert!(done.success(), "prlimit (util-linux) sets the limit");
}

#[tokio::test]
async fn without_descriptors_sessions_go_on_and_the_owner_gets_in() {
    let (alice, bob) = (random_key(), random_key());
    let node = Node::start_with_log(&["-p", &alice.public_key().to_npub()], "warn").await;
    let other = Node::start(&["-p", &bob.public_key().to_npub(), "-b", &node.nodes()]).await;
    let mut client = Client::login(&node.clients(), &alice).await;
    let mut friend = Client::login(&other.clients(), &bob).await;
    client.neighbours(1).await;
    friend.watch(0).await;
    client.publish(&post(&alice, "all is well")).await;
    friend.hear("all is well").await;

    allow(&node, open_files(&node) + 20).await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(TcpStream::connect(node.clients()).await.unwrap());
    }
    until("the log to tell of the shortage", || async {
        let log = node.log();
        if log.contains("Too many open files") { Ok(()) } else { Err(log) }
    })
    .await;
    // Who is there goes on, and what is published is stored and sent.
    client.publish(&post(&alice, "short of files")).await;
    friend.hear("short of files").await;
    client.watch(0).await;
    friend.publish(&post(&bob, "I hear you")).await;
    client.hear("I hear you").await;
    // Who comes gets in: those that say nothing make room.
    Client::login(&node.clients(), &alice).await.publish(&post(&alice, "from another device")).await;
    friend.hear("from another device").await;
    let log = node.log();
    assert!(log.contains("raise the limit"), "{log}");
    assert!(log.lines().count() <= 10, "said once in a while: {log}");
    assert_eq!(get(&node.clients(), "/healthz", &[]).await.0, 200);

    drop(idle);
    allow(&node, 1_024).await;
    let mut later = Client::login(&node.clients(), &alice).await;
    later.publish(&post(&alice, "all is well again")).await;
    friend.hear("all is well again").await;
    // Nothing is left open.
    until("the files to be closed", || async {
        let open = open_files(&node);
        if open < 60 { Ok(()) } else { Err(open) }
    })
    .await;
}
