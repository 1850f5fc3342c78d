//! Private events: deliveries from other nodes to the owner, and attempts to deliver the owner's events to others.

use nostrp2p_protocol::{
    Kind, Packet, PeerId, PublicKey, UnsignedEvent,
    event_policy::{Audience, audience},
    rpc::Receipt,
};

use super::{Core, InboundRequestId, MAX_ATTEMPTS, MAX_PENDING, Output, Pending};
use crate::{
    admission::Ignored,
    mailbox::Sender,
    outbox::{DeliveryKey, DeliveryState, Failure},
    stored::{Inserted, Stored},
};

impl Core {
    /// Another node's delivery: only what is for the owner is taken, by the limits of broadcasts except for age.
    pub(super) fn on_handed(
        &mut self,
        handed: InboundRequestId,
        from: &PeerId,
        payload: &[u8],
        now: u64,
    ) -> Output {
        let event = match Packet::decode(payload) {
            Ok(Packet::Event(event)) => event,
            Ok(Packet::Revocation(_)) | Err(_) => return Output::Answer(handed, Receipt::Refused),
        };
        // A deletion does not say for whom its targets were; the author's own node is believed.
        let deletion = event.unsigned.kind == Kind::DELETION
            && self.directory.acts_for(from, &event.unsigned.pubkey, now);
        let vote = event.unsigned.kind == Kind::VOTE && !self.is_for_owner(&event.unsigned);
        if !(deletion || vote || self.is_for_owner(&event.unsigned)) {
            self.refusals.count("not_for_the_owner");
            return Output::Answer(handed, Receipt::Refused);
        }
        let admitted = self.admission.check_handed(&event.unsigned, from, now);
        if let Err(Ok(ignored)) = admitted {
            self.refusals.ignored(ignored);
        }
        match admitted {
            Err(Ok(Ignored::TooManyPeople) | Err(_)) => Output::Answer(handed, Receipt::Refused),
            Err(Ok(_)) => Output::Answer(handed, Receipt::Later),
            Ok(()) if self.pending.len() >= MAX_PENDING => Output::Answer(handed, Receipt::Later),
            // Whose poll it is about, only the store knows.
            Ok(()) if vote => Output::ReadPoll(handed, *from, event),
            Ok(()) => self.verify(Pending::Handed(handed, *from), event),
        }
    }

    /// Takes in the store's decision about a delivery.
    pub(super) fn on_delivery_stored(
        &mut self,
        handed: InboundRequestId,
        stored: &Stored,
        now: u64,
    ) -> Vec<Output> {
        match stored {
            Ok(Inserted::MailboxFull) => {
                self.refusals.count("mailbox_full");
                vec![Output::Answer(handed, Receipt::Later)]
            }
            Ok(_) => {
                let mut outputs = vec![Output::Answer(handed, Receipt::Taken)];
                outputs.extend(self.tell_own_nodes(now));
                outputs
            }
            Err(_) => vec![Output::Answer(handed, Receipt::Later)],
        }
    }

    /// The sender who is accountable for a delivered event: its author; for a gift wrap the person for whom the
    /// delivering node acts.
    pub(super) fn sender_of(&self, unsigned: &UnsignedEvent, from: PeerId, now: u64) -> Sender {
        if unsigned.kind != Kind::GIFT_WRAP {
            return Sender::Person(unsigned.pubkey);
        }
        self.directory.owner_of(&from, now).map_or(Sender::Node(from), Sender::Person)
    }

    /// A delivery that was given up begins anew; one that waits is due at once.
    pub(super) fn on_retry(&mut self, address: DeliveryKey, now: u64) -> Vec<Output> {
        if self.outbox.contains(&address) {
            let mut outputs = self.hurry_deliveries(&address.person, now);
            outputs.extend(self.attempt(now));
            return outputs;
        }
        if self.outbox.is_full() {
            return vec![];
        }
        let row = DeliveryState::new(now);
        self.outbox.add(address, row, now);
        let mut outputs = vec![Output::Record(address, row)];
        outputs.extend(self.attempt(now));
        outputs
    }

    pub(super) fn on_attempted(
        &mut self,
        address: DeliveryKey,
        receipt: Option<Receipt>,
        now: u64,
    ) -> Vec<Output> {
        self.attempts = self.attempts.saturating_sub(1);
        let row = match receipt {
            Some(Receipt::Taken) => {
                // A sign of life: whatever this person's nodes have left without an answer is worth an attempt.
                self.outbox.hurry_unanswered(&address.person, now);
                self.fetches.hurry(&address.person);
                self.outbox.on_delivered(address)
            }
            Some(Receipt::Refused) => self.outbox.on_refused(address),
            Some(Receipt::Later) => self.outbox.on_failed(address, Failure::Later, now),
            None if self.sync.is_alone() => self.outbox.on_failed(address, Failure::Alone, now),
            None => self.outbox.on_failed(address, Failure::NoAnswer, now),
        };
        let record = row.map(|row| Output::Record(address, row));
        record.into_iter().chain(self.attempt(now)).collect()
    }

    /// Makes everything due that waits for a person, and what was given up wait again.
    pub(super) fn hurry_deliveries(&mut self, person: &PublicKey, now: u64) -> Vec<Output> {
        let revived = self.outbox.hurry(person, now);
        revived.into_iter().map(|(address, row)| Output::Record(address, row)).collect()
    }

    /// Tries the deliveries that are due. Without a known node the attempt fails at once, and neighbours are asked
    /// for nodes of the recipient; when one becomes known, the delivery is tried at once.
    pub(super) fn attempt(&mut self, now: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        for address in self.outbox.due(now, MAX_ATTEMPTS.saturating_sub(self.attempts)) {
            let nodes = self.directory.nodes_of(&address.person, now);
            if nodes.is_empty() && self.sync.is_alone() {
                let row = self.outbox.on_failed(address, Failure::Alone, now);
                outputs.extend(row.map(|row| Output::Record(address, row)));
            } else if nodes.is_empty() {
                self.node_lookup.start(address.person, now);
                let row = self.outbox.on_failed(address, Failure::NoAnswer, now);
                outputs.extend(row.map(|row| Output::Record(address, row)));
            } else {
                self.attempts += 1;
                outputs.extend(self.name_addresses(&nodes));
                outputs.push(Output::Attempt(address, nodes));
            }
        }
        for people in self.node_lookup.due(now) {
            outputs.extend(self.look_up(people, now));
        }
        outputs
    }

    /// Whether an event is private and the owner is one of the people for whom it is.
    pub(super) fn is_for_owner(&self, unsigned: &UnsignedEvent) -> bool {
        let Some(owner) = self.owner() else { return false };
        matches!(audience(unsigned), Audience::People(people) if people.contains(&owner))
    }
}
