//! Decides at which circuit relays this node holds a reservation. Pure: the clock and random numbers are passed in.
//!
//! A node that others cannot reach reserves at two or three relays (circuit relay v2), so that others reach it over
//! those. libp2p renews a reservation while its connection stands, and does nothing when it is lost. This module
//! notices that, asks again later, looks for another relay, and changes relays now and then.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use nostrp2p_protocol::PeerId;

use crate::dialer::growing;

/// Places that are sought: with three, two relays may fail in the same minute.
pub(crate) const WANTED: usize = 3;

/// With fewer reservations than this, nodes that might be relays are dialed.
const ENOUGH: usize = 2;

/// How long a relay may take to give a place. It answers in one round trip; a phone on a bad network needs seconds.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// After a relay has refused or was lost: 30 s, doubled with each failure up to 15 min.
const FIRST_REST: Duration = Duration::from_secs(30);
const LAST_REST: Duration = Duration::from_secs(15 * 60);

/// A place that was held for so long clears the relay's earlier failures.
const PROVEN: Duration = Duration::from_secs(10 * 60);

/// How long a place is kept while there are other relays to choose from, so that no relay carries the same nodes for
/// ever and new relays get their share. Guess.
const ROTATION: Duration = Duration::from_secs(6 * 3600);

/// How often nodes are dialed in search of relays.
const SEARCH_PAUSE: Duration = Duration::from_secs(20);

/// Relays that are remembered. The ones whose rest is over are forgotten first.
const MAX_REMEMBERED: usize = 64;

/// A step for the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask this relay, which is connected, for a reservation.
    Ask(PeerId),
    /// Give up the place there, or the hope for one.
    Release(PeerId),
    /// Dial nodes that might be relays: there are too few.
    Search,
}

/// The state of all places.
#[derive(Debug, Default)]
pub(crate) struct Relays {
    known: BTreeMap<PeerId, Relay>,
    searched: Option<Instant>,
}

#[derive(Debug)]
struct Relay {
    state: State,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Asked { since: Instant },
    Held { since: Instant },
    Resting { until: Instant },
}

impl Relays {
    /// The steps to take now. `wanted` says whether this node needs relays at all; `candidates` are the connected
    /// peers that offer to be one, in the order of preference. Every step counts as carried out. `dice` is uniform in
    /// `0.0..1.0`.
    pub(crate) fn due(&mut self, now: Instant, wanted: bool, candidates: &[PeerId], dice: f64) -> Vec<Step> {
        let mut steps = Vec::new();
        self.forget(now);
        if !wanted {
            let given_up = self.known.iter().filter(|(_, relay)| !relay.rests());
            steps.extend(given_up.map(|(peer, _)| Step::Release(*peer)));
            self.known.retain(|_, relay| relay.rests());
            return steps;
        }
        for peer in self.silent(now) {
            self.rest(peer, now, dice);
            steps.push(Step::Release(peer));
        }
        if let Some(peer) = self.oldest_beyond_need() {
            // Not a failure, but its turn is over.
            self.known.insert(peer, Relay { state: State::Resting { until: now + ROTATION }, failures: 0 });
            steps.push(Step::Release(peer));
        }
        let mut free = candidates.iter().filter(|peer| self.may_ask(peer, now)).copied().collect::<Vec<_>>();
        let rotation = usize::from(self.held() == WANTED && self.someone_stayed_long(now));
        let missing = (WANTED + rotation).saturating_sub(self.active());
        free.truncate(missing);
        for peer in free {
            let relay = self.known.entry(peer).or_insert(Relay::new(now));
            relay.state = State::Asked { since: now };
            steps.push(Step::Ask(peer));
        }
        let searched_lately =
            self.searched.is_some_and(|at| now.saturating_duration_since(at) < SEARCH_PAUSE);
        if self.active() < ENOUGH && !searched_lately {
            self.searched = Some(now);
            steps.push(Step::Search);
        }
        steps
    }

    /// Notes that the relay has given a place.
    pub(crate) fn accepted(&mut self, peer: PeerId, now: Instant) {
        if let Some(relay) = self.known.get_mut(&peer)
            && let State::Asked { .. } = relay.state
        {
            relay.state = State::Held { since: now };
        }
    }

    /// Notes that the relay has refused, or that the place is lost.
    pub(crate) fn lost(&mut self, peer: PeerId, now: Instant, dice: f64) {
        if self.known.get(&peer).is_some_and(|relay| !relay.rests()) {
            self.rest(peer, now, dice);
        }
    }

    /// The relays at which there is a place.
    pub(crate) fn holding(&self) -> impl Iterator<Item = PeerId> {
        let held = self.known.iter().filter(|(_, relay)| matches!(relay.state, State::Held { .. }));
        held.map(|(peer, _)| *peer)
    }

    fn held(&self) -> usize {
        self.holding().count()
    }

    fn active(&self) -> usize {
        self.known.values().filter(|relay| !relay.rests()).count()
    }

    fn may_ask(&self, peer: &PeerId, now: Instant) -> bool {
        match self.known.get(peer).map(|relay| relay.state) {
            None => true,
            Some(State::Resting { until }) => until <= now,
            Some(State::Asked { .. } | State::Held { .. }) => false,
        }
    }

    fn silent(&self, now: Instant) -> Vec<PeerId> {
        let silent = |state| matches!(state, State::Asked { since } if now.saturating_duration_since(since) >= ANSWER_TIME);
        self.known.iter().filter(|(_, relay)| silent(relay.state)).map(|(peer, _)| *peer).collect()
    }

    fn someone_stayed_long(&self, now: Instant) -> bool {
        let long = |since| now.saturating_duration_since(since) >= ROTATION;
        self.known.values().any(|relay| matches!(relay.state, State::Held { since } if long(since)))
    }

    /// The relay to leave when a newer one has given a reservation beyond the wanted number.
    fn oldest_beyond_need(&self) -> Option<PeerId> {
        let held = self.known.iter().filter_map(|(peer, relay)| match relay.state {
            State::Held { since } => Some((since, *peer)),
            _ => None,
        });
        (self.held() > WANTED).then(|| held.min().map(|(_, peer)| peer)).flatten()
    }

    fn rest(&mut self, peer: PeerId, now: Instant, dice: f64) {
        let Some(relay) = self.known.get_mut(&peer) else {
            return;
        };
        if let State::Held { since } = relay.state
            && now.saturating_duration_since(since) >= PROVEN
        {
            relay.failures = 0;
        }
        relay.failures = relay.failures.saturating_add(1);
        relay.state = State::Resting { until: now + rest_time(relay.failures, dice) };
    }

    /// Keeps the table bounded.
    fn forget(&mut self, now: Instant) {
        while self.known.len() > MAX_REMEMBERED {
            let resting = self.known.iter().filter_map(|(peer, relay)| match relay.state {
                State::Resting { until } => Some((until.saturating_duration_since(now), *peer)),
                _ => None,
            });
            let Some((_, peer)) = resting.min() else { break };
            self.known.remove(&peer);
        }
    }
}

impl Relay {
    const fn new(now: Instant) -> Self {
        Self { state: State::Asked { since: now }, failures: 0 }
    }

    const fn rests(&self) -> bool {
        matches!(self.state, State::Resting { .. })
    }
}

/// 30 s doubled with every failure up to 15 min, give or take a quarter.
fn rest_time(failures: u32, dice: f64) -> Duration {
    growing(FIRST_REST, LAST_REST, failures, dice)
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

    fn peers<const N: usize>(numbers: [u8; N]) -> Vec<PeerId> {
        numbers.into_iter().map(peer).collect()
    }

    /// A node with places at these relays since `now`.
    fn holding(numbers: &[u8], now: Instant) -> Relays {
        let mut relays = Relays::default();
        let candidates: Vec<_> = numbers.iter().copied().map(peer).collect();
        relays.due(now, true, &candidates, EVEN);
        candidates.iter().for_each(|peer| relays.accepted(*peer, now));
        relays
    }

    #[test]
    fn the_rest_doubles_from_30_seconds_to_15_minutes() {
        let rows = [30, 60, 120, 240, 480, 900, 900];
        for (failures, seconds) in (1..).zip(rows) {
            assert_eq!(rest_time(failures, EVEN), Duration::from_secs(seconds), "failure {failures}");
        }
        assert_eq!(rest_time(u32::MAX, 1.0), Duration::from_secs(1125));
        assert_eq!(rest_time(1, 0.0), Duration::from_millis(22_500));
    }

    #[test]
    fn three_relays_are_asked_and_no_more() {
        let now = Instant::now();
        let mut relays = Relays::default();
        let candidates = peers([1, 2, 3, 4, 5]);
        let asked = relays.due(now, true, &candidates, EVEN);
        assert_eq!(asked, [1, 2, 3].map(|n| Step::Ask(peer(n))));
        assert_eq!(relays.due(now + SECOND, true, &candidates, EVEN), []);
        [1, 2, 3].into_iter().for_each(|n| relays.accepted(peer(n), now));
        assert_eq!(relays.due(now + 2 * SECOND, true, &candidates, EVEN), []);
        assert_eq!(relays.holding().count(), WANTED);
    }

    #[test]
    fn a_lost_relay_is_replaced_at_once_and_asked_again_after_its_rest() {
        let start = Instant::now();
        let mut relays = holding(&[1, 2, 3], start);
        relays.lost(peer(2), start, EVEN);
        assert_eq!(relays.due(start, true, &peers([1, 2, 3, 4]), EVEN), [Step::Ask(peer(4))]);
        relays.lost(peer(4), start, EVEN);
        assert_eq!(relays.due(start + 29 * SECOND, true, &peers([1, 2, 3]), EVEN), []);
        assert_eq!(relays.due(start + 30 * SECOND, true, &peers([1, 2, 3]), EVEN), [Step::Ask(peer(2))]);
    }

    #[test]
    fn a_relay_that_refuses_again_and_again_is_asked_seldom() {
        let start = Instant::now();
        let mut relays = Relays::default();
        let mut asked = Vec::new();
        for second in 0..2000 {
            let now = start + SECOND * second;
            if relays.due(now, true, &peers([1]), EVEN).contains(&Step::Ask(peer(1))) {
                asked.push(second);
                relays.lost(peer(1), now, EVEN);
            }
        }
        assert_eq!(asked, [0, 30, 90, 210, 450, 930, 1830]);
    }

    #[test]
    fn a_relay_that_does_not_answer_is_given_up() {
        let start = Instant::now();
        let mut relays = Relays::default();
        assert!(relays.due(start, true, &peers([1, 2]), EVEN).contains(&Step::Ask(peer(1))));
        relays.accepted(peer(2), start);
        let steps = relays.due(start + ANSWER_TIME, true, &peers([1, 2]), EVEN);
        assert_eq!(steps, [Step::Release(peer(1)), Step::Search]);
        relays.accepted(peer(1), start + ANSWER_TIME);
        assert_eq!(relays.holding().collect::<Vec<_>>(), [peer(2)], "too late");
    }

    #[test]
    fn with_too_few_relays_nodes_are_dialed_now_and_then() {
        let start = Instant::now();
        let mut relays = Relays::default();
        let mut searched = Vec::new();
        for second in 0..50 {
            if relays.due(start + SECOND * second, true, &[], EVEN) == [Step::Search] {
                searched.push(second);
            }
        }
        assert_eq!(searched, [0, 20, 40]);
        assert_eq!(holding(&[1, 2], start).due(start + 60 * SECOND, true, &[], EVEN), []);
    }

    #[test]
    fn a_node_that_others_reach_gives_its_places_up() {
        let now = Instant::now();
        let mut relays = holding(&[1, 2], now);
        let steps = relays.due(now + SECOND, false, &peers([1, 2, 3]), EVEN);
        assert_eq!(steps, [1, 2].map(|n| Step::Release(peer(n))));
        assert_eq!(relays.due(now + 2 * SECOND, false, &peers([1, 2, 3]), EVEN), []);
        assert!(relays.due(now + 3 * SECOND, true, &peers([1]), EVEN).contains(&Step::Ask(peer(1))));
    }

    #[test]
    fn after_hours_the_oldest_place_is_left_for_a_new_one() {
        let start = Instant::now();
        let mut relays = holding(&[1, 2, 3], start);
        assert_eq!(relays.due(start + ROTATION - SECOND, true, &peers([1, 2, 3, 4]), EVEN), []);
        let now = start + ROTATION;
        assert_eq!(relays.due(now, true, &peers([1, 2, 3]), EVEN), [], "there is no other");
        assert_eq!(relays.due(now, true, &peers([1, 2, 3, 4]), EVEN), [Step::Ask(peer(4))]);
        assert_eq!(relays.due(now + SECOND, true, &peers([1, 2, 3, 4]), EVEN), []);
        relays.accepted(peer(4), now + SECOND);
        let steps = relays.due(now + 2 * SECOND, true, &peers([1, 2, 3, 4, 5]), EVEN);
        assert_eq!(steps, [Step::Release(peer(1)), Step::Ask(peer(5))], "one after the other");
        assert!(relays.holding().any(|held| held == peer(4)));
    }

    #[test]
    fn relays_that_failed_are_remembered_up_to_a_bound() {
        let start = Instant::now();
        let mut relays = Relays::default();
        for n in 0..=u8::MAX {
            relays.due(start, true, &peers([n]), EVEN);
            relays.lost(peer(n), start, EVEN);
        }
        assert!(relays.known.len() <= MAX_REMEMBERED + 1, "{}", relays.known.len());
    }

    #[test]
    fn a_place_that_held_clears_earlier_failures() {
        let start = Instant::now();
        let mut relays = holding(&[1], start);
        relays.known.get_mut(&peer(1)).unwrap().failures = 5;
        relays.lost(peer(1), start + PROVEN, EVEN);
        let again = start + PROVEN + 30 * SECOND;
        assert!(relays.due(again, true, &peers([1]), EVEN).contains(&Step::Ask(peer(1))));
    }
}
