//! What HTTP and WebSocket ask of a server.

use futures_util::{SinkExt, StreamExt};
use nostrp2p_tests::{Node, PATIENCE};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

#[tokio::test]
async fn a_close_frame_is_answered() {
    let node = Node::start(&[]).await;
    for path in ["", "client"] {
        let (mut socket, _) = connect_async(format!("ws://{}/{path}", node.clients())).await.unwrap();
        let frame = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
        socket.send(Message::Close(Some(frame))).await.unwrap();
        let answer = timeout(PATIENCE, async {
            loop {
                match socket.next().await {
                    // A challenge or a ping may have been on its way.
                    Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_))) => {}
                    other => return other,
                }
            }
        });
        let answer = answer.await.unwrap();
        // Without an answer the library says ResetWithoutClosingHandshake, and a browser 1006.
        assert!(matches!(answer, Some(Ok(Message::Close(_)))), "/{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_request_with_two_hosts_is_a_bad_one() {
    let node = Node::start(&[]).await;
    let head = |hosts: &str| format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
    let host = format!("Host: {}\r\n", node.clients());
    for (hosts, expected) in [
        (host.clone(), "200"),
        (host.repeat(2), "400"),
        (format!("{host}Host: evil.example\r\n"), "400"),
        (String::new(), "400"),
    ] {
        let mut stream = TcpStream::connect(node.clients()).await.unwrap();
        stream.write_all(head(&hosts).as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{hosts:?}: {answer}");
    }
}
