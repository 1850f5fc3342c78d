//! `-s`: the node serves clients over TLS with the files of the current directory.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{fs, path::Path, process::Stdio, sync::Arc};

use nostrp2p_tests::{Node, PATIENCE, binary, free_port, until};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// A certificate for localhost, and its key, in PEM.
struct Pair {
    chain: String,
    key: String,
    der: CertificateDer<'static>,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Pair { chain: made.cert.pem(), key: made.signing_key.serialize_pem(), der: made.cert.der().clone() }
}

fn write(directory: &Path, pair: &Pair) {
    fs::write(directory.join("fullchain.pem"), &pair.chain).unwrap();
    fs::write(directory.join("privkey.pem"), &pair.key).unwrap();
}

/// A node with TLS whose certificate is in its current directory.
async fn start(directory: &Path, arguments: &[&str]) -> (Child, u16) {
    let port = free_port();
    let mut node = Command::new(binary())
        .args(["server", "--no-qr", "-l", &format!("127.0.0.1:{port}"), "--data-dir", "data"])
        .args(arguments)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(node.stdout.take().unwrap()).lines();
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await.expect("the node starts").unwrap().unwrap();
        if let Some((link, _)) = line.split_once("/#claim=") {
            assert_eq!(link.trim(), format!("https://127.0.0.1:{}", port + 1));
            return (node, port);
        }
    }
}

/// Asks for `/healthz` and trusts this certificate alone.
async fn healthy(port: u16, trusted: &CertificateDer<'static>) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port + 1)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let mut stream = connected.map_err(|error| error.to_string())?;
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.map_err(|error| error.to_string())?;
    let mut answer = String::new();
    // A peer that closes without a TLS goodbye is still a peer that has answered.
    drop(stream.read_to_string(&mut answer).await);
    Ok(answer)
}

#[tokio::test]
async fn the_page_comes_over_tls_with_the_given_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let first = pair();
    write(directory.path(), &first);
    let (_node, port) = start(directory.path(), &["-s", "true"]).await;
    let answer = healthy(port, &first.der).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let (directory, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (pair(), pair());
    write(files.path(), &first);
    let (cert, key) = (files.path().join("fullchain.pem"), files.path().join("privkey.pem"));
    let arguments = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let (_node, port) = start(directory.path(), &arguments).await;
    assert!(healthy(port, &second.der).await.is_err());

    fs::write(&cert, "half a file").unwrap();
    fs::write(&cert, &second.chain).unwrap();
    // Until the key fits, the old pair is served; then the new one.
    assert!(healthy(port, &first.der).await.is_ok());
    fs::write(&key, &second.key).unwrap();
    let renewed = || async { healthy(port, &second.der).await };
    let answer = until("the renewed certificate", renewed).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(healthy(port, &first.der).await.is_err());

    // `status` knows the certificate from its file and asks the node over TLS.
    let listen = format!("127.0.0.1:{port}");
    let status = Command::new(binary())
        .args(["status", "-l", &listen, "--data-dir", "data"])
        .args(arguments)
        .current_dir(directory.path())
        .output();
    let text = String::from_utf8(status.await.unwrap().stdout).unwrap();
    assert!(text.contains("Your node is running"), "{text}");
}

#[tokio::test]
async fn files_that_do_not_fit_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (pair(), pair());
    write(directory.path(), &Pair { key: other.key, ..one });
    let output = Command::new(binary())
        .args(["server", "-s", "-l", &format!("127.0.0.1:{}", free_port()), "--data-dir", "data"])
        .current_dir(directory.path())
        .output();
    let output = timeout(PATIENCE, output).await.unwrap().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(1) && text.contains("privkey.pem") && text.contains("--tls-cert"),
        "{text}"
    );
}

#[tokio::test]
async fn plain_http_works_without_s() {
    let node = Node::start(&[]).await;
    assert_eq!(nostrp2p_tests::get(&node.clients(), "/healthz", &[]).await.0, 200);
}
