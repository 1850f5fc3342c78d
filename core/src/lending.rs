//! What a node lends to nodes at home, as a helper: to whom, how many sessions, how many bytes.
//!
//! See PROTOCOL.md, "The way home". What goes through is ciphertext; here it has a size and nothing else.

use std::collections::BTreeMap;

use nostrp2p_protocol::{PeerId, exchange::Lent};

/// How long a yes holds, in seconds; the other side asks again after half of it.
pub const LENT_SECONDS: u32 = 600;
/// Nodes at home that one helper serves; each keeps one connection.
const MAX_HOMES: usize = 64;
/// Nodes of which it is remembered what they have used today, 100 bytes each: those that are served, and those that were.
/// Whoever has used least is forgotten first.
const MAX_REMEMBERED: usize = 1_024;
/// Sessions of all nodes at home together; each may hold some 100 KB.
const MAX_SESSIONS: usize = 128;
/// How far a session may run ahead of its rate, in milliseconds: a first load of posts shall not be slowed down.
const BURST_MS: u64 = 8_000;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// How much one node at home gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LendingLimits {
    /// Sessions at a time.
    pub sessions: usize,
    /// Bytes a second, both ways and all sessions together; bursts of 8 seconds' worth go at once.
    pub bytes_per_second: u64,
    /// Bytes a day of UTC.
    pub bytes_per_day: u64,
}

/// Why a session is not served any longer, or at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLent {
    /// That node has not asked, or its connection is gone.
    #[error("this helper does not know that node at the moment")]
    Unknown,
    /// That node has as many sessions as it gets.
    #[error("that node has as many sessions through this helper as it gets")]
    Sessions,
    /// All together have as many sessions as there may be.
    #[error("this helper serves as many sessions as it can")]
    Full,
    /// That node has used up what it gets in a day.
    #[error("that node has used up what it gets from this helper today")]
    Day,
}

#[derive(Debug, Default)]
struct Home {
    until: u64,
    sessions: usize,
    /// When what went through so far would have gone through at the rate that is allowed, in milliseconds.
    paid_at_ms: u64,
    day: u64,
    today: u64,
}

impl Home {
    /// Whether it has asked lately, or its sessions go on.
    const fn is_served(&self, now: u64) -> bool {
        self.sessions > 0 || now < self.until
    }

    /// Bytes that went through today.
    const fn used(&self, now: u64) -> u64 {
        if self.day == now / DAY { self.today } else { 0 }
    }
}

/// All that is lent.
#[derive(Debug)]
pub struct Lending {
    address: Option<String>,
    limits: LendingLimits,
    homes: BTreeMap<PeerId, Home>,
    carried_bytes: u64,
    refused: u64,
}

/// What is lent now, and was since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LendingCounts {
    /// Nodes at home that have asked.
    pub homes: usize,
    /// Open sessions.
    pub sessions: usize,
    /// Bytes carried so far, both ways.
    pub carried_bytes: u64,
    /// Sessions that were not let in, or ended for what they cost.
    pub refused: u64,
}

impl Lending {
    /// `address` is where browsers reach this node; without it, nothing is lent.
    pub const fn new(address: Option<String>, limits: LendingLimits) -> Self {
        Self { address, limits, homes: BTreeMap::new(), carried_bytes: 0, refused: 0 }
    }

    /// Whether anything is lent.
    pub const fn offers(&self) -> bool {
        self.address.is_some()
    }

    /// How many sessions one node at home gets.
    pub const fn sessions_each(&self) -> usize {
        self.limits.sessions
    }

    /// A node at home asks to be reached through this one.
    pub fn ask(&mut self, peer: PeerId, now: u64) -> Lent {
        let Some(address) = self.address.clone() else {
            return Lent::Refused { reason: "this node lends its address to nobody".to_owned() };
        };
        // What was used today counts for whoever comes back, too.
        self.homes.retain(|_, home| home.is_served(now) || home.used(now) > 0);
        let others = self.homes.iter().filter(|(other, home)| **other != peer && home.is_served(now));
        if others.count() >= MAX_HOMES {
            return Lent::Refused { reason: "this helper serves as many nodes as it can".to_owned() };
        }
        if self.homes.len() >= MAX_REMEMBERED && !self.homes.contains_key(&peer) {
            let gone = self.homes.iter().filter(|(_, home)| !home.is_served(now));
            let least = gone.min_by_key(|(_, home)| home.used(now)).map(|(peer, _)| *peer);
            least.and_then(|least| self.homes.remove(&least));
        }
        self.homes.entry(peer).or_default().until = now.saturating_add(u64::from(LENT_SECONDS));
        Lent::For { seconds: LENT_SECONDS, address }
    }

    /// A client wants to reach a node. Each session that is let in must end with [`Lending::close`].
    ///
    /// # Errors
    /// Why not.
    pub fn open(&mut self, peer: &PeerId, now: u64) -> Result<(), NotLent> {
        let opened = self.let_in(peer, now);
        self.refused += u64::from(opened.is_err());
        opened
    }

    fn let_in(&mut self, peer: &PeerId, now: u64) -> Result<(), NotLent> {
        let all: usize = self.homes.values().map(|home| home.sessions).sum();
        let home = self.homes.get_mut(peer).filter(|home| now < home.until).ok_or(NotLent::Unknown)?;
        if home.sessions >= self.limits.sessions {
            return Err(NotLent::Sessions);
        }
        if all >= MAX_SESSIONS {
            return Err(NotLent::Full);
        }
        if home.used(now) >= self.limits.bytes_per_day {
            return Err(NotLent::Day);
        }
        home.sessions += 1;
        Ok(())
    }

    /// A session has ended.
    pub fn close(&mut self, peer: &PeerId) {
        if let Some(home) = self.homes.get_mut(peer) {
            home.sessions = home.sessions.saturating_sub(1);
        }
    }

    /// Bytes want through; returns after how many milliseconds they may. `clock_ms` grows steadily.
    ///
    /// # Errors
    /// When there are too many today.
    pub fn spend(&mut self, peer: &PeerId, bytes: usize, clock_ms: u64, now: u64) -> Result<u64, NotLent> {
        let limits = self.limits;
        let home = self.homes.get_mut(peer).ok_or(NotLent::Unknown)?;
        if home.day != now / DAY {
            (home.day, home.today) = (now / DAY, 0);
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        home.today = home.today.saturating_add(bytes);
        if home.today > limits.bytes_per_day {
            self.refused += 1;
            return Err(NotLent::Day);
        }
        self.carried_bytes = self.carried_bytes.saturating_add(bytes);
        let cost = bytes.saturating_mul(1_000) / limits.bytes_per_second.max(1);
        home.paid_at_ms = home.paid_at_ms.max(clock_ms).saturating_add(cost);
        Ok(home.paid_at_ms.saturating_sub(clock_ms.saturating_add(BURST_MS)))
    }

    /// What is lent, for the metrics.
    pub fn counts(&self, now: u64) -> LendingCounts {
        LendingCounts {
            homes: self.homes.values().filter(|home| now < home.until).count(),
            sessions: self.homes.values().map(|home| home.sessions).sum(),
            carried_bytes: self.carried_bytes,
            refused: self.refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const LIMITS: LendingLimits =
        LendingLimits { sessions: 2, bytes_per_second: 1_000, bytes_per_day: 100_000 };

    fn peer(n: u8) -> PeerId {
        PeerId::from_ed25519([n; 32])
    }

    fn lending() -> Lending {
        Lending::new(Some("wss://helper.example".into()), LIMITS)
    }

    #[test]
    fn only_nodes_that_asked_are_reached_and_only_for_their_time() {
        let mut lending = lending();
        assert_eq!(lending.open(&peer(1), NOW), Err(NotLent::Unknown));
        let lent = lending.ask(peer(1), NOW);
        assert_eq!(lent, Lent::For { seconds: 600, address: "wss://helper.example".into() });
        assert_eq!(lending.open(&peer(1), NOW + 599), Ok(()));
        assert_eq!(lending.open(&peer(1), NOW + 600), Err(NotLent::Unknown));
        assert_eq!(lending.open(&peer(2), NOW), Err(NotLent::Unknown));
        let mut nothing = Lending::new(None, LIMITS);
        assert!(matches!(nothing.ask(peer(1), NOW), Lent::Refused { .. }));
        assert!(!nothing.offers());
    }

    #[test]
    fn sessions_and_nodes_are_bounded_and_make_room_when_they_end() {
        let mut lending = lending();
        lending.ask(peer(1), NOW);
        assert_eq!((lending.open(&peer(1), NOW), lending.open(&peer(1), NOW)), (Ok(()), Ok(())));
        assert_eq!(lending.open(&peer(1), NOW), Err(NotLent::Sessions));
        lending.close(&peer(1));
        assert_eq!(lending.open(&peer(1), NOW), Ok(()));
        let granted = (2..=u8::MAX).filter(|n| matches!(lending.ask(peer(*n), NOW), Lent::For { .. }));
        assert_eq!(granted.count(), MAX_HOMES - 1);
        assert!(
            matches!(lending.ask(peer(200), NOW + 600), Lent::For { .. }),
            "the others did not ask again"
        );
        let counts = LendingCounts { homes: 1, sessions: 2, carried_bytes: 0, refused: 1 };
        assert_eq!(lending.counts(NOW + 600), counts);
    }

    #[test]
    fn who_stays_away_for_a_while_gets_no_more_in_a_day_and_nobody_is_remembered_for_ever() {
        let mut lending = lending();
        let begin = NOW / DAY * DAY;
        lending.ask(peer(1), begin);
        lending.open(&peer(1), begin).unwrap();
        assert_eq!(lending.spend(&peer(1), 100_000, 0, begin), Ok(92_000));
        lending.close(&peer(1));
        lending.ask(peer(2), begin + 700);
        lending.ask(peer(1), begin + 700);
        assert_eq!(lending.open(&peer(1), begin + 700), Err(NotLent::Day));
        let others = u64::try_from(2 * MAX_REMEMBERED).unwrap();
        for number in 0..others {
            let mut name = [9; 32];
            name[..8].copy_from_slice(&number.to_be_bytes());
            let (other, now) = (PeerId::from_ed25519(name), begin + 1_400 + number / 63 * 700);
            assert!(matches!(lending.ask(other, now), Lent::For { .. }), "{number}");
            lending.open(&other, now).unwrap();
            lending.spend(&other, 1, 0, now).unwrap();
            lending.close(&other);
        }
        assert_eq!(lending.homes.len(), MAX_REMEMBERED);
        assert_eq!(lending.homes[&peer(1)].today, 100_000, "others have used less");
        lending.ask(peer(1), begin + DAY);
        assert_eq!(lending.open(&peer(1), begin + DAY), Ok(()));
    }

    #[test]
    fn all_sessions_together_are_bounded() {
        let limits = LendingLimits { sessions: MAX_SESSIONS, ..LIMITS };
        let mut lending = Lending::new(Some("wss://helper.example".into()), limits);
        (1..=2).for_each(|n| drop(lending.ask(peer(n), NOW)));
        assert!((0..MAX_SESSIONS).all(|_| lending.open(&peer(1), NOW).is_ok()));
        assert_eq!(lending.open(&peer(2), NOW), Err(NotLent::Full));
    }

    #[test]
    fn bytes_beyond_a_burst_wait_and_beyond_a_day_are_refused() {
        let mut lending = lending();
        lending.ask(peer(1), NOW);
        lending.open(&peer(1), NOW).unwrap();
        assert_eq!(lending.spend(&peer(1), 8_000, 0, NOW), Ok(0), "a burst");
        assert_eq!(lending.spend(&peer(1), 1_000, 0, NOW), Ok(1_000));
        assert_eq!(lending.spend(&peer(1), 1_000, 10_000, NOW), Ok(0), "paid back by waiting");
        assert_eq!(lending.spend(&peer(1), 90_000, 60_000, NOW), Ok(82_000));
        assert_eq!(lending.spend(&peer(1), 1, 600_000, NOW), Err(NotLent::Day));
        assert_eq!(lending.open(&peer(1), NOW + 1), Err(NotLent::Day));
        assert_eq!(lending.spend(&peer(1), 1, 600_000, NOW + DAY), Ok(0));
        let LendingCounts { carried_bytes, refused, .. } = lending.counts(NOW);
        assert_eq!((carried_bytes, refused), (100_001, 2));
    }
}
