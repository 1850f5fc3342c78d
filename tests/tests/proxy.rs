//! Behind a real nginx with the configuration that docs/install.md gives: `dist/nginx.conf`, with other ports and a
//! certificate of our own.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{fs, path::PathBuf, process::Stdio, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use nostrp2p_protocol::{
    SecretKey, UnverifiedEvent,
    frame::{ClientFrame, NodeFrame, RefusalCode, VERSION, Welcome},
    login,
};
use nostrp2p_tests::{Node, PATIENCE, free_port, http_login, now, post, random_key, skip, until};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const NAME: &str = "node.example";

/// Makes nginx believe that a client is elsewhere, as if it had come from there; only for this test.
const FROM_ELSEWHERE: &str = "set_real_ip_from 127.0.0.1; real_ip_header X-Test-From;";

/// nginx in front of a node.
struct Proxy {
    _nginx: Child,
    _folder: TempDir,
    port: u16,
    certificate: CertificateDer<'static>,
}

impl Proxy {
    /// None, and the test is skipped, where there is no nginx.
    async fn start(node: &Node) -> Option<Self> {
        let Some(program) = nginx() else {
            skip("there is no nginx");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let (port, path) = (free_port(), |name: &str| folder.path().join(name).display().to_string());
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        fs::write(path("fullchain.pem"), made.cert.pem()).unwrap();
        fs::write(path("privkey.pem"), made.signing_key.serialize_pem()).unwrap();
        let ours = fs::read_to_string(root().join("dist/nginx.conf")).unwrap();
        let site = ours
            .replace("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl"))
            .replace("    listen [::]:443 ssl;\n", "")
            .replace("/etc/letsencrypt/live/node.example", &folder.path().display().to_string())
            .replace("127.0.0.1:20001", &node.clients());
        assert!(
            !site.contains(":443") && !site.contains("1:20001") && !site.contains("/etc/letsen"),
            "{site}"
        );
        let around = format!(
            "daemon off; master_process off; pid {}; error_log stderr; events {{}}\nhttp {{ access_log off;\n{FROM_ELSEWHERE}\n{}\n{site} }}\n",
            path("nginx.pid"),
            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|part| format!("{part}_temp_path {};", path(part)))
                .join("\n"),
        );
        fs::write(path("nginx.conf"), around).unwrap();
        let nginx = Command::new(program)
            .args(["-c", &path("nginx.conf"), "-p", &folder.path().display().to_string(), "-e", "stderr"])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let proxy = Self { _nginx: nginx, _folder: folder, port, certificate: made.cert.der().clone() };
        until("nginx to listen", || TcpStream::connect(("127.0.0.1", port))).await;
        Some(proxy)
    }

    /// What a browser has in its address bar.
    fn authority(&self) -> String {
        format!("{NAME}:{}", self.port)
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(ServerName::try_from(NAME).unwrap(), stream)
            .await
            .unwrap()
    }

    /// Status and body of a request with these headers.
    async fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = self.connect().await;
        let host = format!("Host: {}", self.authority());
        let host = if headers.iter().any(|header| header.starts_with("Host:")) { "X: y" } else { &host };
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}\r\n{}Content-Length: {length}\r\nConnection: close\r\n\r\n",
            headers.iter().map(|header| format!("{header}\r\n")).collect::<String>()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        let mut answer = Vec::new();
        // A peer that closes without a TLS goodbye is still a peer that has answered.
        drop(timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap());
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&answer[..end]).split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }

    /// A WebSocket at `/client` that has been welcomed, and the welcome.
    async fn client(&self) -> (Frames, Welcome) {
        self.client_from(None).await
    }

    /// The same, as if it came from another machine: see `real_ip_header`. What the client itself says in
    /// `X-Forwarded-For` must change nothing.
    async fn client_from(&self, address: Option<&str>) -> (Frames, Welcome) {
        let mut request = format!("wss://{}/client", self.authority()).into_client_request().unwrap();
        if let Some(address) = address {
            let other = format!("203.0.113.{}", now() % 250);
            request.headers_mut().insert("x-test-from", address.parse().unwrap());
            request.headers_mut().insert("x-forwarded-for", other.parse().unwrap());
        }
        let (socket, _) = client_async(request, self.connect().await).await.unwrap();
        let mut frames = Frames(socket);
        frames.send(ClientFrame::Hello { version: VERSION, nonce: Some([7; 32]) }).await;
        match frames.next().await {
            Some(NodeFrame::Welcome(welcome)) => (frames, *welcome),
            other => unreachable!("no welcome but {other:?}"),
        }
    }

    fn proof(&self, welcome: &Welcome, key: &SecretKey) -> UnverifiedEvent {
        let Welcome { challenge, peer, .. } = welcome;
        login::client_draft(challenge, peer, &self.authority(), now()).sign(key, &[7; 32]).into()
    }

    async fn login(&self, key: &SecretKey) -> (Frames, Option<NodeFrame>) {
        let (mut frames, welcome) = self.client().await;
        let proof = self.proof(&welcome, key);
        frames.send(ClientFrame::Login { request: 1, proof }).await;
        let answer = frames.next().await;
        (frames, answer)
    }
}

struct Frames(WebSocketStream<TlsStream<TcpStream>>);

impl Frames {
    async fn send(&mut self, frame: ClientFrame) {
        self.0.send(Message::Binary(frame.encode().into())).await.unwrap();
    }

    async fn next(&mut self) -> Option<NodeFrame> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Binary(bytes))) => return Some(NodeFrame::decode(&bytes).unwrap()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn nginx() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join("nginx")).find(|program| program.exists())
}

async fn node_of(key: &SecretKey) -> Node {
    Node::start(&["-p", &key.public_key().to_npub(), "--allow-host", NAME, "--allow-origin", "none"]).await
}

#[tokio::test]
async fn page_frames_and_rest_work_behind_nginx() {
    let alice = random_key();
    let node = node_of(&alice).await;
    let Some(proxy) = Proxy::start(&node).await else { return };

    // Where the client was not built, the node says so on its page; that comes through as well.
    let (status, _, page) = nostrp2p_tests::get(&node.clients(), "/", &[]).await;
    assert_eq!(proxy.request("GET", "/", &[], b"").await, (status, page));
    let (mut frames, answer) = proxy.login(&alice).await;
    assert!(matches!(answer, Some(NodeFrame::LoggedIn { .. })), "{answer:?}");
    frames.send(ClientFrame::Watch { after: 0, gather_ms: 0 }).await;
    let written = post(&alice, "written through the proxy");
    frames.send(ClientFrame::Publish { request: 5, event: written.clone().into() }).await;
    loop {
        let frame = frames.next().await.expect("the connection stands");
        if let NodeFrame::Batch { events, .. } = frame
            && events.iter().any(|event| event.content == written.content)
        {
            break;
        }
    }

    let url = format!("https://{}/req", proxy.authority());
    let body = br#"{"kinds":[40000],"limit":5}"#;
    let header = http_login(&alice, &url, "POST", Some(body), 0);
    let json = "content-type: application/json";
    let (status, answer) = proxy.request("POST", "/req", &[&header, json], body).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    assert!(answer.windows(written.content.len()).any(|window| window == written.content.as_bytes()));
    let (status, _) = proxy.request("POST", "/req", &[json], body).await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn names_and_pages_are_checked_behind_nginx_too() {
    let alice = random_key();
    let node = node_of(&alice).await;
    let Some(proxy) = Proxy::start(&node).await else { return };
    let status = async |headers: &[&str]| proxy.request("GET", "/node.json", headers, b"").await.0;
    assert_eq!(status(&[]).await, 200);
    assert_eq!(status(&[&format!("Origin: https://{}", proxy.authority())]).await, 200);
    assert_eq!(status(&["Origin: https://evil.example"]).await, 403);
    // nginx passes it on, for it has one server only; the node does not answer to it.
    assert_eq!(status(&["Host: evil.example"]).await, 403);
}

#[tokio::test]
async fn failed_logins_behind_nginx_are_counted_by_where_they_come_from() {
    let alice = random_key();
    let node = node_of(&alice).await;
    let Some(proxy) = Proxy::start(&node).await else { return };
    let fail = async |from: &str| {
        let (mut frames, welcome) = proxy.client_from(Some(from)).await;
        let proof = proxy.proof(&welcome, &random_key());
        frames.send(ClientFrame::Login { request: 1, proof }).await;
        match frames.next().await {
            Some(NodeFrame::Refused { refusal, .. }) => refusal.code,
            other => unreachable!("no refusal but {other:?}"),
        }
    };
    let tries = futures_util::future::join_all((0..12).map(|_| fail("192.0.2.1"))).await;
    let busy = tries.iter().filter(|code| **code == RefusalCode::Busy).count();
    assert_eq!(busy, 2, "ten may fail at once: {tries:?}");
    assert_eq!(fail("192.0.2.2").await, RefusalCode::NotOwner, "others are not held up");
    assert_eq!(fail("192.0.2.1").await, RefusalCode::Busy);
    // Whoever signs rightly is let in, whatever others did from there.
    let (mut frames, welcome) = proxy.client_from(Some("192.0.2.1")).await;
    let proof = proxy.proof(&welcome, &alice);
    frames.send(ClientFrame::Login { request: 1, proof }).await;
    let answer = frames.next().await;
    assert!(matches!(answer, Some(NodeFrame::LoggedIn { .. })), "{answer:?}");
}
