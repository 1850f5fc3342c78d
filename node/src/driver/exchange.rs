//! What goes from node to node besides broadcasts: deliveries, questions, announcements.

use nostrp2p_core::{
    DeliveryId, DeliveryKey, DeliveryState, FetchQuery, Input, OwnNodeCursor, QUESTION_ROWS, Service,
};
use nostrp2p_overlay::{Overlay, Protocol, RequestError, RequestRef};
use nostrp2p_protocol::{
    Packet, PeerId, UnverifiedEvent,
    rpc::{Found, OwnPage, Receipt, Revoked, RpcRequest, encode_announcements, encode_run},
};

use super::{DriverEvent, Running, received};
use crate::{
    clock,
    fetch_server::{self, PUBLIC},
    store::Reading,
};

impl Running {
    pub(super) async fn on_request(
        &mut self,
        request: RequestRef,
        from: PeerId,
        protocol: Protocol,
        payload: Vec<u8>,
    ) {
        let service = match protocol {
            Protocol::Deliver => Service::Deliver,
            Protocol::Fetch => Service::Fetch,
            Protocol::Sync => Service::Sync,
        };
        if !self.core.admits(&from, service, clock::now()) {
            return self.overlay.refuse(request).await;
        }
        match protocol {
            Protocol::Deliver => {
                received::payload("delivery", &payload);
                let handed = DeliveryId(self.number());
                self.handed.insert(handed, request);
                self.handle(Input::Handed(handed, from, payload)).await;
            }
            Protocol::Fetch => match RpcRequest::decode(&payload).map(RpcRequest::into_parts) {
                Ok((RpcRequest::Announcements, _)) => {
                    let known = encode_announcements(&self.announcer.known(&self.core));
                    self.core.answered(from, known.len(), clock::now());
                    self.overlay.respond(request, known).await;
                }
                Ok((RpcRequest::Seek(people), _)) => {
                    let known = encode_announcements(&self.announcer.known_of(&people));
                    self.core.answered(from, known.len(), clock::now());
                    self.overlay.respond(request, known).await;
                }
                Ok((RpcRequest::Events(filters), reads)) => {
                    let store = self.store.clone();
                    let read = move |reading: &mut Reading<'_>| {
                        fetch_server::public(&store, &filters, reads, reading)
                    };
                    self.respond(request, (from, service), read).await;
                }
                Ok((RpcRequest::Own { store: id, after, newest }, reads))
                    if self.core.is_own_node(&from, clock::now()) =>
                {
                    let (store, owner) = (self.store.clone(), self.ownership.owner());
                    let cursor = OwnNodeCursor { store: id, after };
                    let read = move |reading: &mut Reading<'_>| {
                        fetch_server::own_page(&store, owner, cursor, reads, reading)
                    };
                    self.respond(request, (from, service), read).await;
                    self.handle(Input::OwnNodeAsked(from, newest)).await;
                }
                Ok((RpcRequest::Revocations(people), _)) => {
                    let revoked = Revoked { events: self.core.revocations(&people) }.encode();
                    self.core.answered(from, revoked.len(), clock::now());
                    self.overlay.respond(request, revoked).await;
                }
                Ok((RpcRequest::Lend, _)) => self.lend(request, from).await,
                Ok((RpcRequest::Run(heard), _)) => {
                    let statement = encode_run(&self.announcer.say_run(heard.as_ref(), clock::now()));
                    self.core.answered(from, statement.len(), clock::now());
                    self.overlay.respond(request, statement).await;
                }
                Ok((
                    RpcRequest::Own { .. } | RpcRequest::WithLongLists(_) | RpcRequest::WithStatements(_),
                    _,
                ))
                | Err(_) => {
                    self.overlay.refuse(request).await;
                }
            },
            Protocol::Sync => self.on_sync_request(request, from, &payload).await,
        }
    }

    /// Answers a question from the store, off the driver, when it is the turn of others, and within the asker's budget.
    pub(super) async fn respond(
        &mut self,
        request: RequestRef,
        (from, service): (PeerId, Service),
        read: impl FnOnce(&mut Reading<'_>) -> Result<Vec<u8>, redb::Error> + Send + 'static,
    ) {
        if !self.core.may_read(from, service, clock::now()) {
            return self.overlay.refuse(request).await;
        }
        let (overlay, store) = (self.overlay.clone(), self.store.clone());
        self.tasks.push(Box::pin(async move {
            let turn = store.turns().others().await;
            let read = move || {
                let mut reading =
                    Reading::of_public(usize::try_from(QUESTION_ROWS).unwrap_or(0), &PUBLIC, &turn);
                let answer = read(&mut reading);
                (answer, reading.read())
            };
            let (mut bytes, mut rows) = (0, 0);
            match tokio::task::spawn_blocking(read).await {
                Ok((Ok(answer), read)) => {
                    (bytes, rows) = (answer.len(), read);
                    overlay.respond(request, answer).await;
                }
                Ok((Err(error), _)) => {
                    tracing::error!(%error, "the store cannot be read");
                    overlay.refuse(request).await;
                }
                Err(_) => overlay.refuse(request).await,
            }
            DriverEvent::Answered { peer: from, service, bytes, rows }
        }));
    }

    pub(super) async fn answer(&mut self, handed: DeliveryId, receipt: Receipt) {
        if let Some(request) = self.handed.remove(&handed) {
            self.overlay.respond(request, receipt.encode()).await;
        }
    }

    /// Writes down how far a delivery has come, and tells the sessions.
    pub(super) async fn record(&mut self, address: DeliveryKey, row: DeliveryState) {
        self.writer.record(address, row).await;
        let store = self.store.clone();
        let event = tokio::task::spawn_blocking(move || store.event(address.sequence)).await;
        if let Ok(Ok(Some(event))) = event {
            // Without a session nobody hears it; it is told at the next login.
            drop(self.deliveries.send((event.id(), address.person, row.state)));
        }
    }

    /// Hands an event to all nodes of a person; one that takes it is enough.
    pub(super) fn attempt(&mut self, address: DeliveryKey, nodes: Vec<PeerId>) {
        let (store, overlay) = (self.store.clone(), self.overlay.clone());
        self.tasks.push(Box::pin(async move {
            let event = tokio::task::spawn_blocking(move || store.event(address.sequence)).await;
            let event = match event {
                Ok(Ok(Some(event))) => event,
                // It was deleted meanwhile, or has ended: there is nothing to hand over.
                Ok(Ok(None)) => return DriverEvent::Attempted(address, Some(Receipt::Refused)),
                // What cannot be read now is tried again.
                Ok(Err(_)) | Err(_) => return DriverEvent::Attempted(address, None),
            };
            // A delivery is private also of what is stated to be for everyone, so that nodes of all versions take it.
            let event = UnverifiedEvent { claimed_id: None, ..event.into() }.without_statement();
            let payload = Packet::Event(event).encode();
            let requests =
                nodes.iter().map(|node| overlay.request(*node, Protocol::Deliver, payload.clone()));
            let answers = futures_util::future::join_all(requests).await;
            let receipts: Vec<Option<Receipt>> =
                answers.into_iter().map(|answer| Receipt::decode(&answer.ok()?).ok()).collect();
            let taken = receipts.contains(&Some(Receipt::Taken));
            let refused = receipts.iter().all(|receipt| *receipt == Some(Receipt::Refused));
            let receipt = match (taken, refused) {
                (true, _) => Some(Receipt::Taken),
                (_, true) => Some(Receipt::Refused),
                _ => None,
            };
            DriverEvent::Attempted(address, receipt)
        }));
    }

    /// Asks other nodes for events.
    pub(super) fn ask(&self, asking: FetchQuery) {
        let (overlay, question) = (self.overlay.clone(), RpcRequest::Events(asking.filters));
        self.tasks.push(Box::pin(async move {
            let mut nodes = asking.nodes;
            if nodes.is_empty() {
                nodes = overlay.peers().await.iter().take(asking.neighbours).map(|peer| peer.id).collect();
            }
            let requests = nodes.iter().map(|node| ask_for_all(&overlay, *node, &question));
            let answers = futures_util::future::join_all(requests).await;
            let found: Vec<Found> =
                answers.into_iter().filter_map(|answer| Found::decode(&answer?).ok()).collect();
            let answered = !found.is_empty();
            let events = found.into_iter().flat_map(|found| found.events).collect();
            received::events("answer", &events);
            DriverEvent::Fetched(asking.ask, answered.then_some(events))
        }));
    }

    pub(super) fn query_own_node(&self, peer: PeerId, cursor: OwnNodeCursor) {
        let overlay = self.overlay.clone();
        let newest = self.store.progress().borrow().newest;
        let question = RpcRequest::Own { store: cursor.store, after: cursor.after, newest };
        self.tasks.push(Box::pin(async move {
            let answer = ask_for_all(&overlay, peer, &question).await;
            let page = answer.and_then(|answer| OwnPage::decode(&answer).ok());
            received::events("own nodes", page.iter().flat_map(|page| &page.events));
            DriverEvent::OwnNodeTold(peer, page)
        }));
    }
}

/// Asks so that the answer may hold long lists and statements. An older node does not know that question and refuses it, so it is asked in
/// older ways, the newest first, and leaves them out. A node that refused for another reason (it did not know yet whose node this is, or
/// was busy) would leave them out then as well, and an own node's cursor would pass them for good; so it is asked again.
async fn ask_for_all(overlay: &Overlay, peer: PeerId, question: &RpcRequest) -> Option<Vec<u8>> {
    let question = || Box::new(question.clone());
    let newest = RpcRequest::WithStatements(question()).encode();
    let older = [RpcRequest::WithLongLists(question()), *question()].map(RpcRequest::encode);
    match overlay.request(peer, Protocol::Fetch, newest.clone()).await {
        Err(RequestError::Refused) => {}
        answer => return answer.ok(),
    }
    for older in older {
        match overlay.request(peer, Protocol::Fetch, older).await {
            Err(RequestError::Refused) => {}
            Err(_) => return None,
            Ok(answer) => {
                return Some(overlay.request(peer, Protocol::Fetch, newest).await.unwrap_or(answer));
            }
        }
    }
    None
}
