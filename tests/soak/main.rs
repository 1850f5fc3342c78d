//! The soak: many real nodes under mixed load, some of which are stopped and killed all the time.
//!
//! Run it by `cargo xtask soak`. It prints how much arrived, how memory and open files went, and what stood in the logs.
//! Exit status 0 if everything arrived, no log had an error, and neither memory nor open files grew without end.
#![expect(clippy::print_stdout, reason = "this program talks to the person who typed it")]
#![expect(clippy::panic, reason = "it stops at the first surprise, and says what it was")]

use std::{
    collections::BTreeSet,
    process::ExitCode,
    time::{Duration, Instant},
};

use nostrp2p_protocol::SecretKey;
use nostrp2p_tests::{Client, Node, Stopped, post, random_key, reply};
use tokio::time::interval;

/// One post a second in all, so that everybody stays within a stranger's budget.
const POST_EVERY: Duration = Duration::from_secs(1);
/// How often a node goes away or comes back, in posts.
const CHURN_EVERY: u64 = 8;
/// How often memory and open files are looked at, in posts.
const LOOK_EVERY: u64 = 10;
/// How long the nodes may take to catch up at the end.
const SETTLE: Duration = Duration::from_secs(600);

struct Resident {
    key: SecretKey,
    state: State,
}

enum State {
    Here(Box<Node>, Box<Client>),
    Away(Stopped),
    /// While it changes.
    Between,
}

/// What was seen of one process at a time.
struct Look {
    resident: usize,
    kib: u64,
    files: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let number = |name: &str, otherwise: u64| {
        let mut words = std::env::args().skip_while(|word| word != name).skip(1);
        words.next().and_then(|word| word.parse().ok()).unwrap_or(otherwise)
    };
    let (nodes, seconds) = (number("--nodes", 16).max(2), number("--seconds", 600));
    let mut town = found(usize::try_from(nodes).unwrap_or(usize::MAX)).await;
    println!("{nodes} nodes run; {seconds} s of load begin");
    let mut dice = Dice(number("--seed", 1));
    let (mut posts, mut replies, mut looks) = (Vec::new(), Vec::new(), Vec::new());
    let (mut stops, mut kills) = (0, 0);
    let mut pace = interval(POST_EVERY);
    for second in 0..seconds {
        pace.tick().await;
        let (author, other) = (dice.below(town.len()), dice.below(town.len()));
        let key = town[author].key.clone();
        if let State::Here(_, client) = &mut town[author].state {
            let text = format!("soak {second}");
            client.publish(&post(&key, &text)).await;
            posts.push(text);
        }
        if second % 5 == 0 && other != author {
            let to = town[other].key.clone();
            if let State::Here(_, client) = &mut town[author].state {
                let text = format!("soak {second} for one");
                client.publish(&reply(&key, &text, &[&to])).await;
                replies.push((other, text));
            }
        }
        if second % CHURN_EVERY == 0 {
            // The first one stays: the others know each other by it.
            let resident = &mut town[1 + dice.below(usize::try_from(nodes).unwrap_or(2) - 1)];
            resident.state = match std::mem::replace(&mut resident.state, State::Between) {
                State::Here(node, client) => {
                    drop(client);
                    State::Away(if dice.below(2) == 0 {
                        stops += 1;
                        node.stop().await
                    } else {
                        kills += 1;
                        node.kill().await
                    })
                }
                State::Away(stopped) => come_back(stopped, &resident.key).await,
                State::Between => panic!("a node was lost"),
            };
        }
        if second % LOOK_EVERY == 0 {
            looks.extend(look(&town));
        }
    }
    for resident in &mut town {
        resident.state = match std::mem::replace(&mut resident.state, State::Between) {
            State::Away(stopped) => come_back(stopped, &resident.key).await,
            here => here,
        };
    }
    println!(
        "{} posts, {} replies, {stops} stops, {kills} kills; now they catch up",
        posts.len(),
        replies.len()
    );
    let begun = Instant::now();
    let mut missing = (usize::MAX, usize::MAX);
    while missing != (0, 0) && begun.elapsed() < SETTLE {
        tokio::time::sleep(Duration::from_secs(2)).await;
        missing = lacking(&mut town, &posts, &replies).await;
    }
    looks.extend(look(&town));
    let wanted = posts.len() * town.len();
    println!(
        "delivery: {} of {wanted} posts, {} of {} replies, the last {:.0} s after the last post",
        wanted - missing.0,
        replies.len() - missing.1,
        replies.len(),
        begun.elapsed().as_secs_f32()
    );
    let grown = report(&looks);
    let errors = logs(&town);
    let fine = missing == (0, 0) && errors == 0 && !grown;
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Everybody moves in, joined to the first.
async fn found(count: usize) -> Vec<Resident> {
    let mut town = Vec::new();
    let mut first: Option<String> = None;
    for _ in 0..count {
        let key = random_key();
        let arguments: Vec<&str> = first.as_deref().map_or_else(Vec::new, |address| vec!["-b", address]);
        let node = Node::start_with_log(&arguments, "warn").await;
        let mut client = Client::claim(&node.clients(), node.token(), &key).await;
        client.delegate(&key).await;
        first.get_or_insert_with(|| node.nodes());
        town.push(Resident { key, state: State::Here(Box::new(node), Box::new(client)) });
    }
    town
}

async fn come_back(stopped: Stopped, key: &SecretKey) -> State {
    let node = stopped.start().await;
    let client = Client::login(&node.clients(), key).await;
    State::Here(Box::new(node), Box::new(client))
}

/// How many posts and replies are not yet where they belong.
async fn lacking(town: &mut [Resident], posts: &[String], replies: &[(usize, String)]) -> (usize, usize) {
    let (mut missing, mut private) = (0, 0);
    for (number, resident) in town.iter_mut().enumerate() {
        let State::Here(node, _) = &resident.state else { panic!("everybody is back") };
        let mut reader = Client::login(&node.clients(), &resident.key).await;
        let held: BTreeSet<String> = reader.everything_after(0).await.into_iter().collect();
        missing += posts.iter().filter(|text| !held.contains(*text)).count();
        private += replies.iter().filter(|(to, text)| *to == number && !held.contains(text)).count();
    }
    (missing, private)
}

fn look(town: &[Resident]) -> Vec<Look> {
    let seen = |(resident, state): (usize, &State)| {
        let State::Here(node, _) = state else { return None };
        let files = std::fs::read_dir(format!("/proc/{}/fd", node.id())).ok()?.count();
        Some(Look { resident, kib: node.resident_kib()?, files })
    };
    town.iter().map(|resident| &resident.state).enumerate().filter_map(seen).collect()
}

/// Prints how memory and open files went; says whether they grow without end: those of the first node, which runs all the
/// time, from the second quarter of the time to the last.
fn report(looks: &[Look]) -> bool {
    let first: Vec<&Look> = looks.iter().filter(|look| look.resident == 0).collect();
    let quarter = first.len() / 4;
    let mean = |looks: &[&Look], of: fn(&Look) -> u64| {
        looks.iter().map(|look| of(look)).sum::<u64>() / (looks.len().max(1) as u64)
    };
    let (early, late) =
        (&first[quarter..(2 * quarter).max(quarter + 1).min(first.len())], &first[3 * quarter..]);
    let (before, after) = (mean(early, |look| look.kib), mean(late, |look| look.kib));
    let files = |looks: &[&Look]| mean(looks, |look| look.files as u64);
    let most = looks.iter().map(|look| look.kib).max().unwrap_or(0);
    println!(
        "memory of the node that runs all the time: {:.1} MB in the second quarter, {:.1} MB in the last; most of any: {:.1} MB",
        before as f64 / 1024.0,
        after as f64 / 1024.0,
        most as f64 / 1024.0
    );
    println!(
        "open files of it: {} in the second quarter, {} in the last; most of any: {}",
        files(early),
        files(late),
        looks.iter().map(|look| look.files).max().unwrap_or(0)
    );
    after > before + before / 2 || files(late) > files(early) + 64
}

/// Prints what stands in the logs, each kind of line once; returns how many are errors.
fn logs(town: &[Resident]) -> usize {
    let mut kinds: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut errors = 0;
    for resident in town {
        let State::Here(node, _) = &resident.state else { continue };
        for line in node.log().lines() {
            errors += usize::from(line.contains(" ERROR "));
            // Without the time, and without what differs: numbers and keys.
            let kind = line.split_once(' ').map_or(line, |(_, rest)| rest);
            let kind: String = kind.chars().filter(|char| !char.is_ascii_digit()).take(90).collect();
            *kinds.entry(kind).or_default() += 1;
        }
    }
    println!("logs: {errors} errors; {} kinds of lines", kinds.len());
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (kind, count) in kinds.iter().take(10) {
        println!("  {count} x {}", kind.trim());
    }
    errors
}

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % (bound.max(1) as u64)).unwrap_or(0)
    }
}
