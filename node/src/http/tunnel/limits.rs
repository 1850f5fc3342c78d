//! Switches of the sessions that go home through this node: one that makes room for another is ended by its switch.
//!
//! Who makes room, [`nostrp2p_core::TunnelServer`] decides.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Switches by the number of the session. There are no more than sessions. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct TunnelSessions(Arc<Mutex<BTreeMap<u64, oneshot::Sender<()>>>>);

/// Turns when a session has to make room.
pub(crate) type Switch = oneshot::Receiver<()>;

impl TunnelSessions {
    /// A session has begun.
    pub(crate) fn enter(&self, session: u64) -> Switch {
        let (sender, switch) = oneshot::channel();
        self.lock().insert(session, sender);
        switch
    }

    /// A session has to make room.
    pub(crate) fn send_away(&self, session: u64) {
        if let Some(sender) = self.lock().remove(&session) {
            // It may have ended this moment.
            let _ended = sender.send(());
        }
    }

    /// A session has ended.
    pub(crate) fn leave(&self, session: u64) {
        self.lock().remove(&session);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<()>>> {
        // What a panic left behind is a table of switches, and no worse than before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_turns_when_its_session_makes_room_and_not_before() {
        let callers = TunnelSessions::default();
        let (mut first, mut second) = (callers.enter(1), callers.enter(2));
        callers.send_away(1);
        assert_eq!(first.try_recv(), Ok(()));
        assert_eq!(second.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        callers.leave(1);
        callers.leave(2);
        callers.send_away(2);
        assert!(callers.lock().is_empty());
    }
}
