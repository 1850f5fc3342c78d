//! Fetching what the owner's clients ask for and the store lacks: which nodes to ask, and when to ask again.
//!
//! One request per target is under way at a time. While the nodes of a person are away, they are asked again when one
//! of them appears, or after ten minutes, as long as a client has asked within the last hour. When no node of a
//! person is known, neighbours are asked. After an empty answer a target is not asked for again for an hour, and a
//! profile that was found for a day.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{
    EventId, Filter, Kind, PeerId, PublicKey, UnsignedEvent,
    event_policy::{Routing, is_served_on_request, routing},
};

use crate::answers_page::AnswersPage;

/// Targets that are remembered. An entry is about 200 bytes.
const MAX_WANTS: usize = 4_000;
/// Questions under way at a time.
const MAX_ASKS: usize = 16;
/// Nodes of one person that are asked at a time.
const MAX_NODES: usize = 3;
/// Neighbours that are asked for an event whose author is unknown.
const NEIGHBOURS_FOR_EVENTS: usize = 3;
/// Neighbours that are asked about somebody of whom no node is known: each of them learns who it is.
const NEIGHBOURS_FOR_STRANGERS: usize = 2;
/// Things that are wanted in one question.
const MAX_IDS: usize = 100;
/// Posts of a person in one question: a page of a profile.
const POSTS: u32 = 50;
/// Posts of several people in one question: nodes answer with no more.
const MAX_POSTS: u32 = 100;
/// How long "there is none" is believed, in seconds.
const NONE_SECONDS: u64 = 3_600;
/// How long a found profile or follow list counts as fresh, in seconds.
const FRESH_SECONDS: u64 = 86_400;
/// For how many seconds the posts of a person and the answers to a post count as fresh. They also come by broadcast.
const POSTS_SECONDS: u64 = 300;
/// When somebody whose nodes were away is asked again, in seconds.
const AWAY_SECONDS: u64 = 600;
/// How long a want lasts that nobody repeats, in seconds.
const INTEREST_SECONDS: u64 = 3_600;

/// Something to fetch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FetchTarget {
    /// The newest version of something replaceable of a person, see [`FetchTarget::latest_of`].
    Latest(Kind, PublicKey),
    /// A person's latest posts and reposts.
    Posts(PublicKey),
    /// A person's latest events of an addressable kind, see [`FetchTarget::addressable_of`].
    Addressable(Kind, PublicKey),
    /// An event, and its author as far as known; without, the neighbours are asked.
    Event(EventId, Option<PublicKey>),
    /// A page of what answers an event.
    Answers(AnswersPage),
}

impl FetchTarget {
    /// The newest event of this kind of a person: of profiles, and of lists that are served on request.
    pub fn latest_of(kind: Kind, author: PublicKey) -> Option<Self> {
        (kind == Kind::PROFILE || is_served_on_request(kind)).then_some(Self::Latest(kind, author))
    }

    /// The newest events of this kind of a person, if it is addressable and for everyone: articles.
    pub fn addressable_of(kind: Kind, author: PublicKey) -> Option<Self> {
        let served = kind.is_addressable() && routing(kind) == Routing::Everyone;
        served.then_some(Self::Addressable(kind, author))
    }

    /// The target under which a node asks for events of this kind by a person.
    pub fn of_author(kind: Kind, author: PublicKey) -> Self {
        let special = Self::latest_of(kind, author).or_else(|| Self::addressable_of(kind, author));
        special.unwrap_or(Self::Posts(author))
    }

    /// The author, whose nodes are asked.
    pub fn author(&self) -> Option<PublicKey> {
        match self {
            Self::Latest(_, author) | Self::Posts(author) | Self::Addressable(_, author) => Some(*author),
            Self::Event(_, author) => *author,
            Self::Answers(page) => Some(page.author),
        }
    }

    /// The target to ask for next, if these events are the answer to this one.
    pub fn next<'a>(&self, events: impl Iterator<Item = &'a UnsignedEvent>) -> Option<Self> {
        match self {
            Self::Answers(page) => page.next(events).map(Self::Answers),
            Self::Latest(..) | Self::Posts(_) | Self::Addressable(..) | Self::Event(..) => None,
        }
    }

    /// How long an answer of those whom it concerns is believed, in seconds.
    const fn rest(&self) -> u64 {
        match self {
            Self::Answers(_) => POSTS_SECONDS,
            Self::Latest(..) | Self::Posts(_) | Self::Addressable(..) | Self::Event(..) => NONE_SECONDS,
        }
    }

    /// Whether an event is what is wanted.
    fn is(&self, id: &EventId, unsigned: &UnsignedEvent) -> bool {
        let by = |author: &PublicKey| unsigned.pubkey == *author;
        match self {
            Self::Latest(kind, author) | Self::Addressable(kind, author) => {
                unsigned.kind == *kind && by(author)
            }
            Self::Posts(author) => matches!(unsigned.kind, Kind::POST | Kind::REPOST) && by(author),
            Self::Event(wanted, author) => wanted == id && author.as_ref().is_none_or(by),
            Self::Answers(page) => page.holds(unsigned),
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
    /// The nodes to ask; empty for any neighbours, when the author or the author's nodes are unknown.
    pub nodes: Vec<PeerId>,
    /// How many neighbours, when `nodes` is empty.
    pub neighbours: usize,
    /// At most four filters.
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
    /// It was found, or no node had it; it is not fetched again before this time.
    Rest(u64),
}

/// A question that was asked.
#[derive(Debug)]
struct Open {
    wants: Vec<FetchTarget>,
    /// Whether it is about people of whom no node is known.
    of_strangers: bool,
}

/// All targets that are being fetched.
#[derive(Debug, Default)]
pub struct Fetches {
    entries: BTreeMap<FetchTarget, Entry>,
    asks: BTreeMap<QueryId, Open>,
    next: u64,
    /// No entry is due earlier; u64::MAX when none is. There may be thousands, so it is not looked for each time.
    earliest: Earliest,
}

/// A time that is "never" at first.
#[derive(Debug, Clone, Copy)]
struct Earliest(u64);

impl Default for Earliest {
    fn default() -> Self {
        Self(u64::MAX)
    }
}

impl Fetches {
    /// A client wants something.
    pub fn want(&mut self, want: FetchTarget, now: u64) {
        if let Some(entry) = self.entries.get_mut(&want) {
            entry.wanted_at = now;
            if matches!(entry.state, State::Rest(until) if until <= now) {
                entry.state = State::Due;
                self.earliest = Earliest(0);
            }
            return;
        }
        if self.entries.len() >= MAX_WANTS {
            let idle = |entry: &&Entry| entry.state != State::Asked;
            let oldest = self.entries.iter().filter(|(_, entry)| idle(entry));
            let oldest = oldest.min_by_key(|(_, entry)| entry.wanted_at).map(|(want, _)| want.clone());
            let Some(oldest) = oldest else {
                return;
            };
            self.entries.remove(&oldest);
        }
        self.entries.insert(want, Entry { wanted_at: now, state: State::Due });
        self.earliest = Earliest(0);
    }

    /// The clock was set back: nothing rests until the former time, and what is wanted was wanted now.
    pub fn on_clock_back(&mut self, now: u64) {
        self.earliest = Earliest(self.earliest.0.min(now));
        for entry in self.entries.values_mut() {
            entry.wanted_at = entry.wanted_at.min(now);
            if let State::Away(until) | State::Rest(until) = &mut entry.state {
                *until = (*until).min(now);
            }
        }
    }

    /// When [`Fetches::due`] is to be called next. What waits for the end of a question has no time.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let waits = self.earliest.0 == 0 && self.asks.len() >= MAX_ASKS;
        Some(self.earliest.0).filter(|earliest| *earliest != u64::MAX && !waits)
    }

    /// Whether a question for it is under way, or waits for its turn.
    pub fn is_open(&self, want: &FetchTarget) -> bool {
        self.entries.get(want).is_some_and(|entry| matches!(entry.state, State::Due | State::Asked))
    }

    /// The first neighbour is there: what nobody could be asked for is asked for now.
    pub fn on_online(&mut self) {
        for entry in self.entries.values_mut().filter(|entry| matches!(entry.state, State::Away(_))) {
            entry.state = State::Due;
            self.earliest = Earliest(0);
        }
    }

    /// A node of a person has appeared, or has answered.
    pub fn hurry(&mut self, person: &PublicKey) {
        for (want, entry) in &mut self.entries {
            if want.author() == Some(*person) && matches!(entry.state, State::Away(_)) {
                entry.state = State::Due;
                self.earliest = Earliest(0);
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
                by_author.entry(want.author()).or_default().push(want.clone());
            }
        }
        let away = self.entries.values().filter_map(|entry| match entry.state {
            State::Away(until) => Some(until),
            State::Due | State::Asked | State::Rest(_) => None,
        });
        self.earliest = Earliest(away.min().unwrap_or(u64::MAX));
        let (mut asking, mut strangers) = (Vec::new(), Vec::new());
        for (author, wants) in by_author {
            let mut nodes = author.as_ref().map(&nodes_of).unwrap_or_default();
            nodes.truncate(MAX_NODES);
            let (answers, wants): (Vec<_>, Vec<_>) =
                wants.into_iter().partition(|want| matches!(want, FetchTarget::Answers(_)));
            let of_stranger = author.is_some() && nodes.is_empty();
            // Each has a filter of its own, of which a question holds four.
            for page in answers {
                asking.extend(self.open(vec![page], nodes.clone(), of_stranger));
            }
            if of_stranger {
                strangers.extend(wants);
            } else if !wants.is_empty() {
                let wants = wants.into_iter().take(MAX_IDS).collect();
                asking.extend(self.open(wants, nodes, false));
            }
        }
        for wants in strangers.chunks(MAX_IDS) {
            asking.extend(self.open(wants.to_vec(), vec![], true));
        }
        if self.entries.values().any(|entry| entry.state == State::Due) {
            self.earliest = Earliest(0);
        }
        asking
    }

    /// Makes a question of it; none while as many are under way as may be.
    fn open(
        &mut self,
        wants: Vec<FetchTarget>,
        nodes: Vec<PeerId>,
        of_strangers: bool,
    ) -> Option<FetchQuery> {
        if self.asks.len() >= MAX_ASKS {
            return None;
        }
        self.set(&wants, State::Asked);
        let ask = QueryId(self.next);
        self.next += 1;
        let neighbours = if of_strangers { NEIGHBOURS_FOR_STRANGERS } else { NEIGHBOURS_FOR_EVENTS };
        let filters = filters(&wants);
        self.asks.insert(ask, Open { wants, of_strangers });
        Some(FetchQuery { ask, nodes, neighbours, filters })
    }

    /// A question has been answered, or nobody answered. Returns what it was for, so that the answer's events can be
    /// compared with it by [`Fetches::fits`].
    pub fn on_answered(&mut self, ask: QueryId, answered: bool, now: u64) -> Vec<FetchTarget> {
        let Some(Open { wants, of_strangers }) = self.asks.remove(&ask) else { return vec![] };
        for want in &wants {
            let state = match (answered, of_strangers) {
                (true, false) => State::Rest(now.saturating_add(want.rest())),
                // Neighbours that have nothing say little: a node of the person is asked as soon as one appears.
                (true, true) => State::Away(now.saturating_add(NONE_SECONDS)),
                (false, _) => State::Away(now.saturating_add(AWAY_SECONDS)),
            };
            self.set(std::slice::from_ref(want), state);
        }
        wants
    }

    /// Whether an event is one of those that were asked for. An answer by somebody whom the owner has muted is not;
    /// that person's posts are, when a client asks for that person.
    pub fn fits(wants: &[FetchTarget], id: &EventId, unsigned: &UnsignedEvent, muted: bool) -> bool {
        let by_name = |want: &&FetchTarget| !matches!(want, FetchTarget::Answers(_));
        wants.iter().any(|want| want.is(id, unsigned) && (!muted || by_name(&want)))
    }

    /// An event has come whose signature is right.
    pub fn on_found(&mut self, id: &EventId, unsigned: &UnsignedEvent, now: u64) {
        let author = unsigned.pubkey;
        let want = FetchTarget::of_author(unsigned.kind, author);
        let rest = if matches!(want, FetchTarget::Latest(..)) { FRESH_SECONDS } else { POSTS_SECONDS };
        // What is still to be asked for is not found by what came with something else.
        let answered = |entry: &&mut Entry| !matches!(entry.state, State::Due | State::Asked);
        if let Some(entry) = self.entries.get_mut(&want).filter(answered) {
            entry.state = State::Rest(now.saturating_add(rest));
        }
        self.entries.remove(&FetchTarget::Event(*id, Some(author)));
        self.entries.remove(&FetchTarget::Event(*id, None));
    }

    fn set(&mut self, wants: &[FetchTarget], state: State) {
        if let State::Away(until) = state {
            self.earliest = Earliest(self.earliest.0.min(until));
        }
        for want in wants {
            if let Some(entry) = self.entries.get_mut(want) {
                entry.state = state;
            }
        }
    }
}

/// One request for all targets.
fn filters(wants: &[FetchTarget]) -> Vec<Filter> {
    let (mut kinds, mut ids, mut writers) = (BTreeSet::new(), BTreeSet::new(), 0_u32);
    let mut addressable = BTreeSet::new();
    let mut filters = Vec::new();
    for want in wants {
        match want {
            FetchTarget::Latest(kind, _) => drop(kinds.insert(*kind)),
            FetchTarget::Posts(_) => writers = writers.saturating_add(1),
            FetchTarget::Addressable(kind, _) => drop(addressable.insert(*kind)),
            FetchTarget::Event(id, _) => drop(ids.insert(*id)),
            FetchTarget::Answers(page) => filters.push(page.filter()),
        }
    }
    let authors: BTreeSet<PublicKey> = wants.iter().filter_map(FetchTarget::author).collect();
    let by = |filter: Filter| Filter { authors: (!authors.is_empty()).then(|| authors.clone()), ..filter };
    if !kinds.is_empty() {
        filters.push(by(Filter { kinds: Some(kinds), ..Filter::default() }));
    }
    if writers > 0 {
        let kinds = Some([Kind::POST, Kind::REPOST].into());
        let limit = Some(POSTS.saturating_mul(writers).min(MAX_POSTS));
        filters.push(by(Filter { kinds, limit, ..Filter::default() }));
    }
    if !addressable.is_empty() {
        filters.push(by(Filter { kinds: Some(addressable), limit: Some(MAX_POSTS), ..Filter::default() }));
    }
    if !ids.is_empty() {
        filters.push(by(Filter { ids: Some(ids), ..Filter::default() }));
    }
    filters
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Tag};

    use super::*;
    use crate::answers_page::AnswersTo;

    const NOW: u64 = 1_700_000_000;
    const ALICE: PublicKey = PublicKey::from_bytes([1; 32]);
    const NODE: PeerId = PeerId::from_ed25519([9; 32]);

    const PROFILE: FetchTarget = FetchTarget::Latest(Kind::PROFILE, ALICE);

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
            [PROFILE, FetchTarget::Latest(Kind::FOLLOW_LIST, ALICE), FetchTarget::Event(id, Some(ALICE))]
        {
            wanted.want(want.clone(), NOW);
            wanted.want(want, NOW);
        }
        let asking = wanted.due(NOW, home);
        assert_eq!((asking.len(), asking[0].nodes.as_slice()), (1, [NODE].as_slice()));
        assert_eq!(asking[0].filters.len(), 2, "kinds in one filter, ids in another");
        wanted.want(PROFILE, NOW + 1);
        assert_eq!(wanted.due(NOW + 1, home), [], "it is being asked for");
    }

    #[test]
    fn none_is_believed_for_an_hour_and_a_profile_for_a_day() {
        let mut wanted = Fetches::default();
        wanted.want(PROFILE, NOW);
        let asked = wanted.due(NOW, home).remove(0).ask;
        wanted.on_answered(asked, true, NOW);
        wanted.want(PROFILE, NOW + 3_599);
        assert_eq!(wanted.due(NOW + 3_599, home), []);
        wanted.want(PROFILE, NOW + 3_600);
        let asked = wanted.due(NOW + 3_600, home).remove(0).ask;
        let wants = wanted.on_answered(asked, true, NOW + 3_600);
        let profile = unsigned(Kind::PROFILE);
        assert!(Fetches::fits(&wants, &profile.id(), &profile, false));
        assert!(!Fetches::fits(&wants, &profile.id(), &unsigned(Kind::POST), false), "not asked for");
        wanted.on_found(&profile.id(), &profile, NOW + 3_600);
        wanted.want(PROFILE, NOW + 3_600 + 86_399);
        assert_eq!(wanted.due(NOW + 3_600 + 86_399, home), []);
        wanted.want(PROFILE, NOW + 3_600 + 86_400);
        assert_eq!(wanted.due(NOW + 3_600 + 86_400, home).len(), 1);
    }

    #[test]
    fn somebody_who_is_away_is_asked_again_while_there_is_interest() {
        let mut wanted = Fetches::default();
        wanted.want(FetchTarget::Posts(ALICE), NOW);
        let asked = wanted.due(NOW, home).remove(0).ask;
        assert!(wanted.is_open(&FetchTarget::Posts(ALICE)));
        wanted.on_answered(asked, false, NOW);
        assert!(!wanted.is_open(&FetchTarget::Posts(ALICE)), "nobody waits for ten minutes");
        assert_eq!(wanted.due(NOW + 599, home), [], "not before ten minutes");
        wanted.hurry(&ALICE);
        let asked = wanted.due(NOW + 599, home).remove(0).ask;
        wanted.on_answered(asked, false, NOW + 601);
        assert_eq!(wanted.due(NOW + 1_200, home), []);
        assert_eq!(wanted.due(NOW + 1_201, home).len(), 1, "no answer is like being away");
        let mut stale = Fetches::default();
        stale.want(FetchTarget::Posts(ALICE), NOW);
        let asked = stale.due(NOW, home).remove(0).ask;
        stale.on_answered(asked, false, NOW);
        assert_eq!(stale.due(NOW + 3_600, home), [], "nobody looks at it any more");
    }

    #[test]
    fn two_neighbours_are_asked_about_people_of_whom_no_node_is_known() {
        let mut wanted = Fetches::default();
        let bob = PublicKey::from_bytes([2; 32]);
        wanted.want(PROFILE, NOW);
        wanted.want(FetchTarget::Posts(bob), NOW);
        let asking = wanted.due(NOW, away);
        assert_eq!((asking.len(), asking[0].nodes.len(), asking[0].neighbours), (1, 0, 2));
        assert!(asking[0].filters.iter().all(|filter| filter.authors == Some([ALICE, bob].into())));
        wanted.on_answered(asking[0].ask, true, NOW);
        wanted.want(PROFILE, NOW + 3_599);
        assert_eq!(wanted.due(NOW + 3_599, away), [], "what they lack is believed for an hour");
        wanted.hurry(&ALICE);
        assert_eq!(wanted.due(NOW + 3_599, home)[0].nodes, [NODE], "but a node that appears is asked");
    }

    #[test]
    fn what_nobody_could_be_asked_for_is_asked_for_when_a_neighbour_comes() {
        let mut wanted = Fetches::default();
        wanted.want(PROFILE, NOW);
        let asked = wanted.due(NOW, away).remove(0).ask;
        wanted.on_answered(asked, false, NOW);
        assert_eq!(wanted.due(NOW + 1, away), []);
        wanted.on_online();
        assert_eq!(wanted.due(NOW + 1, away).len(), 1);
    }

    #[test]
    fn an_event_of_an_unknown_author_is_asked_of_the_neighbours() {
        let mut wanted = Fetches::default();
        let post = unsigned(Kind::POST);
        wanted.want(FetchTarget::Event(post.id(), None), NOW);
        let asking = wanted.due(NOW, away).remove(0);
        assert_eq!((asking.nodes.len(), asking.filters[0].authors.as_ref()), (0, None));
        let wants = wanted.on_answered(asking.ask, true, NOW);
        assert!(Fetches::fits(&wants, &post.id(), &post, false));
        wanted.on_found(&post.id(), &post, NOW);
        assert!(wanted.entries.is_empty());
    }

    #[test]
    fn articles_are_asked_for_by_kind_and_what_stays_at_home_is_not() {
        assert_eq!(FetchTarget::addressable_of(Kind::APPLICATION_DATA, ALICE), None);
        assert_eq!(FetchTarget::addressable_of(Kind::POST, ALICE), None);
        let articles = FetchTarget::addressable_of(Kind(30_023), ALICE).expect("for everyone");
        let mut wanted = Fetches::default();
        wanted.want(articles.clone(), NOW);
        wanted.want(FetchTarget::Posts(ALICE), NOW);
        let asking = wanted.due(NOW, home).remove(0);
        assert_eq!(asking.filters.len(), 2);
        assert!(asking.filters.iter().all(|filter| filter.authors == Some([ALICE].into())));
        let wants = wanted.on_answered(asking.ask, true, NOW);
        let article = unsigned(Kind(30_023));
        assert!(Fetches::fits(&wants, &article.id(), &article, false));
        wanted.on_found(&article.id(), &article, NOW);
        wanted.want(articles.clone(), NOW + 299);
        assert_eq!(wanted.due(NOW + 299, home), []);
        wanted.want(articles, NOW + 300);
        assert_eq!(wanted.due(NOW + 300, home).len(), 1);
    }

    #[test]
    fn the_answers_to_a_post_are_a_question_of_their_own_and_fresh_for_five_minutes() {
        let mut wanted = Fetches::default();
        let root = unsigned(Kind::POST).id();
        let answers = FetchTarget::Answers(AnswersPage::first(AnswersTo::Post(root), ALICE));
        wanted.want(answers.clone(), NOW);
        wanted.want(PROFILE, NOW);
        let asking = wanted.due(NOW, home);
        assert_eq!(asking.len(), 2);
        assert_eq!((asking[0].nodes.as_slice(), asking[0].filters.len()), ([NODE].as_slice(), 1));
        assert_eq!(asking[0].filters[0].authors, None, "answers of everybody");
        let wants = wanted.on_answered(asking[0].ask, true, NOW);
        let tags = vec![Tag::new(["e", &root.to_string()])];
        let template = EventTemplate { created_at: NOW, kind: Kind::POST, tags, content: String::new() };
        let answer = template.by(PublicKey::from_bytes([2; 32]));
        assert!(Fetches::fits(&wants, &answer.id(), &answer, false));
        assert!(!Fetches::fits(&wants, &answer.id(), &answer, true), "of somebody who is muted");
        wanted.want(answers.clone(), NOW + 299);
        assert_eq!(wanted.due(NOW + 299, home), []);
        wanted.want(answers, NOW + 300);
        assert_eq!(wanted.due(NOW + 300, home).len(), 1);
    }

    #[test]
    fn the_table_and_the_questions_under_way_are_bounded() {
        let mut wanted = Fetches::default();
        for number in 0..MAX_WANTS + 50 {
            let mut person = [0; 32];
            person[..8].copy_from_slice(&number.to_le_bytes());
            let person = FetchTarget::Latest(Kind::PROFILE, PublicKey::from_bytes(person));
            wanted.want(person, NOW + u64::try_from(number).unwrap());
        }
        assert_eq!(wanted.entries.len(), MAX_WANTS);
        assert_eq!(wanted.due(NOW, |_| vec![NODE]).len(), MAX_ASKS);
        assert_eq!(wanted.due(NOW, |_| vec![NODE]).len(), 0);
    }
}
