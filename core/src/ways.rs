//! The ways home: which helpers a node asks to be reached through, and which of them have said yes.
//!
//! See PROTOCOL.md, "The way home". The node carries the questions and keeps the connections; what it is told decides
//! here whom it asks when.

use std::collections::BTreeMap;

use nostrp2p_protocol::{PeerId, announcement::is_way, exchange::Lent};

/// Ways that a node keeps: one may fail at any time, and while it is replaced another one must hold.
pub const WANTED_WAYS: usize = 3;
/// Helpers that are remembered: enough that three of them work.
const MAX_HELPERS: usize = 100;
/// Helpers that are asked again after they failed: this long after the first time, then twice as long each time.
const FIRST_PAUSE_SECONDS: u64 = 15;
/// Longest pause after a failure: half an hour.
const LAST_PAUSE_SECONDS: u64 = 1_800;
/// How long one that said no is left alone.
const REFUSED_SECONDS: u64 = 600;
/// A way is asked for again when this part of its time is left.
const RENEW_AT: u64 = 2;

/// A way that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The helper.
    pub helper: PeerId,
    /// Its address: `wss://host` or `wss://host:port`.
    pub address: String,
}

#[derive(Debug)]
struct Helper {
    address: String,
    failures: u32,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not to be asked before this time.
    Idle(u64),
    /// Asked. Until this time a former yes holds.
    Asked(u64),
    /// It said yes until the second time; the first is when to ask again.
    Open(u64, u64),
}

/// What is known of helpers.
#[derive(Debug)]
pub struct Ways {
    own: PeerId,
    helpers: BTreeMap<PeerId, Helper>,
}

impl Ways {
    /// No helper is known yet to the node of this name.
    pub const fn new(own: PeerId) -> Self {
        Self { own, helpers: BTreeMap::new() }
    }

    /// A node has announced itself, as a helper or not.
    pub fn heard(&mut self, helper: PeerId, address: Option<&str>) {
        if helper == self.own {
            return;
        }
        let Some(address) = address.filter(|address| is_way(address)) else {
            self.helpers.remove(&helper);
            return;
        };
        if let Some(known) = self.helpers.get_mut(&helper) {
            address.clone_into(&mut known.address);
        } else if self.helpers.len() < MAX_HELPERS {
            let known = Helper { address: address.to_owned(), failures: 0, phase: Phase::Idle(0) };
            self.helpers.insert(helper, known);
        }
    }

    /// The helpers to ask now; each must be answered by [`Ways::answered`].
    pub fn due(&mut self, now: u64) -> Vec<PeerId> {
        let mut due: Vec<PeerId> = Vec::new();
        for (peer, helper) in &mut self.helpers {
            if let Phase::Open(renew, until) = helper.phase
                && renew <= now
            {
                helper.phase = Phase::Asked(until);
                due.push(*peer);
            }
        }
        let busy = self.helpers.values().filter(|helper| !matches!(helper.phase, Phase::Idle(_))).count();
        let mut idle: Vec<(u32, [u8; 32], PeerId)> = self
            .helpers
            .iter()
            .filter(|(_, helper)| matches!(helper.phase, Phase::Idle(when) if when <= now))
            .map(|(peer, helper)| (helper.failures, distance(&self.own, peer), *peer))
            .collect();
        idle.sort_unstable();
        for (_, _, peer) in idle.into_iter().take(WANTED_WAYS.saturating_sub(busy)) {
            if let Some(helper) = self.helpers.get_mut(&peer) {
                helper.phase = Phase::Asked(0);
                due.push(peer);
            }
        }
        due
    }

    /// A helper has answered, or not.
    pub fn answered(&mut self, helper: &PeerId, answer: Option<Lent>, now: u64) {
        let Some(known) = self.helpers.get_mut(helper) else { return };
        known.phase = match answer {
            Some(Lent::For { seconds, address }) if is_way(&address) => {
                known.failures = 0;
                known.address = address;
                let seconds = u64::from(seconds);
                Phase::Open(now.saturating_add(seconds / RENEW_AT), now.saturating_add(seconds))
            }
            Some(_) => Phase::Idle(now.saturating_add(REFUSED_SECONDS)),
            None => {
                known.failures = known.failures.saturating_add(1);
                let doublings = known.failures.saturating_sub(1).min(16);
                let pause = (FIRST_PAUSE_SECONDS << doublings).min(LAST_PAUSE_SECONDS);
                Phase::Idle(now.saturating_add(pause))
            }
        };
    }

    /// The connection to a peer is gone, and with it the way through it. It is asked again at once, as others are.
    pub fn lost(&mut self, peer: &PeerId, now: u64) {
        if let Some(helper) = self.helpers.get_mut(peer)
            && matches!(helper.phase, Phase::Open(..))
        {
            helper.failures = helper.failures.saturating_add(1);
            helper.phase = Phase::Idle(now);
        }
    }

    /// The ways that are open, at most [`WANTED_WAYS`].
    pub fn open(&self, now: u64) -> Vec<Way> {
        let open = |helper: &Helper| match helper.phase {
            Phase::Open(_, until) | Phase::Asked(until) => now < until,
            Phase::Idle(_) => false,
        };
        let open = self.helpers.iter().filter(|(_, helper)| open(helper));
        let open = open.map(|(peer, helper)| Way { helper: *peer, address: helper.address.clone() });
        open.take(WANTED_WAYS).collect()
    }
}

/// Every node sees the helpers in another order, so that they share the nodes.
fn distance(own: &PeerId, other: &PeerId) -> [u8; 32] {
    let mut distance = *own.as_ed25519();
    distance.iter_mut().zip(other.as_ed25519()).for_each(|(byte, other)| *byte ^= other);
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn peer(n: u8) -> PeerId {
        PeerId::from_ed25519([n; 32])
    }

    fn address(n: u8) -> String {
        format!("wss://helper{n}.example")
    }

    fn yes(n: u8) -> Option<Lent> {
        Some(Lent::For { seconds: 600, address: address(n) })
    }

    /// A node that knows of so many helpers.
    fn ways(helpers: u8) -> Ways {
        let mut ways = Ways::new(peer(0));
        (1..=helpers).for_each(|n| ways.heard(peer(n), Some(&address(n))));
        ways
    }

    fn names(ways: &Ways, now: u64) -> Vec<PeerId> {
        ways.open(now).into_iter().map(|way| way.helper).collect()
    }

    #[test]
    fn three_helpers_are_asked_and_renewed_in_time() {
        let mut ways = ways(5);
        assert_eq!(ways.due(NOW), [peer(1), peer(2), peer(3)]);
        assert!(ways.due(NOW).is_empty() && ways.open(NOW).is_empty());
        (1..=3).for_each(|n| ways.answered(&peer(n), yes(n), NOW));
        assert_eq!(ways.open(NOW)[0], Way { helper: peer(1), address: address(1) });
        assert_eq!(ways.due(NOW + 299), []);
        assert_eq!(ways.due(NOW + 300), [peer(1), peer(2), peer(3)]);
        assert_eq!(names(&ways, NOW + 599).len(), 3, "the former yes holds while one asks again");
        assert_eq!(names(&ways, NOW + 600).len(), 0);
    }

    #[test]
    fn one_that_fails_or_refuses_is_replaced_and_asked_again_later() {
        let mut ways = ways(4);
        ways.due(NOW);
        ways.answered(&peer(1), yes(1), NOW);
        ways.answered(&peer(2), Some(Lent::Refused { reason: "full".into() }), NOW);
        ways.answered(&peer(3), None, NOW);
        assert_eq!(ways.due(NOW), [peer(4)]);
        ways.answered(&peer(4), yes(4), NOW);
        assert_eq!(ways.due(NOW + 14), []);
        assert_eq!(ways.due(NOW + 15), [peer(3)]);
        ways.answered(&peer(3), None, NOW + 15);
        assert_eq!(ways.due(NOW + 44), []);
        assert_eq!(ways.due(NOW + 45), [peer(3)]);
        let mut later = NOW + 45;
        for _ in 0..20 {
            ways.answered(&peer(3), None, later);
            later += 1_800;
            ways.answered(&peer(1), yes(1), later);
            ways.answered(&peer(4), yes(4), later);
            let due = ways.due(later);
            assert!(due.contains(&peer(2)) || due.contains(&peer(3)), "never given up: {due:?}");
            due.iter().for_each(|peer| ways.answered(peer, None, later));
        }
    }

    #[test]
    fn a_lost_way_is_replaced_at_once() {
        let mut ways = ways(4);
        ways.due(NOW);
        (1..=3).for_each(|n| ways.answered(&peer(n), yes(n), NOW));
        ways.lost(&peer(2), NOW + 5);
        assert_eq!(names(&ways, NOW + 5), [peer(1), peer(3)]);
        assert_eq!(ways.due(NOW + 5), [peer(4)], "one that has not failed comes first");
    }

    #[test]
    fn what_is_no_helper_is_never_asked() {
        let mut ways = ways(0);
        ways.heard(peer(0), Some(&address(0)));
        for address in ["ws://plain.example", "wss://", "wss://a/b", "wss://a b", "https://a"] {
            ways.heard(peer(1), Some(address));
        }
        ways.heard(peer(2), Some(&address(2)));
        ways.heard(peer(2), None);
        assert_eq!(ways.due(NOW), []);
        ways.heard(peer(3), Some(&address(3)));
        ways.due(NOW);
        ways.answered(&peer(3), Some(Lent::For { seconds: 600, address: "javascript:".into() }), NOW);
        assert_eq!(ways.open(NOW), []);
        for n in 0..=u8::MAX {
            ways.heard(peer(n), Some(&address(n)));
        }
        assert_eq!(ways.helpers.len(), MAX_HELPERS);
    }
}
