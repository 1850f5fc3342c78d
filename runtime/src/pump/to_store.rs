//! Writes to the store and reads from it.

use nostrp2p_core::{
    DeliveryKey, DeliveryState, InboundRequestId, Input, LoginId, MailId, MirroredId, Propagation, PublishId,
    Remembered, Sender, Sharing, Stored,
};
use nostrp2p_protocol::{Event, EventId, PeerId, PublicKey, UnverifiedEvent, event_policy::Audience};
use tokio::sync::oneshot;

use super::{Pump, PumpEvent, to_sessions::Mirroring};
use crate::{
    StoreReply, StoreWrite,
    traits::{EventStore, Host, HostNotice, PeerNetwork, Platform},
};

/// The answer of a store that has ended.
fn ended() -> String {
    "the store's writer has stopped".to_owned()
}

/// Waits for what becomes of an event.
async fn stored(answer: oneshot::Receiver<Stored>) -> Stored {
    answer.await.unwrap_or_else(|_| Err(ended()))
}

impl<N: PeerNetwork, S: EventStore, P: Platform, H: Host<S::Note>> Pump<N, S, P, H> {
    /// Stores an event of others. The client that fetched it waits for that.
    pub(super) fn store(&mut self, event: Event, sharing: Sharing) {
        self.note_time(&event);
        if sharing != Sharing::ByItself {
            return self.write(StoreWrite::Event(event, sharing.into(), StoreReply::Nobody));
        }
        let (reply, answer) = oneshot::channel();
        self.write(StoreWrite::Event(event, sharing.into(), StoreReply::Readable(reply)));
        self.fetches.storing += 1;
        self.begin(async move {
            // What became of it shows in the store.
            drop(answer.await);
            PumpEvent::FetchedStored
        });
    }

    /// Writes an event durably, and hands in what became of it.
    fn write_durably(
        &mut self,
        event: Event,
        propagation: Propagation,
        input: impl FnOnce(Stored) -> Input + Send + 'static,
    ) {
        let (reply, answer) = oneshot::channel();
        self.write(StoreWrite::Event(event, propagation, StoreReply::Durable(reply)));
        self.begin(async move {
            let stored = stored(answer).await;
            if let Err(reason) = &stored {
                tracing::error!(reason, "an event could not be stored");
            }
            PumpEvent::Inputs(vec![input(stored)])
        });
    }

    pub(super) fn commit(&mut self, request: PublishId, event: Event, audience: Audience) {
        let propagation = Propagation::of_own(&audience, self.platform.now());
        let committed = event.clone();
        self.write_durably(event, propagation, move |stored| {
            Input::Committed(request, committed, audience, stored)
        });
    }

    pub(super) fn store_delivery(&mut self, request: InboundRequestId, event: Event, sender: Sender) {
        self.note_time(&event);
        self.write_durably(event, Propagation::Handed(sender), move |stored| {
            Input::DeliveryStored(request, stored)
        });
    }

    /// The node does not set its clock by such an event, because anybody may bring any.
    pub(super) fn store_mail(&mut self, mail: MailId, event: Event, sender: Sender) {
        self.write_durably(event, Propagation::Brought(sender), move |stored| {
            Input::MailStored(mail, stored)
        });
    }

    /// Keeps what the owner has said of the owner's nodes elsewhere.
    pub(super) fn obey(&mut self, event: Event) {
        self.write_durably(event, Propagation::OwnNode, |_| Input::Obeyed);
    }

    pub(super) fn store_mirrored(&mut self, mirrored: MirroredId, event: Event) {
        if let Some(Mirroring { relay, reply }) = self.mirrored.remove(&mirrored) {
            let propagation = Propagation::Mirrored(relay);
            self.write(StoreWrite::Event(event, propagation, StoreReply::Told(reply)));
        }
    }

    pub(super) fn store_owner(&mut self, login: LoginId, owner: PublicKey) {
        let (reply, answer) = oneshot::channel();
        self.write(StoreWrite::Owner(owner, reply));
        self.begin(async move {
            let stored = answer.await.unwrap_or_else(|_| Err(ended()));
            if let Err(reason) = &stored {
                tracing::error!(reason, "the owner could not be stored");
            }
            PumpEvent::Inputs(vec![Input::OwnerStored(login, owner, stored)])
        });
    }

    /// Writes down how far a delivery has come, and tells the sessions.
    pub(super) fn record(&mut self, delivery: DeliveryKey, state: DeliveryState) {
        self.write(StoreWrite::Delivery(delivery, state));
        let store = self.store.clone();
        self.begin(async move {
            match store.event(delivery.sequence).await {
                // Without a session nobody hears it; it is told at the next login.
                Ok(Some(event)) => PumpEvent::Delivery(event.id(), delivery.person, state.state),
                Ok(None) | Err(_) => PumpEvent::Done,
            }
        });
    }

    pub(super) fn read_memory(&self, owner: Option<PublicKey>) {
        let store = self.store.clone();
        self.begin(async move { PumpEvent::Remembered(store.memory(owner).await) });
    }

    pub(super) fn read_own_nodes(&self) {
        let store = self.store.clone();
        self.begin(async move {
            let own_nodes = store.own_nodes().await.into_iter();
            PumpEvent::Inputs(
                own_nodes
                    .map(|(peer, cursor)| Input::Remembered(Remembered::OwnNode(peer, cursor)))
                    .collect(),
            )
        });
    }

    pub(super) fn read_delegation(&self, owner: PublicKey) {
        let store = self.store.clone();
        self.begin(async move {
            match store.delegation(owner).await {
                Ok(found) => PumpEvent::Inputs(vec![Input::OwnDelegation(found)]),
                Err(_) => PumpEvent::Done,
            }
        });
    }

    pub(super) fn read_own_words(&self, owner: PublicKey) {
        let store = self.store.clone();
        self.begin(async move { PumpEvent::Inputs(vec![Input::OwnWords(store.own_words(owner).await)]) });
    }

    pub(super) fn read_targets(&self, request: PublishId, event: UnverifiedEvent) {
        let store = self.store.clone();
        self.begin(async move {
            let targets = store.targets(event.unsigned.clone()).await.ok();
            PumpEvent::Inputs(vec![Input::Targets(request, event, targets)])
        });
    }

    pub(super) fn read_poll(&self, handed: InboundRequestId, from: PeerId, event: UnverifiedEvent) {
        let store = self.store.clone();
        self.begin(async move {
            let targets = store.targets(event.unsigned.clone()).await.ok();
            PumpEvent::Inputs(vec![Input::PollRead(handed, from, event, targets)])
        });
    }

    pub(super) fn read_undelivered(&self, event: EventId) {
        let store = self.store.clone();
        self.begin(
            async move { PumpEvent::Inputs(vec![Input::Undelivered(store.undelivered(event).await)]) },
        );
    }

    /// An event of somebody else says what time it is.
    fn note_time(&mut self, event: &Event) {
        if self.core.owner() != Some(event.pubkey) {
            self.notice(HostNotice::Time(event.created_at));
        }
    }
}
