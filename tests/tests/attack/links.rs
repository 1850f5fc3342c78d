//! Links that lead a page to a stranger's node, and strangers who stand between a page and its node.

use nostrp2p_protocol::frame::{ClientFrame, NodeFrame, RefusalCode};
use nostrp2p_tests::{Browser, Client, Node, Size, held, random_key, random_nonce, until};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Passes on everything that it gets, both ways; only the `Host` of a request it may change to that of the node.
struct Between {
    authority: String,
    task: JoinHandle<()>,
}

impl Between {
    async fn start(node: &str, as_the_node: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (node, own) = (node.to_owned(), authority.clone());
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (node, own) = (node.clone(), own.clone());
                // Whoever goes away in the middle is no trouble of the test.
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(client.read_u8().await.ok()?);
                    }
                    if as_the_node {
                        head = String::from_utf8(head).ok()?.replace(&own, &node).into_bytes();
                    }
                    let mut server = TcpStream::connect(&node).await.ok()?;
                    server.write_all(&head).await.ok()?;
                    copy_bidirectional(&mut client, &mut server).await.ok()
                });
            }
        });
        Self { authority, task }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn who_passes_everything_on_gets_no_session() {
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    for as_the_node in [false, true] {
        let between = Between::start(&node.clients(), as_the_node).await;
        // The nonces pass, so the node that shows itself is the true one.
        let mut client = Client::connect(&between.authority).await;
        let (peer, key) = (client.peer(), client.welcome().key);
        let proof = client.proof(&alice);
        client.send(ClientFrame::Login { request: 1, proof }).await;
        assert_eq!(client.refusal().await.code, RefusalCode::WrongChallenge, "as the node: {as_the_node}");

        // Inside of the channel everything passes and is nothing to whoever passes it on.
        if let Ok(mut inside) = Client::inside(&between.authority, &peer, &key).await {
            inside.sign_in(&alice).await;
        }
        // What was signed inside of it is worth nothing outside, and the other way round.
        let mut straight = Client::connect(&node.clients()).await;
        let proof = straight.proof_for(&key.to_string(), &alice);
        straight.send(ClientFrame::Login { request: 1, proof }).await;
        assert_eq!(straight.refusal().await.code, RefusalCode::WrongChallenge);
    }
    held(
        "a proxy that passes everything on",
        "nonces and proofs between a client and its node, with its own address and with the node's as Host",
        "no session: a login is for the address that was dialled, which is none of the node's",
    );
}

#[tokio::test]
async fn a_login_for_another_node_is_refused() {
    let alice = random_key();
    let owner = ["-p", &alice.public_key().to_npub()];
    let (node, other) = (Node::start(&owner).await, Node::start(&owner).await);
    let mut client = Client::connect(&node.clients()).await;
    let stranger = Client::connect(&other.clients()).await;
    let challenge = client.welcome().challenge;
    let draft = nostrp2p_protocol::login::client_draft(
        &challenge,
        &stranger.peer(),
        &node.clients(),
        nostrp2p_tests::now(),
    );
    let proof = draft.sign(&alice, &[7; 32]).into();
    client.send(ClientFrame::Login { request: 1, proof }).await;
    assert_eq!(client.refusal().await.code, RefusalCode::WrongChallenge);
    // Without the name of any node it is a login for a relay.
    let draft = nostrp2p_protocol::login::draft(&challenge, &node.clients(), nostrp2p_tests::now());
    let proof = draft.sign(&alice, &[7; 32]).into();
    client.send(ClientFrame::Login { request: 2, proof }).await;
    assert_eq!(client.refusal().await.code, RefusalCode::WrongChallenge);
}

/// What a stranger's node has got: whose delegation it holds, and what clients said to it.
async fn got(node: &Node) -> (Value, Vec<String>) {
    let (_, _, body) = node.inside("/node.json").await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    let log = node.log();
    let clients = log.lines().filter(|line| line.contains("a client connected")).map(str::to_owned);
    (told["delegated"].clone(), clients.collect())
}

#[tokio::test]
async fn a_link_takes_no_page_to_a_strangers_node() {
    let own = Node::start(&[]).await;
    let browser = Browser::start(Size::Desktop).await;
    browser.arrive(&own, "Ada").await;
    let npub = browser.npub().await;
    let origin = format!("http://{}", own.clients());
    let stranger = Node::start_with_log(&["-p", &npub, "--allow-origin", &origin], "info").await;
    let (_, _, body) = stranger.inside("/node.json").await;
    let identity: Value = serde_json::from_slice(&body).unwrap();
    let (peer, key) = (identity["peer_id"].as_str().unwrap(), identity["home"]["key"].as_str().unwrap());
    let page = format!("http://{}/", own.clients());
    for (number, wish) in [
        format!("#node=ws://{}", stranger.clients()),
        format!("#node=ws://{}&peer={peer}&key={key}", stranger.clients()),
        format!("#claim={}&node=ws://{}", "00".repeat(16), stranger.clients()),
    ]
    .iter()
    .enumerate()
    {
        // By a new page, and by a link in the page that is open.
        if number == 0 {
            browser.open("about:blank").await;
            browser.open(&format!("{page}{wish}")).await;
        } else {
            browser.go(wish).await;
        }
        browser.see("offer-node", &stranger.clients()).await;
        let script = "const state = typeof history.state === 'number' ? null : history.state;
            return [location.href, document.activeElement.id, state]";
        until("the wish is on the sheet alone, and what changes nothing has the focus", async || {
            let seen = browser.run(script).await;
            // The state of the history is at most the number of a place.
            if seen == json!([format!("{page}#/"), "offer-stay", null]) { Ok(()) } else { Err(seen) }
        })
        .await;
        browser.attribute("connection", "data-state", "connected").await;
        browser.click("offer-stay").await;
        browser.see_no("offer").await;
        let text = format!("written after link {number}");
        browser.write(&text).await;
        browser.see("post-text", &text).await;
        browser.see_no_state("waiting").await;
    }
    // Nothing of it was kept either.
    browser.open("about:blank").await;
    browser.open(&page).await;
    browser.attribute("connection", "data-state", "connected").await;
    assert_eq!(got(&stranger).await, (Value::Null, Vec::new()));
    browser.close().await;
    held(
        "hostile links",
        "a page in use was opened with links to a stranger's node that says it is the person's own",
        "a sheet; no connection, no login, no delegation, nothing stored; posts went to the own node",
    );
}

#[tokio::test]
async fn another_node_at_the_known_address_gets_no_word() {
    let own = Node::start(&[]).await;
    let browser = Browser::start(Size::Desktop).await;
    browser.arrive(&own, "Ada").await;
    let (npub, address) = (browser.npub().await, own.clients());
    let port = own.nodes().rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
    let stopped = own.stop().await;
    let stranger = Node::start_on(port, &["-p", &npub]).await;
    assert_eq!(stranger.clients(), address);
    browser.see("error", "somebody tries to pass for yours").await;
    let (_, _, body) = stranger.inside("/node.json").await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["delegated"], Value::Null);
    drop(stranger.stop().await);
    // The own node comes back, and the page with it.
    let _own = stopped.start().await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.close().await;
    held(
        "another node at the known address",
        "a node with another key took the address of a person's node and said that it was theirs",
        "an alarm with what may have happened; no login, no delegation",
    );
}

#[tokio::test]
async fn a_node_that_proves_another_key_or_none_is_not_believed() {
    // What the rig's client checks is what the page checks: the signature is over both nonces.
    let alice = random_key();
    let node = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let mut client = Client::connect_silently(&node.clients()).await;
    let nonce = random_nonce();
    client.send(ClientFrame::Hello { version: nostrp2p_protocol::frame::VERSION, nonce: Some(nonce) }).await;
    let Some(NodeFrame::Welcome(welcome)) = client.next().await else { unreachable!("no welcome") };
    assert!(nostrp2p_tests::is_proved(&welcome, &nonce));
    assert!(!nostrp2p_tests::is_proved(&welcome, &random_nonce()), "of another conversation");
    let other = nostrp2p_protocol::PeerId::from_ed25519([9; 32]);
    let lie = nostrp2p_protocol::frame::Welcome { peer: other, ..*welcome };
    assert!(!nostrp2p_tests::is_proved(&lie, &nonce), "in another node's name");
}
