//! One honest node: the real overlay and the real core, joined as the program joins them, over a store in memory.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use nostrp2p_core::{
    Announcer, Comparison, ComparisonStep, Core, DeliveryId, Difference, EngineSettings, GossipId, Input,
    Limits, News, NodeKey, Output, PublishId, Service, Sharing, SyncSet, SyncStep, SyncWindow, Unheard,
    Verdict,
};
use nostrp2p_overlay::{
    Listen, MessageRef, NodeSecret, Overlay, OverlayEvent, OverlaySettings, PeerAddress, Protocol,
    RequestRef, Topic,
};
use nostrp2p_protocol::{
    Delegation, Event, EventId, Network, Packet, PeerId, PublicKey, SecretKey, UnverifiedEvent, delegation,
    event_policy::Audience,
    rpc::{Found, Receipt, RpcRequest, decode_announcements, encode_announcements},
    sync::{self, Compared, SyncRequest},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::{mpsc, oneshot};

use crate::{
    memory::Memory,
    tally::{By, Tally},
};

/// How often the core hears that time has passed; the program does it every 5 s.
const TICK: Duration = Duration::from_secs(5);

/// Who a node is and what it remembers while it is switched off.
pub(crate) struct Identity {
    pub(crate) number: usize,
    pub(crate) secret: NodeSecret,
    pub(crate) key: SecretKey,
    /// The delegation that it shows; an honest node shows its own.
    pub(crate) delegation: Delegation,
    pub(crate) memory: Arc<Mutex<Memory>>,
    /// Whom this node has known for more than a day. When it is empty, the node is new itself.
    pub(crate) old_friends: Vec<PublicKey>,
    pub(crate) loss: u64,
    pub(crate) seed: u64,
    /// How many nodes that act for somebody it remembers.
    pub(crate) directory: usize,
}

/// What a node is asked for.
pub(crate) enum Order {
    Publish(Event),
    Dial(PeerAddress),
    /// How many of these nodes are known to act for somebody?
    Know(Vec<PeerId>, oneshot::Sender<usize>),
    Stop(oneshot::Sender<()>),
}

/// A node that runs.
pub(crate) struct Running {
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) overlay: Overlay,
    pub(crate) address: PeerAddress,
}

type Task = Pin<Box<dyn Future<Output = Done> + Send>>;

enum Done {
    Input(Box<Input>),
    Told(Vec<(PeerId, Vec<Vec<u8>>)>),
    Nothing,
}

struct Driver {
    identity: Arc<Identity>,
    tally: Arc<Tally>,
    overlay: Overlay,
    core: Core,
    announcer: Announcer,
    heard: BTreeMap<GossipId, MessageRef>,
    handed: BTreeMap<DeliveryId, RequestRef>,
    /// Checks of events that came by catching up; what came otherwise is told by what follows.
    tasks: FuturesUnordered<Task>,
    next: u64,
    random: StdRng,
    /// Whether the last message that was judged is passed on.
    passes_on: bool,
    neighbours: usize,
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Identity {
    /// The delegation of a person for a node.
    pub(crate) fn delegate(key: &SecretKey, peer: &PeerId) -> Option<Delegation> {
        Delegation::from_event(delegation::draft(peer, now()).sign(key, &[0; 32])).ok()
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a node that joins by these addresses.
///
/// # Errors
/// A sentence, when the overlay does not start.
pub(crate) async fn start(
    identity: Arc<Identity>,
    bootstrap: Vec<PeerAddress>,
    tally: Arc<Tally>,
) -> Result<Running, String> {
    let (overlay, events, address) = overlay(&identity.secret, bootstrap).await?;
    let (orders, inbox) = mpsc::channel(64);
    let limits = Limits { directory: identity.directory, ..Limits::default() };
    let settings = EngineSettings { seed: identity.seed, limits, ..EngineSettings::default() };
    let driver = Driver {
        core: Core::new(settings, Some(identity.key.public_key())),
        announcer: Announcer::new(key(&identity.secret), None, identity.seed, identity.seed.to_be_bytes()),
        heard: BTreeMap::new(),
        handed: BTreeMap::new(),
        tasks: FuturesUnordered::new(),
        next: 0,
        neighbours: 0,
        random: StdRng::seed_from_u64(identity.seed),
        passes_on: false,
        overlay: overlay.clone(),
        identity,
        tally,
    };
    // It ends by an order or with its overlay; a panic shows as an order that nobody takes.
    drop(tokio::spawn(driver.run(events, inbox)));
    Ok(Running { orders, overlay, address })
}

/// How the announcer signs.
pub(crate) fn key(secret: &NodeSecret) -> NodeKey {
    let signer = secret.clone();
    NodeKey {
        peer: secret.peer_id(),
        sign: Box::new(move |message| signer.sign(message)),
        verify: nostrp2p_overlay::verify,
    }
}

/// Starts an overlay on the memory transport.
pub(crate) async fn overlay(
    secret: &NodeSecret,
    bootstrap: Vec<PeerAddress>,
) -> Result<(Overlay, mpsc::Receiver<OverlayEvent>, PeerAddress), String> {
    let mut settings = OverlaySettings::new(secret.clone());
    settings.listen = vec![Listen::Memory(0)];
    settings.bootstrap = bootstrap;
    let (overlay, events) =
        nostrp2p_overlay::start(settings).await.map_err(|error| format!("a node does not start: {error}"))?;
    let address = overlay.listen_addresses().await.first().and_then(|address| address.parse().ok());
    let address = address.ok_or("a node does not say where it listens")?;
    Ok((overlay, events, address))
}

impl Driver {
    async fn run(mut self, mut events: mpsc::Receiver<OverlayEvent>, mut inbox: mpsc::Receiver<Order>) {
        let mut tick = tokio::time::interval(TICK);
        if !self.identity.old_friends.is_empty() {
            let people = self.identity.old_friends.iter().map(|person| (*person, 0)).collect();
            self.handle(Input::People(0, people)).await;
        }
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    None | Some(OverlayEvent::Stopped { .. }) => return,
                    Some(event) => self.on_overlay(event).await,
                },
                Some(done) = self.tasks.next() => match done {
                    Done::Input(input) => self.handle(*input).await,
                    Done::Told(told) => {
                        for (neighbour, announcements) in told {
                            for bytes in announcements {
                                let told = self.announcer.hear_told(neighbour, bytes, &self.core, now());
                                if let Ok(news) = told {
                                    self.learn(news, neighbour).await;
                                }
                            }
                        }
                    }
                    Done::Nothing => {}
                },
                order = inbox.recv() => match order {
                    Some(Order::Publish(event)) => {
                        self.handle(Input::Publish(PublishId(0), event.into(), vec![])).await;
                    }
                    Some(Order::Dial(address)) => self.overlay.dial(address).await,
                    Some(Order::Know(nodes, reply)) => {
                        let known = |node: &&PeerId| self.core.owner_of(node, now()).is_some();
                        let _gone = reply.send(nodes.iter().filter(known).count());
                    }
                    Some(Order::Stop(stopped)) => {
                        self.overlay.shutdown().await;
                        let _gone = stopped.send(());
                        return;
                    }
                    None => return,
                },
                _ = tick.tick() => self.handle(Input::Tick).await,
            }
        }
    }

    async fn on_overlay(&mut self, event: OverlayEvent) {
        match event {
            OverlayEvent::Message { message, from, topic: Topic::Nodes, payload } => {
                let verdict = match self.hear(payload, from).await {
                    Ok(true) => nostrp2p_overlay::MessageAcceptance::Accept,
                    Ok(false) => nostrp2p_overlay::MessageAcceptance::Ignore,
                    Err(Unheard::Forged) => nostrp2p_overlay::MessageAcceptance::Reject,
                    Err(_) => nostrp2p_overlay::MessageAcceptance::Ignore,
                };
                self.overlay.report(message, verdict).await;
            }
            OverlayEvent::Message { message, from, topic: Topic::Events, payload } => {
                if self.random.random_range(0..100) < self.identity.loss {
                    return self.overlay.report(message, nostrp2p_overlay::MessageAcceptance::Ignore).await;
                }
                let heard = GossipId(self.number());
                self.heard.insert(heard, message);
                self.handle(Input::Heard(heard, from, payload)).await;
            }
            OverlayEvent::PeerConnected(peer) => {
                if self.neighbours == 0 {
                    self.announce().await;
                }
                self.neighbours += 1;
                let overlay = self.overlay.clone();
                self.tasks.push(Box::pin(async move {
                    let question = RpcRequest::Announcements.encode();
                    let answer = overlay.request(peer.id, Protocol::Fetch, question).await;
                    let told = answer.ok().and_then(|answer| decode_announcements(&answer).ok());
                    Done::Told(vec![(peer.id, told.unwrap_or_default())])
                }));
                self.handle(Input::PeerConnected(peer.id, Network::of(&peer.address))).await;
            }
            OverlayEvent::PeerDisconnected(peer) => {
                self.neighbours = self.neighbours.saturating_sub(1);
                self.handle(Input::PeerDisconnected(peer)).await;
            }
            OverlayEvent::Request { request, from, protocol, payload } => {
                self.on_request(request, from, protocol, payload).await;
            }
            _ => {}
        }
    }

    async fn on_request(&mut self, request: RequestRef, from: PeerId, protocol: Protocol, payload: Vec<u8>) {
        let service = match protocol {
            Protocol::Deliver => Service::Deliver,
            Protocol::Fetch => Service::Fetch,
            Protocol::Sync => Service::Sync,
        };
        if !self.core.admits(&from, service, now()) {
            return self.overlay.refuse(request).await;
        }
        let answer = match protocol {
            Protocol::Deliver => {
                let handed = DeliveryId(self.number());
                self.handed.insert(handed, request);
                return self.handle(Input::Handed(handed, from, payload)).await;
            }
            Protocol::Fetch => match RpcRequest::decode(&payload) {
                Ok(RpcRequest::Announcements) => {
                    Some(encode_announcements(&self.announcer.known(&self.core)))
                }
                Ok(RpcRequest::Seek(people)) => Some(encode_announcements(&self.announcer.known_of(&people))),
                _ => None,
            },
            Protocol::Sync => match SyncRequest::decode(&payload) {
                Ok(SyncRequest::Compare { since, until, message, .. }) => {
                    let ledger = SyncSet::new(self.identity.memory().shared(SyncWindow { since, until }));
                    ledger.answer(&message).map(|message| Compared { message }.encode())
                }
                Ok(SyncRequest::Get(ids)) => {
                    let events = self.identity.memory().shared_events(&ids);
                    Some(sync::found(events.into_iter().map(plain)).encode())
                }
                Ok(SyncRequest::News) => {
                    self.handle(Input::News(from)).await;
                    Some(sync::encode_noted())
                }
                Ok(SyncRequest::WithStatements(_)) | Err(_) => None,
            },
        };
        match answer {
            Some(answer) => self.overlay.respond(request, answer).await,
            None => self.overlay.refuse(request).await,
        }
    }

    /// Asks the core and does what it says. Signatures are checked at once: there is no other work to keep from waiting.
    async fn handle(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let by = if matches!(input, Input::Got(..)) { By::CatchingUp } else { By::Gossip };
            let mut outputs: std::collections::VecDeque<Output> = self.core.handle(input, now()).into();
            while let Some(output) = outputs.pop_front() {
                if let Output::Verify(number, event) = output {
                    outputs.extend(self.core.handle(Input::Verified(number, event.verify()), now()));
                } else {
                    inputs.extend(self.carry_out(output, by).await);
                }
            }
        }
    }

    async fn carry_out(&mut self, output: Output, by: By) -> Option<Input> {
        match output {
            Output::ReportValidation(heard, verdict) => {
                let message = self.heard.remove(&heard)?;
                self.passes_on = verdict == Verdict::Accept;
                let verdict = match verdict {
                    Verdict::Accept => nostrp2p_overlay::MessageAcceptance::Accept,
                    Verdict::Reject => nostrp2p_overlay::MessageAcceptance::Reject,
                    Verdict::AcceptWithoutForwarding | Verdict::Ignore(_) | Verdict::Unknown => {
                        nostrp2p_overlay::MessageAcceptance::Ignore
                    }
                };
                self.overlay.report(message, verdict).await;
            }
            Output::Store(event, sharing) => {
                let id = event.id();
                if by == By::Gossip && self.passes_on {
                    self.tally.on_passed_on(id);
                }
                if self.identity.memory().insert(event, sharing).is_some() {
                    self.tally.on_arrived(self.identity.number, id, by);
                }
            }
            Output::Commit(request, event, audience) => {
                let sharing = match audience {
                    Audience::Everyone => Sharing::Shared,
                    _ => Sharing::ByItself,
                };
                let sequence = self.identity.memory().insert(event.clone(), sharing)?;
                return Some(Input::Committed(request, event, audience, sequence));
            }
            Output::Broadcast(_, _, _, packet) => {
                // Whether it went to many or to nobody shows in what arrives.
                let _sent = self.overlay.broadcast(Topic::Events, packet.encode()).await;
            }
            Output::StoreDelivery(handed, event, _) => {
                let person = self.identity.key.public_key().to_string();
                self.tally.on_private(&event.id(), event.tag_values("p").any(|named| named == person));
                self.identity.memory().insert(event, Sharing::ByItself);
                return Some(Input::DeliveryStored(handed));
            }
            Output::Answer(handed, receipt) => {
                let request = self.handed.remove(&handed)?;
                self.overlay.respond(request, receipt.encode()).await;
            }
            Output::Attempt(address, nodes) => {
                let event = self.identity.memory().by_sequence(address.sequence).cloned()?;
                let (overlay, payload) = (self.overlay.clone(), Packet::Event(plain(event)).encode());
                self.tasks.push(Box::pin(async move {
                    let mut receipt = None;
                    for node in nodes {
                        let answer = overlay.request(node, Protocol::Deliver, payload.clone()).await;
                        receipt = receipt.or(answer.ok().and_then(|answer| Receipt::decode(&answer).ok()));
                    }
                    Done::Input(Box::new(Input::Attempted(address, receipt)))
                }));
            }
            Output::LookUpNodes(people) => self.seek(people),
            Output::CatchUp(step) => self.catch_up(step),
            _ => {}
        }
        None
    }

    /// Recalls what was heard of nodes of these people, and asks some neighbours.
    fn seek(&mut self, people: Vec<PublicKey>) {
        let known = self.announcer.recall(&people).into_iter();
        for (delegation, peer) in known.filter_map(|news| Some((news.delegation?, news.peer))) {
            let known = Done::Input(Box::new(Input::Delegated(delegation, peer)));
            self.tasks.push(Box::pin(std::future::ready(known)));
        }
        let (overlay, question) = (self.overlay.clone(), RpcRequest::Seek(people).encode());
        let chance: usize = self.random.random_range(0..1_000);
        self.tasks.push(Box::pin(async move {
            let mut told = vec![];
            let mut peers = overlay.peers().await;
            let first = chance.checked_rem(peers.len()).unwrap_or_default();
            peers.rotate_left(first);
            for peer in peers.iter().take(6) {
                let answer = overlay.request(peer.id, Protocol::Fetch, question.clone()).await;
                let answer = answer.ok().and_then(|answer| decode_announcements(&answer).ok());
                told.extend(answer.map(|announcements| (peer.id, announcements)));
            }
            Done::Told(told)
        }));
    }

    fn catch_up(&self, step: SyncStep) {
        let (overlay, identity) = (self.overlay.clone(), Arc::clone(&self.identity));
        self.tasks.push(Box::pin(async move {
            match step {
                SyncStep::Compare(session, peer, window) => {
                    let ledger = SyncSet::new(identity.memory().shared(window));
                    let difference = compare(&overlay, ledger, peer, window).await;
                    Done::Input(Box::new(Input::Compared(session, difference)))
                }
                SyncStep::Get(session, peer, ids) => {
                    let answer = overlay.request(peer, Protocol::Sync, SyncRequest::Get(ids).encode()).await;
                    let found = answer.ok().and_then(|answer| Found::decode(&answer).ok());
                    let events = found.map(|found| found.events.into_iter().map(Into::into).collect());
                    Done::Input(Box::new(Input::Got(session, events)))
                }
                SyncStep::Tell(peer) => {
                    drop(overlay.request(peer, Protocol::Sync, SyncRequest::News.encode()).await);
                    Done::Nothing
                }
            }
        }));
    }

    /// Takes an announcement; returns whether it is to be passed on.
    async fn hear(&mut self, bytes: Vec<u8>, from: PeerId) -> Result<bool, Unheard> {
        let news = self.announcer.hear(from, bytes, &self.core, now())?;
        let pass_on = news.pass_on;
        self.learn(news, from).await;
        Ok(pass_on)
    }

    async fn learn(&mut self, news: News, from: PeerId) {
        self.overlay.add_addresses(news.peer, news.addresses).await;
        if let Some(delegation) = news.delegation {
            self.handle(Input::Delegated(delegation, from)).await;
        }
    }

    /// Says where this node is, once it has somebody to say it to.
    async fn announce(&mut self) {
        let addresses = self.overlay.listen_addresses().await;
        let bytes = self.announcer.own(addresses, Some(&self.identity.delegation), now());
        let _sent = self.overlay.broadcast(Topic::Nodes, bytes).await;
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

async fn compare(overlay: &Overlay, ledger: SyncSet, peer: PeerId, window: SyncWindow) -> Option<Difference> {
    let SyncWindow { since, until } = window;
    let (mut comparison, mut message) = Comparison::begin(Arc::new(ledger));
    for round in 0.. {
        let request = SyncRequest::Compare { round, since, until, message }.encode();
        let answer = overlay.request(peer, Protocol::Sync, request).await.ok()?;
        match comparison.on_answer(&Compared::decode(&answer).ok()?.message)? {
            ComparisonStep::Send(next) => message = next,
            ComparisonStep::Done(difference) => return Some(difference),
        }
    }
    None
}

fn plain(event: Event) -> UnverifiedEvent {
    UnverifiedEvent { claimed_id: None, ..event.into() }
}

/// Whether a node holds all of these.
pub(crate) fn missing(identity: &Identity, events: &[EventId]) -> usize {
    let memory = identity.memory();
    events.iter().filter(|id| !memory.holds(id)).count()
}
