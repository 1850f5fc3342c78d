//! Requests of sessions and mirrors, and the answers to them.

use nostrp2p_core::{
    FetchTarget, Input, Inserted, LoginId, MailId, MirroredId, OpenedSession, PublishId, Stored,
    TunnelDenied, TunnelRequestId,
    tunnel::server::{Input as TunnelInput, Output as TunnelOutput},
};
use nostrp2p_protocol::{
    EventId, PublicKey,
    frame::{Carried, Refusal},
};
use tokio::sync::oneshot;

use super::{Pump, PumpEvent};
use crate::{
    Brought, Command, Published, Received, StoreWrite, TunnelGrant,
    traits::{EventStore, Host, HostNotice, PeerNetwork, Platform},
};

/// Answers of sessions that wait at a time: those of five programs with all their subscriptions. Others do not wait.
const MAX_WAITING: usize = 1_000;

/// The receiver of a session's answer.
pub(super) type SessionReply<T> = oneshot::Sender<Result<T, Refusal>>;

/// The session that waits for the answer to a publish request.
pub(super) struct Waiting<T> {
    reply: SessionReply<Published>,
    /// Meanwhile others wait.
    _first: T,
}

/// An event from a relay, until it is known whether it is taken.
pub(super) struct Mirroring {
    pub(super) relay: String,
    pub(super) reply: oneshot::Sender<Stored>,
}

/// The receiver of an answer about tunnels.
pub(super) enum TunnelReply {
    Opened(oneshot::Sender<Result<TunnelGrant, TunnelDenied>>),
    Spent(oneshot::Sender<Result<u64, TunnelDenied>>),
}

/// A client that waits until everything that it fetches has arrived or failed, and is on its way into the store.
#[derive(Default)]
pub(super) struct Fetches {
    waiting: Vec<(Vec<FetchTarget>, oneshot::Sender<()>)>,
    pub(super) storing: usize,
}

impl<N: PeerNetwork, S: EventStore, P: Platform, H: Host<S::Note>> Pump<N, S, P, H> {
    /// Does what a session or a mirror asks.
    pub(super) fn on_command(&mut self, command: Command<S::Note>) {
        match command {
            Command::Login(proof, reply) => {
                let login = LoginId(self.number());
                self.logins.insert(login, reply);
                self.handle(Input::Login(login, proof));
            }
            Command::Claim(token, proof, reply) => {
                let login = LoginId(self.number());
                self.logins.insert(login, reply);
                self.handle(Input::Claim(login, token, proof));
            }
            Command::Publish(event, replies, reply) => {
                let request = PublishId(self.number());
                self.publishing.insert(request, Waiting { reply, _first: self.store.owners_turn() });
                self.handle(Input::Publish(request, event, replies));
            }
            Command::Receive(Brought { event, bearer, reply }) => {
                let mail = MailId(self.number());
                self.mail.insert(mail, reply);
                self.handle(Input::Mailed(mail, event, bearer));
            }
            Command::Fetch(wants, over) => self.fetch(wants, over),
            Command::Retry(event) => self.handle(Input::Retry(event)),
            Command::Mark(name, until) => self.notice(HostNotice::Mark(name, until)),
            Command::Mirrored(event, relay, reply) => {
                let mirrored = MirroredId(self.number());
                self.mirrored.insert(mirrored, Mirroring { relay, reply });
                self.handle(Input::Mirrored(mirrored, event));
            }
            Command::Alive(reply) => {
                // Whoever asked may have lost patience.
                let _gone = reply.send(());
            }
            Command::WriteMeta(note) => self.write(StoreWrite::Note(note)),
            Command::Strangers(mut people, reply) => {
                let now = self.platform.now();
                people.retain(|person| !self.core.has_node(person, now));
                drop(reply.send(people));
            }
            Command::OpenTunnel(peer, caller, reply) => {
                let request = TunnelRequestId(self.number());
                self.tunnels.insert(request, TunnelReply::Opened(reply));
                self.handle(Input::TunnelServer(TunnelInput::Open(request, peer, caller)));
            }
            Command::TunnelTellsLogins(peer, tells) => {
                self.handle(Input::TunnelServer(TunnelInput::TellsLogins(peer, tells)));
            }
            Command::TunnelSignedIn(session) => {
                self.handle(Input::TunnelServer(TunnelInput::SignedIn(session)));
            }
            Command::TunnelCounts(reply) => {
                let _gone = reply.send(self.core.tunnel_counts(self.platform.now()));
            }
            Command::SpendOnTunnel(peer, bytes, clock_ms, reply) => {
                let request = TunnelRequestId(self.number());
                self.tunnels.insert(request, TunnelReply::Spent(reply));
                self.handle(Input::TunnelServer(TunnelInput::Spend(request, peer, bytes, clock_ms)));
            }
        }
    }

    /// Has other nodes asked. `over` is dropped when there is nothing to wait for any more.
    fn fetch(&mut self, wants: Vec<FetchTarget>, over: Option<oneshot::Sender<()>>) {
        self.handle(Input::Fetch(wants.clone()));
        let Some(over) = over.filter(|_| self.fetches.waiting.len() < MAX_WAITING) else { return };
        self.fetches.waiting.push((wants, over));
        self.release_sessions();
    }

    /// An event of an answer can be read, or could not be stored.
    pub(super) fn on_fetched_stored(&mut self) {
        self.fetches.storing = self.fetches.storing.saturating_sub(1);
        self.release_sessions();
    }

    /// Lets those go on for whom there is nothing more to come, and forgets those who have gone on by themselves.
    pub(super) fn release_sessions(&mut self) {
        if self.fetches.storing == 0 {
            let core = &self.core;
            self.fetches.waiting.retain(|(wants, over)| !over.is_closed() && core.is_fetching(wants));
        }
    }

    pub(super) fn reply(&mut self, request: PublishId, result: Result<Published, Refusal>) {
        // A session that has gone away meanwhile needs no answer.
        if let Some(waiting) = self.publishing.remove(&request) {
            drop(waiting.reply.send(result));
        }
    }

    pub(super) fn reply_published(
        &mut self,
        request: PublishId,
        id: EventId,
        stored: Inserted,
        carried: Carried,
    ) {
        let sequence = stored.sequence().unwrap_or_default();
        self.reply(request, Ok(Published { id, sequence, carried, stored }));
    }

    pub(super) fn reply_login(&mut self, login: LoginId, result: Result<PublicKey, Refusal>) {
        if let Some(reply) = self.logins.remove(&login) {
            drop(reply.send(result));
        }
    }

    pub(super) fn answer_mail(&mut self, mail: MailId, received: Received) {
        if let Some(reply) = self.mail.remove(&mail) {
            drop(reply.send(received));
        }
    }

    pub(super) fn not_mirrored(&mut self, mirrored: MirroredId) {
        if let Some(Mirroring { reply, .. }) = self.mirrored.remove(&mirrored) {
            drop(reply.send(Ok(Inserted::Surplus)));
        }
    }

    pub(super) fn reply_tunnel(&mut self, output: TunnelOutput) {
        match output {
            TunnelOutput::Opened(request, opened) => {
                let Some(TunnelReply::Opened(reply)) = self.tunnels.remove(&request) else { return };
                let granted = opened.map(|opened| self.grant(opened));
                drop(reply.send(granted));
            }
            TunnelOutput::Spent(request, spent) => {
                let Some(TunnelReply::Spent(reply)) = self.tunnels.remove(&request) else { return };
                let _gone = reply.send(spent);
            }
        }
    }

    /// Lets a session in, and ends another one if that has to give up its slot.
    fn grant(&mut self, OpenedSession { session, displaced }: OpenedSession) -> TunnelGrant {
        if let Some(switch) = displaced.and_then(|displaced| self.tunnel_switches.remove(&displaced)) {
            // It may have ended this moment.
            let _ended = switch.send(());
        }
        let (switch, displaced) = oneshot::channel();
        self.tunnel_switches.insert(session, switch);
        let (lives, ended) = oneshot::channel::<()>();
        self.begin(async move {
            // It ends when the session drops its side, also by a panic.
            drop(ended.await);
            PumpEvent::TunnelClosed(session)
        });
        TunnelGrant { session, displaced, lives }
    }

    pub(super) fn on_tunnel_closed(&mut self, session: u64) {
        self.tunnel_switches.remove(&session);
        self.handle(Input::TunnelServer(TunnelInput::Closed(session)));
    }

    pub(super) fn renew_claim(&mut self) {
        let claim = self.host.fresh_claim();
        self.handle(Input::FreshClaim(claim));
    }
}
