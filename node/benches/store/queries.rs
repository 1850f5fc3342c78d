//! Reading back what programs ask for.

use std::{collections::BTreeSet, path::PathBuf};

use nostrp2p_node::store::{Asked, Store};
use nostrp2p_protocol::{Event, EventId, Filter, Kind, PublicKey};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

use super::{
    counters::{Counters, float, resident_mib},
    events::{self, SINCE, UNTIL},
    task,
};

/// Which store is asked, which events it has, and how many events are wanted at a time.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ask {
    pub directory: PathBuf,
    pub events: PathBuf,
    pub count: usize,
    pub limit: u32,
}

/// What the questions took.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answers {
    pub sorts: Vec<Sort>,
    pub resident_mib: f64,
}

/// Questions of one sort.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sort {
    pub name: String,
    pub questions: f64,
    /// Events in all answers.
    pub events: f64,
    /// Of the processor, in microseconds.
    pub processor_us: f64,
}

/// Processor time of each sort, in seconds, and at least so many questions.
const TIME: f64 = 0.5;
const QUESTIONS: u32 = 20;
/// Whoever follows people follows so many.
const FOLLOWED: usize = 200;
/// Events from which questions are made.
const SAMPLE: usize = 5_000;

pub fn ask(ask: &Ask) -> Answers {
    let mut sample = Sample::of(ask);
    let (store, writer) = task::open(&ask.directory, task::KEEP);
    let sorts = [
        ("by author", Sample::by_author as fn(&mut Sample) -> Filter),
        ("by kind", Sample::by_kind),
        ("by tag", Sample::by_tag),
        ("by people followed", Sample::by_follows),
        ("by ids", Sample::by_ids),
    ];
    let sorts = sorts.map(|(name, filter)| measure(&store, name, &mut sample, filter)).into();
    let resident_mib = resident_mib();
    writer.close();
    Answers { sorts, resident_mib }
}

fn measure(store: &Store, name: &str, sample: &mut Sample, filter: fn(&mut Sample) -> Filter) -> Sort {
    let mut sort = Sort { name: name.to_owned(), questions: 0.0, events: 0.0, processor_us: 0.0 };
    while sort.processor_us < TIME * 1e6 || sort.questions < f64::from(QUESTIONS) {
        let filter = filter(sample);
        let before = Counters::now();
        let found = store.select(&[Asked { filter: &filter, also: &|_| true }]).unwrap();
        for picked in &found.picked {
            // Of a long answer the rest is read when it is sent.
            if picked.event.is_none() {
                assert!(store.event(picked.sequence).unwrap().is_some(), "an event has gone");
            }
        }
        let spent = before.spent();
        sort.processor_us += (spent.here + spent.others) * 1e6;
        sort.questions += 1.0;
        sort.events += float(u64::try_from(found.picked.len()).unwrap());
    }
    sort
}

/// Events from which questions are made, as they occur: those who write much are asked for more often.
struct Sample {
    random: StdRng,
    limit: u32,
    ids: Vec<EventId>,
    authors: Vec<PublicKey>,
    /// Letter and value.
    tags: Vec<(char, String)>,
}

impl Sample {
    fn of(ask: &Ask) -> Self {
        let mut sample = Self {
            random: StdRng::seed_from_u64(25),
            limit: ask.limit,
            ids: Vec::new(),
            authors: Vec::new(),
            tags: Vec::new(),
        };
        let step = ask.count.div_ceil(SAMPLE);
        for event in events::read(&ask.events).take(ask.count).step_by(step) {
            // Of profiles and lists the newest alone is there.
            if !event.kind.is_replaceable() {
                sample.ids.push(event.id());
                sample.authors.push(event.pubkey);
                sample.tags.extend(tags(&event));
            }
        }
        sample
    }

    /// The newest until some moment.
    fn newest(&mut self) -> Filter {
        let until = self.random.random_range(SINCE + (UNTIL - SINCE) / 2..UNTIL);
        Filter { until: Some(until), limit: Some(self.limit), ..Filter::default() }
    }

    fn by_author(&mut self) -> Filter {
        let author = self.authors[self.random.random_range(0..self.authors.len())];
        Filter { authors: Some([author].into()), ..self.newest() }
    }

    fn by_kind(&mut self) -> Filter {
        Filter { kinds: Some([Kind::POST].into()), ..self.newest() }
    }

    /// What answers or names somebody, or a hashtag.
    fn by_tag(&mut self) -> Filter {
        let (letter, value) = self.tags[self.random.random_range(0..self.tags.len())].clone();
        let kinds = Some([Kind::POST, Kind::REPOST, Kind::REACTION].into());
        Filter { tags: [(letter, [value].into())].into(), kinds, ..self.newest() }
    }

    fn by_follows(&mut self) -> Filter {
        let some = |_| self.authors[self.random.random_range(0..self.authors.len())];
        let authors: BTreeSet<PublicKey> = (0..FOLLOWED).map(some).collect();
        let kinds = Some([Kind::POST, Kind::REPOST].into());
        Filter { authors: Some(authors), kinds, ..self.newest() }
    }

    fn by_ids(&mut self) -> Filter {
        let some = |_| self.ids[self.random.random_range(0..self.ids.len())];
        Filter { ids: Some((0..self.limit).map(some).collect()), ..Filter::default() }
    }
}

/// Who, which hashtag and which event is named.
fn tags(event: &Event) -> Vec<(char, String)> {
    let first = |letter: char| Some((letter, event.tag_values(&letter.to_string()).next()?.to_owned()));
    ['p', 't', 'e'].into_iter().filter_map(first).collect()
}
