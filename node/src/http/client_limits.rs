//! From where clients come, and what each place may take: WebSocket sessions, and logins that fail.
//!
//! A place is an address of the network: an IPv4 address, or the first 64 bits of an IPv6 address, which is what one
//! household has. Behind a proxy on this machine it is what the proxy says in `X-Forwarded-For`; from anywhere else that
//! header is not believed. This machine itself has no limit but the one for all.
//! A login is a signature and cannot be guessed, so whoever signs rightly is let in whatever others did from the same
//! place; what is bounded is the work and the log that the others cost.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::http::HeaderMap;
use nostrp2p_core::{Buckets, Rate, UNIT};
use nostrp2p_protocol::PeerId;

/// Sessions at a time from one place: a household's devices, each with a tab or two.
const MAX_SESSIONS: u32 = 16;
/// Logins that may fail at once from one place.
const MAX_FAILURES: u32 = 10;
/// How long it takes until one more may fail.
const ONE_MORE_AFTER: Duration = Duration::from_secs(30);
/// Rows of the store that one question of a guest may read: a fifth of a full store, and some 100 ms. A search looks at as
/// many of the newest events.
pub(crate) const GUEST_QUESTION_ROWS: u32 = 20_000;
/// Rows for all questions of guests from one place: seconds of work at once, and 0.3 % of an hour. A guess.
const GUEST_ROWS: Rate = Rate { burst: 200_000, per_hour: 2_000_000 };
/// Places that are remembered. Beyond it those go that have no session and whose last failure is the oldest.
const MAX_PLACES: usize = 1_024;

/// Where a client is.
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
    /// Where a request comes from.
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

/// What is going on from each place. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct ClientLimits(
    Arc<Mutex<BTreeMap<ClientOrigin, ClientUsage>>>,
    Arc<Mutex<Buckets<ClientOrigin>>>,
);

/// What may be read for the guests at a place, whatever sessions they have.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    rows: Arc<Mutex<Buckets<ClientOrigin>>>,
    place: ClientOrigin,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self(Arc::default(), Arc::new(Mutex::new(Buckets::new(MAX_PLACES))))
    }
}

impl Allowance {
    /// Whether a question may be answered now. Its rows are put aside, until [`Allowance::settle`] says how many it took.
    pub(crate) fn put_aside(&self, now: u64) -> bool {
        let mut rows = self.rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rows.take_whole(self.place, GUEST_ROWS, u64::from(GUEST_QUESTION_ROWS).saturating_mul(UNIT), now)
    }

    /// Gives back what a question has not taken.
    pub(crate) fn settle(&self, read: usize, now: u64) {
        let unused = u64::from(GUEST_QUESTION_ROWS).saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        let mut rows = self.rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rows.give_back(self.place, GUEST_ROWS, unused.saturating_mul(UNIT), now);
    }
}

#[derive(Debug)]
struct ClientUsage {
    sessions: u32,
    /// How many of [`MAX_FAILURES`] are used up, as of `since`.
    failures: u32,
    since: Instant,
}

/// A session that counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    client_limits: ClientLimits,
    place: ClientOrigin,
}

impl ClientLimits {
    /// What may be read for the guests at a place.
    pub(crate) fn allowance(&self, place: ClientOrigin) -> Allowance {
        Allowance { rows: Arc::clone(&self.1), place }
    }

    /// Counts a session; None when there are too many from this place.
    pub(crate) fn enter(&self, place: ClientOrigin, now: Instant) -> Option<Visit> {
        self.with(place, now, |visits| {
            if place != ClientOrigin::Here && visits.sessions >= MAX_SESSIONS {
                return None;
            }
            visits.sessions += 1;
            Some(())
        })?;
        Some(Visit { client_limits: self.clone(), place })
    }

    fn with<T>(&self, place: ClientOrigin, now: Instant, act: impl FnOnce(&mut ClientUsage) -> T) -> T {
        // What a panic left behind is a count, and no worse than before.
        let mut places = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if places.len() >= MAX_PLACES && !places.contains_key(&place) {
            let idle = places.iter().filter(|(_, visits)| visits.sessions == 0);
            let oldest = idle.min_by_key(|(_, visits)| visits.since).map(|(place, _)| *place);
            // All of them have sessions: there are far fewer sessions than places, so this does not happen.
            oldest.map(|oldest| places.remove(&oldest));
        }
        let visits = places.entry(place).or_insert(ClientUsage { sessions: 0, failures: 0, since: now });
        visits.recover(now);
        act(visits)
    }
}

impl Visit {
    /// What may be read for the guests where this one is.
    pub(crate) fn allowance(&self) -> Allowance {
        self.client_limits.allowance(self.place)
    }

    /// Counts a login that has failed; says whether there were too many from this place.
    pub(crate) fn failed_login(&self, now: Instant) -> bool {
        self.client_limits.with(self.place, now, |visits| {
            if visits.failures == 0 {
                visits.since = now;
            }
            visits.failures = visits.failures.saturating_add(1).min(MAX_FAILURES + 1);
            visits.failures > MAX_FAILURES
        })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut places = self.client_limits.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(visits) = places.get_mut(&self.place) {
            visits.sessions = visits.sessions.saturating_sub(1);
            if visits.sessions == 0 && visits.failures == 0 {
                places.remove(&self.place);
            }
        }
    }
}

impl ClientUsage {
    /// Gives back what time has given back.
    fn recover(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_secs() / ONE_MORE_AFTER.as_secs();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        if passed > 0 {
            self.failures = self.failures.saturating_sub(passed);
            self.since += ONE_MORE_AFTER.saturating_mul(passed);
        }
    }
}

#[cfg(test)]
mod tests {
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
        let (client_limits, now) = (ClientLimits::default(), Instant::now());
        let there = network("192.0.2.1");
        let mut visits: Vec<_> =
            (0..MAX_SESSIONS).map(|_| client_limits.enter(there, now).unwrap()).collect();
        assert!(client_limits.enter(there, now).is_none());
        assert!(client_limits.enter(network("192.0.2.2"), now).is_some());
        visits.pop();
        assert!(client_limits.enter(there, now).is_some(), "one has left");
        let here: Vec<_> = (0..100).filter_map(|_| client_limits.enter(ClientOrigin::Here, now)).collect();
        assert_eq!(here.len(), 100);
        drop((visits, here));
        assert!(client_limits.0.lock().unwrap().is_empty());
    }

    #[test]
    fn what_is_read_for_guests_counts_by_place_and_not_by_session() {
        let (client_limits, now) = (ClientLimits::default(), Instant::now());
        let there = network("192.0.2.1");
        let allowance = || client_limits.enter(there, now).unwrap().allowance();
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
        let fail = |place, now| client_limits.enter(place, now).unwrap().failed_login(now);
        let there = network("192.0.2.1");
        assert!((0..MAX_FAILURES).all(|_| !fail(there, now)));
        assert!(fail(there, now) && fail(there, now));
        assert!(!fail(network("192.0.2.2"), now), "others are not held up");
        let later = now + ONE_MORE_AFTER * 2;
        assert!(!fail(there, later));
        assert!(fail(there, later));
        assert!(!fail(there, now + ONE_MORE_AFTER * 100));
    }

    #[test]
    fn places_are_bounded_and_those_with_sessions_stay() {
        let (client_limits, now) = (ClientLimits::default(), Instant::now());
        let stays = client_limits.enter(network("192.0.2.1"), now).unwrap();
        for number in 0..2 * MAX_PLACES {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0, u16::try_from(number).unwrap(), 0, 0, 0, 0);
            client_limits.enter(ClientOrigin::network(address.into()), now).unwrap().failed_login(now);
        }
        let places = client_limits.0.lock().unwrap();
        assert!(places.len() <= MAX_PLACES && places.contains_key(&stays.place));
        drop(places);
    }
}
