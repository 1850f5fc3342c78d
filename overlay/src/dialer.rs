//! Decides whom to dial and when. Pure: the clock and random numbers are passed in.
//!
//! It dials a bootstrap node until it is connected, again and again with backoff. It dials known peers while there
//! are too few connections, and at once when there is a request for them. It dials an address that somebody asked for
//! once.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use nostrp2p_protocol::PeerId;

use crate::address::PeerAddress;

/// With fewer peers than this, known peers are dialed. Guess: a mesh survives the loss of some.
pub(crate) const WANTED_PEERS: usize = 4;

/// Dials under way at a time. A home router and a phone's radio bear this; each ends after 10 s at the latest.
pub(crate) const MAX_DIALS: usize = 8;

/// Known peers begun per call (a second): a thousand dead addresses are then gone through in ten minutes.
const KNOWN_PER_CALL: usize = 2;

/// Most dials of known peers under way at a time, besides other dials: as many as the wanted neighbours.
const MAX_KNOWN_DIALS: usize = WANTED_PEERS;

/// Addresses asked for that are kept at a time.
pub(crate) const MAX_GIVEN: usize = 64;

/// Bootstrap addresses that are used: 1,000 dead ones are gone through in 21 minutes.
pub const MAX_BOOTSTRAP: usize = 1_000;

/// How long only bootstrap nodes are dialed before known peers are, so that one node is not dialed by two names at
/// once.
const BOOTSTRAP_FIRST: Duration = Duration::from_secs(2);

const FIRST_DELAY: Duration = Duration::from_secs(2);
const LAST_DELAY: Duration = Duration::from_secs(60);

/// The reason of a dial.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DialTarget {
    /// An address somebody gave: a bootstrap node, or one asked for.
    Given(PeerAddress),
    /// A peer met before, at any of its known addresses.
    Known(PeerId),
}

/// The state of all dialing.
#[derive(Debug)]
pub(crate) struct Dialer {
    targets: BTreeMap<DialTarget, Attempts>,
    known_from: Instant,
}

#[derive(Debug)]
struct Attempts {
    failures: u32,
    next: Instant,
    under_way: bool,
    /// The peer that answered there last.
    reached: Option<PeerId>,
    once: bool,
}

impl Attempts {
    const fn new(next: Instant, once: bool) -> Self {
        Self { failures: 0, next, under_way: false, reached: None, once }
    }
}

impl Dialer {
    pub(crate) fn new(bootstrap: impl IntoIterator<Item = PeerAddress>, now: Instant) -> Self {
        let targets: BTreeMap<_, _> = bootstrap
            .into_iter()
            .take(MAX_BOOTSTRAP)
            .map(|address| (DialTarget::Given(address), Attempts::new(now, false)))
            .collect();
        let known_from = if targets.is_empty() { now } else { now + BOOTSTRAP_FIRST };
        Self { targets, known_from }
    }

    /// Notes an address to dial once. Beyond [`MAX_GIVEN`] it is not taken.
    pub(crate) fn ask(&mut self, address: PeerAddress, now: Instant) -> bool {
        let given = self.targets.values().filter(|attempts| attempts.once).count();
        let attempts = self.targets.entry(DialTarget::Given(address));
        match attempts {
            std::collections::btree_map::Entry::Occupied(mut there) => {
                there.get_mut().next = now;
                there.get_mut().reached = None;
                true
            }
            std::collections::btree_map::Entry::Vacant(free) if given < MAX_GIVEN => {
                free.insert(Attempts::new(now, true));
                true
            }
            std::collections::btree_map::Entry::Vacant(_) => false,
        }
    }

    /// The dials to start now. Each is under way until one of the calls below ends it.
    ///
    /// `known` are the known peers, the most promising first; `is_connected` and `connected` say which are connected.
    pub(crate) fn due(
        &mut self,
        now: Instant,
        connected: usize,
        is_connected: impl Fn(&PeerId) -> bool,
        known: &[PeerId],
    ) -> Vec<DialTarget> {
        self.targets.retain(|target, attempts| match target {
            DialTarget::Given(_) => true,
            DialTarget::Known(peer) => attempts.under_way || known.contains(peer),
        });
        let [given, of_known] = self.under_way();
        let mut due = self.begin_given(now, MAX_DIALS.saturating_sub(given), &is_connected);
        let room = MAX_KNOWN_DIALS.saturating_sub(of_known);
        let wanted = WANTED_PEERS.saturating_sub(connected + of_known).min(KNOWN_PER_CALL).min(room);
        if wanted > 0 && self.known_from <= now {
            due.extend(self.begin_known(now, wanted, is_connected, known));
        }
        due
    }

    /// Begins with those that have been due for the longest time, so that dead addresses do not keep the others waiting.
    fn begin_given(
        &mut self,
        now: Instant,
        most: usize,
        is_connected: impl Fn(&PeerId) -> bool,
    ) -> Vec<DialTarget> {
        let mut waiting = Vec::new();
        for (target, attempts) in &self.targets {
            let DialTarget::Given(address) = target else { continue };
            let there = attempts.reached.or(address.peer()).is_some_and(|peer| is_connected(&peer));
            if !attempts.under_way && attempts.next <= now && (!there || attempts.once) {
                waiting.push((attempts.next, target.clone()));
            }
        }
        waiting.sort();
        let begun: Vec<DialTarget> = waiting.into_iter().take(most).map(|(_, target)| target).collect();
        for target in &begun {
            if let Some(attempts) = self.targets.get_mut(target) {
                attempts.under_way = true;
            }
        }
        begun
    }

    /// Begins to dial a known peer whatever its delay, because somebody waits for it.
    /// `false` when that is under way already.
    pub(crate) fn begin(&mut self, peer: PeerId, now: Instant) -> bool {
        let attempts = self.targets.entry(DialTarget::Known(peer)).or_insert(Attempts::new(now, false));
        !std::mem::replace(&mut attempts.under_way, true)
    }

    fn begin_known(
        &mut self,
        now: Instant,
        wanted: usize,
        is_connected: impl Fn(&PeerId) -> bool,
        known: &[PeerId],
    ) -> Vec<DialTarget> {
        let mut begun = Vec::new();
        for peer in known.iter().filter(|peer| !is_connected(peer)) {
            if begun.len() == wanted {
                break;
            }
            let target = DialTarget::Known(*peer);
            let attempts = self.targets.entry(target.clone()).or_insert(Attempts::new(now, false));
            if !attempts.under_way && attempts.next <= now {
                attempts.under_way = true;
                begun.push(target);
            }
        }
        begun
    }

    /// Ends a dial with a connection. Failures are forgotten only when the peer turns out to be one of ours.
    pub(crate) fn reached(&mut self, target: &DialTarget, peer: PeerId) {
        let Some(attempts) = self.targets.get_mut(target) else {
            return;
        };
        attempts.under_way = false;
        attempts.reached = Some(peer);
        if attempts.once {
            self.targets.remove(target);
        }
    }

    /// Notes that the peer speaks our protocol.
    pub(crate) fn joined(&mut self, peer: PeerId) {
        for (target, attempts) in &mut self.targets {
            if attempts.reached == Some(peer) || *target == DialTarget::Known(peer) {
                attempts.failures = 0;
            }
        }
    }

    /// The bootstrap addresses at which a peer answered last.
    pub(crate) fn given_of(&self, peer: PeerId) -> Vec<PeerAddress> {
        let theirs = self.targets.iter().filter(|(_, attempts)| attempts.reached == Some(peer));
        theirs
            .filter_map(|(target, _)| match target {
                DialTarget::Given(address) => Some(address.clone()),
                DialTarget::Known(_) => None,
            })
            .collect()
    }

    /// Notes that the last connection to the peer is gone.
    /// Returns the bootstrap addresses that led to it, and when each is dialed again.
    pub(crate) fn left(&mut self, peer: PeerId, now: Instant, dice: f64) -> Vec<(PeerAddress, Duration)> {
        let mut given = Vec::new();
        for (target, attempts) in &mut self.targets {
            let theirs = attempts.reached == Some(peer) || *target == DialTarget::Known(peer);
            if theirs && !attempts.under_way {
                attempts.failures = attempts.failures.saturating_add(1);
                let delay = delay(attempts.failures, dice);
                attempts.next = now + delay;
                if let DialTarget::Given(address) = target {
                    given.push((address.clone(), delay));
                }
            }
        }
        given
    }

    /// Ends a dial without a connection. Says when it is tried again, if it is.
    pub(crate) fn failed(&mut self, target: &DialTarget, now: Instant, dice: f64) -> Option<Duration> {
        let attempts = self.targets.get_mut(target)?;
        if attempts.once {
            self.targets.remove(target);
            return None;
        }
        attempts.under_way = false;
        attempts.failures = attempts.failures.saturating_add(1);
        let delay = delay(attempts.failures, dice);
        attempts.next = now + delay;
        Some(delay)
    }

    /// Ends a dial for good.
    pub(crate) fn drop_target(&mut self, target: &DialTarget) {
        self.targets.remove(target);
    }

    /// How many given addresses and how many known peers are being dialed.
    fn under_way(&self) -> [usize; 2] {
        let busy = self.targets.iter().filter(|(_, attempts)| attempts.under_way);
        let given = busy.clone().filter(|(target, _)| matches!(target, DialTarget::Given(_))).count();
        [given, busy.count() - given]
    }
}

/// 2 s doubled with every failure up to 60 s, give or take a quarter.
fn delay(failures: u32, dice: f64) -> Duration {
    growing(FIRST_DELAY, LAST_DELAY, failures, dice)
}

/// A pause that doubles with every failure, give or take a quarter. `last` is at most 32 times `first`, and `dice`
/// uniform in `0.0..1.0`.
pub(crate) fn growing(first: Duration, last: Duration, failures: u32, dice: f64) -> Duration {
    let doubled = first * 2_u32.pow(failures.saturating_sub(1).min(5));
    doubled.min(last).mul_f64(0.75 + 0.5 * dice.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    /// The middle of the dice: no jitter.
    const EVEN: f64 = 0.5;

    fn peer(n: u8) -> PeerId {
        PeerId::from_ed25519([n; 32])
    }

    fn given(text: &str) -> DialTarget {
        DialTarget::Given(text.parse().unwrap())
    }

    fn dialer(bootstrap: &[&str], now: Instant) -> Dialer {
        Dialer::new(bootstrap.iter().map(|text| text.parse().unwrap()), now)
    }

    const fn nobody(_: &PeerId) -> bool {
        false
    }

    #[test]
    fn the_delay_doubles_from_2_to_60_seconds() {
        let rows = [2, 4, 8, 16, 32, 60, 60, 60];
        for (failures, seconds) in (1..).zip(rows) {
            assert_eq!(delay(failures, EVEN), Duration::from_secs(seconds), "failure {failures}");
        }
        assert_eq!(delay(u32::MAX, EVEN), LAST_DELAY);
        assert_eq!(delay(1, 0.0), Duration::from_millis(1500));
        assert_eq!(delay(6, 1.0), Duration::from_secs(75));
    }

    #[test]
    fn a_bootstrap_node_is_dialed_at_once_and_then_with_growing_delay() {
        let start = Instant::now();
        let mut dialer = dialer(&["a:1"], start);
        let mut dialed = Vec::new();
        for second in 0..200 {
            let now = start + SECOND * second;
            for target in dialer.due(now, 0, nobody, &[]) {
                dialed.push(second);
                dialer.failed(&target, now, EVEN);
            }
        }
        assert_eq!(dialed, [0, 2, 6, 14, 30, 62, 122, 182]);
    }

    #[test]
    fn a_connected_bootstrap_node_is_left_alone_and_dialed_again_after_it_left() {
        let start = Instant::now();
        let mut dialer = dialer(&["a:1"], start);
        assert_eq!(dialer.due(start, 0, nobody, &[]), [given("a:1")]);
        assert_eq!(dialer.due(start + 99 * SECOND, 0, nobody, &[]), [], "still under way");
        dialer.reached(&given("a:1"), peer(1));
        dialer.joined(peer(1));
        assert_eq!(dialer.due(start + 99 * SECOND, 1, |id| *id == peer(1), &[]), []);
        let again = dialer.left(peer(1), start + 100 * SECOND, EVEN);
        assert_eq!(again, [("a:1".parse().unwrap(), FIRST_DELAY)]);
        assert_eq!(dialer.due(start + 101 * SECOND, 0, nobody, &[]), []);
        assert_eq!(dialer.due(start + 102 * SECOND, 0, nobody, &[]), [given("a:1")]);
    }

    #[test]
    fn a_peer_that_hangs_up_before_it_joined_is_not_hammered() {
        let start = Instant::now();
        let mut dialer = dialer(&["a:1"], start);
        let mut dialed = Vec::new();
        for second in 0..70 {
            let now = start + SECOND * second;
            for target in dialer.due(now, 0, nobody, &[]) {
                dialed.push(second);
                dialer.reached(&target, peer(1));
                dialer.left(peer(1), now, EVEN);
            }
        }
        assert_eq!(dialed, [0, 2, 6, 14, 30, 62]);
    }

    #[test]
    fn known_peers_are_dialed_only_while_peers_are_few() {
        let now = Instant::now();
        let known = [1, 2, 3].map(peer);
        assert_eq!(dialer(&[], now).due(now, WANTED_PEERS, nobody, &known), []);
        assert_eq!(dialer(&[], now).due(now, 3, nobody, &known), [DialTarget::Known(peer(1))]);
        let mut alone = dialer(&[], now);
        assert_eq!(
            alone.due(now, 0, nobody, &known),
            [DialTarget::Known(peer(1)), DialTarget::Known(peer(2))]
        );
        assert_eq!(alone.due(now, 0, nobody, &known), [DialTarget::Known(peer(3))]);
        let one = |id: &PeerId| *id == peer(1);
        assert_eq!(dialer(&[], now).due(now, 1, one, &known), [2, 3].map(|n| DialTarget::Known(peer(n))));
    }

    #[test]
    fn bootstrap_nodes_come_before_known_peers() {
        let now = Instant::now();
        let mut dialer = dialer(&["a:1"], now);
        assert_eq!(dialer.due(now, 0, nobody, &[peer(1)]), [given("a:1")]);
        assert_eq!(dialer.due(now + SECOND, 0, nobody, &[peer(1)]), []);
        assert_eq!(dialer.due(now + BOOTSTRAP_FIRST, 0, nobody, &[peer(1)]), [DialTarget::Known(peer(1))]);
    }

    #[test]
    fn dials_under_way_are_bounded() {
        let now = Instant::now();
        let names: Vec<_> = (0..20).map(|n| format!("host{n}:1")).collect();
        let mut dialer = dialer(&names.iter().map(String::as_str).collect::<Vec<_>>(), now);
        let first = dialer.due(now, 0, nobody, &[peer(1)]);
        assert_eq!(first.len(), MAX_DIALS);
        assert_eq!(dialer.due(now, 0, nobody, &[]), []);
        for target in first {
            dialer.failed(&target, now, EVEN);
        }
        assert_eq!(dialer.due(now, 0, nobody, &[]).len(), MAX_DIALS, "the next ones have their turn");
    }

    #[test]
    fn dead_addresses_do_not_keep_a_living_one_waiting() {
        let start = Instant::now();
        let names: Vec<_> =
            (0..200).map(|n| format!("dead{n:03}:1")).chain(["living:1".to_owned()]).collect();
        let mut dialer = dialer(&names.iter().map(String::as_str).collect::<Vec<_>>(), start);
        let mut under_way: Vec<(u32, DialTarget)> = Vec::new();
        let (mut living, mut of_known) = (None, None);
        for second in 0..600 {
            let now = start + SECOND * second;
            // A packet that is dropped is noticed after 10 s.
            under_way.retain(|(until, target)| {
                let over = *until <= second;
                if over {
                    dialer.failed(target, now, EVEN);
                }
                !over
            });
            for target in dialer.due(now, 0, nobody, &[peer(1)]) {
                if target == given("living:1") {
                    living.get_or_insert(second);
                }
                if target == DialTarget::Known(peer(1)) {
                    of_known.get_or_insert(second);
                }
                under_way.push((second + 10, target));
            }
        }
        assert_eq!(of_known, Some(2), "known peers have slots of their own");
        assert!(
            living.is_some_and(|second| second <= 251),
            "201 addresses, 8 at a time, 10 s each: {living:?}"
        );
    }

    #[test]
    fn an_address_asked_for_is_dialed_once() {
        let now = Instant::now();
        let mut dialer = dialer(&[], now);
        assert!(dialer.ask("a:1".parse().unwrap(), now));
        assert_eq!(dialer.due(now, 9, nobody, &[]), [given("a:1")]);
        assert_eq!(dialer.failed(&given("a:1"), now, EVEN), None);
        assert_eq!(dialer.due(now + 100 * SECOND, 9, nobody, &[]), []);
        let taken = (0..100).filter(|n| dialer.ask(format!("h{n}:1").parse().unwrap(), now)).count();
        assert_eq!(taken, MAX_GIVEN);
    }

    #[test]
    fn a_peer_somebody_waits_for_is_dialed_at_once_and_by_one_dial() {
        let now = Instant::now();
        let mut dialer = dialer(&[], now);
        let target = DialTarget::Known(peer(1));
        assert!(dialer.begin(peer(1), now));
        assert!(!dialer.begin(peer(1), now));
        assert_eq!(dialer.due(now, 0, nobody, &[peer(1)]), [], "under way");
        dialer.failed(&target, now, EVEN);
        assert!(dialer.begin(peer(1), now), "no delay");
    }

    #[test]
    fn what_is_known_no_more_is_dialed_no_more() {
        let now = Instant::now();
        let mut dialer = dialer(&[], now);
        let target = DialTarget::Known(peer(1));
        assert_eq!(dialer.due(now, 0, nobody, &[peer(1)]), [DialTarget::Known(peer(1))]);
        dialer.failed(&target, now, EVEN);
        assert_eq!(dialer.due(now + 100 * SECOND, 0, nobody, &[]), []);
        assert!(dialer.targets.is_empty());
    }
}
