//! The one task that owns the core and connects all parts.
//!
//! It selects over a closed set of happenings, asks the core, and carries out what the core says. Everything that
//! takes time goes elsewhere: signatures to the verifier, the disk to the store's writer, sockets to sessions.

mod announcing;
mod catching;
mod command;
mod exchange;
mod fetching;
mod homeward;
mod mailing;
mod owner;
mod publishing;
mod received;
mod reporting;
mod revoking;
mod runs;

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use nostrp2p_core::{
    Announcer, Claim, Core, DeliveryId, DeliveryKey, Difference, EngineSettings, GossipId, Identified,
    InboxTerms, Input, MailId, Output, Ownership, PublishId, QueryId, Service, Sharing, SyncSession,
    TunnelClient, TunnelServer, Unheard, Verdict,
};
use nostrp2p_overlay::{MessageRef, Overlay, OverlayEvent, RequestRef, Topic};
use nostrp2p_protocol::{
    Delegation, Event, EventId, Kind, Network, PeerId, PublicKey, UnverifiedEvent,
    event_policy::{Audience, Target},
    frame::{Carried, Delivery, Refusal, RefusalCode},
    rpc::{Lent, OwnPage, Receipt},
};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    time::Instant,
};

pub(crate) use self::command::{Brought, Command, LoginProof, Published, Received, Replies};
use self::{announcing::due, catching::Ledgers, command::borrow, fetching::Fetches};
use crate::{
    announce_limiter::AnnounceLimiter,
    clock,
    markers::Markers,
    node_status::{Counters, NodeStatus, OpenWays},
    stop::Stop,
    store::{Inserted, MetaWrite, OwnersTurn, Propagation, Store, Stored, Writer},
    traffic::TrafficLog,
    verifier::{self, Checked, Verifier},
};

/// Commands of sessions that may wait.
const COMMANDS: usize = 256;
/// How often the status is looked at besides when peers come and go: delays change.
const STANDING_EVERY: Duration = Duration::from_secs(5);

/// Changes of deliveries that a session may lag behind before it misses some; it learns them at its next login.
const DELIVERY_NEWS: usize = 256;
/// How often the node looks whether it is time to announce itself again, so that others know that it is still there.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(30 * 60);

/// A change in how far an event has come with one person.
pub(crate) type DeliveryNews = (EventId, PublicKey, Delivery);

/// Everything that may happen.
enum DriverEvent {
    Overlay(OverlayEvent),
    Command(Command),
    Checked(Vec<Checked>),
    Targets(PublishId, UnverifiedEvent, Vec<Target>),
    /// The store could not say what an event speaks of that is to be published.
    Unreadable(PublishId),
    Committed(PublishId, Event, Audience, Stored),
    Kept(DeliveryId, Stored),
    /// What somebody has brought to the inbox is stored, or is not.
    MailKept(MailId, Stored),
    Attempted(DeliveryKey, Option<Receipt>),
    Told(Vec<(PeerId, Vec<Vec<u8>>)>),
    Sought(Vec<announcing::Sought>),
    Fetched(QueryId, Option<Vec<UnverifiedEvent>>),
    /// An event that was fetched can be read.
    FetchedStored,
    OwnNodeTold(PeerId, Option<OwnPage>),
    Compared(SyncSession, Option<Difference>),
    Got(SyncSession, Option<Vec<Identified>>),
    Lent(PeerId, Option<Lent>),
    /// A neighbour was asked for revocations.
    Revoked(PeerId, Vec<UnverifiedEvent>),
    /// What the owner said of this node elsewhere is stored.
    Obeyed,
    /// A node was answered with so many bytes, for which so many rows were read.
    Answered {
        peer: PeerId,
        service: Service,
        bytes: usize,
        rows: usize,
    },
    /// A node was told something.
    Done,
    Announce,
    AnnounceChange,
    Tick,
    Over,
}

/// Something that takes time and ends in a happening.
type Task = Pin<Box<dyn Future<Output = DriverEvent> + Send>>;

/// Called with a fresh claim when the old one has expired, with the same when the ways home have changed, and with none
/// when the node has been claimed.
pub(crate) type OnClaim = Box<dyn Fn(Option<&Claim>, &OpenWays) + Send>;

/// The driver before it runs.
pub(crate) struct Driver {
    pub(crate) overlay: Overlay,
    pub(crate) events: mpsc::Receiver<OverlayEvent>,
    pub(crate) announcer: Announcer,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) ownership: Ownership,
    pub(crate) claim_seconds: u64,
    pub(crate) on_claim: OnClaim,
    pub(crate) read_only: bool,
    /// What strangers must bring along to the inbox; None has none.
    pub(crate) inbox: Option<InboxTerms>,
    pub(crate) markers: Markers,
    /// Whether to ask helpers.
    pub(crate) seeks_ways: bool,
    /// What is lent to others.
    pub(crate) tunnel_server: Arc<Mutex<TunnelServer>>,
    pub(crate) open_ways: OpenWays,
}

struct Running {
    core: Core,
    overlay: Overlay,
    announcer: Announcer,
    delegation: Option<Delegation>,
    store: Store,
    store_failures: watch::Receiver<Option<String>>,
    writer: Writer,
    verifier: Verifier,
    ledgers: Ledgers,
    ownership: Ownership,
    claim_seconds: u64,
    on_claim: OnClaim,
    node_status: watch::Sender<NodeStatus>,
    traffic: TrafficLog,
    heard: BTreeMap<GossipId, MessageRef>,
    requests: BTreeMap<PublishId, Waiting>,
    fetches: Fetches,
    handed: BTreeMap<DeliveryId, RequestRef>,
    /// Who waits for what becomes of an event that was brought to the inbox.
    mail: BTreeMap<MailId, oneshot::Sender<Received>>,
    deliveries: broadcast::Sender<DeliveryNews>,
    markers: watch::Sender<Markers>,
    counters: watch::Sender<Counters>,
    pace: AnnounceLimiter,
    /// When changed addresses are announced.
    announce_at: Option<Instant>,
    announced: Option<Instant>,
    /// When a neighbour is asked for another node with this key, and the pause after that.
    /// Given addresses that could not be reached, as the settings bound them, and why, so that it is said once.
    unreached: BTreeMap<String, String>,
    ways: TunnelClient,
    seeks_ways: bool,
    open_ways: watch::Sender<OpenWays>,
    tunnel_server: Arc<Mutex<TunnelServer>>,
    tasks: FuturesUnordered<Task>,
    next: u64,
}

/// Who waits for the answer to a publish request, and what the store has made of the event meanwhile.
struct Waiting {
    reply: oneshot::Sender<Result<Published, Refusal>>,
    stored: Option<Inserted>,
    /// Meanwhile others wait.
    _first: OwnersTurn,
}

/// What sessions need of the driver.
pub(crate) struct Reports {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) node_status: watch::Receiver<NodeStatus>,
    pub(crate) deliveries: broadcast::Sender<DeliveryNews>,
    pub(crate) markers: watch::Receiver<Markers>,
    pub(crate) ways: watch::Receiver<OpenWays>,
    pub(crate) counters: watch::Receiver<Counters>,
}

impl Driver {
    /// The sending side of its commands, what it reports, and the task itself. The task ends when `stop` turns true
    /// or the overlay ends; it returns the writer, which still has to be closed, and whether the overlay broke.
    pub(crate) fn run(self, mut stop: Stop) -> (Reports, impl Future<Output = (Writer, Option<String>)>) {
        let settings = self.engine_settings();
        let (commands, mut inbox) = mpsc::channel(COMMANDS);
        let at_first = NodeStatus { owner: self.ownership.owner(), ..NodeStatus::default() };
        let (node_status, reported) = watch::channel(at_first);
        let (deliveries, _) = broadcast::channel(DELIVERY_NEWS);
        let (markers, marked) = watch::channel(self.markers);
        let (open_ways, ways) = watch::channel(self.open_ways);
        let (counters, counted) = watch::channel(Counters::default());
        let reports = Reports {
            commands,
            node_status: reported,
            deliveries: deliveries.clone(),
            markers: marked,
            counters: counted,
            ways,
        };
        let mut events = self.events;
        let mut running = Running {
            core: Core::new(settings, self.ownership.owner()),
            ways: TunnelClient::new(self.overlay.peer_id(), seed()),
            seeks_ways: self.seeks_ways,
            open_ways,
            tunnel_server: self.tunnel_server,
            overlay: self.overlay,
            announcer: self.announcer,
            delegation: None,
            store_failures: self.store.failures(),
            store: self.store,
            writer: self.writer,
            verifier: Verifier::start(),
            ledgers: Ledgers::new(),
            ownership: self.ownership,
            claim_seconds: self.claim_seconds,
            on_claim: self.on_claim,
            node_status,
            traffic: TrafficLog::default(),
            heard: BTreeMap::new(),
            requests: BTreeMap::new(),
            fetches: Fetches::default(),
            handed: BTreeMap::new(),
            mail: BTreeMap::new(),
            deliveries,
            markers,
            counters,
            pace: AnnounceLimiter::new(Instant::now()),
            announced: None,
            announce_at: None,
            unreached: BTreeMap::new(),
            tasks: FuturesUnordered::new(),
            next: 0,
        };
        let task = async move {
            let mut tick = tokio::time::interval(STANDING_EVERY);
            let mut announce = tokio::time::interval(ANNOUNCE_EVERY);
            running.remember().await;
            loop {
                let happening = tokio::select! {
                    () = stop.wait() => DriverEvent::Over,
                    Some(happening) = running.tasks.next() => happening,
                    Some(checked) = running.verifier.checked() => DriverEvent::Checked(checked),
                    event = events.recv() => event.map_or(DriverEvent::Over, DriverEvent::Overlay),
                    Some(command) = inbox.recv() => DriverEvent::Command(command),
                    _ = tick.tick() => DriverEvent::Tick,
                    _ = announce.tick() => DriverEvent::Announce,
                    () = due(running.announce_at) => DriverEvent::AnnounceChange,
                };
                match happening {
                    DriverEvent::Over => return (running.writer, None),
                    DriverEvent::Overlay(OverlayEvent::Stopped { reason }) => {
                        return (running.writer, Some(format!("{reason:?}")));
                    }
                    happening => running.on(happening).await,
                }
            }
        };
        (reports, task)
    }

    fn engine_settings(&self) -> EngineSettings {
        let (read_only, inbox) = (self.read_only, self.inbox);
        EngineSettings { read_only, inbox, seed: seed(), ..EngineSettings::default() }
    }
}

impl Running {
    async fn on(&mut self, happening: DriverEvent) {
        match happening {
            DriverEvent::Overlay(event) => self.on_overlay(event).await,
            DriverEvent::Command(command) => self.on_command(command).await,
            DriverEvent::Targets(request, event, targets) => {
                self.handle(Input::Publish(request, event, targets)).await;
            }
            DriverEvent::Unreadable(request) => {
                let reason = "the node cannot read its store; its log says why";
                self.reply(request, Err(Refusal::new(RefusalCode::Internal, reason)));
            }
            DriverEvent::Checked(checked) => {
                for (number, result) in checked {
                    self.handle(Input::Verified(number, result)).await;
                }
                self.release_sessions();
            }
            DriverEvent::Committed(request, event, audience, stored) => {
                self.on_committed(request, event, audience, stored).await;
            }
            DriverEvent::Kept(handed, Ok(Inserted::MailboxFull)) => {
                self.handle(Input::DeliveryNotStored(handed)).await
            }
            DriverEvent::Kept(handed, Ok(_)) => self.handle(Input::DeliveryStored(handed)).await,
            DriverEvent::Kept(handed, Err(reason)) => {
                tracing::error!(reason, "an event for the owner could not be stored");
                self.answer(handed, Receipt::Later).await;
            }
            DriverEvent::MailKept(mail, stored) => self.on_mail_kept(mail, stored).await,
            DriverEvent::Attempted(address, receipt) => self.handle(Input::Attempted(address, receipt)).await,
            DriverEvent::Told(announcements) => self.on_told(announcements).await,
            DriverEvent::Sought(answers) => self.on_sought(answers).await,
            DriverEvent::Fetched(ask, events) => {
                self.handle(Input::QueryAnswered(ask, events)).await;
                self.release_sessions();
            }
            DriverEvent::FetchedStored => self.on_fetched_stored(),
            DriverEvent::OwnNodeTold(peer, page) => self.handle(Input::OwnNodeAnswered(peer, page)).await,
            DriverEvent::Compared(session, difference) => {
                self.handle(Input::Compared(session, difference)).await;
            }
            DriverEvent::Got(session, events) => self.handle(Input::Got(session, events)).await,
            DriverEvent::Lent(helper, lent) => self.on_lent(helper, lent).await,
            DriverEvent::Revoked(peer, events) => self.handle(Input::Revoked(peer, events)).await,
            DriverEvent::Obeyed => self.on_obeyed().await,
            DriverEvent::AnnounceChange => self.announce().await,
            DriverEvent::Announce => self.announce_now_and_then().await,
            DriverEvent::Tick => self.on_tick().await,
            DriverEvent::Answered { peer, service, bytes, rows } => {
                self.core.answered(peer, bytes, clock::now());
                self.core.has_read(peer, service, rows, clock::now());
            }
            DriverEvent::Done | DriverEvent::Over => {}
        }
    }

    async fn on_tick(&mut self) {
        self.ledgers.forget();
        self.release_sessions();
        self.notice_outage().await;
        self.handle(Input::Tick).await;
        self.seek_ways().await;
        self.renew_claim();
        self.report_standing().await;
        self.report_counters();
    }

    /// What mirrors want of the driver.
    async fn on_mirror(&mut self, command: Command) {
        match command {
            Command::Mirrored(event, relay, reply) => {
                self.note_time(&event).await;
                let list = matches!(event.kind, Kind::FOLLOW_LIST | Kind::MUTE_LIST);
                if list && self.ownership.owner() == Some(event.pubkey) {
                    self.handle(Input::List((*event).clone())).await;
                }
                if self.core.admits_mirrored(&event, clock::now()) {
                    self.writer.store_and_tell(event, Propagation::Mirrored(relay), reply).await;
                } else {
                    // Whoever brought it may have gone away.
                    let _gone = reply.send(Ok(Inserted::Surplus));
                }
            }
            Command::WriteMeta(note) => self.writer.note(note).await,
            Command::Strangers(mut people, reply) => {
                let now = clock::now();
                people.retain(|person| !self.core.has_node(person, now));
                drop(reply.send(people));
            }
            _ => {}
        }
    }

    async fn on_overlay(&mut self, event: OverlayEvent) {
        match event {
            OverlayEvent::Message { message, from, topic: Topic::Events, payload } => {
                received::payload("broadcast", &payload);
                let heard = GossipId(self.number());
                self.heard.insert(heard, message);
                self.handle(Input::Heard(heard, from, payload)).await;
            }
            OverlayEvent::Message { message, from, topic: Topic::Nodes, payload } => {
                let verdict = match self.hear_announcement(payload, from).await {
                    Ok(acceptance) => acceptance,
                    Err(Unheard::Stale | Unheard::Crowded | Unheard::Overtaken) => {
                        nostrp2p_overlay::MessageAcceptance::Ignore
                    }
                    Err(Unheard::Forged) => nostrp2p_overlay::MessageAcceptance::Reject,
                };
                self.overlay.report(message, verdict).await;
            }
            OverlayEvent::Request { request, from, protocol, payload } => {
                self.on_request(request, from, protocol, payload).await;
            }
            OverlayEvent::PeerConnected(peer) => {
                tracing::info!(peer = %peer.id, address = peer.address, "a node joined");
                if self.node_status.borrow().peers.is_empty() {
                    self.send_what_waits().await;
                    self.announce().await;
                    self.tell_own_words().await;
                }
                self.handle(Input::PeerConnected(peer.id, Network::of(&peer.address))).await;
                self.ask_for_announcements(peer.id);
                self.ask_for_revocations(peer.id, vec![]);
                self.report_standing().await;
            }
            OverlayEvent::PeerConnectedTwice(peer) => {
                let overlay = self.overlay.clone();
                self.tasks.push(Box::pin(async move {
                    runs::show_runs_to_one_another(&overlay, peer).await;
                    DriverEvent::Done
                }));
            }
            OverlayEvent::PeerDisconnected(peer) => {
                tracing::info!(%peer, "a node left");
                self.see(peer, clock::now()).await;
                self.handle(Input::PeerDisconnected(peer)).await;
                self.lose_way(peer).await;
                self.report_standing().await;
            }
            OverlayEvent::AddressesChanged => self.announce_soon(),
            OverlayEvent::Listening(address) => tracing::info!(address, "listening"),
            OverlayEvent::BootstrapFailed { address, reason, retry_in } => {
                let address = address.to_string();
                if self.unreached.get(&address) == Some(&reason) {
                    tracing::debug!(address, reason, ?retry_in, "a node could still not be reached");
                } else {
                    tracing::warn!(
                        address,
                        reason,
                        "a node could not be reached; it is tried again and again"
                    );
                    self.unreached.insert(address, reason);
                }
            }
            OverlayEvent::BootstrapReached { address }
                if self.unreached.remove(&address.to_string()).is_some() =>
            {
                tracing::warn!(%address, "the node can be reached again");
            }
            _ => {}
        }
    }

    /// Asks the core and does what it says. A broadcast's answer comes back here, so this never recurses deeply.
    async fn handle(&mut self, input: Input) {
        // What the owner publishes is checked here: see [`verifier::check`].
        let published = matches!(input, Input::Publish(..));
        let mut outputs = VecDeque::from(self.core.handle(input, clock::now()));
        while let Some(output) = outputs.pop_front() {
            match output {
                Output::Verify(number, event) if published => {
                    let checked = Input::Verified(number, verifier::check(event));
                    outputs.extend(self.core.handle(checked, clock::now()));
                }
                Output::Verify(number, event) => {
                    if !self.verifier.check(number, event) {
                        tracing::error!("the verifier takes no more work");
                    }
                }
                Output::ReportValidation(heard, verdict) => self.judge(heard, verdict).await,
                Output::Store(event, Sharing::ByItself) => self.store_fetched(event).await,
                Output::Store(event, sharing) => {
                    self.note_time(&event).await;
                    self.writer.store(event, sharing.into()).await;
                }
                Output::Commit(request, event, audience) => {
                    let propagation = Propagation::of_own(&audience, clock::now());
                    let answer = self.writer.commit(event.clone(), propagation).await;
                    self.tasks.push(Box::pin(async move {
                        let stored = answer.await.unwrap_or_else(|_| Err(stopped()));
                        DriverEvent::Committed(request, event, audience, stored)
                    }));
                }
                Output::StoreDelivery(handed, event, sender) => {
                    self.note_time(&event).await;
                    let answer = self.writer.commit(event, Propagation::Handed(sender)).await;
                    self.tasks.push(Box::pin(async move {
                        DriverEvent::Kept(handed, answer.await.unwrap_or_else(|_| Err(stopped())))
                    }));
                }
                Output::StoreMail(mail, event, sender) => self.store_mail(mail, event, sender).await,
                Output::ShowMail(mail, event) => self.answer_mail(mail, Received::Shown(Box::new(event))),
                Output::RefuseMail(mail, refused) => self.answer_mail(mail, Received::Refused(refused)),
                Output::Answer(handed, receipt) => self.answer(handed, receipt).await,
                Output::Attempt(address, nodes) => {
                    self.name_addresses(&nodes).await;
                    self.attempt(address, nodes);
                }
                Output::LookUpNodes(people) => outputs.extend(self.seek(people)),
                Output::Record(address, row) => self.record(address, row).await,
                Output::Broadcast(request, event, sequence, packet) => {
                    let neighbours = self.broadcast(sequence, packet).await;
                    self.reply_published(request, &event, sequence, Carried::Broadcast(neighbours));
                }
                Output::Published(request, event, sequence, carried) => {
                    self.reply_published(request, &event, sequence, carried);
                }
                Output::Refuse(request, refusal) => self.reply(request, Err(refusal)),
                Output::Query(asking) => {
                    self.name_addresses(&asking.nodes).await;
                    self.ask(asking);
                }
                Output::QueryOwnNode(peer, cursor) => {
                    self.name_addresses(&[peer]).await;
                    self.query_own_node(peer, cursor);
                }
                Output::Spread(packet) => self.spread(packet).await,
                Output::Obey(event) => self.obey(event).await,
                Output::RecordRevocation(event) => self.writer.note(MetaWrite::Revoked(event)).await,
                Output::ForgetRevocation(person, peer) => {
                    self.writer.note(MetaWrite::NotRevoked(person, peer)).await;
                }
                Output::CatchUp(step) => self.catch_up(step),
                Output::RecordOwnNode(peer, cursor) => {
                    self.writer.note(MetaWrite::OwnNode(peer, cursor)).await
                }
            }
        }
    }

    /// An event of somebody else says what time it is.
    pub(super) async fn note_time(&mut self, event: &Event) {
        if self.ownership.owner() != Some(event.pubkey) {
            self.bear_out(event.created_at).await;
        }
    }

    async fn judge(&mut self, heard: GossipId, verdict: Verdict) {
        let Some(message) = self.heard.remove(&heard) else { return };
        tracing::debug!(?verdict, "heard a message");
        let verdict = match verdict {
            Verdict::Accept => nostrp2p_overlay::MessageAcceptance::Accept,
            Verdict::Reject => nostrp2p_overlay::MessageAcceptance::Reject,
            Verdict::AcceptWithoutForwarding | Verdict::Ignore(_) | Verdict::Unknown => {
                nostrp2p_overlay::MessageAcceptance::Ignore
            }
        };
        self.overlay.report(message, verdict).await;
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// Whether a client came to this machine by a name of its own: then it may run here, and by the same clock.
fn is_local(authority: &str) -> bool {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Without random numbers all decisions would still be right, only less spread in time.
pub(crate) fn seed() -> u64 {
    getrandom::u64().unwrap_or_default()
}

fn stopped() -> String {
    "the store's writer has stopped".to_owned()
}
