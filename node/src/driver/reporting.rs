//! What the driver tells the rest of the program: how the node stands, what it counts, what the owner has read.

use super::Running;
use crate::{
    clock, markers,
    standing::{self, Counters, Warnings},
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

    /// Says once in the log that the disk or the mailbox is nearly full or the store's file is gone, and again when it is
    /// after it was not.
    pub(super) fn warn_of_storage(&mut self) {
        let mut warnings = Storage::of(&self.store).warnings();
        warnings.extend(self.store.misplaced());
        if warnings.len() > self.storage_warnings {
            warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        }
        self.storage_warnings = warnings.len();
    }

    pub(super) async fn report_standing(&mut self) {
        let peers = self
            .overlay
            .peers()
            .await
            .iter()
            .map(|peer| standing::peer_status(peer, self.core.owner_of(&peer.id, clock::now())))
            .collect();
        let known = self.announcer.heard_of();
        let reached = standing::reached(&self.overlay.reach().await);
        let now = clock::now();
        self.traffic.add(self.overlay.take_traffic().await, now);
        let traffic = self.traffic.last_hour(now);
        let warnings =
            Warnings { twin: self.announcer.twin(now).is_some(), clock_ahead: self.store.time().doubt() };
        self.standing.send_if_modified(|standing| {
            (standing.known, standing.traffic) = (known, traffic);
            let before = std::mem::replace(&mut standing.warnings, warnings);
            if warnings.twin && !before.twin {
                tracing::error!("{}", standing::TWIN);
            }
            let changed = std::mem::replace(&mut standing.reached, reached) != standing.reached;
            changed
                | (warnings.codes() != before.codes())
                | (std::mem::replace(&mut standing.peers, peers) != standing.peers)
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
