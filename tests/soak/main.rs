//! The soak: many real nodes under mixed load, some of which are stopped and killed all the time, while all happens that a
//! year of running brings: a clock a month ahead and back, a link that is away and another address, a backup that is put
//! back, a log that nobody reads, a name server that swallows questions, two nodes with one key, sixty dead addresses.
//!
//! Run it by `cargo xtask soak`. It prints how much arrived, how memory and open files went, and what stood in the logs.
//! Exit status 0 if everything arrived, no log had an error that is not due, and neither memory nor open files grew.
#![expect(clippy::print_stdout, reason = "this program talks to the person who typed it")]
#![expect(clippy::panic, reason = "it stops at the first surprise, and says what it was")]

mod figures;
mod town;
mod trouble;

use std::{
    collections::BTreeSet,
    process::ExitCode,
    time::{Duration, Instant},
};

use nostrp2p_tests::{Client, post, reply};
use tokio::time::interval;

use self::{
    figures::{SeededRng, logs, look, report},
    town::{FEWEST, FIRST_RESTLESS, Resident, State, Town},
    trouble::Troubles,
};

/// One post a second in all, so that everybody stays within a stranger's budget.
const POST_EVERY: Duration = Duration::from_secs(1);
/// How often a node goes away or comes back, in posts.
const CHURN_EVERY: u64 = 8;
/// How often memory and open files are looked at, in posts.
const LOOK_EVERY: u64 = 10;
/// How long the nodes may take to catch up at the end.
const SETTLE: Duration = Duration::from_secs(600);

#[tokio::main]
async fn main() -> ExitCode {
    let number = |name: &str, otherwise: u64| {
        let mut words = std::env::args().skip_while(|word| word != name).skip(1);
        words.next().and_then(|word| word.parse().ok()).unwrap_or(otherwise)
    };
    let (nodes, seconds) = (number("--nodes", 16).max(FEWEST), number("--seconds", 600));
    if let Some(status) = town::with_dead_resolver() {
        return if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let names = town::unknown_names();
    let mut town = town::found(usize::try_from(nodes).unwrap_or(usize::MAX), &names).await;
    println!("{nodes} nodes run; {seconds} s of load begin");
    println!(
        "name server: {}",
        if names.is_empty() { "the system's, for that needs root" } else { "swallows" }
    );
    println!("clock: {}", if town.clock.is_none() { "right, for there is no libfaketime" } else { "is set" });
    let mut rng = SeededRng(number("--seed", 1));
    let mut load = Load::default();
    let mut troubles = Troubles::over(seconds);
    let mut pace = interval(POST_EVERY);
    for second in 0..seconds {
        pace.tick().await;
        troubles.act(second, &mut town).await;
        load.write(second, &mut town, &troubles, &mut rng).await;
        if second % CHURN_EVERY == 0 {
            load.churn(&mut town, &mut rng).await;
        }
        if second % LOOK_EVERY == 0 {
            load.looks.extend(look(&town.residents, second));
        }
    }
    for resident in &mut town.residents {
        resident.come_back().await;
    }
    troubles.done.iter().for_each(|done| println!("  {done}"));
    let Load { posts, replies, mut looks, stops, kills } = load;
    println!(
        "{} posts, {} replies, {stops} stops, {kills} kills; now they catch up",
        posts.len(),
        replies.len()
    );
    let begun = Instant::now();
    let mut missing = Missing::default();
    while begun.elapsed() < SETTLE {
        tokio::time::sleep(Duration::from_secs(2)).await;
        missing = lacking(&mut town.residents, &posts, &replies).await;
        if missing.count == (0, 0) {
            break;
        }
    }
    looks.extend(look(&town.residents, seconds + begun.elapsed().as_secs()));
    let wanted = posts.len() * town.residents.len();
    println!(
        "delivery: {} of {wanted} posts, {} of {} replies, the last {:.0} s after the last post",
        wanted - missing.count.0,
        replies.len() - missing.count.1,
        replies.len(),
        begun.elapsed().as_secs_f32()
    );
    missing.some.iter().for_each(|missing| println!("  missing: {missing}"));
    let grown = report(&looks);
    let errors = logs(&town.residents);
    let fine = missing.count == (0, 0) && errors == 0 && !grown;
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was written and acknowledged, and what was seen meanwhile.
#[derive(Default)]
struct Load {
    posts: Vec<String>,
    /// To whom, by place, and what.
    replies: Vec<(usize, String)>,
    looks: Vec<figures::Look>,
    stops: usize,
    kills: usize,
}

impl Load {
    async fn write(&mut self, second: u64, town: &mut Town, troubles: &Troubles, rng: &mut SeededRng) {
        let residents = &mut town.residents;
        let (author, other) = (rng.below(residents.len()), rng.below(residents.len()));
        let to = residents[other].key.clone();
        let key = residents[author].key.clone();
        let State::Here(_, client) = &mut residents[author].state else { return };
        let text = format!("soak {second}");
        client.publish(&post(&key, &text)).await;
        self.posts.push(text);
        if second.is_multiple_of(5)
            && key.public_key() != to.public_key()
            && troubles.may_be_told(other, second)
        {
            let text = format!("soak {second} for one");
            client.publish(&reply(&key, &text, &[&to])).await;
            self.replies.extend(trouble::same_person(other).map(|twin| (twin, text.clone())));
            self.replies.push((other, text));
        }
    }

    /// One of the restless goes away or comes back.
    async fn churn(&mut self, town: &mut Town, rng: &mut SeededRng) {
        let restless = town.residents.len() - FIRST_RESTLESS;
        let resident = &mut town.residents[FIRST_RESTLESS + rng.below(restless)];
        match resident.take() {
            State::Here(node, client) => {
                drop(client);
                resident.state = State::Away(if rng.below(2) == 0 {
                    self.stops += 1;
                    node.stop().await
                } else {
                    self.kills += 1;
                    node.kill().await
                });
            }
            away => {
                resident.state = away;
                resident.come_back().await;
            }
        }
    }
}

/// Posts and replies that are not yet where they belong: how many, and some of them.
#[derive(Default)]
struct Missing {
    count: (usize, usize),
    some: Vec<String>,
}

async fn lacking(residents: &mut [Resident], posts: &[String], replies: &[(usize, String)]) -> Missing {
    let mut missing = Missing::default();
    for (place, resident) in residents.iter_mut().enumerate() {
        let node = resident.node().unwrap_or_else(|| panic!("everybody is back"));
        let mut reader = Client::login(&node.clients(), &resident.key).await;
        let held: BTreeSet<String> = reader.everything_after(0).await.into_iter().collect();
        let lost = posts.iter().filter(|text| !held.contains(*text));
        let private = replies.iter().filter(|(to, text)| *to == place && !held.contains(text));
        let private = private.map(|(_, text)| text);
        let before = missing.some.len();
        missing.some.extend(lost.clone().take(3).map(|text| format!("`{text}` at node {place}")));
        missing.some.extend(private.clone().take(3).map(|text| format!("`{text}` at node {place}")));
        missing.some.truncate(before + 3);
        missing.count.0 += lost.count();
        missing.count.1 += private.count();
    }
    missing
}
