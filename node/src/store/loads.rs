//! How much is stored of each author.

use std::collections::BTreeMap;

use nostrp2p_protocol::PublicKey;

/// How much is stored of each author, of what is neither the owner's nor addressed to the owner. It is read from the events
/// once, when there is too much for the first time, and followed from then on: 100,000 authors are about 10 MB.
#[derive(Debug, Default)]
pub(super) struct Loads(BTreeMap<PublicKey, Load>);

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Load {
    events: u64,
    bytes: u64,
}

/// By what authors are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Events,
    Bytes,
}

impl Loads {
    /// Each author and how much is stored of that one.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&PublicKey, &Load)> {
        self.0.iter()
    }

    pub(super) fn add(&mut self, author: PublicKey, bytes: u64) {
        let load = self.0.entry(author).or_default();
        load.events = load.events.saturating_add(1);
        load.bytes = load.bytes.saturating_add(bytes);
    }

    pub(super) fn subtract(&mut self, author: &PublicKey, bytes: u64) {
        let Some(load) = self.0.get_mut(author) else { return };
        load.events = load.events.saturating_sub(1);
        load.bytes = load.bytes.saturating_sub(bytes);
        if load.events == 0 {
            self.0.remove(author);
        }
    }

    /// How much is stored of an author.
    pub(super) fn of(&self, author: &PublicKey, measure: Measure) -> u64 {
        let load = self.0.get(author).copied().unwrap_or_default();
        load.by(measure)
    }
}

impl Load {
    pub(super) const fn by(self, measure: Measure) -> u64 {
        match measure {
            Measure::Events => self.events,
            Measure::Bytes => self.bytes,
        }
    }
}
