//! Addresses that outlive a restart.

use std::fs;

use nostrp2p_overlay::{Listen, PeerAddress};
use tempfile::TempDir;

use crate::rig::{Node, host_and_port, on_loopback, port, remember, settings};

#[tokio::test]
async fn a_node_rejoins_without_bootstrap_by_what_it_remembers() {
    let folder = TempDir::new().unwrap();
    let mut a = Node::start(on_loopback()).await;
    let mut first = on_loopback();
    remember(&mut first, folder.path());
    let mut second = first.clone();
    first.bootstrap = vec![host_and_port(&a, "localhost").await];
    let mut b = Node::start(first).await;
    b.joined(a.id()).await;
    a.joined(b.id()).await;
    let id = b.id();
    b.stop().await;
    a.left(id).await;
    // Another port, no bootstrap node: only the file knows the way.
    second.listen = vec![Listen::Ip("127.0.0.1:0".parse().unwrap())];
    let b = Node::start(second).await;
    a.joined(b.id()).await;
}

#[tokio::test]
async fn a_node_is_found_again_by_the_address_it_told() {
    let folder = TempDir::new().unwrap();
    let mut remembering = on_loopback();
    remember(&mut remembering, folder.path());
    let mut a = Node::start(remembering.clone()).await;
    let mut joining = on_loopback();
    joining.bootstrap = vec![a.address().await];
    let mut b = Node::start(joining.clone()).await;
    a.joined(b.id()).await;
    let port = port(&b).await;
    let id = a.id();
    a.stop().await;
    b.left(id).await;
    b.stop().await;
    // Now the one that dialed before only listens, and the one that was dialed comes to it.
    joining.bootstrap.clear();
    joining.listen = vec![Listen::Ip(([127, 0, 0, 1], port).into())];
    let mut b = Node::start(joining).await;
    let a = Node::start(remembering).await;
    b.joined(a.id()).await;
}

#[tokio::test]
async fn an_address_that_worked_is_tried_again_whoever_answers_there_now() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("addresses.json");
    let a = Node::start(on_loopback()).await;
    let (old, port) = (a.id(), port(&a).await);
    let address: PeerAddress = format!("127.0.0.1:{port}").parse().unwrap();
    let mut remembering = settings();
    remember(&mut remembering, folder.path());
    remembering.bootstrap = vec![address];
    let mut b = Node::start(remembering.clone()).await;
    b.joined(old).await;
    b.stop().await;
    a.stop().await;
    let remembered = || fs::read_to_string(&file).unwrap().contains(&format!("\"127.0.0.1:{port}\""));
    assert!(remembered());
    // The same place, a new key.
    let mut other = settings();
    other.listen = vec![Listen::Ip(([127, 0, 0, 1], port).into())];
    let a = Node::start(other).await;
    remembering.bootstrap.clear();
    let mut b = Node::start(remembering).await;
    b.joined(a.id()).await;
    b.stop().await;
    assert!(fs::read_to_string(&file).unwrap().contains(&a.id().to_string()));
}
