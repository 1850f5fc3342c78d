//! `-s`: the node serves clients over TLS with the files of the current directory.

use std::{fs, sync::Arc};

use nostrp2p_tests::{Node, PATIENCE, binary, free_port};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
    time::timeout,
};
use tokio_rustls::TlsConnector;

#[tokio::test]
async fn the_page_comes_over_tls_with_the_given_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.path().join("fullchain.pem"), certificate.cert.pem()).unwrap();
    fs::write(directory.path().join("privkey.pem"), certificate.signing_key.serialize_pem()).unwrap();
    let port = free_port();
    let mut node = Command::new(binary())
        .args(["server", "-s", "true", "--no-qr", "-l", &format!("127.0.0.1:{port}"), "--data-dir", "data"])
        .current_dir(directory.path())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("the node starts").unwrap().unwrap();
        if let Some((link, _)) = line.split_once("/#claim=") {
            assert_eq!(link.trim(), format!("https://127.0.0.1:{}", port + 1));
            break;
        }
    }

    let mut roots = RootCertStore::empty();
    roots.add(certificate.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port + 1)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    // A peer that closes without a TLS goodbye is still a peer that has answered.
    drop(stream.read_to_string(&mut answer).await);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn plain_http_works_without_s() {
    let node = Node::start(&[]).await;
    assert_eq!(nostrp2p_tests::get(&node.clients(), "/healthz", &[]).await.0, 200);
}
