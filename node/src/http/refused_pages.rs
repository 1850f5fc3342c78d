//! Web pages that were refused for their `Origin`: browsers hide the answer from the page, so the person who runs the node
//! is told, by the log and by `status`, and what to do if it was their own program.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use nostrp2p_protocol::normal_origin;

/// Origins that are remembered; an entry is below 400 bytes. Nobody uses more web programs that are refused.
const MAX_PAGES: usize = 32;
/// How long an origin is remembered at least that may make room for another, in seconds. So a page with names without end
/// writes so many lines a day into the log and no more.
const KEPT_SECONDS: u64 = 86_400;
/// The `Origin` of a page that has none: a file, a frame in a sandbox.
const NONE: &str = "null";
/// Longest origin that is remembered, in bytes: a name of the DNS with its scheme and port.
const MAX_ORIGIN_BYTES: usize = 300;

/// The pages that were refused lately. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusedPages(Arc<Mutex<BTreeMap<String, Refused>>>);

#[derive(Debug, Clone, Copy)]
struct Refused {
    times: u64,
    last: u64,
}

impl RefusedPages {
    /// Counts a refusal, and logs the first of an origin. `now` in seconds since 1970.
    pub(super) fn count(&self, origin: &str, now: u64) {
        let Some(origin) = normal_origin(origin).or_else(|| (origin == NONE).then(|| NONE.to_owned())) else {
            return;
        };
        if origin.len() <= MAX_ORIGIN_BYTES && self.is_new(&origin, now) {
            tracing::info!(origin, "refused a web page; {}", advice(&origin));
        }
    }

    fn is_new(&self, origin: &str, now: u64) -> bool {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = pages.get_mut(origin) {
            *refused = Refused { times: refused.times.saturating_add(1), last: now };
            return false;
        }
        if pages.len() >= MAX_PAGES {
            pages.retain(|_, refused| refused.last.saturating_add(KEPT_SECONDS) > now && refused.last <= now);
        }
        let room = pages.len() < MAX_PAGES;
        if room {
            pages.insert(origin.to_owned(), Refused { times: 1, last: now });
        }
        room
    }

    /// How often each was refused.
    pub(super) fn all(&self) -> BTreeMap<String, u64> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.iter().map(|(origin, refused)| (origin.clone(), refused.times)).collect()
    }
}

/// What to do so that a page is let in.
pub(crate) fn advice(origin: &str) -> String {
    match origin {
        NONE => "it has no origin (a file, or a frame in a sandbox): serve it from a web address".to_owned(),
        origin => format!("if you trust that site, start the node with --allow-origin {origin}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn each_origin_is_told_once_and_counted_in_its_normal_form() {
        let pages = RefusedPages::default();
        assert!(pages.is_new("https://page.example", NOW) && !pages.is_new("https://page.example", NOW));
        for origin in ["https://PAGE.example:443", "null", "no origin", ""] {
            pages.count(origin, NOW);
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
            pages.count(&format!("https://{number}.example"), NOW);
        }
        assert_eq!(pages.all().len(), MAX_PAGES);
        assert!(!pages.is_new("https://late.example", NOW + KEPT_SECONDS - 1));
        assert!(pages.is_new("https://late.example", NOW + KEPT_SECONDS));
        assert_eq!(pages.all().len(), 1);
    }
}
