//! Announcements: what this node announces and when, what it hears of others, and whom it asks for theirs.

use std::collections::BTreeMap;

use nostrp2p_protocol::{Delegation, Network, PeerId, PublicKey};

use super::{Core, GossipId, Needed, Output, Verdict, source, vocabulary::LookedUp};
use crate::{
    admission::Ignored,
    announcer::{Announcer, News, Surroundings, Unheard},
    directory::{Directory, Needs},
    revocations::Revocations,
    sources::Source,
};

/// Neighbours that are asked for the nodes of a person. Each keeps 2,000 announcements.
const ASKED_NEIGHBOURS: usize = 6;

/// The parts of the engine that the announcer reads.
struct Around<'a> {
    needed: Needed<'a>,
    directory: &'a Directory,
    revocations: &'a Revocations,
}

impl Surroundings for Around<'_> {
    fn source(&self, peer: &PeerId) -> Source {
        source(self.needed.connected, peer)
    }

    fn is_connected(&self, peer: &PeerId) -> bool {
        self.needed.is_connected(peer)
    }

    fn is_needed(&self, person: &PublicKey) -> bool {
        self.needed.is_needed(person)
    }

    fn owner_of(&self, peer: &PeerId, now: u64) -> Option<PublicKey> {
        self.directory.owner_of(peer, now)
    }

    fn has_revoked(&self, word: &Delegation) -> bool {
        self.revocations.revokes(word)
    }
}

/// Orders neighbours to ask: one of each network before a second one of any, so that an attacker with many keys in
/// one network is not the only one to answer. Otherwise the order stays.
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

impl Core {
    pub(super) fn with_announcer<T>(
        &mut self,
        act: impl FnOnce(&mut Announcer, &dyn Surroundings) -> T,
    ) -> T {
        let needed = Needed {
            owner: self.ownership.owner(),
            connected: &self.connected,
            admission: &self.admission,
            outbox: &self.outbox,
        };
        let around = Around { needed, directory: &self.directory, revocations: &self.revocations };
        act(&mut self.announcer, &around)
    }

    /// How many nodes are known by their announcements.
    pub fn announced_nodes(&self) -> usize {
        self.announcer.heard_of()
    }

    /// Whether another node has announced itself lately with this node's key.
    pub fn has_twin(&self, now: u64) -> bool {
        self.announcer.twin(now).is_some()
    }

    pub(super) fn known_nodes(&self) -> usize {
        self.announcer.heard_of().max(self.directory.len())
    }

    /// A neighbour has passed on an announcement.
    pub(super) fn on_announcement(
        &mut self,
        heard: GossipId,
        from: PeerId,
        bytes: Vec<u8>,
        now: u64,
    ) -> Vec<Output> {
        let (verdict, news) = match self.with_announcer(|it, around| it.hear(from, bytes, around, now)) {
            Ok(news) if news.pass_on => (Verdict::Accept, Some(news)),
            Ok(news) => (Verdict::AcceptWithoutForwarding, Some(news)),
            Err(Unheard::Stale | Unheard::Overtaken) => (Verdict::Ignore(Ignored::Seen), None),
            Err(Unheard::Crowded) => (Verdict::Ignore(Ignored::OverBudget), None),
            Err(Unheard::Forged) => (Verdict::Reject, None),
        };
        let mut outputs = vec![Output::ReportValidation(heard, verdict)];
        outputs.extend(news.into_iter().flat_map(|news| self.learn(news, from, now)));
        outputs
    }

    /// Takes in the announcements that a neighbour has answered with. It loses no score for them, because it may only
    /// repeat others; but they count against its limit.
    pub(super) fn on_told(&mut self, from: PeerId, announcements: Vec<Vec<u8>>, now: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        for bytes in announcements {
            match self.with_announcer(|it, around| it.hear_told(from, bytes, around, now)) {
                Ok(news) => outputs.extend(self.learn(news, from, now)),
                Err(Unheard::Overtaken) => outputs.extend(self.announce(now)),
                Err(Unheard::Stale | Unheard::Crowded | Unheard::Forged) => {}
            }
        }
        outputs
    }

    /// Takes in the answers to a lookup. Revocations come first, so that no revoked delegation is believed meanwhile.
    pub(super) fn on_looked_up(&mut self, answers: Vec<LookedUp>, now: u64) -> Vec<Output> {
        let (mut outputs, mut told) = (Vec::new(), Vec::new());
        for (peer, announcements, revoked) in answers {
            outputs.extend(self.on_revoked(peer, revoked, now));
            told.push((peer, announcements));
        }
        for (peer, announcements) in told {
            outputs.extend(self.on_told(peer, announcements, now));
        }
        outputs
    }

    fn learn(&mut self, news: News, from: PeerId, now: u64) -> Vec<Output> {
        let mut outputs = vec![Output::NoteTime(news.issued_at)];
        if !news.addresses.is_empty() {
            outputs.push(Output::AddAddresses(news.peer, news.addresses));
        }
        let source = self.source(&from);
        self.tunnel_client.heard(news.peer, news.helper.as_deref(), source);
        outputs.extend(self.seek_tunnels(now));
        if let Some(delegation) = news.delegation {
            outputs.extend(self.on_delegated(&delegation, &from, now));
            outputs.extend(self.see(news.peer, news.issued_at, now));
        }
        outputs
    }

    /// Another node of the owner was there.
    pub(super) fn see(&self, peer: PeerId, at: u64, now: u64) -> Option<Output> {
        self.is_own_node(&peer, now).then(|| Output::OwnNodeSeen(peer, at.min(now)))
    }

    /// Announces this node if that is due.
    pub(super) fn announce_when_due(&mut self, now: u64) -> Vec<Output> {
        if self.schedule.is_due(self.known_nodes(), now) { self.announce(now) } else { vec![] }
    }

    pub(super) fn announce(&mut self, now: u64) -> Vec<Output> {
        if !self.schedule.is_started() {
            return vec![];
        }
        self.schedule.on_announced(now);
        vec![Output::FindAddresses]
    }

    pub(super) fn on_own_addresses(&mut self, addresses: Vec<String>, now: u64) -> Vec<Output> {
        vec![Output::Announce(self.announcer.own(addresses, self.delegation.as_ref(), now))]
    }

    /// The owner's delegation for this node, as the store holds it now.
    pub(super) fn on_own_delegation(&mut self, found: Option<Delegation>, now: u64) -> Vec<Output> {
        if self.delegation == found {
            return vec![];
        }
        self.delegation.clone_from(&found);
        let mut outputs = vec![Output::DelegationChanged(found)];
        outputs.extend(self.announce(now));
        outputs
    }

    /// Looks up nodes of people of whom none is known: from announcements that the directory has lost, and from some
    /// neighbours, other ones each time.
    pub(super) fn look_up(&mut self, people: Vec<PublicKey>, now: u64) -> Vec<Output> {
        let known = self.announcer.recall(&people).into_iter();
        let known: Vec<_> = known.filter_map(|news| Some((news.delegation?, news.peer))).collect();
        let mut outputs: Vec<Output> = Vec::new();
        for (delegation, peer) in known {
            outputs.extend(self.on_delegated(&delegation, &peer, now));
        }
        let mut peers: Vec<(PeerId, Network)> =
            self.connected.iter().map(|(peer, network)| (*peer, *network)).collect();
        let first = self.rng.index(peers.len());
        peers.rotate_left(first);
        if !peers.is_empty() {
            outputs.push(Output::LookUpNodes(in_different_networks(peers), people));
        }
        outputs
    }

    /// Tells the overlay the addresses of nodes that are about to be asked: its own table holds a thousand, and
    /// others may have displaced these.
    pub(super) fn name_addresses<'a>(&self, nodes: impl IntoIterator<Item = &'a PeerId>) -> Vec<Output> {
        let away = nodes.into_iter().filter(|node| !self.is_connected(node));
        let named = away.map(|node| (*node, self.announcer.addresses_of(node)));
        let named = named.filter(|(_, addresses)| !addresses.is_empty());
        named.map(|(node, addresses)| Output::AddAddresses(node, addresses)).collect()
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
