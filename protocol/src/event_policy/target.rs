//! The events that an own event refers to: the targets of a deletion, what it reposts or quotes.

use std::collections::BTreeSet;

use super::{
    address::EventAddress,
    audience::{Audience, audience, is_open},
    conversation::is_declared_public,
    kinds::is_repost,
};
use crate::{EventId, Kind, PublicKey, UnsignedEvent};

/// An event that another one names or carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The event.
    pub unsigned: UnsignedEvent,
    /// Whether it came from a relay that this node mirrors, and in no other way: then anybody can read it there.
    pub on_a_relay: bool,
}

impl Target {
    /// An event that the store holds and that no relay has brought, or that another event carries in its content.
    pub const fn stored(unsigned: UnsignedEvent) -> Self {
        Self { unsigned, on_a_relay: false }
    }

    /// Whether it is between the owner and some people: written by the owner or for the owner, and not for anybody's eyes.
    ///
    /// What concerns the owner in no way cannot have come privately: a node takes deliveries for its owner alone.
    fn is_private_of(&self, owner: &PublicKey) -> bool {
        let name = owner.to_string();
        let concerns =
            self.unsigned.pubkey == *owner || self.unsigned.tag_values("p").any(|person| person == name);
        concerns && !self.on_a_relay && !is_open(&self.unsigned)
    }
}

/// Whether to publish an event would show anybody what is between its author and some people.
///
/// `targets` are what it reposts (kinds 6 and 16), quotes (`q`) or answers for everyone, as far as the author's node holds
/// it or the event carries it. An event that is itself for some people reveals nothing.
pub fn reveals(unsigned: &UnsignedEvent, targets: &[Target], owner: &PublicKey) -> bool {
    is_open(unsigned) && targets.iter().any(|target| target.is_private_of(owner))
}

/// Decides who gets a deletion: everyone if any of its targets was for everyone, otherwise all for whom a target was.
///
/// `targets` are those of its targets that the author's node holds. Of one that it does not hold nobody can say where
/// it went, so a deletion without any stays where it is.
pub fn audience_of_deletion(targets: &[Target]) -> Audience {
    let mut people = BTreeSet::new();
    for target in targets {
        match audience(&target.unsigned) {
            Audience::Everyone => return Audience::Everyone,
            Audience::People(some) => people.extend(some),
            Audience::AsTargets | Audience::PollAuthor | Audience::Nobody | Audience::Unwanted => {}
        }
    }
    if people.is_empty() { Audience::Nobody } else { Audience::People(people) }
}

/// Decides who gets a vote: the author of the poll that it names, if that is among `targets`; without it nobody can say
/// whose the poll is, so the vote stays where it is.
pub fn audience_of_vote(targets: &[Target]) -> Audience {
    let poll = targets.iter().find(|target| target.unsigned.kind == Kind::POLL);
    poll.map_or(Audience::Nobody, |poll| Audience::People([poll.unsigned.pubkey].into()))
}

/// The references of an event that decide where it goes, or whether it may be published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Events by their id.
    pub ids: BTreeSet<EventId>,
    /// Events by the address under which they are replaced.
    pub addresses: BTreeSet<EventAddress>,
}

impl References {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.addresses.is_empty()
    }
}

/// Finds what a deletion deletes, what a repost passes on, and the poll of a vote; of anything else what it quotes (`q`) and,
/// if its author says or a node states that it is for everyone, what it answers.
pub fn references(unsigned: &UnsignedEvent) -> References {
    let names: &[&str] = match unsigned.kind {
        Kind::DELETION => &["e", "a"],
        Kind::VOTE => &["e"],
        kind if is_repost(kind) => &["e", "a", "q"],
        _ if is_declared_public(unsigned) => &["e", "q"],
        _ => &["q"],
    };
    let values = || names.iter().flat_map(|name| unsigned.tag_values(name));
    References {
        ids: values().filter_map(|value| value.parse().ok()).collect(),
        addresses: values().filter_map(EventAddress::parse).collect(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{EventTemplate, Tag, event_policy::everyone_tag};

    use super::*;

    const ALICE: PublicKey = PublicKey::from_bytes([0xa1; 32]);
    const BOB: PublicKey = PublicKey::from_bytes([0xb0; 32]);
    const CAROL: PublicKey = PublicKey::from_bytes([0xca; 32]);

    fn event(author: PublicKey, kind: u16, people: &[PublicKey]) -> UnsignedEvent {
        let tags = people.iter().map(|person| Tag::new(["p", &person.to_string()])).collect();
        EventTemplate { created_at: 1, kind: Kind(kind), tags, content: String::new() }.by(author)
    }

    #[track_caller]
    fn check(publish: UnsignedEvent, target: Target, expected: bool) {
        assert_eq!(reveals(&publish, &[target], &ALICE), expected);
    }

    #[test]
    fn what_came_to_the_owner_privately_is_revealed_by_whatever_is_public() {
        let private = Target::stored(event(BOB, 1, &[ALICE]));
        let public = Target::stored(event(BOB, 1, &[]));
        for kind in [1, 6, 16, 1111, 30_023] {
            check(event(ALICE, kind, &[]), private.clone(), true);
            check(event(ALICE, kind, &[]), public.clone(), false);
        }
        assert!([6, 16].iter().all(|kind| is_open(&event(ALICE, *kind, &[BOB]))));
        check(event(ALICE, 1, &[CAROL]), private, false);
        for kind in [4, 7, 1059] {
            check(event(ALICE, 6, &[]), Target::stored(event(BOB, kind, &[ALICE])), true);
        }
    }

    #[test]
    fn a_deletion_goes_where_its_targets_went() {
        let unsigned = |kind: Kind, people: &[PublicKey]| {
            let tags = people.iter().map(|person| Tag::new(["p", &person.to_string()])).collect();
            EventTemplate { created_at: 1, kind, tags, content: String::new() }.by(ALICE)
        };
        let (post, reply) = (unsigned(Kind::POST, &[]), unsigned(Kind::POST, &[BOB]));
        let (like, list) = (unsigned(Kind::REACTION, &[ALICE]), unsigned(Kind::FOLLOW_LIST, &[]));
        let check = |targets: &[&UnsignedEvent], expected: Audience| {
            let targets: Vec<Target> =
                targets.iter().map(|target| Target::stored((*target).clone())).collect();
            assert_eq!(audience_of_deletion(&targets), expected);
        };
        check(&[&post], Audience::Everyone);
        check(&[&reply], Audience::People([BOB].into()));
        check(&[&reply, &like], Audience::People([ALICE, BOB].into()));
        check(&[&reply, &post], Audience::Everyone);
        check(&[&list], Audience::Nobody);
        check(&[], Audience::Nobody);
    }

    #[test]
    fn a_vote_goes_to_the_author_of_its_poll_and_without_the_poll_nowhere() {
        let (poll, post) = (Target::stored(event(BOB, 1068, &[CAROL])), Target::stored(event(CAROL, 1, &[])));
        assert_eq!(audience_of_vote(&[post.clone(), poll]), Audience::People([BOB].into()));
        assert_eq!(audience_of_vote(&[post]), Audience::Nobody);
        check(event(ALICE, 1018, &[]), Target::stored(event(BOB, 1, &[ALICE])), true);
    }

    #[test]
    fn own_words_to_others_are_private_and_those_of_two_strangers_cannot_be() {
        check(event(ALICE, 6, &[]), Target::stored(event(ALICE, 1, &[BOB])), true);
        check(event(ALICE, 6, &[]), Target::stored(event(BOB, 1, &[CAROL])), false);
    }

    #[test]
    fn a_deletion_names_events_and_addresses_and_a_post_what_it_quotes() {
        let (id, address) = ("ab".repeat(32), format!("30023:{ALICE}:x"));
        let tags =
            ["e", "a", "q"].iter().flat_map(|name| [Tag::new([*name, &id]), Tag::new([*name, &address])]);
        let tags: Vec<Tag> = tags.chain([Tag::new(["e", "none"])]).collect();
        let names = |kind, kept: &[&str]| {
            let tags = tags.iter().filter(|tag| kept.contains(&tag.name())).cloned().collect();
            references(&EventTemplate { created_at: 1, kind, tags, content: String::new() }.by(ALICE))
        };
        let both = References {
            ids: [id.parse().unwrap()].into(),
            addresses: [EventAddress::parse(&address).unwrap()].into(),
        };
        assert_eq!(names(Kind::DELETION, &["e", "a"]), both);
        assert!(names(Kind::DELETION, &["q"]).is_empty() && names(Kind::POST, &["e", "a"]).is_empty());
        assert_eq!((names(Kind::POST, &["q"]), names(Kind::REPOST, &["q"])), (both.clone(), both));
        let answers = vec![Tag::new(["e", &id]), everyone_tag()];
        let answer = EventTemplate { created_at: 1, kind: Kind::POST, tags: answers, content: String::new() }
            .by(ALICE);
        assert_eq!(
            references(&answer).ids,
            [id.parse().unwrap()].into(),
            "an answer for everyone reveals it"
        );
    }

    #[test]
    fn what_only_a_relay_has_brought_is_public_already() {
        let on_a_relay = Target { unsigned: event(BOB, 1, &[ALICE]), on_a_relay: true };
        check(event(ALICE, 6, &[]), on_a_relay, false);
    }
}
