//! Announcements: what this node says of itself and when, and what it hears of others.

use std::{collections::BTreeMap, time::Duration};

use nostrp2p_core::{Input, News, Output, Unheard, announce_every};
use nostrp2p_overlay::{MessageAcceptance, Protocol, Topic};
use nostrp2p_protocol::{
    Network, PeerId, PublicKey, UnverifiedEvent,
    rpc::{RpcRequest, decode_announcements},
};
use tokio::time::Instant;

use super::{DriverEvent, Running, revoking::revoked_in};
use crate::clock;

/// Neighbours that are asked for the nodes of a person. Each keeps 2,000 announcements.
const ASKED_NEIGHBOURS: usize = 6;
/// What one neighbour has answered to a [`Running::seek`]: announcements and revocations.
pub(super) type Sought = (PeerId, Vec<Vec<u8>>, Vec<UnverifiedEvent>);

/// Whom to ask: one neighbour of each network before a second one of any, so that nobody who has many keys in one network
/// is alone in answering. Within that the order stays.
fn in_different_networks(peers: Vec<(PeerId, Network)>) -> Vec<PeerId> {
    let mut of_network: BTreeMap<Network, usize> = BTreeMap::new();
    let mut turns: Vec<(usize, PeerId)> = peers
        .into_iter()
        .map(|(peer, network)| {
            let turn = of_network.entry(network).or_default();
            *turn += 1;
            (*turn, peer)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, peer)| peer).take(ASKED_NEIGHBOURS).collect()
}

impl Running {
    pub(super) fn announce_soon(&mut self) {
        if self.announce_at.is_none() {
            self.announce_at = Some(self.pace.next(Instant::now()));
        }
    }

    pub(super) async fn announce(&mut self) {
        self.announce_at = None;
        self.announced = Some(Instant::now());
        let addresses = self.overlay.reach().await.addresses;
        let bytes = self.announcer.own(addresses, self.delegation.as_ref(), clock::now());
        if let Err(error) = self.overlay.broadcast(Topic::Nodes, bytes).await {
            tracing::warn!(%error, "the node could not announce itself");
        }
    }

    /// Announces the node again, unless the network is so large that its turn has not come.
    pub(super) async fn announce_now_and_then(&mut self) {
        let known = self.announcer.heard_of().max(self.core.delegated_nodes());
        // A minute less, for timers are not exact.
        let every = announce_every(known).saturating_sub(Duration::from_secs(60));
        if self.announced.is_none_or(|announced| announced.elapsed() >= every) {
            self.announce().await;
        }
    }

    /// A node that joins tells what it knows of others; so nobody needs one bootstrap node for ever.
    pub(super) fn ask_for_announcements(&mut self, peer: PeerId) {
        let overlay = self.overlay.clone();
        self.tasks.push(Box::pin(async move {
            let answer = overlay.request(peer, Protocol::Fetch, RpcRequest::Announcements.encode()).await;
            let told = answer.ok().and_then(|answer| decode_announcements(&answer).ok());
            DriverEvent::Told(vec![(peer, told.unwrap_or_default())])
        }));
    }

    /// Takes up again what nodes of these people have announced and the directory has lost.
    fn recall(&mut self, people: &[PublicKey]) -> Vec<Output> {
        let known = self.announcer.recall(people).into_iter();
        let delegations = known.filter_map(|news| Some((news.delegation?, news.peer)));
        delegations
            .flat_map(|(delegation, peer)| self.core.handle(Input::Delegated(delegation, peer), clock::now()))
            .collect()
    }

    /// Asks some neighbours for the nodes of people of whom this one knows none, and which of their delegations these
    /// people have taken back: one that is told of must not be believed because its revocation was never heard.
    pub(super) fn seek(&mut self, people: Vec<PublicKey>) -> Vec<Output> {
        let recalled = self.recall(&people);
        let (overlay, question) = (self.overlay.clone(), RpcRequest::Seek(people.clone()).encode());
        let revocations = RpcRequest::Revocations(people).encode();
        self.tasks.push(Box::pin(async move {
            let mut peers = overlay.peers().await;
            // Others each time: what one has not heard of another may have.
            let chance = usize::try_from(getrandom::u32().unwrap_or_default()).unwrap_or_default();
            let first = chance.checked_rem(peers.len()).unwrap_or_default();
            peers.rotate_left(first);
            let peers = peers.iter().map(|peer| (peer.id, Network::of(&peer.address))).collect();
            let requests = in_different_networks(peers).into_iter().map(async |peer| {
                let seek = overlay.request(peer, Protocol::Fetch, question.clone());
                let taken_back = overlay.request(peer, Protocol::Fetch, revocations.clone());
                let (told, revoked) = futures_util::future::join(seek, taken_back).await;
                let told = told.ok().and_then(|answer| decode_announcements(&answer).ok());
                (peer, told.unwrap_or_default(), revoked_in(revoked))
            });
            DriverEvent::Sought(futures_util::future::join_all(requests).await)
        }));
        recalled
    }

    /// Neighbours have answered a [`Running::seek`]. What was taken back comes first, so that it is not believed meanwhile.
    pub(super) async fn on_sought(&mut self, answers: Vec<Sought>) {
        let mut announced = Vec::new();
        for (peer, announcements, revoked) in answers {
            if !revoked.is_empty() {
                self.handle(Input::Revoked(peer, revoked)).await;
            }
            announced.push((peer, announcements));
        }
        self.on_told(announced).await;
    }

    pub(super) async fn on_told(&mut self, told: Vec<(PeerId, Vec<Vec<u8>>)>) {
        for (neighbour, announcements) in told {
            for bytes in announcements {
                // A neighbour loses no score for what it tells, for it may have heard it so; but it counts.
                match self.announcer.hear_told(neighbour, bytes, &self.core, clock::now()) {
                    Ok(news) => self.learn(news, neighbour).await,
                    Err(Unheard::Overtaken) => self.announce().await,
                    Err(Unheard::Stale | Unheard::Crowded | Unheard::Forged) => {}
                }
            }
        }
    }

    /// Takes an announcement that a neighbour has passed on; returns what to do with the message.
    ///
    /// # Errors
    /// Says why it was not heard.
    pub(super) async fn hear_announcement(
        &mut self,
        bytes: Vec<u8>,
        from: PeerId,
    ) -> Result<MessageAcceptance, Unheard> {
        let news = self.announcer.hear(from, bytes, &self.core, clock::now())?;
        let acceptance = if news.pass_on { MessageAcceptance::Accept } else { MessageAcceptance::Ignore };
        self.learn(news, from).await;
        Ok(acceptance)
    }

    async fn learn(&mut self, news: News, from: PeerId) {
        self.bear_out(news.issued_at).await;
        tracing::debug!(peer = %news.peer, delegated = news.delegation.is_some(), helper = news.helper, "heard an announcement");
        self.overlay.add_addresses(news.peer, news.addresses).await;
        self.ways.heard(news.peer, news.helper.as_deref(), self.core.source(&from));
        if let Some(delegation) = news.delegation {
            self.handle(Input::Delegated(delegation, from)).await;
            self.see(news.peer, news.issued_at).await;
        }
    }
}

impl Running {
    /// Tells the overlay where nodes may be reached that are about to be asked: its own table of addresses holds a thousand,
    /// and others may have displaced these.
    pub(super) async fn name_addresses(&mut self, nodes: &[PeerId]) {
        for node in nodes.iter().filter(|node| !self.core.is_connected(node)) {
            let addresses = self.announcer.addresses_of(node);
            if !addresses.is_empty() {
                self.overlay.add_addresses(*node, addresses).await;
            }
        }
    }
}

/// Waits until then; without a time for ever.
pub(super) async fn due(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_different_networks_are_asked_before_many_of_one() {
        let peer = |number| PeerId::from_ed25519([number; 32]);
        let crowd = (0..20).map(|number| (peer(number), Network::V4([1, 1])));
        let others = [(peer(20), Network::V4([2, 2])), (peer(21), Network::V6([3; 4]))];
        let asked = in_different_networks(crowd.clone().chain(others).collect());
        assert_eq!(asked.len(), ASKED_NEIGHBOURS);
        assert_eq!(asked.get(..3), Some([peer(0), peer(20), peer(21)].as_slice()));
        assert_eq!(
            in_different_networks(crowd.collect()).len(),
            ASKED_NEIGHBOURS,
            "of one network, if there is no other"
        );
    }
}
