//! What the owner writes: on the disk first, then on its way.

use nostrp2p_core::{Input, PublishId};
use nostrp2p_overlay::Topic;
use nostrp2p_protocol::{
    Event, Kind, Packet, UnverifiedEvent,
    event_policy::{Audience, may_be_stated},
    frame::{Carried, Refusal, RefusalCode},
};

use super::{DriverEvent, Published, Running};
use crate::{
    fetch_server,
    store::{Inserted, Stored},
};

impl Running {
    /// States that what a program of the owner has written is for everyone, if the event leaves that open.
    pub(super) fn state(&self, event: &mut UnverifiedEvent) {
        let word = self.delegation.as_ref().filter(|_| may_be_stated(&event.unsigned));
        event.unsigned.statement = word.and_then(|word| self.announcer.state(word, &event.unsigned));
    }

    /// Hands a publish request to the core, with what the event deletes, reposts or quotes of what is here.
    pub(super) async fn publish(&mut self, request: PublishId, event: UnverifiedEvent) {
        if !fetch_server::has_targets(&event.unsigned) {
            return self.handle(Input::Publish(request, event, vec![])).await;
        }
        let store = self.store.clone();
        self.tasks.push(Box::pin(async move {
            let unsigned = event.unsigned.clone();
            match tokio::task::spawn_blocking(move || fetch_server::targets(&store, &unsigned)).await {
                Ok(Ok(targets)) => DriverEvent::Targets(request, event, targets),
                // Without them nobody knows where it may go.
                failed => {
                    tracing::error!(?failed, "the store cannot be read");
                    DriverEvent::Unreadable(request)
                }
            }
        }));
    }

    /// The store has answered.
    pub(super) async fn on_committed(
        &mut self,
        request: PublishId,
        event: Event,
        audience: Audience,
        stored: Stored,
    ) {
        let inserted = match stored {
            Ok(inserted) => inserted,
            Err(reason) => {
                tracing::error!(reason, "an event of the owner could not be stored");
                let reason = "the node could not store the event; its log says why";
                return self.reply(request, Err(Refusal::new(RefusalCode::Internal, reason)));
            }
        };
        let Some(sequence) = inserted.sequence() else {
            return self.reply(request, Err(not_kept(inserted)));
        };
        if let Some(waiting) = self.requests.get_mut(&request) {
            waiting.stored = Some(inserted);
        }
        let may_delegate = event.kind == Kind::APPLICATION_DATA;
        self.handle(Input::Committed(request, event, audience, sequence)).await;
        if may_delegate {
            self.read_delegation().await;
            self.announce().await;
        }
    }

    /// The event is stored whatever happens here; the number of neighbours says how far it got at once. Without any it
    /// waits in the store for the first one, see [`Self::send_what_waits`].
    pub(super) async fn broadcast(&mut self, sequence: u64, packet: Packet) -> u32 {
        if self.node_status.borrow().peers.is_empty() { 0 } else { self.send(sequence, packet).await }
    }

    pub(super) async fn send(&mut self, sequence: u64, packet: Packet) -> u32 {
        match self.overlay.broadcast(Topic::Events, packet.encode()).await {
            Ok(sent) => {
                if sent.peers > 0 {
                    self.writer.sent(sequence).await;
                }
                u32::try_from(sent.peers).unwrap_or(u32::MAX)
            }
            Err(error) => {
                tracing::warn!(%error, "an event was stored but not broadcast");
                0
            }
        }
    }

    /// Sends the own public events that were written while there was nobody to take them.
    pub(super) async fn send_what_waits(&mut self) {
        let store = self.store.clone();
        let unsent = match tokio::task::spawn_blocking(move || store.unsent()).await {
            Ok(Ok(unsent)) => unsent,
            Ok(Err(error)) => return tracing::error!(%error, "the store cannot be read"),
            Err(error) => return tracing::error!(%error, "reading the store failed"),
        };
        for (sequence, event) in unsent {
            let packet = Packet::Event(UnverifiedEvent { claimed_id: None, ..event.into() });
            self.send(sequence, packet).await;
        }
    }

    pub(super) fn reply(&mut self, request: PublishId, result: Result<Published, Refusal>) {
        // A session that has gone away meanwhile needs no answer.
        if let Some(waiting) = self.requests.remove(&request) {
            drop(waiting.reply.send(result));
        }
    }

    pub(super) fn reply_published(
        &mut self,
        request: PublishId,
        event: &Event,
        sequence: u64,
        carried: Carried,
    ) {
        let stored = self.requests.get(&request).and_then(|waiting| waiting.stored);
        let stored = stored.unwrap_or(Inserted::New(sequence));
        self.reply(request, Ok(Published { id: event.id(), sequence, carried, stored }));
    }
}

/// Why an event of the owner is not in the store although nothing failed.
fn not_kept(inserted: Inserted) -> Refusal {
    let reason = match inserted {
        Inserted::Ended => "the event has ended: its expiration lies in the past",
        _ => "you have deleted this event; what is deleted does not come back",
    };
    Refusal::new(RefusalCode::Unwanted, reason)
}
