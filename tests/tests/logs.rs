//! What must not be in a log: keys and tokens, however loud it is.

use std::process::Stdio;

use nostrp2p_protocol::frame::ClientFrame;
use nostrp2p_tests::{Client, Node, binary, http_login, post, random_key, reply, rest};
use tokio::{io::AsyncWriteExt, process::Command};

#[tokio::test]
async fn no_log_holds_a_key_a_token_or_a_private_text() {
    let alice = random_key();
    let node = Node::start_with_log(&["-d"], "trace").await;
    // A claim that fails with the right token, for the proof is for another connection; then one that does not.
    let token = node.token();
    let proof = Client::connect(&node.clients()).await.proof(&alice);
    let mut client = Client::connect(&node.clients()).await;
    client.send(ClientFrame::Claim { request: 1, token, proof }).await;
    client.refusal().await;
    let mut client = Client::claim(&node.clients(), token, &alice).await;
    client.publish(&post(&alice, "public")).await;
    let private = "a private text that is nobody's business";
    client.publish(&reply(&alice, private, &[&random_key()])).await;
    let url = format!("http://{}/req", node.clients());
    let body = br#"{"kinds":[40000],"limit":5}"#;
    let header = http_login(&alice, &url, "POST", Some(body), 0);
    assert_eq!(rest(&node.clients(), "/req", &[&header], body).await.events().len(), 2);
    let (data, log) = (node.data_dir().to_owned(), node.log());
    let secret = std::fs::read_to_string(data.join("node.key")).unwrap();
    let _stopped = node.stop().await;
    let mut delegate = Command::new(binary())
        .args(["owner", "delegate", "--data-dir"])
        .arg(&data)
        .env("RUST_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    delegate.stdin.take().unwrap().write_all(alice.to_nsec().as_bytes()).await.unwrap();
    let output = delegate.wait_with_output().await.unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("now acts for"), "{said}");

    assert!(log.len() > 2_000 && log.contains("TRACE"), "hardly anything was logged: {log}");
    let nsec = alice.to_nsec();
    let (key, token) = (hex::encode(*alice.to_bytes()), hex::encode(token));
    let header = header.split_once("Nostr ").unwrap().1;
    for secret in [nsec.as_str(), &key, secret.trim(), &token, private, header] {
        for text in [&log, &said] {
            assert!(!text.contains(secret), "{secret} is in the log");
        }
    }
}
