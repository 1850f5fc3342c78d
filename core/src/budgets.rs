//! How much of each author a node takes by gossip, and how much of that it passes on.
//!
//! A flood must end at the first node, and yet a person who writes a few lines at a time must not be delayed. So a
//! node takes more of a stranger than it passes on: the node's own owner sees all that is taken, and others get the
//! rest when they catch up. Keys cost nothing, so all strangers whom a node has known for less than a day share one
//! budget for each neighbour that brings them. See PROTOCOL.md, "Packets".

use nostrp2p_protocol::{PeerId, PublicKey};

use crate::{
    follow_graph::FollowGraph,
    known_authors::KnownAuthors,
    limit::{TokenBuckets, UNIT},
    limits::Limits,
};

/// For how many seconds nothing of an author is passed on after they went over the limit, counted from the last time.
/// An endless flood is not passed on at all beyond the first node; a person who wrote too fast once loses a minute.
const PAUSE_SECONDS: u64 = 60;

/// What the budgets allow for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// It is taken and passed on.
    PassOn,
    /// It is taken and not passed on; others get it by catching up.
    Keep,
    /// It is not taken.
    Nothing,
}

/// To whom an event is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Account {
    Author(PublicKey),
    /// All whom this node has not known for long, and of whom this neighbour brought something first.
    Newcomers(PeerId),
}

/// The budgets of all for broadcasts and deliveries.
#[derive(Debug)]
pub(crate) struct Budgets {
    limits: Limits,
    taken: TokenBuckets<Account>,
    passed_on: TokenBuckets<Account>,
    /// The budget of all strangers together.
    strangers: TokenBuckets<()>,
    /// For deliveries, which nobody passes on. It is apart, so that private events to the owner are not limited by an
    /// author's public ones.
    deliveries: TokenBuckets<Account>,
    pub(crate) people: KnownAuthors,
}

impl Budgets {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            taken: TokenBuckets::new(limits.authors),
            passed_on: TokenBuckets::new(limits.authors),
            strangers: TokenBuckets::new(1),
            deliveries: TokenBuckets::new(limits.authors),
            people: KnownAuthors::new(),
        }
    }

    /// The clock was set back.
    pub(crate) fn on_clock_back(&mut self, now: u64) {
        self.people.on_clock_back(now);
    }

    /// What the budgets would allow for an event from a neighbour.
    pub(crate) fn grant(
        &self,
        follow_graph: &FollowGraph,
        author: &PublicKey,
        from: &PeerId,
        cost: u64,
        now: u64,
    ) -> Grant {
        if follow_graph.is_close(author) {
            let holds = self.taken.holds(&Account::Author(*author), self.limits.close, cost, now);
            return if holds { Grant::PassOn } else { Grant::Nothing };
        }
        let account = self.account(author, from, now);
        // Newcomers leave half for those who have been here for long.
        let reserve = match account {
            Account::Author(_) => 0,
            Account::Newcomers(_) => u64::from(self.limits.all_strangers.burst) * UNIT / 2,
        };
        if !self.strangers.holds(&(), self.limits.all_strangers, reserve + cost, now)
            || !self.taken.holds(&account, self.limits.strangers, cost, now)
        {
            return Grant::Nothing;
        }
        let passes = self.passed_on.holds(&account, self.limits.passed_on, cost, now);
        if passes { Grant::PassOn } else { Grant::Keep }
    }

    /// Charges an event whose signature is right, and says what becomes of it.
    pub(crate) fn charge(
        &mut self,
        follow_graph: &FollowGraph,
        author: &PublicKey,
        from: &PeerId,
        cost: u64,
        now: u64,
    ) -> Grant {
        let grant = self.grant(follow_graph, author, from, cost, now);
        let (close, account) = (follow_graph.is_close(author), self.account(author, from, now));
        self.people.meet(*author, now);
        if close {
            self.taken.take(Account::Author(*author), self.limits.close, cost, now);
            return grant;
        }
        self.strangers.take((), self.limits.all_strangers, cost, now);
        self.taken.take(account, self.limits.strangers, cost, now);
        match grant {
            Grant::PassOn => drop(self.passed_on.take(account, self.limits.passed_on, cost, now)),
            Grant::Keep => self.passed_on.empty(account, now.saturating_add(PAUSE_SECONDS), now),
            Grant::Nothing => {}
        }
        grant
    }

    /// Whether an event may be handed over to the owner.
    pub(crate) fn holds_handed(
        &self,
        follow_graph: &FollowGraph,
        author: &PublicKey,
        from: &PeerId,
        cost: u64,
        now: u64,
    ) -> bool {
        let account = self.handed_account(follow_graph, author, from, now);
        self.deliveries.holds(&account, self.limits.close, cost, now)
    }

    /// Charges an event that was handed over.
    pub(crate) fn charge_handed(
        &mut self,
        follow_graph: &FollowGraph,
        author: &PublicKey,
        from: &PeerId,
        cost: u64,
        now: u64,
    ) {
        let account = self.handed_account(follow_graph, author, from, now);
        self.people.meet(*author, now);
        self.deliveries.take(account, self.limits.close, cost, now);
    }

    fn handed_account(
        &self,
        follow_graph: &FollowGraph,
        author: &PublicKey,
        from: &PeerId,
        now: u64,
    ) -> Account {
        if follow_graph.is_close(author) { Account::Author(*author) } else { self.account(author, from, now) }
    }

    fn account(&self, author: &PublicKey, from: &PeerId, now: u64) -> Account {
        if self.people.is_newcomer(author, now) {
            Account::Newcomers(*from)
        } else {
            Account::Author(*author)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known_authors::NEW_SECONDS;

    const NOW: u64 = 1_700_000_000;
    const FROM: PeerId = PeerId::from_ed25519([9; 32]);

    fn person(number: u32) -> PublicKey {
        let mut key = [1; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        PublicKey::from_bytes(key)
    }

    /// A node that is older than a day and knows the people 0 to 9.
    fn budgets() -> Budgets {
        let mut budgets = Budgets::new(Limits::default());
        budgets.people.restore(NOW - 10 * NEW_SECONDS, (0..10).map(|number| (person(number), 0)), NOW);
        budgets
    }

    /// What becomes of so many events at once: passed on, kept, not taken.
    fn send(
        budgets: &mut Budgets,
        authors: impl Iterator<Item = u32>,
        from: &PeerId,
        now: u64,
    ) -> [usize; 3] {
        let mut counts = [0; 3];
        for author in authors {
            let grant = budgets.grant(&FollowGraph::default(), &person(author), from, UNIT, now);
            if grant != Grant::Nothing {
                assert_eq!(budgets.charge(&FollowGraph::default(), &person(author), from, UNIT, now), grant);
            }
            counts[grant as usize] += 1;
        }
        counts
    }

    #[test]
    fn of_a_stranger_more_is_taken_than_passed_on() {
        let mut budgets = budgets();
        assert_eq!(send(&mut budgets, [1; 40].into_iter(), &FROM, NOW), [8, 16, 16]);
        assert_eq!(send(&mut budgets, [2; 8].into_iter(), &FROM, NOW), [8, 0, 0], "each has their own");
    }

    #[test]
    fn whoever_floods_without_end_is_soon_not_passed_on_at_all() {
        let mut budgets = budgets();
        let mut passed = 0;
        for second in 0..3_600 {
            passed += send(&mut budgets, [1; 2].into_iter(), &FROM, NOW + second)[0];
        }
        assert!(passed <= 9, "{passed} of 7,200 in an hour");
        let quiet = NOW + 3_600 + PAUSE_SECONDS + 60;
        assert!(send(&mut budgets, [1; 2].into_iter(), &FROM, quiet)[0] > 0, "after a pause it is forgotten");
    }

    #[test]
    fn somebody_who_writes_six_times_a_minute_now_and_then_is_passed_on() {
        let mut budgets = budgets();
        let counts = (0..12).map(|number| send(&mut budgets, [1; 1].into_iter(), &FROM, NOW + 10 * number));
        assert!(counts.into_iter().all(|counts| counts == [1, 0, 0]));
    }

    #[test]
    fn a_thousand_new_keys_of_one_neighbour_get_no_more_than_one_stranger() {
        let mut budgets = budgets();
        assert_eq!(send(&mut budgets, 100..1_100, &FROM, NOW), [8, 16, 976]);
        assert_eq!(send(&mut budgets, 0..10, &FROM, NOW), [10, 0, 0], "known people are not in their way");
        let other = PeerId::from_ed25519([8; 32]);
        assert_eq!(send(&mut budgets, 2_000..2_004, &other, NOW), [4, 0, 0], "nor those of other neighbours");
    }

    #[test]
    fn new_keys_of_all_neighbours_leave_half_for_known_people() {
        let mut budgets = budgets();
        let mut taken = 0;
        for neighbour in 0..100 {
            let [passed, kept, _] = send(&mut budgets, 100..200, &PeerId::from_ed25519([neighbour; 32]), NOW);
            taken += passed + kept;
        }
        let half = usize::try_from(Limits::default().all_strangers.burst / 2).unwrap();
        assert_eq!(taken, half);
        assert_eq!(send(&mut budgets, 0..10, &FROM, NOW), [10, 0, 0]);
    }
}
