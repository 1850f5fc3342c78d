//! Requests, answers, and all that keeps an answer from coming.

use std::time::Duration;

use futures::future::join_all;
use nostrp2p_overlay::{Listen, OverlaySettings, Protocol, RequestError, Topic};
use tokio::{net::TcpListener, task};

use crate::rig::{Node, eventually, on_loopback, settings};

const QUESTION: &[u8] = b"question";

fn in_memory() -> OverlaySettings {
    let mut settings = settings();
    settings.listen = vec![Listen::Memory(0)];
    settings
}

/// Two nodes that are connected.
async fn pair() -> (Node, Node) {
    let a = Node::in_memory(&[]).await;
    let mut b = Node::in_memory(&[&a]).await;
    b.joined(a.id()).await;
    (a, b)
}

/// Asks in a task of its own, as a caller that does other things meanwhile.
fn ask(from: &Node, to: &Node, protocol: Protocol) -> task::JoinHandle<Result<Vec<u8>, RequestError>> {
    let (overlay, to) = (from.overlay.clone(), to.id());
    task::spawn(async move { overlay.request(to, protocol, QUESTION.to_vec()).await })
}

#[tokio::test]
async fn requests_and_answers_go_both_ways_on_every_protocol() {
    let (mut a, mut b) = pair().await;
    for protocol in Protocol::ALL {
        let asked = ask(&a, &b, protocol);
        b.serve(a.id(), protocol, QUESTION).await;
        assert_eq!(asked.await.unwrap(), Ok(b"answer to question".to_vec()));
        let asked = ask(&b, &a, protocol);
        a.serve(b.id(), protocol, QUESTION).await;
        assert_eq!(asked.await.unwrap(), Ok(b"answer to question".to_vec()));
    }
    let stats = a.overlay.stats().await;
    assert_eq!((stats.requests_sent, stats.requests_answered, stats.requests_received), (3, 3, 3));
}

#[tokio::test]
async fn a_node_that_is_not_connected_is_dialed_by_the_addresses_it_announced() {
    for settings in [in_memory, on_loopback] {
        let b = Node::start(settings()).await;
        let joining = async || {
            let mut settings = settings();
            settings.bootstrap = vec![b.address().await];
            let mut node = Node::start(settings).await;
            node.joined(b.id()).await;
            node
        };
        let (mut a, mut c) = (joining().await, joining().await);
        let reason = "no address of it is known".to_owned();
        assert_eq!(ask(&a, &c, Protocol::Fetch).await.unwrap(), Err(RequestError::Unreachable { reason }));
        let mut addresses = c.overlay.listen_addresses().await;
        addresses.insert(0, "nonsense".to_owned());
        a.overlay.add_addresses(c.id(), addresses).await;
        let first = ask(&a, &c, Protocol::Fetch);
        let second = ask(&a, &c, Protocol::Fetch);
        c.serve(a.id(), Protocol::Fetch, QUESTION).await;
        c.serve(a.id(), Protocol::Fetch, QUESTION).await;
        assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
        let back = ask(&c, &a, Protocol::Deliver);
        a.serve(c.id(), Protocol::Deliver, QUESTION).await;
        assert!(back.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_node_that_cannot_be_reached_is_reported_with_the_reason() {
    let a = Node::start(on_loopback()).await;
    let gone = Node::start(on_loopback()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    a.overlay.add_addresses(gone.id(), vec![nobody]).await;
    let Err(RequestError::Unreachable { reason }) = ask(&a, &gone, Protocol::Deliver).await.unwrap() else {
        panic!("nobody listens there");
    };
    assert!(reason.contains("nobody listens there"), "{reason}");
    let Err(RequestError::Unreachable { reason }) = ask(&a, &a, Protocol::Deliver).await.unwrap() else {
        panic!("a node has nothing to ask itself");
    };
    assert!(reason.contains("this node itself"), "{reason}");
}

#[tokio::test]
async fn an_address_where_another_node_is_does_not_keep_a_request_from_the_right_one() {
    let (a, b) = (Node::start(on_loopback()).await, Node::start(on_loopback()).await);
    let mut c = Node::start(on_loopback()).await;
    let place = |text: &str| text.split("/p2p/").next().unwrap().to_owned();
    let wrong = place(&b.address().await.to_string());
    a.overlay.add_addresses(c.id(), vec![wrong.clone()]).await;
    let Err(RequestError::Unreachable { reason }) = ask(&a, &c, Protocol::Deliver).await.unwrap() else {
        panic!("another node is there");
    };
    assert!(reason.contains("another node answers there"), "{reason}");
    a.overlay.add_addresses(c.id(), vec![wrong, place(&c.address().await.to_string())]).await;
    let asked = ask(&a, &c, Protocol::Deliver);
    c.serve(a.id(), Protocol::Deliver, QUESTION).await;
    assert!(asked.await.unwrap().is_ok());
}

#[tokio::test]
async fn the_largest_request_and_answer_travel_and_larger_ones_are_refused() {
    let (a, mut b) = pair().await;
    for protocol in Protocol::ALL {
        let (size, limit) = (protocol.max_request() + 1, protocol.max_request());
        let too_large = a.overlay.request(b.id(), protocol, vec![7; size]).await;
        assert_eq!(too_large, Err(RequestError::TooLarge { size, limit }));
        for (excess, result) in [(0, Ok(vec![8; protocol.max_response()])), (1, Err(RequestError::Refused))] {
            let (overlay, to) = (a.overlay.clone(), b.id());
            let asked = task::spawn(async move { overlay.request(to, protocol, vec![7; limit]).await });
            let (request, _, _, payload) = b.request().await;
            assert_eq!(payload, vec![7; limit]);
            b.overlay.respond(request, vec![8; protocol.max_response() + excess]).await;
            assert_eq!(asked.await.unwrap(), result);
        }
    }
}

#[tokio::test]
async fn a_node_may_refuse() {
    let (a, mut b) = pair().await;
    let asked = ask(&a, &b, Protocol::Sync);
    let request = b.request().await.0;
    b.overlay.refuse(request.clone()).await;
    assert_eq!(asked.await.unwrap(), Err(RequestError::Refused));
    b.overlay.respond(request, b"changed my mind".to_vec()).await;
    assert_eq!(b.overlay.stats().await.requests_refused, 1);
}

#[tokio::test]
async fn a_node_that_never_answers_costs_the_time_of_the_request_and_nothing_after() {
    let mut impatient = in_memory();
    impatient.request_timeout = Duration::from_millis(200);
    let mut a = Node::start(impatient.clone()).await;
    impatient.secret = settings().secret;
    impatient.bootstrap = vec![a.address().await];
    let mut b = Node::start(impatient).await;
    b.joined(a.id()).await;
    a.joined(b.id()).await;
    // More in turn than may be open at a time, on either side. For an instant after the time is over, it still counts.
    let timed_out = || async { ask(&a, &b, Protocol::Sync).await.unwrap() == Err(RequestError::Timeout) };
    for _ in 0..10 {
        eventually("that there is room for a request, and its time goes by", timed_out).await;
    }
    for _ in 0..10 {
        let request = b.request().await.0;
        b.overlay.respond(request, b"too late".to_vec()).await;
    }
    let asked = ask(&b, &a, Protocol::Sync);
    a.serve(b.id(), Protocol::Sync, QUESTION).await;
    assert!(asked.await.unwrap().is_ok(), "the connection is as good as before");
    assert_eq!(b.overlay.stats().await.requests_refused, 0);
}

#[tokio::test]
async fn many_requests_at_a_time_are_bounded_and_all_are_answered() {
    let (a, mut b) = pair().await;
    let asked: Vec<_> = (0..100).map(|_| ask(&a, &b, Protocol::Deliver)).collect();
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(b.request().await.0);
    }
    eventually("that the rest was turned away", || async {
        asked.iter().filter(|asked| asked.is_finished()).count() == 92
    })
    .await;
    // Another protocol has room of its own.
    let fetch = ask(&a, &b, Protocol::Fetch);
    b.serve(a.id(), Protocol::Fetch, QUESTION).await;
    assert!(fetch.await.unwrap().is_ok());
    for request in open {
        b.overlay.respond(request, Vec::new()).await;
    }
    let results = join_all(asked).await;
    let count = |wanted: &Result<Vec<u8>, RequestError>| {
        results.iter().filter(|result| result.as_ref().unwrap() == wanted).count()
    };
    assert_eq!((count(&Ok(Vec::new())), count(&Err(RequestError::Busy))), (8, 92));
    let again = ask(&a, &b, Protocol::Deliver);
    b.serve(a.id(), Protocol::Deliver, QUESTION).await;
    assert!(again.await.unwrap().is_ok());
}

#[tokio::test]
async fn an_abandoned_request_does_no_harm() {
    let (a, mut b) = pair().await;
    let asked = ask(&a, &b, Protocol::Fetch);
    let request = b.request().await.0;
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    b.overlay.respond(request, b"for nobody".to_vec()).await;
    let asked = ask(&a, &b, Protocol::Fetch);
    b.serve(a.id(), Protocol::Fetch, QUESTION).await;
    assert_eq!(asked.await.unwrap(), Ok(b"answer to question".to_vec()));
}

#[tokio::test]
async fn a_connection_that_ends_ends_its_requests() {
    let (a, mut b) = pair().await;
    let asked = ask(&a, &b, Protocol::Fetch);
    b.request().await;
    b.stop().await;
    assert_eq!(asked.await.unwrap(), Err(RequestError::Closed));
    let (a, mut b) = pair().await;
    let asked = ask(&a, &b, Protocol::Fetch);
    b.request().await;
    let overlay = a.overlay.clone();
    a.stop().await;
    let ended = asked.await.unwrap();
    assert!(matches!(ended, Err(RequestError::Closed | RequestError::Stopped)), "{ended:?}");
    let late = overlay.request(b.id(), Protocol::Fetch, Vec::new()).await;
    assert_eq!(late, Err(RequestError::Stopped));
}

#[tokio::test]
async fn a_node_that_takes_no_events_refuses_requests_and_counts_them() {
    let (a, b) = pair().await;
    for n in 0..700_u32 {
        a.overlay.broadcast(Topic::Events, n.to_be_bytes().to_vec()).await.unwrap();
    }
    eventually("that its channel is full", || async { b.overlay.stats().await.dropped > 0 }).await;
    assert_eq!(ask(&a, &b, Protocol::Deliver).await.unwrap(), Err(RequestError::Refused));
    assert_eq!(b.overlay.stats().await.requests_refused, 1);
}

#[tokio::test]
async fn a_node_that_asks_many_others_keeps_its_neighbours_and_makes_room_by_hanging_up_on_the_others() {
    let mut a = Node::in_memory(&[]).await;
    let mut neighbours = Vec::new();
    for _ in 0..4 {
        neighbours.push(Node::in_memory(&[&a]).await);
    }
    a.all_joined(neighbours.iter().map(Node::id).collect()).await;
    let mut visited = Vec::new();
    // More than the visits at a time.
    for _ in 0..30 {
        let mut c = Node::in_memory(&[]).await;
        a.overlay.add_addresses(c.id(), c.overlay.listen_addresses().await).await;
        let asked = ask(&a, &c, Protocol::Deliver);
        c.serve(a.id(), Protocol::Deliver, QUESTION).await;
        assert!(asked.await.unwrap().is_ok());
        visited.push(c);
    }
    let first = visited.first().expect("thirty").id();
    a.left(first).await;
    let peers = a.overlay.peers().await;
    assert!(neighbours.iter().all(|neighbour| peers.iter().any(|peer| peer.id == neighbour.id())));
}
