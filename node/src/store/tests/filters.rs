//! The filter engine against the definition: every event, matched one by one.

use std::{cmp::Reverse, collections::BTreeSet, sync::Arc, thread};

use nostrp2p_protocol::{EventId, PublicKey, Signature, UnsignedEvent, UnverifiedEvent};

use super::*;

/// A build for speed compares as much as the requirement says (`cargo xtask bench filters`), which takes half a minute
/// there; the build for tests takes a part, with another seed each time.
const EVENTS: u64 = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
const FILTERS: usize = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
/// Counting reads every match, so that only some filters are counted.
const COUNT_EVERY: usize = 20;
/// Fewer moments than events, so that there are many in one second; and far apart, so that nobody writes more in an hour
/// than the store keeps.
const MOMENTS: u64 = EVENTS / 5;
const APART: u64 = 1_000;
const LETTERS: [char; 6] = ['e', 'p', 't', 'd', 'K', 'a'];

struct World {
    random: StdRng,
    authors: Vec<PublicKey>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let authors = (0..300).map(|_| PublicKey::from_bytes(random.random())).collect();
        Self { random, authors }
    }

    fn author(&mut self) -> PublicKey {
        // Some write much more than others.
        let most = self.random.random_range(1..=self.authors.len());
        self.authors[self.random.random_range(0..most)]
    }

    fn kind(&mut self) -> Kind {
        // No replaceable ones: the naive side does not replace.
        Kind([1, 1, 1, 1, 6, 7, 7, 4, 1111, 1984, 9_802, 42_000][self.random.random_range(0..12)])
    }

    fn value(&mut self) -> String {
        let most = [3, 30, 3_000][self.random.random_range(0..3)];
        format!("value {}", self.random.random_range(0..most))
    }

    fn event(&mut self) -> Event {
        let tags = (0..self.random.random_range(0..5)).map(|_| self.tag()).collect();
        let unsigned = UnsignedEvent {
            pubkey: self.author(),
            created_at: APART * self.random.random_range(0..MOMENTS),
            kind: self.kind(),
            tags,
            content: String::new(),
            statement: None,
        };
        // Nobody checks signatures here, and a hundred thousand would take their time.
        let claimed_id = Some(EventId::from_bytes(self.random.random()));
        Event::trusted(UnverifiedEvent { claimed_id, unsigned, sig: Signature::from_bytes([0; 64]) })
    }

    fn tag(&mut self) -> Tag {
        let letter = LETTERS[self.random.random_range(0..LETTERS.len())].to_string();
        match self.random.random_range(0..20) {
            0 => Tag::new([letter]),
            1 => Tag::new(["long".to_owned(), self.value()]),
            _ => Tag::new([letter, self.value(), self.value()]),
        }
    }

    /// Each condition is there or not; some are empty, some hold for nothing, some for nearly everything.
    fn filter(&mut self, events: &[Event]) -> Filter {
        let mut filter = Filter::default();
        let some = |random: &mut StdRng| {
            let most = [1, 2, 4, 20][random.random_range(0..4)];
            random.random_range(0..most)
        };
        if self.random.random_range(0..12) == 0 {
            let known =
                (0..=some(&mut self.random)).map(|_| events[self.random.random_range(0..events.len())].id());
            let mut ids: BTreeSet<EventId> = known.collect();
            ids.insert(EventId::from_bytes(self.random.random()));
            filter.ids = Some(ids);
        }
        if self.random.random_range(0..3) == 0 {
            filter.authors = Some((0..some(&mut self.random) + 1).map(|_| self.author()).collect());
        }
        if self.random.random_range(0..2) == 0 {
            filter.kinds = Some((0..some(&mut self.random) + 1).map(|_| self.kind()).collect());
        }
        for letter in LETTERS {
            if self.random.random_range(0..12) == 0 {
                let values = (0..some(&mut self.random) + 1).map(|_| self.value()).collect();
                filter.tags.insert(letter, values);
            }
        }
        match self.random.random_range(0..60) {
            0 => filter.authors = Some(Default::default()),
            1 => filter.kinds = Some(Default::default()),
            2 => drop(filter.tags.insert('t', Default::default())),
            _ => {}
        }
        if self.random.random_range(0..3) == 0 {
            filter.since = Some(self.random.random_range(0..APART * (MOMENTS + 5)));
        }
        if self.random.random_range(0..3) == 0 {
            filter.until = Some(APART * self.random.random_range(0..MOMENTS + 5));
        }
        filter.limit = match self.random.random_range(0..8) {
            0 => None,
            1 => Some(0),
            2 => Some(1),
            3 => Some(100_000),
            _ => Some(self.random.random_range(2..60)),
        };
        filter
    }
}

/// What NIP-01 says, word by word, over events that are in the order of NIP-01.
fn naive(events: &[Event], filter: &Filter) -> (Vec<EventId>, u64) {
    let mut limit = filter.limit.map_or(500, |limit| limit.min(500) as usize);
    let (mut found, mut count) = (Vec::new(), 0);
    for event in events.iter().filter(|event| filter.matches(&event.id(), event)) {
        count += 1;
        if limit > 0 {
            limit -= 1;
            found.push(event.id());
        }
    }
    (found, count)
}

#[test]
fn the_engine_finds_what_the_definition_says() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut world = World::new(seed);
    let mut events: Vec<Event> = (0..EVENTS).map(|_| world.event()).collect();
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for event in &events {
        writer.store_blocking(event.clone(), Propagation::Done);
    }
    writer.set_owner_blocking(key(1).public_key()).unwrap();
    assert_eq!(store.progress().borrow().stored, EVENTS);
    events.sort_unstable_by_key(|event| (Reverse(event.created_at), event.id()));

    let filters: Vec<Filter> = (0..FILTERS).map(|_| world.filter(&events)).collect();
    let events: Arc<[Event]> = events.into();
    let halves = filters.chunks(FILTERS.div_ceil(2)).map(<[Filter]>::to_vec);
    let threads: Vec<_> = halves
        .map(|filters| {
            let (store, events) = (store.clone(), Arc::clone(&events));
            thread::spawn(move || {
                let compare = |(number, filter)| compare(&store, &events, filter, number % COUNT_EVERY == 0);
                filters.iter().enumerate().map(compare).sum::<usize>()
            })
        })
        .collect();
    let found: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert!(found > FILTERS, "the filters have to find something");
    writer.close();
}

#[track_caller]
fn compare(store: &Store, events: &[Event], filter: &Filter, counted: bool) -> usize {
    let asked = Asked { filter, also: &|_| true };
    let (expected, count) = naive(events, filter);
    let selection = store.select(&[Asked { filter, also: &|_| true }]).unwrap();
    let found: Vec<EventId> =
        selection.picked.iter().map(|picked| picked.event.as_ref().unwrap().id()).collect();
    assert_eq!(found, expected, "{filter:?}");
    if counted {
        assert_eq!(store.count(&[asked], &mut Reading::for_owner()).unwrap(), (count, true), "{filter:?}");
    }
    found.len()
}

#[tokio::test]
async fn several_filters_give_one_answer_in_order_and_nothing_twice() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for (number, content) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let kind = if number % 2 == 0 { 1 } else { 6 };
        commit(&writer, &event(1, kind, 10 + number as u64, content, vec![Tag::new(["t", "x"])])).await;
    }
    let kinds = |kinds: &[u16], limit| Filter {
        kinds: Some(kinds.iter().copied().map(Kind).collect()),
        limit,
        ..Filter::default()
    };
    let filters = [kinds(&[1], Some(1)), kinds(&[1, 6], Some(3)), kinds(&[6], None)];
    let asked = filters.each_ref().map(|filter| Asked { filter, also: &|_| true });
    let selection = store.select(&asked).unwrap();
    let events: Vec<Event> = selection.picked.into_iter().filter_map(|picked| picked.event).collect();
    assert_eq!((contents(&events), selection.through), (vec!["d", "c", "b"], 4));
    assert_eq!(store.count(&asked, &mut Reading::for_owner()).unwrap(), (4, true));
    writer.close();
}

#[tokio::test]
async fn an_answer_of_many_megabytes_is_not_kept_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..60 {
        commit(&writer, &post(1, number, &"x".repeat(60_000))).await;
    }
    let filter = Filter::default();
    let selection = store.select(&[Asked { filter: &filter, also: &|_| true }]).unwrap();
    assert_eq!(selection.picked.len(), 60);
    let kept = selection.picked.iter().filter(|picked| picked.event.is_some()).count();
    assert!((10..20).contains(&kept), "{kept} of 60 KB each");
    writer.close();
}

#[tokio::test]
async fn whoever_writes_of_more_kinds_than_are_read_side_by_side_is_found_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    // Of others, so many in an hour would not be kept.
    writer.set_owner(key(1).public_key()).await.unwrap();
    for kind in 1_000..5_200 {
        writer.store(event(1, kind, kind.into(), "", vec![]), Propagation::Done).await;
    }
    for created_at in [1, 9_000] {
        commit(&writer, &post(2, created_at, "somebody else's")).await;
    }
    let by = |author: u8, kinds: Option<BTreeSet<Kind>>| Filter {
        authors: Some([key(author).public_key()].into()),
        kinds,
        limit: Some(3),
        ..Filter::default()
    };
    let found = |filter: &Filter| -> Vec<u64> {
        let asked = Asked { filter, also: &|_| true };
        let picked = store.select(&[asked]).unwrap().picked;
        picked.into_iter().map(|picked| picked.event.unwrap().created_at).collect()
    };
    assert_eq!(found(&by(1, None)), [5_199, 5_198, 5_197]);
    assert_eq!(found(&by(1, Some((0..5_000).map(Kind).collect()))), [4_999, 4_998, 4_997]);
    assert_eq!(found(&by(2, None)), [9_000, 1]);
    assert_eq!(found(&by(3, None)), Vec::<u64>::new());
    let all = by(1, None);
    assert_eq!(
        store.count(&[Asked { filter: &all, also: &|_| true }], &mut Reading::for_owner()).unwrap(),
        (4_200, true)
    );
    writer.close();
}

#[test]
fn what_ten_thousand_people_wrote_is_found_although_most_have_only_a_profile_and_lists() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let mut random = StdRng::seed_from_u64(7);
    let authors: BTreeSet<PublicKey> = (0..10_000).map(|_| PublicKey::from_bytes(random.random())).collect();
    let mut put = |pubkey: &PublicKey, kind: u16, created_at: u64| {
        let unsigned = UnsignedEvent {
            pubkey: *pubkey,
            created_at,
            kind: Kind(kind),
            tags: vec![],
            content: String::new(),
            statement: None,
        };
        let claimed_id = Some(EventId::from_bytes(random.random()));
        let event =
            Event::trusted(UnverifiedEvent { claimed_id, unsigned, sig: Signature::from_bytes([0; 64]) });
        writer.store_blocking(event, Propagation::Done);
    };
    for author in &authors {
        for kind in [0, 10_002] {
            put(author, kind, 1);
        }
    }
    for (number, author) in (0..).zip(authors.iter().rev().take(30)) {
        put(author, 1, 100 + number);
    }
    // Settles the rows, so that they are read.
    writer.set_owner_blocking(key(1).public_key()).unwrap();
    for kinds in [[1].as_slice(), &[1, 6, 16, 30_023]] {
        let kinds = Some(kinds.iter().copied().map(Kind).collect());
        let filter = Filter { authors: Some(authors.clone()), kinds, limit: Some(20), ..Filter::default() };
        let picked = store.select(&[Asked { filter: &filter, also: &|_| true }]).unwrap().picked;
        assert_eq!(picked.len(), 20);
    }
    writer.close();
}

#[tokio::test]
async fn a_question_costs_the_rows_it_reads_and_ends_with_its_budget() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    for number in 0..500 {
        writer.store(post(1, 60 * number, "x"), Propagation::Done).await;
    }
    writer.settle().await.unwrap();
    let (kinds, turn) = (nostrp2p_protocol::event_policy::public_kinds(), store.turns().others().await);
    let ask = |rows, limit| {
        let mut reading = Reading::of_public(rows, &kinds, &turn);
        let filter = Filter { kinds: Some([Kind::POST].into()), limit, ..Filter::default() };
        let found = store.find_within(&[filter], |_| true, &mut reading).unwrap();
        (found.events.len(), found.complete, reading.read())
    };
    assert_eq!(
        ask(1_000, Some(20)),
        (20, true, 31),
        "ten for the range, and one that shows that it is enough"
    );
    assert_eq!(ask(110, None), (100, false, 110), "as far as it gets");
    assert_eq!(ask(5, None), (0, false, 5));
    let ids: BTreeSet<EventId> = (0..100).map(|_| EventId::from_bytes(rand::random())).collect();
    let mut reading = Reading::of_public(60, &kinds, &turn);
    let filter = Filter { ids: Some(ids), ..Filter::default() };
    assert!(!store.find_within(&[filter], |_| true, &mut reading).unwrap().complete, "ids count as well");
    drop(reading);
    assert_eq!(store.turns().rows_for_others(), 31 + 110 + 5 + 60);
    writer.close();
}

#[tokio::test]
async fn private_events_cost_strangers_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (store, writer) = open(directory.path());
    let person = key(1).public_key().to_string();
    for number in 0..300 {
        for kind in [1, 7, 1059] {
            let event = event(2, kind, 60 * number, "private", vec![Tag::new(["p", &person])]);
            writer.store(event, Propagation::Done).await;
        }
    }
    commit(&writer, &post(2, 7, "public")).await;
    let (kinds, turn) = (nostrp2p_protocol::event_policy::public_kinds(), store.turns().others().await);
    let rows = |filter: Filter| {
        let mut reading = Reading::of_public(1_000, &kinds, &turn);
        let found = store
            .find_within(&[filter], |event| nostrp2p_protocol::event_policy::is_public(event), &mut reading)
            .unwrap();
        assert_eq!(found.events.len(), usize::from(found.complete && reading.read() % 10 == 1));
        reading.read()
    };
    let of = |kinds: &[u16]| Filter {
        kinds: Some(kinds.iter().copied().map(Kind).collect()),
        ..Filter::default()
    };
    assert_eq!(rows(of(&[7, 1059])), 0);
    assert_eq!(rows(of(&[1])), 11);
    assert_eq!(rows(Filter::default()), 10 * kinds.len() + 1, "the kinds of which something is public");
    let found = store.find(&[of(&[1, 7])]).unwrap();
    assert!(found.events.len() > 300, "the owner sees all of it");
    writer.close();
}
