//! Answers questions of REST clients from the store.

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use nostrp2p_protocol::{Event, EventId, Filter, Kind, PublicKey, event_policy::is_public};

use super::{
    encode::{self, Signatures},
    input::Question,
    polls::Polls,
};
use crate::{
    http::{
        base,
        missing::{Missing, missing},
    },
    store::{Reading, Store},
};

/// Most events of an answer. The client asks for 300 at its start, and for what came in ten seconds later on.
const MAX_EVENTS: usize = 5_000;
/// Bytes of content and tags after which an answer is closed: a phone holds the answer three times over.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most events of an answer without a `since`, as in the original.
const MAX_WITHOUT_SINCE: usize = 50;
/// Late arrivals after which no more are looked for in one answer; the rest is in the next.
const MAX_LATE: usize = 500;
/// Batches of 500 stored events, or 256 KiB, that are looked through for late arrivals in one answer.
const MAX_LATE_BATCHES: usize = 8;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Store(#[from] redb::Error),
    #[error("the answer has no MessagePack form: {0}")]
    Encode(#[from] rmp::encode::ValueWriteError<std::convert::Infallible>),
}

/// The parameters of an answer. Reading blocks the thread.
pub(super) struct Reader {
    pub(super) store: Store,
    pub(super) polls: Arc<Polls>,
    /// Only public events, and without late arrivals.
    pub(super) guest: bool,
    /// Seconds since 1970.
    pub(super) now: u64,
}

impl Reader {
    /// The answer as MessagePack.
    pub(super) fn answer(
        &self,
        question: &Question,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<u8>, ReadError> {
        let (events, signatures) = match question {
            Question::Timeline { since, until, limit } => {
                (self.timeline(*since, *until, *limit, reading)?, Signatures::Given)
            }
            Question::Posts(ids) => (self.posts(ids, reading)?, Signatures::LeftOut),
            Question::Newest(kinds, authors) => {
                (self.newest_of(kinds, authors, reading)?, Signatures::LeftOut)
            }
            Question::Nothing => (vec![], Signatures::LeftOut),
        };
        Ok(encode::events(&events, signatures)?)
    }

    fn timeline(
        &self,
        since: Option<i64>,
        until: Option<i64>,
        limit: Option<usize>,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<Event>, redb::Error> {
        // Taken before reading: what is stored meanwhile comes twice rather than never.
        let stored = self.store.progress().borrow().newest;
        let until = until.and_then(|until| u64::try_from(until).ok());
        match (since, limit) {
            (Some(since), None) => self.window(u64::try_from(since).unwrap_or(0), until, stored, reading),
            (Some(_), Some(limit)) => {
                self.record(self.now, stored);
                self.newest((0, u64::MAX), limit, reading).map(|(events, _)| events)
            }
            (None, limit) => {
                self.record(self.now, stored);
                let until = until.filter(|_| limit.is_none()).unwrap_or(u64::MAX);
                let limit = limit.unwrap_or(MAX_WITHOUT_SINCE).min(MAX_WITHOUT_SINCE);
                self.newest((0, until), limit, reading).map(|(events, _)| events)
            }
        }
    }

    /// Events dated within a window, and late arrivals of the one before.
    fn window(
        &self,
        since: u64,
        until: Option<u64>,
        stored: u64,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<Event>, redb::Error> {
        let served = if self.guest { None } else { self.polls.served(since) };
        let (mut events, through) = match served {
            Some(served) => self.late(since, served)?,
            None => (vec![], stored),
        };
        let (window, complete) = self.newest((since, until.unwrap_or(u64::MAX)), MAX_EVENTS, reading)?;
        // What did not fit in counts as late in the next answer.
        let through = if complete { through } else { served.unwrap_or(through) };
        self.record(until.unwrap_or(self.now), through);
        events.extend(window);
        Ok(events)
    }

    /// Events stored after `served` and dated before `since`, ascending, and the position reached.
    fn late(&self, since: u64, served: u64) -> Result<(Vec<Event>, u64), redb::Error> {
        let (mut late, mut through) = (Vec::new(), served);
        for _ in 0..MAX_LATE_BATCHES {
            let batch = self.store.after(through)?;
            through = batch.through;
            late.extend(
                batch.events.into_iter().filter(|event| event.created_at < since && self.shows(event)),
            );
            if through >= batch.newest || late.len() >= MAX_LATE {
                break;
            }
        }
        late.sort_by_key(|event| event.created_at);
        Ok((late, through))
    }

    /// The newest events of `since..=until` in ascending order, and whether these are all.
    fn newest(
        &self,
        (since, until): (u64, u64),
        limit: usize,
        reading: &mut Reading<'_>,
    ) -> Result<(Vec<Event>, bool), redb::Error> {
        let (mut events, mut room, mut complete) = (Vec::new(), CapDecision::default(), true);
        let mut visit = |event: Event| {
            if !self.shows(&event) {
                return ControlFlow::Continue(());
            }
            if events.len() >= limit.min(MAX_EVENTS) || !room.fits(&event) {
                complete = false;
                return ControlFlow::Break(());
            }
            events.push(event);
            ControlFlow::Continue(())
        };
        let all = if self.guest {
            self.store.public_backwards((since, until), reading, &mut visit)?
        } else {
            self.store.backwards(since, until, &mut visit)?;
            true
        };
        complete &= all;
        events.reverse();
        Ok((events, complete))
    }

    /// The targets that the store lacks for a request, so that other nodes are worth asking, and whether some are the
    /// owner's.
    pub(super) fn missing(
        &self,
        question: &Question,
        owner: Option<PublicKey>,
    ) -> Result<(Missing, bool), redb::Error> {
        let filters: Vec<Filter> = match question {
            Question::Posts(ids) => vec![Filter { ids: Some(ids.clone()), ..Filter::default() }],
            Question::Newest(kinds, authors) => {
                let (kinds, authors) = (Some(kinds.clone()), Some(authors.clone()));
                vec![Filter { kinds, authors, ..Filter::default() }]
            }
            Question::Timeline { .. } | Question::Nothing => return Ok((Missing::default(), false)),
        };
        let found = self.store.find(&filters)?.events;
        let lacks_base =
            owner.is_some_and(|owner| filters.iter().any(|filter| base::lacks(filter, &owner, &found)));
        Ok((missing(&self.store, &filters, &found, self.now)?, lacks_base))
    }

    fn posts(&self, ids: &BTreeSet<EventId>, reading: &mut Reading<'_>) -> Result<Vec<Event>, redb::Error> {
        let kinds: BTreeSet<Kind> = [Kind::POST].into();
        let filters = ids.iter().map(|id| Filter {
            ids: Some([*id].into()),
            kinds: Some(kinds.clone()),
            ..Filter::default()
        });
        self.each(filters, reading)
    }

    fn newest_of(
        &self,
        kinds: &BTreeSet<Kind>,
        authors: &BTreeSet<PublicKey>,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<Event>, redb::Error> {
        let filters = authors.iter().flat_map(|author| {
            kinds.iter().map(|kind| Filter {
                authors: Some([*author].into()),
                kinds: Some([*kind].into()),
                limit: Some(1),
                ..Filter::default()
            })
        });
        self.each(filters, reading)
    }

    /// Asks for one thing at a time, because an answer to many together would be cut off earlier.
    fn each(
        &self,
        filters: impl Iterator<Item = Filter>,
        reading: &mut Reading<'_>,
    ) -> Result<Vec<Event>, redb::Error> {
        let (mut events, mut room) = (Vec::new(), CapDecision::default());
        for filter in filters {
            // The owner's budget is for one question; a guest's is for all of them together.
            let found = match self.guest {
                true => self.store.find_within(&[filter], |_| true, reading)?.events,
                false => self.store.find(&[filter])?.events,
            };
            events.extend(found.into_iter().filter(|event| self.shows(event) && room.fits(event)));
        }
        events.sort_by_key(|event: &Event| event.created_at);
        Ok(events)
    }

    fn shows(&self, event: &Event) -> bool {
        encode::readable(event) && (!self.guest || is_public(event))
    }

    /// Guests come and go, and do not move what the owner's clients have been served.
    fn record(&self, until: u64, sequence: u64) {
        if !self.guest {
            self.polls.record(until, sequence);
        }
    }
}

/// The bytes that an answer has taken.
#[derive(Default)]
struct CapDecision {
    taken: usize,
}

impl CapDecision {
    fn fits(&mut self, event: &Event) -> bool {
        let tags: usize =
            event.tags.iter().flat_map(|tag| tag.elements()).map(|element| element.len() + 2).sum();
        self.taken += 200 + event.content.len() + tags;
        self.taken <= MAX_BYTES
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nostrp2p_protocol::{EventTemplate, SecretKey};
    use tempfile::TempDir;

    use super::*;
    use crate::store::{Propagation, Retention, Writer};

    const NOW: u64 = 10_000;

    struct Rig {
        reader: Reader,
        writer: Writer,
        _directory: TempDir,
    }

    impl Rig {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
            let reader = Reader { store, polls: Arc::default(), guest: false, now: NOW };
            Self { reader, writer, _directory: directory }
        }

        async fn store(&self, created_at: u64, content: String) {
            let key = SecretKey::from_bytes([1; 32]).unwrap();
            let draft = EventTemplate { created_at, kind: Kind::POST, tags: vec![], content };
            self.writer.commit(draft.sign(&key, &[0; 32]), Propagation::Done).await.await.unwrap().unwrap();
        }

        /// The first ten letters of each event of the answer.
        fn poll(&self, since: i64, until: i64, limit: Option<usize>) -> Vec<String> {
            let mut reading = Reading::for_owner();
            let events = self.reader.timeline(Some(since), Some(until), limit, &mut reading).unwrap();
            events.iter().map(|event| event.content.chars().take(10).collect()).collect()
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_into_a_window_is_in_the_next_answers() {
        let rig = Rig::new();
        assert_eq!(rig.poll(0, 100, None), [""; 0]);
        let text = "x".repeat(60_000);
        for number in 0..90 {
            rig.store(101 + number, format!("{number:<10}{text}")).await;
        }
        let first: BTreeSet<String> = rig.poll(100, 200, None).into_iter().collect();
        assert!((60..80).contains(&first.len()), "4 MiB are about 70 events, not {}", first.len());
        let mut seen = first;
        for second in 200..210 {
            seen.extend(rig.poll(second, second + 1, None));
        }
        assert_eq!(seen.len(), 90);
        assert_eq!(rig.poll(210, 211, None), [""; 0], "in the end there is no more");
    }

    #[tokio::test]
    async fn a_guests_poll_moves_nothing() {
        let mut rig = Rig::new();
        rig.poll(0, 100, None);
        rig.store(50, "late".into()).await;
        rig.reader.guest = true;
        assert_eq!(rig.poll(100, 105, None), [""; 0]);
        rig.reader.guest = false;
        assert_eq!(rig.poll(106, 110, None), ["late"]);
    }

    #[tokio::test]
    async fn a_limit_gives_the_newest_and_counts_as_a_poll() {
        let rig = Rig::new();
        for second in 1..=5 {
            rig.store(second, format!("number {second}")).await;
        }
        assert_eq!(rig.poll(-1, -1, Some(2)), ["number 4", "number 5"]);
        assert_eq!(rig.poll(3, 4, Some(2)), ["number 4", "number 5"], "since and until are ignored");
        rig.store(2, "late".into()).await;
        // The client's clock is behind the node's.
        assert_eq!(rig.poll(9_990, 9_999, None), ["late"]);
        assert_eq!(rig.poll(2, 3, None), ["number 2", "late", "number 3"], "a window holds what it names");
    }
}
