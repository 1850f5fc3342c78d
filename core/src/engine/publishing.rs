//! The owner's own events: whether they are published, and where they go.

use nostrp2p_protocol::{
    Delegation, Event, Kind, Packet, PublicKey, Tag, Unacceptable, UnsignedEvent, UnverifiedEvent,
    delegation,
    event_policy::{
        Audience, Target, audience, audience_of_deletion, audience_of_vote, is_conversation,
        is_declared_public, is_repost, may_be_stated, nameless_person, reveals, unless_protected,
    },
    frame::{Carried, Refusal, RefusalCode},
    limits::MAX_PEOPLE,
};

use super::{Core, MAX_PENDING, Output, PublishId, Replies};
use crate::{
    outbox::{DeliveryKey, DeliveryState},
    stored::{Inserted, Stored},
};

/// Characters of a tag's value that a refusal repeats: enough to find it, too few to give away a key.
const SHOWN: usize = 12;

impl Core {
    /// A client publishes. What decides where the event goes, and is not in it, is read first.
    pub(super) fn on_publish(
        &mut self,
        request: PublishId,
        mut event: UnverifiedEvent,
        replies: Replies,
        now: u64,
    ) -> Output {
        if replies == Replies::Public && may_be_stated(&event.unsigned) {
            let word = self.delegation.as_ref();
            event.unsigned.statement = word.and_then(|word| self.announcer.state(word, &event.unsigned));
        }
        if speaks_of_others(&event.unsigned) {
            return Output::ReadTargets(request, event);
        }
        self.on_targets(request, event, Some(&[]), now)
    }

    /// Checks an event and has it stored. The signature is checked at once, in some 50 us: another thread would take
    /// longer, and sessions bound how many events the owner publishes at a time.
    pub(super) fn on_targets(
        &mut self,
        request: PublishId,
        mut event: UnverifiedEvent,
        targets: Option<&[Target]>,
        now: u64,
    ) -> Output {
        let Some(targets) = targets else {
            // Without them nobody knows where it may go.
            let reason = "the node cannot read its store; its log says why";
            return Output::Refuse(request, Refusal::new(RefusalCode::Internal, reason));
        };
        // What is stated to be for everyone is delivered as well: nodes of earlier versions read no statements.
        let statement = event.unsigned.statement.take();
        let audience = self.route(&event.unsigned, targets);
        let refusal = self.refusal(&event, &audience, now);
        if let Some(refusal) = refusal.or_else(|| self.secrecy(&event.unsigned, targets)) {
            return Output::Refuse(request, refusal);
        }
        if matches!(&audience, Audience::People(people) if !people.is_empty()) {
            event.unsigned.statement = statement;
            // Nobody chose that for this one, so what would reveal something private stays private instead of being refused.
            if self.owner().is_some_and(|owner| reveals(&event.unsigned, targets, &owner)) {
                event.unsigned.statement = None;
            }
        }
        match event.verify() {
            Ok(event) => {
                self.admission.remember(event.id(), &event);
                Output::Commit(request, event, audience)
            }
            Err(forged) => Output::Refuse(request, Refusal::new(RefusalCode::Forged, forged.to_string())),
        }
    }

    /// The people who get an event besides its author and the owner, who has it here.
    fn route(&self, unsigned: &UnsignedEvent, targets: &[Target]) -> Audience {
        let audience = match audience(unsigned) {
            Audience::AsTargets => unless_protected(unsigned, audience_of_deletion(targets)),
            Audience::PollAuthor => audience_of_vote(targets),
            audience => audience,
        };
        match audience {
            Audience::People(mut people) => {
                people.remove(&unsigned.pubkey);
                people.retain(|person| Some(*person) != self.owner());
                Audience::People(people)
            }
            audience => audience,
        }
    }

    /// Refuses to publish what would make a private event public: the program that reposts or quotes it cannot know
    /// that it was private.
    fn secrecy(&self, unsigned: &UnsignedEvent, targets: &[Target]) -> Option<Refusal> {
        let deletes = unsigned.kind == Kind::DELETION;
        let reveals = !deletes && self.owner().is_some_and(|owner| reveals(unsigned, targets, &owner));
        reveals.then(|| {
            let reason = "what this reposts, quotes or answers is private, between you and some people; it is not made public";
            Refusal::new(RefusalCode::Unwanted, reason)
        })
    }

    /// Why the owner's node would not publish an event, whatever its signature.
    fn refusal(&self, event: &UnverifiedEvent, audience: &Audience, now: u64) -> Option<Refusal> {
        let refuse = |code, reason: &str| Some(Refusal::new(code, reason));
        if self.settings.read_only {
            return refuse(
                RefusalCode::ReadOnly,
                "this node was started with --writable false and takes no events",
            );
        }
        // A gift wrap is signed by a throw-away key; that the owner sends it, the session vouches for (NIP-59).
        let wrapped = event.unsigned.kind == Kind::GIFT_WRAP && self.owner().is_some();
        if self.owner() != Some(event.unsigned.pubkey) && !wrapped {
            return refuse(
                RefusalCode::ForeignAuthor,
                "only events that the node's owner signed are published here",
            );
        }
        match event.unsigned.check(now) {
            Ok(()) => {}
            Err(Unacceptable::Shape(oversize)) => {
                return refuse(RefusalCode::TooLarge, &oversize.to_string());
            }
            Err(Unacceptable::TooNew) => {
                return refuse(
                    RefusalCode::WrongTime,
                    "the event is dated more than 15 minutes ahead of the node's clock; set the clock that is wrong",
                );
            }
        }
        if let Some(tag) = misaddressed(&event.unsigned) {
            return refuse(RefusalCode::Malformed, &names_nobody(tag));
        }
        match audience {
            Audience::Unwanted => refuse(RefusalCode::Unwanted, "events of this kind are not stored"),
            Audience::People(_)
                if matches!(event.unsigned.kind, Kind::REACTION | Kind::GIFT_WRAP)
                    && !names_somebody(&event.unsigned) =>
            {
                refuse(
                    RefusalCode::Malformed,
                    "the event names nobody whom it is for: a valid p tag is missing",
                )
            }
            Audience::Everyone | Audience::People(_)
                if event.unsigned.tag_values("p").count() > MAX_PEOPLE =>
            {
                refuse(
                    RefusalCode::TooLarge,
                    "the event names more than 100 people; other nodes would not take it",
                )
            }
            Audience::People(_) if self.outbox.is_full() => refuse(
                RefusalCode::Busy,
                "too many private messages are waiting for people whose nodes are away; try again later",
            ),
            _ if self.pending.len() >= MAX_PENDING => {
                refuse(RefusalCode::Busy, "the node is busy; try again in a moment")
            }
            _ => None,
        }
    }

    pub(super) fn on_committed(
        &mut self,
        request: PublishId,
        event: Event,
        audience: Audience,
        stored: Stored,
        now: u64,
    ) -> Vec<Output> {
        let Ok(inserted) = stored else {
            let reason = "the node could not store the event; its log says why";
            return vec![Output::Refuse(request, Refusal::new(RefusalCode::Internal, reason))];
        };
        let Some(sequence) = inserted.sequence() else {
            return vec![Output::Refuse(request, not_kept(inserted))];
        };
        self.admission.learn(&event);
        let word = delegation::revoked(&event).and_then(|_| Delegation::from_event(event.clone()).ok());
        let delegates = event.kind == Kind::APPLICATION_DATA;
        let mut outputs = self.publish_committed(request, event, audience, (inserted, sequence), now);
        outputs.extend(word.into_iter().flat_map(|word| self.revoke_and_spread(&word, now)));
        outputs.extend(self.owner().filter(|_| delegates).map(Output::ReadDelegation));
        outputs
    }

    fn publish_committed(
        &mut self,
        request: PublishId,
        event: Event,
        audience: Audience,
        (inserted, sequence): (Inserted, u64),
        now: u64,
    ) -> Vec<Output> {
        let id = event.id();
        match audience {
            // Without a neighbour it waits in the store for the first one.
            Audience::Everyone if self.connected.is_empty() => {
                vec![Output::Published(request, id, inserted, Carried::Broadcast(0))]
            }
            Audience::Everyone => {
                let packet = Packet::Event(UnverifiedEvent { claimed_id: None, ..event.into() });
                vec![Output::Broadcast(request, id, inserted, packet)]
            }
            Audience::People(people) => {
                for person in &people {
                    self.outbox.add(DeliveryKey { sequence, person: *person }, DeliveryState::new(now), now);
                }
                let count = u32::try_from(people.len()).unwrap_or(u32::MAX);
                let mut outputs = vec![if event.statement.is_some() {
                    let packet = Packet::Event(UnverifiedEvent { claimed_id: None, ..event.into() });
                    Output::Broadcast(request, id, inserted, packet)
                } else {
                    Output::Published(request, id, inserted, Carried::Waiting(count))
                }];
                outputs.extend(self.attempt(now));
                outputs.extend(self.tell_own_nodes(now));
                outputs
            }
            Audience::AsTargets | Audience::PollAuthor | Audience::Nobody | Audience::Unwanted => {
                let mut outputs = vec![Output::Published(request, id, inserted, Carried::Kept)];
                outputs.extend(self.tell_own_nodes(now));
                outputs
            }
        }
    }
}

/// Whether an event speaks of others in a way that decides where it goes, or whether it may.
fn speaks_of_others(unsigned: &UnsignedEvent) -> bool {
    matches!(unsigned.kind, Kind::DELETION | Kind::VOTE)
        || is_repost(unsigned.kind)
        || unsigned.has_tag("q")
        || is_declared_public(unsigned)
}

/// Why an event of the owner is not in the store although nothing failed.
fn not_kept(inserted: Inserted) -> Refusal {
    let reason = match inserted {
        Inserted::Ended => "the event has ended: its expiration lies in the past",
        _ => "you have deleted this event; what is deleted does not come back",
    };
    Refusal::new(RefusalCode::Unwanted, reason)
}

/// The tag that names nobody, of an event that goes to the people whom it names: one of them would never get it.
fn misaddressed(unsigned: &UnsignedEvent) -> Option<&Tag> {
    match unsigned.kind {
        kind if kind == Kind::GIFT_WRAP || is_conversation(kind) => nameless_person(unsigned),
        // It goes to the last one alone; programs copy the others from what is liked.
        Kind::REACTION => {
            let last = unsigned.tags.iter().rfind(|tag| tag.name() == "p");
            last.filter(|tag| tag.value().is_none_or(|key| key.parse::<PublicKey>().is_err()))
        }
        _ => None,
    }
}

fn names_nobody(tag: &Tag) -> String {
    let shown = match tag.value() {
        None => "[\"p\"]".to_owned(),
        // Who put a secret key there shall not find it in a log.
        Some(value) if value.starts_with("nsec1") => "[\"p\", \"nsec1...\"]".to_owned(),
        Some(value) if value.chars().count() <= SHOWN => format!("[\"p\", {value:?}]"),
        Some(value) => {
            format!("[\"p\", \"{}...\"]", value.chars().take(SHOWN).collect::<String>().escape_debug())
        }
    };
    format!("the tag {shown} names nobody: a p tag needs a public key of 64 lower-case hex digits")
}

fn names_somebody(unsigned: &UnsignedEvent) -> bool {
    matches!(audience(unsigned), Audience::People(people) if !people.is_empty())
}
