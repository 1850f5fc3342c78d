//! Nodes that nobody can dial, and the relays through which they are reached.

use std::time::Duration;

use nostrp2p_overlay::{
    ConnectionPath, MessageAcceptance, NodeSecret, Overlay, OverlaySettings, PeerAddress, Protocol,
    Reachability, RequestError, Topic,
};
use nostrp2p_protocol::PeerId;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::rig::{Node, eventually, on_loopback, settings};

/// A node that others reach, as its operator says, with so many places for others.
async fn relay(slots: usize) -> Node {
    let mut settings = on_loopback();
    settings.reachable = Some(true);
    settings.relay_slots = slots;
    Node::start(settings).await
}

/// Joins these, and listens nowhere, as if a router let nobody in.
async fn hidden(relays: &[&Node]) -> Node {
    let mut settings = settings();
    settings.reachable = Some(false);
    join(settings, relays).await
}

/// Joins these, and listens on loopback.
async fn visible(others: &[&Node]) -> Node {
    let mut settings = on_loopback();
    settings.reachable = Some(true);
    settings.relay_slots = 0;
    join(settings, others).await
}

async fn join(mut settings: OverlaySettings, others: &[&Node]) -> Node {
    for other in others {
        settings.bootstrap.push(other.address().await);
    }
    Node::start(settings).await
}

async fn is_reached_through(node: &Node, relays: &[&Node]) {
    let mut wanted: Vec<_> = relays.iter().map(|relay| relay.id()).collect();
    wanted.sort_unstable();
    eventually("the places at relays", || async { node.overlay.reach().await.relays == wanted }).await;
}

/// How the bytes to another node go.
async fn path(overlay: &Overlay, to: PeerId) -> Option<ConnectionPath> {
    overlay.peers().await.iter().find(|peer| peer.id == to).map(|peer| peer.path)
}

async fn tell_addresses(of: &Node, to: &Node) {
    let addresses = of.overlay.reach().await.addresses;
    to.overlay.add_addresses(of.id(), addresses).await;
}

async fn ask(from: &Node, to: &mut Node, protocol: Protocol) {
    let (overlay, id) = (from.overlay.clone(), to.id());
    let asked = tokio::spawn(async move { overlay.request(id, protocol, b"question".to_vec()).await });
    to.serve(from.id(), protocol, b"question").await;
    assert_eq!(asked.await.unwrap(), Ok(b"answer to question".to_vec()));
}

#[tokio::test]
async fn a_node_that_nobody_can_dial_is_asked_and_asks_over_a_relay() {
    let relay = relay(8).await;
    let mut hidden = hidden(&[&relay]).await;
    let mut other = visible(&[&relay]).await;
    is_reached_through(&hidden, &[&relay]).await;
    let reach = hidden.overlay.reach().await;
    assert_eq!(reach.reachability, Reachability::Private);
    let address = reach.addresses.first().unwrap();
    assert!(address.ends_with(&format!("/p2p/{}/p2p-circuit/p2p/{}", relay.id(), hidden.id())), "{address}");

    other.joined(relay.id()).await;
    tell_addresses(&hidden, &other).await;
    for protocol in Protocol::ALL {
        ask(&other, &mut hidden, protocol).await;
    }
    // An answer may be there before the peer counts as joined.
    eventually("a path over the relay", || async {
        path(&other.overlay, hidden.id()).await == Some(ConnectionPath::Relayed)
    })
    .await;
    for protocol in Protocol::ALL {
        ask(&hidden, &mut other, protocol).await;
    }
    let serves = relay.overlay.reach().await.serves.unwrap();
    assert_eq!((serves.places, serves.slots, serves.circuits), (1, 8, 1));
    let stats = relay.overlay.stats().await;
    assert_eq!((stats.places_given, stats.circuits_carried), (1, 1));
}

#[tokio::test]
async fn who_has_used_up_a_relays_bytes_gets_no_more_through_it_and_others_do() {
    let mut settings = on_loopback();
    settings.reachable = Some(true);
    settings.relay_bytes = 200_000;
    let relay = Node::start(settings).await;
    let mut hidden = hidden(&[&relay]).await;
    is_reached_through(&hidden, &[&relay]).await;
    let mut spender = visible(&[&relay]).await;
    spender.joined(relay.id()).await;
    tell_addresses(&hidden, &spender).await;
    // Each answer is what the asker wrote and a little more, so a few of these are more than the share of both.
    let question = vec![7; 60_000];
    let mut answered = 0;
    loop {
        let (overlay, id) = (spender.overlay.clone(), hidden.id());
        let payload = question.clone();
        let mut asked = tokio::spawn(async move { overlay.request(id, Protocol::Fetch, payload).await });
        let answer = tokio::select! {
            answer = &mut asked => answer.unwrap(),
            () = hidden.serve(spender.id(), Protocol::Fetch, &question) => asked.await.unwrap(),
        };
        if answer.is_err() {
            break;
        }
        answered += 1;
        assert!(answered < 20, "it goes on for ever");
    }
    assert!(answered > 0, "the share is there to be used");
    let relayed = relay.overlay.stats().await.relayed_bytes;
    assert!((60_000..400_000).contains(&relayed), "{relayed} bytes were relayed");
    // What needs no relay still goes, also to the relay itself.
    let (overlay, id) = (spender.overlay.clone(), relay.id());
    let mut relay = relay;
    let asked = tokio::spawn(async move { overlay.request(id, Protocol::Fetch, b"question".to_vec()).await });
    relay.serve(spender.id(), Protocol::Fetch, b"question").await;
    assert!(asked.await.unwrap().is_ok());
}

/// Carries bytes to and from a node until it is frozen; then it carries nothing and closes nothing, as when a machine
/// loses its power.
async fn line(to: &Node) -> (PeerAddress, watch::Sender<bool>) {
    let (freeze, frozen) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    let address = to.address().await.to_string();
    let port: u16 = address.split('/').skip_while(|part| *part != "tcp").nth(1).unwrap().parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut frozen = frozen.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => return,
                    frozen = frozen.changed() => frozen.unwrap(),
                }
                std::future::pending::<()>().await;
            });
        }
    });
    let address = format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", here.port(), to.id());
    (address.parse().unwrap(), freeze)
}

#[tokio::test]
async fn a_relay_that_vanishes_without_a_word_is_missed_soon() {
    let relay = relay(8).await;
    let (address, freeze) = line(&relay).await;
    let mut settings = settings();
    settings.reachable = Some(false);
    settings.relay_interval = Duration::from_secs(2);
    settings.bootstrap.push(address);
    let mut hidden = Node::start(settings).await;
    is_reached_through(&hidden, &[&relay]).await;
    freeze.send(true).unwrap();
    // By the usual pings it would be missed after 80 s, which is longer than this waits.
    hidden.left(relay.id()).await;
}

#[tokio::test]
async fn broadcasts_go_over_a_relay_that_does_not_pass_them_on_itself() {
    let mut relay = relay(8).await;
    let hidden = hidden(&[&relay]).await;
    let mut other = visible(&[&relay]).await;
    is_reached_through(&hidden, &[&relay]).await;
    other.joined(relay.id()).await;
    tell_addresses(&hidden, &other).await;
    let peer = hidden.id();
    // The request goes unanswered; it is there for the connection.
    let asking = other.overlay.clone();
    let asked = tokio::spawn(async move { asking.request(peer, Protocol::Fetch, vec![]).await });
    let is_subscribed =
        || async { hidden.overlay.peers().await.iter().any(|peer| peer.id == other.id() && peer.subscribed) };
    eventually("the other's subscription", is_subscribed).await;
    let sent = hidden.overlay.broadcast(Topic::Events, b"hello".to_vec()).await.unwrap();
    assert_eq!(sent.peers, 2);
    assert_eq!(relay.judge(MessageAcceptance::Ignore).await, b"hello");
    assert_eq!(other.message().await.2, b"hello");
    asked.abort();
}

#[tokio::test]
async fn a_relay_that_is_lost_is_replaced_and_the_others_are_told() {
    let (first, second) = (relay(8).await, relay(8).await);
    let mut hidden = hidden(&[&first, &second]).await;
    is_reached_through(&hidden, &[&first, &second]).await;
    let other = visible(&[&second]).await;
    let gone = first.id().to_string();
    first.stop().await;
    is_reached_through(&hidden, &[&second]).await;
    hidden
        .until("new addresses without the lost relay", |event| {
            matches!(event, nostrp2p_overlay::OverlayEvent::AddressesChanged).then_some(())
        })
        .await;
    let addresses = hidden.overlay.reach().await.addresses;
    assert!(
        !addresses.is_empty() && !addresses.iter().any(|address| address.contains(&gone)),
        "{addresses:?}"
    );
    tell_addresses(&hidden, &other).await;
    ask(&other, &mut hidden, Protocol::Deliver).await;
}

#[tokio::test]
async fn a_relay_has_only_so_many_places() {
    let relay = relay(1).await;
    let first = hidden(&[&relay]).await;
    is_reached_through(&first, &[&relay]).await;
    let mut second = hidden(&[&relay]).await;
    second.joined(relay.id()).await;
    eventually("a refusal", || async { relay.overlay.stats().await.places_refused > 0 }).await;
    assert!(second.overlay.reach().await.relays.is_empty());
    assert_eq!(relay.overlay.reach().await.serves.unwrap().places, 1);
}

#[tokio::test]
async fn a_relay_leads_to_nobody_without_a_place() {
    let relay = relay(4).await;
    let mut other = visible(&[&relay]).await;
    other.joined(relay.id()).await;
    let absent = NodeSecret::generate().peer_id();
    let over = format!("{}/p2p-circuit", relay.address().await);
    other.overlay.add_addresses(absent, vec![over]).await;
    let asked = other.overlay.request(absent, Protocol::Fetch, vec![]).await;
    let Err(RequestError::Unreachable { reason }) = asked else {
        panic!("{asked:?}");
    };
    assert!(reason.contains("does not lead to it"), "{reason}");
    assert_eq!(relay.overlay.stats().await.circuits_refused, 3, "it was tried again, and then no more");
}

/// Whether a node is reached through a relay, as far as this one is told to go there.
async fn reaches(from: &Node, to: &Node) -> bool {
    tell_addresses(to, from).await;
    // The request goes unanswered, or its way is refused; it is there for the connection.
    let (overlay, id) = (from.overlay.clone(), to.id());
    let asked = tokio::spawn(async move { overlay.request(id, Protocol::Fetch, vec![]).await });
    eventually("a connection or a refusal", || async {
        asked.is_finished() || path(&from.overlay, to.id()).await.is_some()
    })
    .await;
    asked.abort();
    path(&from.overlay, to.id()).await == Some(ConnectionPath::Relayed)
}

#[tokio::test]
async fn strangers_who_take_all_circuits_to_one_node_leave_those_to_the_others() {
    let relay = relay(4).await;
    let (victim, mut other) = (hidden(&[&relay]).await, hidden(&[&relay]).await);
    is_reached_through(&victim, &[&relay]).await;
    is_reached_through(&other, &[&relay]).await;
    // The relay carries 16 circuits, so 8 to each of two.
    let (mut strangers, mut through) = (Vec::new(), 0);
    for _ in 0..18 {
        let mut stranger = visible(&[&relay]).await;
        stranger.joined(relay.id()).await;
        through += usize::from(reaches(&stranger, &victim).await);
        strangers.push(stranger);
    }
    assert_eq!(through, 8);
    let mut friend = visible(&[&relay]).await;
    friend.joined(relay.id()).await;
    tell_addresses(&other, &friend).await;
    ask(&friend, &mut other, Protocol::Deliver).await;
    // An answer can be there before the peer has identified itself.
    friend.joined(other.id()).await;
    assert_eq!(path(&friend.overlay, other.id()).await, Some(ConnectionPath::Relayed));
    assert_eq!(relay.overlay.reach().await.serves.unwrap().circuits, 9);
    assert!(relay.overlay.stats().await.circuits_refused >= 10);
    // A stranger who goes makes room.
    strangers.truncate(7);
    let mut newcomer = visible(&[&relay]).await;
    newcomer.joined(relay.id()).await;
    eventually("room", || async { relay.overlay.reach().await.serves.unwrap().circuits <= 8 }).await;
    assert!(reaches(&newcomer, &victim).await);
}

#[tokio::test]
async fn a_node_that_shall_not_relay_offers_nothing() {
    let refusing = relay(0).await;
    let willing = relay(4).await;
    let hidden = hidden(&[&refusing, &willing]).await;
    is_reached_through(&hidden, &[&willing]).await;
    assert_eq!(refusing.overlay.reach().await.serves, None);
    assert_eq!(refusing.overlay.stats().await.places_refused, 0, "it was not even asked");
}

#[tokio::test]
async fn a_connection_over_a_relay_gives_way_to_a_direct_one() {
    let relay = relay(8).await;
    let mut settings = on_loopback();
    // It thinks that nobody can dial it, and is wrong.
    settings.reachable = Some(false);
    let mut found = join(settings, &[&relay]).await;
    let other = visible(&[&relay]).await;
    is_reached_through(&found, &[&relay]).await;
    let circuits = found.overlay.reach().await.addresses;
    let circuits = circuits.into_iter().filter(|address| address.contains("/p2p-circuit")).collect();
    other.overlay.add_addresses(found.id(), circuits).await;
    ask(&other, &mut found, Protocol::Fetch).await;
    let (overlay, id) = (other.overlay.clone(), found.id());
    eventually("a direct connection", || async {
        path(&overlay, id).await.is_some_and(|path| path != ConnectionPath::Relayed)
    })
    .await;
    ask(&other, &mut found, Protocol::Fetch).await;
}

#[tokio::test]
async fn the_operators_address_is_told_first() {
    let mut settings = on_loopback();
    settings.external = vec!["8.8.8.8:20000".parse().unwrap()];
    let node = Node::start(settings).await;
    let reach = node.overlay.reach().await;
    assert_eq!((reach.reachability, reach.settled), (Reachability::Public, true));
    assert_eq!(reach.addresses.first().unwrap(), &format!("/ip4/8.8.8.8/tcp/20000/p2p/{}", node.id()));
}
