//! Fetches the NIP-11 document of a relay, before the conversation begins.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use nostrp2p_bridge::mirror::Terms;
use nostrp2p_overlay::Lookups;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::dial::{self, Dialable, MirrorAddress};

/// How long that may take; then the relay counts as one without a document.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest document that is read, in bytes; a few hundred are usual.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// The relay's document, if it has one.
pub(super) async fn ask(url: &str, tls: &Arc<ClientConfig>, names: &Lookups, dialable: Dialable) -> Terms {
    let document = timeout(ANSWER_WITHIN, fetch(url, tls, names, dialable)).await.ok().flatten();
    document.map_or_else(Terms::default, |document| Terms::read(&document))
}

async fn fetch(url: &str, tls: &Arc<ClientConfig>, names: &Lookups, dialable: Dialable) -> Option<Vec<u8>> {
    let MirrorAddress { secure, host, port, authority, path } = MirrorAddress::of(url)?;
    let stream = dial::dial(&host, port, names, dialable).await.ok()?;
    if secure {
        let name = ServerName::try_from(host).ok()?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.ok()?;
        return get(stream, authority, path).await;
    }
    get(stream, authority, path).await
}

async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    authority: &str,
    path: &str,
) -> Option<Vec<u8>> {
    let (mut sender, connection) = http1::handshake::<_, Body>(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(format!("/{path}"))
        .header(header::HOST, authority)
        .header(header::ACCEPT, "application/nostr+json")
        .body(Body::empty())
        .ok()?;
    let asked = async {
        let answer = sender.send_request(request).await.ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        to_bytes(Body::new(answer.into_body()), MAX_DOCUMENT_BYTES).await.ok()
    };
    // The connection moves the bytes; it is dropped with the answer.
    tokio::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer.map(Into::into),
        _ = connection => asked.await.map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::mirror::trust;

    /// What is made of an answer.
    async fn check(answer: &'static str, expected: Terms) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let relay = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4_096];
            let length = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).to_ascii_lowercase()
        });
        let terms = ask(
            &format!("ws://127.0.0.1:{port}/path"),
            &trust::configuration(None).unwrap(),
            &Lookups::default(),
            Dialable::Any,
        )
        .await;
        assert_eq!(terms, expected, "{answer}");
        let asked = relay.await.unwrap();
        assert!(asked.starts_with("get /path http/1.1"), "{asked}");
        assert!(asked.contains("accept: application/nostr+json"), "{asked}");
        assert!(asked.contains(&format!("host: 127.0.0.1:{port}")), "{asked}");
    }

    #[tokio::test]
    async fn a_document_is_read_also_in_pieces_and_whatever_else_comes_says_nothing() {
        let found = Terms { compares: Some(true), ..Terms::default() };
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n16\r\n{\"supported_nips\":[77]\r\n1\r\n}\r\n0\r\n\r\n",
            found,
        )
        .await;
        check("HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{\"supported_nips\":[77]}", found).await;
        check("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"supported_nips\":[77]}", Terms::default())
            .await;
        check(
            "HTTP/1.1 404 Not Found\r\nContent-Length: 23\r\n\r\n{\"supported_nips\":[77]}",
            Terms::default(),
        )
        .await;
        check("SSH-2.0-OpenSSH\r\n", Terms::default()).await;
        check("", Terms::default()).await;
    }
}
