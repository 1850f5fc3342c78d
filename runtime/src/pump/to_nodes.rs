//! Messages and requests to other nodes, and their answers.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    future::{join, join_all},
    stream::FuturesUnordered,
};
use nostrp2p_core::{
    Comparison, ComparisonStep, DeliveryKey, Difference, FetchQuery, GossipId, Identified, InboundRequestId,
    Input, Inserted, OwnNodeCursor, PublishId, Service, StoreQuery, SyncSession, SyncStep, SyncWindow,
    Verdict,
};
use nostrp2p_protocol::{
    EventId, Packet, PeerId, PublicKey, UnverifiedEvent,
    rpc::{Found, Lent, OwnPage, Receipt, Revoked, RpcRequest, decode_announcements},
    sync::{Compared, SyncRequest},
};

use super::{Pump, PumpEvent};
use crate::{
    received,
    traits::{EventStore, Host, PeerNetwork, Platform, Unanswered},
};

/// How long to wait for all nodes that were asked for the same: after that the first answer with content is enough.
/// One node of a person is often off, and a request to it may take 20 s.
const ALL_ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How long a peer waits that is over its budget: 16 requests of a service may be open on a connection, so it can make so
/// many in this time and not as many as the network carries. A guess.
const OVER_BUDGET_PAUSE: Duration = Duration::from_secs(1);
/// Refusals that wait at a time, half of the requests of others that may be open: the rest is for who keeps to its budget.
pub(super) const MAX_PAUSES: usize = 64;

/// The answers to requests: all of them, or those that are there when `patience` ends, or as soon as one of them is
/// `enough`. A node that was off itself answers at once and holds nothing, which says nothing about the others.
async fn enough_of<T>(
    requests: impl Iterator<Item = impl Future<Output = Option<T>>>,
    enough: impl Fn(&T) -> bool,
    patience: impl Future<Output = ()>,
) -> Vec<T> {
    let (mut requests, mut patience) = (requests.collect::<FuturesUnordered<_>>(), pin!(patience));
    let (mut answers, mut patient) = (Vec::new(), true);
    while patient || !answers.iter().any(&enough) {
        tokio::select! {
            answer = requests.next() => match answer {
                Some(answer) => answers.extend(answer),
                None => break,
            },
            () = &mut patience, if patient => patient = false,
        }
    }
    answers
}

impl<N: PeerNetwork, S: EventStore, P: Platform, H: Host<S::Note>> Pump<N, S, P, H> {
    pub(super) fn report(&mut self, heard: GossipId, verdict: Verdict) {
        let Some(message) = self.heard.remove(&heard) else { return };
        tracing::debug!(?verdict, "heard a message");
        let network = self.network.clone();
        self.begin(async move {
            network.report(message, verdict).await;
            PumpEvent::Done
        });
    }

    pub(super) fn respond(&mut self, request: InboundRequestId, answer: Vec<u8>) {
        let Some(request) = self.requests.remove(&request) else { return };
        let network = self.network.clone();
        self.begin(async move {
            network.respond(request, Some(answer)).await;
            PumpEvent::Done
        });
    }

    /// Ends a request without an answer.
    pub(super) fn refuse(&mut self, request: InboundRequestId) {
        if let Some(request) = self.requests.remove(&request) {
            self.refuse_after(request, std::future::ready(()));
        }
    }

    /// The same for a peer that is over its budget, a second later unless too many wait for that.
    pub(super) fn refuse_over_budget(&mut self, request: InboundRequestId) {
        let Ok(held) = Arc::clone(&self.pauses).try_acquire_owned() else { return self.refuse(request) };
        let Some(request) = self.requests.remove(&request) else { return };
        let pause = self.platform.sleep(OVER_BUDGET_PAUSE);
        self.refuse_after(request, async move {
            pause.await;
            drop(held);
        });
    }

    fn refuse_after(&self, request: N::Request, pause: impl Future<Output = ()> + Send + 'static) {
        let network = self.network.clone();
        self.begin(async move {
            pause.await;
            network.respond(request, None).await;
            PumpEvent::Done
        });
    }

    /// Answers a request from the store.
    pub(super) fn answer(
        &mut self,
        request: InboundRequestId,
        (peer, service): (PeerId, Service),
        query: StoreQuery,
    ) {
        let Some(request) = self.requests.remove(&request) else { return };
        let (network, store) = (self.network.clone(), self.store.clone());
        self.begin(async move {
            let answer = store.answer(query).await;
            let (bytes, rows) = answer.as_ref().map_or((0, 0), |(answer, rows)| (answer.len(), *rows));
            network.respond(request, answer.map(|(answer, _)| answer)).await;
            PumpEvent::Inputs(vec![Input::Answered(peer, service, bytes, rows)])
        });
    }

    /// Hands an event to all nodes of a person; one that takes it is enough.
    pub(super) fn deliver(&self, delivery: DeliveryKey, nodes: Vec<PeerId>) {
        let (network, store) = (self.network.clone(), self.store.clone());
        self.begin(async move {
            let attempted = |receipt| PumpEvent::Inputs(vec![Input::Attempted(delivery, receipt)]);
            let event = match store.event(delivery.sequence).await {
                Ok(Some(event)) => event,
                // It was deleted meanwhile, or has ended: there is nothing to hand over.
                Ok(None) => return attempted(Some(Receipt::Refused)),
                // What cannot be read now is tried again.
                Err(_) => return attempted(None),
            };
            // A delivery is private also of what is stated to be for everyone, so that nodes of all versions take it.
            let event = UnverifiedEvent { claimed_id: None, ..event.into() }.without_statement();
            let payload = Packet::Event(event).encode();
            let requests = nodes.iter().map(|node| network.request(*node, Service::Deliver, payload.clone()));
            let answers = join_all(requests).await;
            let receipts: Vec<Option<Receipt>> =
                answers.into_iter().map(|answer| Receipt::decode(&answer.ok()?).ok()).collect();
            let taken = receipts.contains(&Some(Receipt::Taken));
            let refused = receipts.iter().all(|receipt| *receipt == Some(Receipt::Refused));
            attempted(match (taken, refused) {
                (true, _) => Some(Receipt::Taken),
                (_, true) => Some(Receipt::Refused),
                _ => None,
            })
        });
    }

    pub(super) fn look_up_nodes(&self, peers: Vec<PeerId>, people: Vec<PublicKey>) {
        let network = self.network.clone();
        self.begin(async move {
            let question = RpcRequest::Seek(people.clone()).encode();
            let revocations = RpcRequest::Revocations(people).encode();
            let requests = peers.into_iter().map(|peer| {
                let seek = network.request(peer, Service::Fetch, question.clone());
                let taken_back = network.request(peer, Service::Fetch, revocations.clone());
                async move {
                    let (told, revoked) = join(seek, taken_back).await;
                    (peer, told_in(told), revoked_in(revoked))
                }
            });
            PumpEvent::Inputs(vec![Input::LookedUp(join_all(requests).await)])
        });
    }

    pub(super) fn ask_announcements(&self, peer: PeerId, people: Vec<PublicKey>) {
        let question = if people.is_empty() { RpcRequest::Announcements } else { RpcRequest::Seek(people) };
        let network = self.network.clone();
        self.begin(async move {
            let answer = network.request(peer, Service::Fetch, question.encode()).await;
            PumpEvent::Inputs(vec![Input::Told(peer, told_in(answer))])
        });
    }

    pub(super) fn ask_revocations(&self, peer: PeerId, people: Vec<PublicKey>) {
        let network = self.network.clone();
        self.begin(async move {
            let question = RpcRequest::Revocations(people).encode();
            let answer = network.request(peer, Service::Fetch, question).await;
            PumpEvent::Inputs(vec![Input::Revoked(peer, revoked_in(answer))])
        });
    }

    pub(super) fn ask_helper(&self, helper: PeerId) {
        let network = self.network.clone();
        self.begin(async move {
            let answer = network.request(helper, Service::Fetch, RpcRequest::Lend.encode()).await;
            if let Err(error) = &answer {
                tracing::debug!(%helper, ?error, "a helper did not answer");
            }
            let lent = answer.ok().and_then(|answer| Lent::decode(&answer).ok());
            if let Some(Lent::Refused { reason }) = &lent {
                tracing::info!(%helper, reason, "a helper says no");
            }
            PumpEvent::Inputs(vec![Input::Lent(helper, lent)])
        });
    }

    /// Asks other nodes for events.
    pub(super) fn query(&self, query: FetchQuery) {
        let (network, patience) = (self.network.clone(), self.platform.sleep(ALL_ANSWER_WITHIN));
        self.begin(async move {
            let question = RpcRequest::Events(query.filters);
            let requests = query.nodes.iter().map(async |node| {
                let answer = ask_for_all(&network, *node, &question).await?;
                Found::decode(&answer).ok()
            });
            let found: Vec<Found> = enough_of(requests, |found| !found.events.is_empty(), patience).await;
            let answered = !found.is_empty();
            let events = found.into_iter().flat_map(|found| found.events).collect();
            received::events("answer", &events);
            PumpEvent::Inputs(vec![Input::QueryAnswered(query.ask, answered.then_some(events))])
        });
    }

    pub(super) fn query_own_node(&self, peer: PeerId, cursor: OwnNodeCursor) {
        let network = self.network.clone();
        let question =
            RpcRequest::Own { store: cursor.store, after: cursor.after, newest: self.store.newest() };
        self.begin(async move {
            let answer = ask_for_all(&network, peer, &question).await;
            let page = answer.and_then(|answer| OwnPage::decode(&answer).ok());
            received::events("own nodes", page.iter().flat_map(|page| &page.events));
            PumpEvent::Inputs(vec![Input::OwnNodeAnswered(peer, page)])
        });
    }

    /// Does a step of catching up.
    pub(super) fn catch_up(&self, step: SyncStep) {
        let (network, store) = (self.network.clone(), self.store.clone());
        self.begin(async move {
            match step {
                SyncStep::Compare(session, peer, window) => {
                    let difference = compare(&network, &store, peer, window).await;
                    PumpEvent::Inputs(vec![Input::Compared(session, difference)])
                }
                SyncStep::Get(session, peer, ids) => {
                    let Ok(answer) = get(&network, peer, SyncRequest::Get(ids)).await else {
                        return PumpEvent::Inputs(vec![Input::Got(session, None)]);
                    };
                    PumpEvent::Got(session, answer)
                }
                SyncStep::Tell(peer) => {
                    // Whether it hears it or not, it compares again now and then.
                    drop(network.request(peer, Service::Sync, SyncRequest::News.encode()).await);
                    PumpEvent::Done
                }
            }
        });
    }

    /// Unpacks what a neighbour has sent, and computes the ids.
    pub(super) fn unpack(&self, session: SyncSession, answer: Vec<u8>) {
        let identified = self.platform.compute(move || identify(&answer));
        self.begin(async move { PumpEvent::Inputs(vec![Input::Got(session, identified.await.flatten())]) });
    }

    pub(super) fn find_addresses(&self) {
        let network = self.network.clone();
        self.begin(async move { PumpEvent::Inputs(vec![Input::OwnAddresses(network.addresses().await)]) });
    }

    pub(super) fn announce(&self, announcement: Vec<u8>) {
        let network = self.network.clone();
        self.begin(async move {
            if let Err(error) = network.announce(announcement).await {
                tracing::warn!(error, "the node could not announce itself");
            }
            PumpEvent::Done
        });
    }

    pub(super) fn add_addresses(&self, peer: PeerId, addresses: Vec<String>) {
        let network = self.network.clone();
        self.begin(async move {
            network.add_addresses(peer, addresses).await;
            PumpEvent::Done
        });
    }

    pub(super) fn keep(&self, peers: Vec<PeerId>) {
        let network = self.network.clone();
        self.begin(async move {
            network.keep(peers).await;
            PumpEvent::Done
        });
    }

    /// Sends a packet to everybody; nobody waits for it.
    pub(super) fn spread(&self, packet: Packet) {
        let (network, packet) = (self.network.clone(), packet.encode());
        self.begin(async move {
            if let Err(error) = network.broadcast(packet).await {
                tracing::warn!(
                    error,
                    "what the owner has taken back was not broadcast; the next neighbour is told"
                );
            }
            PumpEvent::Done
        });
    }

    /// The event is stored whatever happens here; the number of neighbours says how far it got at once.
    pub(super) fn broadcast(&self, request: PublishId, id: EventId, inserted: Inserted, packet: Packet) {
        let (network, packet) = (self.network.clone(), packet.encode());
        self.begin(async move {
            let neighbours = broadcast(&network, packet).await;
            PumpEvent::Broadcast(request, id, inserted, neighbours)
        });
    }

    /// Sends the own public events that were written while there was nobody to take them.
    pub(super) fn send_unsent(&self) {
        let (network, store) = (self.network.clone(), self.store.clone());
        self.begin(async move {
            let mut sent = Vec::new();
            for (sequence, event) in store.unsent().await {
                let packet = Packet::Event(UnverifiedEvent { claimed_id: None, ..event.into() });
                if broadcast(&network, packet.encode()).await > 0 {
                    sent.push(sequence);
                }
            }
            PumpEvent::Sent(sent)
        });
    }
}

async fn broadcast<N: PeerNetwork>(network: &N, packet: Vec<u8>) -> usize {
    network.broadcast(packet).await.unwrap_or_else(|error| {
        tracing::warn!(error, "an event was stored but not broadcast");
        0
    })
}

/// Compares the shared events of a window with a neighbour's; None when it does not follow the protocol. An older one
/// reads no statements and refuses the newer request.
async fn compare<N: PeerNetwork, S: EventStore>(
    network: &N,
    store: &S,
    peer: PeerId,
    window: SyncWindow,
) -> Option<Difference> {
    match compare_as(network, store, peer, window, true).await {
        Err(Unanswered::Refused) => compare_as(network, store, peer, window, false).await.ok().flatten(),
        compared => compared.ok().flatten(),
    }
}

/// # Errors
/// When the first request gets no answer.
async fn compare_as<N: PeerNetwork, S: EventStore>(
    network: &N,
    store: &S,
    peer: PeerId,
    window: SyncWindow,
    statements: bool,
) -> Result<Option<Difference>, Unanswered> {
    let Ok(read) = store.shared(window, statements).await else { return Ok(None) };
    let Some((SyncWindow { since, until }, set)) = read else {
        return Ok(Some(Difference { complete: true, ..Difference::default() }));
    };
    let (mut comparison, mut message) = Comparison::begin(Arc::new(set));
    for round in 0.. {
        let request = with_statements(SyncRequest::Compare { round, since, until, message }, statements);
        let answer = match network.request(peer, Service::Sync, request.encode()).await {
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

/// Asks for shared events, with their statements where the neighbour knows them.
async fn get<N: PeerNetwork>(network: &N, peer: PeerId, request: SyncRequest) -> Result<Vec<u8>, Unanswered> {
    let newer = with_statements(request.clone(), true).encode();
    match network.request(peer, Service::Sync, newer).await {
        Err(Unanswered::Refused) => network.request(peer, Service::Sync, request.encode()).await,
        answer => answer,
    }
}

/// Asks so that the answer may hold long lists and statements. An older node does not know that request and refuses
/// it; then it is asked in older forms, the newest first, and leaves them out. A node that refused for another reason
/// (it did not know yet whose node this is, or was busy) would leave them out as well, and an own node's cursor would
/// pass them for good; so it is asked again.
async fn ask_for_all<N: PeerNetwork>(network: &N, peer: PeerId, question: &RpcRequest) -> Option<Vec<u8>> {
    let question = || Box::new(question.clone());
    let newest = RpcRequest::WithStatements(question()).encode();
    let older = [RpcRequest::WithLongLists(question()), *question()].map(RpcRequest::encode);
    match network.request(peer, Service::Fetch, newest.clone()).await {
        Err(Unanswered::Refused) => {}
        answer => return answer.ok(),
    }
    for older in older {
        match network.request(peer, Service::Fetch, older).await {
            Err(Unanswered::Refused) => {}
            Err(Unanswered::Failed(_)) => return None,
            Ok(answer) => {
                return Some(network.request(peer, Service::Fetch, newest).await.unwrap_or(answer));
            }
        }
    }
    None
}

/// The announcements in an answer.
fn told_in(answer: Result<Vec<u8>, Unanswered>) -> Vec<Vec<u8>> {
    answer.ok().and_then(|answer| decode_announcements(&answer).ok()).unwrap_or_default()
}

/// The revocations in an answer to [`RpcRequest::Revocations`]. An older node does not know the request.
fn revoked_in(answer: Result<Vec<u8>, Unanswered>) -> Vec<UnverifiedEvent> {
    let told = answer.ok().and_then(|answer| Revoked::decode(&answer).ok());
    told.map(|told| told.events).unwrap_or_default()
}

/// The events in an answer to [`SyncRequest::Get`], with their ids; None when it is damaged. 200 of them take some
/// milliseconds.
fn identify(answer: &[u8]) -> Option<Vec<Identified>> {
    let found = Found::decode(answer).ok()?;
    Some(found.events.into_iter().map(Identified::from).collect())
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::ready};
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn a_node_that_holds_nothing_does_not_end_the_wait_for_one_that_is_slow() {
        let (answer, slow) = oneshot::channel::<Vec<u8>>();
        let requests = [ready(Some(vec![])).left_future(), slow.map(Result::ok).right_future()];
        let mut enough =
            pin!(enough_of(requests.into_iter(), |answer: &Vec<u8>| !answer.is_empty(), ready(())));
        assert_eq!(enough.as_mut().now_or_never(), None, "patience has ended");
        answer.send(vec![1]).unwrap();
        assert_eq!(enough.now_or_never(), Some(vec![vec![], vec![1]]));
    }

    #[test]
    fn who_holds_something_is_enough_when_patience_ends_and_not_before() {
        let requests = || [ready(Some(vec![1])).left_future(), std::future::pending().right_future()];
        let enough = |answer: &Vec<u8>| !answer.is_empty();
        let impatient = enough_of(requests().into_iter(), enough, ready(()));
        assert_eq!(impatient.now_or_never(), Some(vec![vec![1]]));
        assert_eq!(enough_of(requests().into_iter(), enough, std::future::pending()).now_or_never(), None);
    }
}
