//! What a node does with its whole store: start, compare it with a neighbour's, export it.

use std::{path::Path, sync::Arc, time::Instant};

use nostrp2p_core::{Comparison, ComparisonStep, SyncSet, SyncWindow};
use nostrp2p_node::maintenance;
use serde::{Deserialize, Serialize};

use super::{
    counters::{Counters, median, resident_mib},
    events::{self, DAY, SINCE, UNTIL},
    filling::{self, Manner},
    task,
};

/// Comparisons of which the middle one counts.
const COMPARISONS: usize = 5;
/// So many events of a set lack in the other.
const LACKING: usize = 100;

/// How a node begins.
#[derive(Debug, Serialize, Deserialize)]
pub struct Started {
    /// Until the store is open and the engine knows people and deliveries.
    pub milliseconds: f64,
    pub resident_mib: f64,
}

pub fn start(directory: &Path) -> Started {
    let begun = Instant::now();
    let (store, writer) = task::open(directory, task::KEEP);
    let told = (store.people().unwrap(), store.waiting().unwrap(), store.own_nodes().unwrap());
    let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
    let resident_mib = resident_mib();
    drop(told);
    writer.close();
    Started { milliseconds, resident_mib }
}

/// Stores something, and leaves the store as a kill leaves it: whoever calls this ends the process.
pub fn kill(directory: &Path) {
    let (store, writer) = task::open(directory, task::KEEP);
    let events = events::more(100, 1).into_iter();
    filling::hand_over(&task::runtime(), &writer, events, Manner::Durable);
    std::mem::forget((store, writer));
}

/// What a comparison takes at one side, in milliseconds of the processor.
#[derive(Debug, Serialize, Deserialize)]
pub struct Synced {
    /// Of all windows together.
    pub everything: f64,
    /// Of the newest day.
    pub day: f64,
}

pub fn sync(directory: &Path) -> Synced {
    let (store, writer) = task::open(directory, task::KEEP);
    let of_window_since = |since| {
        let window = SyncWindow { since, until: UNTIL + 1 };
        let items = store.shared(window).unwrap();
        let step = items.len().div_ceil(LACKING).max(1);
        let fewer = items.into_iter().enumerate().filter(|(number, _)| number % step != 0);
        let theirs = SyncSet::new(fewer.map(|(_, item)| item));
        median((0..COMPARISONS).map(|_| compare(|| store.shared(window).unwrap(), &theirs)).collect())
    };
    let synced = Synced { everything: of_window_since(SINCE), day: of_window_since(UNTIL - DAY) };
    writer.close();
    synced
}

/// Reads a set and compares it with one that lacks some of it.
fn compare(read: impl Fn() -> Vec<(u64, nostrp2p_protocol::EventId)>, theirs: &SyncSet) -> f64 {
    let before = Counters::now();
    let set = Arc::new(SyncSet::new(read()));
    let (mut comparison, mut message) = Comparison::begin(set);
    while let Some(ComparisonStep::Send(next)) = comparison.on_answer(&theirs.answer(&message).unwrap()) {
        message = next;
    }
    before.spent().here * 1e3
}

/// Seconds that an export takes, which goes nowhere.
pub fn export(directory: &Path) -> f64 {
    let begun = Instant::now();
    maintenance::export(directory, std::io::sink()).unwrap();
    begun.elapsed().as_secs_f64()
}
