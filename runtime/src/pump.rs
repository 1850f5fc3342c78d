//! The pump's loop. The modules below carry the engine's outputs out, one for each receiver.

mod effects;
mod runs;
mod to_nodes;
mod to_sessions;
mod to_store;

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use nostrp2p_core::{
    Core, GossipId, InboundRequestId, Input, Inserted, LoginId, MailId, MirroredId, PublishId, SyncSession,
    TunnelRequestId,
};
use nostrp2p_protocol::{
    EventId, PublicKey,
    frame::{Carried, Delivery},
};
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::to_sessions::{Fetches, Mirroring, SessionReply, TunnelReply, Waiting};
use crate::{
    Command, EventStore, Received, StoreWrite, received,
    traits::{Checked, Host, HostNotice, NetworkEvent, NetworkEvents, PeerNetwork, Platform},
};

/// Most waiting commands of sessions: some for each possible session. When it is full, sessions wait.
pub const COMMANDS: usize = 256;
/// Writes that wait for room in the store. While there are more, nothing is taken from the network and from sessions.
const MAX_WRITES: usize = 1_024;
/// Effects under way. While there are more, nothing is taken from the network and from sessions: those of 4,096 messages, of
/// which each is some hundred bytes here.
const MAX_EFFECTS: usize = 4_096;
/// How often the host looks at the node besides when peers come and go: delays change.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The longest time between two looks at the clock, which may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Everything that may happen.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and a box for each would cost more")]
enum PumpEvent<N: PeerNetwork, S: EventStore, L> {
    Network(NetworkEvent<N>),
    Command(Command<S::Note>),
    Checked(Vec<Checked>),
    /// An effect has ended in inputs.
    Inputs(Vec<Input>),
    /// A neighbour has sent what it was asked for in this session.
    Got(SyncSession, Vec<u8>),
    /// The state of an earlier run. Nothing else is taken before it.
    Remembered(Vec<Input>),
    /// How many neighbours took a broadcast of the owner.
    Broadcast(PublishId, EventId, Inserted, usize),
    /// Events with these sequence numbers have reached another node.
    Sent(Vec<u64>),
    /// An event that was fetched can be read, or could not be stored.
    FetchedStored,
    Delivery(EventId, PublicKey, Delivery),
    /// A client's session with a node at home has ended.
    TunnelClosed(u64),
    Looked(L),
    /// It is time to update the status.
    LookAgain,
    RolledBack,
    /// There is room for a write.
    Room,
    /// It is time for the engine's next tick.
    Due,
    /// An effect has ended in nothing.
    Done,
    Over,
}

/// A future that ends in an event.
type Effect<N, S, L> = Pin<Box<dyn Future<Output = PumpEvent<N, S, L>> + Send>>;

/// Owns the engine, and who waits for what.
pub struct Pump<N: PeerNetwork, S: EventStore, P, H: Host<S::Note>> {
    core: Core,
    network: N,
    store: S,
    platform: P,
    host: H,
    effects: FuturesUnordered<Effect<N, S, H::Look>>,
    /// Writes for which the store had no room, in order.
    writes: VecDeque<StoreWrite<S::Note>>,
    heard: BTreeMap<GossipId, N::Message>,
    requests: BTreeMap<InboundRequestId, N::Request>,
    /// A permit for each refusal that may be put off at a time.
    pauses: Arc<Semaphore>,
    publishing: BTreeMap<PublishId, Waiting<S::Turn>>,
    mail: BTreeMap<MailId, oneshot::Sender<Received>>,
    logins: BTreeMap<LoginId, SessionReply<PublicKey>>,
    mirrored: BTreeMap<MirroredId, Mirroring>,
    tunnels: BTreeMap<TunnelRequestId, TunnelReply>,
    /// Switches that end the sessions of tunnels when others take their slots.
    tunnel_switches: BTreeMap<u64, oneshot::Sender<()>>,
    fetches: Fetches,
    next: u64,
    /// The time of the engine's last tick, in seconds since 1970.
    ticked: u64,
    remembered: bool,
    /// Whether the host looks at the node because something has changed, and whether more has changed since.
    looking: bool,
    look_again: bool,
}

impl<N: PeerNetwork, S: EventStore, P: Platform, H: Host<S::Note>> Pump<N, S, P, H> {
    /// A pump that does not run yet.
    pub fn new(core: Core, network: N, store: S, platform: P, host: H) -> Self {
        Self {
            core,
            network,
            store,
            platform,
            host,
            effects: FuturesUnordered::new(),
            writes: VecDeque::new(),
            heard: BTreeMap::new(),
            requests: BTreeMap::new(),
            pauses: Arc::new(Semaphore::new(to_nodes::MAX_PAUSES)),
            publishing: BTreeMap::new(),
            mail: BTreeMap::new(),
            logins: BTreeMap::new(),
            mirrored: BTreeMap::new(),
            tunnels: BTreeMap::new(),
            tunnel_switches: BTreeMap::new(),
            fetches: Fetches::default(),
            next: 0,
            ticked: 0,
            remembered: false,
            looking: false,
            look_again: false,
        }
    }

    /// Runs until `stop` completes or the network ends; returns why the network broke, if it did.
    pub async fn run(
        mut self,
        mut events: impl NetworkEvents<N>,
        mut commands: mpsc::Receiver<Command<S::Note>>,
        stop: impl Future<Output = ()>,
    ) -> Option<String> {
        tokio::pin!(stop);
        self.await_rollback();
        self.look();
        self.look_later();
        self.handle(Input::Started);
        loop {
            let wait = self.tick_when_due();
            let sleep = self.platform.sleep(wait);
            let takes = self.takes_more();
            let Self { effects, writes, store, platform, .. } = &mut self;
            let event = tokio::select! {
                () = &mut stop => PumpEvent::Over,
                Some(event) = effects.next() => event,
                checked = platform.checked() => PumpEvent::Checked(checked),
                event = events.next(), if takes => PumpEvent::Network(event),
                Some(command) = commands.recv(), if takes => PumpEvent::Command(command),
                () = store.room(), if !writes.is_empty() => PumpEvent::Room,
                () = sleep => PumpEvent::Due,
            };
            match event {
                PumpEvent::Over => return None,
                PumpEvent::Network(NetworkEvent::Stopped(reason)) => return reason,
                event => self.on(event),
            }
        }
    }

    /// Whether there is room for more work. Effects end by themselves, so this never stays false.
    fn takes_more(&self) -> bool {
        self.remembered && self.writes.len() < MAX_WRITES && self.effects.len() < MAX_EFFECTS
    }

    /// Tells the engine when something is due, once a second at most; returns how long there is to wait for the next time.
    fn tick_when_due(&mut self) -> Duration {
        let now = self.platform.now();
        self.ticked = self.ticked.min(now);
        let mut due = self.core.next_due(now);
        if self.ticked < now && due.is_some_and(|due| due <= now) {
            self.ticked = now;
            self.handle(Input::Tick);
            self.release_sessions();
            due = self.core.next_due(now);
        }
        let due = due.unwrap_or(u64::MAX).max(self.ticked.saturating_add(1));
        Duration::from_secs(due.saturating_sub(now)).min(LONGEST_SLEEP)
    }

    fn on(&mut self, event: PumpEvent<N, S, H::Look>) {
        match event {
            PumpEvent::Network(event) => self.on_network(event),
            PumpEvent::Command(command) => self.on_command(command),
            PumpEvent::Checked(checked) => {
                for (number, result) in checked {
                    self.handle(Input::Verified(number, result));
                }
                self.release_sessions();
            }
            PumpEvent::Inputs(inputs) => {
                inputs.into_iter().for_each(|input| self.handle(input));
                self.release_sessions();
            }
            PumpEvent::Got(session, answer) => self.unpack(session, answer),
            PumpEvent::Remembered(inputs) => {
                inputs.into_iter().for_each(|input| self.handle(input));
                self.remembered = true;
            }
            PumpEvent::Broadcast(request, id, inserted, neighbours) => {
                if let Some(sequence) = inserted.sequence().filter(|_| neighbours > 0) {
                    self.write(StoreWrite::Sent(sequence));
                }
                let neighbours = u32::try_from(neighbours).unwrap_or(u32::MAX);
                self.reply_published(request, id, inserted, Carried::Broadcast(neighbours));
            }
            PumpEvent::Sent(sequences) => {
                sequences.into_iter().for_each(|sequence| self.write(StoreWrite::Sent(sequence)));
            }
            PumpEvent::FetchedStored => self.on_fetched_stored(),
            PumpEvent::Delivery(id, person, delivery) => {
                self.notice(HostNotice::Delivery(id, person, delivery))
            }
            PumpEvent::TunnelClosed(session) => self.on_tunnel_closed(session),
            PumpEvent::Looked(look) => self.on_look(look),
            PumpEvent::LookAgain => {
                self.look();
                self.look_later();
            }
            PumpEvent::RolledBack => {
                self.await_rollback();
                self.handle(Input::StoreRolledBack);
            }
            PumpEvent::Room => self.write_waiting(),
            PumpEvent::Due | PumpEvent::Done | PumpEvent::Over => {}
        }
    }

    fn on_network(&mut self, event: NetworkEvent<N>) {
        match event {
            NetworkEvent::Packet(message, from, payload) => {
                received::payload("broadcast", &payload);
                let heard = GossipId(self.number());
                self.heard.insert(heard, message);
                self.handle(Input::Heard(heard, from, payload));
            }
            NetworkEvent::Announcement(message, from, payload) => {
                let heard = GossipId(self.number());
                self.heard.insert(heard, message);
                self.handle(Input::AnnouncementHeard(heard, from, payload));
            }
            NetworkEvent::Request(request, from, service, payload) => {
                if service == nostrp2p_core::Service::Deliver {
                    received::payload("delivery", &payload);
                }
                let number = InboundRequestId(self.number());
                self.requests.insert(number, request);
                self.handle(Input::Requested(number, from, service, payload));
            }
            NetworkEvent::PeerConnected(peer, network) => {
                self.handle(Input::PeerConnected(peer, network));
                self.look();
            }
            NetworkEvent::PeerConnectedTwice(peer) => self.handle(Input::PeerConnectedTwice(peer)),
            NetworkEvent::PeerDisconnected(peer) => {
                self.handle(Input::PeerDisconnected(peer));
                self.look();
            }
            NetworkEvent::AddressesChanged => self.handle(Input::AddressesChanged),
            NetworkEvent::Stopped(_) => {}
        }
    }

    /// Asks the engine and does what it says.
    fn handle(&mut self, input: Input) {
        for output in self.core.handle(input, self.platform.now()) {
            self.carry_out(output);
        }
    }

    /// Begins something that takes time.
    fn begin(&self, effect: impl Future<Output = PumpEvent<N, S, H::Look>> + Send + 'static) {
        self.effects.push(Box::pin(effect));
    }

    /// Hands a write to the store, after those that wait.
    fn write(&mut self, write: StoreWrite<S::Note>) {
        if !self.writes.is_empty() {
            return self.writes.push_back(write);
        }
        self.writes.extend(self.store.write(write));
    }

    fn write_waiting(&mut self) {
        while let Some(write) = self.writes.pop_front() {
            if let Some(write) = self.store.write(write) {
                return self.writes.push_front(write);
            }
        }
    }

    /// Tells the host something, and does what follows.
    fn notice(&mut self, notice: HostNotice) {
        let reaction = self.host.notice(notice, &self.core, self.platform.now());
        reaction.notes.into_iter().for_each(|note| self.write(StoreWrite::Note(note)));
        if reaction.look {
            self.look();
        }
    }

    /// Has the host look at the node, because something has changed.
    fn look(&mut self) {
        if self.looking {
            self.look_again = true;
            return;
        }
        self.looking = true;
        let look = self.host.look();
        self.begin(async move { PumpEvent::Looked(look.await) });
    }

    fn on_look(&mut self, look: H::Look) {
        self.release_sessions();
        self.host.on_look(look, &self.core);
        self.looking = false;
        if std::mem::take(&mut self.look_again) {
            self.look();
        }
    }

    fn look_later(&self) {
        let pause = self.platform.sleep(LOOK_EVERY);
        self.begin(async move {
            pause.await;
            PumpEvent::LookAgain
        });
    }

    fn await_rollback(&self) {
        let rolled_back = self.store.rolled_back();
        self.begin(async move {
            rolled_back.await;
            PumpEvent::RolledBack
        });
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
