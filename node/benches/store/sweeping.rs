//! What it costs to drop what is too much or too old.

use std::path::Path;

use nostrp2p_node::store::{Retention, Store, Writer};
use nostrp2p_protocol::Event;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::{
    counters::{Counters, float, median},
    events::{self, SINCE, UNTIL},
    filling::{self, Manner},
    task::{self, KEEP},
};

/// The store looks for what is too much after so many new events.
const EVERY: usize = 1_000;
/// So many times.
const SWEEPS: usize = 8;
/// How many events are to be too old.
const OLD: u64 = 2_000;

/// Milliseconds of the processor.
#[derive(Debug, Serialize, Deserialize)]
pub struct Swept {
    /// What a thousand new events cost while a thousand others go for them, and what the first thousand cost beyond that.
    pub thousand: f64,
    pub first: f64,
}

/// Stores more than the store may hold.
pub fn by_number(directory: &Path) -> Swept {
    let (store, writer) = task::open(directory, KEEP);
    let holds = store.progress().borrow().usage.others;
    writer.close();
    drop(store);
    let runtime = task::runtime();
    let (store, writer) = task::open(directory, Retention { events: holds, ..KEEP });
    let costs: Vec<f64> = events::more(SWEEPS * EVERY, 2)
        .chunks(EVERY)
        .map(|events| store_all(&runtime, &writer, events))
        .collect();
    let stored = store.progress().borrow().usage.others;
    assert!(stored < holds + 3 * u64::try_from(EVERY).unwrap(), "{stored} of {holds} are left");
    writer.close();
    // With the first events nothing is too much yet, and with those that follow all that is there is counted once.
    let largest = costs.iter().copied().fold(0.0, f64::max);
    let thousand = median(costs[costs.len() / 2..].to_vec());
    Swept { thousand, first: (largest - thousand).max(0.0) }
}

/// Drops the oldest events; milliseconds of the processor for a thousand.
pub fn by_age(directory: &Path) -> f64 {
    let (store, writer) = task::open(directory, KEEP);
    let before = store.progress().borrow().stored;
    let now = store.time().now();
    writer.close();
    drop(store);
    let old = SINCE + (UNTIL - SINCE) * OLD.min(before / 4) / before;
    let (store, writer) = task::open(directory, Retention { seconds: now - old, ..KEEP });
    let runtime = task::runtime();
    let counters = Counters::now();
    // The first write of a run looks for what is too old. More of it may be there than is dropped in one go.
    store_all(&runtime, &writer, &events::more(1, 3));
    let spent = counters.spent().others;
    let dropped = dropped(&store, before);
    writer.close();
    spent * 1e6 / dropped
}

fn dropped(store: &Store, before: u64) -> f64 {
    let dropped = (before + 1).saturating_sub(store.progress().borrow().stored);
    assert!(dropped > 0, "nothing was too old");
    float(dropped)
}

/// Milliseconds of the store's threads.
fn store_all(runtime: &Runtime, writer: &Writer, events: &[Event]) -> f64 {
    let before = Counters::now();
    filling::hand_over(runtime, writer, events.iter().cloned(), Manner::Import);
    before.spent().others * 1e3
}
