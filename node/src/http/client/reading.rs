//! Reading: fetches, subscriptions, and pushed batches.

use std::{collections::BTreeSet, time::Duration};

use nostrp2p_bridge::{Query, Search};
use nostrp2p_protocol::{
    Event, EventId, Filter, PublicStatement, UnsignedEvent,
    event_policy::{is_public, may_be_stated},
    frame::{NodeFrame, Refusal, RefusalCode, RequestId},
};
use tokio::time::Instant;

use super::{Gone, Session, Watching, offers, unreadable};
use crate::{
    clock,
    driver::Command,
    fetch_server::PUBLIC,
    http::{
        missing::missing,
        reading::{self, OVER_BUDGET, Unread},
    },
    store::{Batch, Reading, Store},
};

/// Subscriptions of one session.
const MAX_SUBSCRIPTIONS: usize = 20;
/// When a push is tried again after the store could not be read.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// How long matches of a subscription are gathered for a client that does not watch.
const GATHER_MATCHES: Duration = Duration::from_secs(1);

impl Session {
    pub(super) async fn on_fetch(&mut self, request: RequestId, filters: Vec<Filter>) -> Result<(), Gone> {
        if let Some(invalid) = filters.iter().find_map(|filter| filter.check_shape().err()) {
            return self.refuse(request, Refusal::new(RefusalCode::TooLarge, invalid.to_string())).await;
        }
        if self.waits_for_others(request, &filters).await {
            return Ok(());
        }
        self.answer_fetch(request, filters, None).await
    }

    /// Answers with what stands behind a place: time and id of an event.
    pub(super) async fn on_fetch_behind(
        &mut self,
        request: RequestId,
        mut filters: Vec<Filter>,
        place: (u64, EventId),
    ) -> Result<(), Gone> {
        if let Some(invalid) = filters.iter().find_map(|filter| filter.check_shape().err()) {
            return self.refuse(request, Refusal::new(RefusalCode::TooLarge, invalid.to_string())).await;
        }
        for filter in &mut filters {
            filter.until = Some(filter.until.map_or(place.0, |until| until.min(place.0)));
        }
        self.answer_fetch(request, filters, Some(place)).await
    }

    pub(super) async fn answer_fetch(
        &mut self,
        request: RequestId,
        filters: Vec<Filter>,
        behind: Option<(u64, EventId)>,
    ) -> Result<(), Gone> {
        let view = self.view();
        let is_behind = move |event: &Event| {
            behind.is_none_or(|(at, id)| event.created_at < at || (event.created_at == at && event.id() > id))
        };
        let found = self.read(move |store, reading| {
            let found = store.find_within(&filters, |event| view(event) && is_behind(event), reading)?;
            Ok((missing(store, &filters, &found.events, clock::now())?.all(), found))
        });
        match found.await {
            Ok((wants, found)) => {
                // A guest makes this node ask nobody.
                if self.is_owner() && !wants.is_empty() {
                    drop(self.app.commands.send(Command::Fetch(wants, None)).await);
                }
                let events = self.shown(found.events).await;
                self.send(NodeFrame::Answer { request, complete: found.complete, events }).await
            }
            Err(unread) => self.refuse(request, refusal(unread)).await,
        }
    }

    /// Events as the client gets them. What names the owner and has come from a relay alone is public there: it is marked as
    /// if a statement said so, and can be answered in public.
    async fn shown(&mut self, events: Vec<Event>) -> Vec<UnsignedEvent> {
        let may_be = |event: &Event| self.reads_statements && may_be_stated(event) && !is_public(event);
        let asked: Vec<EventId> = events.iter().filter(|event| may_be(event)).map(Event::id).collect();
        let mut on_relays = BTreeSet::new();
        if !asked.is_empty() {
            let read = self.read(move |store, _| {
                Ok(asked.into_iter().filter(|id| store.is_mirrored(id)).collect::<BTreeSet<EventId>>())
            });
            on_relays = read.await.unwrap_or_default();
        }
        let show = |event: Event| {
            let public = on_relays.contains(&event.id());
            let mut unsigned = event.into_rumor();
            if public {
                unsigned.statement = Some(PublicStatement::mark());
            }
            unsigned
        };
        events.into_iter().map(show).collect()
    }

    /// Reads the store for this client: for the owner at once, for a guest within the guests' budget.
    pub(super) async fn read<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&Store, &mut Reading<'_>) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, Unread> {
        if self.is_owner() {
            reading::for_owner(&self.app.store, read).await
        } else {
            reading::for_guest(&self.app.store, (self.socket.allowance(), &*PUBLIC), read).await
        }
    }

    /// Hands out a part of the store with all signatures.
    pub(super) async fn on_export(&mut self, request: RequestId, after: u64) -> Result<(), Gone> {
        match self.read(move |store, _| store.after(after)).await {
            Ok(Batch { through, newest, events }) => {
                let events = events.into_iter().filter(self.view()).map(Into::into).collect();
                self.send(NodeFrame::Exported { request, through, newest, events }).await
            }
            Err(unread) => self.refuse(request, refusal(unread)).await,
        }
    }

    /// Only this node is searched: other nodes find by author, not by words.
    pub(super) async fn on_search(
        &mut self,
        request: RequestId,
        filters: Vec<Filter>,
        words: &str,
    ) -> Result<(), Gone> {
        let search = Search::new(words);
        let query = |filter: &Filter| Query { filter: filter.clone(), search: Some(search.clone()) };
        if let Some(invalid) = filters.iter().find_map(|filter| query(filter).check_shape().err()) {
            return self.refuse(request, Refusal::new(RefusalCode::TooLarge, invalid.to_string())).await;
        }
        let view = self.view();
        let found = self.read(move |store, reading| {
            store.find_within(&filters, |event| view(event) && search.matches(event), reading)
        });
        match found.await {
            Ok(found) => {
                let events = self.shown(found.events).await;
                self.send(NodeFrame::Answer { request, complete: found.complete, events }).await
            }
            Err(unread) => self.refuse(request, refusal(unread)).await,
        }
    }

    pub(super) async fn on_subscribe(
        &mut self,
        request: RequestId,
        filters: Vec<Filter>,
    ) -> Result<(), Gone> {
        self.subscriptions.retain(|(name, _)| *name != request);
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            let reason = format!("at most {MAX_SUBSCRIPTIONS} subscriptions at a time; end one first");
            return self.refuse(request, Refusal::new(RefusalCode::Busy, reason)).await;
        }
        // Taken before the answer is read: what is stored meanwhile comes twice rather than never.
        let cursor = self.app.store.progress().borrow().newest;
        let matches =
            || Watching { cursor, whole: false, gather: GATHER_MATCHES, caught_up: false, due: None };
        self.watching.get_or_insert_with(matches);
        if filters.iter().all(|filter| filter.check_shape().is_ok()) {
            self.subscriptions.push((request, filters.clone()));
        }
        self.on_fetch(request, filters).await
    }

    /// Has the node look again for what is still missing, while somebody looks at it.
    pub(super) fn renew_subscriptions(&self) {
        if !self.is_owner() {
            return;
        }
        let (app, subscriptions) = (self.app.clone(), self.subscriptions.clone());
        tokio::spawn(async move {
            for (_, filters) in subscriptions {
                let store = app.store.clone();
                let missing = tokio::task::spawn_blocking(move || {
                    let found = store.find(&filters)?;
                    missing(&store, &filters, &found.events, clock::now())
                });
                if let Ok(Ok(missing)) = missing.await {
                    drop(app.commands.send(Command::Fetch(missing.all(), None)).await);
                }
            }
        });
    }

    /// Starts the gathering time when there is something new.
    pub(super) fn gather(&mut self) {
        let newest = self.app.store.progress().borrow().newest;
        if let Some(watching) = &mut self.watching
            && newest > watching.cursor
        {
            watching.due.get_or_insert(Instant::now() + watching.gather);
        }
    }

    /// Sends one batch. When more is left the next one is due at once; meanwhile the client may speak.
    pub(super) async fn push(&mut self) -> Result<(), Gone> {
        let Some(watching) = &mut self.watching else { return Ok(()) };
        watching.due = None;
        let (cursor, whole) = (watching.cursor, watching.whole);
        let batch = self.read(move |store, reading| {
            let batch = store.after(cursor)?;
            let _charged = reading.charge(batch.events.len());
            Ok(batch)
        });
        let batch = batch.await;
        let Some(watching) = &mut self.watching else { return Ok(()) };
        let batch = match batch {
            Ok(batch) => batch,
            Err(unread) => {
                // While a disk begins to refuse, this lasts for some milliseconds. A guest waits for its budget.
                watching.due = Some(Instant::now() + READ_AGAIN);
                return match unread {
                    Unread::Store => self.refuse(0, unreadable()).await,
                    Unread::OverBudget => Ok(()),
                };
            }
        };
        watching.cursor = batch.through;
        if batch.through < batch.newest {
            watching.due = Some(Instant::now());
        }
        let was_caught_up = watching.caught_up;
        watching.caught_up |= batch.through >= batch.newest;
        let view = self.view();
        let owner = self.app.node_status.borrow().owner.filter(|_| self.is_owner());
        let matters = batch.events.iter().any(|event| offers::matters(event, owner));
        let visible: Vec<Event> = batch.events.into_iter().filter(view).collect();
        // When and how much the owner gets is not for a guest's eyes.
        if visible.is_empty() && was_caught_up && !self.is_owner() {
            return Ok(());
        }
        if !whole {
            return self.push_matches(&visible).await;
        }
        let events = self.shown(visible).await;
        self.send(NodeFrame::Batch { through: batch.through, newest: batch.newest, events }).await?;
        if matters {
            self.look_at_lists().await;
            self.tell_permissions().await?;
        }
        Ok(())
    }

    /// To a client that does not watch, what its subscriptions match.
    async fn push_matches(&mut self, stored: &[Event]) -> Result<(), Gone> {
        for (request, filters) in self.subscriptions.clone() {
            let fits = |event: &&Event| filters.iter().any(|filter| filter.matches(&event.id(), event));
            let events = stored.iter().filter(fits).cloned().collect();
            let events = self.shown(events).await;
            if !events.is_empty() {
                self.send(NodeFrame::Answer { request, complete: true, events }).await?;
            }
        }
        Ok(())
    }
}

pub(super) fn refusal(unread: Unread) -> Refusal {
    match unread {
        Unread::Store => unreadable(),
        Unread::OverBudget => Refusal::new(RefusalCode::Busy, OVER_BUDGET),
    }
}
