//! The connection to one relay: `nostrp2p_bridge::mirror::Mirror` with a socket.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use nostrp2p_bridge::mirror::{Mirror, Step, is_offered};
use nostrp2p_protocol::{Event, PublicKey, UnverifiedEvent, limits::MAX_SECONDS_AHEAD};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use super::{Context, MirrorStatus, Role};
use crate::{
    clock,
    driver::Command,
    store::{Note, Numbered, Store},
};

/// How long connecting may take, TLS and WebSocket included.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// How long the relay may take to take what is sent.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(10);
/// A relay that has been silent for this long is pinged, and after twice this it is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest message that is read. Relays take events of 64 KiB; some take twice that.
const MAX_MESSAGE_BYTES: usize = 512 * 1024;
/// Batches of the store that are looked through before the relay is listened to again.
const BATCHES: usize = 20;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Link {
    context: Context,
    url: String,
    role: Role,
    owner: PublicKey,
    mirror: Mirror,
    settled: u64,
}

/// Talks to a relay for as long as the node runs.
pub(super) async fn run(context: Context, url: String, role: Role, owner: PublicKey) {
    let mut stop = context.stop.clone();
    let (store, name) = (context.store.clone(), url.clone());
    let place = tokio::task::spawn_blocking(move || store.mirror(&name)).await;
    let (settled, heard_until) = match place {
        Ok(Ok(place)) => place,
        Ok(Err(error)) => return tracing::error!(%error, "the store cannot be read"),
        Err(_) => return,
    };
    let mirror = Mirror::new(role.out, settled, heard_until);
    let mut link = Link { context, url, role, owner, mirror, settled };
    loop {
        link.report("connecting", None);
        let ended = tokio::select! {
            () = stop.wait() => return,
            ended = link.talk() => ended,
        };
        let reason = ended.err().unwrap_or_else(|| "the relay hung up".to_owned());
        let pause = Duration::from_secs(link.mirror.on_disconnected());
        tracing::info!(relay = link.url, reason, ?pause, "a mirror is not connected");
        link.report("waiting", Some(reason));
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Link {
    /// One connection, from its beginning to its end. The error says why it ended.
    async fn talk(&mut self) -> Result<(), String> {
        let mut socket = connect(&self.url).await?;
        let mut interest = self.context.interest.clone();
        let mut progress = self.context.store.progress();
        let mut tick = tokio::time::interval(TICK);
        let mut heard = Instant::now();
        progress.mark_changed();
        interest.mark_changed();
        loop {
            let steps = tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.mirror.on_line(&text, clock::now()),
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(Ok(_)) => vec![],
                        Some(Err(error)) => return Err(error.to_string()),
                    }
                }
                Ok(()) = interest.changed() => {
                    let wanted = interest.borrow_and_update().as_ref().clone();
                    self.mirror.on_connected(wanted, clock::now())
                }
                Ok(()) = progress.changed() => {
                    progress.borrow_and_update();
                    vec![]
                }
                _ = tick.tick() => {
                    if heard.elapsed() > 2 * SILENCE {
                        return Err("the relay is silent".to_owned());
                    }
                    if heard.elapsed() > SILENCE {
                        send(&mut socket, Message::Ping(vec![].into())).await?;
                    }
                    self.mirror.on_tick(clock::now())
                }
            };
            self.perform(&mut socket, steps).await?;
            self.offer(&mut socket).await?;
            self.report("connected", None);
        }
    }

    async fn perform(&mut self, socket: &mut Socket, steps: Vec<Step>) -> Result<(), String> {
        for step in steps {
            match step {
                Step::Send(line) => send(socket, Message::Text(line.into())).await?,
                Step::Acknowledged(id) => self.note(Note::Given(id)).await,
                Step::Settled(through) => {
                    self.settled = through;
                    self.note(Note::Settled(self.url.clone(), through)).await;
                }
                Step::CaughtUp(until) => self.note(Note::CaughtUp(self.url.clone(), until)).await,
                Step::Heard(event) => {
                    if let Some(event) = checked(*event, clock::now()) {
                        let command = Command::Mirrored(event, self.url.clone());
                        drop(self.context.commands.send(command).await);
                    }
                }
                Step::HangUp(reason) => return Err(reason.to_owned()),
            }
        }
        Ok(())
    }

    /// Offers what the relay does not have, as far as there is room.
    async fn offer(&mut self, socket: &mut Socket) -> Result<(), String> {
        while let Some(after) = self.mirror.room() {
            let (store, owner) = (self.context.store.clone(), self.owner);
            let next = tokio::task::spawn_blocking(move || next(&store, &owner, after)).await;
            let next = next.map_err(|error| error.to_string())?;
            let Numbered { through, events } = next.map_err(|error| error.to_string())?;
            if through <= after {
                break;
            }
            let steps = self.mirror.offer(through, &events, clock::now());
            self.perform(socket, steps).await?;
        }
        Ok(())
    }

    async fn note(&self, note: Note) {
        drop(self.context.commands.send(Command::Note(note)).await);
    }

    fn report(&self, state: &'static str, reason: Option<String>) {
        if !self.role.own {
            return;
        }
        let report = self.mirror.report().clone();
        let newest = self.context.store.progress().borrow().newest;
        let status = MirrorStatus {
            url: self.url.clone(),
            state: state.to_owned(),
            reason: reason.or(report.refusal),
            accepted: report.accepted,
            refused: report.refused,
            heard: report.heard,
            last_event: report.last_event,
            behind: if self.role.out { newest.saturating_sub(self.settled) } else { 0 },
            needs_signature: report.needs_signature,
            caught_up: report.caught_up,
        };
        self.context
            .report
            .send_if_modified(|mirrors| mirrors.insert(self.url.clone(), status.clone()) != Some(status));
    }
}

/// The next events of the owner that are for mirrors: at most a window of them, and nothing else up to `through`.
fn next(store: &Store, owner: &PublicKey, after: u64) -> Result<Numbered, redb::Error> {
    let mut next = Numbered { through: after, events: Vec::new() };
    for _ in 0..BATCHES {
        let batch = store.numbered(next.through)?;
        for (sequence, event) in batch.events {
            if is_offered(&event, owner, |id| store.was_given(id)) {
                next.events.push((sequence, event));
                if next.events.len() == Mirror::window() {
                    next.through = sequence;
                    return Ok(next);
                }
            }
        }
        if batch.through <= next.through {
            break;
        }
        next.through = batch.through;
    }
    Ok(next)
}

/// An event as any other that comes from elsewhere: right in shape, time, id and signature.
fn checked(event: UnverifiedEvent, now: u64) -> Option<Event> {
    event.rumor.check_shape().ok()?;
    (event.rumor.created_at <= now.saturating_add(MAX_SECONDS_AHEAD)).then(|| event.verify().ok()).flatten()
}

async fn connect(url: &str) -> Result<Socket, String> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let connecting =
        connect_async_tls_with_config(url, Some(limits), true, Some(Connector::Rustls(Arc::new(tls))));
    match timeout(CONNECT_WITHIN, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the relay does not answer".to_owned()),
    }
}

async fn send(socket: &mut Socket, message: Message) -> Result<(), String> {
    match timeout(WRITE_WITHIN, socket.send(message)).await {
        Ok(sent) => sent.map_err(|error| error.to_string()),
        Err(_) => Err("the relay takes nothing".to_owned()),
    }
}
