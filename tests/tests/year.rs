//! Days of a year of running that only the whole program can show: a log that nobody takes, output that is cut off, signals,
//! empty variables, both families of addresses, a copied data directory.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use nostrp2p_tests::{Browser, Client, Node, Size, binary, free_port, get, post, random_key, until};
use serde_json::Value;
use tempfile::TempDir;

/// A node that the test starts by itself, with its ends; it is killed at the end.
struct Raw {
    child: Child,
    port: u16,
    data: TempDir,
}

impl Raw {
    fn start(arguments: &[&str], stderr: Stdio, environment: &[(&str, &str)]) -> Self {
        let (data, port) = (tempfile::tempdir().unwrap(), free_port());
        let mut command = Command::new(binary());
        command.args(["server", "--no-qr", "-l", &format!("127.0.0.1:{port}"), "--data-dir"]);
        command.arg(data.path()).args(arguments).current_dir(data.path());
        command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(stderr);
        Self { child: command.spawn().unwrap(), port, data }
    }

    fn clients(&self) -> String {
        format!("127.0.0.1:{}", self.port + 1)
    }

    async fn answers(&self) {
        let clients = self.clients();
        until("the node answers", || async {
            let connected = std::net::TcpStream::connect(&clients).map_err(|error| error.to_string());
            connected.map(drop)
        })
        .await;
        assert_eq!(get(&clients, "/healthz", &[]).await.0, 200);
    }

    /// What insiders are told of how it does.
    async fn metrics(&self) -> Vec<u8> {
        let token = std::fs::read_to_string(self.data.path().join("access-token")).unwrap();
        let header = format!("Authorization: Bearer {}", token.trim());
        get(&self.clients(), "/metrics", &[&header]).await.2
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    async fn ends(&mut self) -> std::process::ExitStatus {
        until("the node ends", || {
            let ended = self.child.try_wait().unwrap();
            async move { ended.ok_or("it runs") }
        })
        .await
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

#[tokio::test]
async fn a_log_that_nobody_takes_stops_nothing() {
    let chatty = [("RUST_LOG", "trace")];
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut onto_a_full_disk = Raw::start(&["-b", "127.0.0.1:9"], full.into(), &chatty);
    let mut left = Raw::start(&["-b", "127.0.0.1:9"], Stdio::piped(), &chatty);
    drop(left.child.stderr.take());
    // An end that blocks, as a pipe that nobody reads does once it is full, is tried in node/src/log.rs.
    for node in [&mut onto_a_full_disk, &mut left] {
        node.answers().await;
        until("lines are dropped and the node goes on", || async {
            let metrics = String::from_utf8_lossy(&node.metrics().await).into_owned();
            let dropped =
                metrics.lines().find_map(|line| line.strip_prefix("nostrp2p_log_lines_dropped_total "));
            let dropped = dropped.and_then(|dropped| dropped.parse::<u64>().ok());
            dropped.filter(|dropped| *dropped > 0).ok_or(dropped)
        })
        .await;
        node.answers().await;
        node.signal("TERM");
        assert!(node.ends().await.success());
    }
}

#[test]
fn commands_end_quietly_when_their_reader_has_left() {
    for command in
        [&["genkey"][..], &["man"], &["server", "--print-settings"], &["completions", "bash"], &["doctor"]]
    {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(binary())
            .args(command)
            .env("NOSTRP2P_DATA_DIR", data.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(said.is_empty() && matches!(status.code(), Some(0 | 1)), "{command:?}: {status} {said}");
    }
}

#[tokio::test]
async fn empty_variables_are_not_given_and_sighup_ends_nothing() {
    let empty =
        ["NOSTRP2P_WRITABLE", "NOSTRP2P_BOOT_PEER_ADDR_PORT", "NOSTRP2P_PUBLIC_KEY", "NOSTRP2P_MIRROR"];
    let empty = empty.map(|name| (name, ""));
    let printed = Command::new(binary())
        .args(["server", "--print-settings"])
        .env("NOSTRP2P_DATA_DIR", tempfile::tempdir().unwrap().path())
        .envs(empty)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(printed.status.success() && text.contains("writable = true"), "{text}");
    let node = Raw::start(&[], Stdio::null(), &empty);
    node.answers().await;
    node.signal("HUP");
    node.answers().await;
}

#[tokio::test]
async fn a_node_at_all_addresses_of_ipv6_is_reached_over_ipv4() {
    let port = free_port();
    let data = tempfile::tempdir().unwrap();
    let listen = format!("[::]:{port}");
    let mut command = Command::new(binary());
    command.args(["server", "--no-qr", "--upnp", "false", "-l", &listen, "--data-dir"]).arg(data.path());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("#claim=")));
    let other = Node::start(&["-b", &format!("127.0.0.1:{port}")]).await;
    until("the other node is connected", || async {
        let peers = other.metric("peers").await;
        if peers == 1 { Ok(()) } else { Err(peers) }
    })
    .await;
    assert_eq!(get(&format!("127.0.0.1:{}", port + 1), "/healthz", &[]).await.0, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}

async fn warnings(node: &Node) -> Vec<String> {
    let answer = node.inside("/node.json").await.2;
    let node: Value = serde_json::from_slice(&answer).unwrap();
    serde_json::from_value(node["warnings"].clone()).unwrap()
}

#[tokio::test]
async fn a_data_directory_that_was_copied_and_runs_twice_is_noticed() {
    let (alice, bob) = (random_key(), random_key());
    let hub = Node::start(&[]).await;
    let mut at_hub = Client::claim(&hub.clients(), hub.token(), &bob).await;
    at_hub.delegate(&bob).await;
    let first = Node::start_with_log(&["-b", &hub.nodes()], "warn").await;
    let mut client = Client::claim(&first.clients(), first.token(), &alice).await;
    client.delegate(&alice).await;
    client.publish(&post(&alice, "before the copy")).await;
    drop(client);
    let stopped = first.stop().await;
    let copy = Node::start(&["-b", &hub.nodes()]).await.stop().await;
    for file in ["node.key", "store.redb"] {
        std::fs::copy(stopped.data_dir().join(file), copy.data_dir().join(file)).unwrap();
    }
    let first = stopped.start().await;
    let mut client = Client::login(&first.clients(), &alice).await;
    client.neighbours(1).await;
    let copy = copy.start().await;
    // They have the same neighbour, which is the only one to see both: it shows each what the other signs.
    for node in [&first, &copy] {
        until("each is told of the other", || async {
            let warnings = warnings(node).await;
            let told = |warning: &String| warning.contains("another node runs with this node's key");
            warnings.iter().any(told).then_some(()).ok_or(warnings)
        })
        .await;
    }
    let warned = &copy;
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in(warned, &alice.to_nsec()).await;
    browser.go("#/network").await;
    browser.see("warnings", "Another node runs with the key of yours").await;
    browser.close().await;
}

#[tokio::test]
async fn a_data_directory_that_is_removed_under_a_running_node_is_noticed() {
    let alice = random_key();
    let node = Node::start(&[]).await;
    let mut client = Client::claim(&node.clients(), node.token(), &alice).await;
    client.publish(&post(&alice, "kept")).await;
    std::fs::remove_file(node.data_dir().join("store.redb")).unwrap();
    let (status, _, body) = get(&node.clients(), "/healthz", &[]).await;
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(status == 503 && body.contains("removed or moved"), "{status} {body}");
    let lost =
        nostrp2p_protocol::frame::ClientFrame::Publish { request: 77, event: post(&alice, "lost").into() };
    client.send(lost).await;
    assert_eq!(client.refusal().await.code, nostrp2p_protocol::frame::RefusalCode::Internal);
}

#[tokio::test]
async fn a_data_directory_that_is_moved_away_and_put_back_under_a_running_node_is_used_again() {
    let alice = random_key();
    let node = Node::start_with_log(&[], "warn").await;
    let mut client = Client::claim(&node.clients(), node.token(), &alice).await;
    client.publish(&post(&alice, "before")).await;
    let aside = tempfile::tempdir().unwrap();
    let aside = aside.path().join("aside");
    std::fs::rename(node.data_dir(), &aside).unwrap();
    assert_eq!(get(&node.clients(), "/healthz", &[]).await.0, 503);
    // Nobody has written yet, and the log says so all the same.
    until("the log says what happened", || async {
        let log = node.log();
        if log.contains("removed or moved") { Ok(()) } else { Err(log) }
    })
    .await;
    for text in ["lost", "lost too"] {
        let frame =
            nostrp2p_protocol::frame::ClientFrame::Publish { request: 77, event: post(&alice, text).into() };
        client.send(frame).await;
        let refusal = client.refusal().await;
        assert_eq!(refusal.code, nostrp2p_protocol::frame::RefusalCode::Internal, "{}", refusal.reason);
        assert_eq!(get(&node.clients(), "/healthz", &[]).await.0, 503);
    }
    let mut reader = Client::login(&node.clients(), &alice).await;
    assert_eq!(reader.everything_after(0).await, ["before"], "what the node has can be read meanwhile");
    std::fs::rename(&aside, node.data_dir()).unwrap();
    until("the node is well again", || async {
        let (status, _, body) = get(&node.clients(), "/healthz", &[]).await;
        if status == 200 { Ok(()) } else { Err(body) }
    })
    .await;
    client.publish(&post(&alice, "after")).await;
    let node = node.stop().await.start().await;
    let mut reader = Client::login(&node.clients(), &alice).await;
    assert_eq!(reader.everything_after(0).await, ["before", "after"]);
}
