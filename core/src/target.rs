//! What an event that the owner publishes speaks of: the targets of a deletion, what is reposted or quoted.

use nostrp2p_protocol::{Kind, PublicKey, UnsignedEvent};

use crate::audience::is_open;

/// Reposts (NIP-18).
pub const REPOSTS: [Kind; 2] = [Kind::REPOST, Kind(16)];

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
/// `targets` are what it reposts (kinds 6 and 16) or quotes (`q`), as far as the author's node holds it or the event
/// carries it. An event that is itself for some people reveals nothing.
pub fn reveals(unsigned: &UnsignedEvent, targets: &[Target], owner: &PublicKey) -> bool {
    is_open(unsigned) && targets.iter().any(|target| target.is_private_of(owner))
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Tag};

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
        assert!(REPOSTS.iter().all(|kind| is_open(&event(ALICE, kind.0, &[BOB]))));
        check(event(ALICE, 1, &[CAROL]), private, false);
        for kind in [4, 7, 1059] {
            check(event(ALICE, 6, &[]), Target::stored(event(BOB, kind, &[ALICE])), true);
        }
    }

    #[test]
    fn own_words_to_others_are_private_and_those_of_two_strangers_cannot_be() {
        check(event(ALICE, 6, &[]), Target::stored(event(ALICE, 1, &[BOB])), true);
        check(event(ALICE, 6, &[]), Target::stored(event(BOB, 1, &[CAROL])), false);
    }

    #[test]
    fn what_only_a_relay_has_brought_is_public_already() {
        let on_a_relay = Target { unsigned: event(BOB, 1, &[ALICE]), on_a_relay: true };
        check(event(ALICE, 6, &[]), on_a_relay, false);
    }
}
