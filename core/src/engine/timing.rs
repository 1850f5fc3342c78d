//! When the engine has to be woken next.

use super::{Core, MAX_ATTEMPTS};

impl Core {
    /// When [`crate::Input::Tick`] is due next, in seconds since 1970, possibly in the past; None while nothing waits
    /// for a time. Each input may change it. An earlier tick does nothing, and one that comes a minute late counts as
    /// sleep. One tick a second is enough.
    pub fn next_due(&self, now: u64) -> Option<u64> {
        let outbox = (self.attempts < MAX_ATTEMPTS).then(|| self.outbox.next_due()).flatten();
        let own_nodes = self.own_nodes.next_due(&self.own_nodes(now));
        let tunnels = self.settings.seeks_tunnels && self.schedule.is_started();
        let due = [
            outbox,
            own_nodes,
            self.node_lookup.next_due(),
            self.fetches.next_due(),
            self.votes.next_due(),
            self.future_events.next_due(),
            self.sync.next_due(),
            self.schedule.next_due(self.known_nodes()),
            tunnels.then(|| self.tunnel_client.next_due()).flatten(),
            self.claim_due(),
        ];
        due.into_iter().flatten().min()
    }
}
