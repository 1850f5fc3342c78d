//! Which of the broadcast events of others a node takes, cheapest check first.
//!
//! The order: size and shape, time window, audience, already seen, the owner's mute list, the author's budget. The
//! signature is checked after all of these, outside of this module. A node forwards only events that it admitted.

use nostrp2p_protocol::{
    EventId, Oversize, PeerId, PublicKey, Unacceptable, UnsignedEvent,
    event_policy::{Audience, audience},
    limits::MAX_PEOPLE,
    work,
};

use crate::{
    budgets::{Budgets, Grant},
    follow_graph::FollowGraph,
    limit::UNIT,
    limits::Limits,
    recent::Recent,
};

/// Why an event is not taken although nobody did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ignored {
    /// It is here already.
    Seen,
    /// It is older than the horizon.
    TooOld,
    /// It is dated more than [`nostrp2p_protocol::limits::MAX_SECONDS_AHEAD`] ahead; the clock that is wrong may be ours.
    TooNew,
    /// Its author sent too much lately.
    OverBudget,
    /// The owner has muted its author.
    Muted,
    /// It names more than [`MAX_PEOPLE`] people.
    TooManyPeople,
    /// It is for some people only, or for nobody, and should not have been broadcast.
    NotForEveryone,
    /// Too much is waiting for its signature check.
    Busy,
}

impl Ignored {
    /// The name under which it is counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::OverBudget => "over_budget",
            Self::Muted => "muted",
            Self::TooManyPeople => "too_many_people",
            Self::NotForEveryone => "not_for_everyone",
            Self::Busy => "busy",
        }
    }
}

/// Decides on events that others broadcast, before their signature is checked.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    recent: Recent,
    declined: Recent,
    budgets: Budgets,
    follow_graph: FollowGraph,
}

impl Admission {
    /// Starts with no seen events. `owner` is the owner of this node, if it has one.
    pub fn new(limits: Limits, owner: Option<PublicKey>) -> Self {
        Self {
            limits,
            recent: Recent::new(limits.recent_ids),
            declined: Recent::new(limits.recent_ids),
            budgets: Budgets::new(limits),
            follow_graph: FollowGraph::of(owner),
        }
    }

    /// The owner changed.
    pub fn on_owner(&mut self, owner: PublicKey) {
        self.follow_graph = FollowGraph::of(Some(owner));
    }

    /// Takes a list of people into account, if it is one that counts.
    pub fn learn(&mut self, list: &UnsignedEvent) {
        self.follow_graph.learn(list);
    }

    /// The owner's social graph.
    pub(crate) const fn follow_graph(&self) -> &FollowGraph {
        &self.follow_graph
    }

    /// Whether the owner follows this person and the person is among the first for whom every table keeps room.
    pub fn protects(&self, person: &PublicKey) -> bool {
        self.follow_graph.protects(person)
    }

    /// Takes over when people were first heard of, from the store; `born` is when its life began.
    pub fn restore_people(&mut self, born: u64, people: Vec<(PublicKey, u64)>, now: u64) {
        self.budgets.people.restore(born, people, now);
    }

    /// Whether a broadcast event from a neighbour is worth a signature check.
    ///
    /// # Errors
    /// `Err(Ok(..))` says why to ignore it, `Err(Err(..))` what its sender did wrong.
    pub fn check(
        &self,
        id: &EventId,
        unsigned: &UnsignedEvent,
        from: &PeerId,
        now: u64,
    ) -> Result<(), Result<Ignored, Oversize>> {
        check_at_the_door(unsigned, now)?;
        self.unwanted(id, unsigned, from, now).map_or(Ok(()), |ignored| Err(Ok(ignored)))
    }

    /// The same for an event that another node delivers to the owner. It is checked even if it was seen before,
    /// because the sender wants to know that it is stored. Its age does not matter: it may have waited for this node
    /// for longer than public events are kept, and a refusal could not be undone if this node's clock is wrong.
    ///
    /// # Errors
    /// As [`Admission::check`].
    pub fn check_handed(
        &self,
        unsigned: &UnsignedEvent,
        from: &PeerId,
        now: u64,
    ) -> Result<(), Result<Ignored, Oversize>> {
        check_at_the_door(unsigned, now)?;
        let ignored = too_many_people(unsigned).or_else(|| {
            let holds = self.budgets.holds_handed(
                &self.follow_graph,
                &unsigned.pubkey,
                from,
                cost(&unsigned.id(), unsigned),
                now,
            );
            (!holds).then_some(Ignored::OverBudget)
        });
        ignored.map_or(Ok(()), |ignored| Err(Ok(ignored)))
    }

    /// The rule for events that come by catching up. It depends only on the event and the time, so that all nodes
    /// come to hold the same: neither budgets nor seen ids count. The mute list does: it is the owner's wish about
    /// the own node, and others ask elsewhere.
    ///
    /// # Errors
    /// As [`Admission::check`].
    pub fn check_shared(&self, unsigned: &UnsignedEvent, now: u64) -> Result<(), Result<Ignored, Oversize>> {
        check_at_the_door(unsigned, now)?;
        let ignored =
            self.too_old(unsigned, now).or_else(|| never_shared(unsigned)).or_else(|| self.muted(unsigned));
        ignored.map_or(Ok(()), |ignored| Err(Ok(ignored)))
    }

    /// The rule for events from a Nostr relay: that of catching up, except that replaceable events are taken however
    /// old they are, and of any kind that the node has asked for. The owner's own events are always taken.
    ///
    /// # Errors
    /// As [`Admission::check`].
    pub fn check_mirrored(
        &self,
        unsigned: &UnsignedEvent,
        now: u64,
    ) -> Result<(), Result<Ignored, Oversize>> {
        check_at_the_door(unsigned, now)?;
        if self.follow_graph.is_owner(&unsigned.pubkey) {
            return Ok(());
        }
        let versioned = unsigned.kind.is_replaceable() || unsigned.kind.is_addressable();
        let old = || self.too_old(unsigned, now).or_else(|| too_many_people(unsigned));
        let ignored = if versioned { None } else { old() }.or_else(|| self.muted(unsigned));
        ignored.map_or(Ok(()), |ignored| Err(Ok(ignored)))
    }

    /// The clock was set back: budgets begin anew, and what was refused for its time is judged again.
    pub fn on_clock_back(&mut self, now: u64) {
        self.budgets.on_clock_back(now);
        self.declined.clear();
    }

    /// Whether an event has come already, or need not come again.
    pub fn knows(&self, id: &EventId) -> bool {
        self.recent.contains(id) || self.recent.contains(&stated(*id)) || self.declined.contains(id)
    }

    /// Forgets what has come: some of it may be lost, and shall be fetched again.
    pub fn forget_what_came(&mut self) {
        self.recent.clear();
    }

    /// Remembers an event that the shared rule refuses, so that it is not fetched again.
    pub fn decline(&mut self, id: EventId) {
        self.declined.insert(id);
    }

    /// Remembers an event whose signature was right, charges its author, and says whether it is forwarded.
    ///
    /// This happens after the signature check: otherwise a stranger could use up an author's budget, or hide an event
    /// by its id, with forgeries.
    pub fn admit(&mut self, id: EventId, unsigned: &UnsignedEvent, from: &PeerId, now: u64) -> bool {
        self.recent.insert(seen_as(id, unsigned));
        let cost = cost(&id, unsigned);
        self.budgets.charge(&self.follow_graph, &unsigned.pubkey, from, cost, now) == Grant::PassOn
    }

    /// Remembers an event that came by catching up and whose signature was right.
    pub fn admit_shared(&mut self, id: EventId, unsigned: &UnsignedEvent, now: u64) {
        self.recent.insert(seen_as(id, unsigned));
        self.budgets.people.meet(unsigned.pubkey, now);
    }

    /// Charges the author of an event that was handed over. Its id is not remembered as seen: its author's node may state
    /// that it is for everyone.
    pub fn admit_handed(&mut self, id: EventId, unsigned: &UnsignedEvent, from: &PeerId, now: u64) {
        self.budgets.charge_handed(&self.follow_graph, &unsigned.pubkey, from, cost(&id, unsigned), now);
    }

    /// Remembers an own event, which needs no budget.
    pub fn remember(&mut self, id: EventId, unsigned: &UnsignedEvent) {
        self.recent.insert(seen_as(id, unsigned));
    }

    fn unwanted(&self, id: &EventId, unsigned: &UnsignedEvent, from: &PeerId, now: u64) -> Option<Ignored> {
        if let Some(ignored) = self.too_old(unsigned, now).or_else(|| never_shared(unsigned)) {
            return Some(ignored);
        }
        if self.recent.contains(&seen_as(*id, unsigned)) {
            return Some(Ignored::Seen);
        }
        self.muted(unsigned).or_else(|| self.over_budget(id, unsigned, from, now))
    }

    fn muted(&self, unsigned: &UnsignedEvent) -> Option<Ignored> {
        self.is_muted(&unsigned.pubkey).then_some(Ignored::Muted)
    }

    /// Whether the owner has muted a person.
    pub fn is_muted(&self, person: &PublicKey) -> bool {
        self.follow_graph.is_muted(person)
    }

    fn too_old(&self, unsigned: &UnsignedEvent, now: u64) -> Option<Ignored> {
        (unsigned.created_at < now.saturating_sub(self.limits.horizon_seconds)).then_some(Ignored::TooOld)
    }

    fn over_budget(
        &self,
        id: &EventId,
        unsigned: &UnsignedEvent,
        from: &PeerId,
        now: u64,
    ) -> Option<Ignored> {
        let grant = self.budgets.grant(&self.follow_graph, &unsigned.pubkey, from, cost(id, unsigned), now);
        (grant == Grant::Nothing).then_some(Ignored::OverBudget)
    }
}

/// The id under which an event counts as seen. An event with a statement has another one than the same event without.
fn seen_as(id: EventId, unsigned: &UnsignedEvent) -> EventId {
    if unsigned.statement.is_some() { stated(id) } else { id }
}

/// The key of an event with a statement in the table of seen ids: its id with all bits inverted. That it equals
/// another event's id has a probability of 2^-256.
fn stated(id: EventId) -> EventId {
    EventId::from_bytes(id.as_bytes().map(|byte| !byte))
}

/// See [`UnsignedEvent::check`].
fn check_at_the_door(unsigned: &UnsignedEvent, now: u64) -> Result<(), Result<Ignored, Oversize>> {
    unsigned.check(now).map_err(|unacceptable| match unacceptable {
        Unacceptable::Shape(oversize) => Err(oversize),
        Unacceptable::TooNew => Ok(Ignored::TooNew),
    })
}

/// The cost of an event in units of its author's budget. Work that it commits to (NIP-13) makes it cheaper: half for
/// 12 bits, a quarter for 16, and so on down to a sixteenth for 24, which take a phone about a minute.
fn cost(id: &EventId, unsigned: &UnsignedEvent) -> u64 {
    let bits = work::counted(id, unsigned);
    UNIT >> (bits.saturating_sub(8) / 4).min(4)
}

/// Refuses what no node shares with others, whoever sends it.
fn never_shared(unsigned: &UnsignedEvent) -> Option<Ignored> {
    // Whether a deletion's targets were for everyone only its author's node can say.
    if !matches!(audience(unsigned), Audience::Everyone | Audience::AsTargets) {
        return Some(Ignored::NotForEveryone);
    }
    too_many_people(unsigned)
}

fn too_many_people(unsigned: &UnsignedEvent) -> Option<Ignored> {
    (unsigned.tag_values("p").count() > MAX_PEOPLE).then_some(Ignored::TooManyPeople)
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Kind, Tag};

    use super::*;
    use crate::limit::Rate;

    const NOW: u64 = 1_700_000_000;

    fn unsigned(number: u64, author: u8) -> UnsignedEvent {
        let draft =
            EventTemplate { created_at: NOW, kind: Kind::POST, tags: vec![], content: number.to_string() };
        draft.by(PublicKey::from_bytes([author; 32]))
    }

    fn admission() -> Admission {
        let strangers = Rate { burst: 3, per_hour: 360 };
        Admission::new(Limits { strangers, ..Limits::default() }, Some(OWNER))
    }

    const FROM: PeerId = PeerId::from_ed25519([9; 32]);

    const OWNER: PublicKey = PublicKey::from_bytes([99; 32]);

    fn list(kind: Kind, person: PublicKey) -> UnsignedEvent {
        let tags = vec![Tag::new(["p", &person.to_string()])];
        EventTemplate { created_at: NOW, kind, tags, content: String::new() }.by(OWNER)
    }

    #[track_caller]
    fn check(unsigned: &UnsignedEvent, expected: Result<(), Ignored>) {
        assert_eq!(admission().check(&unsigned.id(), unsigned, &FROM, NOW), expected.map_err(Ok));
    }

    #[test]
    fn the_time_window_is_half_open_to_nobody() {
        check(&UnsignedEvent { created_at: NOW + 900, ..unsigned(0, 1) }, Ok(()));
        check(&UnsignedEvent { created_at: NOW + 901, ..unsigned(0, 1) }, Err(Ignored::TooNew));
        check(&UnsignedEvent { created_at: NOW - 30 * 86_400, ..unsigned(0, 1) }, Ok(()));
        check(&UnsignedEvent { created_at: NOW - 30 * 86_400 - 1, ..unsigned(0, 1) }, Err(Ignored::TooOld));
    }

    #[test]
    fn what_is_not_for_everyone_is_not_passed_on() {
        let reply = UnsignedEvent { tags: vec![Tag::new(["p", &"ab".repeat(32)])], ..unsigned(0, 1) };
        check(&reply, Err(Ignored::NotForEveryone));
        check(&UnsignedEvent { kind: Kind::FOLLOW_LIST, ..unsigned(0, 1) }, Err(Ignored::NotForEveryone));
    }

    #[test]
    fn an_oversize_event_is_the_senders_fault() {
        let unsigned = UnsignedEvent { content: "x".repeat(70_000), ..unsigned(0, 1) };
        assert_eq!(admission().check(&unsigned.id(), &unsigned, &FROM, NOW), Err(Err(Oversize::Bytes)));
    }

    #[test]
    fn an_author_spends_a_burst_and_gets_it_back_with_time() {
        let mut admission = admission();
        for number in 0..3 {
            let unsigned = unsigned(number, 1);
            assert_eq!(admission.check(&unsigned.id(), &unsigned, &FROM, NOW), Ok(()));
            admission.admit(unsigned.id(), &unsigned, &FROM, NOW);
        }
        let fourth = unsigned(4, 1);
        assert_eq!(admission.check(&fourth.id(), &fourth, &FROM, NOW + 9), Err(Ok(Ignored::OverBudget)));
        assert_eq!(admission.check(&fourth.id(), &fourth, &FROM, NOW + 10), Ok(()));
        let other = unsigned(4, 2);
        assert_eq!(admission.check(&other.id(), &other, &FROM, NOW), Ok(()));
        assert_eq!(
            admission.check(&unsigned(0, 1).id(), &unsigned(0, 1), &FROM, NOW + 100),
            Err(Ok(Ignored::Seen))
        );
    }

    #[test]
    fn people_close_to_the_owner_may_send_more() {
        let mut admission = admission();
        admission.learn(&list(Kind::FOLLOW_LIST, unsigned(0, 1).pubkey));
        for number in 0..120 {
            let unsigned = unsigned(number, 1);
            assert_eq!(admission.check(&unsigned.id(), &unsigned, &FROM, NOW), Ok(()), "{number}");
            admission.admit(unsigned.id(), &unsigned, &FROM, NOW);
        }
        let next = unsigned(120, 1);
        assert_eq!(admission.check(&next.id(), &next, &FROM, NOW), Err(Ok(Ignored::OverBudget)));
    }

    #[test]
    fn a_stranger_who_says_much_to_all_can_still_say_something_to_the_owner() {
        let mut admission = admission();
        for number in 0..3 {
            admission.admit(unsigned(number, 1).id(), &unsigned(number, 1), &FROM, NOW);
        }
        let next = unsigned(3, 1);
        assert_eq!(admission.check(&next.id(), &next, &FROM, NOW), Err(Ok(Ignored::OverBudget)));
        assert_eq!(admission.check_handed(&next, &FROM, NOW), Ok(()));
        for number in 0..120 {
            admission.admit_handed(unsigned(number, 1).id(), &unsigned(number, 1), &FROM, NOW);
        }
        assert_eq!(admission.check_handed(&next, &FROM, NOW), Err(Ok(Ignored::OverBudget)));
    }

    #[test]
    fn what_the_owner_has_muted_is_taken_in_no_way() {
        let mut admission = admission();
        admission.learn(&list(Kind::MUTE_LIST, unsigned(0, 1).pubkey));
        let muted = unsigned(0, 1);
        assert_eq!(admission.check(&muted.id(), &muted, &FROM, NOW), Err(Ok(Ignored::Muted)));
        assert_eq!(admission.check_shared(&muted, NOW), Err(Ok(Ignored::Muted)));
        admission.on_owner(PublicKey::from_bytes([98; 32]));
        assert_eq!(
            admission.check(&muted.id(), &muted, &FROM, NOW),
            Ok(()),
            "another owner has another list"
        );
    }

    #[test]
    fn a_relay_gives_what_is_young_or_has_versions_of_people_who_are_not_muted() {
        let mut admission = admission();
        let old = |kind| UnsignedEvent { created_at: NOW - 31 * 86_400, kind: Kind(kind), ..unsigned(0, 1) };
        let check = |admission: &Admission, unsigned: &UnsignedEvent| admission.check_mirrored(unsigned, NOW);
        assert_eq!(check(&admission, &unsigned(0, 1)), Ok(()));
        assert_eq!(check(&admission, &old(1)), Err(Ok(Ignored::TooOld)));
        for kind in [0, 10_002, 30_023] {
            assert_eq!(check(&admission, &old(kind)), Ok(()), "{kind}");
        }
        let ahead = UnsignedEvent { created_at: NOW + 901, kind: Kind::PROFILE, ..unsigned(0, 1) };
        assert_eq!(check(&admission, &ahead), Err(Ok(Ignored::TooNew)));
        let oversize = UnsignedEvent { content: "x".repeat(70_000), ..unsigned(0, 1) };
        assert_eq!(check(&admission, &oversize), Err(Err(Oversize::Bytes)));
        admission.learn(&list(Kind::MUTE_LIST, unsigned(0, 1).pubkey));
        assert_eq!(check(&admission, &unsigned(0, 1)), Err(Ok(Ignored::Muted)));
        assert_eq!(check(&admission, &UnsignedEvent { pubkey: OWNER, ..old(1) }), Ok(()), "the owner's own");
    }

    #[test]
    fn whoever_names_half_the_network_is_passed_over() {
        let tags = |count: usize| {
            let mut tags = vec![Tag::new(["p", &"ab".repeat(32)]); count];
            tags.push(Tag::new(["q", &"cd".repeat(32)]));
            tags
        };
        check(&UnsignedEvent { tags: tags(MAX_PEOPLE), ..unsigned(0, 1) }, Ok(()));
        let crowd = UnsignedEvent { tags: tags(MAX_PEOPLE + 1), ..unsigned(0, 1) };
        check(&crowd, Err(Ignored::TooManyPeople));
        assert_eq!(admission().check_handed(&crowd, &FROM, NOW), Err(Ok(Ignored::TooManyPeople)));
    }

    #[test]
    fn work_makes_an_event_cheaper_if_it_was_meant() {
        let work = |zero_bytes: usize, meant: &str| {
            let mut id = [0xff; 32];
            id[..zero_bytes].fill(0);
            let tags = vec![Tag::new(["nonce", "7", meant])];
            cost(&EventId::from_bytes(id), &UnsignedEvent { tags, ..unsigned(0, 1) })
        };
        assert_eq!(cost(&EventId::from_bytes([0; 32]), &unsigned(0, 1)), UNIT, "a lucky id is no work");
        assert_eq!(work(2, "16"), UNIT / 4);
        assert_eq!(work(3, "16"), UNIT / 4, "what was meant counts");
        assert_eq!(work(1, "16"), UNIT, "it was not done");
        assert_eq!(work(32, "256"), UNIT / 16, "nothing is for free");
        assert_eq!(work(2, "many"), UNIT);
    }
}
