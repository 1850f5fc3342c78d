//! Whose node it is, whom the owner knows, and what the last run left.

use nostrp2p_core::{Input, Ownership};
use nostrp2p_protocol::{
    Delegation, Event, EventId, Filter, Kind, PublicKey,
    frame::{Refusal, RefusalCode},
};

use super::{LoginProof, Running, borrow};
use crate::{clock, delegated, store::Store};

impl Running {
    pub(super) async fn claim(&mut self, token: &[u8; 16], proof: &LoginProof) -> Result<PublicKey, Refusal> {
        let owner = self.ownership.claim(token, borrow(proof), clock::now())?;
        self.writer.set_owner(owner).await.map_err(|reason| {
            tracing::error!(reason, "the owner could not be stored");
            Refusal::new(RefusalCode::Internal, "the node could not write down its owner; its log says why")
        })?;
        self.ownership = Ownership::Owned(owner);
        (self.on_claim)(None, &self.open_ways.borrow());
        self.handle_owner(owner);
        Ok(owner)
    }

    pub(super) fn handle_owner(&mut self, owner: PublicKey) {
        // Nothing comes of this input, so nothing has to be carried out.
        drop(self.core.handle(Input::Owner(owner), clock::now()));
        let own_nodes_owe = self.core.own_nodes_owe(clock::now());
        self.node_status.send_modify(|node_status| {
            (node_status.owner, node_status.own_nodes_owe) = (Some(owner), own_nodes_owe);
        });
        tracing::info!(owner = owner.to_npub(), "the node has been claimed");
    }

    pub(super) fn renew_claim(&mut self) {
        let Ownership::Unclaimed(claim) = &self.ownership else { return };
        let now = clock::now();
        // After the clock was set back a link must not hold for longer than it was meant to.
        if (claim.expires < now || claim.expires > now.saturating_add(self.claim_seconds))
            && let Some(claim) = crate::claim::fresh(self.claim_seconds)
        {
            (self.on_claim)(Some(&claim), &self.open_ways.borrow());
            self.ownership = Ownership::Unclaimed(claim);
        }
    }

    /// When the disk takes bytes again after it had refused, some of what others told is lost, and is fetched again.
    pub(super) async fn notice_outage(&mut self) {
        if !self.store_failures.has_changed().unwrap_or_default()
            || self.store_failures.borrow_and_update().is_some()
        {
            return;
        }
        self.handle(Input::StoreRolledBack).await;
        let store = self.store.clone();
        if let Ok(Ok(own_nodes)) = tokio::task::spawn_blocking(move || store.own_nodes()).await {
            for (peer, cursor) in own_nodes {
                self.handle(Input::OwnNode(peer, cursor)).await;
            }
        }
    }

    /// Reads back what the last run left: deliveries that wait, and the owner's delegation.
    pub(super) async fn remember(&mut self) {
        let store = self.store.clone();
        let read = move || {
            Ok::<_, redb::Error>((store.waiting()?, store.own_nodes()?, store.people()?, store.revoked()?))
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok((waiting, own_nodes, (born, people), revoked))) => {
                self.handle(Input::KnownRevocations(revoked)).await;
                self.handle(Input::People(born, people)).await;
                for (address, row) in waiting {
                    self.handle(Input::Waiting(address, row)).await;
                }
                for (peer, cursor) in own_nodes {
                    self.handle(Input::OwnNode(peer, cursor)).await;
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "the outbox cannot be read"),
            Err(error) => tracing::error!(%error, "reading the outbox failed"),
        }
        self.read_lists().await;
        self.read_delegation().await;
    }

    /// Begins anew with the deliveries of an event that have not arrived.
    pub(super) async fn retry(&mut self, id: EventId) {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || store.undelivered(&id)).await {
            Ok(Ok(addresses)) => {
                for address in addresses {
                    self.handle(Input::Retry(address)).await;
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "the outbox cannot be read"),
            Err(error) => tracing::error!(%error, "reading the outbox failed"),
        }
    }

    /// Tells the core whom the owner knows, as far as the store does: his own lists first.
    pub(super) async fn read_lists(&mut self) {
        let Some(owner) = self.ownership.owner() else { return };
        let store = self.store.clone();
        let lists = tokio::task::spawn_blocking(move || lists(&store, owner)).await;
        match lists {
            Ok(Ok(lists)) => {
                for list in lists {
                    self.handle(Input::List(list.into_rumor())).await;
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "the lists of people cannot be read"),
            Err(error) => tracing::error!(%error, "reading the lists of people failed"),
        }
    }

    /// Looks for the owner's delegation for this node.
    pub(super) async fn read_delegation(&mut self) {
        let Some(owner) = self.ownership.owner() else { return };
        let (store, peer) = (self.store.clone(), self.overlay.peer_id());
        let found = tokio::task::spawn_blocking(move || delegated::find(&store, owner, &peer)).await;
        self.delegation = found.ok().and_then(Result::ok).flatten();
        let delegated = self.delegation.as_ref().map(Delegation::expires);
        self.node_status.send_modify(|node_status| node_status.delegated = delegated);
    }
}

/// The owner's follow and mute lists, then the follow lists of those whom he follows.
fn lists(store: &Store, owner: PublicKey) -> Result<Vec<Event>, redb::Error> {
    let by = |author: PublicKey, kinds: &[Kind]| Filter {
        authors: Some([author].into()),
        kinds: Some(kinds.iter().copied().collect()),
        ..Filter::default()
    };
    let mut lists = store.find(&[by(owner, &[Kind::FOLLOW_LIST, Kind::MUTE_LIST])])?.events;
    let own = lists.iter().filter(|list| list.kind == Kind::FOLLOW_LIST);
    let followed: Vec<PublicKey> =
        own.flat_map(|list| list.tag_values("p")).filter_map(|person| person.parse().ok()).collect();
    for person in followed {
        lists.extend(store.find(&[by(person, &[Kind::FOLLOW_LIST])])?.events);
    }
    Ok(lists)
}
