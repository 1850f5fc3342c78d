//! Bad input from any side gets one clear sentence, and the node goes on.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Output;

use nostrp2p_protocol::{
    Kind, UnverifiedEvent,
    frame::{ClientFrame, NodeFrame, RefusalCode, VERSION},
};
use nostrp2p_tests::{Client, Node, binary, get, post, random_key};
use tokio::process::Command;

/// Runs the program until it ends by itself.
async fn run(arguments: &[&str]) -> Output {
    let output = Command::new(binary()).args(arguments).kill_on_drop(true).output();
    tokio::time::timeout(nostrp2p_tests::PATIENCE, output).await.expect("the program ends").unwrap()
}

#[track_caller]
fn check(output: &Output, status: i32, expected: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{error}");
    assert!(error.contains(expected), "no {expected:?} in: {error}");
    assert!(!error.contains("panicked") && !error.contains("RUST_BACKTRACE"), "{error}");
}

#[tokio::test]
async fn a_wrong_command_line_ends_with_2_and_says_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let server = async |arguments: &[&str]| run(&[&["server", "--data-dir", data], arguments].concat()).await;
    check(&server(&["-p", "npub1nonsense"]).await, 2, "this is not a whole npub");
    check(&server(&["-p", "nsec1whatever"]).await, 2, "SECRET key");
    check(&server(&["-l", "nonsense"]).await, 2, "give an address and a port");
    check(&server(&["-l", "127.0.0.1:65535"]).await, 2, "clients need the next port");
    check(&server(&["-b", "nonsense"]).await, 2, "nonsense");
    check(&server(&["-s", "perhaps"]).await, 2, "true or false");
    check(&server(&["--no-such-flag"]).await, 2, "unexpected argument");
    check(
        &server(&["--settings", "/no/such/file"]).await,
        2,
        "the settings file /no/such/file cannot be used",
    );
    std::fs::write(directory.path().join("nostrp2p.toml"), "no-such-key = 1").unwrap();
    check(&server(&[]).await, 2, "no-such-key");
    check(&run(&["no-such-command"]).await, 2, "unrecognized subcommand");
}

#[tokio::test]
async fn the_environment_and_the_settings_file_are_read_and_flags_go_before_them() {
    let directory = tempfile::tempdir().unwrap();
    let server = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.arg("server").args(arguments).env("NOSTRP2P_DATA_DIR", directory.path()).kill_on_drop(true);
        command
    };
    let run = async |command: &mut Command| {
        tokio::time::timeout(nostrp2p_tests::PATIENCE, command.output())
            .await
            .expect("the program ends")
            .unwrap()
    };
    std::fs::write(directory.path().join("nostrp2p.toml"), "listen-addr-port = 'file'").unwrap();
    check(&run(&mut server(&[])).await, 2, "-l file:");
    let mut by_environment = server(&[]);
    by_environment.env("NOSTRP2P_LISTEN_ADDR_PORT", "environment");
    check(&run(&mut by_environment).await, 2, "-l environment:");
    let mut by_flag = server(&["-l", "flag"]);
    by_flag.env("NOSTRP2P_LISTEN_ADDR_PORT", "environment");
    check(&run(&mut by_flag).await, 2, "-l flag:");
}

#[tokio::test]
async fn what_the_system_refuses_ends_with_1_and_says_what_to_do() {
    let node = Node::start(&[]).await;
    let data = tempfile::tempdir().unwrap();
    let fresh = data.path().to_str().unwrap();
    let used = node.data_dir().to_str().unwrap();
    check(&run(&["server", "-l", &node.nodes(), "--data-dir", fresh]).await, 1, "in use");
    check(
        &run(&["server", "-l", "127.0.0.1:0", "--data-dir", used]).await,
        1,
        "already running on the data directory",
    );
    check(
        &run(&["server", "-l", "127.0.0.1:0", "--data-dir", "/proc/nowhere"]).await,
        1,
        "cannot use the data directory",
    );
    check(&run(&["server", "-l", "127.0.0.1:0", "--data-dir", fresh, "-s"]).await, 1, "fullchain.pem");
    std::fs::write(data.path().join("store.redb"), [b'x'; 9_999]).unwrap();
    check(&run(&["server", "-l", "127.0.0.1:0", "--data-dir", fresh]).await, 1, "is damaged");
}

#[tokio::test]
async fn the_port_of_clients_may_be_taken_too() {
    let port = nostrp2p_tests::free_port();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", port + 1)).unwrap();
    let data = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let output = run(&["server", "-l", &listen, "--data-dir", data.path().to_str().unwrap()]).await;
    check(&output, 1, "cannot listen for clients");
}

#[tokio::test]
async fn the_owner_given_by_p_needs_no_claim_and_stays() {
    let alice = random_key();
    let npub = alice.public_key().to_npub();
    let node = Node::start(&["-p", &npub]).await;
    assert_eq!(node.claim_link, None);
    Client::login(&node.clients(), &alice).await;
    let mut other = Client::connect(&node.clients()).await;
    let proof = other.proof(&random_key());
    other.send(ClientFrame::Login { request: 1, proof }).await;
    let refusal = other.refusal().await;
    assert_eq!(refusal.code, RefusalCode::NotOwner);
    assert!(refusal.reason.contains(&npub), "{refusal}");
    let data = node.data_dir().to_owned();
    let _stopped = node.stop().await;
    let stranger = random_key().public_key().to_npub();
    let output =
        run(&["server", "-l", "127.0.0.1:0", "--data-dir", data.to_str().unwrap(), "-p", &stranger]).await;
    check(&output, 1, "this node belongs to");
}

#[tokio::test]
async fn a_claim_needs_the_right_token_once_and_in_time() {
    let node = Node::start(&[]).await;
    let alice = random_key();
    let mut client = Client::connect(&node.clients()).await;
    let proof = client.proof(&alice);
    client.send(ClientFrame::Claim { request: 1, token: [0; 16], proof }).await;
    assert_eq!(client.refusal().await.code, RefusalCode::WrongToken);
    let mut client = Client::connect(&node.clients()).await;
    let proof = client.proof(&alice);
    client.send(ClientFrame::Login { request: 1, proof }).await;
    assert_eq!(client.refusal().await.code, RefusalCode::NoOwner);
    Client::claim(&node.clients(), node.token(), &alice).await;
    let mut late = Client::connect(&node.clients()).await;
    let proof = late.proof(&random_key());
    late.send(ClientFrame::Claim { request: 1, token: node.token(), proof }).await;
    assert_eq!(late.refusal().await.code, RefusalCode::AlreadyClaimed);
}

#[tokio::test]
async fn an_expired_claim_link_is_refused_and_a_fresh_one_printed() {
    let mut node = Node::start(&["--claim-minutes", "0"]).await;
    let old = node.token();
    // A link for 0 minutes has expired after a second; the node looks every five.
    let fresh = loop {
        let line = node.next_line().await;
        if let Some(token) = line.split_once("#claim=").and_then(|(_, token)| token.get(..32)) {
            break token.to_owned();
        }
    };
    assert_ne!(fresh, hex::encode(old));
    let mut client = Client::connect(&node.clients()).await;
    let proof = client.proof(&random_key());
    client.send(ClientFrame::Claim { request: 1, token: old, proof }).await;
    let code = client.refusal().await.code;
    assert!(matches!(code, RefusalCode::WrongToken | RefusalCode::ExpiredToken), "{code:?}");
}

#[tokio::test]
async fn a_login_proves_nothing_elsewhere_or_twice() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let first = Client::connect(&node.clients()).await;
    let proof = first.proof(&alice);
    let mut second = Client::connect(&node.clients()).await;
    second.send(ClientFrame::Login { request: 1, proof }).await;
    assert_eq!(second.refusal().await.code, RefusalCode::WrongChallenge);
    let mut forged = second.proof(&alice);
    forged.unsigned.created_at += 1;
    forged.claimed_id = None;
    second.send(ClientFrame::Login { request: 1, proof: forged }).await;
    assert_eq!(second.refusal().await.code, RefusalCode::Forged);
}

#[tokio::test]
async fn only_sound_events_of_the_owner_are_published() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let mut client = Client::login(&node.clients(), &alice).await;
    let mut refused = async |event: UnverifiedEvent| {
        client.send(ClientFrame::Publish { request: 5, event }).await;
        client.refusal().await.code
    };
    assert_eq!(refused(post(&random_key(), "x").into()).await, RefusalCode::ForeignAuthor);
    let mut changed = UnverifiedEvent::from(post(&alice, "x"));
    changed.unsigned.content = "y".into();
    assert_eq!(refused(changed).await, RefusalCode::Forged);
    assert_eq!(refused(post(&alice, &"x".repeat(70_000)).into()).await, RefusalCode::TooLarge);
    let mut login = UnverifiedEvent::from(post(&alice, "x"));
    login.unsigned.kind = Kind::LOGIN;
    assert_eq!(refused(login).await, RefusalCode::Unwanted);
    client.publish(&post(&alice, "still works")).await;
}

#[tokio::test]
async fn frames_before_login_and_broken_frames_are_refused_and_others_go_on() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let mut good = Client::login(&node.clients(), &alice).await;

    let mut early = Client::connect(&node.clients()).await;
    early.watch(0).await;
    assert_eq!(early.refusal().await.code, RefusalCode::LoginNeeded);

    let publish = ClientFrame::Publish { request: 1, event: post(&alice, "x").into() }.encode();
    for bytes in [&b""[..], b"\xc1", b"\x91\x7f", &publish[..50], &[publish.as_slice(), b"\0"].concat()] {
        let mut client = Client::connect(&node.clients()).await;
        client.send_bytes(bytes.to_vec()).await;
        assert_eq!(client.refusal().await.code, RefusalCode::Malformed);
        assert_eq!(client.next().await, None, "the node hangs up");
    }
    let mut long = Client::connect(&node.clients()).await;
    long.send_bytes(vec![0x91; 200_000]).await;
    assert_eq!(long.refusal().await.code, RefusalCode::Malformed);
    assert_eq!(long.next().await, None, "the node hangs up");
    good.publish(&post(&alice, "still works")).await;
}

#[tokio::test]
async fn another_version_is_told_what_to_do() {
    let node = Node::start(&[]).await;
    for (version, advice) in
        [(VERSION + 1, "update the node"), (1, "reload the page"), (0, "reload the page")]
    {
        let mut client = Client::connect_silently(&node.clients()).await;
        client.send(ClientFrame::Hello { version, nonce: Some([7; 32]) }).await;
        let Some(NodeFrame::Refused { request: 0, refusal }) = client.next().await else {
            panic!("no refusal")
        };
        assert_eq!(refusal.code, RefusalCode::Version);
        assert!(refusal.reason.contains(advice), "{refusal}");
    }
}

#[tokio::test]
async fn foreign_pages_and_names_are_refused() {
    let node = Node::start(&[]).await;
    let clients = node.clients();
    let status = async |headers: &[&str]| get(&clients, "/node.json", headers).await.0;
    assert_eq!(status(&[]).await, 200);
    assert_eq!(status(&["Host: evil.example"]).await, 403);
    assert_eq!(status(&["Origin: https://evil.example"]).await, 403);
    assert_eq!(status(&["Origin: null"]).await, 403);
    assert_eq!(status(&[&format!("Origin: http://{clients}")]).await, 200);
    let (_, _, body) = get(&clients, "/", &["Host: evil.example"]).await;
    assert!(String::from_utf8_lossy(&body).contains("--allow-host evil.example"));
    for path in ["/../Cargo.toml", "/%2e%2e/etc/passwd", "//etc/passwd", "/index.html/..", "/node.key"] {
        assert_eq!(get(&clients, path, &[]).await.0, 404, "{path}");
    }
}
