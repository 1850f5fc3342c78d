//! How soon a node serves, and how much memory and disk it takes.
//!
//! The original: 14 ms to serving, 15.5 MB, 56 to 75 MB with 10,000 events, 880 bytes an event, a program of 14.6 MB.

use std::time::Instant;

use nostrp2p_tests::{Client, Node, binary, random_key};

use super::{
    figures::{Better, Figures},
    stock::{self, Stock},
};

/// Starts of which the middle one counts.
const STARTS: usize = 11;
/// Also measured with a tenth of the stock.
const FEWER: usize = 10;

pub async fn measure(stock: &Stock, figures: &Figures) {
    let size = megabytes(std::fs::metadata(binary()).unwrap().len());
    figures.add("program", &format!("{size:.1} MB (original: 14.6)"), size, Better::Lower);

    let owner = random_key();
    let mut node = Node::start(&["-p", &owner.public_key().to_npub()]).await;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let stopped = node.stop().await;
        let begun = Instant::now();
        node = stopped.start().await;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_unstable_by(f64::total_cmp);
    figures.say("start to serving, empty", &format!("{:.0} ms (original: 14)", times[STARTS / 2]));
    let idle = resident(&node);
    figures.add("memory, empty node", &format!("{idle:.1} MB (original: 15.5)"), idle, Better::Lower);

    let (data, lines) = (node.data_dir().to_owned(), node.data_dir().join("events.jsonl"));
    let stopped = node.stop().await;
    let fewer = stock.events.len() / FEWER;
    stock::write(&stock.events[..fewer], &lines);
    stock::import(&lines, &data, fewer);
    std::fs::remove_file(&lines).unwrap();
    let bytes = std::fs::metadata(data.join("store.redb")).unwrap().len();
    let each = bytes / u64::try_from(fewer).unwrap();
    figures.say(&format!("disk, {fewer} events"), &format!("{each} bytes an event (original: 880)"));
    use_it(&format!("{fewer} events"), stopped.start().await, &owner, figures).await;

    let count = stock.events.len();
    let each = stock.disk() / u64::try_from(count).unwrap();
    let name = format!("disk, {count} events");
    figures.add(
        &name,
        &format!("{each} bytes an event"),
        f64::from(u32::try_from(each).unwrap()),
        Better::Lower,
    );
    let stopped = stock.node().await;
    let begun = Instant::now();
    let node = stopped.start().await;
    let took = begun.elapsed().as_secs_f64() * 1_000.0;
    figures.say(&format!("start to serving, {count} events"), &format!("{took:.0} ms"));
    use_it(&format!("{count} events"), node, &stock.owner, figures).await;
}

/// Reads everything as a new device does, and fetches what a page shows, again and again.
async fn use_it(what: &str, node: Node, owner: &nostrp2p_protocol::SecretKey, figures: &Figures) {
    figures.say(&format!("memory, {what}, started"), &format!("{:.1} MB", resident(&node)));
    let mut client = Client::login(&node.clients(), owner).await;
    let begun = Instant::now();
    let read = client.everything_after(0).await.len();
    let took = begun.elapsed().as_secs_f64();
    figures.say(&format!("a new device reads {read} events"), &format!("{took:.2} s"));
    for _ in 0..20 {
        client.everything().await;
    }
    let used = resident(&node);
    figures.add(&format!("memory, {what}, used"), &format!("{used:.1} MB"), used, Better::Lower);
}

fn resident(node: &Node) -> f64 {
    megabytes(node.resident_kib().unwrap() * 1_024)
}

#[expect(clippy::cast_precision_loss, reason = "these are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
