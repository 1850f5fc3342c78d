//! Storing: 50 programs that each wait until their event is durable, or an import.

use std::{collections::VecDeque, path::PathBuf};

use nostrp2p_node::store::{Inserted, Propagation, Writer};
use nostrp2p_protocol::{Event, SecretKey};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Runtime, sync::oneshot};

use super::{
    counters::{Counters, Spent, resident_mib},
    events, task,
};

/// How events are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// 50 programs, each with one event under way that it knows to be durable before it sends the next.
    Durable,
    /// 500 under way that can be read when they are acknowledged; all are durable at the end.
    Import,
}

/// Which events go into which store.
#[derive(Debug, Serialize, Deserialize)]
pub struct Fill {
    pub events: PathBuf,
    pub skip: usize,
    pub count: usize,
    pub manner: Manner,
    pub directory: PathBuf,
}

/// What that took.
#[derive(Debug, Serialize, Deserialize)]
pub struct Filled {
    /// Of each tenth of the events.
    pub tenths: Vec<Spent>,
    /// Events in the store.
    pub stored: u64,
    pub file_bytes: u64,
    pub resident_mib: f64,
}

impl Filled {
    pub fn all(&self) -> Spent {
        self.tenths.iter().fold(Spent::default(), |sum, tenth| sum + *tenth)
    }

    pub fn last(&self) -> Spent {
        *self.tenths.last().unwrap()
    }
}

pub fn fill(fill: &Fill) -> Filled {
    let runtime = task::runtime();
    let (store, writer) = task::open(&fill.directory, task::KEEP);
    if store.owner().unwrap().is_none() {
        // Somebody who writes none of the events.
        let owner = SecretKey::from_bytes([9; 32]).unwrap().public_key();
        runtime.block_on(writer.set_owner(owner)).unwrap();
    }
    let mut events = events::read(&fill.events).skip(fill.skip).take(fill.count);
    let mut tenths = Vec::new();
    for tenth in 1..=10 {
        let part = fill.count * tenth / 10 - fill.count * (tenth - 1) / 10;
        let before = Counters::now();
        hand_over(&runtime, &writer, events.by_ref().take(part), fill.manner);
        tenths.push(before.spent());
    }
    assert!(events.next().is_none());
    let stored = store.progress().borrow().stored;
    let resident_mib = resident_mib();
    writer.close();
    drop(store);
    Filled { tenths, stored, file_bytes: task::bytes_of(&fill.directory), resident_mib }
}

/// Hands events over as that manner says, and waits until all are durable.
pub fn hand_over(runtime: &Runtime, writer: &Writer, events: impl Iterator<Item = Event>, manner: Manner) {
    let mut under_way = VecDeque::new();
    let most = match manner {
        Manner::Durable => 50,
        Manner::Import => 500,
    };
    for event in events {
        let stored = match manner {
            Manner::Durable => runtime.block_on(writer.commit(event, Propagation::Shared)),
            Manner::Import => runtime.block_on(writer.store_one_of_many(event, Propagation::Shared)),
        };
        under_way.push_back(stored);
        if under_way.len() == most {
            wait(runtime, under_way.pop_front());
        }
    }
    while let Some(stored) = under_way.pop_front() {
        wait(runtime, Some(stored));
    }
    runtime.block_on(writer.settle()).unwrap();
}

fn wait(runtime: &Runtime, stored: Option<oneshot::Receiver<nostrp2p_node::store::Stored>>) {
    let stored = runtime.block_on(stored.unwrap()).unwrap().unwrap();
    // Of profiles and lists the newer ones stay, and somebody liked the same thing twice within a second.
    let expected = matches!(stored, Inserted::New(_) | Inserted::Superseded(_) | Inserted::Known(_));
    assert!(expected, "{stored:?}");
}
