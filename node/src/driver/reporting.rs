//! What the driver tells the rest of the program: how the node stands, what it counts, what the owner has read.

use super::Running;
use crate::{
    clock, markers,
    node_status::{self, Counters, Warnings},
    storage::Storage,
};

impl Running {
    pub(super) fn report_counters(&self) {
        self.counters.send_replace(Counters {
            refusals: self.core.refusals().clone(),
            catching_up: self.core.catching_up_counts(),
            caught_up: self.core.caught_up(),
            early_events: self.core.early_events(),
        });
    }

    pub(super) async fn report_standing(&mut self) {
        let peers = self
            .overlay
            .peers()
            .await
            .iter()
            .map(|peer| node_status::peer_status(peer, self.core.owner_of(&peer.id, clock::now())))
            .collect();
        let known = self.announcer.heard_of();
        let reached = node_status::reached(&self.overlay.reach().await);
        let now = clock::now();
        self.traffic.add(self.overlay.take_traffic().await, now);
        let traffic = self.traffic.last_hour(now);
        let (storage, misplaced) = (Storage::of(&self.store), self.store.misplaced());
        let warnings = Warnings {
            twin: self.announcer.twin(now).is_some(),
            clock_ahead: self.store.time().doubt(),
            mail_is_near: storage.mail_is_near(),
            disk_is_near: storage.disk_is_near(),
            misplaced: misplaced.is_some(),
        };
        let own_nodes_owe = self.core.own_nodes_owe(now);
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

    /// Another party says what time it is.
    pub(super) async fn bear_out(&mut self, said: u64) {
        if self.store.time().bear_out(said) {
            self.report_standing().await;
        }
    }

    pub(super) async fn mark(&mut self, name: String, until: u64) {
        let mut notes = Vec::new();
        self.markers.send_if_modified(|markers| {
            notes = markers::mark(markers, name, until, clock::now());
            !notes.is_empty()
        });
        for note in notes {
            self.writer.note(note).await;
        }
    }
}
