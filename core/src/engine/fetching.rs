//! Queries to other nodes: for what clients ask, and to the owner's other nodes for what they hold.

use nostrp2p_protocol::{
    Event, Kind, PeerId, PublicKey, UnverifiedEvent, VerifyError,
    delegation::is_delegation,
    event_policy::{is_for_own_nodes, is_public},
    rpc::OwnPage,
};

use super::{Core, MAX_PENDING, Output, Pending};
use crate::{
    fetch::{FetchTarget, Fetches, QueryId},
    stored::Sharing,
};

impl Core {
    /// Whether a node may read what the owner's nodes keep for the owner alone.
    pub fn is_own_node(&self, peer: &PeerId, now: u64) -> bool {
        self.owner().is_some_and(|owner| self.directory.acts_for(peer, &owner, now))
    }

    /// Whether any of these is still being asked for, or signatures of an answer are still being checked.
    pub fn is_fetching(&self, wants: &[FetchTarget]) -> bool {
        self.fetched > 0 || wants.iter().any(|want| self.fetches.is_open(want))
    }

    pub(super) fn on_wanted(&mut self, wants: Vec<FetchTarget>, now: u64) -> Vec<Output> {
        // The owner's own things come from the owner's other nodes.
        let owner = self.owner();
        for want in wants.into_iter().filter(|want| want.author().is_none() || want.author() != owner) {
            self.fetches.want(want, now);
        }
        self.ask(now)
    }

    pub(super) fn ask(&mut self, now: u64) -> Vec<Output> {
        let directory = &self.directory;
        let asking = self.fetches.due(now, |person: &PublicKey| directory.nodes_of(person, now));
        let mut outputs = Vec::new();
        for mut query in asking {
            outputs.extend(self.name_addresses(&query.nodes));
            if query.nodes.is_empty() {
                query.nodes = self.connected.keys().take(query.neighbours).copied().collect();
            }
            outputs.push(Output::Query(query));
        }
        outputs
    }

    /// Takes from an answer only events that were asked for and are public, so that no node can slip in anything
    /// else.
    pub(super) fn on_fetched(
        &mut self,
        ask: QueryId,
        events: Option<Vec<UnverifiedEvent>>,
        now: u64,
    ) -> Vec<Output> {
        let wants = self.fetches.on_answered(ask, events.is_some(), now);
        let events = events.unwrap_or_default();
        let next: Vec<_> =
            wants.iter().filter_map(|want| want.next(events.iter().map(|event| &event.unsigned))).collect();
        next.into_iter().for_each(|want| self.fetches.want(want, now));
        let mut outputs = Vec::new();
        for event in events {
            let sound = event.unsigned.check(now).is_ok()
                && is_public(&event.unsigned)
                && Fetches::fits(
                    &wants,
                    &event.unsigned.id(),
                    &event.unsigned,
                    self.admission.is_muted(&event.unsigned.pubkey),
                );
            if sound && self.pending.len() < MAX_PENDING {
                self.fetched += 1;
                outputs.push(self.verify(Pending::Fetched, event));
            }
        }
        outputs.extend(self.ask(now));
        outputs
    }

    pub(super) fn on_fetched_checked(&mut self, result: Result<Event, VerifyError>, now: u64) -> Vec<Output> {
        self.fetched = self.fetched.saturating_sub(1);
        let Ok(event) = result else { return vec![] };
        let votes = if event.kind == Kind::POLL { self.on_poll_found(&event, now) } else { vec![] };
        self.fetches.on_found(&event.id(), &event, now);
        self.admission.remember(event.id(), &event);
        self.admission.learn(&event);
        std::iter::once(Output::Store(event, Sharing::ByItself)).chain(votes).collect()
    }

    pub(super) fn query_own_nodes(&mut self, now: u64) -> Vec<Output> {
        let nodes = self.own_nodes(now);
        let due = self.own_nodes.due(&nodes, now);
        let mut outputs = Vec::new();
        for (peer, cursor) in due {
            outputs.extend(self.name_addresses([&peer]));
            outputs.push(Output::QueryOwnNode(peer, cursor));
        }
        outputs
    }

    /// Something was stored that the owner's other nodes want: asks them, by which they learn that there is news.
    pub(super) fn tell_own_nodes(&mut self, now: u64) -> Vec<Output> {
        for peer in self.own_nodes(now) {
            self.own_nodes.hurry(&peer);
        }
        self.query_own_nodes(now)
    }

    pub(super) fn on_own_node_answered(
        &mut self,
        peer: PeerId,
        page: Option<OwnPage>,
        now: u64,
    ) -> Vec<Output> {
        let page = page.map(|mut page| {
            page.events.retain(|event| self.is_own(event) && event.unsigned.check(now).is_ok());
            page
        });
        let done = self.own_nodes.on_answer(&peer, page.as_ref(), now);
        let mut outputs = Vec::new();
        for event in page.map(|page| page.events).into_iter().flatten() {
            outputs.push(self.verify(Pending::Own(peer), event));
        }
        outputs.extend(done.map(|cursor| Output::RecordOwnNode(peer, cursor)));
        outputs.extend(self.query_own_nodes(now));
        outputs
    }

    pub(super) fn on_own_checked(
        &mut self,
        peer: &PeerId,
        result: Result<Event, VerifyError>,
        now: u64,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        if let Ok(event) = result {
            self.admission.remember(event.id(), &event);
            self.admission.learn(&event);
            if is_delegation(&event) {
                outputs.extend(self.on_own_word(event, now));
            } else {
                outputs.push(Output::Store(event, Sharing::OwnNode));
            }
        }
        if let Some(cursor) = self.own_nodes.on_checked(peer, now) {
            outputs.push(Output::RecordOwnNode(*peer, cursor));
            outputs.extend(self.query_own_nodes(now));
        }
        outputs
    }

    /// Whether another node of the owner is still to tell what it holds.
    pub fn own_nodes_owe(&self, now: u64) -> bool {
        self.own_nodes(now).iter().any(|peer| self.own_nodes.owes(peer, self.is_connected(peer)))
    }

    pub(super) fn own_nodes(&self, now: u64) -> Vec<PeerId> {
        self.owner().map(|owner| self.directory.nodes_of(&owner, now)).unwrap_or_default()
    }

    /// Whether own nodes share an event: the owner's, one for the owner alone, or a deletion of such a one.
    fn is_own(&self, event: &UnverifiedEvent) -> bool {
        self.owner().is_some_and(|owner| is_for_own_nodes(&event.unsigned, &owner))
    }
}
