//! The native node's runtime: the pump over the overlay, the store on the disk, and what sessions watch.

mod host;
mod platform;
mod store;

use std::future::Future;

use nostrp2p_core::{Claim, Core, EngineSettings, InboxTerms, NodeKey, Ownership, TunnelLimits};
use nostrp2p_overlay::{Overlay, OverlayEvent};
use nostrp2p_protocol::{EventId, PublicKey, frame::Delivery};
use nostrp2p_runtime::{COMMANDS, OverlayEvents, Pump};
use tokio::sync::{broadcast, mpsc, watch};

use self::{host::Reporter, platform::Machine, store::DiskStore};
use crate::{
    markers::Markers,
    node_status::{Counters, NodeStatus, OpenWays},
    stop::Stop,
    store::{MetaWrite, Store, Writer},
    traffic::TrafficLog,
};

/// Changes of deliveries that a session may lag behind before it misses some; it learns them at its next login.
const DELIVERY_NEWS: usize = 256;

/// Commands of sessions and mirrors.
pub(crate) type Command = nostrp2p_runtime::Command<MetaWrite>;

/// A change in how far an event has come with one person.
pub(crate) type DeliveryNews = (EventId, PublicKey, Delivery);

/// Called with a fresh claim when the old one has expired, with the same when the ways home have changed, and with none
/// when the node has been claimed.
pub(crate) type OnClaim = Box<dyn Fn(Option<&Claim>, &OpenWays) + Send>;

/// The driver before it runs.
pub(crate) struct Driver {
    pub(crate) overlay: Overlay,
    pub(crate) events: mpsc::Receiver<OverlayEvent>,
    /// The key that signs the node's announcements.
    pub(crate) key: NodeKey,
    /// Where browsers reach this node, if it serves as a helper, and its limits.
    pub(crate) helper: Option<String>,
    pub(crate) tunnels: TunnelLimits,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) ownership: Ownership,
    pub(crate) claim_seconds: u64,
    pub(crate) on_claim: OnClaim,
    pub(crate) read_only: bool,
    /// The owner's requirements for strangers who write to the inbox; None for no inbox.
    pub(crate) inbox: Option<InboxTerms>,
    pub(crate) markers: Markers,
    /// Whether to ask helpers.
    pub(crate) seeks_ways: bool,
    pub(crate) open_ways: OpenWays,
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
        let settings = EngineSettings {
            read_only: self.read_only,
            inbox: self.inbox,
            seed: seed(),
            run: seed().to_be_bytes(),
            claim_seconds: self.claim_seconds,
            seeks_tunnels: self.seeks_ways,
            tunnels: self.tunnels,
            ..EngineSettings::default()
        };
        let (commands, inbox) = mpsc::channel(COMMANDS);
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
        let disk = DiskStore::new(self.store.clone(), self.writer.queue(), self.overlay.peer_id());
        let claim = match &self.ownership {
            Ownership::Unclaimed(claim) => Some(claim.clone()),
            Ownership::Owned(_) => None,
        };
        let reporter = Reporter {
            overlay: self.overlay.clone(),
            store: self.store,
            disk: disk.clone(),
            on_claim: self.on_claim,
            claim_seconds: self.claim_seconds,
            claim,
            delegated: None,
            traffic: TrafficLog::default(),
            node_status,
            deliveries,
            markers,
            counters,
            open_ways,
        };
        let core = Core::new(settings, self.key, self.helper, self.ownership);
        let pump = Pump::new(core, self.overlay, disk, Machine::start(), reporter);
        let (writer, events) = (self.writer, OverlayEvents::new(self.events));
        let task = async move {
            let broken = pump.run(events, inbox, stop.wait()).await;
            (writer, broken)
        };
        (reports, task)
    }
}

/// Without random numbers all decisions would still be right, only less spread in time.
fn seed() -> u64 {
    getrandom::u64().unwrap_or_default()
}
