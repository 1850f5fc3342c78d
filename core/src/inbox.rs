//! The inbox: events for the owner that people without a node write to the owner's relay (NIP-65's read relay,
//! NIP-17's relay for direct messages).
//!
//! It decides which events the node takes, and how many of each sender; `event_policy` decides who may see them. Keys
//! cost nothing, and gift wraps are signed by throwaway keys, so strangers count by their address. People who are
//! close to the owner have budgets of their own, by the key that signed the event or the login.

use std::net::IpAddr;

use nostrp2p_protocol::{
    PublicKey, UnsignedEvent, VerifyError, event_policy::is_gift_wrap, limits::MAX_PEOPLE, work,
};

use crate::{
    follow_graph::{FollowGraph, Nearness},
    limit::{Rate, TokenBuckets, UNIT},
    mailbox::Sender,
};

/// Signature checks for one address: 50 us each, so 2 % of one core at most. Only who has signed in by a key that is close
/// to the owner is not counted.
const CHECKS: Rate = Rate { burst: 240, per_hour: 3_600 };
/// Budget of somebody whom the owner follows: as large as for deliveries of nodes. All of these rates are guesses.
const FOLLOWED: Budget =
    Budget { events: Rate { burst: 120, per_hour: 240 }, kib: Rate { burst: 4 * 1024, per_hour: 16 * 1024 } };
/// Budget of somebody followed by somebody whom the owner follows.
const KNOWN: Budget =
    Budget { events: Rate { burst: 60, per_hour: 120 }, kib: Rate { burst: 1024, per_hour: 4 * 1024 } };
/// Budget of all strangers at one address: a household, or the exit of an anonymous network.
const ADDRESS: Budget =
    Budget { events: Rate { burst: 60, per_hour: 240 }, kib: Rate { burst: 1024, per_hour: 2 * 1024 } };
/// Budget of all strangers together: with the default mailbox they need 16 hours to fill their quarter of it.
const STRANGERS: Budget = Budget {
    events: Rate { burst: 600, per_hour: 7_200 },
    kib: Rate { burst: 8 * 1024, per_hour: 16 * 1024 },
};
/// Addresses and people whose budgets are remembered: 1 MB each. The longest silent is forgotten first.
const MAX_REMEMBERED: usize = 10_000;

/// The owner's requirements for strangers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InboxTerms {
    /// Bits of work (NIP-13) that an event of a stranger must have.
    pub work: u8,
}

/// The sender of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bearer {
    /// The sender's address; None on this machine.
    pub address: Option<IpAddr>,
    /// The key by which the sender has signed in (NIP-42), if any.
    pub signed_in: Option<PublicKey>,
}

/// Why the inbox does not take an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReceived {
    /// It is of another kind, does not name the owner, or the owner signed it.
    #[error(
        "this inbox takes posts, reposts, reactions, comments, zap receipts and gift wraps that name its owner"
    )]
    NotForInbox,
    /// Its shape or its time.
    #[error("{0}")]
    Unacceptable(nostrp2p_protocol::Unacceptable),
    /// See [`MAX_PEOPLE`].
    #[error("the event names more than {MAX_PEOPLE} people")]
    TooManyPeople,
    /// It has less work than the owner demands of strangers.
    #[error("{0} bits of work are needed (NIP-13)")]
    TooLittleWork(u8),
    /// Its sender, or all strangers together, have brought too much lately.
    #[error("too much was brought to this inbox lately; try again later")]
    OverBudget,
    /// Too much is waiting for its signature check.
    #[error("this inbox is busy; try again later")]
    Busy,
    /// Its id or signature.
    #[error("{0}")]
    Forged(VerifyError),
    /// The owner does not want it. Why is not said.
    #[error("this inbox does not take it")]
    Unwanted,
    /// There is no room left for it.
    #[error("this inbox is full")]
    Full,
    /// Its author has deleted it, or it has ended (NIP-09, NIP-40).
    #[error("its author has deleted it, or it has ended")]
    Gone,
    /// Something failed inside the node.
    #[error("the node could not store it")]
    Internal,
}

impl NotReceived {
    /// The name under which it is counted.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NotForInbox => "inbox_not_for_it",
            Self::Unacceptable(_) | Self::TooManyPeople | Self::Forged(_) => "inbox_invalid",
            Self::TooLittleWork(_) => "inbox_too_little_work",
            Self::OverBudget | Self::Busy => "inbox_over_budget",
            Self::Unwanted | Self::Gone => "inbox_unwanted",
            Self::Full | Self::Internal => "inbox_full",
        }
    }
}

/// How many events and KiB somebody may bring.
#[derive(Debug, Clone, Copy)]
struct Budget {
    events: Rate,
    kib: Rate,
}

/// To whom an event is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Account {
    Person(PublicKey),
    /// All strangers at one address.
    Address(Option<IpAddr>),
}

/// The budgets of all who bring events.
#[derive(Debug)]
pub(crate) struct Inbox {
    checks: TokenBuckets<Option<IpAddr>>,
    events: TokenBuckets<Account>,
    kib: TokenBuckets<Account>,
    strangers: TokenBuckets<()>,
    strangers_kib: TokenBuckets<()>,
}

impl Inbox {
    pub(crate) const fn new() -> Self {
        Self {
            checks: TokenBuckets::new(MAX_REMEMBERED),
            events: TokenBuckets::new(MAX_REMEMBERED),
            kib: TokenBuckets::new(MAX_REMEMBERED),
            strangers: TokenBuckets::new(1),
            strangers_kib: TokenBuckets::new(1),
        }
    }

    /// Whether an event is worth a signature check, which is charged to its sender's address.
    ///
    /// Nothing here depends on the mute list: otherwise a forgery in somebody's name would show whether the owner has
    /// muted that person.
    pub(crate) fn check(
        &mut self,
        unsigned: &UnsignedEvent,
        bearer: &Bearer,
        terms: InboxTerms,
        graph: &FollowGraph,
        now: u64,
    ) -> Result<(), NotReceived> {
        unsigned.check(now).map_err(NotReceived::Unacceptable)?;
        if unsigned.tag_values("p").count() > MAX_PEOPLE {
            return Err(NotReceived::TooManyPeople);
        }
        let (account, budget) = account(unsigned, bearer, graph);
        if matches!(account, Account::Address(_))
            && work::counted(&unsigned.id(), unsigned) < terms.work.into()
        {
            return Err(NotReceived::TooLittleWork(terms.work));
        }
        let kib = kib(unsigned);
        let stranger = matches!(account, Account::Address(_));
        let holds = self.events.holds(&account, budget.events, UNIT, now)
            && self.kib.holds(&account, budget.kib, kib, now)
            && (!stranger
                || self.strangers.holds(&(), STRANGERS.events, UNIT, now)
                    && self.strangers_kib.holds(&(), STRANGERS.kib, kib, now));
        let proven = bearer.signed_in.is_some_and(|key| graph.nearness(&key) != Nearness::Stranger);
        // The last, so that what is refused anyway costs its address nothing.
        if holds && (proven || self.checks.take_whole(bearer.address, CHECKS, UNIT, now)) {
            Ok(())
        } else {
            Err(NotReceived::OverBudget)
        }
    }

    /// Charges an event whose signature is right, and returns the accountable sender.
    ///
    /// This happens after the signature check: otherwise a stranger could use up somebody's budget with forgeries.
    pub(crate) fn receive(
        &mut self,
        unsigned: &UnsignedEvent,
        bearer: &Bearer,
        graph: &FollowGraph,
        now: u64,
    ) -> Result<Sender, NotReceived> {
        if graph.is_muted(&unsigned.pubkey) || bearer.signed_in.is_some_and(|key| graph.is_muted(&key)) {
            return Err(NotReceived::Unwanted);
        }
        let (account, budget) = account(unsigned, bearer, graph);
        let kib = kib(unsigned);
        let mut paid = self.events.take_whole(account, budget.events, UNIT, now)
            && self.kib.take_whole(account, budget.kib, kib, now);
        if paid && matches!(account, Account::Address(_)) {
            paid = self.strangers.take_whole((), STRANGERS.events, UNIT, now)
                && self.strangers_kib.take_whole((), STRANGERS.kib, kib, now);
        }
        let by = if is_gift_wrap(unsigned.kind) { bearer.signed_in } else { Some(unsigned.pubkey) };
        if paid { Ok(by.map_or(Sender::Anyone, Sender::Person)) } else { Err(NotReceived::OverBudget) }
    }
}

/// The account and the budget to charge for an event: those of its author if close to the owner, otherwise those of
/// the signed-in sender if that one is.
fn account(unsigned: &UnsignedEvent, bearer: &Bearer, graph: &FollowGraph) -> (Account, Budget) {
    let author = Some(unsigned.pubkey).filter(|_| !is_gift_wrap(unsigned.kind));
    let people = || [author, bearer.signed_in].into_iter().flatten();
    let of = |nearness| people().find(|person| graph.nearness(person) == nearness).map(Account::Person);
    match (of(Nearness::Followed), of(Nearness::Known)) {
        (Some(followed), _) => (followed, FOLLOWED),
        (None, Some(known)) => (known, KNOWN),
        (None, None) => (Account::Address(bearer.address), ADDRESS),
    }
}

/// The size of an event in KiB, rounded up.
fn kib(unsigned: &UnsignedEvent) -> u64 {
    u64::try_from(unsigned.size().div_ceil(1024)).unwrap_or(u64::MAX).saturating_mul(UNIT)
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Kind, Tag, work::difficulty};

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const OWNER: PublicKey = PublicKey::from_bytes([1; 32]);
    const FRIEND: PublicKey = PublicKey::from_bytes([2; 32]);
    const THEIR_FRIEND: PublicKey = PublicKey::from_bytes([3; 32]);
    const MUTED: PublicKey = PublicKey::from_bytes([4; 32]);
    const STRANGER: PublicKey = PublicKey::from_bytes([5; 32]);

    fn unsigned(author: PublicKey, kind: u16, people: &[PublicKey], content: &str) -> UnsignedEvent {
        let tags = people.iter().map(|person| Tag::new(["p", &person.to_string()])).collect();
        EventTemplate { created_at: NOW, kind: Kind(kind), tags, content: content.into() }.by(author)
    }

    fn graph() -> FollowGraph {
        let mut graph = FollowGraph::of(Some(OWNER));
        graph.learn(&unsigned(OWNER, 3, &[FRIEND], ""));
        graph.learn(&unsigned(FRIEND, 3, &[THEIR_FRIEND], ""));
        graph.learn(&unsigned(OWNER, 10_000, &[MUTED], ""));
        graph
    }

    fn at(last: u8, signed_in: Option<PublicKey>) -> Bearer {
        Bearer { address: Some(IpAddr::from([192, 0, 2, last])), signed_in }
    }

    fn bring(
        inbox: &mut Inbox,
        unsigned: &UnsignedEvent,
        bearer: &Bearer,
        work: u8,
    ) -> Result<Sender, NotReceived> {
        inbox.check(unsigned, bearer, InboxTerms { work }, &graph(), NOW)?;
        inbox.receive(unsigned, bearer, &graph(), NOW)
    }

    /// How many of so many events are taken that are brought at once.
    fn taken(inbox: &mut Inbox, author: PublicKey, kind: u16, bearer: &Bearer, count: u32) -> u32 {
        let results = (0..count)
            .map(|number| bring(inbox, &unsigned(author, kind, &[OWNER], &number.to_string()), bearer, 0));
        results.map(|result| u32::from(result.is_ok())).sum()
    }

    #[test]
    fn strangers_are_counted_by_address_and_people_who_are_close_by_their_keys() {
        let mut inbox = Inbox::new();
        let crowd = (0..=199).map(|byte| PublicKey::from_bytes([byte.max(6); 32]));
        let by_crowd: u32 = crowd.map(|key| taken(&mut inbox, key, 1, &at(1, None), 1)).sum();
        assert_eq!(by_crowd, ADDRESS.events.burst, "keys cost nothing");
        assert_eq!(taken(&mut inbox, STRANGER, 1, &at(1, Some(STRANGER)), 1), 0, "nor does a login");
        assert_eq!(taken(&mut inbox, STRANGER, 1, &at(2, None), 1), 1, "others have their own");
        assert_eq!(taken(&mut inbox, FRIEND, 1, &at(1, None), 200), FOLLOWED.events.burst);
        assert_eq!(taken(&mut inbox, THEIR_FRIEND, 1, &at(3, None), 200), KNOWN.events.burst);
    }

    #[test]
    fn a_gift_wrap_counts_by_the_login_and_without_by_the_address() {
        let mut inbox = Inbox::new();
        let wrap = |number: u8| unsigned(PublicKey::from_bytes([number; 32]), 1059, &[OWNER], "");
        assert_eq!(taken(&mut inbox, STRANGER, 1059, &at(1, None), 100), ADDRESS.events.burst);
        assert_eq!(bring(&mut inbox, &wrap(9), &at(2, None), 0), Ok(Sender::Anyone));
        assert_eq!(bring(&mut inbox, &wrap(9), &at(1, Some(FRIEND)), 0), Ok(Sender::Person(FRIEND)));
        // The key of a wrap says nothing, whatever it is.
        assert_eq!(taken(&mut inbox, FRIEND, 1059, &at(1, None), 1), 0);
    }

    #[test]
    fn large_events_are_counted_by_their_bytes() {
        let mut inbox = Inbox::new();
        let large = unsigned(STRANGER, 1059, &[OWNER], &"x".repeat(60_000));
        let taken = (0..60).filter(|_| bring(&mut inbox, &large, &at(1, None), 0).is_ok()).count();
        assert_eq!(taken, 17, "1 MiB");
    }

    #[test]
    fn all_strangers_together_have_a_bound_that_friends_do_not_feel() {
        let mut inbox = Inbox::new();
        let sum: u32 = (0..100).map(|address| taken(&mut inbox, STRANGER, 7, &at(address, None), 60)).sum();
        assert_eq!(sum, STRANGERS.events.burst);
        assert_eq!(taken(&mut inbox, FRIEND, 7, &at(200, None), 1), 1);
    }

    #[test]
    fn strangers_bring_the_work_that_the_owner_demands_and_others_need_none() {
        let mut inbox = Inbox::new();
        let worked = |meant: &str| {
            let mut event = unsigned(STRANGER, 1, &[OWNER], "");
            event.tags.push(Tag::new(["nonce", "0", meant]));
            let found = (0..1_000_000_u32).find(|number| {
                event.content = number.to_string();
                difficulty(&event.id()) >= 8
            });
            assert!(found.is_some());
            event
        };
        let refused = Err(NotReceived::TooLittleWork(8));
        assert_eq!(bring(&mut inbox, &unsigned(STRANGER, 1, &[OWNER], ""), &at(1, None), 8), refused);
        assert_eq!(bring(&mut inbox, &worked("7"), &at(1, None), 8), refused, "a lucky id is no work");
        assert_eq!(bring(&mut inbox, &worked("8"), &at(1, None), 8), Ok(Sender::Person(STRANGER)));
        for close in [FRIEND, THEIR_FRIEND] {
            assert!(bring(&mut inbox, &unsigned(close, 1, &[OWNER], ""), &at(1, None), 8).is_ok());
        }
        let wrap = unsigned(STRANGER, 1059, &[OWNER], "");
        assert_eq!(bring(&mut inbox, &wrap, &at(1, None), 8), refused);
        assert!(bring(&mut inbox, &wrap, &at(1, Some(FRIEND)), 8).is_ok());
    }

    #[test]
    fn who_is_muted_gets_nothing_in_and_nobody_else_learns_of_it() {
        let mut inbox = Inbox::new();
        let (muted, wrap) = (unsigned(MUTED, 1, &[OWNER], ""), unsigned(STRANGER, 1059, &[OWNER], ""));
        assert_eq!(bring(&mut inbox, &muted, &at(1, None), 0), Err(NotReceived::Unwanted));
        assert_eq!(bring(&mut inbox, &wrap, &at(1, Some(MUTED)), 0), Err(NotReceived::Unwanted));
        let checked = inbox.check(&muted, &at(1, None), InboxTerms { work: 0 }, &graph(), NOW);
        assert_eq!(checked, Ok(()), "what has no right signature yet is treated as anybody's");
    }

    #[test]
    fn forgeries_in_the_name_of_friends_are_bounded_by_the_address_and_cost_the_friends_nothing() {
        let mut inbox = Inbox::new();
        let forged = unsigned(FRIEND, 1, &[OWNER], "");
        let checks = (0..10_000)
            .filter(|_| inbox.check(&forged, &at(1, None), InboxTerms::default(), &graph(), NOW).is_ok())
            .count();
        assert_eq!(checks, CHECKS.burst as usize);
        assert_eq!(taken(&mut inbox, FRIEND, 1, &at(1, Some(FRIEND)), 1), 1, "who has signed in");
        assert_eq!(taken(&mut inbox, FRIEND, 1, &at(2, None), 1), 1);
    }

    #[test]
    fn crowds_that_are_named_and_events_of_tomorrow_are_refused() {
        let mut inbox = Inbox::new();
        let crowd = unsigned(STRANGER, 1, &[OWNER; MAX_PEOPLE + 1], "");
        assert_eq!(bring(&mut inbox, &crowd, &at(1, None), 0), Err(NotReceived::TooManyPeople));
        let ahead = UnsignedEvent { created_at: NOW + 86_400, ..unsigned(STRANGER, 1, &[OWNER], "") };
        let refused = bring(&mut inbox, &ahead, &at(1, None), 0);
        assert!(matches!(refused, Err(NotReceived::Unacceptable(_))), "{refused:?}");
    }
}
