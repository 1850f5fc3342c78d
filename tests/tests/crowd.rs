//! Many clients that do nothing: they cost little and keep nobody out.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::{Duration, Instant};

use nostrp2p_protocol::frame::{ClientFrame, RefusalCode};
use nostrp2p_tests::{Client, Person, post, until};
use tokio::net::{TcpSocket, TcpStream};

/// Half of what a silent client is given: who gets in faster did not wait for that.
const AT_ONCE: Duration = Duration::from_secs(15);
/// How much a node may grow by clients that take nothing, in KiB.
const GROWTH: u64 = 64 * 1024;

/// A connection of which the system keeps hardly anything that nobody reads.
async fn narrow(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    socket.connect(address.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn clients_that_read_nothing_hold_no_memory_and_are_sent_away() {
    let mut alice = Person::arrive(None).await;
    let address = alice.node.clients();
    let mut reader = Client::login(&address, &alice.key).await;
    reader.watch(0).await;
    // As many of the hundred as find a place: 64 less the two that are here.
    let (mut slow, mut refused) = (Vec::new(), 0);
    for _ in 0..100 {
        if alice.node.metric("sessions").await == 64 {
            let (status, _, body) = nostrp2p_tests::request(&address, "GET", "/client", &UPGRADE, b"").await;
            assert_eq!(status, 503);
            assert!(String::from_utf8_lossy(&body).contains("reached its limit of sessions"));
            refused += 1;
            continue;
        }
        let mut client = Client::over(narrow(&address).await, &address).await;
        client.sign_in(&alice.key).await;
        client.watch(0).await;
        slow.push(client);
    }
    assert_eq!((slow.len(), refused), (62, 38));
    let before = alice.node.resident_kib();
    let begun = Instant::now();
    // Noise, for anything else would be compressed to nothing.
    let mut noise = vec![0; 25_000];
    for _ in 0..200 {
        getrandom::fill(&mut noise).unwrap();
        alice.client.publish(&post(&alice.key, &hex::encode(&noise))).await;
    }
    let last = hex::encode(&noise);
    reader.hear(&last).await;
    println!("budget: 10 MB went to a client that reads, beside 62 that do not, in {:?}", begun.elapsed());
    // A client that takes nothing is given half a minute from its last byte on.
    until("the slow ones to be sent away", async || {
        let sessions = alice.node.metric("sessions").await;
        if sessions == 2 { Ok(()) } else { Err(sessions) }
    })
    .await;
    if let (Some(before), Some(after)) = (before, alice.node.resident_kib()) {
        println!("the node grew from {before} to {after} KiB");
        assert!(after < before + GROWTH, "{before} to {after} KiB");
    }
    // Nothing is lost to who was slow: it comes back and reads.
    let mut again = Client::login(&address, &alice.key).await;
    again.watch(0).await;
    again.hear(&last).await;
}

const UPGRADE: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
];

#[tokio::test]
async fn a_thousand_idle_connections_and_sessions_without_login_keep_nobody_out() {
    let mut alice = Person::arrive(None).await;
    let address = alice.node.clients();
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        idle.push(TcpStream::connect(&address).await.unwrap());
    }
    let begun = Instant::now();
    let mut owner = Client::login(&address, &alice.key).await;
    println!("beside 1,000 idle connections the owner is in after {:?}", begun.elapsed());
    assert!(begun.elapsed() < AT_ONCE);

    // Those that have said hello, and those that have not.
    let (mut greeted, mut silent) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        greeted.push(Client::connect(&address).await);
        silent.push(Client::connect_silently(&address).await);
    }
    let begun = Instant::now();
    let mut device = Client::login(&address, &alice.key).await;
    println!("beside 100 sessions without login the owner is in after {:?}", begun.elapsed());
    assert!(begun.elapsed() < AT_ONCE);
    device.publish(&post(&alice.key, "I am here")).await;
    // Who had signed in stays, and who makes room hears why.
    alice.client.publish(&post(&alice.key, "and here")).await;
    owner.publish(&post(&alice.key, "and there")).await;
    let mut first = greeted.swap_remove(0);
    while first.next().await.is_some() {}
    let reason = "others need this place, and nobody has signed in here";
    assert_eq!(first.closed().map(|(_, reason)| reason.as_str()), Some(reason));
    // Who guesses wrong has not signed in.
    let mut stranger = Client::connect(&address).await;
    let proof = stranger.proof(&nostrp2p_tests::random_key());
    stranger.send(ClientFrame::Login { request: 1, proof }).await;
    assert_eq!(stranger.refusal().await.code, RefusalCode::NotOwner);
    drop((idle, silent));
}
