//! One round: everybody says something to everybody, and what became of it as a table.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Result;
use nostrp2p_protocol::{Kind as EventKind, Tag};
use tokio::time::interval;

use crate::resident::Resident;

/// How long anything may take. Holes are tried three times, a request waits for 20 s, and an outbox that failed waits
/// for news of the other node.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long after the last message the ways are looked at: until then holes are punched and detours left.
const UPGRADE: Duration = Duration::from_secs(15);

/// What was said, by sender and receiver.
type Said = BTreeMap<(usize, usize), (String, Instant)>;
/// How long it took, if it arrived.
type Took = BTreeMap<(usize, usize), Option<Duration>>;

/// The outcome of a round.
pub struct Round {
    names: Vec<String>,
    broadcasts: Took,
    replies: Took,
    fetches: Took,
    /// The best way that was seen between two, when all was over.
    paths: BTreeMap<(usize, usize), String>,
}

impl Round {
    /// Everybody broadcasts, replies to everybody, and fetches the follow list of half of the others; the other half
    /// in the round with another name.
    pub async fn run(name: &str, people: &[Resident]) -> Result<Self> {
        let pairs = || {
            let all = (0..people.len()).flat_map(|from| (0..people.len()).map(move |to| (from, to)));
            all.filter(|(from, to)| from != to)
        };
        let (mut broadcasts, mut replies, mut fetches) = (Said::new(), Said::new(), Said::new());
        for (from, sender) in people.iter().enumerate() {
            let text = format!("round {name}: {} to all", sender.name);
            let at = sender.publish(EventKind::POST, vec![], &text).await?;
            let to_all = pairs().filter(|pair| pair.0 == from);
            broadcasts.extend(to_all.map(|pair| (pair, (text.clone(), at))));
        }
        for (from, to) in pairs() {
            let text = format!("round {name}: {} to {}", people[from].name, people[to].name);
            let tag = Tag::new(["p".to_owned(), people[to].person().to_string()]);
            let at = people[from].publish(EventKind::POST, vec![tag], &text).await?;
            replies.insert((from, to), (text, at));
        }
        for (author, asker) in pairs().filter(|(author, asker)| (name == "one") == (author < asker)) {
            let at = people[asker].ask_for_follow_list(people[author].person()).await?;
            fetches.insert((author, asker), (people[author].follow_list(), at));
        }
        let round = Self {
            names: people.iter().map(|person| person.name.clone()).collect(),
            broadcasts: arrivals(people, &broadcasts).await,
            replies: arrivals(people, &replies).await,
            fetches: arrivals(people, &fetches).await,
            paths: BTreeMap::new(),
        };
        round.with_paths(people).await
    }

    /// How many messages there were.
    pub fn count(&self) -> usize {
        self.broadcasts.len() + self.replies.len() + self.fetches.len()
    }

    /// Who could not do what.
    pub fn failures(&self) -> Vec<String> {
        let kinds = [("broadcast", &self.broadcasts), ("reply", &self.replies), ("fetch", &self.fetches)];
        let mut failures = Vec::new();
        for (what, took) in kinds {
            let lost = took.iter().filter(|(_, took)| took.is_none());
            failures.extend(lost.map(|((from, to), _)| {
                format!("a {what} from {} to {}", self.names[*from], self.names[*to])
            }));
        }
        failures
    }

    /// A row for each sender, a column for each receiver: the way, and how long the first reply took. Below, the
    /// slowest of each kind.
    pub fn table(&self, title: &str) -> String {
        let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let head = ["from \\ to".to_owned()].into_iter().chain(self.names.iter().cloned());
        let line = vec!["---".to_owned(); self.names.len() + 1];
        let mut text = format!("### {title}\n\n{}{}", row(head.collect()), row(line));
        for (from, name) in self.names.iter().enumerate() {
            let cells = (0..self.names.len()).map(|to| self.cell(from, to));
            text.push_str(&row([name.clone()].into_iter().chain(cells).collect()));
        }
        text.push('\n');
        let kinds = [("broadcast", &self.broadcasts), ("reply", &self.replies), ("fetch", &self.fetches)];
        for (what, took) in kinds {
            let mut times: Vec<_> = took.values().flatten().collect();
            times.sort_unstable();
            let seconds = |at: usize| times.get(at).map_or(f64::NAN, |took| took.as_secs_f64());
            text.push_str(&format!(
                "- {what}: {} of {} arrived, half of them within {:.1} s, all within {:.1} s\n",
                times.len(),
                took.len(),
                seconds(times.len() / 2),
                seconds(times.len().saturating_sub(1)),
            ));
        }
        text
    }

    fn cell(&self, from: usize, to: usize) -> String {
        if from == to {
            return String::new();
        }
        let path = self.paths.get(&(from.min(to), from.max(to))).map_or("-", String::as_str);
        match self.replies.get(&(from, to)).copied().flatten() {
            Some(took) => format!("{path} {:.1} s", took.as_secs_f64()),
            None => format!("{path} LOST"),
        }
    }

    async fn with_paths(mut self, people: &[Resident]) -> Result<Self> {
        let begun = Instant::now();
        let mut pause = interval(Duration::from_secs(1));
        // What is seen last counts, except that a connection may have been closed meanwhile as idle.
        while begun.elapsed() < UPGRADE {
            pause.tick().await;
            for (from, person) in people.iter().enumerate() {
                let info = person.info().await?;
                for (to, other) in people.iter().enumerate().skip(from + 1) {
                    if let Some(path) = Resident::path_in(&info, other.peer) {
                        self.paths.insert((from, to), path);
                    }
                }
            }
        }
        Ok(self)
    }
}

/// Waits until everything has arrived, or for long enough.
async fn arrivals(people: &[Resident], said: &Said) -> Took {
    let begun = Instant::now();
    let mut pause = interval(Duration::from_millis(100));
    loop {
        pause.tick().await;
        let took = |((from, to), (text, at)): (&(usize, usize), &(String, Instant))| {
            let heard = people.get(*to).and_then(|person| person.heard(text));
            ((*from, *to), heard.map(|heard| heard.saturating_duration_since(*at)))
        };
        let all: Took = said.iter().map(took).collect();
        if all.values().all(Option::is_some) || begun.elapsed() > PATIENCE {
            return all;
        }
    }
}
