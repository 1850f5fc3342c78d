//! Recently seen ids, so that a repeated event costs one look-up.

use std::collections::{BTreeSet, VecDeque};

use nostrp2p_protocol::EventId;

/// A bounded set of ids; the oldest is forgotten first.
#[derive(Debug)]
pub(crate) struct Recent {
    capacity: usize,
    ids: BTreeSet<EventId>,
    order: VecDeque<EventId>,
}

impl Recent {
    /// Holds at most `capacity` ids.
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { capacity, ids: BTreeSet::new(), order: VecDeque::new() }
    }

    pub(crate) fn contains(&self, id: &EventId) -> bool {
        self.ids.contains(id)
    }

    pub(crate) fn clear(&mut self) {
        self.ids.clear();
        self.order.clear();
    }

    pub(crate) fn insert(&mut self, id: EventId) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        while self.order.len() > self.capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.ids.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let id = |byte| EventId::from_bytes([byte; 32]);
        let mut recent = Recent::new(2);
        for byte in [1, 2, 2, 3] {
            recent.insert(id(byte));
        }
        assert!(!recent.contains(&id(1)) && recent.contains(&id(2)) && recent.contains(&id(3)));
        assert_eq!(recent.order.len(), recent.ids.len());
    }
}
