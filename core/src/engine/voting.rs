//! Votes in polls (NIP-88). A vote names nobody: it goes to the author of the poll that it names. The engine fetches
//! a missing poll first, and takes a delivered vote if its poll is the owner's.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{
    Event, EventId, Kind, PeerId, UnverifiedEvent,
    event_policy::{Audience, Target, audience_of_vote},
    rpc::Receipt,
};

use super::{Core, InboundRequestId, MAX_PENDING, Output, Pending, PublishId};
use crate::fetch::FetchTarget;

/// How long a vote waits for its poll, in seconds: somebody waits for the answer.
const WAITS_SECONDS: u64 = 5;
/// Votes that wait at a time: nobody votes faster.
const MAX_WAITING: usize = 16;

/// Votes of the owner whose polls are being asked for.
#[derive(Debug, Default)]
pub(super) struct WaitingVotes(BTreeMap<PublishId, WaitingVote>);

#[derive(Debug)]
struct WaitingVote {
    event: UnverifiedEvent,
    poll: EventId,
    /// Until when, in seconds since 1970.
    until: u64,
}

impl WaitingVotes {
    pub(super) fn next_due(&self) -> Option<u64> {
        self.0.values().map(|vote| vote.until).min()
    }

    pub(super) fn on_clock_back(&mut self, now: u64) {
        self.0.values_mut().for_each(|vote| vote.until = vote.until.min(now));
    }
}

impl Core {
    /// The events to which an own event refers have been read. A vote whose poll is not here waits for it.
    pub(super) fn on_targets_read(
        &mut self,
        request: PublishId,
        event: UnverifiedEvent,
        targets: Option<Vec<Target>>,
        now: u64,
    ) -> Vec<Output> {
        let unknown = targets.as_ref().is_some_and(|targets| audience_of_vote(targets) == Audience::Nobody);
        let poll = event.unsigned.tag_values("e").find_map(|id| id.parse().ok());
        if let Some(poll) = poll.filter(|_| event.unsigned.kind == Kind::VOTE && unknown)
            && self.votes.0.len() < MAX_WAITING
        {
            let until = now.saturating_add(WAITS_SECONDS);
            self.votes.0.insert(request, WaitingVote { event, poll, until });
            return self.on_wanted(vec![FetchTarget::Event(poll, None)], now);
        }
        vec![self.on_targets(request, event, targets.as_deref(), now)]
    }

    /// A poll has come that was asked for.
    pub(super) fn on_poll_found(&mut self, poll: &Event, now: u64) -> Vec<Output> {
        let id = poll.id();
        let found = [Target::stored(poll.clone().into_rumor())];
        self.take_votes(|vote| vote.poll == id, &found, now)
    }

    /// Lets those votes go on whose polls nobody has, or nobody gives in time: they stay on this node.
    pub(super) fn release_votes(&mut self, now: u64) -> Vec<Output> {
        if self.votes.0.is_empty() {
            return vec![];
        }
        let (fetches, checking) = (&self.fetches, self.fetched > 0);
        let over = |vote: &WaitingVote| {
            let asked = checking || fetches.is_open(&FetchTarget::Event(vote.poll, None));
            vote.until <= now || !asked
        };
        let over: Vec<PublishId> =
            self.votes.0.iter().filter(|(_, vote)| over(vote)).map(|(request, _)| *request).collect();
        self.take_votes_of(over, &[], now)
    }

    fn take_votes(
        &mut self,
        which: impl Fn(&WaitingVote) -> bool,
        targets: &[Target],
        now: u64,
    ) -> Vec<Output> {
        let requests = self.votes.0.iter().filter(|(_, vote)| which(vote)).map(|(request, _)| *request);
        let requests = requests.collect();
        self.take_votes_of(requests, targets, now)
    }

    fn take_votes_of(&mut self, requests: Vec<PublishId>, targets: &[Target], now: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        for request in requests {
            if let Some(WaitingVote { event, .. }) = self.votes.0.remove(&request) {
                outputs.push(self.on_targets(request, event, Some(targets), now));
            }
        }
        outputs
    }

    /// The poll of a delivered vote has been looked for.
    pub(super) fn on_poll_read(
        &mut self,
        handed: InboundRequestId,
        from: PeerId,
        event: UnverifiedEvent,
        targets: Option<&[Target]>,
    ) -> Output {
        // What cannot be read now is delivered again.
        let Some(targets) = targets else { return Output::Answer(handed, Receipt::Later) };
        let is_owners = |people: &BTreeSet<_>| self.owner().is_some_and(|owner| people.contains(&owner));
        match audience_of_vote(targets) {
            Audience::People(people) if is_owners(&people) && self.pending.len() < MAX_PENDING => {
                self.verify(Pending::Handed(handed, from), event)
            }
            Audience::People(people) if is_owners(&people) => Output::Answer(handed, Receipt::Later),
            _ => {
                self.refusals.count("not_for_the_owner");
                Output::Answer(handed, Receipt::Refused)
            }
        }
    }
}
