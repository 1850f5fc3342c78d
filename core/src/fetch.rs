//! What the owner's clients want and the store lacks: whom to ask for it, and when again.
//!
//! One question per target at a time. Somebody whose nodes are away is asked again when one of them appears, or after
//! ten minutes, as long as a client has wanted it within the last hour. What nobody had is left alone for an hour, a
//! profile that was found for a day.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{EventId, Filter, Kind, PeerId, PublicKey, UnsignedEvent};

/// Targets that are remembered. An entry is about 200 bytes.
const MAX_WANTS: usize = 4_000;
/// Questions under way at a time.
const MAX_ASKS: usize = 16;
/// Nodes of one person that are asked at a time.
const MAX_NODES: usize = 3;
/// Ids in one question.
const MAX_IDS: usize = 100;
/// Posts in one question: a page of a profile.
const POSTS: u32 = 50;
/// How long "there is none" is believed, in seconds.
const NONE_SECONDS: u64 = 3_600;
/// How long a found profile or follow list counts as fresh, in seconds.
const FRESH_SECONDS: u64 = 86_400;
/// How long the posts of a person count as fresh, in seconds: they come by broadcast as well.
const POSTS_SECONDS: u64 = 300;
/// When somebody whose nodes were away is asked again, in seconds.
const AWAY_SECONDS: u64 = 600;
/// How long a want lasts that nobody repeats, in seconds.
const INTEREST_SECONDS: u64 = 3_600;

/// One thing that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FetchTarget {
    /// A person's profile (kind 0).
    Profile(PublicKey),
    /// A person's follow list (kind 3).
    FollowList(PublicKey),
    /// A person's latest posts and reposts.
    Posts(PublicKey),
    /// An event, and its author as far as known; without, the neighbours are asked.
    Event(EventId, Option<PublicKey>),
}

impl FetchTarget {
    /// Whose nodes are asked.
    pub const fn author(&self) -> Option<PublicKey> {
        match self {
            Self::Profile(author) | Self::FollowList(author) | Self::Posts(author) => Some(*author),
            Self::Event(_, author) => *author,
        }
    }

    /// Whether an event is what is wanted.
    fn is(&self, id: &EventId, unsigned: &UnsignedEvent) -> bool {
        let by = |author: &PublicKey| unsigned.pubkey == *author;
        match self {
            Self::Profile(author) => unsigned.kind == Kind::PROFILE && by(author),
            Self::FollowList(author) => unsigned.kind == Kind::FOLLOW_LIST && by(author),
            Self::Posts(author) => matches!(unsigned.kind, Kind::POST | Kind::REPOST) && by(author),
            Self::Event(wanted, author) => wanted == id && author.as_ref().is_none_or(by),
        }
    }
}

/// Names one question until its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryId(pub u64);

/// A question to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchQuery {
    /// Names it.
    pub ask: QueryId,
    /// Whom; nobody in particular when the author is unknown.
    pub nodes: Vec<PeerId>,
    /// For what: at most three.
    pub filters: Vec<Filter>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// When it was wanted last.
    wanted_at: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Due,
    Asked,
    /// The person's nodes did not answer; asked again then.
    Away(u64),
    /// It was found, or nobody had it; not asked before then.
    Rest(u64),
}

/// What is wanted.
#[derive(Debug, Default)]
pub struct Fetches {
    entries: BTreeMap<FetchTarget, Entry>,
    asks: BTreeMap<QueryId, Vec<FetchTarget>>,
    next: u64,
}

impl Fetches {
    /// A client wants something.
    pub fn want(&mut self, want: FetchTarget, now: u64) {
        if let Some(entry) = self.entries.get_mut(&want) {
            entry.wanted_at = now;
            if matches!(entry.state, State::Rest(until) if until <= now) {
                entry.state = State::Due;
            }
            return;
        }
        if self.entries.len() >= MAX_WANTS {
            let idle = |entry: &&Entry| entry.state != State::Asked;
            let oldest = self.entries.iter().filter(|(_, entry)| idle(entry));
            let Some(oldest) = oldest.min_by_key(|(_, entry)| entry.wanted_at).map(|(want, _)| *want) else {
                return;
            };
            self.entries.remove(&oldest);
        }
        self.entries.insert(want, Entry { wanted_at: now, state: State::Due });
    }

    /// The clock was set back: nothing rests until the former time, and what is wanted was wanted now.
    pub fn on_clock_back(&mut self, now: u64) {
        for entry in self.entries.values_mut() {
            entry.wanted_at = entry.wanted_at.min(now);
            if let State::Away(until) | State::Rest(until) = &mut entry.state {
                *until = (*until).min(now);
            }
        }
    }

    /// Whether a question for it is under way.
    pub fn is_asked(&self, want: &FetchTarget) -> bool {
        self.entries.get(want).is_some_and(|entry| entry.state == State::Asked)
    }

    /// A node of a person has appeared, or has answered.
    pub fn hurry(&mut self, person: &PublicKey) {
        for (want, entry) in &mut self.entries {
            if want.author() == Some(*person) && matches!(entry.state, State::Away(_)) {
                entry.state = State::Due;
            }
        }
    }

    /// The questions to ask now; everything that one person is asked for goes into one.
    pub fn due(&mut self, now: u64, nodes_of: impl Fn(&PublicKey) -> Vec<PeerId>) -> Vec<FetchQuery> {
        let mut by_author: BTreeMap<Option<PublicKey>, Vec<FetchTarget>> = BTreeMap::new();
        for (want, entry) in &mut self.entries {
            if matches!(entry.state, State::Away(until) if until <= now) {
                let interest = now.saturating_sub(entry.wanted_at) < INTEREST_SECONDS;
                entry.state = if interest { State::Due } else { State::Rest(now) };
            }
            if entry.state == State::Due {
                by_author.entry(want.author()).or_default().push(*want);
            }
        }
        let mut asking = Vec::new();
        for (author, wants) in by_author {
            let mut nodes = author.as_ref().map(&nodes_of).unwrap_or_default();
            if author.is_some() && nodes.is_empty() {
                self.set(&wants, State::Away(now.saturating_add(AWAY_SECONDS)));
                continue;
            }
            if self.asks.len() >= MAX_ASKS {
                break;
            }
            nodes.truncate(MAX_NODES);
            let wants: Vec<FetchTarget> = wants.into_iter().take(MAX_IDS).collect();
            self.set(&wants, State::Asked);
            let ask = QueryId(self.next);
            self.next += 1;
            asking.push(FetchQuery { ask, nodes, filters: filters(&wants) });
            self.asks.insert(ask, wants);
        }
        asking
    }

    /// A question has been answered, or nobody answered. Returns what it was for, so that the answer's events can be
    /// compared with it by [`Fetches::fits`].
    pub fn on_answered(&mut self, ask: QueryId, answered: bool, now: u64) -> Vec<FetchTarget> {
        let wants = self.asks.remove(&ask).unwrap_or_default();
        let state = if answered {
            State::Rest(now.saturating_add(NONE_SECONDS))
        } else {
            State::Away(now.saturating_add(AWAY_SECONDS))
        };
        self.set(&wants, state);
        wants
    }

    /// Whether an event is among what was wanted.
    pub fn fits(wants: &[FetchTarget], id: &EventId, unsigned: &UnsignedEvent) -> bool {
        wants.iter().any(|want| want.is(id, unsigned))
    }

    /// An event has come whose signature is right.
    pub fn on_found(&mut self, id: &EventId, unsigned: &UnsignedEvent, now: u64) {
        let author = unsigned.pubkey;
        let (want, rest) = match unsigned.kind {
            Kind::PROFILE => (FetchTarget::Profile(author), FRESH_SECONDS),
            Kind::FOLLOW_LIST => (FetchTarget::FollowList(author), FRESH_SECONDS),
            _ => (FetchTarget::Posts(author), POSTS_SECONDS),
        };
        if let Some(entry) = self.entries.get_mut(&want) {
            entry.state = State::Rest(now.saturating_add(rest));
        }
        self.entries.remove(&FetchTarget::Event(*id, Some(author)));
        self.entries.remove(&FetchTarget::Event(*id, None));
    }

    fn set(&mut self, wants: &[FetchTarget], state: State) {
        for want in wants {
            if let Some(entry) = self.entries.get_mut(want) {
                entry.state = state;
            }
        }
    }
}

/// One question for all of it.
fn filters(wants: &[FetchTarget]) -> Vec<Filter> {
    let (mut kinds, mut ids, mut posts) = (BTreeSet::new(), BTreeSet::new(), false);
    for want in wants {
        match want {
            FetchTarget::Profile(_) => drop(kinds.insert(Kind::PROFILE)),
            FetchTarget::FollowList(_) => drop(kinds.insert(Kind::FOLLOW_LIST)),
            FetchTarget::Posts(_) => posts = true,
            FetchTarget::Event(id, _) => drop(ids.insert(*id)),
        }
    }
    let authors = wants.first().and_then(FetchTarget::author).map(|author| BTreeSet::from([author]));
    let by = |filter: Filter| Filter { authors: authors.clone(), ..filter };
    let mut filters = Vec::new();
    if !kinds.is_empty() {
        filters.push(by(Filter { kinds: Some(kinds), ..Filter::default() }));
    }
    if posts {
        let kinds = Some([Kind::POST, Kind::REPOST].into());
        filters.push(by(Filter { kinds, limit: Some(POSTS), ..Filter::default() }));
    }
    if !ids.is_empty() {
        filters.push(by(Filter { ids: Some(ids), ..Filter::default() }));
    }
    filters
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::EventTemplate;

    use super::*;

    const NOW: u64 = 1_700_000_000;
    const ALICE: PublicKey = PublicKey::from_bytes([1; 32]);
    const NODE: PeerId = PeerId::from_ed25519([9; 32]);

    fn home(person: &PublicKey) -> Vec<PeerId> {
        if *person == ALICE { vec![NODE] } else { vec![] }
    }

    fn away(_: &PublicKey) -> Vec<PeerId> {
        vec![]
    }

    fn unsigned(kind: Kind) -> UnsignedEvent {
        EventTemplate { created_at: NOW, kind, tags: vec![], content: String::new() }.by(ALICE)
    }

    #[test]
    fn everything_of_one_person_is_one_question_and_asked_once() {
        let mut wanted = Fetches::default();
        let id = unsigned(Kind::POST).id();
        for want in
            [FetchTarget::Profile(ALICE), FetchTarget::FollowList(ALICE), FetchTarget::Event(id, Some(ALICE))]
        {
            wanted.want(want, NOW);
            wanted.want(want, NOW);
        }
        let asking = wanted.due(NOW, home);
        assert_eq!((asking.len(), asking[0].nodes.as_slice()), (1, [NODE].as_slice()));
        assert_eq!(asking[0].filters.len(), 2, "kinds in one filter, ids in another");
        wanted.want(FetchTarget::Profile(ALICE), NOW + 1);
        assert_eq!(wanted.due(NOW + 1, home), [], "it is being asked for");
    }

    #[test]
    fn none_is_believed_for_an_hour_and_a_profile_for_a_day() {
        let mut wanted = Fetches::default();
        wanted.want(FetchTarget::Profile(ALICE), NOW);
        let asked = wanted.due(NOW, home).remove(0).ask;
        wanted.on_answered(asked, true, NOW);
        wanted.want(FetchTarget::Profile(ALICE), NOW + 3_599);
        assert_eq!(wanted.due(NOW + 3_599, home), []);
        wanted.want(FetchTarget::Profile(ALICE), NOW + 3_600);
        let asked = wanted.due(NOW + 3_600, home).remove(0).ask;
        let wants = wanted.on_answered(asked, true, NOW + 3_600);
        let profile = unsigned(Kind::PROFILE);
        assert!(Fetches::fits(&wants, &profile.id(), &profile));
        assert!(!Fetches::fits(&wants, &profile.id(), &unsigned(Kind::POST)), "not asked for");
        wanted.on_found(&profile.id(), &profile, NOW + 3_600);
        wanted.want(FetchTarget::Profile(ALICE), NOW + 3_600 + 86_399);
        assert_eq!(wanted.due(NOW + 3_600 + 86_399, home), []);
        wanted.want(FetchTarget::Profile(ALICE), NOW + 3_600 + 86_400);
        assert_eq!(wanted.due(NOW + 3_600 + 86_400, home).len(), 1);
    }

    #[test]
    fn somebody_who_is_away_is_asked_again_while_there_is_interest() {
        let mut wanted = Fetches::default();
        wanted.want(FetchTarget::Posts(ALICE), NOW);
        assert_eq!(wanted.due(NOW, away), []);
        assert_eq!(wanted.due(NOW + 599, home), [], "not before ten minutes");
        assert_eq!(wanted.due(NOW + 600, away), []);
        wanted.hurry(&ALICE);
        let asked = wanted.due(NOW + 601, home).remove(0).ask;
        wanted.on_answered(asked, false, NOW + 601);
        assert_eq!(wanted.due(NOW + 1_200, home), []);
        assert_eq!(wanted.due(NOW + 1_201, home).len(), 1, "no answer is like being away");
        let mut stale = Fetches::default();
        stale.want(FetchTarget::Posts(ALICE), NOW);
        assert_eq!(stale.due(NOW, away), []);
        assert_eq!(stale.due(NOW + 3_600, home), [], "nobody looks at it any more");
    }

    #[test]
    fn an_event_of_an_unknown_author_is_asked_of_the_neighbours() {
        let mut wanted = Fetches::default();
        let post = unsigned(Kind::POST);
        wanted.want(FetchTarget::Event(post.id(), None), NOW);
        let asking = wanted.due(NOW, away).remove(0);
        assert_eq!((asking.nodes.len(), asking.filters[0].authors.as_ref()), (0, None));
        let wants = wanted.on_answered(asking.ask, true, NOW);
        assert!(Fetches::fits(&wants, &post.id(), &post));
        wanted.on_found(&post.id(), &post, NOW);
        assert!(wanted.entries.is_empty());
    }

    #[test]
    fn the_table_and_the_questions_under_way_are_bounded() {
        let mut wanted = Fetches::default();
        for number in 0..MAX_WANTS + 50 {
            let mut person = [0; 32];
            person[..8].copy_from_slice(&number.to_le_bytes());
            wanted.want(
                FetchTarget::Profile(PublicKey::from_bytes(person)),
                NOW + u64::try_from(number).unwrap(),
            );
        }
        assert_eq!(wanted.entries.len(), MAX_WANTS);
        assert_eq!(wanted.due(NOW, |_| vec![NODE]).len(), MAX_ASKS);
        assert_eq!(wanted.due(NOW, |_| vec![NODE]).len(), 0);
    }
}
