//! Joining and coming back, over TCP on loopback.

use nostrp2p_overlay::{Listen, StartError, Topic, start};

use crate::rig::{Node, host_and_port, on_loopback, port, settings};

#[tokio::test]
async fn a_node_joins_by_host_and_port() {
    for host in ["127.0.0.1", "localhost"] {
        let mut a = Node::start(on_loopback()).await;
        let mut settings = on_loopback();
        settings.bootstrap = vec![host_and_port(&a, host).await];
        let mut b = Node::start(settings).await;
        a.joined(b.id()).await;
        b.joined(a.id()).await;
        b.overlay.broadcast(Topic::Events, b"hello".to_vec()).await.unwrap();
        assert_eq!(a.message().await.2, b"hello");
    }
}

#[tokio::test]
async fn a_node_joins_by_multiaddr_and_insists_on_its_peer_id() {
    let mut a = Node::start(on_loopback()).await;
    let mut right = on_loopback();
    right.bootstrap = vec![a.address().await];
    let b = Node::start(right).await;
    a.joined(b.id()).await;
    let mut wrong = on_loopback();
    let text = format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", port(&a).await, wrong.secret.peer_id());
    let stranger = settings().secret.peer_id();
    wrong.bootstrap =
        vec![text.replace(&wrong.secret.peer_id().to_string(), &stranger.to_string()).parse().unwrap()];
    let (_, reason, retry_in) = Node::start(wrong).await.bootstrap_failed().await;
    assert!(reason.contains("another node answers there"), "{reason}");
    assert!(retry_in.is_some());
}

#[tokio::test]
async fn a_bootstrap_node_that_restarts_is_joined_again() {
    let mut first = on_loopback();
    let mut a = Node::start(first.clone()).await;
    first.listen = vec![Listen::Ip(([127, 0, 0, 1], port(&a).await).into())];
    let mut joining = on_loopback();
    joining.bootstrap = vec![host_and_port(&a, "127.0.0.1").await];
    let mut b = Node::start(joining).await;
    a.joined(b.id()).await;
    b.joined(a.id()).await;
    a.stop().await;
    b.left(first.secret.peer_id()).await;
    let mut a = Node::start(first).await;
    a.joined(b.id()).await;
    b.joined(a.id()).await;
    a.overlay.broadcast(Topic::Events, b"back".to_vec()).await.unwrap();
    assert_eq!(b.message().await.2, b"back");
}

#[tokio::test]
async fn a_bootstrap_node_may_come_up_later() {
    let a = Node::start(on_loopback()).await;
    let port = port(&a).await;
    let address = host_and_port(&a, "localhost").await;
    a.stop().await;
    let mut joining = on_loopback();
    joining.bootstrap = vec![address.clone()];
    let mut b = Node::start(joining).await;
    let (failed, reason, retry_in) = b.bootstrap_failed().await;
    assert_eq!(failed, address);
    assert!(reason.contains("nobody listens there"), "{reason}");
    assert!(retry_in.is_some());
    let mut late = settings();
    late.listen = vec![Listen::Ip(([127, 0, 0, 1], port).into())];
    let mut a = Node::start(late).await;
    a.joined(b.id()).await;
}

#[tokio::test]
async fn a_node_that_is_its_own_bootstrap_says_so_once() {
    let first = Node::start(on_loopback()).await;
    let port = port(&first).await;
    first.stop().await;
    let mut own = settings();
    own.listen = vec![Listen::Ip(([127, 0, 0, 1], port).into())];
    own.bootstrap = vec![format!("localhost:{port}").parse().unwrap()];
    let mut a = Node::start(own).await;
    let (_, reason, retry_in) = a.bootstrap_failed().await;
    assert!(reason.contains("this node itself"), "{reason}");
    assert_eq!(retry_in, None);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let a = Node::start(on_loopback()).await;
    let address = ([127, 0, 0, 1], port(&a).await).into();
    let mut second = settings();
    second.listen = vec![Listen::Ip(address)];
    let Err(error) = start(second).await else { panic!("two nodes on one port") };
    assert_eq!(error, StartError::AddressInUse { address });
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let mut foreign = settings();
    foreign.listen = vec![Listen::Ip("8.8.8.8:20000".parse().unwrap())];
    let Err(error) = start(foreign).await else { panic!("listens on somebody else's address") };
    assert!(
        matches!(&error, StartError::CannotListen { reason, .. } if reason.contains("no such address")),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_reported() {
    let mut joining = settings();
    joining.bootstrap = vec!["nowhere.invalid:20000".parse().unwrap()];
    let (_, reason, _) = Node::start(joining).await.bootstrap_failed().await;
    assert!(reason.contains("nowhere.invalid"), "{reason}");
}

#[tokio::test]
async fn something_that_is_no_node_is_reported_and_does_no_harm() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut joining = settings();
    joining.bootstrap = vec![listener.local_addr().unwrap().to_string().parse().unwrap()];
    let mut node = Node::start(joining).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    drop(stream);
    let (_, reason, _) = node.bootstrap_failed().await;
    assert!(reason.contains("does not behave like a node"), "{reason}");
    assert_eq!(node.overlay.peers().await, []);
}

#[tokio::test]
async fn a_node_joins_by_quic() {
    let mut a = Node::start(on_loopback()).await;
    let addresses = a.overlay.listen_addresses().await;
    let quic = addresses.iter().find(|address| address.contains("/quic-v1"));
    let mut joining = settings();
    joining.bootstrap = vec![quic.expect("it listens by QUIC").parse().unwrap()];
    let mut b = Node::start(joining).await;
    a.joined(b.id()).await;
    b.joined(a.id()).await;
    b.overlay.broadcast(Topic::Events, b"hello".to_vec()).await.unwrap();
    assert_eq!(a.message().await.2, b"hello");
}
