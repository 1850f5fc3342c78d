//! Web pages that were refused for their `Origin`. Browsers hide the answer from the page, so the log and `status`
//! tell the operator, and the page asks the owner: see [`crate::permissions`].

use std::{collections::BTreeMap, sync::Arc};

use nostrp2p_protocol::normal_origin;
use tokio::sync::watch;

use super::client_limits::ClientOrigin;

/// Origins that are remembered; an entry is below 400 bytes. Nobody uses more web programs that are refused.
const MAX_PAGES: usize = 32;
/// How long an origin is kept at least before another one may replace it, in seconds. So a client with endless
/// invented origins writes only so many lines a day into the log.
const KEPT_SECONDS: u64 = 86_400;
/// The `Origin` of a page that has none: a file, a frame in a sandbox.
const NONE: &str = "null";
/// Longest origin that is remembered, in bytes: a name of the DNS with its scheme and port.
const MAX_ORIGIN_BYTES: usize = 300;

/// The pages that were refused lately. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusedPages(Arc<watch::Sender<BTreeMap<String, Refused>>>);

#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    times: u64,
    last: u64,
    /// The origin of the last client. A client can invent the header, so the owner is asked only about pages that
    /// were refused where the owner is.
    from: ClientOrigin,
}

/// Drops the origin that was refused longest ago of the client that has invented most of them, unless that is this client.
fn make_room(pages: &mut BTreeMap<String, Refused>, from: ClientOrigin) -> bool {
    let of = |client: ClientOrigin| pages.values().filter(move |refused| refused.from == client);
    let fullest = pages.values().map(|refused| refused.from).max_by_key(|client| of(*client).count());
    let oldest = fullest.filter(|client| *client != from).and_then(|client| {
        let its = pages.iter().filter(|(_, refused)| refused.from == client);
        its.min_by_key(|(_, refused)| refused.last).map(|(origin, _)| origin.clone())
    });
    oldest.and_then(|origin| pages.remove(&origin)).is_some()
}

impl RefusedPages {
    /// Counts a refusal, and logs the first of an origin. `now` in seconds since 1970.
    pub(super) fn count(&self, origin: &str, from: ClientOrigin, now: u64) {
        let Some(origin) = normal_origin(origin).or_else(|| (origin == NONE).then(|| NONE.to_owned())) else {
            return;
        };
        if origin.len() <= MAX_ORIGIN_BYTES && self.is_new(&origin, from, now) {
            tracing::info!(origin, "refused a web page; {}", advice(&origin));
        }
    }

    /// Whether an origin is to be logged: it is new, and replaces no other.
    fn is_new(&self, origin: &str, from: ClientOrigin, now: u64) -> bool {
        let mut new = false;
        self.0.send_if_modified(|pages| {
            if let Some(refused) = pages.get_mut(origin) {
                // Whoever invents the same origin elsewhere takes no question away from the owner.
                let from = if refused.from == ClientOrigin::Here { refused.from } else { from };
                let moved = refused.from != from;
                *refused = Refused { times: refused.times.saturating_add(1), last: now, from };
                return moved;
            }
            if pages.len() >= MAX_PAGES {
                pages.retain(|_, refused| {
                    refused.last.saturating_add(KEPT_SECONDS) > now && refused.last <= now
                });
            }
            new = pages.len() < MAX_PAGES;
            let room = new || make_room(pages, from);
            if room {
                pages.insert(origin.to_owned(), Refused { times: 1, last: now, from });
            }
            room
        });
        new
    }

    /// How often each was refused.
    pub(super) fn all(&self) -> BTreeMap<String, u64> {
        self.0.borrow().iter().map(|(origin, refused)| (origin.clone(), refused.times)).collect()
    }

    /// The origins whose last refused client was on this machine or `here`.
    pub(super) fn at(&self, here: ClientOrigin) -> Vec<String> {
        let near = |from: ClientOrigin| from == ClientOrigin::Here || from == here;
        let pages = self.0.borrow();
        let pages = pages.iter().filter(|(origin, refused)| *origin != NONE && near(refused.from));
        pages.map(|(origin, _)| origin.clone()).collect()
    }

    /// Forgets an origin that is refused no more.
    pub(super) fn forget(&self, origin: &str) {
        self.0.send_if_modified(|pages| pages.remove(origin).is_some());
    }

    /// Tells when there is a new one.
    pub(super) fn subscribe(&self) -> watch::Receiver<BTreeMap<String, Refused>> {
        self.0.subscribe()
    }
}

/// How to let a page in.
pub(crate) fn advice(origin: &str) -> String {
    match origin {
        NONE => "it has no origin (a file, or a frame in a sandbox): serve it from a web address".to_owned(),
        origin => format!(
            "if you trust that site, allow it under Settings in the page of your node, or start the node with \
             --allow-origin {origin}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const HERE: ClientOrigin = ClientOrigin::Here;

    #[test]
    fn each_origin_is_told_once_and_counted_in_its_normal_form() {
        let pages = RefusedPages::default();
        let is_new = || pages.is_new("https://page.example", HERE, NOW);
        assert!(is_new() && !is_new());
        for origin in ["https://PAGE.example:443", "null", "no origin", ""] {
            pages.count(origin, HERE, NOW);
        }
        let expected = [("https://page.example".to_owned(), 3), (NONE.to_owned(), 1)];
        assert_eq!(pages.all(), expected.into());
        assert!(advice("https://page.example").contains("--allow-origin https://page.example"));
        assert!(!advice(NONE).contains("--allow"), "no flag lets it in");
    }

    #[test]
    fn the_table_is_bounded_and_makes_room_after_a_day() {
        let pages = RefusedPages::default();
        for number in 0..1_000 {
            pages.count(&format!("https://{number}.example"), HERE, NOW);
        }
        assert_eq!(pages.all().len(), MAX_PAGES);
        assert!(!pages.is_new("https://late.example", HERE, NOW + KEPT_SECONDS - 1));
        assert!(pages.is_new("https://late.example", HERE, NOW + KEPT_SECONDS));
        assert_eq!(pages.all().len(), 1);
    }

    #[test]
    fn what_a_stranger_invents_takes_no_question_away_from_the_owner() {
        let pages = RefusedPages::default();
        let stranger = ClientOrigin::Network("203.0.113.2".parse().unwrap());
        for number in 0..1_000 {
            pages.count(&format!("https://{number}.example"), stranger, NOW);
        }
        assert!(!pages.is_new("https://mine.example", HERE, NOW), "a flood fills no log");
        pages.count("https://mine.example", stranger, NOW);
        assert_eq!(pages.at(HERE), ["https://mine.example"]);
        assert_eq!(pages.all().len(), MAX_PAGES);
    }

    #[test]
    fn the_owner_is_asked_about_pages_that_were_refused_where_the_owner_is() {
        let pages = RefusedPages::default();
        let [owner, stranger] =
            ["203.0.113.1", "203.0.113.2"].map(|ip| ClientOrigin::Network(ip.parse().unwrap()));
        let mut news = pages.subscribe();
        for (origin, from) in [
            ("https://a.example", owner),
            ("https://b.example", stranger),
            ("https://c.example", HERE),
            ("null", HERE),
        ] {
            pages.count(origin, from, NOW);
            assert!(news.has_changed().unwrap(), "{origin}");
            news.mark_unchanged();
        }
        assert_eq!(pages.at(owner), ["https://a.example", "https://c.example"]);
        assert_eq!(pages.at(HERE), ["https://c.example"]);
        pages.count("https://b.example", stranger, NOW);
        assert!(!news.has_changed().unwrap(), "it is known");
        pages.count("https://b.example", owner, NOW);
        assert!(news.has_changed().unwrap());
        assert_eq!(pages.at(owner).len(), 3);
        pages.forget("https://b.example");
        assert_eq!(pages.at(owner).len(), 2);
    }
}
