//! Tunnels: helpers that this node asks, and what it does for others as a helper.

use nostrp2p_protocol::{PeerId, rpc::Lent};

use super::{Core, Output};
use crate::tunnel::server;

impl Core {
    /// Asks the helpers that are due, and says which tunnels are open when that has changed.
    pub(super) fn seek_tunnels(&mut self, now: u64) -> Vec<Output> {
        if !self.settings.seeks_tunnels || !self.schedule.is_started() {
            return vec![];
        }
        let connected = &self.connected;
        let due = self.tunnel_client.due(now, |peer| connected.contains_key(peer));
        let mut outputs = Vec::new();
        for helper in due {
            outputs.extend(self.name_addresses([&helper]));
            outputs.push(Output::AskHelper(helper));
        }
        let open = self.tunnel_client.open(now);
        if open != self.open_tunnels {
            self.open_tunnels.clone_from(&open);
            outputs.push(Output::OpenTunnels(open));
        }
        outputs
    }

    pub(super) fn on_lent(&mut self, helper: PeerId, lent: Option<Lent>, now: u64) -> Vec<Output> {
        self.tunnel_client.answered(&helper, lent, now);
        self.seek_tunnels(now)
    }

    pub(super) fn on_tunnel(&mut self, input: server::Input, now: u64) -> Vec<Output> {
        self.tunnel_server.handle(input, now).into_iter().map(Output::TunnelServer).collect()
    }

    /// The tunnels of this node as a helper, now and since the start.
    pub fn tunnel_counts(&self, now: u64) -> server::TunnelCounts {
        self.tunnel_server.counts(now)
    }
}
