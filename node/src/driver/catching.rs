//! Catching up with neighbours: carries the steps out that the core decides, and answers those of others.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use nostrp2p_core::{
    Comparison, ComparisonStep, Difference, Identified, Input, Service, SyncSet, SyncStep, SyncWindow,
};
use nostrp2p_overlay::{Overlay, Protocol, RequestError, RequestRef};
use nostrp2p_protocol::{
    EventId, PeerId, UnverifiedEvent,
    rpc::Found,
    sync::{self, Compared, SyncRequest},
};
use tokio::task::spawn_blocking;

use super::{DriverEvent, Running};
use crate::{
    clock,
    store::{Reading, Store},
};

/// Most rows for the list of a window, each of 25 keys. Whoever has more is charged no more.
const MAX_LIST_ROWS: usize = 1_000_000;

/// Ledgers that are kept for the next message, which nearly always asks for the same: those of the four windows, and as
/// many of neighbours that are on the other side of an hour.
const MAX_LEDGERS: usize = 8;
/// How long a ledger serves the later rounds of a comparison although the store has got new events.
const LEDGER_TIME: Duration = Duration::from_secs(30);
/// How long it is kept when nothing is new, in memory that a phone may miss: 4 MB for 100,000 events.
const LEDGER_IDLE_TIME: Duration = Duration::from_secs(60);

/// Times and ids of the shared events of a window.
type Items = (SyncWindow, Vec<(u64, EventId)>);

/// What is kept between the messages of those who compare with this node.
#[derive(Clone)]
pub(super) struct Ledgers {
    /// By window, and whether they hold what is public by a statement alone.
    kept: Arc<Mutex<BTreeMap<(SyncWindow, bool), Kept>>>,
}

/// A window, the round of the comparison, and whether the neighbour reads statements.
type Asked = (SyncWindow, u32, bool);

struct Kept {
    ledger: Arc<SyncSet>,
    newest: u64,
    since: Instant,
}

impl Ledgers {
    pub(super) fn new() -> Self {
        Self { kept: Arc::default() }
    }

    /// Gives up what has been kept for long.
    pub(super) fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| kept.since.elapsed() < LEDGER_IDLE_TIME);
    }

    /// The ledger of a window, as new as the round of a comparison needs. Blocks.
    fn of(
        &self,
        store: &Store,
        (window, round, statements): Asked,
        reading: &mut Reading<'_>,
    ) -> Result<Arc<SyncSet>, redb::Error> {
        let newest = store.progress().borrow().newest;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |kept: &Kept| kept.newest == newest || (round > 0 && kept.since.elapsed() < LEDGER_TIME);
        if let Some(found) = kept.get(&(window, statements)).filter(|kept| fresh(kept)) {
            return Ok(Arc::clone(&found.ledger));
        }
        let ledger = Arc::new(SyncSet::new(store.shared_within(window, statements, reading)?));
        if kept.len() >= MAX_LEDGERS {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.since).map(|(window, _)| *window);
            oldest.and_then(|oldest| kept.remove(&oldest));
        }
        kept.insert(
            (window, statements),
            Kept { ledger: Arc::clone(&ledger), newest, since: Instant::now() },
        );
        Ok(ledger)
    }
}

impl Running {
    /// Carries a step out.
    pub(super) fn catch_up(&self, step: SyncStep) {
        let (overlay, store) = (self.overlay.clone(), self.store.clone());
        self.tasks.push(Box::pin(async move {
            match step {
                SyncStep::Compare(session, peer, window) => {
                    DriverEvent::Compared(session, compare(&overlay, store, peer, window).await)
                }
                SyncStep::Get(session, peer, ids) => {
                    DriverEvent::Got(session, get(&overlay, peer, ids).await)
                }
                SyncStep::Tell(peer) => {
                    // Whether it hears it or not, it compares again now and then.
                    drop(overlay.request(peer, Protocol::Sync, SyncRequest::News.encode()).await);
                    DriverEvent::Done
                }
            }
        }));
    }

    pub(super) async fn on_sync_request(&mut self, request: RequestRef, from: PeerId, payload: &[u8]) {
        match SyncRequest::decode(payload).map(SyncRequest::into_parts) {
            Ok((SyncRequest::Compare { round, since, until, message }, statements)) => {
                if !self.core.may_read(from, Service::Sync, clock::now()) {
                    return self.overlay.refuse(request).await;
                }
                let (store, ledgers) = (self.store.clone(), self.ledgers.clone());
                let overlay = self.overlay.clone();
                self.tasks.push(Box::pin(async move {
                    let (mut bytes, mut rows) = (0, 0);
                    match answer(store, ledgers, (SyncWindow { since, until }, round, statements), message)
                        .await
                    {
                        Some((message, read)) => {
                            (bytes, rows) = (message.len(), read);
                            overlay.respond(request, Compared { message }.encode()).await;
                        }
                        None => overlay.refuse(request).await,
                    }
                    DriverEvent::Answered { peer: from, service: Service::Sync, bytes, rows }
                }));
            }
            Ok((SyncRequest::Get(ids), statements)) => {
                let store = self.store.clone();
                let read = move |reading: &mut Reading<'_>| {
                    let mut events = store.shared_events(&ids, reading)?;
                    events.retain(|event| statements || event.statement.is_none());
                    let plain = |event| UnverifiedEvent { claimed_id: None, ..UnverifiedEvent::from(event) };
                    Ok(sync::found(events.into_iter().map(plain)).encode())
                };
                self.respond(request, (from, Service::Sync), read).await;
            }
            Ok((SyncRequest::News, _)) => {
                self.overlay.respond(request, sync::encode_noted()).await;
                self.handle(Input::News(from)).await;
            }
            Ok((SyncRequest::WithStatements(_), _)) | Err(_) => self.overlay.refuse(request).await,
        }
    }
}

/// Compares the shared events of a window with a neighbour's; None when it does not play its part. An older one reads no
/// statements and refuses the newer request.
async fn compare(overlay: &Overlay, store: Store, peer: PeerId, window: SyncWindow) -> Option<Difference> {
    match compare_as(overlay, store.clone(), peer, window, true).await {
        Err(RequestError::Refused) => compare_as(overlay, store, peer, window, false).await.ok().flatten(),
        compared => compared.ok().flatten(),
    }
}

/// # Errors
/// When the first request gets no answer.
async fn compare_as(
    overlay: &Overlay,
    store: Store,
    peer: PeerId,
    window: SyncWindow,
    statements: bool,
) -> Result<Option<Difference>, RequestError> {
    let Some(items) = shared_items(store, window, statements).await else { return Ok(None) };
    let Some((SyncWindow { since, until }, items)) = items else {
        return Ok(Some(Difference { complete: true, ..Difference::default() }));
    };
    let (mut comparison, mut message) = Comparison::begin(Arc::new(SyncSet::new(items)));
    for round in 0.. {
        let request = with_statements(SyncRequest::Compare { round, since, until, message }, statements);
        let answer = match overlay.request(peer, Protocol::Sync, request.encode()).await {
            Ok(answer) => answer,
            Err(error) if round == 0 => return Err(error),
            Err(_) => return Ok(None),
        };
        let Ok(compared) = Compared::decode(&answer) else { return Ok(None) };
        match comparison.on_answer(&compared.message) {
            Some(ComparisonStep::Send(next)) => message = next,
            Some(ComparisonStep::Done(difference)) => return Ok(Some(difference)),
            None => return Ok(None),
        }
    }
    Ok(None)
}

fn with_statements(request: SyncRequest, statements: bool) -> SyncRequest {
    if statements { SyncRequest::WithStatements(Box::new(request)) } else { request }
}

/// The shared events of a window, as far as it is worth to compare them; None when they cannot be read.
async fn shared_items(store: Store, window: SyncWindow, statements: bool) -> Option<Option<Items>> {
    let read = move || {
        // A store that is full does not ask for what the next sweep would drop.
        let since = window.since.max(store.floor()?);
        let window = SyncWindow { since, ..window };
        let empty = window.since >= window.until;
        let mut reading = Reading::for_owner();
        let items = if empty { None } else { Some(store.shared_within(window, statements, &mut reading)?) };
        Ok::<_, redb::Error>(items.map(|items| (window, items)))
    };
    match spawn_blocking(read).await.ok()? {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::error!(%error, "the store cannot be read");
            None
        }
    }
}

/// Fetches events. Unpacking them and computing their ids is work for another thread than the driver's.
async fn get(overlay: &Overlay, peer: PeerId, ids: Vec<EventId>) -> Option<Vec<Identified>> {
    let request = SyncRequest::Get(ids);
    let newer = with_statements(request.clone(), true).encode();
    let answer = match overlay.request(peer, Protocol::Sync, newer).await {
        Err(RequestError::Refused) => overlay.request(peer, Protocol::Sync, request.encode()).await.ok()?,
        answer => answer.ok()?,
    };
    let unpack = move || {
        let found = Found::decode(&answer).ok()?;
        Some(found.events.into_iter().map(Identified::from).collect())
    };
    spawn_blocking(unpack).await.ok()?
}

/// Answers a message of a comparison; says how many rows were read for it.
async fn answer(store: Store, ledgers: Ledgers, asked: Asked, message: Vec<u8>) -> Option<(Vec<u8>, usize)> {
    let turn = store.turns().others().await;
    let compare = move || {
        let mut reading = Reading::for_node(MAX_LIST_ROWS, &turn);
        let answer = ledgers.of(&store, asked, &mut reading)?.answer(&message);
        Ok(answer.map(|answer| (answer, reading.read())))
    };
    spawn_blocking(compare).await.ok()?.unwrap_or_else(|error: redb::Error| {
        tracing::error!(%error, "the store cannot be read");
        None
    })
}
