//! Storing one event: whether it is taken, what it replaces or displaces, and who may have it.

use nostrp2p_core::Inserted;
use nostrp2p_protocol::{
    Event, EventId, Kind, PublicKey,
    event_policy::{
        Audience, CapDecision, MAX_PER_HOUR, address_of, audience, expires_at, is_addressed_to, is_expired,
        replaces,
    },
};

use super::{
    ids, index,
    mailbox::{self, SenderKey},
    origin::{Door, Origin},
    record, shared,
    usage::{self, Owned},
    write::Tables,
};

impl Tables<'_> {
    /// Stores an event, unless it is there, replaced, deleted, over, or too much. `now` in seconds since 1970.
    pub(super) fn insert(
        &mut self,
        event: &Event,
        origin: &Origin,
        now: u64,
    ) -> Result<Inserted, redb::Error> {
        let own = Some(event.pubkey) == self.owner;
        let shared = origin.is_shared(event, own);
        let known = self.find(&event.id())?;
        let stated =
            known.map(|sequence| self.without_statement(sequence, event, shared)).transpose()?.flatten();
        if let Some((sequence, private)) = &stated {
            // Readers learn of it by a new number.
            self.remove(*sequence, private)?;
        } else if let Some(sequence) = known {
            self.note_again(sequence, event, origin, shared)?;
            return Ok(Inserted::Known(sequence));
        }
        if is_expired(event, now) {
            return Ok(Inserted::Ended);
        }
        if self.tombstones.is_deleted(event, now)? {
            return Ok(Inserted::Deleted);
        }
        let record = record::encode(event);
        let bytes = usage::cost(event, record.len());
        let sender = self.sender_of(event, origin)?;
        if let Some(sender) = sender
            && stated.is_none()
            && !self.make_room_for(&sender, bytes)?
        {
            return Ok(Inserted::MailboxFull);
        }
        // Looked up first: what is replaced may be all that there is of its author.
        let mut known_since = self.newcomers.since(&event.pubkey)?;
        let since = known_since.unwrap_or(now);
        for (sequence, other) in self.same_address(event)? {
            if !replaces((event.created_at, &event.id()), (other.created_at, &other.id()), now) {
                return Ok(Inserted::Superseded(sequence));
            }
            self.remove(sequence, &other)?;
            known_since = None;
        }
        let keeps_all = own || origin.door.is_restoring();
        let shared = match shared.then(|| self.room_for(event)).transpose()? {
            None => false,
            Some(CapDecision::Free) => true,
            Some(CapDecision::InsteadOf(other)) => {
                self.displace(&other, keeps_all)?;
                known_since = None;
                true
            }
            Some(CapDecision::Full) if keeps_all => false,
            Some(CapDecision::Full) => return Ok(Inserted::Surplus),
        };
        let mirrored = origin.door == Door::Mirror;
        if mirrored && !own && !is_versioned(event.kind) {
            if shared::mirrored_beside(&self.rows, event)? >= MAX_PER_HOUR {
                return Ok(Inserted::Surplus);
            }
            shared::note_mirrored(&mut self.rows, event, true)?;
        }
        self.newest += 1;
        let sequence = self.newest;
        self.events.insert(sequence, record.as_slice())?;
        ids::insert(&mut self.rows, &event.id(), sequence)?;
        index::add(&mut self.rows, event, sequence)?;
        if let Some(end) = expires_at(event) {
            self.ends.get_mut()?.insert((end, sequence), ())?;
        }
        let owned = self.book(event, sequence, sender, bytes)?;
        if origin.door.is_restoring() && self.owner.is_none() {
            self.restored.get_mut()?.insert(sequence, ())?;
        }
        if shared {
            self.shared.insert(&mut self.rows, event, sequence)?;
            if known_since.is_none() {
                self.newcomers.know(&event.pubkey, since)?;
            }
        }
        if (shared || mirrored) && owned == Owned::Other {
            self.newcomers.note(event, sequence, since, now)?;
        }
        self.on_stored(sequence, event)?;
        Ok(Inserted::New(sequence))
    }

    /// Notes by what door an event has come that is here already.
    fn note_again(
        &mut self,
        sequence: u64,
        event: &Event,
        origin: &Origin,
        shared: bool,
    ) -> Result<(), redb::Error> {
        // A deletion may have come as a private one before. What is here without its statement is not shared without it.
        let shared = shared && event.statement.is_none();
        if shared && !shared::holds(&self.rows, event)? && self.room_for(event)? == CapDecision::Free {
            self.shared.insert(&mut self.rows, event, sequence)?;
        }
        // It is not only on a relay any more: somebody has handed it over.
        if origin.door.is_private()
            && matches!(audience(event), Audience::People(_))
            && self.mirrored.get_mut()?.remove(sequence)?.is_some()
        {
            shared::note_mirrored(&mut self.rows, event, false)?;
        }
        Ok(())
    }

    /// The copy of an event that is here as a private one, when the event comes with a statement that it is for everyone.
    /// None while there is no room for another one that is shared, and of the owner's own: deliveries hang on their number.
    fn without_statement(
        &mut self,
        sequence: u64,
        event: &Event,
        shared: bool,
    ) -> Result<Option<(u64, Event)>, redb::Error> {
        if event.statement.is_none() || !shared || Some(event.pubkey) == self.owner {
            return Ok(None);
        }
        let private = self.event(sequence)?.filter(|private| private.statement.is_none());
        let room = self.room_for(event)? != CapDecision::Full;
        Ok(private.filter(|_| room).map(|private| (sequence, private)))
    }

    /// What follows from an event that was stored.
    fn on_stored(&mut self, sequence: u64, event: &Event) -> Result<(), redb::Error> {
        match event.kind {
            Kind::DELETION | Kind::VANISH => self.delete(sequence, event),
            Kind::FOLLOW_LIST | Kind::MUTE_LIST if Some(event.pubkey) == self.owner => {
                self.circle = None;
                self.mailbox.full_for = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Who answers for an event that the owner did not sign, if it is mail or an own copy.
    fn sender_of(&mut self, event: &Event, origin: &Origin) -> Result<Option<SenderKey>, redb::Error> {
        let Some(owner) = self.owner.filter(|owner| *owner != event.pubkey) else { return Ok(None) };
        if matches!(origin.door, Door::Owner { .. }) {
            return Ok(Some(mailbox::OWN));
        }
        if !is_addressed_to(event, &owner) && !self.is_vote_for(&owner, event, origin)? {
            return Ok(None);
        }
        let sender = origin.sender_of(event);
        if origin.door != Door::Inbox {
            return Ok(Some(sender));
        }
        let circle = self.circle()?;
        let bearer = circle.bearer(sender);
        self.circle = Some(circle);
        Ok(Some(bearer))
    }

    /// Whether an event is a vote in a poll of the owner. A vote names nobody (NIP-88); one that another node delivered is
    /// taken only if the poll is the owner's.
    fn is_vote_for(&self, owner: &PublicKey, vote: &Event, origin: &Origin) -> Result<bool, redb::Error> {
        if vote.kind != Kind::VOTE || origin.sender.is_some() {
            return Ok(vote.kind == Kind::VOTE);
        }
        let poll = vote.tag_values("e").next().and_then(|id| id.parse().ok());
        let Some(sequence) = poll.map(|poll| self.find(&poll)).transpose()?.flatten() else {
            return Ok(false);
        };
        Ok(self.event(sequence)?.is_some_and(|poll| poll.pubkey == *owner))
    }

    fn make_room_for(&mut self, sender: &SenderKey, bytes: u64) -> Result<bool, redb::Error> {
        if *sender == mailbox::OWN { Ok(true) } else { self.make_room(sender, bytes) }
    }

    /// The place of an event among the shared ones of its author and hour.
    pub(super) fn room_for(&mut self, event: &Event) -> Result<CapDecision, redb::Error> {
        self.shared.room_for(&self.rows, event)
    }

    /// Makes room for another event of the same author among those that are shared. The owner's own stays here and so does
    /// mail, but it is not shared any more.
    fn displace(&mut self, other: &EventId, keep: bool) -> Result<(), redb::Error> {
        let Some(sequence) = self.find(other)? else { return Ok(()) };
        let Some(other) = self.event(sequence)? else { return Ok(()) };
        let keep = keep || self.owned(sequence, &other)? != Owned::Other;
        if keep { self.shared.remove(&mut self.rows, &other) } else { self.remove(sequence, &other) }
    }

    /// The stored events that this one competes with: same author, kind and, if addressable, `d` tag.
    fn same_address(&mut self, event: &Event) -> Result<Vec<(u64, Event)>, redb::Error> {
        match address_of(event) {
            Some(address) => self.at_address(&address),
            None => Ok(vec![]),
        }
    }
}

/// Whether a newer event takes the place of an older one of this kind.
const fn is_versioned(kind: Kind) -> bool {
    kind.is_replaceable() || kind.is_addressable()
}
