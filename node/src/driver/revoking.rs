//! Delegations that are taken back: told, asked for, written down, and obeyed.

use nostrp2p_core::Input;
use nostrp2p_overlay::{Protocol, RequestError, Topic};
use nostrp2p_protocol::{
    Delegation, Event, Packet, PeerId, PublicKey, UnverifiedEvent, delegation,
    rpc::{Revoked, RpcRequest},
};

use super::{DriverEvent, Running};
use crate::{clock, delegated, store::Propagation};

/// How often it is written down that another node of the owner is there.
const SEEN_EVERY_SECONDS: u64 = 60;

impl Running {
    /// Sends a packet to everybody; nobody waits for it.
    pub(super) async fn spread(&mut self, packet: Packet) {
        if let Err(error) = self.overlay.broadcast(Topic::Events, packet.encode()).await {
            tracing::warn!(%error, "what the owner has taken back was not broadcast; the next neighbour is told");
        }
    }

    /// Keeps what the owner has said of the owner's nodes elsewhere.
    pub(super) async fn obey(&mut self, event: Event) {
        let answer = self.writer.commit(event, Propagation::OwnNode).await;
        self.tasks.push(Box::pin(async move {
            if let Ok(Err(reason)) = answer.await {
                tracing::error!(reason, "what the owner said of this node elsewhere could not be stored");
            }
            DriverEvent::Obeyed
        }));
    }

    /// It is stored: whether this node acts for the owner may have changed.
    pub(super) async fn on_obeyed(&mut self) {
        let before = self.delegation.clone();
        self.read_delegation().await;
        if self.delegation != before {
            if self.delegation.as_ref().is_some_and(Delegation::is_revocation) {
                tracing::warn!("the owner has taken back the word for this node: it acts for nobody now");
            }
            self.announce().await;
        }
    }

    /// Tells the first neighbour what the owner has taken back: it may have been said while nobody was there.
    pub(super) async fn tell_own_words(&mut self) {
        let Some(owner) = self.ownership.owner() else { return };
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || delegated::all(&store, owner)).await {
            Ok(Ok(words)) => self.handle(Input::OwnWords(words)).await,
            Ok(Err(error)) => tracing::error!(%error, "the owner's delegations cannot be read"),
            Err(error) => tracing::error!(%error, "reading the owner's delegations failed"),
        }
    }

    /// Notes when another node of the owner was seen, as a read marker: the owner's clients show it.
    pub(super) async fn see(&mut self, peer: PeerId, at: u64) {
        let now = clock::now();
        if self.core.is_own_node(&peer, now) {
            let name = delegation::seen_marker(&peer);
            let before = self.markers.borrow().get(&name).copied();
            if before.is_none_or(|before| before.saturating_add(SEEN_EVERY_SECONDS) <= at.min(now)) {
                self.mark(name, at.min(now)).await;
            }
        }
    }

    /// Asks a neighbour which delegations were taken back: of these people, or, if none is named, of any.
    pub(super) fn ask_for_revocations(&self, peer: PeerId, people: Vec<PublicKey>) {
        let overlay = self.overlay.clone();
        self.tasks.push(Box::pin(async move {
            let question = RpcRequest::Revocations(people).encode();
            let answer = overlay.request(peer, Protocol::Fetch, question).await;
            DriverEvent::Revoked(peer, revoked_in(answer))
        }));
    }
}

/// What an answer to [`RpcRequest::Revocations`] holds. An older node does not know the question.
pub(super) fn revoked_in(answer: Result<Vec<u8>, RequestError>) -> Vec<UnverifiedEvent> {
    let told = answer.ok().and_then(|answer| Revoked::decode(&answer).ok());
    told.map(|told| told.events).unwrap_or_default()
}
