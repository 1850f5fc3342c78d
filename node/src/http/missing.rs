//! Finds what an answer from the own store lacks, so that other nodes are worth asking: for the page, REST and the
//! relay alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use nostrp2p_core::{AnswersPage, AnswersTo, FetchTarget};
use nostrp2p_protocol::{
    Event, EventId, Filter, Kind, PublicKey,
    event_policy::{EventAddress, is_public},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{driver::Command, store::Store};

/// Most targets that one request makes the node fetch.
const MAX_WANTS: usize = 100;
/// A request for up to so many authors is about them rather than about a timeline, and what is known is refreshed.
const FEW: usize = 10;
/// A profile that is older than this is worth asking for again, in seconds.
const OLD_SECONDS: u64 = 86_400;
/// By how many seconds a program's clock may be behind: it asks until its own now.
const BEHIND_SECONDS: u64 = 60;
/// Conversations whose answers one question makes the node ask for.
const MAX_CONVERSATIONS: usize = 10;
/// How long an answer waits for what other nodes are asked for.
const OTHERS_ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The id that nostr-tools asks for to see whether a connection is alive. No event has it.
const PING: EventId = EventId::from_bytes([0xaa; 32]);

/// Targets to fetch from other nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// The store has nothing of it, so an answer waits for it.
    pub(super) lacking: Vec<FetchTarget>,
    /// There may be something newer than what the store has, which is in the answer meanwhile.
    pub(super) stale: Vec<FetchTarget>,
}

impl Missing {
    /// All of it.
    pub(super) fn all(self) -> Vec<FetchTarget> {
        [self.lacking, self.stale].concat()
    }
}

/// Has other nodes asked; ends when what came can be read, when nobody can be asked, or after
/// [`OTHERS_ANSWER_WITHIN`]. What comes later is stored as well.
pub(super) async fn fetch(commands: mpsc::Sender<Command>, Missing { lacking, stale }: Missing) {
    // A driver that has gone asks nobody, and the session ends as well.
    if !stale.is_empty() {
        drop(commands.send(Command::Fetch(stale, None)).await);
    }
    if lacking.is_empty() {
        return;
    }
    let (waiting, over) = oneshot::channel();
    drop(commands.send(Command::Fetch(lacking, Some(waiting))).await);
    drop(timeout(OTHERS_ANSWER_WITHIN, over).await);
}

/// What to ask other nodes for, given what the store has answered. `now` in seconds since 1970.
///
/// # Errors
/// When the disk cannot be read.
pub(super) fn missing<'a>(
    store: &Store,
    filters: impl IntoIterator<Item = &'a Filter>,
    found: impl IntoIterator<Item = &'a Event>,
    now: u64,
) -> Result<Missing, redb::Error> {
    let mut asked = Asked::default();
    let filters: Vec<&Filter> = filters.into_iter().collect();
    filters.iter().for_each(|filter| asked.name(filter, now));
    for page in conversations(store, &filters, now)? {
        asked.want(FetchTarget::Answers(page), true);
    }
    if asked.wants.is_empty() {
        return Ok(Missing::default());
    }
    found.into_iter().for_each(|event| asked.hold(event));
    // An answer has no more than its limit, so what is not in it may be there all the same.
    let unseen: Vec<FetchTarget> = asked.lacking().take(MAX_WANTS).collect();
    if !unseen.is_empty() {
        store.find(&lookups(&unseen))?.events.iter().for_each(|event| asked.hold(event));
    }
    Ok(asked.missing(now))
}

/// What filters name.
#[derive(Default)]
struct Asked {
    /// Targets with the time of the newest version in the store.
    wants: BTreeMap<FetchTarget, Option<u64>>,
    /// Targets that are fetched although the store has something.
    refreshed: BTreeSet<FetchTarget>,
}

impl Asked {
    fn name(&mut self, filter: &Filter, now: u64) {
        // Who wants nothing that is stored listens to what comes.
        if filter.limit == Some(0) {
            return;
        }
        match &filter.ids {
            Some(ids) => self.name_events(ids, filter.authors.as_ref()),
            None => self.name_people(filter, now),
        }
    }

    fn name_events(&mut self, ids: &BTreeSet<EventId>, authors: Option<&BTreeSet<PublicKey>>) {
        let author = authors.filter(|authors| authors.len() == 1).and_then(BTreeSet::first).copied();
        self.wants
            .extend(ids.iter().filter(|id| **id != PING).map(|id| (FetchTarget::Event(*id, author), None)));
    }

    fn name_people(&mut self, filter: &Filter, now: u64) {
        let Some(authors) = &filter.authors else { return };
        let few = authors.len() <= FEW;
        let refreshed = few && reaches_now(filter, now);
        // Whoever names no kind and a tag looks for something else.
        let kinds = match &filter.kinds {
            Some(kinds) => kinds.clone(),
            None if few && filter.tags.is_empty() => [Kind::PROFILE, Kind::POST].into(),
            None => return,
        };
        let is_about_people = authors
            .iter()
            .take(1)
            .all(|author| kinds.iter().all(|kind| FetchTarget::latest_of(*kind, *author).is_some()));
        let posts = kinds.contains(&Kind::POST) || kinds.contains(&Kind::REPOST);
        for author in authors {
            for kind in &kinds {
                if let Some(want) = FetchTarget::latest_of(*kind, *author)
                    && (few || is_about_people || *kind == Kind::PROFILE)
                {
                    self.want(want, refreshed);
                }
                if let Some(want) = FetchTarget::addressable_of(*kind, *author).filter(|_| few) {
                    self.want(want, refreshed);
                }
            }
            if posts && few && filter.tags.is_empty() {
                self.want(FetchTarget::Posts(*author), refreshed);
            }
        }
    }

    fn want(&mut self, want: FetchTarget, refreshed: bool) {
        if refreshed {
            self.refreshed.insert(want.clone());
        }
        self.wants.insert(want, None);
    }

    /// Notes that the store has an event.
    fn hold(&mut self, event: &Event) {
        let (id, author) = (event.id(), event.pubkey);
        let of_author = FetchTarget::of_author(event.kind, author);
        for want in [of_author, FetchTarget::Event(id, None), FetchTarget::Event(id, Some(author))] {
            if let Some(held) = self.wants.get_mut(&want) {
                *held = (*held).max(Some(event.created_at));
            }
        }
        // They stand behind all others: three for each of ten events, and ten addresses, at most.
        for (want, held) in self.wants.iter_mut().rev() {
            let FetchTarget::Answers(page) = want else { break };
            if page.holds(event) {
                *held = (*held).max(Some(event.created_at));
            }
        }
    }

    fn lacking(&self) -> impl Iterator<Item = FetchTarget> {
        self.wants.iter().filter(|(_, held)| held.is_none()).map(|(want, _)| want.clone())
    }

    fn missing(&self, now: u64) -> Missing {
        let lacking: Vec<FetchTarget> = self.lacking().take(MAX_WANTS).collect();
        let is_stale = |want: &FetchTarget| match (want, self.wants.get(want)) {
            (FetchTarget::Latest(..), Some(Some(held))) => held.saturating_add(OLD_SECONDS) < now,
            (_, held) => held.is_some_and(Option::is_some),
        };
        let stale = self.refreshed.iter().filter(|want| is_stale(want)).cloned();
        let stale = stale.take(MAX_WANTS - lacking.len()).collect();
        Missing { lacking, stale }
    }
}

/// The first pages of the answers, comments and votes that these filters ask for, of stored events. Private events
/// have no public answers. Later pages were fetched with the first one.
fn conversations(store: &Store, filters: &[&Filter], now: u64) -> Result<Vec<AnswersPage>, redb::Error> {
    let asks_now = |filter: &&&Filter| filter.limit != Some(0) && reaches_now(filter, now);
    let filters: Vec<&Filter> = filters.iter().filter(asks_now).copied().collect();
    let wants = |filter: &Filter, to: &AnswersTo| {
        filter.kinds.as_ref().is_none_or(|kinds| to.kinds().iter().any(|kind| kinds.contains(kind)))
    };
    let mut pages = Vec::new();
    for filter in &filters {
        let addresses = named(filter, ['a', 'A']).filter_map(|address| EventAddress::parse(address));
        for address in addresses.take(MAX_CONVERSATIONS) {
            let author = address.author;
            let served = FetchTarget::addressable_of(address.kind, author).is_some();
            let to = AnswersTo::Address(address);
            if served && wants(filter, &to) && pages.len() < MAX_CONVERSATIONS {
                pages.push(AnswersPage::first(to, author));
            }
        }
    }
    let ids = |filter: &&Filter| {
        named(filter, ['e', 'E']).filter_map(|id| id.parse().ok()).collect::<BTreeSet<EventId>>()
    };
    let all: BTreeSet<EventId> = filters.iter().flat_map(ids).take(MAX_CONVERSATIONS).collect();
    if all.is_empty() {
        return Ok(pages);
    }
    for root in store.find(&[Filter { ids: Some(all), ..Filter::default() }])?.events {
        let id = root.id();
        let asked =
            |to: &AnswersTo| filters.iter().any(|filter| ids(filter).contains(&id) && wants(filter, to));
        let to = AnswersTo::all(&root, id).into_iter().filter(|to| is_public(&root) && asked(to));
        pages.extend(to.map(|to| AnswersPage::first(to, root.pubkey)));
    }
    Ok(pages)
}

/// Whether the newest of what a filter names is in its answer: whoever reads on into the past does not wait for it.
fn reaches_now(filter: &Filter, now: u64) -> bool {
    filter.until.is_none_or(|until| until.saturating_add(BEHIND_SECONDS) >= now)
}

/// The values of these tags in a filter.
fn named(filter: &Filter, letters: [char; 2]) -> impl Iterator<Item = &String> {
    letters.into_iter().filter_map(|letter| filter.tags.get(&letter)).flatten()
}

/// The questions to the store whether it has any of these.
fn lookups(wants: &[FetchTarget]) -> Vec<Filter> {
    let (mut ids, mut people) = (BTreeSet::new(), BTreeMap::<Kind, BTreeSet<PublicKey>>::new());
    let mut filters = Vec::new();
    for want in wants {
        match want {
            FetchTarget::Event(id, _) => drop(ids.insert(*id)),
            // Another one of that kind says nothing about the one with this `d` tag.
            FetchTarget::Addressable(..) => {}
            FetchTarget::Answers(page) => filters.push(Filter { limit: Some(1), ..page.filter() }),
            FetchTarget::Latest(kind, author) => drop(people.entry(*kind).or_default().insert(*author)),
            FetchTarget::Posts(author) => filters.push(Filter {
                authors: Some([*author].into()),
                kinds: Some([Kind::POST, Kind::REPOST].into()),
                limit: Some(1),
                ..Filter::default()
            }),
        }
    }
    if !ids.is_empty() {
        filters.push(Filter { ids: Some(ids), ..Filter::default() });
    }
    filters.extend(people.into_iter().map(|(kind, authors)| Filter {
        authors: Some(authors),
        kinds: Some([kind].into()),
        ..Filter::default()
    }));
    filters
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, SecretKey, Tag};

    use super::*;
    use crate::store::{Propagation, Retention};

    const NOW: u64 = 1_700_000_000;

    fn by_one(created_at: u64, kind: Kind) -> Event {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        EventTemplate { created_at, kind, tags: vec![], content: "{}".into() }.sign(&key, &[0; 32])
    }

    fn profile(created_at: u64) -> Event {
        by_one(created_at, Kind::PROFILE)
    }

    fn profile_of(author: PublicKey) -> FetchTarget {
        FetchTarget::Latest(Kind::PROFILE, author)
    }

    fn asked(authors: &[PublicKey], kinds: &[Kind]) -> Filter {
        Filter {
            authors: Some(authors.iter().copied().collect()),
            kinds: Some(kinds.iter().copied().collect()),
            ..Filter::default()
        }
    }

    /// What is missing where the store has nothing else than what it has answered.
    fn missing_of(filters: &[Filter], found: &[Event]) -> Missing {
        let directory = tempfile::tempdir().unwrap();
        let (store, _writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        missing(&store, filters, found, NOW).unwrap()
    }

    fn lacking(filters: &[Filter], found: &[Event]) -> Vec<FetchTarget> {
        missing_of(filters, found).lacking
    }

    #[test]
    fn a_profile_is_missing_or_old() {
        let author = profile(NOW).pubkey;
        let question = [asked(&[author], &[Kind::PROFILE])];
        assert_eq!(lacking(&question, &[]), [profile_of(author)]);
        assert_eq!(missing_of(&question, &[profile(NOW)]), Missing::default());
        let old = missing_of(&question, &[profile(NOW - OLD_SECONDS - 1)]);
        assert_eq!(old, Missing { lacking: vec![], stale: vec![profile_of(author)] }, "nobody waits for it");
    }

    #[test]
    fn a_timeline_of_many_asks_only_for_the_profiles_that_are_missing() {
        let many: Vec<PublicKey> = (0..50).map(|number| PublicKey::from_bytes([number; 32])).collect();
        let wants = lacking(&[asked(&many, &[Kind::PROFILE, Kind::FOLLOW_LIST, Kind::POST])], &[]);
        assert_eq!(wants.len(), 50);
        assert!(wants.iter().all(|want| matches!(want, FetchTarget::Latest(Kind::PROFILE, _))));
        assert_eq!(lacking(&[asked(&many, &[Kind::FOLLOW_LIST])], &[]).len(), 50, "it is about these people");
        assert_eq!(lacking(&[Filter::default()], &[]), [], "everything is not missing");
    }

    #[test]
    fn an_event_is_asked_of_its_author_when_that_is_known() {
        let (id, author) = (EventId::from_bytes([7; 32]), PublicKey::from_bytes([1; 32]));
        let by_id = Filter { ids: Some([id].into()), ..Filter::default() };
        assert_eq!(lacking(std::slice::from_ref(&by_id), &[]), [FetchTarget::Event(id, None)]);
        let by_author = Filter { authors: Some([author].into()), ..by_id };
        assert_eq!(lacking(&[by_author], &[]), [FetchTarget::Event(id, Some(author))]);
        let there = Filter { ids: Some([profile(NOW).id()].into()), ..Filter::default() };
        assert_eq!(lacking(&[there], &[profile(NOW)]), []);
    }

    #[test]
    fn an_author_alone_stands_for_posts_and_profile_and_ten_are_the_most() {
        let authors = |count: u8| Filter {
            authors: Some((0..count).map(|number| PublicKey::from_bytes([number; 32])).collect()),
            ..Filter::default()
        };
        assert_eq!(lacking(&[authors(10)], &[]).len(), 20);
        assert_eq!(lacking(&[authors(11)], &[]), []);
        let one = by_one(NOW, Kind::POST);
        let known = Filter { authors: Some([one.pubkey].into()), ..Filter::default() };
        let refreshed =
            Missing { lacking: vec![profile_of(one.pubkey)], stale: vec![FetchTarget::Posts(one.pubkey)] };
        assert_eq!(missing_of(&[known], &[one]), refreshed);
    }

    #[test]
    fn who_reads_on_into_the_past_refreshes_nothing_but_still_gets_what_is_not_here() {
        let post = by_one(NOW - 5_000, Kind::POST);
        let posts = FetchTarget::Posts(post.pubkey);
        let until = |until| [Filter { until, ..asked(&[post.pubkey], &[Kind::POST]) }];
        let refreshed = Missing { lacking: vec![], stale: vec![posts.clone()] };
        for now in [None, Some(NOW), Some(NOW - BEHIND_SECONDS)] {
            assert_eq!(missing_of(&until(now), std::slice::from_ref(&post)), refreshed, "{now:?}");
        }
        let past = until(Some(NOW - BEHIND_SECONDS - 1));
        assert_eq!(missing_of(&past, &[post]), Missing::default());
        assert_eq!(lacking(&past, &[]), [posts]);
        let old = profile(NOW - OLD_SECONDS - 1);
        let past = [Filter { until: Some(NOW - 5_000), ..asked(&[old.pubkey], &[Kind::PROFILE]) }];
        assert_eq!(missing_of(&past, &[old]), Missing::default());
    }

    #[test]
    fn a_ping_and_a_subscription_to_what_comes_ask_nobody() {
        let ping = Filter { ids: Some([PING].into()), ..Filter::default() };
        let author = PublicKey::from_bytes([1; 32]);
        let live = Filter { limit: Some(0), ..asked(&[author], &[Kind::PROFILE, Kind::POST]) };
        assert_eq!(missing_of(&[ping, live], &[]), Missing::default());
    }

    #[tokio::test]
    async fn what_the_limit_of_an_answer_left_out_is_not_missing() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        let (profile, post) = (profile(NOW), by_one(NOW, Kind::POST));
        writer.commit(profile.clone(), Propagation::Done).await.await.unwrap().unwrap();
        let limited = Filter { limit: Some(1), ..asked(&[profile.pubkey], &[Kind::PROFILE, Kind::POST]) };
        assert_eq!(missing(&store, &[limited], &[post], NOW).unwrap().lacking, []);
    }

    #[tokio::test]
    async fn the_answers_to_a_post_that_is_here_are_asked_of_its_author_and_those_to_a_private_one_of_nobody()
    {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let tags = vec![Tag::new(["p", &"ab".repeat(32)])];
        let private = EventTemplate { created_at: NOW, kind: Kind::POST, tags, content: String::new() };
        let (post, private) = (by_one(NOW, Kind::POST), private.sign(&key, &[0; 32]));
        for event in [&post, &private] {
            writer.commit(event.clone(), Propagation::Done).await.await.unwrap().unwrap();
        }
        let answers = |event: &Event, kind| Filter {
            kinds: Some([kind].into()),
            tags: [('e', [event.id().to_string()].into())].into(),
            ..Filter::default()
        };
        let lacking = |filter| missing(&store, &[filter], &[], NOW).unwrap().lacking;
        let to = AnswersTo::Post(post.id());
        let page = FetchTarget::Answers(AnswersPage::first(to, post.pubkey));
        assert_eq!(lacking(answers(&post, Kind::POST)), [page]);
        let further_back = Filter { until: Some(NOW - BEHIND_SECONDS - 1), ..answers(&post, Kind::POST) };
        assert_eq!(lacking(further_back), [], "the first page has asked");
        assert_eq!(lacking(answers(&private, Kind::POST)), []);
        assert_eq!(lacking(answers(&post, Kind::REACTION)), [], "likes are private");
        assert_eq!(lacking(answers(&by_one(1, Kind::POST), Kind::POST)), [], "its author is not known");
    }

    #[tokio::test]
    async fn comments_and_votes_are_asked_of_the_author_of_what_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let [picture, poll, article] = [20, 1068, 30_023].map(|kind| {
            let tags = vec![Tag::new(["d", "x"])];
            let draft = EventTemplate { created_at: NOW, kind: Kind(kind), tags, content: String::new() };
            draft.sign(&key, &[0; 32])
        });
        for event in [&picture, &poll, &article] {
            writer.commit(event.clone(), Propagation::Done).await.await.unwrap().unwrap();
        }
        let address = format!("30023:{}:x", key.public_key());
        let lacking = |kinds: &[u16], letter, value: String| {
            let kinds = Some(kinds.iter().copied().map(Kind).collect());
            let filter = Filter { kinds, tags: [(letter, [value].into())].into(), ..Filter::default() };
            let lacking = missing(&store, &[filter], &[], NOW).unwrap().lacking;
            lacking
                .into_iter()
                .map(|want| match want {
                    FetchTarget::Answers(page) => page.to,
                    other => panic!("{other:?}"),
                })
                .collect::<Vec<_>>()
        };
        let of_article = AnswersTo::Address(EventAddress::parse(&address).unwrap());
        assert_eq!(lacking(&[1111, 1244], 'E', picture.id().to_string()), [AnswersTo::Event(picture.id())]);
        assert_eq!(lacking(&[1018], 'e', poll.id().to_string()), [AnswersTo::Poll(poll.id())]);
        assert_eq!(lacking(&[1018], 'e', picture.id().to_string()), []);
        for (letter, value) in [('A', address.clone()), ('a', address), ('e', article.id().to_string())] {
            assert_eq!(lacking(&[1111], letter, value), std::slice::from_ref(&of_article), "{letter}");
        }
    }

    #[tokio::test]
    async fn an_article_that_is_not_here_is_missing_also_when_another_one_is() {
        let article = |d: &str| {
            let tags = vec![Tag::new(["d", d])];
            let draft = EventTemplate { created_at: NOW, kind: Kind(30_023), tags, content: String::new() };
            draft.sign(&SecretKey::from_bytes([1; 32]).unwrap(), &[0; 32])
        };
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        let here = article("here");
        writer.commit(here.clone(), Propagation::Done).await.await.unwrap().unwrap();
        let asked = |d: &str, kind| Filter {
            tags: [('d', [d.to_owned()].into())].into(),
            ..asked(&[here.pubkey], &[Kind(kind)])
        };
        let articles = FetchTarget::Addressable(Kind(30_023), here.pubkey);
        let found = |filter, events: &[Event]| missing(&store, &[filter], events, NOW).unwrap();
        assert_eq!(found(asked("there", 30_023), &[]).lacking, std::slice::from_ref(&articles));
        let held = found(asked("here", 30_023), std::slice::from_ref(&here));
        assert_eq!(held, Missing { lacking: vec![], stale: vec![articles] });
        assert_eq!(found(asked("there", 30_078), &[]), Missing::default(), "nobody gives it");
    }
}
