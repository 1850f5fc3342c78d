//! What an hour costs in bytes and in wake-ups of a radio: the page looked at, hidden, and hidden where nothing
//! happens, beside what else a client could do with the same events.
//!
//! Everybody reads the same node at the same time, each through a tap of its own, while three neighbours post, each two
//! posts of 140 characters in three minutes: 120 events an hour.

use std::time::{Duration, Instant};

use nostrp2p_protocol::SecretKey;
use nostrp2p_tests::{Browser, Node, Person, Relay, Size, Tap, TappedTraffic, now, post, random_key};
use serde_json::json;
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream, time::sleep};

/// How often the original's client asks.
const POLL_EVERY: Duration = Duration::from_secs(10);
const NEIGHBOURS: usize = 3;
/// Between two posts, of whichever neighbour: 120 an hour.
const POST_EVERY: Duration = Duration::from_secs(30);

/// Tells the page that nobody looks at it, as a browser does whose tab is behind another.
const HIDE: &str = "
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
    Object.defineProperty(document, 'hidden', { get: () => true });
    document.dispatchEvent(new Event('visibilitychange'));";

/// Measures for so many minutes, and says what that is in an hour.
pub async fn measure(minutes: usize) {
    let owner = random_key();
    let npub = owner.public_key().to_npub();
    let node =
        Node::start(&["-p", &npub, "--legacy-rest", "--allow-host", "127.0.0.1", "--allow-origin", "none"])
            .await;
    let quiet = Node::start(&["-p", &npub, "--allow-host", "127.0.0.1", "--allow-origin", "none"]).await;
    let mut neighbours = Vec::new();
    for _ in 0..NEIGHBOURS {
        neighbours.push(neighbour(&node).await);
    }

    let taps = [
        ("page, looked at", Tap::open(&node.clients()).await),
        ("page, hidden", Tap::open(&node.clients()).await),
        ("page, hidden, nothing happens", Tap::open(&quiet.clients()).await),
        ("polling every 10 s (the original)", Tap::open(&node.clients()).await),
        ("NIP-01 subscription", Tap::open(&node.clients()).await),
    ];
    let [(_, visible), (_, hidden), (_, idle), (_, polled), (_, subscribed)] = &taps;
    let pages = [
        page(visible, &owner, false).await,
        page(hidden, &owner, true).await,
        page(idle, &owner, true).await,
    ];
    let mut relay = Relay::login(&subscribed.authority, &owner).await;
    relay.say(&json!(["REQ", "all", { "kinds": [0, 1, 3, 5, 6, 7], "since": now() }])).await;
    let listening = tokio::spawn(async move { relay.listen().await });
    let polling = tokio::spawn(poll(polled.authority.clone()));
    // Logging in and asking once is not the hour.
    sleep(Duration::from_secs(15)).await;
    for (_, tap) in &taps {
        tap.take();
    }

    let begun = Instant::now();
    let length = Duration::from_secs(u64::try_from(minutes).unwrap_or(10) * 60);
    let mut number = 0;
    while begun.elapsed() + POST_EVERY <= length {
        sleep(POST_EVERY).await;
        let text =
            format!("{number:x} {}", "the quick brown fox jumps over the lazy dog, ありがとう ".repeat(4));
        let text: String = text.chars().take(140).collect();
        let writer = number % NEIGHBOURS;
        let Some(Person { key, client, .. }) = neighbours.get_mut(writer) else { break };
        client.publish(&post(key, &text)).await;
        number += 1;
    }
    sleep(length.saturating_sub(begun.elapsed())).await;
    let hour = 3600.0 / begun.elapsed().as_secs_f64();
    println!("an hour, from {minutes} minutes with {number} posts:    KB     wake-ups");
    for (name, tap) in &taps {
        let TappedTraffic { bytes, wake_ups } = tap.take();
        let per_hour = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * hour;
        println!("{name:<42} {:>8.1} {:>8.0}", per_hour(bytes) / 1e3, per_hour(wake_ups));
    }
    polling.abort();
    listening.abort();
    for page in pages {
        page.close().await;
    }
}

/// Somebody whose node knows this one.
async fn neighbour(node: &Node) -> Person {
    let key: SecretKey = random_key();
    let own = Node::start(&["-p", &key.public_key().to_npub(), "-b", &node.nodes()]).await;
    let mut client = nostrp2p_tests::Client::login(&own.clients(), &key).await;
    client.delegate(&key).await;
    client.neighbours(1).await;
    Person { key, node: own, client }
}

async fn page(tap: &Tap, owner: &SecretKey, hidden: bool) -> Browser {
    let browser = Browser::start(Size::Phone).await;
    browser.sign_in_at(&tap.authority, &owner.to_nsec()).await;
    if hidden {
        browser.run(HIDE).await;
    }
    browser
}

/// Asks as the original's client does, over a connection that it keeps.
async fn poll(authority: String) {
    let mut stream = TcpStream::connect(&authority).await.expect("the node listens");
    let mut since = now();
    let mut buffer = vec![0; 65_536];
    loop {
        let until = now();
        let body = json!({ "kinds": [40_000], "since": since, "until": until, "limit": -1 }).to_string();
        let head = format!(
            "POST /req HTTP/1.1\r\nHost: {authority}\r\ncontent-type: application/json\r\naccept: application/octet-stream\r\nAccept-Encoding: gzip, deflate\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.expect("the node reads");
        // The answer has gone by when the next question is due; how it reads is of no interest here.
        tokio::select! {
            () = sleep(POLL_EVERY) => {}
            () = async { while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {} } => panic!("the node closed"),
        }
        since = until;
    }
}
