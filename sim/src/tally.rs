//! Counts which event arrived where, when and how.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use nostrp2p_protocol::EventId;

/// Shared by all nodes.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Posts of honest people: when they were written, and by whom.
    written: BTreeMap<EventId, (Instant, usize)>,
    /// Events of attackers that a node has forwarded, by attacker.
    abuse: BTreeMap<usize, BTreeSet<EventId>>,
    attackers: BTreeMap<EventId, usize>,
    gossiped: Vec<Duration>,
    caught_up: Vec<Duration>,
    arrived: BTreeSet<(usize, EventId)>,
    /// Private replies: when each was written.
    replies: BTreeMap<EventId, Instant>,
    /// Private replies that came to those they were for, how long that took, and those that came to anybody else.
    private: (usize, Duration, usize),
}

/// The path of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Gossip,
    CatchingUp,
}

impl Tally {
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An honest node is about to publish an event.
    pub(crate) fn on_written(&self, id: EventId, author: usize) {
        self.with(|inner| {
            inner.written.insert(id, (Instant::now(), author));
            inner.arrived.insert((author, id));
        });
    }

    /// An attacker is about to send an event.
    pub(crate) fn on_abuse(&self, id: EventId, attacker: usize) {
        self.with(|inner| {
            inner.attackers.insert(id, attacker);
        });
    }

    /// A node passes on an event that came by gossip.
    pub(crate) fn on_passed_on(&self, id: EventId) {
        self.with(|inner| {
            if let Some(attacker) = inner.attackers.get(&id) {
                inner.abuse.entry(*attacker).or_default().insert(id);
            }
        });
    }

    /// A node has taken an event.
    pub(crate) fn on_arrived(&self, node: usize, id: EventId, by: By) {
        self.with(|inner| {
            if let Some((since, _)) = inner.written.get(&id).copied()
                && inner.arrived.insert((node, id))
            {
                match by {
                    By::Gossip => inner.gossiped.push(since.elapsed()),
                    By::CatchingUp => inner.caught_up.push(since.elapsed()),
                }
            }
        });
    }

    /// An honest node is about to publish a private reply.
    pub(crate) fn on_reply(&self, id: EventId) {
        self.with(|inner| {
            inner.replies.insert(id, Instant::now());
        });
    }

    /// A private reply has come to a node, of the person for whom it is meant or not.
    pub(crate) fn on_private(&self, id: &EventId, meant: bool) {
        self.with(|inner| {
            let took = inner.replies.get(id).map(Instant::elapsed).unwrap_or_default();
            let (came, longest, astray) = &mut inner.private;
            if meant {
                (*came, *longest) = (*came + 1, took.max(*longest));
            } else {
                *astray += 1;
            }
        });
    }

    pub(crate) fn written(&self) -> Vec<EventId> {
        self.with(|inner| inner.written.keys().copied().collect())
    }

    /// Delays of what came by gossip and by catching up, sorted.
    pub(crate) fn delays(&self) -> (Vec<Duration>, Vec<Duration>) {
        self.with(|inner| {
            let (mut gossiped, mut caught_up) = (inner.gossiped.clone(), inner.caught_up.clone());
            gossiped.sort_unstable();
            caught_up.sort_unstable();
            (gossiped, caught_up)
        })
    }

    /// Different events that nodes have forwarded, of the one with the most among these attackers.
    pub(crate) fn worst_abuse(&self, attackers: std::ops::Range<usize>) -> usize {
        self.with(|inner| {
            inner.abuse.range(attackers).map(|(_, events)| events.len()).max().unwrap_or_default()
        })
    }

    /// Private replies that came, the longest time that one took, and those that came to somebody else.
    pub(crate) fn private(&self) -> (usize, Duration, usize) {
        self.with(|inner| inner.private)
    }
}
