//! Bytes that nodes send one another: for a post and each that receives it, and when nothing happens.
//!
//! All nodes are processes in one network namespace of their own, whose loopback interface counts every packet with its
//! headers; a byte is counted once, where it is sent. What is measured is what the kernel says. What the people's own
//! connections to their nodes carry, each post and what is pushed to them, goes over the same interface and is taken off:
//! the kernel counts bytes and segments of each connection, too (`ss`, of the same package as `ip`).
//!
//! The original: about 400 bytes a post and receiver, 129 bytes a second and node when 32 idle in a star, 2,000 in a chain
//! of 16.

use std::{process::Command, time::Duration};

use nostrp2p_protocol::SecretKey;
use nostrp2p_tests::{Client, Node, post, random_key};

use super::figures::{Better, Figures};

/// Says that this process is in a network of its own.
const ALONE: &str = "BENCH_ALONE";
/// Sizes of the network; `BENCH_NODES` gives others, such as `2,8`.
const NODES: &str = "2,8,32,128";
/// After everybody has joined: what is told and compared at the beginning is not idling.
const SETTLE: Duration = Duration::from_secs(90);
/// How long idling is measured.
const IDLE: Duration = Duration::from_secs(60);
/// Posts, each by somebody else, and how long after the one before: longer than neighbours tell of a post by IHAVE
/// (three heartbeats), or what they tell of several at once would be counted for each.
const POSTS: usize = 8;
const APART: Duration = Duration::from_secs(4);
/// How long the last one may take.
const SPREAD: Duration = Duration::from_secs(10);
/// What has not come by then may come by catching up, which compares with a random neighbour every 300 s, give or take
/// half.
const PATIENCE: Duration = Duration::from_secs(450);

/// Whether this process is in a network of its own.
pub fn is_alone() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs this program once more, in a network of its own.
pub fn run_alone() {
    let program = std::env::current_exe().unwrap();
    let script = r#"ip link set lo up && exec "$0" --bench"#;
    let status = Command::new("unshare")
        .args(["--map-root-user", "--user", "--net", "sh", "-c", script])
        .arg(program)
        .env(ALONE, "1")
        .env("BENCH_ONLY", "wire")
        .status();
    match status {
        Ok(status) if status.success() => {}
        other => {
            println!("the wire was not measured, for there can be no network of its own here: {other:?}")
        }
    }
}

pub async fn measure(figures: &Figures) {
    let sizes = std::env::var("BENCH_NODES").unwrap_or_else(|_| NODES.to_owned());
    for size in sizes.split(',').map(|size| size.trim().parse::<usize>().unwrap()) {
        let people = gather(size).await;
        let begun = sent(&people);
        tokio::time::sleep(IDLE).await;
        let idle = (sent(&people) - begun) / IDLE.as_secs_f64();
        let each = idle / whole(size);
        let original = if size == 32 { " (original: 129 in a star)" } else { "" };
        let name = format!("idle, {size} nodes");
        figures.add(&name, &format!("{each:.0} bytes a second and node{original}"), each, Better::Lower);
        spread(&people, idle, figures).await;
    }
}

struct Person {
    key: SecretKey,
    node: Node,
}

/// Nodes that have all begun with the first one, settled.
async fn gather(size: usize) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    while people.len() < size {
        let first = people.first().map(|first| first.node.nodes());
        let joining = (people.len()..size.min(people.len() + 8)).map(|_| {
            let first = first.clone();
            async move {
                let key = random_key();
                let npub = key.public_key().to_npub();
                let mut words = vec!["-p", npub.as_str()];
                words.extend(first.iter().flat_map(|first| ["-b", first.as_str()]));
                Person { node: Node::start(&words).await, key }
            }
        });
        let joining: Vec<_> = if people.is_empty() { joining.take(1).collect() } else { joining.collect() };
        for person in joining {
            people.push(person.await);
        }
    }
    tokio::time::sleep(SETTLE).await;
    people
}

/// People post, one after another, and everybody gets it.
async fn spread(people: &[Person], idle: f64, figures: &Figures) {
    let authors = people.iter().step_by((people.len() / POSTS).max(1)).take(POSTS);
    let mut clients = Vec::new();
    for person in authors {
        clients.push((Client::login(&person.node.clients(), &person.key).await, &person.key));
    }
    let before = stored(people).await;
    let begun = sent(people);
    let started = tokio::time::Instant::now();
    for (number, (client, key)) in clients.iter_mut().enumerate() {
        let text = format!(
            "{number} the quick brown fox jumps over the lazy dog, and it is not the first time that it does"
        );
        client.publish(&post(key, &text)).await;
        tokio::time::sleep(APART).await;
    }
    let count = clients.len();
    tokio::time::sleep(SPREAD).await;
    let bytes = sent(people) - begun - idle * started.elapsed().as_secs_f64();
    let expected = u64::try_from(count * people.len()).unwrap();
    let late = tokio::time::Instant::now();
    let arrived = stored(people).await - before;
    let mut last = arrived;
    while last < expected && late.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_secs(1)).await;
        last = stored(people).await - before;
    }
    let receipts = whole(count * (people.len() - 1));
    let each = bytes / receipts;
    let name = format!("a post, {} nodes", people.len());
    let said = format!(
        "{each:.0} bytes a receiver (original: about 400), {} of {receipts} arrived within {SPREAD:?}{}",
        arrived - u64::try_from(count).unwrap(),
        match (arrived < expected, last < expected) {
            (false, _) => String::new(),
            (true, false) => format!(", all {:.0} s later", late.elapsed().as_secs_f64()),
            (true, true) => format!(", {} never", expected - last),
        },
    );
    figures.add(&name, &said, each, Better::Lower);
    assert_eq!(sum(people, "peers_banned_total").await, 0, "nodes without a fault were thrown out");
}

/// Events in all stores.
async fn stored(people: &[Person]) -> u64 {
    sum(people, "events_stored").await
}

/// A metric of all nodes together.
async fn sum(people: &[Person], metric: &str) -> u64 {
    let mut sum = 0;
    for person in people {
        sum += person.node.metric(metric).await;
    }
    sum
}

/// Bytes that went from node to node since the beginning, with all headers.
fn sent(people: &[Person]) -> f64 {
    let table = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    let line = table.lines().find_map(|line| line.trim().strip_prefix("lo:")).unwrap();
    let all: f64 = line.split_whitespace().nth(8).unwrap().parse().unwrap();
    all - with_clients(people)
}

/// Bytes that went both ways over the connections of clients that stand, with all headers.
fn with_clients(people: &[Person]) -> f64 {
    let listening: Vec<String> = people.iter().map(|person| person.node.clients()).collect();
    let sockets = Command::new("ss").args(["-tinOH", "state", "established"]).output().unwrap().stdout;
    let sockets = String::from_utf8(sockets).unwrap();
    // Queues, own address, address of the other; then words such as `segs_in:7`.
    let of_node =
        |line: &&str| line.split_whitespace().nth(2).is_some_and(|own| listening.iter().any(|at| at == own));
    sockets
        .lines()
        .filter(of_node)
        .map(|line| {
            let counted = |name: &str| {
                let value =
                    line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix(':'));
                value.map_or(0.0, |value| value.parse().unwrap())
            };
            let segments = counted("segs_out") + counted("segs_in");
            counted("bytes_sent") + counted("bytes_received") + segments * segment_header()
        })
        .sum()
}

/// IPv4 and TCP, and the timestamps where they are on, as they usually are.
fn segment_header() -> f64 {
    let timestamps = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_timestamps").unwrap();
    if timestamps.trim() == "0" { 40.0 } else { 52.0 }
}

fn whole(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
