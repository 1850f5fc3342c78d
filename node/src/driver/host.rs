//! Publishes the state of the node to its sessions: status, counters, read markers.

use std::future::Future;

use nostrp2p_core::{Claim, Core};
use nostrp2p_overlay::{Overlay, Peer, Reach, Traffic};
use nostrp2p_protocol::{Delegation, PeerId, delegation};
use nostrp2p_runtime::{Host, HostNotice, Reaction};
use tokio::sync::{broadcast, watch};

use super::{DeliveryNews, OnClaim, store::DiskStore};
use crate::{
    claim, clock,
    markers::{self, Markers},
    node_status::{self, Counters, NodeStatus, OpenWays, Warnings},
    storage::Storage,
    store::{MetaWrite, Store},
    traffic::TrafficLog,
};

/// How often it is written down that another node of the owner is there.
const SEEN_EVERY_SECONDS: u64 = 60;

/// The receivers of the reports.
pub(super) struct Reporter {
    pub(super) overlay: Overlay,
    pub(super) store: Store,
    pub(super) disk: DiskStore,
    pub(super) on_claim: OnClaim,
    pub(super) claim_seconds: u64,
    /// The claim link that was shown last.
    pub(super) claim: Option<Claim>,
    pub(super) delegated: Option<Delegation>,
    pub(super) traffic: TrafficLog,
    pub(super) node_status: watch::Sender<NodeStatus>,
    pub(super) deliveries: broadcast::Sender<DeliveryNews>,
    pub(super) markers: watch::Sender<Markers>,
    pub(super) counters: watch::Sender<Counters>,
    pub(super) open_ways: watch::Sender<OpenWays>,
}

/// A view of the overlay.
pub(super) struct View {
    peers: Vec<Peer>,
    reach: Reach,
    traffic: Vec<(PeerId, Traffic)>,
}

impl Host<MetaWrite> for Reporter {
    type Look = View;

    fn look(&self) -> impl Future<Output = View> + Send + 'static {
        let overlay = self.overlay.clone();
        async move {
            View {
                peers: overlay.peers().await,
                reach: overlay.reach().await,
                traffic: overlay.take_traffic().await,
            }
        }
    }

    fn on_look(&mut self, view: View, core: &Core) {
        self.disk.forget_sync_sets();
        self.report_counters(core);
        self.report_status(view, core);
    }

    fn notice(&mut self, notice: HostNotice, core: &Core, now: u64) -> Reaction<MetaWrite> {
        match notice {
            // Without a session nobody hears it; it is told at the next login.
            HostNotice::Delivery(id, person, delivery) => drop(self.deliveries.send((id, person, delivery))),
            HostNotice::Claimed(owner) => {
                self.claim = None;
                (self.on_claim)(None, &self.open_ways.borrow());
                let own_nodes_owe = core.own_nodes_owe(now);
                self.node_status.send_modify(|node_status| {
                    (node_status.owner, node_status.own_nodes_owe) = (Some(owner), own_nodes_owe);
                });
                tracing::info!(owner = owner.to_npub(), "the node has been claimed");
            }
            HostNotice::Claim(claim) => {
                (self.on_claim)(Some(&claim), &self.open_ways.borrow());
                self.claim = Some(claim);
            }
            HostNotice::Delegation(found) => self.on_delegation(found),
            HostNotice::Tunnels(tunnels) => {
                for tunnel in &tunnels {
                    tracing::info!(helper = %tunnel.helper, address = tunnel.address, "clients reach this node through a helper");
                }
                self.open_ways.send_modify(|open| open.ways = tunnels);
                if let Some(claim) = &self.claim {
                    (self.on_claim)(Some(claim), &self.open_ways.borrow());
                }
            }
            HostNotice::OwnNodeSeen(peer, at) => {
                let name = delegation::seen_marker(&peer);
                let before = self.markers.borrow().get(&name).copied();
                if before.is_none_or(|before| before.saturating_add(SEEN_EVERY_SECONDS) <= at) {
                    return Reaction { notes: self.mark(name, at, now), look: false };
                }
            }
            HostNotice::Mark(name, until) => {
                return Reaction { notes: self.mark(name, until, now), look: false };
            }
            HostNotice::Time(said) => {
                return Reaction { notes: vec![], look: self.store.time().bear_out(said) };
            }
        }
        Reaction::default()
    }

    fn fresh_claim(&mut self) -> Option<Claim> {
        claim::fresh(self.claim_seconds)
    }
}

impl Reporter {
    fn on_delegation(&mut self, found: Option<Delegation>) {
        let revoked =
            |delegation: &Option<Delegation>| delegation.as_ref().is_some_and(Delegation::is_revocation);
        let before = std::mem::replace(&mut self.delegated, found);
        if before.is_some() && revoked(&self.delegated) && !revoked(&before) {
            tracing::warn!("the owner has taken back the word for this node: it acts for nobody now");
        }
        let delegated = self.delegated.as_ref().map(Delegation::expires);
        self.node_status.send_modify(|node_status| node_status.delegated = delegated);
    }

    fn mark(&self, name: String, until: u64, now: u64) -> Vec<MetaWrite> {
        let mut notes = Vec::new();
        self.markers.send_if_modified(|markers| {
            notes = markers::mark(markers, name, until, now);
            !notes.is_empty()
        });
        notes
    }

    fn report_counters(&self, core: &Core) {
        self.counters.send_replace(Counters {
            refusals: core.refusals().clone(),
            catching_up: core.catching_up_counts(),
            caught_up: core.caught_up(),
            early_events: core.early_events(),
        });
    }

    fn report_status(&mut self, view: View, core: &Core) {
        let now = clock::now();
        let of = |peer: &Peer| node_status::peer_status(peer, core.owner_of(&peer.id, now));
        let peers = view.peers.iter().map(of).collect();
        let (known, reached) = (core.announced_nodes(), node_status::reached(&view.reach));
        self.traffic.add(view.traffic, now);
        let traffic = self.traffic.last_hour(now);
        let (storage, misplaced) = (Storage::of(&self.store), self.store.misplaced());
        let warnings = Warnings {
            twin: core.has_twin(now),
            clock_ahead: self.store.time().doubt(),
            mail_is_near: storage.mail_is_near(),
            disk_is_near: storage.disk_is_near(),
            misplaced: misplaced.is_some(),
        };
        let own_nodes_owe = core.own_nodes_owe(now);
        self.node_status.send_if_modified(|node_status| {
            (node_status.known, node_status.traffic) = (known, traffic);
            let before = std::mem::replace(&mut node_status.warnings, warnings);
            if warnings.twin && !before.twin {
                tracing::error!("{}", node_status::TWIN);
            }
            // Once, and again when it is so after it was not.
            if warnings.mail_is_near && !before.mail_is_near || warnings.disk_is_near && !before.disk_is_near
            {
                storage.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
            }
            if let Some(misplaced) = misplaced.filter(|_| !before.misplaced) {
                tracing::warn!("{misplaced}");
            }
            let changed = std::mem::replace(&mut node_status.reached, reached) != node_status.reached;
            changed
                | (std::mem::replace(&mut node_status.own_nodes_owe, own_nodes_owe) != own_nodes_owe)
                | (warnings.codes() != before.codes())
                | (std::mem::replace(&mut node_status.peers, peers) != node_status.peers)
        });
    }
}
