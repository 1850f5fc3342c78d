//! The owner publishes, each connection the next event when the last is acknowledged, which is when it is durable.
//!
//! The original: 730 events a second with one connection and 1,000 with eight, without waiting for the disk.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey};
use nostrp2p_tests::{Client, Node, now, random_key};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
};

use super::{
    figures::{Better, Figures},
    yardstick,
};
use crate::processor_seconds;

/// Events of one round for each way and number of connections.
const EVENTS: usize = 4_000;
const CONNECTIONS: [usize; 2] = [1, 8];

pub async fn measure(figures: &Figures) {
    for connections in CONNECTIONS {
        for rest in [false, true] {
            round(connections, rest, figures).await;
        }
    }
}

async fn round(connections: usize, rest: bool, figures: &Figures) {
    let key = random_key();
    let events: Arc<Vec<Event>> = Arc::new((0..EVENTS).map(|number| event(&key, number)).collect());
    let check = yardstick::check_us(&events);
    let node = Node::start(&["-p", &key.public_key().to_npub(), "--legacy-rest"]).await;
    let mut ways = Vec::new();
    for _ in 0..connections {
        ways.push(Way::open(&node.clients(), &key, rest).await);
    }
    let before = processor_seconds(node.process().unwrap());
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for (number, mut way) in ways.into_iter().enumerate() {
        let events = Arc::clone(&events);
        running.spawn(async move {
            let mut times = Vec::new();
            for event in events.iter().skip(number).step_by(connections) {
                let asked = Instant::now();
                way.publish(event).await;
                times.push(asked.elapsed());
            }
            times
        });
    }
    let mut times: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
    let took = begun.elapsed().as_secs_f64();
    times.sort_unstable();
    let count = f64::from(u32::try_from(times.len()).unwrap());
    let each = (processor_seconds(node.process().unwrap()) - before) * 1e6 / count;
    let name = format!("publish by {}, {connections} at a time", if rest { "REST" } else { "WebSocket" });
    let said = format!(
        "{:.0} events/s (original: {}), p50 {:.2} ms, p99 {:.2} ms",
        count / took,
        if connections == 1 { "730" } else { "1,000" },
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() * 99 / 100].as_secs_f64() * 1e3,
    );
    figures.say(&name, &said);
    let said = format!("{each:.0} us an event, {:.1} of a signature check ({check:.0} us)", each / check);
    figures.add(&format!("{name}, processor"), &said, each / check, Better::Lower);
}

fn event(key: &SecretKey, number: usize) -> Event {
    let created_at = now() - u64::try_from(EVENTS - number).unwrap();
    let content = format!("{number} the quick brown fox jumps over the lazy dog");
    EventTemplate { created_at, kind: Kind::POST, tags: vec![], content }.sign(key, &[7; 32])
}

/// A connection of the owner.
enum Way {
    Frames(Box<Client>),
    Rest(BufReader<TcpStream>, String),
}

impl Way {
    async fn open(authority: &str, key: &SecretKey, rest: bool) -> Self {
        if !rest {
            return Self::Frames(Box::new(Client::login(authority, key).await));
        }
        let stream = TcpStream::connect(authority).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::Rest(BufReader::new(stream), authority.to_owned())
    }

    async fn publish(&mut self, event: &Event) {
        match self {
            Self::Frames(client) => drop(client.publish(event).await),
            Self::Rest(stream, authority) => {
                let body = serde_json::to_string(event).unwrap();
                let request = format!(
                    "POST /publish HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.get_mut().write_all(request.as_bytes()).await.unwrap();
                answer(stream).await;
            }
        }
    }
}

/// Reads an answer to its end; the connection stays open.
async fn answer(stream: &mut BufReader<TcpStream>) {
    let (mut first, mut length) = (String::new(), 0);
    stream.read_line(&mut first).await.unwrap();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    assert!(first.contains(" 200 "), "{first}{}", String::from_utf8_lossy(&body));
}
