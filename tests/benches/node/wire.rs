//! Bytes that nodes send one another: for a post and each that receives it, and when nothing happens.
//!
//! All nodes are processes in one network namespace of their own, whose loopback interface counts every packet with its
//! headers; a byte is counted once, where it is sent. What is measured is what the kernel says.
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
/// Posts, each by somebody else, and how long they may take.
const POSTS: usize = 8;
const SPREAD: Duration = Duration::from_secs(10);

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

pub async fn measure(figures: &mut Figures) {
    let sizes = std::env::var("BENCH_NODES").unwrap_or_else(|_| NODES.to_owned());
    for size in sizes.split(',').map(|size| size.trim().parse::<usize>().unwrap()) {
        let people = gather(size).await;
        let begun = sent();
        tokio::time::sleep(IDLE).await;
        let idle = (sent() - begun) / IDLE.as_secs_f64();
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
async fn spread(people: &[Person], idle: f64, figures: &mut Figures) {
    let authors = people.iter().step_by((people.len() / POSTS).max(1)).take(POSTS);
    let mut clients = Vec::new();
    for person in authors {
        clients.push((Client::login(&person.node.clients(), &person.key).await, &person.key));
    }
    let before = stored(people).await;
    let begun = sent();
    let started = tokio::time::Instant::now();
    for (number, (client, key)) in clients.iter_mut().enumerate() {
        let text = format!(
            "{number} the quick brown fox jumps over the lazy dog, and it is not the first time that it does"
        );
        client.publish(&post(key, &text)).await;
    }
    let count = clients.len();
    tokio::time::sleep(SPREAD).await;
    let bytes = sent() - begun - idle * started.elapsed().as_secs_f64();
    let receipts = whole(count * (people.len() - 1));
    let arrived = stored(people).await - before - u64::try_from(count).unwrap();
    let each = bytes / receipts;
    let name = format!("a post, {} nodes", people.len());
    let said = format!("{each:.0} bytes a receiver, {arrived} of {receipts} arrived (original: about 400)");
    figures.add(&name, &said, each, Better::Lower);
}

/// Events in all stores.
async fn stored(people: &[Person]) -> u64 {
    let mut sum = 0;
    for person in people {
        sum += person.node.metric("events_stored").await;
    }
    sum
}

/// Bytes that went over the loopback interface since the beginning, with all headers.
fn sent() -> f64 {
    let table = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    let line = table.lines().find_map(|line| line.trim().strip_prefix("lo:")).unwrap();
    line.split_whitespace().nth(8).unwrap().parse().unwrap()
}

fn whole(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
