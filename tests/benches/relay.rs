//! How many events and requests the relay serves, and what each costs it: `cargo xtask bench relay`.
//!
//! Fifty programs, each with one message under way, publish events and then ask for twenty of them. Where nostr-rs-relay
//! is installed (`cargo install nostr-rs-relay`, or NOSTR_RS_RELAY names it) it does the same in turn. The load shares
//! the machine with the server, so the server's own time from /proc is the steadier figure.
//!
//! `BENCH_EVENTS` gives another number of events than 10,000, and with `BENCH_SCATTERED=1` they are scattered over 25 days
//! instead of one a second. `BENCH_LOAD_SECONDS` gives each kind of work more time than 12 s, and `BENCH_SECONDS` the whole.
//!
//! Where nostr-bench is installed too (`cargo install nostr-bench`, or NOSTR_BENCH names it) it asks both for ten
//! seconds. What it publishes is signed with a new key each time, and a node takes what its owner wrote, so its other
//! half cannot be run.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "it measures, and stops at the first surprise")]

use std::{
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, login};
use nostrp2p_tests::{Node, RsRelay, installed, now, processor_time, random_key, within_limit};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::Command,
    task::JoinSet,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const CLIENTS: usize = 50;
/// Events of one round; `BENCH_EVENTS` gives another number.
const EVENTS: u64 = 10_000;
/// Over which time events are scattered, in seconds, and a number that leads from one place in it far away, to each once.
const SPAN: u64 = 25 * 86_400;
const LEAP: u64 = 1_334_999;
/// At most; as many are asked as fit into [`LOAD_SECONDS`].
const REQUESTS: usize = 10_000;
/// Requests of one program alone, at most.
const ALONE: usize = 200;
const ROUNDS: usize = 3;
/// How long one kind of work goes on, whatever is left of it: there is a relay that takes 44 ms for each request of one
/// program. Three kinds at two relays in three rounds come to less than four minutes. `BENCH_LOAD_SECONDS` gives another.
const LOAD_SECONDS: u64 = 12;
/// How long nostr-bench asks.
const ASKING: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Program(Socket);

impl Program {
    async fn connect(authority: &str, key: &SecretKey) -> Self {
        let (socket, _) = connect_async(format!("ws://{authority}/")).await.unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_nodelay(true).unwrap();
        }
        let mut program = Self(socket);
        // A relay that wants a login says so at once; the other kind says nothing before it is asked. With a limit of 0
        // nostr-rs-relay looks nothing up and never says that this was all.
        program.say(&json!(["REQ", "begin", { "ids": ["0".repeat(64)], "limit": 1 }]).to_string()).await;
        let first = program.next().await;
        if first[0] == "AUTH" {
            let challenge = hex::decode(first[1].as_str().unwrap()).unwrap().try_into().unwrap();
            let proof = login::draft(&challenge, authority, now()).sign(key, &[7; 32]);
            program.say(&json!(["AUTH", proof]).to_string()).await;
            while program.next().await[0] != "OK" {}
        }
        program.say(r#"["CLOSE","begin"]"#).await;
        program
    }

    async fn say(&mut self, line: &str) {
        self.0.send(Message::Text(line.into())).await.unwrap();
    }

    async fn line(&mut self) -> String {
        loop {
            if let Message::Text(line) = self.0.next().await.unwrap().unwrap() {
                return line.to_string();
            }
        }
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }
}

/// What one kind of work came to.
struct Figures {
    per_second: f64,
    server_us: f64,
    median: Duration,
}

/// Lets all programs work through their lines for some time, each waiting for the word that ends an answer.
async fn load(
    programs: Vec<Program>,
    lines: &Arc<[String]>,
    end: &'static str,
    server: u32,
) -> (Vec<Program>, Figures) {
    let limit = Duration::from_secs(number("BENCH_LOAD_SECONDS").unwrap_or(LOAD_SECONDS));
    let (begun, before) = (Instant::now(), processor_time(server).unwrap());
    let mut running = JoinSet::new();
    for (number, mut program) in programs.into_iter().enumerate() {
        let lines = Arc::clone(lines);
        running.spawn(async move {
            let mut times = Vec::new();
            for line in lines.iter().skip(number).step_by(CLIENTS) {
                let asked = Instant::now();
                if asked.duration_since(begun) > limit {
                    break;
                }
                program.say(line).await;
                loop {
                    let answer = program.line().await;
                    if answer.starts_with(end) {
                        assert!(!answer.contains(",false,"), "{answer}");
                        break;
                    }
                }
                times.push(asked.elapsed());
            }
            (program, times)
        });
    }
    let (mut programs, mut times) = (Vec::new(), Vec::new());
    while let Some(done) = running.join_next().await {
        let (program, more) = done.unwrap();
        programs.push(program);
        times.extend(more);
    }
    let count = f64::from(u32::try_from(times.len()).unwrap());
    times.sort_unstable();
    let figures = Figures {
        per_second: count / begun.elapsed().as_secs_f64(),
        server_us: (processor_time(server).unwrap() - before).as_secs_f64() * 1e6 / count,
        median: times[times.len() / 2],
    };
    (programs, figures)
}

async fn measure(name: &str, authority: &str, server: u32, key: &SecretKey, events: &[Event]) -> f64 {
    let mut programs = Vec::new();
    for _ in 0..CLIENTS {
        programs.push(Program::connect(authority, key).await);
    }
    let lines: Arc<[String]> = events.iter().map(|event| json!(["EVENT", event]).to_string()).collect();
    let (programs, published) = load(programs, &lines, "[\"OK\"", server).await;
    say(name, "events/s", &published);
    let request = |number: usize| {
        let until = events[number % events.len()].created_at;
        json!(["REQ", "r", { "authors": [key.public_key()], "kinds": [1], "until": until, "limit": 20 }])
            .to_string()
    };
    let lines: Arc<[String]> = (0..REQUESTS).map(request).collect();
    let (mut programs, asked) = load(programs, &lines, "[\"EOSE\"", server).await;
    say(name, "requests/s", &asked);
    programs.truncate(1);
    // A single program takes every fiftieth line.
    let lines: Arc<[String]> = (0..ALONE * CLIENTS).map(request).collect();
    let (_, alone) = load(programs, &lines, "[\"EOSE\"", server).await;
    say(name, "requests/s by one program", &alone);
    published.per_second
}

/// Requests a second that nostr-bench counts, at fifty connections.
async fn by_nostr_bench(program: &Path, name: &str, authority: &str, server: u32) -> f64 {
    let before = processor_time(server).unwrap();
    let mut bench = Command::new(program);
    bench.args(["req", "--json", "--count", &CLIENTS.to_string(), &format!("ws://{authority}/")]);
    let mut bench = bench.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(bench.stdout.take().unwrap()).lines();
    let (mut count, mut elapsed) = (0.0, 0.0);
    // It says once a second how it stands, and never ends by itself.
    while elapsed < ASKING.as_secs_f64() * 1e3 {
        let line = lines.next_line().await.unwrap().expect("nostr-bench goes on");
        let Ok(stand) = serde_json::from_str::<Value>(&line) else { continue };
        assert_eq!(stand["message_stats"]["error"], 0, "{line}");
        count = stand["message_stats"]["complete"].as_f64().unwrap();
        elapsed = stand["elapsed"].as_f64().unwrap();
    }
    let used = processor_time(server).unwrap() - before;
    let per_second = count / elapsed * 1e3;
    let each = used.as_secs_f64() * 1e6 / count;
    println!("{name:>16}: {per_second:>8.0} requests/s by nostr-bench, {each:>6.0} us of the server each");
    per_second
}

fn say(name: &str, what: &str, figures: &Figures) {
    println!(
        "{name:>16}: {:>8.0} {what}, {:>6.0} us of the server each, median {:?}",
        figures.per_second, figures.server_us, figures.median
    );
}

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` would run it, too.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    within_limit(run()).await;
}

async fn run() {
    let count = number("BENCH_EVENTS").unwrap_or(EVENTS);
    let scattered = number("BENCH_SCATTERED").is_some_and(|scattered| scattered > 0);
    let key = random_key();
    let end = now();
    let event = |number: u64| {
        let created_at = if scattered { end - 1 - number * LEAP % SPAN } else { end - count + number };
        let content = format!("{number} the quick brown fox jumps over the lazy dog");
        EventTemplate { created_at, kind: Kind::POST, tags: vec![], content }.sign(&key, &[7; 32])
    };
    let events: Vec<Event> = (0..count).map(event).collect();
    let other = RsRelay::program();
    if other.is_none() {
        println!("nostr-rs-relay is not installed, so there is nothing to compare with");
    }
    match installed("nostr-bench", "NOSTR_BENCH") {
        Some(program) => compare_by_nostr_bench(&program, &key, other.as_deref()).await,
        None => println!("nostr-bench is not installed, so it asks nothing"),
    }
    let (mut ours, mut theirs) = (0.0, 0.0);
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        let node = Node::start(&["-p", &key.public_key().to_npub()]).await;
        ours += measure("nostrp2p", &node.clients(), node.process().unwrap(), &key, &events).await;
        drop(node);
        if let Some(program) = &other {
            let relay = RsRelay::start(program).await;
            theirs += measure("nostr-rs-relay", &relay.authority(), relay.process(), &key, &events).await;
            println!("nostrp2p takes {:.1} times as many events", ours / theirs);
        }
    }
}

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|number| number.parse().ok())
}

async fn compare_by_nostr_bench(program: &Path, key: &SecretKey, other: Option<&Path>) {
    let node = Node::start(&["-p", &key.public_key().to_npub(), "--open-relay"]).await;
    let ours = by_nostr_bench(program, "nostrp2p", &node.clients(), node.process().unwrap()).await;
    drop(node);
    if let Some(other) = other {
        let relay = RsRelay::start(other).await;
        let theirs = by_nostr_bench(program, "nostr-rs-relay", &relay.authority(), relay.process()).await;
        println!("nostrp2p answers {:.1} times as many requests of nostr-bench", ours / theirs);
    }
}
