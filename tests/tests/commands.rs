//! The other commands of the program, with a real node and its real data.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{path::Path, process::Stdio};

use nostrp2p_protocol::frame::{Delivery, NodeFrame};
use nostrp2p_tests::{Client, Node, Person, binary, get, http_login, post, random_key, reply, skip, until};
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
    let data = alice.node.data_dir().to_owned();
    let (code, text) = run(&["status", "-l", &listen], Some(&data), "").await;
    assert_eq!(code, Some(0), "{text}");
    for expected in
        [&alice.key.public_key().to_npub(), "1 other node", "for another 89 days", "/ip4/127.0.0.1/tcp/"]
    {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    let (_, json) = run(&["status", "--json", "-l", &listen], Some(&data), "").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["peers"].as_u64(), json["owner"].as_str().map(str::len)), (Some(1), Some(64)));
    // Who cannot read the data directory learns which node it is.
    let elsewhere = tempfile::tempdir().unwrap();
    let (code, text) = run(&["status", "-l", &listen], Some(elsewhere.path()), "").await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&alice.key.public_key().to_npub()) && text.contains("--data-dir"), "{text}");
    assert!(!text.contains("1 other node"), "{text}");
    let (code, text) = run(&["status", "-l", "127.0.0.1:1"], None, "").await;
    assert!(code == Some(1) && text.contains("no node answers at 127.0.0.1:2"), "{text}");
}

#[tokio::test]
async fn a_node_without_delegation_gets_it_on_the_command_line() {
    let alice = random_key();
    let npub = alice.public_key().to_npub();
    let node = Node::start(&["-p", &npub]).await;
    let (_, text) = run(&["status", "-l", &node.nodes()], Some(node.data_dir()), "").await;
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
    let (_, text) = run(&["status", "-l", &node.nodes()], Some(node.data_dir()), "").await;
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
    assert!(code == Some(1) && text.contains("3 new events, 0 were there already, 1 refused"), "{text}");
    assert!(text.contains("is listed in") && text.contains("1 refused: this is no event"), "{text}");
    let new = stopped.start().await;
    let mut client = Client::login(&new.clients(), &alice).await;
    assert_eq!(client.everything().await.len(), 3);
}

#[tokio::test]
async fn the_claim_link_can_be_shown_again_until_the_node_is_claimed() {
    let node = Node::start(&[]).await;
    let (code, text) = run(&["owner", "claim-link"], Some(node.data_dir()), "").await;
    let link = node.claim_link.clone().unwrap();
    assert!(code == Some(0) && text.contains(&link), "{text}");
    Client::claim(&node.clients(), node.token(), &random_key()).await;
    let (code, text) = run(&["owner", "claim-link"], Some(node.data_dir()), "").await;
    assert!(code == Some(1) && text.contains("has an owner already"), "{text}");
}

#[tokio::test]
async fn who_leaves_gets_no_more_private_events_there() {
    let mut alice = Person::arrive(None).await;
    let bob = Person::arrive(Some(&alice)).await;
    alice.client.neighbours(1).await;
    let data = bob.node.data_dir().to_owned();
    let stopped = bob.node.stop().await;
    let (code, text) = run(&["owner", "leave"], Some(&data), &bob.key.to_nsec()).await;
    assert!(code == Some(0) && text.contains("no longer acts for"), "{text}");
    let node = stopped.start().await;
    until("the node's own knowledge of the end", || async {
        let text = run(&["status", "-l", &node.nodes()], Some(node.data_dir()), "").await.1;
        if text.contains("delegation  ended") { Ok(()) } else { Err(text) }
    })
    .await;
    // Alice's node hears of the end when Bob's announces itself; from then on nothing is delivered there.
    let authority = alice.node.clients();
    until("the end of the delegation", || async {
        let mut fresh = Client::login(&authority, &alice.key).await;
        loop {
            if let Some(NodeFrame::Status { peers, .. }) = fresh.next().await {
                let ended = peers.len() == 1 && peers.iter().all(|peer| peer.owner.is_none());
                return if ended { Ok(()) } else { Err(peers) };
            }
        }
    })
    .await;
    let reply = reply(&alice.key, "for bob, who has left", &[&bob.key]);
    alice.client.publish(&reply).await;
    alice.client.delivery(&reply, &bob.key, Delivery::Waiting).await;
}

#[tokio::test]
async fn a_node_that_changes_hands_takes_nothing_private_along() {
    let (alice, bob) = (random_key(), random_key());
    let node = Node::start(&[]).await;
    let mut client = Client::claim(&node.clients(), node.token(), &alice).await;
    client.publish(&reply(&alice, "a secret of alice", &[&random_key()])).await;
    let data = node.data_dir().to_owned();
    let stopped = node.stop().await;
    let (code, text) = run(&["owner", "change"], Some(&data), "").await;
    assert!(code == Some(1) && text.contains("--yes"), "{text}");
    let npub = bob.public_key().to_npub();
    let (code, text) = run(&["owner", "change", &npub, "--yes"], Some(&data), "").await;
    assert!(code == Some(0) && text.contains(&format!("now belongs to {npub}")), "{text}");
    let node = stopped.start().await;
    let mut client = Client::login(&node.clients(), &bob).await;
    assert_eq!(client.everything().await, [""; 0]);
    let aside = std::fs::read_dir(&data).unwrap().filter_map(Result::ok);
    assert!(
        aside.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("store.redb.of-npub1"))
    );
}

#[tokio::test]
async fn a_damaged_store_is_repaired_by_a_command_and_by_nothing_else() {
    let alice = random_key();
    let node = Node::start(&[]).await;
    let mut client = Client::claim(&node.clients(), node.token(), &alice).await;
    for number in 0..20 {
        client.publish(&post(&alice, &format!("post {number}"))).await;
    }
    let data = node.data_dir().to_owned();
    let stopped = node.stop().await;
    let file = data.join("store.redb");
    let mut bytes = std::fs::read(&file).unwrap();
    // The header of redb begins with its name; the two slots that point to the data follow.
    bytes[64..320].fill(0xff);
    std::fs::write(&file, &bytes).unwrap();
    let listen = ["server", "-l", "127.0.0.1:0"];
    let (code, text) = run(&listen, Some(&data), "").await;
    assert!(code == Some(1) && text.contains("nostrp2p repair"), "{text}");
    assert_eq!(std::fs::read(&file).unwrap(), bytes, "it was left alone");
    let (code, text) = run(&["repair"], Some(&data), "").await;
    assert!(code == Some(0) && text.contains("The damaged file is kept in"), "{text}");
    let npub = alice.public_key().to_npub();
    let (code, text) = run(&["owner", "show"], Some(&data), "").await;
    assert!(code == Some(0) && (text.contains(&npub) || text.contains("no owner yet")), "{text}");
    drop(stopped);
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_and_settings_say_where_they_come_from() {
    let (alice, _bob) = Person::pair().await;
    let data = alice.node.data_dir().to_owned();
    let (code, text) = run(&["doctor", "-l", &alice.node.nodes()], Some(&data), "").await;
    assert!(code == Some(0) && text.contains("1 connected") && text.contains("your word holds"), "{text}");
    let (code, text) =
        run(&["doctor", "--json", "-l", "127.0.0.1:1", "-b", "127.0.0.1:1"], Some(&data), "").await;
    let steps: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdict = |what: &str| steps.iter().find(|step| step["what"] == what).unwrap()["verdict"].clone();
    assert_eq!((code, verdict("bootstrap"), verdict("data")), (Some(1), "fail".into(), "ok".into()));

    let (code, text) = run(&["server", "--print-settings", "-d"], Some(&data), "").await;
    assert!(code == Some(0) && text.contains("debug = true  # given as a flag"), "{text}");
    let (_, page) = run(&["man"], None, "").await;
    assert!(page.contains("NOSTRP2P DOCTOR") && page.starts_with(".ie"), "{page}");
    let (_, script) = run(&["completions", "bash"], None, "").await;
    assert!(script.contains("_nostrp2p()"));
}

#[tokio::test]
async fn a_secret_key_in_the_wrong_place_is_repeated_nowhere() {
    let nsec = random_key().to_nsec();
    let nsec = nsec.as_str();
    // From the official vectors of BIP-340: no point of the curve, so it cannot be a public key.
    let hex = "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34".to_owned();
    let data = tempfile::tempdir().unwrap();
    for secret in [nsec, &nsec.to_uppercase(), &hex] {
        for arguments in [
            &["server", "-p", secret][..],
            &["server", &format!("--public-key={secret}")],
            &["owner", "change", secret],
            &["owner", "change", "--yes", secret],
            &["server", "-l", secret],
            &["server", "-b", secret],
            &["server", "--mirror", secret],
            &["server", "--allow-host", &format!("https://{secret}")],
            &["server", "--reachable", secret],
            &["server", secret],
            &[secret],
            &[&format!("--{secret}")],
            &["status", "-l", secret],
            &["export", secret, secret],
        ] {
            let (code, text) = run(arguments, Some(data.path()), "").await;
            assert_ne!(code, Some(0), "{arguments:?}");
            assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{arguments:?}: {text}");
        }
        for arguments in [&["server"][..], &["server", "--help"], &["status"]] {
            let mut command = Command::new(binary());
            command.args(arguments).env("NOSTRP2P_PUBLIC_KEY", secret).env("NOSTRP2P_DATA_DIR", data.path());
            let output = command.kill_on_drop(true).output().await.unwrap();
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{arguments:?}: {text}");
        }
        for line in [format!("public-key = '{secret}'"), format!("public-key = {secret}"), secret.to_owned()]
        {
            std::fs::write(data.path().join("nostrp2p.toml"), &line).unwrap();
            let (code, text) = run(&["server"], Some(data.path()), "").await;
            assert_eq!(code, Some(2), "{line}: {text}");
            assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{line}: {text}");
        }
        std::fs::remove_file(data.path().join("nostrp2p.toml")).unwrap();
    }
    let (_, text) = run(&["server", "-p", nsec], Some(data.path()), "").await;
    assert!(text.contains("SECRET") && text.contains("history"), "{text}");
    let (_, text) = run(&["owner", "change", &hex], Some(data.path()), "").await;
    assert!(text.contains("no point of the curve"), "{text}");
}

#[tokio::test]
#[cfg(unix)]
async fn nobody_else_can_use_what_a_node_writes_and_old_modes_are_mended() {
    use std::os::unix::fs::PermissionsExt;
    let open = |folder: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let others = |entry: &std::fs::DirEntry| entry.metadata().unwrap().permissions().mode() & 0o077 != 0;
        entries.filter(others).map(|entry| entry.path()).collect()
    };
    let alice = Person::arrive(None).await;
    let data = alice.node.data_dir().to_owned();
    assert_eq!(open(&data), [""; 0].map(std::path::PathBuf::from));
    let stopped = alice.node.stop().await;
    let copy = data.join("events.jsonl");
    let (code, text) = run(&["export", copy.to_str().unwrap()], Some(&data), "").await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(open(&data), [""; 0].map(std::path::PathBuf::from), "an export");
    // As an older version, or an unpacked backup, left it.
    for file in ["node.key", "store.redb", "access-token"] {
        std::fs::set_permissions(data.join(file), std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let _node = stopped.start().await;
    assert_eq!(open(&data), [""; 0].map(std::path::PathBuf::from));
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn guests_learn_which_node_it_is_and_nothing_else() {
    let (alice, mallory) = (Person::arrive(None).await, random_key());
    let clients = alice.node.clients();
    let keys = |body: &[u8]| {
        let node: serde_json::Value = serde_json::from_slice(body).unwrap();
        node.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let (status, _, body) = get(&clients, "/node.json", &[]).await;
    assert_eq!(
        (status, keys(&body)),
        (200, ["npub", "owner", "peer_id", "version"].map(String::from).to_vec())
    );
    let url = |path: &str| format!("http://{clients}{path}");
    for path in ["/metrics", "/node.json"] {
        let wrong = format!("Authorization: Bearer {}", "0".repeat(64));
        let strangers = http_login(&mallory, &url(path), "GET", None, 0);
        let others = http_login(&alice.key, &url("/req"), "GET", None, 0);
        for shown in [wrong, strangers, others] {
            assert_eq!(get(&clients, path, &[&shown]).await.0, 401, "{path}");
        }
        let signed = http_login(&alice.key, &url(path), "GET", None, 0);
        assert_eq!(get(&clients, path, &[&signed]).await.0, 200, "{path}");
        assert_eq!(get(&clients, path, &[&signed]).await.0, 401, "a login is good once");
        assert_eq!(alice.node.inside(path).await.0, 200, "{path}");
    }
    assert_eq!(get(&clients, "/metrics", &[]).await.0, 401);
    // Behind a proxy on this machine a guest is loopback too, and is no more than a guest.
    assert_eq!(get(&clients, "/metrics", &["X-Forwarded-For: 192.0.2.1"]).await.0, 401);
    let (_, _, whole) = alice.node.inside("/node.json").await;
    assert!(keys(&whole).len() > 10);
}

#[tokio::test]
async fn a_guest_who_watches_is_woken_by_what_is_public_only() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub(), "--public-read"]).await;
    let mut owner = Client::login(&node.clients(), &alice).await;
    owner.publish(&post(&alice, "before")).await;
    let mut guest = Client::connect(&node.clients()).await;
    guest.watch(0).await;
    guest.hear("before").await;
    let friend = random_key();
    for number in 0..3 {
        owner.publish(&reply(&alice, &format!("private {number}"), &[&friend])).await;
    }
    owner.publish(&post(&alice, "after")).await;
    // The next that the guest hears is the public post; nothing told of the private ones.
    let heard = loop {
        match guest.next().await {
            Some(NodeFrame::Batch { events, .. }) => break events,
            Some(_) => {}
            None => unreachable!("the node hung up"),
        }
    };
    assert_eq!(heard.iter().map(|event| event.content.as_str()).collect::<Vec<_>>(), ["after"]);
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let (mut alice, _bob) = Person::pair().await;
    alice.client.publish(&post(&alice.key, "counted")).await;
    let (status, _, body) = alice.node.inside("/metrics").await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, 200);
    for expected in ["nostrp2p_peers 1", "nostrp2p_sessions 1", "nostrp2p_events_stored 2"] {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    let sent = text.lines().find_map(|line| line.strip_prefix("nostrp2p_broadcasts_sent_total "));
    assert_ne!(sent, Some("0"));
}

#[tokio::test]
async fn nodes_find_each_other_over_ipv6() {
    if tokio::net::TcpListener::bind("[::1]:0").await.is_err() {
        return skip("this machine has no IPv6");
    }
    let port = nostrp2p_tests::free_port();
    let address = format!("[::1]:{port}");
    let data = tempfile::tempdir().unwrap();
    let npub = random_key().public_key().to_npub();
    let mut one = Command::new(binary())
        .args(["server", "--no-qr", "-p", &npub, "-l", &address, "--data-dir"])
        .arg(data.path())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let other = Node::start(&["-b", &address]).await;
    until("a neighbour over IPv6", || async {
        let text = run(&["status", "-l", &address], Some(data.path()), "").await.1;
        if text.contains("1 other node") { Ok(()) } else { Err(text) }
    })
    .await;
    drop(other);
    one.kill().await.unwrap();
}
