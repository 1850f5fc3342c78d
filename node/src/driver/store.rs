//! The store on the disk as the runtime's store: blocking work runs on threads of its own, and reads for others wait
//! for their turn.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use nostrp2p_core::{
    DeliveryKey, Input, OwnNodeCursor, QUESTION_ROWS, Remembered, StoreQuery, SyncSet, SyncWindow,
};
use nostrp2p_protocol::{
    Delegation, Event, EventId, Filter, Kind, PeerId, PublicKey, UnsignedEvent, UnverifiedEvent,
    event_policy::Target,
    sync::{self, Compared},
};
use nostrp2p_runtime::{EventStore, StoreWrite, Unreadable};
use tokio::task::spawn_blocking;

use crate::{
    delegated,
    fetch_server::{self, PUBLIC},
    store::{MetaWrite, OwnersTurn, Reading, Store, WriteQueue},
};

/// Most rows charged for the list of a window, each of 25 keys.
const MAX_LIST_ROWS: usize = 1_000_000;

/// SyncSets that are kept for the next message, which nearly always asks for the same: those of the four windows, and as
/// many of neighbours that are on the other side of an hour.
const MAX_SETS: usize = 8;
/// How long a set serves the later rounds of a comparison although the store has got new events.
const SET_TIME: Duration = Duration::from_secs(30);
/// How long it is kept when nothing is new, in memory that a phone may miss: 4 MB for 100,000 events.
const SET_IDLE_TIME: Duration = Duration::from_secs(60);

/// State between the messages of nodes that compare with this one.
#[derive(Clone)]
struct SyncSets {
    /// By window, and whether they include events that are public by a statement alone.
    kept: Arc<Mutex<BTreeMap<(SyncWindow, bool), Kept>>>,
}

struct Kept {
    set: Arc<SyncSet>,
    newest: u64,
    since: Instant,
}

impl SyncSets {
    fn new() -> Self {
        Self { kept: Arc::default() }
    }

    /// Gives up what has been kept for long.
    pub(crate) fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| kept.since.elapsed() < SET_IDLE_TIME);
    }

    /// The set of a window, as new as the round of a comparison needs. Blocks.
    fn of(
        &self,
        store: &Store,
        (window, round, statements): (SyncWindow, u32, bool),
        reading: &mut Reading<'_>,
    ) -> Result<Arc<SyncSet>, redb::Error> {
        let newest = store.progress().borrow().newest;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |kept: &Kept| kept.newest == newest || (round > 0 && kept.since.elapsed() < SET_TIME);
        if let Some(found) = kept.get(&(window, statements)).filter(|kept| fresh(kept)) {
            return Ok(Arc::clone(&found.set));
        }
        let set = Arc::new(SyncSet::new(store.shared_within(window, statements, reading)?));
        if kept.len() >= MAX_SETS {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.since).map(|(window, _)| *window);
            oldest.and_then(|oldest| kept.remove(&oldest));
        }
        kept.insert((window, statements), Kept { set: Arc::clone(&set), newest, since: Instant::now() });
        Ok(set)
    }
}

/// The store, the way to its writer, and what is kept of it between the messages of those who compare.
#[derive(Clone)]
pub(super) struct DiskStore {
    store: Store,
    queue: WriteQueue,
    sets: SyncSets,
    /// Which node this is.
    peer: PeerId,
}

impl DiskStore {
    pub(super) fn new(store: Store, queue: WriteQueue, peer: PeerId) -> Self {
        Self { store, queue, sets: SyncSets::new(), peer }
    }

    /// Gives up what has been kept for long.
    pub(super) fn forget_sync_sets(&self) {
        self.sets.forget();
    }

    /// Reads on another thread; a failure is logged.
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, redb::Error> + Send + 'static,
    ) -> impl Future<Output = Result<T, Unreadable>> + Send + 'static {
        let store = self.store.clone();
        async move {
            match spawn_blocking(move || read(&store)).await {
                Ok(Ok(read)) => Ok(read),
                Ok(Err(error)) => {
                    tracing::error!(%error, "the store cannot be read");
                    Err(Unreadable)
                }
                Err(error) => {
                    tracing::error!(%error, "reading the store failed");
                    Err(Unreadable)
                }
            }
        }
    }
}

impl EventStore for DiskStore {
    type Note = MetaWrite;
    type Turn = OwnersTurn;

    fn write(&self, write: StoreWrite<MetaWrite>) -> Option<StoreWrite<MetaWrite>> {
        self.queue.offer(write)
    }

    async fn room(&self) {
        self.queue.room().await;
    }

    fn rolled_back(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut failures = self.store.failures();
        async move {
            while failures.changed().await.is_ok() {
                if failures.borrow_and_update().is_none() {
                    return;
                }
            }
            std::future::pending().await
        }
    }

    fn owners_turn(&self) -> OwnersTurn {
        self.store.turns().owner()
    }

    fn newest(&self) -> u64 {
        self.store.progress().borrow().newest
    }

    async fn memory(&self, owner: Option<PublicKey>) -> Vec<Input> {
        let left =
            self.read(|store| Ok((store.waiting()?, store.own_nodes()?, store.people()?, store.revoked()?)));
        let mut inputs = Vec::new();
        if let Ok((waiting, own_nodes, (born, people), revoked)) = left.await {
            inputs.push(Input::Remembered(Remembered::Revocations(revoked)));
            inputs.push(Input::Remembered(Remembered::People(born, people)));
            inputs.extend(
                waiting
                    .into_iter()
                    .map(|(delivery, state)| Input::Remembered(Remembered::Waiting(delivery, state))),
            );
            inputs.extend(
                own_nodes
                    .into_iter()
                    .map(|(peer, cursor)| Input::Remembered(Remembered::OwnNode(peer, cursor))),
            );
        }
        let Some(owner) = owner else { return inputs };
        let lists = self.read(move |store| lists(store, owner)).await.unwrap_or_default();
        inputs.extend(lists.into_iter().map(|list| Input::Remembered(Remembered::List(list.into_rumor()))));
        inputs.extend(self.delegation(owner).await.ok().map(Input::OwnDelegation));
        inputs
    }

    async fn own_nodes(&self) -> Vec<(PeerId, OwnNodeCursor)> {
        self.read(Store::own_nodes).await.unwrap_or_default()
    }

    async fn delegation(&self, owner: PublicKey) -> Result<Option<Delegation>, Unreadable> {
        let peer = self.peer;
        self.read(move |store| delegated::find(store, owner, &peer)).await
    }

    async fn own_words(&self, owner: PublicKey) -> Vec<Delegation> {
        self.read(move |store| delegated::all(store, owner)).await.unwrap_or_default()
    }

    async fn targets(&self, unsigned: UnsignedEvent) -> Result<Vec<Target>, Unreadable> {
        self.read(move |store| fetch_server::targets(store, &unsigned)).await
    }

    async fn event(&self, sequence: u64) -> Result<Option<Event>, Unreadable> {
        self.read(move |store| store.event(sequence)).await
    }

    async fn undelivered(&self, event: EventId) -> Vec<DeliveryKey> {
        self.read(move |store| store.undelivered(&event)).await.unwrap_or_default()
    }

    async fn unsent(&self) -> Vec<(u64, Event)> {
        self.read(Store::unsent).await.unwrap_or_default()
    }

    async fn shared(
        &self,
        window: SyncWindow,
        statements: bool,
    ) -> Result<Option<(SyncWindow, SyncSet)>, Unreadable> {
        let read = self.read(move |store| {
            // A store that is full does not ask for what the next sweep would drop.
            let window = SyncWindow { since: window.since.max(store.floor()?), ..window };
            if window.since >= window.until {
                return Ok(None);
            }
            let shared = store.shared_within(window, statements, &mut Reading::for_owner())?;
            Ok(Some((window, SyncSet::new(shared))))
        });
        read.await
    }

    async fn answer(&self, query: StoreQuery) -> Option<(Vec<u8>, usize)> {
        let turn = self.store.turns().others().await;
        let sets = self.sets.clone();
        let answer = self.read(move |store| {
            let mut reading = match query {
                StoreQuery::Compare(..) => Reading::for_node(MAX_LIST_ROWS, &turn),
                _ => Reading::of_public(usize::try_from(QUESTION_ROWS).unwrap_or(0), &PUBLIC, &turn),
            };
            let answer = answer(store, &sets, query, &mut reading)?;
            Ok(answer.map(|answer| (answer, reading.read())))
        });
        answer.await.ok().flatten()
    }
}

/// Answers what another node asks. Blocks.
fn answer(
    store: &Store,
    sets: &SyncSets,
    query: StoreQuery,
    reading: &mut Reading<'_>,
) -> Result<Option<Vec<u8>>, redb::Error> {
    match query {
        StoreQuery::Public(filters, reads) => fetch_server::public(store, &filters, reads, reading).map(Some),
        StoreQuery::Own(owner, cursor, reads) => {
            fetch_server::own_page(store, Some(owner), cursor, reads, reading).map(Some)
        }
        StoreQuery::Shared(ids, statements) => {
            let mut events = store.shared_events(&ids, reading)?;
            events.retain(|event| statements || event.statement.is_none());
            let plain = |event| UnverifiedEvent { claimed_id: None, ..UnverifiedEvent::from(event) };
            Ok(Some(sync::found(events.into_iter().map(plain)).encode()))
        }
        StoreQuery::Compare(window, round, message, statements) => {
            let answer = sets.of(store, (window, round, statements), reading)?.answer(&message);
            Ok(answer.map(|message| Compared { message }.encode()))
        }
    }
}

/// The owner's follow and mute lists, then the follow lists of those whom he follows.
fn lists(store: &Store, owner: PublicKey) -> Result<Vec<Event>, redb::Error> {
    let by = |author: PublicKey, kinds: &[Kind]| Filter {
        authors: Some([author].into()),
        kinds: Some(kinds.iter().copied().collect()),
        ..Filter::default()
    };
    let mut lists = store.find(&[by(owner, &[Kind::FOLLOW_LIST, Kind::MUTE_LIST])])?.events;
    let own = lists.iter().filter(|list| list.kind == Kind::FOLLOW_LIST);
    let followed: Vec<PublicKey> =
        own.flat_map(|list| list.tag_values("p")).filter_map(|person| person.parse().ok()).collect();
    for person in followed {
        lists.extend(store.find(&[by(person, &[Kind::FOLLOW_LIST])])?.events);
    }
    Ok(lists)
}
