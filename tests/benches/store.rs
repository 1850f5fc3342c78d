//! How much memory and disk a node needs for 100,000 events: `cargo xtask bench store`.
//!
//! Events of 1,000 people, 140 characters each, every fourth a reply in a conversation, are brought in by
//! `nostrp2p import`; then the node is started on them, and a client reads everything once, as a new device does.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "it measures, and stops at the first surprise")]

use std::{
    io::{BufWriter, Write},
    process::Command,
    time::Instant,
};

use nostrp2p_protocol::{Draft, Event, Kind, SecretKey, Tag};
use nostrp2p_tests::{Client, Node, binary, now, random_key};

/// Events to store; `BENCH_EVENTS` gives another number.
const EVENTS: u64 = 100_000;
const PEOPLE: u64 = 1_000;

fn person(number: u64) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(number % PEOPLE + 1).to_be_bytes());
    SecretKey::from_bytes(bytes).unwrap()
}

/// A post like those that people write: half of its characters are ASCII words, some are not.
fn event(number: u64, previous: Option<&Event>) -> Event {
    let text = format!("{number:x} {}", "the quick brown fox jumps over the lazy dog, ありがとう ".repeat(4));
    let tags = previous.filter(|_| number.is_multiple_of(4)).map(|previous| {
        vec![
            Tag::new(["e".to_owned(), previous.id().to_string(), String::new(), "root".to_owned()]),
            Tag::new(["q".to_owned(), previous.id().to_string()]),
            Tag::new(["p".to_owned(), previous.pubkey.to_string()]),
        ]
    });
    let content = text.chars().take(140).collect();
    let created_at = now() - EVENTS + number;
    Draft { created_at, kind: Kind::POST, tags: tags.unwrap_or_default(), content }
        .sign(&person(number), &[7; 32])
}

fn memory(node: &Node) -> f64 {
    f64::from(u32::try_from(node.resident_kib().unwrap_or(0)).unwrap_or(u32::MAX)) / 1024.0
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test --all-targets` would run it, too.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let events = std::env::var("BENCH_EVENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(EVENTS);
    let owner = random_key();
    let node = Node::start(&["-p", &owner.public_key().to_npub()]).await;
    let idle = memory(&node);
    let data = node.data_dir().to_owned();
    let stopped = node.stop().await;

    let lines = data.join("events.jsonl");
    let mut file = BufWriter::new(std::fs::File::create(&lines).unwrap());
    let mut previous = None;
    for number in 0..events {
        let event = event(number, previous.as_ref());
        writeln!(file, "{}", serde_json::to_string(&event).unwrap()).unwrap();
        previous = Some(event);
    }
    file.flush().unwrap();
    drop(file);
    let jsonl = std::fs::metadata(&lines).unwrap().len();

    let begun = Instant::now();
    let import =
        Command::new(binary()).arg("import").arg(&lines).arg("--data-dir").arg(&data).output().unwrap();
    let said = String::from_utf8_lossy(&import.stdout).into_owned();
    assert!(
        said.contains(&format!("{events} new events")),
        "{said}{}",
        String::from_utf8_lossy(&import.stderr)
    );
    let took = begun.elapsed();
    let store = std::fs::metadata(data.join("store.redb")).unwrap().len();
    println!("events                   {events}, {} bytes of JSON each", jsonl / events);
    println!(
        "import                   {:.1} s, {} events a second",
        took.as_secs_f64(),
        u128::from(events) * 1_000 / took.as_millis().max(1)
    );
    println!("disk                     {} bytes an event", store / events);

    let node = stopped.start().await;
    println!("memory, empty node       {idle:.1} MB");
    println!("memory, just started     {:.1} MB", memory(&node));
    let mut client = Client::login(&node.clients(), &owner).await;
    let begun = Instant::now();
    let read = client.everything_after(0).await.len();
    println!("a new device reads all   {read} events in {:.1} s", begun.elapsed().as_secs_f64());
    println!("memory, after that       {:.1} MB", memory(&node));
    for _ in 0..20 {
        client.everything().await;
    }
    println!("memory, after 20 fetches {:.1} MB (aim: below 50 MB)", memory(&node));
}
