//! One relay session: `nostrp2p_bridge::Session` connected to a socket, the store and the pump.
//!
//! A slow client has no queue here: it gets the events of its subscriptions from the store as fast as it takes them,
//! and is disconnected when it takes nothing for half a minute. Ephemeral events are the exception: a slow client
//! misses some of them. The library offers no WebSocket compression, so there is none.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use nostrp2p_bridge::{
    Counted, MAX_COLLECTED, MAX_SUBSCRIPTIONS, Policy, PublishOutcome, Query, Reader, Session, SessionStep,
    Submitted,
};
use nostrp2p_core::{Bearer, NotReceived};
use nostrp2p_protocol::{
    Event, EventId, PublicKey, UnverifiedEvent,
    frame::{Refusal, RefusalCode},
    limits::MAX_RELAY_MESSAGE_BYTES,
};
use nostrp2p_runtime::{Brought, Received};
use tokio::sync::{broadcast, oneshot};

use super::{
    App, base,
    link::{Gone, Said, Socket},
    missing::{self, Missing, missing},
    reading::{self, OPEN, OVER_BUDGET, Unread},
};
use crate::{
    clock,
    driver::Command,
    store::{Asked, Inserted, Numbered, Picked, Reading, Selection, Store},
};

/// Events of one session that may be on their way into the store; more wait in the socket.
const MAX_PUBLISHING: usize = 16;
/// Ephemeral events that a session may lag behind before it misses some.
const MAX_SPREAD: usize = 64;
/// Events of a long answer that are read at once.
const CHUNK: usize = 50;

/// State that all relay sessions of a node share.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) policy: Policy,
    spread: broadcast::Sender<Arc<Event>>,
}

impl Relay {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, spread: broadcast::channel(MAX_SPREAD).0 }
    }
}

type Publishing = Pin<Box<dyn Future<Output = Answer> + Send>>;
/// Ends with the subscription for which others are asked, and the number of that question.
type Fetching = Pin<Box<dyn Future<Output = (String, u64)> + Send>>;

/// The result of an EVENT.
enum Answer {
    /// Of an event of the owner.
    Published(Submitted, Result<PublishOutcome, Refusal>),
    /// Of an event for the inbox, with its id.
    Received(EventId, Received),
}

struct Conversation {
    app: App,
    /// The `Origin` of a page of another site.
    foreign: Option<String>,
    socket: Socket,
    session: Session,
    publishing: FuturesUnordered<Publishing>,
    /// At most [`MAX_SUBSCRIPTIONS`].
    fetching: FuturesUnordered<Fetching>,
    /// The subscriptions that have no EOSE yet, each with the number of its question.
    unended: BTreeMap<String, u64>,
    fetches: u64,
}

/// Runs the session until the client leaves. `foreign` is the `Origin` of a page of another site, if one speaks.
pub(super) async fn run(
    app: App,
    mut socket: Socket,
    authority: String,
    foreign: Option<String>,
) -> Result<(), Gone> {
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge).map_err(|_| Gone)?;
    let (mut session, greeting) = Session::open(challenge, authority, app.relay.policy);
    if foreign.is_some() {
        session = session.of_foreign_page();
    }
    let mut progress = app.store.progress();
    let mut spread = app.relay.spread.subscribe();
    let mut stop = app.stop.clone();
    let mut cursor = progress.borrow_and_update().newest;
    socket.ping_as_relays_do();
    let mut talk = Conversation {
        app,
        foreign,
        socket,
        session,
        publishing: FuturesUnordered::new(),
        fetching: FuturesUnordered::new(),
        unended: BTreeMap::new(),
        fetches: 0,
    };
    talk.perform(vec![greeting]).await?;
    loop {
        let listened = talk.session.listens();
        let steps = tokio::select! {
            // Without a close frame: after one the subscriptions of some libraries (applesauce-relay) end for good, whatever
            // its code, because the browser calls that clean. Without, as after a crash, all of them come back.
            () = stop.wait() => return Err(Gone),
            Some(first) = talk.publishing.next() => talk.published(first),
            said = talk.socket.receive(), if talk.publishing.len() < MAX_PUBLISHING => match said? {
                // Where everybody counts as the owner, who may send long lists.
                Said::Text(line)
                    if line.len() > MAX_RELAY_MESSAGE_BYTES
                        && !talk.session.is_owners()
                        && !talk.app.relay.policy.open =>
                {
                    return talk.socket.refuse_longer_than(MAX_RELAY_MESSAGE_BYTES).await;
                }
                Said::Text(line) => talk.on_line(&line).await,
                Said::Binary(_) => vec![talk.session.on_binary()],
            },
            Some(over) = talk.fetching.next() => {
                // What others had for it goes before its end.
                let newest = progress.borrow_and_update().newest;
                while cursor < newest {
                    let (steps, through) = talk.news(cursor).await?;
                    talk.perform(steps).await?;
                    if through <= cursor {
                        break;
                    }
                    cursor = through;
                }
                talk.fetched(&over)
            }
            heard = spread.recv() => match heard {
                Ok(event) => talk.session.on_spread(&event),
                Err(_lagged) => vec![],
            },
            Ok(()) = progress.changed(), if listened => {
                let newest = progress.borrow_and_update().newest;
                let (steps, through) = talk.news(cursor).await?;
                cursor = through;
                // The rest comes in the next round.
                if through < newest {
                    progress.mark_changed();
                }
                steps
            }
        };
        if !listened {
            // Whoever listens from now on gets from the store what came before.
            cursor = progress.borrow_and_update().newest;
        }
        talk.perform(steps).await?;
    }
}

impl Conversation {
    async fn on_line(&mut self, line: &str) -> Vec<SessionStep> {
        let (owner, delegated) = {
            let node_status = self.app.node_status.borrow();
            (node_status.owner, node_status.delegated)
        };
        let (was_owners, now) = (self.session.is_owners(), clock::now());
        let mut steps = self.session.on_line(line, owner, now);
        if self.session.take_owner_refused()
            && let Some(origin) = &self.foreign
        {
            self.app.refused_pages.count(origin, self.socket.origin(), now);
        }
        if self.session.is_owners() {
            self.socket.stay().await;
            if !was_owners {
                steps.extend(self.session.on_signed_in(&self.app.peer, delegated, now));
            }
        }
        steps
    }

    /// Carries steps out; what they have to say leaves together.
    async fn perform(&mut self, steps: Vec<SessionStep>) -> Result<(), Gone> {
        for step in steps {
            match step {
                SessionStep::Send(line) => self.socket.feed(line).await?,
                SessionStep::Publish(event) => self.publish(*event),
                SessionStep::Receive(event, signed_in) => self.receive(*event, signed_in),
                // Without another session nobody hears it.
                SessionStep::Spread(event) => drop(self.app.relay.spread.send(Arc::from(event))),
                SessionStep::Find(subscription, queries, reader) => {
                    self.find(&subscription, queries, reader).await?
                }
                SessionStep::Count(subscription, queries, reader) => {
                    let counted =
                        self.ask(reader, move |store, reading| count(store, &queries, reader, reading));
                    let answer = match counted.await {
                        Ok(counted) => self.session.on_counted(&subscription, counted),
                        Err(unread) => self.unread(&subscription, unread),
                    };
                    self.say(answer).await?;
                }
                SessionStep::Collect(subscription, queries, reader, message) => {
                    let collected = self.read(move |store| collect(store, &queries, reader)).await?;
                    let answer = self.session.on_collected(&subscription, &message, collected);
                    self.say(answer).await?;
                }
                SessionStep::HangUp(reason) => return self.socket.close(reason).await,
            }
        }
        self.socket.flush().await
    }

    /// Answers with a step that has nothing but a line.
    async fn say(&mut self, step: SessionStep) -> Result<(), Gone> {
        if let SessionStep::Send(line) = step { self.socket.feed(line).await } else { Ok(()) }
    }

    fn publish(&self, event: UnverifiedEvent) {
        let commands = self.app.commands.clone();
        let submitted = Submitted::from(&event);
        let replies = self.app.names.permissions().replies();
        self.publishing.push(Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            drop(commands.send(Command::Publish(event, replies, reply)).await);
            let stopping =
                || Err(Refusal::new(RefusalCode::Internal, "the node is stopping; try again later"));
            let outcome =
                answer.await.unwrap_or_else(|_| stopping()).map(|published| match published.stored {
                    Inserted::Known(_) => PublishOutcome::Known,
                    Inserted::Superseded(_) => PublishOutcome::Superseded,
                    _ => PublishOutcome::New(published.carried),
                });
            Answer::Published(submitted, outcome)
        }));
    }

    fn receive(&self, event: UnverifiedEvent, signed_in: Option<PublicKey>) {
        let (commands, address) = (self.app.commands.clone(), self.socket.address());
        let id = event.claimed_id.unwrap_or_else(|| event.unsigned.id());
        self.publishing.push(Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let brought = Brought { event, bearer: Bearer { address, signed_in }, reply };
            drop(commands.send(Command::Receive(brought)).await);
            let stopping = || Received::Refused(NotReceived::Busy);
            Answer::Received(id, answer.await.unwrap_or_else(|_| stopping()))
        }));
    }

    /// The answers to this event and to all that were stored with it.
    fn published(&mut self, first: Answer) -> Vec<SessionStep> {
        let now = clock::now();
        let mut steps = self.answer(first, now);
        while let Some(Some(next)) = self.publishing.next().now_or_never() {
            steps.extend(self.answer(next, now));
        }
        steps
    }

    fn answer(&self, answer: Answer, now: u64) -> Vec<SessionStep> {
        match answer {
            Answer::Published(submitted, result) => {
                vec![self.session.on_published(&submitted, result, now)]
            }
            Answer::Received(id, Received::Stored) => vec![self.session.on_received(&id, Ok(()))],
            Answer::Received(id, Received::Shown(event)) => {
                vec![SessionStep::Spread(event), self.session.on_received(&id, Ok(()))]
            }
            Answer::Received(id, Received::Refused(refused)) => {
                vec![self.session.on_received(&id, Err(refused))]
            }
        }
    }

    /// New events of the store for the session's subscriptions.
    async fn news(&mut self, cursor: u64) -> Result<(Vec<SessionStep>, u64), Gone> {
        let Some(Numbered { through, events }) = self.read(move |store| store.numbered(cursor)).await? else {
            return self.socket.close("the node cannot read its store").await.map(|()| (vec![], cursor));
        };
        let steps = events.iter().flat_map(|(sequence, event)| self.session.on_stored(*sequence, event));
        Ok((steps.collect(), through))
    }

    async fn find(&mut self, subscription: &str, queries: Vec<Query>, reader: Reader) -> Result<(), Gone> {
        // Whoever opens a subscription anew is answered anew.
        self.unended.remove(subscription);
        // Nobody else makes this node ask others: they learn what is asked for.
        let fetches = self.session.is_owners() && self.fetching.len() < MAX_SUBSCRIPTIONS;
        let owner = self.app.node_status.borrow().owner.filter(|_| fetches && base::others_owe(&self.app));
        let found = self.ask(reader, move |store, reading| {
            let found = select(store, &queries, reader, reading)?;
            let missing = if fetches { lacks(store, &queries, &found)? } else { Missing::default() };
            let lacks_base = owner.is_some_and(|owner| lacks_base(&queries, &owner, &found));
            Ok((found, missing, lacks_base))
        });
        let (Selection { through, picked, .. }, missing, lacks_base) = match found.await {
            Ok(found) => found,
            Err(unread) => {
                let answer = self.unread(subscription, unread);
                return self.say(answer).await;
            }
        };
        let mut picked = picked.into_iter();
        loop {
            let chunk: Vec<Picked> = picked.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                break;
            }
            let events = if chunk.iter().all(|picked| picked.event.is_some()) {
                Some(chunk.into_iter().filter_map(|picked| picked.event).collect())
            } else {
                self.read(move |store| fetch(store, chunk)).await?
            };
            let Some(events) = events else {
                let answer = self.session.on_unreadable(subscription);
                return self.say(answer).await;
            };
            for step in self.session.on_found(subscription, &events) {
                self.say(step).await?;
            }
        }
        let waits = lacks_base || !missing.lacking.is_empty();
        if waits || missing != Missing::default() {
            self.fetch(subscription, missing, lacks_base);
        }
        if waits {
            self.session.on_read(subscription, through);
            return Ok(());
        }
        let end = self.session.on_end(subscription, through);
        self.say(end).await
    }

    /// Has other nodes asked. The subscription ends when they have answered, if something is lacking; if that is the
    /// owner's own, when other nodes of the owner and mirrors have given what they hold too.
    fn fetch(&mut self, subscription: &str, missing: Missing, lacks_base: bool) {
        self.fetches += 1;
        let number = self.fetches;
        if lacks_base || !missing.lacking.is_empty() {
            self.unended.insert(subscription.to_owned(), number);
        }
        let (app, subscription) = (self.app.clone(), subscription.to_owned());
        self.fetching.push(Box::pin(async move {
            missing::fetch(app.commands.clone(), missing).await;
            if lacks_base {
                base::others_have_given(app).await;
            }
            (subscription, number)
        }));
    }

    /// Others have answered, or do not do so in time.
    fn fetched(&mut self, (subscription, number): &(String, u64)) -> Vec<SessionStep> {
        if self.unended.get(subscription) != Some(number) {
            return vec![];
        }
        self.unended.remove(subscription);
        self.session.on_fetched(subscription).into_iter().collect()
    }

    /// Reads the store: for the owner at once, for a guest within the guests' budget.
    async fn ask<T: Send + 'static>(
        &mut self,
        reader: Reader,
        read: impl FnOnce(&Store, &mut Reading<'_>) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, Unread> {
        match reader {
            Reader::Owner(_) => reading::for_owner(&self.app.store, read).await,
            Reader::Guest => {
                reading::for_guest(&self.app.store, (self.socket.allowance(), &*OPEN), read).await
            }
        }
    }

    fn unread(&mut self, subscription: &str, unread: Unread) -> SessionStep {
        match unread {
            Unread::Store => self.session.on_unreadable(subscription),
            Unread::OverBudget => self.session.on_over_budget(subscription, OVER_BUDGET),
        }
    }

    /// Reads the store on a thread that may block; None, and a line in the log, when it cannot be read.
    async fn read<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&Store) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<Option<T>, Gone> {
        let store = self.app.store.clone();
        match tokio::task::spawn_blocking(move || read(&store)).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(error)) => {
                tracing::error!(%error, "the store cannot be read");
                Ok(None)
            }
            Err(_) => Err(Gone),
        }
    }
}

/// Runs queries on the store with the access of a reader.
fn ask<T>(queries: &[Query], reader: Reader, put: impl FnOnce(&[Asked<'_>]) -> T) -> T {
    let also: Vec<_> = queries
        .iter()
        .map(|query| {
            move |event: &Event| {
                reader.sees(event) && query.search.as_ref().is_none_or(|search| search.matches(event))
            }
        })
        .collect();
    let asked: Vec<Asked<'_>> =
        queries.iter().zip(&also).map(|(query, also)| Asked { filter: &query.filter, also }).collect();
    put(&asked)
}

fn select(
    store: &Store,
    queries: &[Query],
    reader: Reader,
    reading: &mut Reading<'_>,
) -> Result<Selection, redb::Error> {
    ask(queries, reader, |asked| store.select_within(asked, reading))
}

/// Targets to fetch from other nodes. They find by id and author, not by words.
fn lacks(store: &Store, queries: &[Query], found: &Selection) -> Result<Missing, redb::Error> {
    let plain = queries.iter().filter(|query| query.search.is_none()).map(|query| &query.filter);
    missing(store, plain, found.picked.iter().filter_map(|picked| picked.event.as_ref()), clock::now())
}

/// Whether the owner's own profile or lists are asked for and something of them is not there.
fn lacks_base(queries: &[Query], owner: &PublicKey, found: &Selection) -> bool {
    let found = || found.picked.iter().filter_map(|picked| picked.event.as_ref());
    queries.iter().any(|query| query.search.is_none() && base::lacks(&query.filter, owner, found()))
}

fn count(
    store: &Store,
    queries: &[Query],
    reader: Reader,
    reading: &mut Reading<'_>,
) -> Result<Counted, redb::Error> {
    let (count, complete) = ask(queries, reader, |asked| store.count(asked, reading))?;
    Ok(Counted { count, complete })
}

fn collect(store: &Store, queries: &[Query], reader: Reader) -> Result<Vec<(u64, EventId)>, redb::Error> {
    ask(queries, reader, |asked| store.collect(asked, MAX_COLLECTED + 1))
}

/// The events of a chunk; one that has gone meanwhile is left out.
fn fetch(store: &Store, chunk: Vec<Picked>) -> Result<Vec<Event>, redb::Error> {
    let mut events = Vec::with_capacity(chunk.len());
    for picked in chunk {
        match picked.event {
            Some(event) => events.push(event),
            None => events.extend(store.event(picked.sequence)?),
        }
    }
    Ok(events)
}
