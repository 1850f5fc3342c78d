//! One session of the web client: frames in, frames out.
//!
//! Pushing needs no queue: the session remembers the sequence number up to which the client has everything, and reads
//! the rest from the store when its gathering time is over. A slow client holds no memory here.

mod base;
mod door;
mod figures;
mod mirrors;
mod names;
mod offers;
mod permissions;
mod reach;
mod reading;

use std::{future::Future, ops::RangeInclusive, pin::Pin, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use nostrp2p_core::{LoginProof, Replies};
use nostrp2p_protocol::{
    Event, Filter, PublicKey, UnsignedEvent, UnverifiedEvent,
    event_policy::is_public,
    frame::{
        CaughtUp, ClientFrame, FETCH_BEHIND, GATHER_MS, Mirror, NodeFrame, Permission, REACH, RELAYS,
        Refusal, RefusalCode, RequestId, VERSION, Welcome,
    },
    limits::{MAX_LIST_BYTES, MAX_LIST_TAGS},
    login,
};
use nostrp2p_runtime::Published;
use tokio::{
    sync::{broadcast::error::RecvError, oneshot},
    time::{Instant, sleep_until},
};

use base::Awaiting;
use door::Door;
use figures::Figures;
use offers::Offers;

use super::{
    App,
    link::{Gone, Said, Socket},
    named::Named,
};
use crate::{
    driver::Command,
    markers::{self, Markers},
};

/// Publish requests of one session that may be under way; more wait in the socket.
const MAX_PUBLISHING: usize = 16;
/// How often the node looks again for what open subscriptions lack.
const RENEW_EVERY: Duration = Duration::from_secs(300);
/// How long a client that may read nothing may stay without signing in: it takes the place of one that would.
const LOGIN_DEADLINE: Duration = Duration::from_secs(300);
/// Logins of one connection that may fail.
const MAX_FAILED_LOGINS: u32 = 5;
/// How long a failed login waits for its answer, so that trying costs time.
const FAILED_LOGIN_DELAY: Duration = Duration::from_secs(1);
/// The name and version that a client learns.
const AGENT: &str = concat!("nostrp2p/", env!("CARGO_PKG_VERSION"));

/// Serves a client that speaks to this node without a channel; `named` is the name by which it has come.
pub(super) async fn run(app: App, socket: Socket, named: Named) -> Result<(), Gone> {
    Session::new(app, socket, Door::Host(named)).run().await
}

/// Serves a client that speaks inside of a channel. `named` is the name by which it has come, None through a helper.
pub(super) async fn run_in_channel(app: App, socket: Socket, named: Option<Named>) -> Result<(), Gone> {
    let door = Door::Channel(app.channel.key().to_string(), named);
    Session::new(app, socket, door).run().await
}

type Publishing = Pin<Box<dyn Future<Output = (RequestId, Result<Published, Refusal>)> + Send>>;

struct Session {
    app: App,
    socket: Socket,
    door: Door,
    phase: Phase,
    failed_logins: u32,
    /// Whether the client has said that it reads long lists. To an older one a frame that holds one would be malformed.
    long_lists: bool,
    /// Whether the client has said that it reads what the node understands.
    reads_features: bool,
    reads_statements: bool,
    watching: Option<Watching>,
    subscriptions: Vec<(RequestId, Vec<Filter>)>,
    /// The read markers that the client has.
    marked: Markers,
    /// The warnings that the client has.
    warned: Vec<u8>,
    /// The states of mirrors that the client has.
    mirrored: Vec<Mirror>,
    /// The permissions and drafts that the client has.
    permitted: (Vec<Permission>, Vec<UnsignedEvent>),
    /// Events that the node asks the owner to publish.
    offers: Offers,
    /// Whether to look what to offer waits until others have given what they hold of the owner's lists.
    offers_wait: bool,
    publishing: FuturesUnordered<Publishing>,
    figures: Figures,
    /// Questions for what the owner's programs build on, which wait for the owner's other nodes and the mirrors.
    awaiting: Awaiting,
}

/// How far the conversation has come.
enum Phase {
    New,
    Greeted { challenge: [u8; 32] },
    Owner,
}

/// The client's subscription to the store.
struct Watching {
    /// The client has everything up to this sequence number.
    cursor: u64,
    /// Whether it wants all of it, and not only what its subscriptions match.
    whole: bool,
    gather: Duration,
    /// Whether the client has once been told that it has everything.
    caught_up: bool,
    /// When the next batch goes; None while there is nothing new.
    due: Option<Instant>,
}

impl Session {
    fn new(app: App, socket: Socket, door: Door) -> Self {
        Self {
            app,
            socket,
            door,
            phase: Phase::New,
            failed_logins: 0,
            long_lists: false,
            reads_features: false,
            reads_statements: false,
            watching: None,
            subscriptions: Vec::new(),
            marked: Markers::new(),
            warned: Vec::new(),
            mirrored: Vec::new(),
            permitted: Default::default(),
            offers: Offers::default(),
            offers_wait: false,
            publishing: FuturesUnordered::new(),
            figures: Figures::new(Instant::now()),
            awaiting: Awaiting::default(),
        }
    }

    async fn run(mut self) -> Result<(), Gone> {
        let mut progress = self.app.store.progress();
        let mut node_status = self.app.node_status.clone();
        let mut stop = self.app.stop.clone();
        let mut deliveries = self.app.deliveries.subscribe();
        let mut markers = self.app.markers.clone();
        let mut ways = self.app.ways.clone();
        let mut mirrors = self.app.mirrors.status.clone();
        let mut refused_pages = self.app.refused_pages.subscribe();
        let mut permissions = self.app.names.permissions().subscribe();
        let mut renew = tokio::time::interval(RENEW_EVERY);
        let entrance = Instant::now() + LOGIN_DEADLINE;
        loop {
            let push = self.watching.as_ref().and_then(|watching| watching.due);
            let status = self.figures.due();
            let awaited = self.awaiting.due();
            tokio::select! {
                () = stop.wait() => return self.socket.close("the node is stopping").await,
                Some((request, result)) = self.publishing.next() => self.answer_publish(request, result).await?,
                said = self.socket.receive(), if self.publishing.len() < MAX_PUBLISHING => self.on_said(said?).await?,
                Ok(()) = progress.changed() => {
                    progress.borrow_and_update();
                    self.gather();
                    self.figures.on_counts(self.gathering());
                }
                Ok(()) = node_status.changed() => {
                    node_status.borrow_and_update();
                    self.answer_awaiting(Instant::now()).await?;
                    self.figures.on_peers(self.gathering());
                    self.offer_what_waited().await?;
                }
                news = deliveries.recv(), if self.is_owner() => match news {
                    Ok((id, person, state)) => {
                        self.send(NodeFrame::Deliveries { id, people: vec![(person, state)] }).await?;
                    }
                    // It was slow and missed some, so it gets all that matter.
                    Err(RecvError::Lagged(_)) => self.tell_deliveries().await?,
                    Err(RecvError::Closed) => return self.socket.close("the node is stopping").await,
                },
                // A page whose person is still making a key just connects again.
                () = sleep_until(entrance), if !self.may_read() => {
                    return self.socket.close("nobody has signed in here").await;
                }
                Ok(()) = markers.changed(), if self.is_owner() => {
                    markers.borrow_and_update();
                    self.tell_markers().await?;
                }
                Ok(()) = ways.changed(), if self.is_owner() => {
                    ways.borrow_and_update();
                    self.tell_ways().await?;
                }
                Ok(()) = mirrors.changed(), if self.is_owner() => {
                    mirrors.borrow_and_update();
                    self.answer_awaiting(Instant::now()).await?;
                    self.on_mirrors().await?;
                    self.offer_what_waited().await?;
                }
                Ok(()) = refused_pages.changed(), if self.is_owner() => {
                    refused_pages.borrow_and_update();
                    self.tell_permissions().await?;
                }
                Ok(()) = permissions.changed(), if self.is_owner() => {
                    permissions.borrow_and_update();
                    self.tell_permissions().await?;
                }
                _ = renew.tick(), if !self.subscriptions.is_empty() => self.renew_subscriptions(),
                () = sleep_until(push.unwrap_or_else(Instant::now)), if push.is_some() => {
                    self.push().await?;
                    if self.figures.ride_along() {
                        self.status().await?;
                    }
                }
                () = sleep_until(awaited.unwrap_or_else(Instant::now)), if awaited.is_some() => {
                    self.answer_awaiting(Instant::now()).await?;
                }
                () = sleep_until(status.unwrap_or_else(Instant::now)), if status.is_some() => self.status().await?,
            }
        }
    }

    async fn on_said(&mut self, said: Said) -> Result<(), Gone> {
        let Said::Binary(bytes) = said else {
            return self.hang_up(RefusalCode::Malformed, "client frames are binary messages").await;
        };
        let decode = if self.is_owner() { ClientFrame::decode_of_owner } else { ClientFrame::decode };
        let frame = match decode(&bytes) {
            Ok(frame) => frame,
            Err(malformed) => return self.hang_up(RefusalCode::Malformed, &malformed.to_string()).await,
        };
        let request = frame.request();
        match frame {
            ClientFrame::Hello { version, nonce } => self.on_hello(version, nonce).await,
            ClientFrame::Login { proof, .. } => self.on_proof(request, proof, None).await,
            ClientFrame::Claim { token, proof, .. } => self.on_proof(request, proof, Some(token)).await,
            ClientFrame::Publish { event, .. } if self.is_owner() => {
                self.publish(request, event);
                Ok(())
            }
            ClientFrame::Fetch { filters, .. } if self.may_read() => self.on_fetch(request, filters).await,
            ClientFrame::FetchBehind { filters, created_at, id, .. } if self.may_read() => {
                self.on_fetch_behind(request, filters, (created_at, id)).await
            }
            ClientFrame::Subscribe { filters, .. } if self.may_read() => {
                self.on_subscribe(request, filters).await
            }
            ClientFrame::Search { filters, words, .. } if self.may_read() => {
                self.on_search(request, filters, &words).await
            }
            ClientFrame::Unsubscribe { .. } => {
                self.subscriptions.retain(|(name, _)| *name != request);
                Ok(())
            }
            ClientFrame::Watch { after, gather_ms } if self.may_read() => {
                let gather_ms = gather_ms.clamp(*RangeInclusive::start(&GATHER_MS), *GATHER_MS.end());
                let gather = Duration::from_millis(u64::from(gather_ms));
                self.watching =
                    Some(Watching { cursor: after, whole: true, gather, caught_up: false, due: None });
                self.figures.on_watch(gather);
                self.gather();
                Ok(())
            }
            ClientFrame::Mark { name, until } if self.is_owner() => {
                drop(self.app.commands.send(Command::Mark(name, until)).await);
                Ok(())
            }
            ClientFrame::Retry { id } if self.is_owner() => {
                drop(self.app.commands.send(Command::Retry(id)).await);
                Ok(())
            }
            ClientFrame::RelayLogin { relay, proof } if self.is_owner() => {
                self.on_relay_login(&relay, proof);
                Ok(())
            }
            ClientFrame::Export { after, .. } if self.is_owner() => self.on_export(request, after).await,
            ClientFrame::Names { name, change, .. } if self.is_owner() => {
                self.on_names(request, &name, change).await
            }
            ClientFrame::Permit { sort, subject, granted, .. } if self.is_owner() => {
                self.on_permit(request, sort, &subject, granted).await
            }
            ClientFrame::Reach { people, .. } if self.is_owner() => self.on_reach(request, people).await,
            ClientFrame::Relays { id, .. } if self.is_owner() => self.on_relays(request, id).await,
            ClientFrame::Publish { .. }
            | ClientFrame::Reach { .. }
            | ClientFrame::Relays { .. }
            | ClientFrame::Permit { .. }
            | ClientFrame::Names { .. }
            | ClientFrame::Export { .. }
            | ClientFrame::Retry { .. }
            | ClientFrame::RelayLogin { .. }
            | ClientFrame::Fetch { .. }
            | ClientFrame::FetchBehind { .. }
            | ClientFrame::Watch { .. }
            | ClientFrame::Subscribe { .. }
            | ClientFrame::Search { .. }
            | ClientFrame::Mark { .. } => {
                self.refuse(request, Refusal::new(RefusalCode::LoginNeeded, "sign in first")).await
            }
        }
    }

    /// How long the node may gather for the client: nobody waits for figures before it says so.
    fn gathering(&self) -> Duration {
        self.watching.as_ref().map_or(Duration::ZERO, |watching| watching.gather)
    }

    const fn is_owner(&self) -> bool {
        matches!(self.phase, Phase::Owner)
    }

    /// The owner reads everything; guests, where the node has `--public-read`, what is public.
    const fn may_read(&self) -> bool {
        match self.phase {
            Phase::Owner => true,
            Phase::Greeted { .. } => self.app.public_read,
            Phase::New => false,
        }
    }

    /// Which of the stored events this client may see.
    fn view(&self) -> fn(&Event) -> bool {
        match (self.is_owner(), self.long_lists) {
            (true, true) => |_| true,
            (true, false) => |event| !event.is_long(),
            (false, _) => |event| is_public(event) && !event.is_long(),
        }
    }

    async fn on_hello(&mut self, version: u16, nonce: Option<[u8; 32]>) -> Result<(), Gone> {
        if !matches!(self.phase, Phase::New) {
            return self.hang_up(RefusalCode::Malformed, "a conversation has one hello").await;
        }
        tracing::info!(version, "a client connected");
        if version != VERSION {
            let advice = if version < VERSION { "reload the page to update it" } else { "update the node" };
            let reason =
                format!("the client speaks version {version}, this node version {VERSION}; {advice}");
            return self.hang_up(RefusalCode::Version, &reason).await;
        }
        let Some(nonce) = nonce else {
            return self.hang_up(RefusalCode::Malformed, "a hello carries 64 hex digits as its nonce").await;
        };
        let mut challenge = [0; 32];
        if let Err(error) = getrandom::fill(&mut challenge) {
            tracing::error!(%error, "no random numbers for a challenge");
            return self
                .hang_up(RefusalCode::Internal, "the node has no random numbers; its log says why")
                .await;
        }
        self.phase = Phase::Greeted { challenge };
        let own_name = self.door.is_own_name(&self.app);
        let mut welcome = Welcome {
            version: VERSION,
            challenge,
            peer: self.app.peer,
            // By a foreign name a stranger's page may be asking.
            owner: self.app.node_status.borrow().owner.filter(|_| own_name),
            agent: AGENT.to_owned(),
            key: self.app.channel.key(),
            own_name,
            signature: [0; 64],
        };
        welcome.signature = self.app.secret.sign(&welcome.signed_bytes(&nonce));
        self.send(NodeFrame::Welcome(Box::new(welcome))).await
    }

    async fn on_proof(
        &mut self,
        request: RequestId,
        proof: UnverifiedEvent,
        token: Option<[u8; 16]>,
    ) -> Result<(), Gone> {
        let Phase::Greeted { challenge } = self.phase else {
            return self.hang_up(RefusalCode::Malformed, "a login comes once, after the hello").await;
        };
        let event = match proof.verify() {
            Ok(event) => event,
            Err(forged) => {
                return self.fail_login(request, Refusal::new(RefusalCode::Forged, forged.to_string())).await;
            }
        };
        let authority = match self.door.authority(&self.app) {
            Ok(authority) => authority,
            Err(reason) => {
                return self.fail_login(request, Refusal::new(RefusalCode::WrongChallenge, reason)).await;
            }
        };
        let (long_lists, features) = (login::reads_long_lists(&event), login::reads_features(&event));
        let statements = login::reads_statements(&event);
        let proof = LoginProof { event, challenge, authority, peer: self.app.peer };
        let (reply, answer) = oneshot::channel();
        let command = match token {
            Some(token) => Command::Claim(token, proof, reply),
            None => Command::Login(proof, reply),
        };
        drop(self.app.commands.send(command).await);
        match answer.await {
            Ok(Ok(owner)) => {
                (self.long_lists, self.reads_features, self.reads_statements) =
                    (long_lists, features, statements);
                self.on_login(request, owner).await
            }
            Ok(Err(refusal)) => self.fail_login(request, refusal).await,
            Err(_) => self.refuse(request, stopping()).await,
        }
    }

    /// Trying again and again costs time and then the connection.
    async fn fail_login(&mut self, request: RequestId, refusal: Refusal) -> Result<(), Gone> {
        self.failed_logins += 1;
        if self.socket.failed_login() {
            let reason = "too many logins have failed from your address; try again in a minute";
            return self.hang_up(RefusalCode::Busy, reason).await;
        }
        tokio::time::sleep(FAILED_LOGIN_DELAY).await;
        self.refuse(request, refusal).await?;
        if self.failed_logins < MAX_FAILED_LOGINS {
            return Ok(());
        }
        self.hang_up(RefusalCode::Busy, "too many logins have failed on this connection; connect again").await
    }

    async fn on_login(&mut self, request: RequestId, owner: PublicKey) -> Result<(), Gone> {
        self.phase = Phase::Owner;
        self.socket.stay().await;
        let newest = self.app.store.progress().borrow().newest;
        if self.long_lists {
            // Before the client sends what waits there.
            let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
            let (tags, bytes) = (number(MAX_LIST_TAGS), number(MAX_LIST_BYTES));
            self.send(NodeFrame::LongLists { tags, bytes }).await?;
        }
        if self.reads_features {
            self.send(NodeFrame::Features(vec![FETCH_BEHIND, REACH, RELAYS])).await?;
        }
        self.send(NodeFrame::LoggedIn { request, owner, store: self.app.store.lineage(), newest }).await?;
        let expires = self.app.node_status.borrow().delegated;
        self.send(NodeFrame::Delegated { expires }).await?;
        self.tell_deliveries().await?;
        self.tell_markers().await?;
        self.tell_ways().await?;
        self.look_at_lists().await;
        self.tell_permissions().await?;
        self.status().await
    }

    /// How the node is reached from elsewhere.
    async fn tell_ways(&mut self) -> Result<(), Gone> {
        let ways = (&*self.app.ways.borrow()).into();
        self.send(NodeFrame::Ways(ways)).await
    }

    /// Sends the read markers that differ from those that the client has.
    async fn tell_markers(&mut self) -> Result<(), Gone> {
        let now = self.app.markers.borrow().clone();
        let news = markers::news(&now, &self.marked);
        self.marked = now;
        if news.is_empty() { Ok(()) } else { self.send(NodeFrame::Markers(news)).await }
    }

    /// How far the latest private events have come.
    async fn tell_deliveries(&mut self) -> Result<(), Gone> {
        let store = self.app.store.clone();
        match tokio::task::spawn_blocking(move || store.deliveries()).await {
            Ok(Ok(deliveries)) => {
                for (id, people) in deliveries {
                    self.send(NodeFrame::Deliveries { id, people }).await?;
                }
                Ok(())
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "the store cannot be read");
                self.refuse(0, unreadable()).await
            }
            Err(_) => Err(Gone),
        }
    }

    fn publish(&mut self, request: RequestId, event: UnverifiedEvent) {
        let commands = self.app.commands.clone();
        self.publishing.push(Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            drop(commands.send(Command::Publish(event, Replies::Private, reply)).await);
            (request, answer.await.unwrap_or_else(|_| Err(stopping())))
        }));
    }

    async fn answer_publish(
        &mut self,
        request: RequestId,
        result: Result<Published, Refusal>,
    ) -> Result<(), Gone> {
        match result {
            Ok(Published { id, sequence, carried, .. }) => {
                self.send(NodeFrame::Published { request, id, sequence, carried }).await
            }
            Err(refusal) => self.refuse(request, refusal).await,
        }
    }

    async fn status(&mut self) -> Result<(), Gone> {
        self.figures.on_sent(Instant::now());
        if !self.is_owner() {
            return Ok(());
        }
        let peers = self.app.node_status.borrow().peers.clone();
        let stored = self.app.store.progress().borrow().stored;
        let caught_up = self.app.counters.borrow().caught_up.map(|last| CaughtUp {
            at: last.at,
            peer: last.peer,
            events: u64::try_from(last.events).unwrap_or(u64::MAX),
        });
        self.send(NodeFrame::Status { peers, stored, caught_up }).await?;
        let (reached, traffic) = {
            let node_status = self.app.node_status.borrow();
            let traffic = node_status.traffic.iter();
            (
                node_status.reached,
                traffic.map(|(peer, traffic)| (*peer, traffic.received, traffic.sent)).collect(),
            )
        };
        self.send(NodeFrame::Network { reached, traffic }).await?;
        let warnings = self.app.node_status.borrow().warnings.codes();
        if warnings != self.warned {
            self.warned.clone_from(&warnings);
            self.send(NodeFrame::Warnings(warnings)).await?;
        }
        self.tell_mirrors().await
    }

    async fn refuse(&mut self, request: RequestId, refusal: Refusal) -> Result<(), Gone> {
        tracing::info!(code = ?refusal.code, reason = refusal.reason, "refused a client's request");
        self.send(NodeFrame::Refused { request, refusal }).await
    }

    /// Refuses the conversation as a whole and ends it.
    async fn hang_up(&mut self, code: RefusalCode, reason: &str) -> Result<(), Gone> {
        self.refuse(0, Refusal::new(code, reason)).await?;
        self.socket.close("see the refusal before this").await
    }

    async fn send(&mut self, frame: NodeFrame) -> Result<(), Gone> {
        let frame = if self.reads_statements { frame } else { frame.without_statements() };
        self.socket.binary(frame.encode()).await
    }
}

fn stopping() -> Refusal {
    Refusal::new(RefusalCode::Internal, "the node is stopping; try again later")
}

fn unreadable() -> Refusal {
    Refusal::new(RefusalCode::Internal, "the node cannot read its store; its log says why")
}
