//! Revocations of delegations: those that this node hears, and those that the owner publishes.

use nostrp2p_protocol::{
    Delegation, Event, Packet, PeerId, UnsignedEvent, UnverifiedEvent, VerifyError,
    delegation::{self, MAX_AHEAD_SECONDS},
    event_policy::is_ahead,
};

use super::{Core, GossipId, MAX_PENDING, Needed, Output, Pending, Verdict, source};
use crate::{
    admission::Ignored,
    limit::{Rate, UNIT},
};

/// Revocations that one neighbour may bring, by broadcast and in answers: one answer at once, and in an hour as many
/// as a network of 100,000 people makes when each revokes once a week. A guess.
const REVOCATIONS: Rate = Rate { burst: 300, per_hour: 600 };

impl Core {
    /// Whether an owner has taken this word back.
    #[cfg(test)]
    pub(crate) fn has_revoked(&self, word: &Delegation) -> bool {
        self.revocations.revokes(word)
    }

    /// The revocations to tell who asks: of these people, or any.
    #[cfg(test)]
    pub(super) fn revocations(&mut self, people: &[nostrp2p_protocol::PublicKey]) -> Vec<UnverifiedEvent> {
        self.revocations.told(people, &mut self.rng)
    }

    /// A neighbour broadcasts a revocation.
    pub(super) fn on_revocation(
        &mut self,
        heard: GossipId,
        from: PeerId,
        event: UnverifiedEvent,
        now: u64,
    ) -> Output {
        match self.admit_revocation(&event.unsigned, from, now) {
            Ok(()) => self.verify(Pending::Revocation(Some(heard), from), event),
            Err((reason, verdict)) => {
                self.refusals.count(reason);
                Output::ReportValidation(heard, verdict)
            }
        }
    }

    /// Takes in the revocations that a neighbour has answered with. It is not blamed for wrong ones, because it may
    /// only repeat others.
    pub(super) fn on_revoked(&mut self, from: PeerId, events: Vec<UnverifiedEvent>, now: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        for event in events {
            match self.admit_revocation(&event.unsigned, from, now) {
                Ok(()) => outputs.push(self.verify(Pending::Revocation(None, from), event)),
                Err((reason, _)) => self.refusals.count(reason),
            }
        }
        outputs
    }

    /// Whether a revocation is worth a signature check, cheapest check first.
    fn admit_revocation(
        &mut self,
        unsigned: &UnsignedEvent,
        from: PeerId,
        now: u64,
    ) -> Result<(), (&'static str, Verdict)> {
        let ignore = |ignored: Ignored| Err((ignored.name(), Verdict::Ignore(ignored)));
        let Some(peer) = delegation::revoked(unsigned).filter(|_| unsigned.check_shape().is_ok()) else {
            return Err(("malformed", Verdict::Reject));
        };
        if is_ahead(unsigned.created_at, now) {
            return ignore(Ignored::TooNew);
        }
        if unsigned.created_at.saturating_add(MAX_AHEAD_SECONDS) <= now {
            return ignore(Ignored::TooOld);
        }
        if !self.revocations.lacks(&unsigned.pubkey, &peer, unsigned.created_at) {
            return ignore(Ignored::Seen);
        }
        if self.pending.len() >= MAX_PENDING {
            return ignore(Ignored::Busy);
        }
        if !self.revoking.take(from, REVOCATIONS, UNIT, now) && !self.is_needed(&unsigned.pubkey) {
            return Err(("revocations_over_rate", Verdict::Ignore(Ignored::OverBudget)));
        }
        Ok(())
    }

    pub(super) fn on_revocation_checked(
        &mut self,
        heard: Option<GossipId>,
        from: &PeerId,
        result: Result<Event, VerifyError>,
        now: u64,
    ) -> Vec<Output> {
        let word = result.ok().and_then(|event| Delegation::from_event(event).ok());
        let Some(word) = word else {
            self.refusals.count("forged");
            return heard.map(|heard| Output::ReportValidation(heard, Verdict::Reject)).into_iter().collect();
        };
        let mut outputs: Vec<Output> =
            heard.map(|heard| Output::ReportValidation(heard, Verdict::Accept)).into_iter().collect();
        if self.owner() == Some(word.owner()) {
            outputs.push(Output::Obey(word.event().clone()));
        }
        outputs.extend(self.revoke(&word, from, now));
        outputs
    }

    /// Those that an earlier run has written down.
    pub(super) fn on_known_revocations(&mut self, words: Vec<Delegation>, now: u64) {
        for word in words {
            // Nothing of that has to be written down.
            drop(self.revoke(&word, &word.peer(), now));
        }
    }

    /// Takes in the owner's newest delegations of the owner's nodes, as the store holds them.
    pub(super) fn on_own_words(&mut self, words: Vec<Delegation>, now: u64) -> Vec<Output> {
        let own = words.into_iter().filter(|word| word.is_revocation() && self.owner() == Some(word.owner()));
        let own: Vec<Delegation> = own.collect();
        own.iter().flat_map(|word| self.revoke_and_spread(word, now)).collect()
    }

    /// Takes in the owner's newest delegation or revocation of one of these nodes, from another node of the owner.
    pub(super) fn on_own_word(&mut self, event: Event, now: u64) -> Vec<Output> {
        let mut outputs = vec![Output::Obey(event.clone())];
        if let Ok(word) = Delegation::from_event(event)
            && word.is_revocation()
        {
            outputs.extend(self.revoke_and_spread(&word, now));
        }
        outputs
    }

    /// Forgets a word of the owner, and tells everybody.
    pub(super) fn revoke_and_spread(&mut self, word: &Delegation, now: u64) -> Vec<Output> {
        if word.matters_until() <= now {
            return vec![];
        }
        let event = UnverifiedEvent { claimed_id: None, ..word.event().clone().into() };
        // Its own node is no neighbour; what the owner says displaces nothing that others have told.
        let from = word.peer();
        let mut outputs = self.revoke(word, &from, now);
        outputs.push(Output::Spread(Packet::Revocation(event)));
        outputs
    }

    /// Forgets what a revocation revokes, and keeps the revocation.
    pub(super) fn revoke(&mut self, word: &Delegation, from: &PeerId, now: u64) -> Vec<Output> {
        let needs = Needed {
            owner: self.ownership.owner(),
            connected: &self.connected,
            admission: &self.admission,
            outbox: &self.outbox,
        };
        let source = source(&self.connected, from);
        let change = self.revocations.add(word.clone(), source, now, &mut self.rng, &needs);
        self.directory.end(word);
        let gone = change.gone.into_iter().map(|(person, peer)| Output::ForgetRevocation(person, peer));
        let mut outputs: Vec<Output> = gone.collect();
        if change.new {
            outputs.push(Output::RecordRevocation(word.event().clone()));
        }
        outputs
    }
}
