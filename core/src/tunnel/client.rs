//! The node behind a router: which helpers it asks for a tunnel, and which of them have agreed.
//!
//! See PROTOCOL.md, "The way home". The node sends the requests and keeps the connections; this module decides whom
//! it asks when.

use std::collections::BTreeMap;

use nostrp2p_protocol::{PeerId, announcement::is_way, rpc::Lent};

use crate::{
    rng::SeededRng,
    sources::{Source, Sources},
};

/// Tunnels that a node keeps: one may fail at any time, and while it is replaced another one must hold.
pub const WANTED_TUNNELS: usize = 3;
/// Most helpers that are remembered: enough that three of them work. When there are more, one that has failed is
/// evicted first, then a random one of the largest source.
const MAX_HELPERS: usize = 100;
/// A helper that has not answered so often in a row is forgotten: after about four minutes. Its next announcement brings
/// it back.
const MAX_FAILURES: u32 = 5;
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
pub struct OpenTunnel {
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
    /// It has agreed until the second time; the first is when to ask again.
    Open(u64, u64),
}

/// The known helpers and their answers.
#[derive(Debug)]
pub struct TunnelClient {
    own: PeerId,
    helpers: BTreeMap<PeerId, Helper>,
    sources: Sources<PeerId>,
    rng: SeededRng,
}

impl TunnelClient {
    /// Starts without helpers; `own` is this node's name. `seed` must be random, so that nodes spread over the
    /// helpers and nobody can choose a name that is asked first; the same seed replays.
    pub fn new(own: PeerId, seed: u64) -> Self {
        Self { own, helpers: BTreeMap::new(), sources: Sources::default(), rng: SeededRng::new(seed) }
    }

    /// A neighbour has told the announcement of a node, which is a helper or not.
    pub fn heard(&mut self, helper: PeerId, address: Option<&str>, source: Source) {
        if helper == self.own {
            return;
        }
        let Some(address) = address.filter(|address| is_way(address)) else {
            self.forget(&helper);
            return;
        };
        if let Some(known) = self.helpers.get_mut(&helper) {
            address.clone_into(&mut known.address);
        } else {
            let known = Helper { address: address.to_owned(), failures: 0, phase: Phase::Idle(0) };
            self.helpers.insert(helper, known);
        }
        self.sources.insert(helper, source);
        if self.helpers.len() > MAX_HELPERS
            && let Some(victim) = self.victim()
        {
            self.forget(&victim);
        }
    }

    /// The helper to evict: never one that is asked or open, of which there are few.
    fn victim(&mut self) -> Option<PeerId> {
        let failed = self.helpers.iter().filter(|(_, helper)| helper.failures > 0 && !helper.is_busy());
        let failed = failed.max_by_key(|(_, helper)| helper.failures).map(|(peer, _)| *peer);
        let busy = |peer: &PeerId| self.helpers.get(peer).is_some_and(Helper::is_busy);
        failed.or_else(|| self.sources.victim(&mut self.rng, busy))
    }

    fn forget(&mut self, helper: &PeerId) {
        self.helpers.remove(helper);
        self.sources.remove(helper);
    }

    /// The helpers to ask now; each must be answered by [`TunnelClient::answered`]. Those that have failed come last; before the
    /// others those that are connected, because these exist; of the rest all sources take turns.
    pub fn due(&mut self, now: u64, connected: impl Fn(&PeerId) -> bool) -> Vec<PeerId> {
        let mut due: Vec<PeerId> = Vec::new();
        for (peer, helper) in &mut self.helpers {
            if let Phase::Open(renew, until) = helper.phase
                && renew <= now
            {
                helper.phase = Phase::Asked(until);
                due.push(*peer);
            }
        }
        let missing =
            WANTED_TUNNELS.saturating_sub(self.helpers.values().filter(|helper| helper.is_busy()).count());
        if missing == 0 {
            return due;
        }
        let idle = |peer: &PeerId| {
            let phase = self.helpers.get(peer).map(|helper| helper.phase);
            matches!(phase, Some(Phase::Idle(when)) if when <= now)
        };
        let mut idle = self.sources.mixed(&mut self.rng, idle);
        idle.sort_by_key(|peer| (self.helpers.get(peer).map(|helper| helper.failures), !connected(peer)));
        for peer in idle.into_iter().take(missing) {
            if let Some(helper) = self.helpers.get_mut(&peer) {
                helper.phase = Phase::Asked(0);
                due.push(peer);
            }
        }
        due
    }

    /// When helpers are to be asked next, or an open tunnel ends.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let missing = self.helpers.values().filter(|helper| helper.is_busy()).count() < WANTED_TUNNELS;
        let due = self.helpers.values().filter_map(|helper| match helper.phase {
            Phase::Open(renew, _) => Some(renew),
            Phase::Asked(until) => (until > 0).then_some(until),
            Phase::Idle(when) => missing.then_some(when),
        });
        due.min()
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
                if known.failures >= MAX_FAILURES {
                    return self.forget(helper);
                }
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

    /// The ways that are open, at most [`WANTED_TUNNELS`].
    pub fn open(&self, now: u64) -> Vec<OpenTunnel> {
        let open = |helper: &Helper| match helper.phase {
            Phase::Open(_, until) | Phase::Asked(until) => now < until,
            Phase::Idle(_) => false,
        };
        let open = self.helpers.iter().filter(|(_, helper)| open(helper));
        let open = open.map(|(peer, helper)| OpenTunnel { helper: *peer, address: helper.address.clone() });
        open.take(WANTED_TUNNELS).collect()
    }
}

impl Helper {
    /// Whether it is asked, or has said yes.
    const fn is_busy(&self) -> bool {
        !matches!(self.phase, Phase::Idle(_))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nostrp2p_protocol::Network;

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

    fn source(n: u8) -> Source {
        Source { network: Network::V4([n, 0]), peer: peer(n) }
    }

    fn heard(ways: &mut TunnelClient, n: u8, address: Option<&str>) {
        ways.heard(peer(n), address, source(1));
    }

    /// A node that knows of so many helpers.
    fn ways(helpers: u8) -> TunnelClient {
        let mut ways = TunnelClient::new(peer(0), 7);
        (1..=helpers).for_each(|n| heard(&mut ways, n, Some(&address(n))));
        ways
    }

    fn due(ways: &mut TunnelClient, now: u64) -> BTreeSet<PeerId> {
        ways.due(now, |_| false).into_iter().collect()
    }

    fn number(peer: PeerId) -> u8 {
        peer.as_ed25519()[0]
    }

    fn peers(numbers: &[u8]) -> BTreeSet<PeerId> {
        numbers.iter().map(|n| peer(*n)).collect()
    }

    fn names(ways: &TunnelClient, now: u64) -> BTreeSet<PeerId> {
        ways.open(now).into_iter().map(|way| way.helper).collect()
    }

    #[test]
    fn three_helpers_are_asked_and_renewed_in_time() {
        let mut ways = ways(5);
        let asked = due(&mut ways, NOW);
        assert_eq!(asked.len(), 3);
        assert!(due(&mut ways, NOW).is_empty() && ways.open(NOW).is_empty());
        asked.iter().for_each(|peer| ways.answered(peer, yes(number(*peer)), NOW));
        let way = ways.open(NOW).remove(0);
        assert_eq!(way.address, address(number(way.helper)));
        assert_eq!(due(&mut ways, NOW + 299), peers(&[]));
        assert_eq!(due(&mut ways, NOW + 300), asked);
        assert_eq!(names(&ways, NOW + 599), asked, "the former yes holds while one asks again");
        assert_eq!(names(&ways, NOW + 600), peers(&[]));
    }

    #[test]
    fn one_that_fails_or_refuses_is_replaced_and_asked_again_later() {
        let mut ways = ways(3);
        due(&mut ways, NOW);
        heard(&mut ways, 4, Some(&address(4)));
        ways.answered(&peer(1), yes(1), NOW);
        ways.answered(&peer(2), Some(Lent::Refused { reason: "full".into() }), NOW);
        ways.answered(&peer(3), None, NOW);
        assert_eq!(due(&mut ways, NOW), peers(&[4]));
        ways.answered(&peer(4), yes(4), NOW);
        assert_eq!(due(&mut ways, NOW + 14), peers(&[]));
        assert_eq!(due(&mut ways, NOW + 15), peers(&[3]));
        ways.answered(&peer(3), None, NOW + 15);
        assert_eq!(due(&mut ways, NOW + 44), peers(&[]));
        assert_eq!(due(&mut ways, NOW + 45), peers(&[3]));
    }

    #[test]
    fn one_that_fails_again_and_again_is_dropped_until_it_announces_itself() {
        let mut ways = ways(1);
        let mut asked = Vec::new();
        for second in 0..2_000 {
            if !due(&mut ways, NOW + second).is_empty() {
                asked.push(second);
                ways.answered(&peer(1), None, NOW + second);
            }
        }
        assert_eq!(asked, [0, 15, 45, 105, 225]);
        assert!(ways.helpers.is_empty());
        assert_eq!(ways.sources.len(), 0);
        heard(&mut ways, 1, Some(&address(1)));
        assert_eq!(due(&mut ways, NOW + 2_000), peers(&[1]));
    }

    #[test]
    fn helpers_that_somebody_invents_do_not_keep_an_honest_one_from_being_used() {
        for seed in 0..50 {
            let mut ways = TunnelClient::new(peer(0), seed);
            let invented = |number: u32| {
                let mut name = [1; 32];
                name[..4].copy_from_slice(&number.to_be_bytes());
                PeerId::from_ed25519(name)
            };
            (0..200).for_each(|number| ways.heard(invented(number), Some("wss://fake.example"), source(1)));
            ways.heard(peer(9), Some(&address(9)), source(2));
            (200..400).for_each(|number| ways.heard(invented(number), Some("wss://fake.example"), source(1)));
            assert_eq!((ways.helpers.len(), ways.sources.len()), (MAX_HELPERS, MAX_HELPERS));
            let asked = ways.due(NOW, |_| false);
            assert!(asked.contains(&peer(9)), "seed {seed}: sources take turns");
        }
    }

    #[test]
    fn one_that_is_connected_is_asked_first() {
        let mut ways = ways(90);
        let asked = ways.due(NOW, |helper| *helper == peer(77));
        assert_eq!(asked[0], peer(77));
    }

    #[test]
    fn nodes_do_not_all_ask_the_same_helpers() {
        let first = |seed| {
            let mut ways = TunnelClient::new(peer(0), seed);
            (1..=50).for_each(|n| heard(&mut ways, n, Some(&address(n))));
            due(&mut ways, NOW)
        };
        assert_eq!(first(1), first(1));
        assert!((2..10).any(|seed| first(seed) != first(1)));
    }

    #[test]
    fn a_lost_way_is_replaced_at_once() {
        let mut ways = ways(3);
        due(&mut ways, NOW);
        (1..=3).for_each(|n| ways.answered(&peer(n), yes(n), NOW));
        heard(&mut ways, 4, Some(&address(4)));
        ways.lost(&peer(2), NOW + 5);
        assert_eq!(names(&ways, NOW + 5), peers(&[1, 3]));
        assert_eq!(due(&mut ways, NOW + 5), peers(&[4]), "one that has not failed comes first");
    }

    #[test]
    fn what_is_no_helper_is_never_asked() {
        let mut ways = ways(0);
        heard(&mut ways, 0, Some(&address(0)));
        for address in ["ws://plain.example", "wss://", "wss://a/b", "wss://a b", "https://a"] {
            heard(&mut ways, 1, Some(address));
        }
        heard(&mut ways, 2, Some(&address(2)));
        heard(&mut ways, 2, None);
        assert_eq!(due(&mut ways, NOW), peers(&[]));
        heard(&mut ways, 3, Some(&address(3)));
        due(&mut ways, NOW);
        ways.answered(&peer(3), Some(Lent::For { seconds: 600, address: "javascript:".into() }), NOW);
        assert_eq!(ways.open(NOW), []);
        for n in 0..=u8::MAX {
            heard(&mut ways, n, Some(&address(n)));
        }
        assert_eq!(ways.helpers.len(), MAX_HELPERS);
    }
}
