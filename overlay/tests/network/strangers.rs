//! Programs that speak libp2p, but not with us.

use futures::StreamExt;
use libp2p::{Multiaddr, SwarmBuilder, identify, noise, swarm::SwarmEvent, tcp, yamux};

use crate::rig::{Node, on_loopback, settings};

#[tokio::test]
async fn a_peer_of_another_protocol_is_sent_away_with_the_reason() {
    let mut stranger = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|key| {
            identify::Behaviour::new(identify::Config::new("/nostrp2p/2".to_owned(), key.public()))
        })
        .unwrap()
        .build();
    stranger.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    let address: Multiaddr = loop {
        if let SwarmEvent::NewListenAddr { address, .. } = stranger.select_next_some().await {
            break address;
        }
    };
    let mut joining = settings();
    joining.bootstrap = vec![address.to_string().parse().unwrap()];
    let mut node = Node::start(joining).await;
    let (_, reason, retry_in) = tokio::select! {
        failed = node.bootstrap_failed() => failed,
        () = stranger.for_each(|_| async {}) => unreachable!("a swarm does not end"),
    };
    assert!(reason.contains("`/nostrp2p/2`"), "{reason}");
    assert!(retry_in.is_some());
    assert_eq!(node.overlay.peers().await, []);
}

#[tokio::test]
async fn half_open_connections_do_not_keep_others_out() {
    let mut a = Node::start(on_loopback()).await;
    let port = crate::rig::port(&a).await;
    let mut half_open = Vec::new();
    for _ in 0..10 {
        half_open.push(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    let mut joining = settings();
    joining.bootstrap = vec![a.address().await];
    let b = Node::start(joining).await;
    a.joined(b.id()).await;
    drop(half_open);
}
