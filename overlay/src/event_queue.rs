//! The bounded queue of events to the node, for which the swarm never waits.
//!
//! When a slow node leaves no room, messages are dropped (ignored, not forwarded, and counted), because catching up
//! brings them later, and requests are refused. Events about connections wait here a while, and at last the oldest of
//! them is dropped: [`crate::Overlay::peers`] has the true state.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::OverlayEvent;

/// Events on their way to the node. With the largest messages 40 MB, with the largest requests for reconciliation 128 MB
/// (when the node takes nothing for minutes); with usual ones less than 1 MB.
pub(crate) const EVENTS: usize = 512;

/// Events about connections that wait for room: every peer joining and leaving twice.
const WAITING: usize = 1024;

pub(crate) struct EventQueue {
    sender: mpsc::Sender<OverlayEvent>,
    waiting: VecDeque<OverlayEvent>,
}

impl EventQueue {
    pub(crate) const fn new(sender: mpsc::Sender<OverlayEvent>) -> Self {
        Self { sender, waiting: VecDeque::new() }
    }

    /// Offers a message or a request. `false` when there is no room.
    pub(crate) fn message(&self, event: OverlayEvent) -> bool {
        self.waiting.is_empty() && self.sender.try_send(event).is_ok()
    }

    /// Sends what happened to a connection, later if there is no room now.
    pub(crate) fn notice(&mut self, event: OverlayEvent) {
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(event);
        while let Ok(permit) = self.sender.try_reserve() {
            let Some(event) = self.waiting.pop_front() else {
                break;
            };
            permit.send(event);
        }
    }

    /// Waits for room if events wait for it, and sends one of them. Ends when the node listens no more.
    /// Cancel-safe: an event is taken only when it can be sent.
    pub(crate) async fn drain(&mut self) {
        loop {
            if self.waiting.is_empty() {
                return self.sender.closed().await;
            }
            let Ok(permit) = self.sender.reserve().await else {
                return;
            };
            if let Some(event) = self.waiting.pop_front() {
                permit.send(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::PeerId;

    use super::*;

    const fn left(n: u8) -> OverlayEvent {
        OverlayEvent::PeerDisconnected(PeerId::from_ed25519([n; 32]))
    }

    #[tokio::test]
    async fn a_slow_node_loses_messages_but_learns_who_left() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut event_queue = EventQueue::new(sender);
        event_queue.notice(left(1));
        event_queue.notice(left(2));
        assert!(!event_queue.message(left(9)), "no message overtakes");
        assert_eq!(receiver.recv().await, Some(left(1)));
        tokio::select! {
            () = event_queue.drain() => unreachable!("the node listens"),
            event = receiver.recv() => assert_eq!(event, Some(left(2))),
        }
        assert!(event_queue.message(left(3)));
        assert!(!event_queue.message(left(4)));
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_a_node_that_went_is_noticed() {
        let (sender, receiver) = mpsc::channel(1);
        let mut event_queue = EventQueue::new(sender);
        for _ in 0..2 * WAITING {
            event_queue.notice(left(1));
        }
        assert_eq!(event_queue.waiting.len(), WAITING);
        drop(receiver);
        event_queue.drain().await;
    }
}
