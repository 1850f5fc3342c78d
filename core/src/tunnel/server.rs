//! The helper: which nodes behind routers it serves, with how many sessions and how many bytes.
//!
//! See PROTOCOL.md, "The way home". The traffic is ciphertext; here it has a size and nothing else. The node behind
//! the router says in which sessions somebody has signed in; sessions without a login are closed first when there are
//! too many, so strangers cannot keep the owner out.

use std::{collections::BTreeMap, net::IpAddr};

use nostrp2p_protocol::{PeerId, rpc::Lent};

/// How long a yes holds, in seconds; the other side asks again after half of it.
pub const TUNNEL_SECONDS: u32 = 600;
/// Nodes at home that one helper serves; each keeps one connection.
const MAX_HOMES: usize = 64;
/// Nodes whose usage of today is remembered, 100 bytes each, also of those that are not served any more. The one that
/// has used least is forgotten first.
const MAX_REMEMBERED: usize = 1_024;
/// Sessions of all nodes at home together; each may hold some 100 KB.
const MAX_SESSIONS: usize = 128;
/// How far a session may run ahead of its rate, in milliseconds: a first load of posts shall not be slowed down.
const BURST_MS: u64 = 8_000;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// How much one node at home gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TunnelLimits {
    /// Sessions at a time.
    pub sessions: usize,
    /// Bytes a second, both ways and all sessions together; bursts of 8 seconds' worth go at once.
    pub bytes_per_second: u64,
    /// Bytes a day of UTC.
    pub bytes_per_day: u64,
}

/// Why a session is not served any longer, or at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TunnelDenied {
    /// That node has not asked for tunnels, or its connection is gone.
    #[error("this helper does not know that node at the moment")]
    Unknown,
    /// That node has reached its limit of sessions.
    #[error("that node has reached its limit of sessions through this helper")]
    Sessions,
    /// One address has reached its limit of sessions to that node; only with a node that does not report logins.
    #[error("too many sessions to that node from your address")]
    Address,
    /// The limit of sessions for all nodes together is reached.
    #[error("this helper has reached its limit of sessions")]
    Full,
    /// That node has used up its bytes of the day.
    #[error("that node has used up what it gets from this helper today")]
    Day,
}

#[derive(Debug, Default)]
struct Home {
    until: u64,
    sessions: usize,
    /// Whether it says in which sessions somebody has signed in; older nodes do not.
    tells_logins: bool,
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

/// A session of a client with a node at home. The older one has the lower number.
#[derive(Debug, Clone, Copy)]
struct Session {
    home: PeerId,
    /// The client's address; None when it is not known.
    caller: Option<IpAddr>,
    signed_in: bool,
}

/// A session that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedSession {
    /// Its number.
    pub session: u64,
    /// The session that has made room for it, and must end now.
    pub displaced: Option<u64>,
}

/// Settings that stay the same while a node runs.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where browsers reach this node; None if it is no helper.
    pub address: Option<String>,
    /// The limits of each node behind a router.
    pub limits: TunnelLimits,
}

/// Requests of clients to this node as a helper, and events of their sessions. The id names a request until its
/// answer.
#[derive(Debug)]
pub enum Input {
    /// A client, of which the address is known or not, wants to reach a node at home.
    Open(TunnelRequestId, PeerId, Option<IpAddr>),
    /// Whether a node at home says in which sessions somebody has signed in, as its stream has shown.
    TellsLogins(PeerId, bool),
    /// The node at home says that somebody has signed in in this session.
    SignedIn(u64),
    /// So many bytes are to be forwarded to or from a node behind a router, at this time of a monotonic clock in
    /// milliseconds.
    Spend(TunnelRequestId, PeerId, usize, u64),
    /// A session has ended. One that was displaced has ended already.
    Closed(u64),
}

/// The answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Whether the client is let in. Each session that is let in must end with [`Input::Closed`].
    Opened(TunnelRequestId, Result<OpenedSession, TunnelDenied>),
    /// The bytes may go after so many milliseconds, or not at all.
    Spent(TunnelRequestId, Result<u64, TunnelDenied>),
}

/// A question of a client's session that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TunnelRequestId(pub u64);

/// All that is lent.
#[derive(Debug)]
pub struct State {
    config: Config,
    homes: BTreeMap<PeerId, Home>,
    sessions: BTreeMap<u64, Session>,
    last: u64,
    carried_bytes: u64,
    refused: u64,
}

/// Tunnels now and since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TunnelCounts {
    /// Nodes at home that have asked.
    pub homes: usize,
    /// Open sessions.
    pub sessions: usize,
    /// Bytes carried so far, both ways.
    pub carried_bytes: u64,
    /// Sessions that were not let in, or ended for what they cost.
    pub refused: u64,
}

impl State {
    /// Starts without sessions.
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            homes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            last: 0,
            carried_bytes: 0,
            refused: 0,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input, now: u64) -> Vec<Output> {
        match input {
            Input::Open(request, peer, caller) => {
                return vec![Output::Opened(request, self.open(&peer, caller, now))];
            }
            Input::Spend(request, peer, bytes, clock_ms) => {
                return vec![Output::Spent(request, self.spend(&peer, bytes, clock_ms, now))];
            }
            Input::TellsLogins(peer, tells) => self.tells_logins(&peer, tells),
            Input::SignedIn(session) => self.signed_in(session),
            Input::Closed(session) => self.close(session),
        }
        vec![]
    }

    /// A node at home asks to be reached through this one.
    pub fn ask(&mut self, peer: PeerId, now: u64) -> Lent {
        let Some(address) = self.config.address.clone() else {
            return Lent::Refused { reason: "this node is no helper".to_owned() };
        };
        // What was used today counts for whoever comes back, too.
        self.homes.retain(|_, home| home.is_served(now) || home.used(now) > 0);
        let others = self.homes.iter().filter(|(other, home)| **other != peer && home.is_served(now));
        if others.count() >= MAX_HOMES {
            return Lent::Refused { reason: "this helper has reached its limit of nodes".to_owned() };
        }
        if self.homes.len() >= MAX_REMEMBERED && !self.homes.contains_key(&peer) {
            let gone = self.homes.iter().filter(|(_, home)| !home.is_served(now));
            let least = gone.min_by_key(|(_, home)| home.used(now)).map(|(peer, _)| *peer);
            least.and_then(|least| self.homes.remove(&least));
        }
        self.homes.entry(peer).or_default().until = now.saturating_add(u64::from(TUNNEL_SECONDS));
        Lent::For { seconds: TUNNEL_SECONDS, address }
    }

    /// A client wants to reach a node. Each session that is let in must end with [`State::close`].
    ///
    /// # Errors
    /// Why not.
    fn open(
        &mut self,
        peer: &PeerId,
        caller: Option<IpAddr>,
        now: u64,
    ) -> Result<OpenedSession, TunnelDenied> {
        let displaced = self.room(peer, caller, now).inspect_err(|_| self.refused += 1)?;
        displaced.inspect(|session| self.close(*session));
        self.last += 1;
        self.sessions.insert(self.last, Session { home: *peer, caller, signed_in: false });
        if let Some(home) = self.homes.get_mut(peer) {
            home.sessions += 1;
        }
        Ok(OpenedSession { session: self.last, displaced })
    }

    /// Whether there is room for a session, and which one makes it.
    fn room(&self, peer: &PeerId, caller: Option<IpAddr>, now: u64) -> Result<Option<u64>, TunnelDenied> {
        let home = self.homes.get(peer).filter(|home| now < home.until).ok_or(TunnelDenied::Unknown)?;
        if home.used(now) >= self.config.limits.bytes_per_day {
            return Err(TunnelDenied::Day);
        }
        let of_caller = |session: &Session| session.home == *peer && session.caller == caller;
        if !home.tells_logins {
            // Whoever has signed in there cannot be told from strangers, so nobody makes room.
            let callers = self.sessions.values().filter(|session| of_caller(session)).count();
            return match () {
                () if caller.is_some() && callers >= self.config.limits.sessions.div_ceil(2) => {
                    Err(TunnelDenied::Address)
                }
                () if home.sessions >= self.config.limits.sessions => Err(TunnelDenied::Sessions),
                () => self.room_among_all(),
            };
        }
        let waiting = self.waiting(|session| session.home == *peer);
        let callers = waiting.iter().filter(|(_, session)| of_caller(session)).count();
        // Some places stay free for those who have signed in: a quarter, and of two one.
        let most_waiting =
            self.config.limits.sessions.saturating_sub(self.config.limits.sessions.div_ceil(4)).max(1);
        let own_limit = caller.is_some() && callers >= self.config.limits.sessions.div_ceil(2);
        if own_limit || waiting.len() >= most_waiting || home.sessions >= self.config.limits.sessions {
            return longest_of_fullest(&waiting, caller).map(Some).ok_or(TunnelDenied::Sessions);
        }
        self.room_among_all()
    }

    /// Checks the bound of all nodes together. When it is reached, the node with the most sessions without a login
    /// loses one.
    fn room_among_all(&self) -> Result<Option<u64>, TunnelDenied> {
        if self.sessions.len() < MAX_SESSIONS {
            return Ok(None);
        }
        let waiting =
            self.waiting(|session| self.homes.get(&session.home).is_some_and(|home| home.tells_logins));
        let mut counts: BTreeMap<PeerId, usize> = BTreeMap::new();
        waiting.iter().for_each(|(_, session)| *counts.entry(session.home).or_default() += 1);
        let fullest = counts.into_iter().max_by_key(|(_, count)| *count).map(|(home, _)| home);
        let fullest = fullest.ok_or(TunnelDenied::Full)?;
        let at_its_door: Vec<_> =
            waiting.into_iter().filter(|(_, session)| session.home == fullest).collect();
        longest_of_fullest(&at_its_door, None).map(Some).ok_or(TunnelDenied::Full)
    }

    /// The sessions in which nobody has signed in yet, the oldest first.
    fn waiting(&self, which: impl Fn(&Session) -> bool) -> Vec<(u64, Session)> {
        let waiting = self.sessions.iter().filter(|(_, session)| !session.signed_in && which(session));
        waiting.map(|(number, session)| (*number, *session)).collect()
    }

    /// Whether a node at home says in which sessions somebody has signed in, as its stream has shown.
    fn tells_logins(&mut self, peer: &PeerId, tells: bool) {
        if let Some(home) = self.homes.get_mut(peer) {
            home.tells_logins = tells;
        }
    }

    /// The node behind the router reports a login: this session is not closed for another one from now on.
    fn signed_in(&mut self, session: u64) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.signed_in = true;
        }
    }

    /// A session has ended. One that was displaced has ended already.
    fn close(&mut self, session: u64) {
        if let Some(Session { home, .. }) = self.sessions.remove(&session)
            && let Some(home) = self.homes.get_mut(&home)
        {
            home.sessions = home.sessions.saturating_sub(1);
        }
    }

    /// Bytes want through; returns after how many milliseconds they may. `clock_ms` grows steadily.
    ///
    /// # Errors
    /// When there are too many today.
    fn spend(&mut self, peer: &PeerId, bytes: usize, clock_ms: u64, now: u64) -> Result<u64, TunnelDenied> {
        let limits = self.config.limits;
        let home = self.homes.get_mut(peer).ok_or(TunnelDenied::Unknown)?;
        if home.day != now / DAY {
            (home.day, home.today) = (now / DAY, 0);
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        home.today = home.today.saturating_add(bytes);
        if home.today > limits.bytes_per_day {
            self.refused += 1;
            return Err(TunnelDenied::Day);
        }
        self.carried_bytes = self.carried_bytes.saturating_add(bytes);
        let cost = bytes.saturating_mul(1_000) / limits.bytes_per_second.max(1);
        home.paid_at_ms = home.paid_at_ms.max(clock_ms).saturating_add(cost);
        Ok(home.paid_at_ms.saturating_sub(clock_ms.saturating_add(BURST_MS)))
    }

    /// Counts for the metrics.
    pub fn counts(&self, now: u64) -> TunnelCounts {
        TunnelCounts {
            homes: self.homes.values().filter(|home| now < home.until).count(),
            sessions: self.homes.values().map(|home| home.sessions).sum(),
            carried_bytes: self.carried_bytes,
            refused: self.refused,
        }
    }
}

/// The session to close for another one of this caller: the oldest one of the caller that has most, the new one
/// counted.
fn longest_of_fullest(waiting: &[(u64, Session)], newcomer: Option<IpAddr>) -> Option<u64> {
    let held = |caller: Option<IpAddr>| {
        let of_caller = waiting.iter().filter(|(_, session)| session.caller == caller).count();
        of_caller + usize::from(caller.is_some() && caller == newcomer)
    };
    // Of several with as many the first, which is the oldest.
    let most = waiting.iter().map(|(_, session)| held(session.caller)).max()?;
    waiting.iter().find(|(_, session)| held(session.caller) == most).map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const LIMITS: TunnelLimits =
        TunnelLimits { sessions: 2, bytes_per_second: 1_000, bytes_per_day: 100_000 };

    fn peer(n: u8) -> PeerId {
        PeerId::from_ed25519([n; 32])
    }

    fn open(tunnel_server: &mut State, n: u8, now: u64) -> Result<u64, TunnelDenied> {
        tunnel_server.open(&peer(n), None, now).map(|opened| opened.session)
    }

    fn at(n: u8) -> Option<IpAddr> {
        Some(std::net::Ipv4Addr::new(192, 0, 2, n).into())
    }

    /// A helper that gives eight sessions to a node which says who has signed in.
    fn door() -> State {
        let mut tunnel_server = State::new(Config {
            address: Some("wss://h.example".into()),
            limits: TunnelLimits { sessions: 8, ..LIMITS },
        });
        tunnel_server.ask(peer(1), NOW);
        tunnel_server.tells_logins(&peer(1), true);
        tunnel_server
    }

    fn tunnel_server() -> State {
        State::new(Config { address: Some("wss://helper.example".into()), limits: LIMITS })
    }

    #[test]
    fn only_nodes_that_asked_are_reached_and_only_for_their_time() {
        let mut tunnel_server = tunnel_server();
        assert_eq!(open(&mut tunnel_server, 1, NOW), Err(TunnelDenied::Unknown));
        let lent = tunnel_server.ask(peer(1), NOW);
        assert_eq!(lent, Lent::For { seconds: 600, address: "wss://helper.example".into() });
        assert_eq!(open(&mut tunnel_server, 1, NOW + 599), Ok(1));
        assert_eq!(open(&mut tunnel_server, 1, NOW + 600), Err(TunnelDenied::Unknown));
        assert_eq!(open(&mut tunnel_server, 2, NOW), Err(TunnelDenied::Unknown));
        let mut nothing = State::new(Config { address: None, limits: LIMITS });
        assert!(matches!(nothing.ask(peer(1), NOW), Lent::Refused { .. }));
    }

    #[test]
    fn sessions_and_nodes_are_bounded_and_make_room_when_they_end() {
        let mut tunnel_server = tunnel_server();
        tunnel_server.ask(peer(1), NOW);
        assert_eq!((open(&mut tunnel_server, 1, NOW), open(&mut tunnel_server, 1, NOW)), (Ok(1), Ok(2)));
        assert_eq!(open(&mut tunnel_server, 1, NOW), Err(TunnelDenied::Sessions));
        tunnel_server.close(1);
        tunnel_server.close(1);
        assert_eq!(open(&mut tunnel_server, 1, NOW), Ok(3));
        let granted = (2..=u8::MAX).filter(|n| matches!(tunnel_server.ask(peer(*n), NOW), Lent::For { .. }));
        assert_eq!(granted.count(), MAX_HOMES - 1);
        assert!(
            matches!(tunnel_server.ask(peer(200), NOW + 600), Lent::For { .. }),
            "the others did not ask again"
        );
        let counts = TunnelCounts { homes: 1, sessions: 2, carried_bytes: 0, refused: 1 };
        assert_eq!(tunnel_server.counts(NOW + 600), counts);
    }

    #[test]
    fn who_stays_away_for_a_while_gets_no_more_in_a_day_and_nobody_is_remembered_for_ever() {
        let mut tunnel_server = tunnel_server();
        let begin = NOW / DAY * DAY;
        tunnel_server.ask(peer(1), begin);
        let session = open(&mut tunnel_server, 1, begin).unwrap();
        assert_eq!(tunnel_server.spend(&peer(1), 100_000, 0, begin), Ok(92_000));
        tunnel_server.close(session);
        tunnel_server.ask(peer(2), begin + 700);
        tunnel_server.ask(peer(1), begin + 700);
        assert_eq!(open(&mut tunnel_server, 1, begin + 700), Err(TunnelDenied::Day));
        let others = u64::try_from(2 * MAX_REMEMBERED).unwrap();
        for number in 0..others {
            let mut name = [9; 32];
            name[..8].copy_from_slice(&number.to_be_bytes());
            let (other, now) = (PeerId::from_ed25519(name), begin + 1_400 + number / 63 * 700);
            assert!(matches!(tunnel_server.ask(other, now), Lent::For { .. }), "{number}");
            let session = tunnel_server.open(&other, None, now).unwrap().session;
            tunnel_server.spend(&other, 1, 0, now).unwrap();
            tunnel_server.close(session);
        }
        assert_eq!(tunnel_server.homes.len(), MAX_REMEMBERED);
        assert_eq!(tunnel_server.homes[&peer(1)].today, 100_000, "others have used less");
        tunnel_server.ask(peer(1), begin + DAY);
        assert!(open(&mut tunnel_server, 1, begin + DAY).is_ok());
    }

    #[test]
    fn all_sessions_together_are_bounded() {
        let limits = TunnelLimits { sessions: MAX_SESSIONS, ..LIMITS };
        let mut tunnel_server = State::new(Config { address: Some("wss://helper.example".into()), limits });
        (1..=2).for_each(|n| drop(tunnel_server.ask(peer(n), NOW)));
        assert!((0..MAX_SESSIONS).all(|_| open(&mut tunnel_server, 1, NOW).is_ok()));
        assert_eq!(open(&mut tunnel_server, 2, NOW), Err(TunnelDenied::Full));
    }

    #[test]
    fn strangers_at_the_door_make_room_the_oldest_of_the_fullest_address_first() {
        let mut tunnel_server = door();
        for _ in 0..40 {
            for address in [1, 2] {
                tunnel_server.open(&peer(1), at(address), NOW).unwrap();
            }
        }
        assert_eq!(tunnel_server.counts(NOW).sessions, 6, "two places stay free");
        let owner = tunnel_server.open(&peer(1), at(3), NOW).unwrap();
        assert!(owner.displaced.is_some());
        for _ in 0..40 {
            for address in [1, 2] {
                let opened = tunnel_server.open(&peer(1), at(address), NOW).unwrap();
                assert_ne!(opened.displaced, Some(owner.session), "those who come again displace their own");
            }
        }
        tunnel_server.signed_in(owner.session);
        for address in 10..200 {
            let opened = tunnel_server.open(&peer(1), at(address), NOW).unwrap();
            assert_ne!(opened.displaced, Some(owner.session), "who has signed in makes room for nobody");
        }
    }

    #[test]
    fn those_who_have_signed_in_get_all_places_but_not_more() {
        let mut tunnel_server = door();
        for _ in 0..8 {
            let opened = tunnel_server.open(&peer(1), at(1), NOW).unwrap();
            assert_eq!(opened.displaced, None, "one address may have them all");
            tunnel_server.signed_in(opened.session);
        }
        assert_eq!(tunnel_server.open(&peer(1), at(1), NOW), Err(TunnelDenied::Sessions));
        tunnel_server.close(3);
        assert!(tunnel_server.open(&peer(1), at(2), NOW).is_ok());
    }

    #[test]
    fn with_a_node_that_does_not_say_who_has_signed_in_nobody_makes_room() {
        let mut tunnel_server = door();
        tunnel_server.tells_logins(&peer(1), false);
        let mut open = |address| tunnel_server.open(&peer(1), at(address), NOW);
        assert!((0..4).all(|_| open(1).is_ok_and(|opened| opened.displaced.is_none())));
        assert_eq!(open(1), Err(TunnelDenied::Address), "one address gets half");
        assert!((0..4).all(|_| open(2).is_ok()));
        assert_eq!(open(3), Err(TunnelDenied::Sessions));
    }

    #[test]
    fn when_all_places_are_taken_the_door_with_most_strangers_makes_room() {
        let limits = TunnelLimits { sessions: MAX_SESSIONS, ..LIMITS };
        let mut tunnel_server = State::new(Config { address: Some("wss://helper.example".into()), limits });
        for n in 1..=2 {
            tunnel_server.ask(peer(n), NOW);
            tunnel_server.tells_logins(&peer(n), true);
        }
        for _ in 0..MAX_SESSIONS {
            let opened = open(&mut tunnel_server, 1, NOW).unwrap();
            if opened > 96 {
                tunnel_server.signed_in(opened);
            }
        }
        while tunnel_server.counts(NOW).sessions < MAX_SESSIONS {
            let opened = open(&mut tunnel_server, 1, NOW).unwrap();
            tunnel_server.signed_in(opened);
        }
        let opened = tunnel_server.open(&peer(2), at(1), NOW).unwrap();
        assert!(opened.displaced.is_some_and(|session| !tunnel_server.sessions.contains_key(&session)));
        assert_eq!(tunnel_server.counts(NOW).sessions, MAX_SESSIONS);
    }

    #[test]
    fn bytes_beyond_a_burst_wait_and_beyond_a_day_are_refused() {
        let mut tunnel_server = tunnel_server();
        tunnel_server.ask(peer(1), NOW);
        open(&mut tunnel_server, 1, NOW).unwrap();
        assert_eq!(tunnel_server.spend(&peer(1), 8_000, 0, NOW), Ok(0), "a burst");
        assert_eq!(tunnel_server.spend(&peer(1), 1_000, 0, NOW), Ok(1_000));
        assert_eq!(tunnel_server.spend(&peer(1), 1_000, 10_000, NOW), Ok(0), "paid back by waiting");
        assert_eq!(tunnel_server.spend(&peer(1), 90_000, 60_000, NOW), Ok(82_000));
        assert_eq!(tunnel_server.spend(&peer(1), 1, 600_000, NOW), Err(TunnelDenied::Day));
        assert_eq!(open(&mut tunnel_server, 1, NOW + 1), Err(TunnelDenied::Day));
        assert_eq!(tunnel_server.spend(&peer(1), 1, 600_000, NOW + DAY), Ok(0));
        let TunnelCounts { carried_bytes, refused, .. } = tunnel_server.counts(NOW);
        assert_eq!((carried_bytes, refused), (100_001, 2));
    }
}
