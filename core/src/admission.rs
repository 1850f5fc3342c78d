//! Which of the events that others send are taken, cheapest check first.
//!
//! Order: size and shape, time window, who gets it, already seen, the author's budget; the signature comes after
//! all of these and is checked outside. A node forwards only what it admitted.

use std::collections::BTreeMap;

use nostrp2p_protocol::{EventId, Oversize, PublicKey, Rumor, limits::MAX_SECONDS_AHEAD};

use crate::{
    audience::{Audience, audience},
    recent::Recent,
};

/// The bounds of admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How old a broadcast event may be, in seconds. Default 30 days, as the store keeps.
    pub horizon_seconds: u64,
    /// Ids that are remembered. Default 20,000: about a day of a busy network, and 2 MB; a guess.
    pub recent_ids: usize,
    /// Events that one author may send in a burst. Default 60; a guess.
    pub burst: u32,
    /// Seconds after which one more event of an author is allowed. Default 10: 360 an hour; a guess.
    pub refill_seconds: u64,
    /// Authors whose budgets are remembered. Default 10,000: 1 MB. The longest silent is forgotten first.
    pub authors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            horizon_seconds: 30 * 86_400,
            recent_ids: 20_000,
            burst: 60,
            refill_seconds: 10,
            authors: 10_000,
        }
    }
}

/// Why an event is not taken although nobody did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ignored {
    /// It is here already.
    Seen,
    /// It is older than the horizon.
    TooOld,
    /// It is dated more than [`MAX_SECONDS_AHEAD`] ahead; the clock that is wrong may be ours.
    TooNew,
    /// Its author sent too much lately.
    OverBudget,
    /// It is for some people only, or for nobody, and should not have been broadcast.
    NotForEveryone,
    /// Too much is waiting for its signature check.
    Busy,
}

/// Decides on events that others broadcast, before their signature is checked.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    recent: Recent,
    declined: Recent,
    budgets: BTreeMap<PublicKey, Budget>,
    /// Authors by the time of their last event, so that the longest silent is found at once.
    silent: std::collections::BTreeSet<(u64, PublicKey)>,
}

/// A token bucket: `tokens` at the second `since`.
#[derive(Debug, Clone, Copy)]
struct Budget {
    tokens: u32,
    since: u64,
    last: u64,
}

impl Admission {
    /// Begins with nothing seen.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            recent: Recent::new(limits.recent_ids),
            declined: Recent::new(limits.recent_ids),
            budgets: BTreeMap::new(),
            silent: std::collections::BTreeSet::new(),
        }
    }

    /// Whether a broadcast event is worth a signature check.
    ///
    /// # Errors
    /// `Err(Ok(..))` is to be ignored, `Err(Err(..))` is the sender's fault.
    pub fn check(&mut self, id: &EventId, rumor: &Rumor, now: u64) -> Result<(), Result<Ignored, Oversize>> {
        rumor.check_shape().map_err(Err)?;
        self.unwanted(id, rumor, now).map_or(Ok(()), |ignored| Err(Ok(ignored)))
    }

    /// The same for an event that another node hands over because it is for the owner. That it was seen before does
    /// not matter here: the sender wants to know that it is stored.
    ///
    /// # Errors
    /// As [`Admission::check`].
    pub fn check_handed(&self, rumor: &Rumor, now: u64) -> Result<(), Result<Ignored, Oversize>> {
        rumor.check_shape().map_err(Err)?;
        let ignored = self.out_of_time(rumor, now).or_else(|| self.over_budget(rumor, now));
        ignored.map_or(Ok(()), |ignored| Err(Ok(ignored)))
    }

    /// The rule for events that come by catching up. It depends on nothing but the event and the time, so that all nodes
    /// come to hold the same: neither budgets nor what was seen before count.
    ///
    /// # Errors
    /// As [`Admission::check`].
    pub fn check_shared(&self, rumor: &Rumor, now: u64) -> Result<(), Result<Ignored, Oversize>> {
        rumor.check_shape().map_err(Err)?;
        let ignored = self.out_of_time(rumor, now).or_else(|| not_for_everyone(rumor));
        ignored.map_or(Ok(()), |ignored| Err(Ok(ignored)))
    }

    /// Whether an event has come already, or need not come again.
    pub fn knows(&self, id: &EventId) -> bool {
        self.recent.contains(id) || self.declined.contains(id)
    }

    /// Remembers an event that the shared rule refuses, so that it is not fetched again.
    pub fn decline(&mut self, id: EventId) {
        self.declined.insert(id);
    }

    /// Remembers an event whose signature was right, and charges its author.
    ///
    /// Only now: otherwise a stranger could use up an author's budget, or hide an event by its id, with forgeries.
    pub fn admit(&mut self, id: EventId, author: PublicKey, now: u64) {
        self.recent.insert(id);
        let mut budget = self.budget(&author, now);
        self.silent.remove(&(budget.last, author));
        budget.tokens = budget.tokens.saturating_sub(1);
        budget.last = now;
        self.budgets.insert(author, budget);
        self.silent.insert((now, author));
        while self.budgets.len() > self.limits.authors {
            let Some((_, longest)) = self.silent.pop_first() else {
                break;
            };
            self.budgets.remove(&longest);
        }
    }

    /// Remembers an own event, which needs no budget.
    pub fn remember(&mut self, id: EventId) {
        self.recent.insert(id);
    }

    fn unwanted(&self, id: &EventId, rumor: &Rumor, now: u64) -> Option<Ignored> {
        if let Some(ignored) = self.out_of_time(rumor, now) {
            return Some(ignored);
        }
        if let Some(ignored) = not_for_everyone(rumor) {
            return Some(ignored);
        }
        if self.recent.contains(id) {
            return Some(Ignored::Seen);
        }
        self.over_budget(rumor, now)
    }

    fn out_of_time(&self, rumor: &Rumor, now: u64) -> Option<Ignored> {
        if rumor.created_at > now.saturating_add(MAX_SECONDS_AHEAD) {
            return Some(Ignored::TooNew);
        }
        (rumor.created_at < now.saturating_sub(self.limits.horizon_seconds)).then_some(Ignored::TooOld)
    }

    fn over_budget(&self, rumor: &Rumor, now: u64) -> Option<Ignored> {
        (self.budget(&rumor.pubkey, now).tokens == 0).then_some(Ignored::OverBudget)
    }

    /// The author's budget after what time has refilled.
    fn budget(&self, author: &PublicKey, now: u64) -> Budget {
        let Some(mut budget) = self.budgets.get(author).copied() else {
            return Budget { tokens: self.limits.burst, since: now, last: now };
        };
        let refilled = now.saturating_sub(budget.since) / self.limits.refill_seconds.max(1);
        budget.since += refilled * self.limits.refill_seconds.max(1);
        let refilled = u32::try_from(refilled).unwrap_or(u32::MAX);
        budget.tokens = budget.tokens.saturating_add(refilled).min(self.limits.burst);
        budget
    }
}

/// Whether a deletion's targets were for everyone only its author's node can say.
fn not_for_everyone(rumor: &Rumor) -> Option<Ignored> {
    let shared = matches!(audience(rumor), Audience::Everyone | Audience::AsTargets);
    (!shared).then_some(Ignored::NotForEveryone)
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{Draft, Kind, Tag};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn rumor(number: u64, author: u8) -> Rumor {
        let draft = Draft { created_at: NOW, kind: Kind::POST, tags: vec![], content: number.to_string() };
        draft.by(PublicKey::from_bytes([author; 32]))
    }

    fn admission() -> Admission {
        Admission::new(Limits { burst: 3, refill_seconds: 10, authors: 2, ..Limits::default() })
    }

    #[track_caller]
    fn check(rumor: &Rumor, expected: Result<(), Ignored>) {
        assert_eq!(admission().check(&rumor.id(), rumor, NOW), expected.map_err(Ok));
    }

    #[test]
    fn the_time_window_is_half_open_to_nobody() {
        check(&Rumor { created_at: NOW + 900, ..rumor(0, 1) }, Ok(()));
        check(&Rumor { created_at: NOW + 901, ..rumor(0, 1) }, Err(Ignored::TooNew));
        check(&Rumor { created_at: NOW - 30 * 86_400, ..rumor(0, 1) }, Ok(()));
        check(&Rumor { created_at: NOW - 30 * 86_400 - 1, ..rumor(0, 1) }, Err(Ignored::TooOld));
    }

    #[test]
    fn what_is_not_for_everyone_is_not_passed_on() {
        let reply = Rumor { tags: vec![Tag::new(["p", &"ab".repeat(32)])], ..rumor(0, 1) };
        check(&reply, Err(Ignored::NotForEveryone));
        check(&Rumor { kind: Kind::FOLLOW_LIST, ..rumor(0, 1) }, Err(Ignored::NotForEveryone));
    }

    #[test]
    fn an_oversize_event_is_the_senders_fault() {
        let rumor = Rumor { content: "x".repeat(70_000), ..rumor(0, 1) };
        assert_eq!(admission().check(&rumor.id(), &rumor, NOW), Err(Err(Oversize::Bytes)));
    }

    #[test]
    fn an_author_spends_a_burst_and_gets_it_back_with_time() {
        let mut admission = admission();
        for number in 0..3 {
            let rumor = rumor(number, 1);
            assert_eq!(admission.check(&rumor.id(), &rumor, NOW), Ok(()));
            admission.admit(rumor.id(), rumor.pubkey, NOW);
        }
        let fourth = rumor(4, 1);
        assert_eq!(admission.check(&fourth.id(), &fourth, NOW + 9), Err(Ok(Ignored::OverBudget)));
        assert_eq!(admission.check(&fourth.id(), &fourth, NOW + 10), Ok(()));
        let other = rumor(4, 2);
        assert_eq!(admission.check(&other.id(), &other, NOW), Ok(()));
        assert_eq!(admission.check(&rumor(0, 1).id(), &rumor(0, 1), NOW + 100), Err(Ok(Ignored::Seen)));
    }

    #[test]
    fn the_table_of_budgets_stays_bounded() {
        let mut admission = admission();
        for author in 0..50 {
            let rumor = rumor(0, author);
            admission.admit(rumor.id(), rumor.pubkey, NOW + u64::from(author));
        }
        assert_eq!((admission.budgets.len(), admission.silent.len()), (2, 2));
    }
}
