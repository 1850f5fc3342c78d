//! Limits for each origin of clients: WebSocket sessions, rows read for guests, and failed logins.
//!
//! An origin is an IPv4 address, or the first 64 bits of an IPv6 address, which is what one household has. Behind a
//! proxy on this machine it is the address in the proxy's `X-Forwarded-For`; that header is ignored from anywhere
//! else. This machine itself has only the limit for all. A login is a signature and cannot be guessed, so a correct
//! one is accepted whatever others at the same origin did; the limits bound the work and the log lines that failed
//! ones cost.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use axum::http::HeaderMap;
use nostrp2p_core::{Rate, TokenBuckets, UNIT};
use nostrp2p_protocol::PeerId;

/// Sessions at a time from one origin: a household's devices, each with a tab or two.
const MAX_SESSIONS: u32 = 16;
/// Logins that may fail from one origin: ten at once, then one in half a minute.
const FAILED_LOGINS: Rate = Rate { burst: 10, per_hour: 120 };
/// Rows of the store that one question of a guest may read: a fifth of a full store, and some 100 ms. A search looks at as
/// many of the newest events.
pub(crate) const GUEST_QUESTION_ROWS: u32 = 20_000;
/// Rows for all questions of guests from one origin: seconds of work at once, and 0.3 % of an hour. A guess.
const GUEST_ROWS: Rate = Rate { burst: 200_000, per_hour: 2_000_000 };
/// Origins of which it is remembered what they have used up; beyond it the longest silent are forgotten.
const MAX_ORIGINS: usize = 1_024;

/// The answer to a client whose origin has reached its limit of sessions.
pub(super) fn too_many() -> String {
    format!("Too many sessions from your address (limit {MAX_SESSIONS}); close one and try again.\n")
}

/// The origin of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ClientOrigin {
    /// On this machine, or unknown.
    Here,
    /// Elsewhere.
    Network(IpAddr),
    /// Behind a helper, who knows more.
    Helper(PeerId),
}

/// The address that a connection came from; `serve` puts it into each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source(pub(crate) SocketAddr);

impl ClientOrigin {
    /// The origin of a request.
    pub(crate) fn of(source: Option<Source>, headers: &HeaderMap) -> Self {
        let Some(Source(address)) = source else { return Self::Here };
        let address = address.ip().to_canonical();
        if !address.is_loopback() {
            return Self::network(address);
        }
        // The last one is what the proxy on this machine saw; those before it are what it was told.
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next());
        match last.and_then(|text| text.trim().parse::<IpAddr>().ok()) {
            Some(address) if !address.to_canonical().is_loopback() => Self::network(address.to_canonical()),
            _ => Self::Here,
        }
    }

    /// The address or network that is counted; None where everybody is the same.
    pub(crate) const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Network(address) => Some(address),
            Self::Here | Self::Helper(_) => None,
        }
    }

    fn network(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Network(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::Network(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
        }
    }
}

/// The usage of each origin. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct ClientLimits(Arc<Tables>);

#[derive(Debug)]
struct Tables {
    /// Of origins with open sessions, so there are no more than sessions.
    sessions: Mutex<BTreeMap<ClientOrigin, u32>>,
    failed_logins: Mutex<TokenBuckets<ClientOrigin>>,
    rows: Mutex<TokenBuckets<ClientOrigin>>,
    /// From when the seconds of `failed_logins` are counted.
    began: Instant,
}

/// The budget of reads for the guests at an origin, whatever sessions they have.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    limits: ClientLimits,
    origin: ClientOrigin,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self(Arc::new(Tables {
            sessions: Mutex::default(),
            failed_logins: Mutex::new(TokenBuckets::new(MAX_ORIGINS)),
            rows: Mutex::new(TokenBuckets::new(MAX_ORIGINS)),
            began: Instant::now(),
        }))
    }
}

impl Allowance {
    /// Whether a question may be answered now. Its rows are put aside, until [`Allowance::settle`] says how many it took.
    pub(crate) fn put_aside(&self, now: u64) -> bool {
        let rows = u64::from(GUEST_QUESTION_ROWS).saturating_mul(UNIT);
        lock(&self.limits.0.rows).take_whole(self.origin, GUEST_ROWS, rows, now)
    }

    /// Gives back what a question has not taken.
    pub(crate) fn settle(&self, read: usize, now: u64) {
        let unused = u64::from(GUEST_QUESTION_ROWS).saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        lock(&self.limits.0.rows).give_back(self.origin, GUEST_ROWS, unused.saturating_mul(UNIT), now);
    }
}

/// A session that counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    limits: ClientLimits,
    origin: ClientOrigin,
}

impl ClientLimits {
    /// The budget of reads for the guests at an origin.
    pub(crate) fn allowance(&self, origin: ClientOrigin) -> Allowance {
        Allowance { limits: self.clone(), origin }
    }

    /// Counts a session; None when there are too many from this origin.
    pub(crate) fn enter(&self, origin: ClientOrigin) -> Option<Visit> {
        let mut sessions = lock(&self.0.sessions);
        let here = sessions.entry(origin).or_default();
        if origin != ClientOrigin::Here && *here >= MAX_SESSIONS {
            return None;
        }
        *here += 1;
        Some(Visit { limits: self.clone(), origin })
    }
}

impl Visit {
    /// The origin of this client.
    pub(crate) const fn origin(&self) -> ClientOrigin {
        self.origin
    }

    /// The address or network from which it has come; None where everybody is the same.
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        self.origin.address()
    }

    /// The budget of reads for the guests at this origin.
    pub(crate) fn allowance(&self) -> Allowance {
        self.limits.allowance(self.origin)
    }

    /// Counts a login that has failed; says whether there were too many from this origin.
    pub(crate) fn failed_login(&self, now: Instant) -> bool {
        let seconds = now.saturating_duration_since(self.limits.0.began).as_secs();
        !lock(&self.limits.0.failed_logins).take(self.origin, FAILED_LOGINS, UNIT, seconds)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut sessions = lock(&self.limits.0.sessions);
        if let Some(here) = sessions.get_mut(&self.origin) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                sessions.remove(&self.origin);
            }
        }
    }
}

/// After a panic the count is no worse than before.
fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn place(source: &str, forwarded: &[&str]) -> ClientOrigin {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        ClientOrigin::of(Some(Source(source.parse().unwrap())), &headers)
    }

    fn network(address: &str) -> ClientOrigin {
        ClientOrigin::Network(address.parse().unwrap())
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        assert_eq!(place("127.0.0.1:5", &[]), ClientOrigin::Here);
        assert_eq!(place("[::1]:5", &["nonsense"]), ClientOrigin::Here);
        assert_eq!(place("127.0.0.1:5", &["192.0.2.1"]), network("192.0.2.1"));
        assert_eq!(place("127.0.0.1:5", &["198.51.100.9", "203.0.113.9, 192.0.2.1"]), network("192.0.2.1"));
        assert_eq!(place("192.0.2.7:5", &["192.0.2.1"]), network("192.0.2.7"));
        assert_eq!(place("[::ffff:192.0.2.7]:5", &[]), network("192.0.2.7"));
        assert_eq!(place("[2001:db8:1:2:3:4:5:6]:5", &[]), network("2001:db8:1:2::"));
    }

    #[test]
    fn one_place_takes_its_share_of_the_sessions_and_no_more() {
        let client_limits = ClientLimits::default();
        let there = network("192.0.2.1");
        let mut visits: Vec<_> = (0..MAX_SESSIONS).map(|_| client_limits.enter(there).unwrap()).collect();
        assert!(client_limits.enter(there).is_none());
        assert!(client_limits.enter(network("192.0.2.2")).is_some());
        visits.pop();
        assert!(client_limits.enter(there).is_some(), "one has left");
        let here: Vec<_> = (0..100).filter_map(|_| client_limits.enter(ClientOrigin::Here)).collect();
        assert_eq!(here.len(), 100);
        drop((visits, here));
        assert!(lock(&client_limits.0.sessions).is_empty());
    }

    #[test]
    fn what_is_read_for_guests_counts_by_place_and_not_by_session() {
        let client_limits = ClientLimits::default();
        let there = network("192.0.2.1");
        let allowance = || client_limits.enter(there).unwrap().allowance();
        let most = GUEST_ROWS.burst / GUEST_QUESTION_ROWS;
        assert!((0..most).all(|_| allowance().put_aside(100)));
        assert!(!allowance().put_aside(100));
        assert!(client_limits.allowance(network("192.0.2.2")).put_aside(100), "others have their own");
        allowance().settle(5, 100);
        assert!(!allowance().put_aside(100), "five rows are missing");
        allowance().settle(GUEST_QUESTION_ROWS as usize - 5, 100);
        assert!(allowance().put_aside(100));
        assert!(allowance().put_aside(100 + 3_600), "an hour brings them back");
    }

    #[test]
    fn failures_are_forgiven_one_after_the_other() {
        let (client_limits, now) = (ClientLimits::default(), Instant::now());
        let fail = |origin, seconds| {
            client_limits.enter(origin).unwrap().failed_login(now + Duration::from_secs(seconds))
        };
        let there = network("192.0.2.1");
        assert!((0..FAILED_LOGINS.burst).all(|_| !fail(there, 1)));
        assert!(fail(there, 1) && fail(there, 1));
        assert!(!fail(network("192.0.2.2"), 1), "others are not held up");
        assert!(!fail(there, 32) && fail(there, 32), "one more after half a minute");
        assert!(!fail(there, 3_000));
    }

    #[test]
    fn only_origins_with_sessions_are_counted_and_failures_are_bounded() {
        let (client_limits, now) = (ClientLimits::default(), Instant::now());
        let stays = client_limits.enter(network("192.0.2.1")).unwrap();
        for number in 0..2 * u16::try_from(MAX_ORIGINS).unwrap() {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0, number, 0, 0, 0, 0);
            client_limits.enter(ClientOrigin::network(address.into())).unwrap().failed_login(now);
        }
        assert_eq!(lock(&client_limits.0.sessions).keys().collect::<Vec<_>>(), [&stays.origin]);
    }
}
