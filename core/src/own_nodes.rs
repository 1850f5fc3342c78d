//! The other nodes of the same owner: the sync position with each of them, and when to ask again.
//!
//! Every node asks its owner's other nodes for the owner's events and the events for the owner alone, page after
//! page. So several nodes of one person hold the same events, a node that was off catches up, and a new node takes
//! over from an old one.

use std::collections::BTreeMap;

use nostrp2p_protocol::{PeerId, frame::StoreId, rpc::OwnPage};

/// An own node that has answered is asked again after this many seconds.
const AGAIN_SECONDS: u64 = 10;
/// An own node that did not answer is asked again after this many seconds.
const AWAY_SECONDS: u64 = 60;
/// An own node that asks is asked back, but not within so many seconds: with much news two nodes would never stop.
const NOT_BEFORE_SECONDS: u64 = 2;
/// Own nodes that are remembered: those that a person has had.
const MAX_OWN_NODES: usize = 32;

/// Sync position with another node of the same owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnNodeCursor {
    /// Which store the sequence number belongs to; none before the first answer.
    pub store: Option<StoreId>,
    /// The last sequence number that was seen.
    pub after: u64,
}

#[derive(Debug, Clone, Copy)]
struct OwnNode {
    cursor: OwnNodeCursor,
    phase: Phase,
    asked_at: u64,
    told: Told,
}

/// What an own node has answered in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    NotYet,
    /// It did not answer the last time, or has refused because it does not know this node yet.
    Failed,
    /// All that it held.
    All,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// To be asked at this time.
    Idle(u64),
    Asked,
    /// The number of events of the page that still wait for their signature check.
    Checking {
        left: usize,
        next: OwnNodeCursor,
        more: bool,
    },
}

/// Sync state of all own nodes.
#[derive(Debug, Default)]
pub struct OwnNodes {
    known: BTreeMap<PeerId, OwnNode>,
}

impl OwnNodes {
    /// Takes up what an earlier run has written down.
    pub fn restore(&mut self, peer: PeerId, cursor: OwnNodeCursor) {
        if self.known.len() < MAX_OWN_NODES {
            self.known
                .insert(peer, OwnNode { cursor, phase: Phase::Idle(0), asked_at: 0, told: Told::NotYet });
        }
    }

    /// The clock was set back: nobody waits for the former time.
    pub fn on_clock_back(&mut self, now: u64) {
        for own_node in self.known.values_mut() {
            own_node.asked_at = own_node.asked_at.min(now);
            if let Phase::Idle(when) = &mut own_node.phase {
                *when = (*when).min(now.saturating_add(AGAIN_SECONDS));
            }
        }
    }

    /// Makes an own node due, because it has shown itself or because something new is worth an exchange.
    pub fn hurry(&mut self, peer: &PeerId) {
        if let Some(own_node) = self.known.get_mut(peer)
            && matches!(own_node.phase, Phase::Idle(_))
        {
            own_node.phase = Phase::Idle(0);
        }
    }

    /// An own node has asked this node, and said how far its own store goes: if it has news, it is asked back.
    pub fn on_asked(&mut self, peer: &PeerId, newest: u64) {
        let Some(own_node) = self.known.get_mut(peer) else { return };
        let Phase::Idle(when) = own_node.phase else { return };
        if own_node.cursor.after < newest {
            own_node.phase = Phase::Idle(when.min(own_node.asked_at.saturating_add(NOT_BEFORE_SECONDS)));
        }
    }

    /// Those of the owner's other nodes to ask now.
    pub fn due(&mut self, nodes: &[PeerId], now: u64) -> Vec<(PeerId, OwnNodeCursor)> {
        let mut due = Vec::new();
        for peer in nodes {
            if !self.known.contains_key(peer) {
                self.restore(*peer, OwnNodeCursor::default());
            }
            let Some(own_node) = self.known.get_mut(peer) else { continue };
            if matches!(own_node.phase, Phase::Idle(when) if when <= now) {
                own_node.phase = Phase::Asked;
                own_node.asked_at = now;
                due.push((*peer, own_node.cursor));
            }
        }
        due
    }

    /// When one of these own nodes is to be asked next.
    pub(crate) fn next_due(&self, nodes: &[PeerId]) -> Option<u64> {
        let when = |peer: &PeerId| match self.known.get(peer).map(|own_node| own_node.phase) {
            Some(Phase::Idle(when)) => Some(when),
            Some(Phase::Asked | Phase::Checking { .. }) => None,
            None => (self.known.len() < MAX_OWN_NODES).then_some(0),
        };
        nodes.iter().filter_map(when).min()
    }

    /// Whether an own node may soon answer with more: not when it has sent everything, nor when it did not answer and
    /// is not connected.
    pub fn owes(&self, peer: &PeerId, connected: bool) -> bool {
        match self.known.get(peer).map(|own_node| own_node.told) {
            None | Some(Told::NotYet) => true,
            Some(Told::Failed) => connected,
            Some(Told::All) => false,
        }
    }

    /// An own node has answered, or not. Returns the cursor to write down when nothing of the page has to be checked.
    pub fn on_answer(&mut self, peer: &PeerId, page: Option<&OwnPage>, now: u64) -> Option<OwnNodeCursor> {
        let own_node = self.known.get_mut(peer)?;
        let Some(page) = page else {
            own_node.phase = Phase::Idle(now.saturating_add(AWAY_SECONDS));
            if own_node.told == Told::NotYet {
                own_node.told = Told::Failed;
            }
            return None;
        };
        let next = OwnNodeCursor { store: Some(page.store), after: page.through };
        // A page that leads nowhere must not be asked for without end.
        let forward = own_node.cursor.store != next.store || own_node.cursor.after < next.after;
        let more = forward && page.through < page.newest;
        let left = page.events.len();
        own_node.phase = Phase::Checking { left, next, more };
        if left == 0 { self.finish(peer, now) } else { None }
    }

    /// Counts a checked event of the page. Returns the position to store after the last one.
    pub fn on_checked(&mut self, peer: &PeerId, now: u64) -> Option<OwnNodeCursor> {
        let Phase::Checking { left, .. } = &mut self.known.get_mut(peer)?.phase else { return None };
        *left = left.saturating_sub(1);
        if *left == 0 { self.finish(peer, now) } else { None }
    }

    fn finish(&mut self, peer: &PeerId, now: u64) -> Option<OwnNodeCursor> {
        let own_node = self.known.get_mut(peer)?;
        let Phase::Checking { next, more, .. } = own_node.phase else { return None };
        own_node.phase = Phase::Idle(if more { 0 } else { now.saturating_add(AGAIN_SECONDS) });
        if !more {
            own_node.told = Told::All;
        }
        (std::mem::replace(&mut own_node.cursor, next) != next).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Kind, SecretKey};

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const OTHER: PeerId = PeerId::from_ed25519([9; 32]);

    fn page(through: u64, newest: u64, events: usize) -> OwnPage {
        let draft = EventTemplate { created_at: 1, kind: Kind::POST, tags: vec![], content: String::new() };
        let event = draft.sign(&SecretKey::from_bytes([1; 32]).unwrap(), &[0; 32]);
        OwnPage { store: 7, through, newest, events: vec![event.into(); events] }
    }

    #[test]
    fn page_follows_page_and_each_is_written_down_when_it_is_checked() {
        let mut own_nodes = OwnNodes::default();
        assert_eq!(own_nodes.due(&[OTHER], NOW), [(OTHER, OwnNodeCursor::default())]);
        assert_eq!(own_nodes.due(&[OTHER], NOW), [], "it has been asked");
        assert_eq!(own_nodes.on_answer(&OTHER, Some(&page(5, 9, 2)), NOW), None);
        assert_eq!(own_nodes.on_checked(&OTHER, NOW), None);
        let first = OwnNodeCursor { store: Some(7), after: 5 };
        assert_eq!(own_nodes.on_checked(&OTHER, NOW), Some(first));
        assert_eq!(own_nodes.due(&[OTHER], NOW), [(OTHER, first)], "there is more");
        let last = OwnNodeCursor { store: Some(7), after: 9 };
        assert_eq!(own_nodes.on_answer(&OTHER, Some(&page(9, 9, 0)), NOW), Some(last));
        assert_eq!(own_nodes.due(&[OTHER], NOW + 9), []);
        assert_eq!(own_nodes.due(&[OTHER], NOW + 10), [(OTHER, last)]);
        assert_eq!(own_nodes.on_answer(&OTHER, Some(&page(9, 9, 0)), NOW), None, "nothing new to write down");
    }

    #[test]
    fn one_that_is_away_is_left_alone_until_it_shows_itself() {
        let mut own_nodes = OwnNodes::default();
        own_nodes.restore(OTHER, OwnNodeCursor { store: Some(7), after: 3 });
        own_nodes.due(&[OTHER], NOW);
        assert_eq!(own_nodes.on_answer(&OTHER, None, NOW), None);
        assert_eq!(own_nodes.due(&[OTHER], NOW + 59), []);
        own_nodes.hurry(&OTHER);
        assert_eq!(own_nodes.due(&[OTHER], NOW + 59), [(OTHER, OwnNodeCursor { store: Some(7), after: 3 })]);
        assert_eq!(own_nodes.due(&[], NOW + 900), [], "it no longer acts for the owner");
    }

    #[test]
    fn one_that_asks_is_asked_back_when_it_has_news() {
        let mut own_nodes = OwnNodes::default();
        own_nodes.due(&[OTHER], NOW);
        own_nodes.on_answer(&OTHER, Some(&page(5, 5, 0)), NOW);
        own_nodes.on_asked(&OTHER, 5);
        assert_eq!(own_nodes.due(&[OTHER], NOW + 5), [], "it has nothing new");
        own_nodes.on_asked(&OTHER, 6);
        assert_eq!(own_nodes.due(&[OTHER], NOW + 1), [], "it was asked a moment ago");
        assert_eq!(own_nodes.due(&[OTHER], NOW + 2).len(), 1);
    }

    #[test]
    fn an_answer_that_leads_nowhere_is_not_asked_for_at_once_again() {
        let mut own_nodes = OwnNodes::default();
        own_nodes.restore(OTHER, OwnNodeCursor { store: Some(7), after: 5 });
        own_nodes.due(&[OTHER], NOW);
        own_nodes.on_answer(&OTHER, Some(&page(5, 9, 0)), NOW);
        assert_eq!(own_nodes.due(&[OTHER], NOW + 1), []);
    }
}
