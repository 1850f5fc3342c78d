//! Nodes on a virtual clock: the real engine and the real pump, over a store and a network in memory.
//!
//! With two of them a test can check what happens between nodes, and after hours, without processes, sockets and
//! waiting. Tokio's clock has to be paused (`#[tokio::test(start_paused = true)]`).

use std::{sync::Arc, time::Duration};

use nostrp2p_core::{Core, EngineSettings, FetchTarget, Ownership, Replies};
use nostrp2p_overlay::NodeSecret;
use nostrp2p_protocol::{
    Delegation, Event, EventId, EventTemplate, Kind, PeerId, PublicKey, SecretKey, Tag, delegation,
    frame::{Carried, Refusal},
};
use nostrp2p_runtime::{COMMANDS, Command, Pump};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{
    identity::Identity,
    memory_store::MemoryStore,
    node::key,
    runtime::{Silent, SimClock, SimPlatform},
    virtual_network::{BEGIN, Wire},
};

/// How often is looked whether something has come about, and for how long.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(600);

/// A node of one person.
pub struct VirtualNode {
    identity: Arc<Identity>,
    wire: Wire,
    clock: SimClock,
    running: Option<Running>,
    /// How often it was started.
    runs: u8,
}

struct Running {
    commands: mpsc::Sender<Command<()>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<String>>,
}

impl VirtualNode {
    /// Starts the node of person number `number`, without neighbours.
    ///
    /// # Panics
    /// When `number` is 0, which is no key.
    pub fn start(wire: &Wire, number: u8) -> Self {
        let mut node = Self::new(wire, number, number);
        node.switch_on();
        node
    }

    /// Node number `number` of person number `person`, who may have others; switched off.
    ///
    /// # Panics
    /// When a number is 0, which is no key.
    pub fn new(wire: &Wire, number: u8, person: u8) -> Self {
        let secret = NodeSecret::from_bytes([number; 32]);
        let key = SecretKey::from_bytes([person; 32]).expect("no number but 0 gives no key");
        let word = delegation::draft(&secret.peer_id(), BEGIN).sign(&key, &[0; 32]);
        let delegation = Delegation::from_event(word).expect("a delegation of its own node");
        let identity = Identity {
            number: usize::from(number),
            secret,
            key,
            delegation,
            memory: Arc::default(),
            old_friends: vec![],
            loss: 0,
            seed: u64::from(number),
            directory: 1_000,
        };
        Self { identity: Arc::new(identity), wire: wire.clone(), clock: wire.clock(), running: None, runs: 0 }
    }

    /// Starts it, with what it remembers and without neighbours.
    pub fn switch_on(&mut self) {
        self.runs += 1;
        let (network, events) = self.wire.join(self.peer());
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let settings =
            EngineSettings { seed: self.identity.seed, run: [self.runs; 8], ..EngineSettings::default() };
        let owner = Ownership::Owned(self.person());
        let core = Core::new(settings, key(&self.identity.secret), None, owner);
        let store = MemoryStore::new(Arc::clone(&self.identity), Arc::new(|_, _| {}));
        let pump = Pump::new(core, network, store, SimPlatform::new(self.clock), Silent);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(pump.run(events, inbox, async move { drop(stopped.await) }));
        self.running = Some(Running { commands, stop, task });
    }

    /// Stops it; what it remembers stays.
    pub async fn switch_off(&mut self) {
        self.wire.leave(self.peer());
        if let Some(Running { stop, task, .. }) = self.running.take() {
            // It has ended already if it has broken.
            let _ended = stop.send(());
            drop(task.await);
        }
    }

    /// Makes its store take nothing, as if the disk were slow, or take everything again.
    pub fn block_store(&self, blocked: bool) {
        self.identity.memory().blocked = blocked;
    }

    /// Whether it answers within ten seconds.
    pub async fn answers(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Alive(reply)).await;
        timeout(Duration::from_secs(10), answer).await.is_ok_and(|answer| answer.is_ok())
    }

    /// Makes it and another one neighbours.
    pub fn connect(&self, other: &Self) {
        self.wire.connect(self.peer(), other.peer());
    }

    /// Which node it is.
    pub fn peer(&self) -> PeerId {
        self.identity.secret.peer_id()
    }

    /// The owner of the node.
    pub fn person(&self) -> PublicKey {
        self.identity.key.public_key()
    }

    /// The node's time, in seconds since 1970.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// A post of its person, for these people or, if there are none, for everyone; dated so many seconds ago.
    pub fn write(&self, text: &str, people: &[PublicKey], seconds_ago: u64) -> Event {
        let tags = people.iter().map(|person| Tag::new(["p".to_owned(), person.to_string()])).collect();
        let created_at = self.clock.now().saturating_sub(seconds_ago);
        self.sign(EventTemplate { created_at, kind: Kind::POST, tags, content: text.to_owned() })
    }

    /// Signs something as its person.
    pub fn sign(&self, template: EventTemplate) -> Event {
        template.sign(&self.identity.key, &[0; 32])
    }

    /// Publishes an event; says where it goes.
    ///
    /// # Errors
    /// As the node says.
    ///
    /// # Panics
    /// When the node does not run.
    pub async fn publish(&self, event: &Event) -> Result<Carried, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Publish(event.clone().into(), Replies::Private, reply)).await;
        answer.await.expect("a node that runs answers").map(|published| published.carried)
    }

    /// Has the node ask others for something.
    pub async fn fetch(&self, wanted: Vec<FetchTarget>) {
        self.command(Command::Fetch(wanted, None)).await;
    }

    /// Has the node deliver an event again to those who have not got it.
    pub async fn retry(&self, event: EventId) {
        self.command(Command::Retry(event)).await;
    }

    async fn command(&self, command: Command<()>) {
        if let Some(Running { commands, .. }) = &self.running {
            drop(commands.send(command).await);
        }
    }

    /// Whether it holds an event.
    pub fn holds(&self, event: &Event) -> bool {
        self.identity.memory().holds(&event.id())
    }

    /// Waits until it holds an event; returns how long that took, in virtual time.
    ///
    /// # Panics
    /// When that has not come about within ten minutes of virtual time.
    pub async fn hears(&self, event: &Event) -> Duration {
        let began = Instant::now();
        while !self.holds(event) {
            assert!(began.elapsed() < PATIENCE, "{:?} did not come", event.content);
            sleep(LOOK_EVERY).await;
        }
        began.elapsed()
    }
}
