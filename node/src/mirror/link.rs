//! The connection to one relay: `nostrp2p_bridge::mirror::Mirror` with a socket.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use nostrp2p_bridge::mirror::{
    Collect, MirrorSession, MirrorStep, UploadRoom, interest_in_answers, is_offered,
};
use nostrp2p_overlay::Lookups;
use nostrp2p_protocol::{
    Event, EventId, Filter, PublicKey, event_policy::is_open, frame::MirrorState,
    limits::MAX_OWNER_MESSAGE_BYTES,
};
use rustls::ClientConfig;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use super::{
    Context, Interest, MirrorStatus, Role,
    dial::{self, Dialable, MirrorAddress},
    information,
    receiving::Receiving,
};
use crate::{
    clock,
    driver::Command,
    store::{Asked, MetaWrite, Numbered, Store},
};

/// How long connecting may take, TLS and WebSocket included.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// How long the relay may take to take what is sent.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(10);
/// A relay that has been silent for this long is pinged, and after twice this it is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest message that is read: a long list of the owner. Relays take other events of 64 KiB; some take twice that.
const MAX_MESSAGE_BYTES: usize = MAX_OWNER_MESSAGE_BYTES;
/// Most events of the store that are compared with those of a relay, the newest: 2 MB.
const MAX_COMPARED: usize = 50_000;
/// Batches of the store that are looked through before the relay is listened to again.
const BATCHES: usize = 20;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Link {
    context: Context,
    url: String,
    role: Role,
    owner: PublicKey,
    mirror: MirrorSession,
    receiving: Receiving,
    settled: u64,
}

/// Talks to a relay for as long as the node runs.
pub(super) async fn run(context: Context, url: String, role: Role, owner: PublicKey) {
    let mut stop = context.stop.clone();
    let (store, name) = (context.store.clone(), url.clone());
    let place = tokio::task::spawn_blocking(move || {
        let (settled, heard_until) = store.mirror(&name)?;
        Ok::<_, redb::Error>((settled, heard_until, store.past_read(&name)?))
    });
    let (settled, heard_until, read) = match place.await {
        Ok(Ok(place)) => place,
        Ok(Err(error)) => return tracing::error!(%error, "the store cannot be read"),
        Err(_) => return,
    };
    // What was written down while the clock was ahead must not hide what is new now.
    let heard_until = heard_until.min(clock::now());
    let mirror =
        MirrorSession::new(owner, role.out, settled, heard_until).with_mail(role.mail).with_past_read(read);
    let receiving = Receiving::default();
    let mut link = Link { context, url, role, owner, mirror, receiving, settled };
    loop {
        link.report(MirrorState::Connecting, None);
        let ended = tokio::select! {
            () = stop.wait() => return,
            ended = link.talk() => ended,
        };
        let reason = ended.err().unwrap_or_else(|| "the relay hung up".to_owned());
        let pause = Duration::from_secs(link.mirror.on_disconnected());
        tracing::info!(relay = link.url, reason, ?pause, "a mirror is not connected");
        link.report(MirrorState::Waiting, Some(reason));
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How long the answer to a relay's close frame may take.
const PARTING: Duration = Duration::from_secs(1);

impl Link {
    /// One connection, from its beginning to its end. The error says why it ended.
    async fn talk(&mut self) -> Result<(), String> {
        let mut interest = self.context.interest.clone();
        let mut progress = self.context.store.progress();
        let mut logins = self.context.logins.subscribe();
        let mut addressed = self.context.addressed.clone();
        let (names, dialable) = (&self.context.names, self.dialable());
        let terms = information::ask(&self.url, &self.context.tls, names, dialable).await;
        let mut socket = connect(&self.url, Arc::clone(&self.context.tls), names, dialable).await?;
        let mut tick = tokio::time::interval(TICK);
        let mut heard = Instant::now();
        progress.mark_changed();
        interest.mark_changed();
        addressed.mark_changed();
        let steps = self.mirror.on_connected(terms);
        self.perform(&mut socket, steps).await?;
        loop {
            let steps = tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            self.settle_before(&text).await;
                            self.mirror.on_line(&text, clock::now())
                        }
                        Some(Ok(Message::Close(frame))) => {
                            // Reading on sends the answer (RFC 6455, 5.5.1).
                            drop(timeout(PARTING, socket.next()).await);
                            let seen = |letter: &char| !letter.is_control();
                            let reason: Option<String> =
                                frame.map(|frame| frame.reason.chars().filter(seen).collect());
                            return match reason.filter(|reason| !reason.is_empty()) {
                                Some(reason) => Err(format!("the relay hung up: {reason}")),
                                None => Ok(()),
                            };
                        }
                        None => return Ok(()),
                        Some(Ok(_)) => vec![],
                        Some(Err(error)) => return Err(error.to_string()),
                    }
                }
                Ok(()) = interest.changed(), if !self.receiving.pauses() => {
                    let wanted = Arc::clone(&interest.borrow_and_update());
                    self.ask(&wanted)
                }
                Ok(()) = progress.changed() => {
                    progress.borrow_and_update();
                    vec![]
                }
                Ok(()) = addressed.changed() => {
                    let all = Arc::clone(&addressed.borrow_and_update());
                    self.address(all.get(&self.url).cloned().unwrap_or_default()).await?;
                    vec![]
                }
                login = logins.recv() => match login {
                    Ok(login) if login.0 == self.url => self.mirror.on_login(&login.1),
                    // Whoever missed one is asked again, because the mirror still wants it.
                    _ => vec![],
                },
                _ = tick.tick() => {
                    if heard.elapsed() > 2 * SILENCE {
                        return Err("the relay is silent".to_owned());
                    }
                    if heard.elapsed() > SILENCE {
                        send(&mut socket, Message::Ping(vec![].into())).await?;
                    }
                    let mut steps = self.mirror.on_tick(clock::now());
                    if self.receiving.resumes() {
                        let wanted = Arc::clone(&interest.borrow_and_update());
                        steps.extend(self.ask(&wanted));
                    }
                    steps
                }
            };
            self.perform(&mut socket, steps).await?;
            if self.receiving.pauses() {
                let steps = self.mirror.pause();
                self.perform(&mut socket, steps).await?;
            }
            self.offer(&mut socket).await?;
            self.report(MirrorState::Connected, None);
        }
    }

    fn dialable(&self) -> Dialable {
        if self.role.own || self.context.on_loopback { Dialable::Any } else { Dialable::Public }
    }

    /// Has those of the owner's events offered that are for somebody who reads here.
    async fn address(&mut self, ids: Vec<EventId>) -> Result<(), String> {
        let (store, url) = (self.context.store.clone(), self.url.clone());
        let waiting = blocking(move || {
            let mut waiting = Vec::new();
            for id in ids {
                if !store.relayed(&id)?.contains_key(&url) {
                    waiting.push(id);
                }
            }
            Ok(waiting)
        });
        self.mirror.address(&waiting.await?);
        Ok(())
    }

    fn ask(&mut self, wanted: &Interest) -> Vec<MirrorStep> {
        if self.role.answers_only {
            return self.mirror.on_interest(vec![interest_in_answers(&self.owner)], clock::now());
        }
        let mut steps = self.mirror.on_interest(wanted.filters.clone(), clock::now());
        steps.extend(self.mirror.on_lacking(&wanted.lacking));
        steps
    }

    async fn perform(&mut self, socket: &mut Socket, steps: Vec<MirrorStep>) -> Result<(), String> {
        let mut steps = VecDeque::from(steps);
        while let Some(step) = steps.pop_front() {
            match step {
                MirrorStep::Send(line) => send(socket, Message::Text(line.into())).await?,
                MirrorStep::Collect(what) => {
                    let (store, owner, wanted) = (self.context.store.clone(), self.owner, what.clone());
                    let held = blocking(move || collect(&store, &owner, &wanted)).await?;
                    let more = self.mirror.on_collected(&what, &held, clock::now());
                    more.into_iter().rev().for_each(|step| steps.push_front(step));
                }
                MirrorStep::Acknowledged(id) => {
                    self.note(MetaWrite::Given(id)).await;
                    self.note(MetaWrite::Relayed(id, self.url.clone(), true)).await;
                }
                MirrorStep::Refused(id) => self.note(MetaWrite::Relayed(id, self.url.clone(), false)).await,
                MirrorStep::Settled(through) => {
                    self.settled = through;
                    self.note(MetaWrite::Settled(self.url.clone(), through)).await;
                }
                MirrorStep::CaughtUp(until) => self.note(MetaWrite::CaughtUp(self.url.clone(), until)).await,
                MirrorStep::PastRead(people) => {
                    self.note(MetaWrite::PastRead(self.url.clone(), people)).await
                }
                MirrorStep::Heard(event) => {
                    let not_taken = self.receiving.take(*event, &self.context, &self.url).await;
                    not_taken.into_iter().for_each(|at| self.mirror.on_not_taken(at));
                }
                MirrorStep::HangUp(reason) => return Err(reason.to_owned()),
            }
        }
        Ok(())
    }

    /// A message that is no event may say that all stored events were sent, so the events before it have to be stored
    /// first.
    async fn settle_before(&mut self, text: &str) {
        if !text.starts_with("[\"EVENT\"") {
            let not_taken = self.receiving.settle().await;
            not_taken.into_iter().for_each(|at| self.mirror.on_not_taken(at));
        }
    }

    /// Offers what the relay does not have, as far as there is room.
    async fn offer(&mut self, socket: &mut Socket) -> Result<(), String> {
        while let Some(room) = self.mirror.room() {
            let (store, owner) = (self.context.store.clone(), self.owner);
            let steps = match room {
                UploadRoom::After(after) => {
                    let Numbered { through, events } = blocking(move || next(&store, &owner, after)).await?;
                    if through <= after {
                        break;
                    }
                    self.mirror.offer(through, &events, clock::now())
                }
                UploadRoom::Again(ids) => {
                    let events = blocking(move || named(&store, &owner, ids)).await?;
                    self.mirror.offer_again(&events, clock::now())
                }
            };
            self.perform(socket, steps).await?;
        }
        Ok(())
    }

    async fn note(&self, note: MetaWrite) {
        drop(self.context.commands.send(Command::WriteMeta(note)).await);
    }

    fn report(&self, state: MirrorState, reason: Option<String>) {
        if !self.role.own {
            return;
        }
        let report = self.mirror.report().clone();
        let newest = self.context.store.progress().borrow().newest;
        let status = MirrorStatus {
            url: self.url.clone(),
            state,
            reason: reason.or_else(|| self.receiving.reason()).or(report.refusal),
            accepted: report.accepted,
            refused: report.refused,
            heard: report.heard,
            last_event: report.last_event,
            behind: if self.role.out { newest.saturating_sub(self.settled) } else { 0 },
            needs_signature: report.needs_signature,
            mail_waits: report.mail_waits,
            challenge: self.mirror.wants_login().map(str::to_owned),
            work: report.work,
            caught_up: report.caught_up,
            owners_read: report.owners_read,
            asked_in_vain: report.asked_in_vain,
            listens: report.listens,
            polled: report.polled,
            passed_over: report.passed_over,
            postponed: report.postponed,
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
                if next.events.len() == MirrorSession::window() {
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

/// Times and ids of what is in the store and to be compared with what a relay has.
fn collect(store: &Store, owner: &PublicKey, what: &Collect) -> Result<Vec<(u64, EventId)>, redb::Error> {
    let own = Filter { authors: Some([*owner].into()), ..Filter::default() };
    let offered = |event: &Event| is_offered(event, owner, |id| store.was_given(id));
    // A relay is told of nothing that is private: it can only have what it, or another one, gave.
    let known = |event: &Event| is_open(event) || store.is_mirrored(&event.id());
    let asked = match what {
        Collect::Own => Asked { filter: &own, also: &offered },
        Collect::Wanted(filter) => Asked { filter, also: &known },
    };
    store.collect(&[asked], MAX_COMPARED)
}

/// The events of the owner with these ids that are for mirrors.
fn named(store: &Store, owner: &PublicKey, ids: Vec<EventId>) -> Result<Vec<(u64, Event)>, redb::Error> {
    let filter = Filter { ids: Some(ids.into_iter().collect()), ..Filter::default() };
    let also = |event: &Event| is_offered(event, owner, |id| store.was_given(id));
    let picked = store.select(&[Asked { filter: &filter, also: &also }])?.picked;
    Ok(picked.into_iter().filter_map(|picked| Some((picked.sequence, picked.event?))).collect())
}

/// Reads the store without keeping the other tasks waiting.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, redb::Error> + Send + 'static,
) -> Result<T, String> {
    let read = tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
    read.map_err(|error| format!("the store cannot be read: {error}"))
}

async fn connect(
    url: &str,
    tls: Arc<ClientConfig>,
    names: &Lookups,
    dialable: Dialable,
) -> Result<Socket, String> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let connecting = async {
        let MirrorAddress { host, port, .. } =
            MirrorAddress::of(url).ok_or_else(|| "its address cannot be read".to_owned())?;
        let stream = dial::dial(&host, port, names, dialable).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let tls = Some(Connector::Rustls(tls));
        let socket = client_async_tls_with_config(url, stream, Some(limits), tls).await;
        socket.map(|(socket, _)| socket).map_err(|error| error.to_string())
    };
    timeout(CONNECT_WITHIN, connecting).await.unwrap_or_else(|_| Err("the relay does not answer".to_owned()))
}

async fn send(socket: &mut Socket, message: Message) -> Result<(), String> {
    match timeout(WRITE_WITHIN, socket.send(message)).await {
        Ok(sent) => sent.map_err(|error| error.to_string()),
        Err(_) => Err("the relay takes nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Kind, SecretKey, Tag};

    use super::*;
    use crate::store::{Propagation, Retention};

    #[tokio::test]
    async fn a_relay_is_not_told_which_private_events_the_node_holds() {
        let [owner, bob] = [1, 2].map(|seed| SecretKey::from_bytes([seed; 32]).unwrap());
        let name = owner.public_key().to_string();
        let reply = |created_at, everyone: bool| {
            let everyone = everyone.then(nostrp2p_protocol::event_policy::everyone_tag);
            let tags = [Tag::new(["p", &name])].into_iter().chain(everyone).collect();
            EventTemplate { created_at, kind: Kind::POST, tags, content: String::new() }.sign(&bob, &[0; 32])
        };
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        let relay = Propagation::Mirrored("wss://relay.example".into());
        for (event, how) in [
            (reply(1, false), Propagation::Done),
            (reply(2, false), relay),
            (reply(3, true), Propagation::Done),
        ] {
            writer.commit(event, how).await.await.unwrap().unwrap();
        }
        let to_owner = Filter { tags: [('p', [name.clone()].into())].into(), ..Filter::default() };
        let told = collect(&store, &owner.public_key(), &Collect::Wanted(to_owner)).unwrap();
        let mut times: Vec<u64> = told.into_iter().map(|(created_at, _)| created_at).collect();
        times.sort_unstable();
        assert_eq!(times, [2, 3], "what the relay can have: it gave the one, and everyone has the other");
    }
}
