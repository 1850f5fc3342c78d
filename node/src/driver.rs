//! The one task that owns the core and connects all parts.
//!
//! It selects over a closed set of happenings, asks the core, and carries out what the core says. Everything that
//! takes time goes elsewhere: signatures to the verifier, the disk to the store's writer, sockets to sessions.

use std::{collections::BTreeMap, future::Future, pin::Pin, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use nostrp2p_core::{
    Audience, Claim, Core, Heard, Input, Output, Ownership, Proof, Request, Settings, Verdict, audience,
};
use nostrp2p_overlay::{MessageRef, Overlay, OverlayEvent};
use nostrp2p_protocol::{
    Event, EventId, Packet, PublicKey, UnverifiedEvent,
    frame::{Carried, Refusal, RefusalCode},
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    clock,
    standing::Standing,
    stop::Stop,
    store::{Store, Stored, Travel, Writer},
    verifier::Verifier,
};

/// Commands of sessions that may wait.
const COMMANDS: usize = 256;
/// How often the standing is looked at besides when peers come and go: delays change.
const STANDING_EVERY: Duration = Duration::from_secs(5);

/// What a session asks of the driver.
pub(crate) enum Command {
    /// Does this prove the owner?
    Login(LoginProof, oneshot::Sender<Result<PublicKey, Refusal>>),
    /// Make the signer the owner.
    Claim([u8; 16], LoginProof, oneshot::Sender<Result<PublicKey, Refusal>>),
    /// Publish an event of the owner; the session has checked the login.
    Publish(UnverifiedEvent, oneshot::Sender<Result<Published, Refusal>>),
}

/// A verified login event with what it must fit.
pub(crate) struct LoginProof {
    pub(crate) event: Event,
    pub(crate) challenge: [u8; 32],
    pub(crate) authority: String,
}

/// The answer to [`Command::Publish`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    pub(crate) id: EventId,
    pub(crate) sequence: u64,
    pub(crate) carried: Carried,
}

/// Everything that may happen.
enum Happening {
    Overlay(OverlayEvent),
    Command(Command),
    Checked(u64, Result<Event, nostrp2p_protocol::Forged>),
    Committed(Request, Event, Stored),
    Tick,
    Over,
}

type Commit = Pin<Box<dyn Future<Output = (Request, Event, Stored)> + Send>>;

/// Called with a fresh claim when the old one has expired.
pub(crate) type OnClaim = Box<dyn Fn(&Claim) + Send>;

/// The driver before it runs.
pub(crate) struct Driver {
    pub(crate) overlay: Overlay,
    pub(crate) events: mpsc::Receiver<OverlayEvent>,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) ownership: Ownership,
    pub(crate) claim_seconds: u64,
    pub(crate) on_claim: OnClaim,
    pub(crate) read_only: bool,
}

struct Running {
    core: Core,
    overlay: Overlay,
    store: Store,
    writer: Writer,
    verifier: Verifier,
    ownership: Ownership,
    claim_seconds: u64,
    on_claim: OnClaim,
    standing: watch::Sender<Standing>,
    heard: BTreeMap<Heard, MessageRef>,
    requests: BTreeMap<Request, oneshot::Sender<Result<Published, Refusal>>>,
    commits: FuturesUnordered<Commit>,
    next: u64,
}

impl Driver {
    /// The sending side of its commands, what it reports, and the task itself. The task ends when `stop` turns true
    /// or the overlay ends; it returns the writer, which still has to be closed, and whether the overlay broke.
    pub(crate) fn run(
        self,
        mut stop: Stop,
    ) -> (mpsc::Sender<Command>, watch::Receiver<Standing>, impl Future<Output = (Writer, Option<String>)>)
    {
        let (commands, mut inbox) = mpsc::channel(COMMANDS);
        let (standing, reported) = watch::channel(Standing { owner: self.ownership.owner(), peers: vec![] });
        let settings = Settings { read_only: self.read_only, ..Settings::default() };
        let mut events = self.events;
        let mut running = Running {
            core: Core::new(settings, self.ownership.owner()),
            overlay: self.overlay,
            store: self.store,
            writer: self.writer,
            verifier: Verifier::start(),
            ownership: self.ownership,
            claim_seconds: self.claim_seconds,
            on_claim: self.on_claim,
            standing,
            heard: BTreeMap::new(),
            requests: BTreeMap::new(),
            commits: FuturesUnordered::new(),
            next: 0,
        };
        let task = async move {
            let mut tick = tokio::time::interval(STANDING_EVERY);
            loop {
                let happening = tokio::select! {
                    () = stop.wait() => Happening::Over,
                    Some((request, event, stored)) = running.commits.next() => {
                        Happening::Committed(request, event, stored)
                    }
                    Some((number, result)) = running.verifier.checked() => Happening::Checked(number, result),
                    event = events.recv() => event.map_or(Happening::Over, Happening::Overlay),
                    Some(command) = inbox.recv() => Happening::Command(command),
                    _ = tick.tick() => Happening::Tick,
                };
                match happening {
                    Happening::Over => return (running.writer, None),
                    Happening::Overlay(OverlayEvent::Stopped { reason }) => {
                        return (running.writer, Some(format!("{reason:?}")));
                    }
                    happening => running.on(happening).await,
                }
            }
        };
        (commands, reported, task)
    }
}

impl Running {
    async fn on(&mut self, happening: Happening) {
        match happening {
            Happening::Overlay(event) => self.on_overlay(event).await,
            Happening::Command(Command::Login(proof, reply)) => {
                drop(reply.send(self.ownership.login(borrow(&proof), clock::now())));
            }
            Happening::Command(Command::Claim(token, proof, reply)) => {
                let result = self.claim(&token, &proof).await;
                drop(reply.send(result));
            }
            Happening::Command(Command::Publish(event, reply)) => {
                let request = Request(self.number());
                self.requests.insert(request, reply);
                self.handle(Input::Publish(request, event)).await;
            }
            Happening::Checked(number, result) => self.handle(Input::Verified(number, result)).await,
            Happening::Committed(request, event, Ok(inserted)) => {
                self.handle(Input::Committed(request, event, inserted.sequence())).await;
            }
            Happening::Committed(request, _, Err(reason)) => {
                tracing::error!(reason, "an event of the owner could not be stored");
                let reason = "the node could not store the event; its log says why";
                self.reply(request, Err(Refusal::new(RefusalCode::Internal, reason)));
            }
            Happening::Tick => {
                self.renew_claim();
                self.report_standing().await;
            }
            Happening::Over => {}
        }
    }

    async fn on_overlay(&mut self, event: OverlayEvent) {
        match event {
            OverlayEvent::Message { message, payload, .. } => {
                let heard = Heard(self.number());
                self.heard.insert(heard, message);
                self.handle(Input::Heard(heard, payload)).await;
            }
            OverlayEvent::PeerJoined(peer) => {
                tracing::info!(peer = %peer.id, address = peer.address, "a node joined");
                if self.standing.borrow().peers.is_empty() {
                    self.send_what_waits().await;
                }
                self.report_standing().await;
            }
            OverlayEvent::PeerLeft(peer) => {
                tracing::info!(%peer, "a node left");
                self.report_standing().await;
            }
            OverlayEvent::Listening(address) => tracing::info!(address, "listening"),
            OverlayEvent::BootstrapFailed { address, reason, retry_in } => {
                tracing::warn!(%address, reason, ?retry_in, "a node could not be reached");
            }
            _ => {}
        }
    }

    /// Asks the core and does what it says. A broadcast's answer comes back here, so this never recurses deeply.
    async fn handle(&mut self, input: Input) {
        for output in self.core.handle(input, clock::now()) {
            match output {
                Output::Verify(number, event) => {
                    if !self.verifier.check(number, event) {
                        tracing::error!("the verifier takes no more work");
                    }
                }
                Output::Judge(heard, verdict) => self.judge(heard, verdict).await,
                Output::Store(event) => self.writer.store(event).await,
                Output::Commit(request, event) => {
                    let travel = match audience(&event) {
                        Audience::Everyone => Travel::Ahead,
                        _ => Travel::Done,
                    };
                    let answer = self.writer.commit(event.clone(), travel).await;
                    self.commits.push(Box::pin(async move {
                        let stored = answer.await;
                        let stored =
                            stored.unwrap_or_else(|_| Err("the store's writer has stopped".to_owned()));
                        (request, event, stored)
                    }));
                }
                Output::Broadcast(request, event, sequence, packet) => {
                    let neighbours = self.broadcast(sequence, packet).await;
                    let carried = Carried::Broadcast(neighbours);
                    self.reply(request, Ok(Published { id: event.id(), sequence, carried }));
                }
                Output::Published(request, event, sequence, carried) => {
                    self.reply(request, Ok(Published { id: event.id(), sequence, carried }));
                }
                Output::Refuse(request, refusal) => self.reply(request, Err(refusal)),
            }
        }
    }

    /// The event is stored whatever happens here; the number of neighbours says how far it got at once.
    async fn broadcast(&mut self, sequence: u64, packet: Packet) -> u32 {
        match self.overlay.broadcast(packet.encode()).await {
            Ok(sent) => {
                if sent.peers > 0 {
                    self.writer.sent(sequence).await;
                }
                u32::try_from(sent.peers).unwrap_or(u32::MAX)
            }
            Err(error) => {
                tracing::warn!(%error, "an event was stored but not broadcast");
                0
            }
        }
    }

    /// Sends the own public events that were written while there was nobody to take them.
    async fn send_what_waits(&mut self) {
        let store = self.store.clone();
        let unsent = match tokio::task::spawn_blocking(move || store.unsent()).await {
            Ok(Ok(unsent)) => unsent,
            Ok(Err(error)) => return tracing::error!(%error, "the store cannot be read"),
            Err(error) => return tracing::error!(%error, "reading the store failed"),
        };
        for (sequence, event) in unsent {
            let packet = Packet::Event(UnverifiedEvent { claimed_id: None, ..event.into() });
            self.broadcast(sequence, packet).await;
        }
    }

    async fn judge(&mut self, heard: Heard, verdict: Verdict) {
        let Some(message) = self.heard.remove(&heard) else { return };
        tracing::debug!(?verdict, "heard a message");
        let verdict = match verdict {
            Verdict::Accept => nostrp2p_overlay::Verdict::Accept,
            Verdict::Reject => nostrp2p_overlay::Verdict::Reject,
            Verdict::Ignore(_) | Verdict::Unknown => nostrp2p_overlay::Verdict::Ignore,
        };
        self.overlay.report(message, verdict).await;
    }

    fn reply(&mut self, request: Request, result: Result<Published, Refusal>) {
        // A session that has gone away meanwhile needs no answer.
        if let Some(reply) = self.requests.remove(&request) {
            drop(reply.send(result));
        }
    }

    async fn claim(&mut self, token: &[u8; 16], proof: &LoginProof) -> Result<PublicKey, Refusal> {
        let owner = self.ownership.claim(token, borrow(proof), clock::now())?;
        self.writer.set_owner(owner).await.map_err(|reason| {
            tracing::error!(reason, "the owner could not be stored");
            Refusal::new(RefusalCode::Internal, "the node could not write down its owner; its log says why")
        })?;
        self.ownership = Ownership::Owned(owner);
        self.handle_owner(owner);
        Ok(owner)
    }

    fn handle_owner(&mut self, owner: PublicKey) {
        // Nothing comes of this input, so nothing has to be carried out.
        drop(self.core.handle(Input::Owner(owner), clock::now()));
        self.standing.send_modify(|standing| standing.owner = Some(owner));
        tracing::info!(owner = owner.to_npub(), "the node has been claimed");
    }

    fn renew_claim(&mut self) {
        let Ownership::Unclaimed(claim) = &self.ownership else { return };
        if claim.expires < clock::now()
            && let Some(claim) = crate::claim::fresh(self.claim_seconds)
        {
            (self.on_claim)(&claim);
            self.ownership = Ownership::Unclaimed(claim);
        }
    }

    async fn report_standing(&mut self) {
        let peers = self.overlay.peers().await.iter().map(crate::standing::peer_status).collect();
        self.standing
            .send_if_modified(|standing| std::mem::replace(&mut standing.peers, peers) != standing.peers);
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

fn borrow(proof: &LoginProof) -> Proof<'_> {
    Proof { event: &proof.event, challenge: &proof.challenge, authority: &proof.authority }
}
