//! At the port of clients, and at the listeners: slow, foreign, insistent.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use nostrp2p_protocol::frame::{ClientFrame, RefusalCode};
use nostrp2p_tests::{Attacker, Client, Node, PATIENCE, Person, get, held, post, random_key, request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What a slow client is given before it is sent away is 30 s; who gets in faster than this did not wait for that.
const AT_ONCE: Duration = Duration::from_secs(15);

/// Connections that say nothing, or begin to say something.
async fn slow(address: &str, count: usize, beginnings: &[&[u8]]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for number in 0..count {
        let mut stream = timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap();
        // One that is refused right away is no trouble for anybody.
        drop(stream.write_all(beginnings[number % beginnings.len()]).await);
        streams.push(stream);
    }
    streams
}

/// Begins a handshake again and again, from an address that nobody else has, where the system has one.
async fn insist(address: String) {
    loop {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        let _elsewhere = socket.bind("127.0.0.2:0".parse().unwrap());
        if let Ok(mut stream) = socket.connect(address.parse().unwrap()).await {
            drop(stream.write_all(b"\x13/multistream/1.0.0\n").await);
            // Until it is sent away.
            drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
        }
        // Not faster, for the test shall not run out of ports.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn slow_clients_keep_nobody_out_at_any_listener() {
    let mut alice = Person::arrive(None).await;
    let halves: [&[u8]; 3] = [b"", b"GET / HTTP/1.1\r\nHost: loc", b"POST /req HTTP/1.1\r\n"];
    let kept = slow(&alice.node.clients(), 400, &halves).await;
    let begun = Instant::now();
    Client::login(&alice.node.clients(), &alice.key).await;
    let port = begun.elapsed();
    assert!(port < AT_ONCE, "somebody had to wait {port:?}");
    drop(kept);

    // TLS: hands are never shaken.
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let owner = random_key().public_key().to_npub();
    let secure = Node::start(&["-p", &owner, "-s", "--tls-cert", cert, "--tls-key", key]).await;
    let silent = slow(&secure.clients(), 400, &[b"", b"\x16\x03\x01\x02\x00"]).await;
    let begun = Instant::now();
    assert!(shake_hands(&secure.clients(), made.cert.der().clone()).await.contains("200 OK"));
    let tls = begun.elapsed();
    assert!(tls < AT_ONCE, "somebody had to wait {tls:?}");
    drop(silent);

    // Other nodes: libp2p's handshake is never begun, or never ended, and who is sent away comes again at once.
    let half_open = slow(&alice.node.nodes(), 200, &[b"", b"\x13/multistream/1.0.0\n"]).await;
    let flood: Vec<_> = (0..64).map(|_| tokio::spawn(insist(alice.node.nodes()))).collect();
    let begun = Instant::now();
    let mut newcomer = Person::arrive(Some(&alice)).await;
    newcomer.client.watch(0).await;
    alice.client.publish(&post(&alice.key, "welcome")).await;
    newcomer.client.hear("welcome").await;
    let overlay = begun.elapsed();
    // A handshake that is never ended is given up after ten seconds; nobody waited for that.
    assert!(overlay < Duration::from_secs(9), "a newcomer had to wait {overlay:?}");
    drop(half_open);
    flood.iter().for_each(tokio::task::JoinHandle::abort);
    held(
        "slow-loris",
        "400 connections with half a head, 400 with half a TLS handshake, 200 with half a libp2p handshake and 64 that \
         come again whenever they are sent away",
        &format!(
            "a client was served after {} ms, over TLS after {} ms; a new node joined after {:.1} s",
            port.as_millis(),
            tls.as_millis(),
            overlay.as_secs_f32()
        ),
    );
}

/// Asks for `/healthz` over TLS.
async fn shake_hands(authority: &str, trusted: rustls::pki_types::CertificateDer<'static>) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(authority).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = timeout(PATIENCE, connector.connect(name, stream)).await.expect("a handshake").unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    // A peer that closes without a TLS goodbye is still a peer that has answered.
    drop(stream.read_to_string(&mut answer).await);
    answer
}

/// What guesses at a node came to.
#[derive(Default)]
struct Guesses {
    let_in: usize,
    sent_away: usize,
}

/// Guesses at the key of a node's owner, or at the claim token of a node that has none.
async fn guess(node: &Node, count: usize) -> Guesses {
    let mut guesses = Guesses::default();
    for _ in 0..count {
        let mut client = Client::connect(&node.clients()).await;
        let proof = client.proof(&random_key());
        let mut token = [0; 16];
        getrandom::fill(&mut token).unwrap();
        client
            .send(match node.claim_link {
                None => ClientFrame::Login { request: 1, proof },
                Some(_) => ClientFrame::Claim { request: 1, token, proof },
            })
            .await;
        match client.refusal().await.code {
            RefusalCode::NotOwner | RefusalCode::WrongToken => {}
            RefusalCode::Busy => guesses.sent_away += 1,
            _ => guesses.let_in += 1,
        }
    }
    guesses
}

#[tokio::test]
async fn guessing_at_logins_and_claims_leads_nowhere_and_locks_nobody_out() {
    const GUESSES: usize = 30;
    let alice = random_key();
    let owned = Node::start(&["-p", &alice.public_key().to_npub()]).await;
    let free = Node::start(&[]).await;
    let begun = Instant::now();
    let (key, token) = tokio::join!(guess(&owned, GUESSES), guess(&free, GUESSES));
    assert_eq!(key.let_in + token.let_in, 0);
    let sent_away = key.sent_away + token.sent_away;
    // One more may fail every half minute.
    assert!(sent_away > GUESSES, "{sent_away}");
    let took = begun.elapsed();
    // Whoever has the key, or the link, is let in whatever others did.
    Client::login(&owned.clients(), &alice).await;
    Client::claim(&free.clients(), free.token(), &alice).await;
    held(
        "login brute force",
        &format!("{GUESSES} guesses at a key and {GUESSES} at a claim token in {:.0} s", took.as_secs_f32()),
        &format!("none let in, {sent_away} sent away unheard; the owner is let in at once"),
    );
}

#[tokio::test]
async fn no_path_leads_out_of_the_page() {
    let node = Node::start(&[]).await;
    let secret = std::fs::read_to_string(node.data_dir().join("node.key")).unwrap();
    let tricks = [
        "/../node.key",
        "/..%2fnode.key",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..\\..\\etc\\passwd",
        "/..%5c..%5cetc%5cpasswd",
        "//etc/passwd",
        "/./../../etc/passwd",
        "/index.html/../../node.key",
        "/index.html%00.png",
        "/%00",
        "/%c0%ae%c0%ae/etc/passwd",
        "/etc/passwd",
        "/node.key",
        "/store.redb",
        "/.git/config",
        "/sw.js/",
        "/sw.js%20",
        "/SW.JS",
        "/index.html?../../etc/passwd#",
        "/proc/self/environ",
        "/client.wasm/..;/node.key",
        "http://evil.example/etc/passwd",
        "http://127.0.0.1/../etc/passwd",
    ];
    for path in tricks {
        let (status, _, body) = get(&node.clients(), path, &[]).await;
        let text = String::from_utf8_lossy(&body);
        assert!(!text.contains("root:") && !text.contains(secret.trim()), "{path}");
        // What looks like the page with a question behind it is the page.
        assert!(
            matches!(status, 400 | 403 | 404 | 405) || path.starts_with("/index.html?"),
            "{path}: {status}"
        );
    }
    for method in ["PUT", "DELETE", "PROPFIND", "TRACE", "CONNECT"] {
        let (status, _, _) = request(&node.clients(), method, "/sw.js", &[], b"").await;
        assert!((400..=405).contains(&status), "{method}: {status}");
    }
    held(
        "path tricks",
        &format!("{} paths with dots, escapes, NUL and other files, 5 other methods", tricks.len()),
        "404 or 4xx; only the files of the page by their exact names",
    );
}

#[tokio::test]
async fn a_hijacked_websocket_and_a_foreign_name_get_no_word() {
    let alice = random_key();
    let npub = alice.public_key().to_npub();
    // The most trusting node there is.
    let node = Node::start(&["-p", &npub, "--legacy-rest", "--open-relay", "--public-read"]).await;
    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    let port = node.clients().rsplit_once(':').unwrap().1.to_owned();
    let foreign = [
        "Origin: https://evil.example".to_owned(),
        "Origin: null".to_owned(),
        "Origin: file://".to_owned(),
        format!("Origin: http://127.0.0.1.evil.example:{port}"),
        format!("Origin: http://localhost.evil.example:{port}"),
        "Origin: http://127.0.0.1@evil.example".to_owned(),
        format!("Host: evil.example:{port}"),
        format!("Host: 127.0.0.1.evil.example:{port}"),
        "Host: ".to_owned(),
    ];
    let mut tried = 0;
    for header in &foreign {
        for path in ["/client", "/"] {
            let headers: Vec<&str> = upgrade.iter().copied().chain([header.as_str()]).collect();
            assert_eq!(get(&node.clients(), path, &headers).await.0, 403, "{path} {header}");
            tried += 1;
        }
        for (method, path) in
            [("POST", "/publish"), ("POST", "/req"), ("GET", "/node.json"), ("OPTIONS", "/req")]
        {
            for kind in ["application/json", "text/plain"] {
                let headers = [header.as_str(), &format!("Content-Type: {kind}"), "Content-Length: 2"];
                let (status, head, _) = request(&node.clients(), method, path, &headers, b"{}").await;
                assert_eq!(status, 403, "{method} {path} {header}");
                assert!(!head.to_ascii_lowercase().contains("access-control-allow-origin"), "{head}");
                tried += 1;
            }
        }
    }
    // Nobody frames the page, either.
    let (_, head, _) = get(&node.clients(), "/", &[]).await;
    assert!(head.contains("frame-ancestors 'none'"), "{head}");
    held(
        "WebSocket hijack",
        &format!(
            "{tried} upgrades and requests under foreign Origin and Host, at a node that trusts all clients"
        ),
        "403 each time, no CORS header; the page cannot be framed",
    );
}

#[tokio::test]
async fn a_banned_attacker_does_not_come_back_under_the_same_key() {
    let mut alice = Person::arrive(None).await;
    let attacker = Attacker::join(&alice.node).await;
    for number in 0..20_u8 {
        attacker.shout_bytes(vec![0xc1, number]).await;
    }
    super::reaches(&alice.node, "peers_banned_total", 1).await;
    nostrp2p_tests::until("the attacker to be alone", || async {
        if attacker.neighbours() == 0 { Ok(()) } else { Err(attacker.neighbours()) }
    })
    .await;
    alice.client.publish(&post(&alice.key, "still works")).await;
    held("rubbish", "20 broadcasts that are no packets", "thrown out and kept out for an hour");
}
