//! Who gets an event: the table "What travels how" of PROTOCOL.md.

use std::collections::BTreeSet;

use super::{
    conversation::{is_declared_public, is_for_everyone, named_people},
    kinds::{Routing, is_open_kind, routing},
    relay_list::inside_address,
};
use crate::{PublicKey, UnsignedEvent};

/// The people who get an event besides its author's node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Broadcast to all.
    Everyone,
    /// Only these people, in the order of their keys. May be empty when the author named nobody valid.
    People(BTreeSet<PublicKey>),
    /// Everybody who got the events that it deletes; see [`super::audience_of_deletion`].
    AsTargets,
    /// The author of the poll in which it is a vote; see [`super::audience_of_vote`].
    PollAuthor,
    /// Nobody: it stays on the author's node.
    Nobody,
    /// It is not even stored: logins and other ephemeral events.
    Unwanted,
}

/// Decides who gets an event.
///
/// A post that names others in `p` tags is a reply or a mention and goes to these people alone, unless it quotes or its
/// author says that it is for everyone (see [`is_for_everyone`]).
/// A reaction goes to the author of its target: the last `p` tag (NIP-25), unless it is said to be for everyone.
/// Delegations stay on the author's node: they travel inside announcements.
/// What is protected (NIP-70) is for nobody but the people it names, whatever its kind.
pub fn audience(unsigned: &UnsignedEvent) -> Audience {
    unless_protected(unsigned, audience_by_kind(unsigned))
}

/// Whether an event has the tag `-`: only its author hands it to relays (NIP-70).
pub fn is_protected(unsigned: &UnsignedEvent) -> bool {
    unsigned.tags.iter().any(|tag| tag.name() == "-")
}

/// The audience of an event that may be protected (NIP-70): such an event is not broadcast.
pub fn unless_protected(unsigned: &UnsignedEvent, audience: Audience) -> Audience {
    if !matches!(audience, Audience::Everyone | Audience::PollAuthor) || !is_protected(unsigned) {
        return audience;
    }
    let people = named_people(unsigned);
    if people.is_empty() { Audience::Nobody } else { Audience::People(people) }
}

fn audience_by_kind(unsigned: &UnsignedEvent) -> Audience {
    match routing(unsigned.kind) {
        Routing::Everyone => Audience::Everyone,
        Routing::AsConversation if is_for_everyone(unsigned) => Audience::Everyone,
        Routing::AsConversation | Routing::ToNamed => Audience::People(named_people(unsigned)),
        Routing::ToLastNamed if is_declared_public(unsigned) => Audience::Everyone,
        Routing::ToLastNamed => {
            let last = unsigned.tag_values("p").filter_map(|value| value.parse::<PublicKey>().ok()).last();
            let mut people = BTreeSet::new();
            people.extend(last);
            Audience::People(people)
        }
        Routing::AsTargets => Audience::AsTargets,
        Routing::ToPollAuthor => Audience::PollAuthor,
        Routing::OnRequest | Routing::Stays => Audience::Nobody,
        Routing::Unstored => Audience::Unwanted,
    }
}

/// Whether anybody may read an event: it is broadcast, or served on request, as lists and votes are.
pub fn is_public(unsigned: &UnsignedEvent) -> bool {
    !is_protected(unsigned) && is_public_by_kind(unsigned)
}

/// A list with an address of its author's own network is for nobody, see [`inside_address`].
fn is_public_by_kind(unsigned: &UnsignedEvent) -> bool {
    match routing(unsigned.kind) {
        Routing::OnRequest => inside_address(unsigned).is_none(),
        Routing::ToPollAuthor => true,
        _ => audience_by_kind(unsigned) == Audience::Everyone,
    }
}

/// Whether anybody may see an event: it is public on the overlay, or its kind is public by its NIP.
///
/// Guests of the relay see what is open, and mirrors are given it unless it is protected.
pub fn is_open(unsigned: &UnsignedEvent) -> bool {
    is_open_but_for_addresses(unsigned) && inside_address(unsigned).is_none()
}

/// The same, whatever addresses a list of relays names. To check those takes tables of domain names, which the page
/// does without.
pub fn is_open_but_for_addresses(unsigned: &UnsignedEvent) -> bool {
    match routing(unsigned.kind) {
        Routing::OnRequest | Routing::ToPollAuthor => true,
        Routing::Stays => is_open_kind(unsigned.kind),
        _ => audience_by_kind(unsigned) == Audience::Everyone,
    }
}

#[cfg(test)]
mod tests {
    use crate::event_policy::{is_served_on_request, open_kinds, public_kinds};
    use crate::{EventTemplate, Kind, Tag};

    use super::*;

    const ALICE: PublicKey = PublicKey::from_bytes([0xa1; 32]);
    const BOB: PublicKey = PublicKey::from_bytes([0xb0; 32]);

    #[track_caller]
    fn check(kind: u16, tags: &[(&str, &str)], expected: &Audience) {
        let tags = tags.iter().map(|(name, value)| Tag::new([*name, *value])).collect();
        let draft = EventTemplate { created_at: 1, kind: Kind(kind), tags, content: String::new() };
        assert_eq!(audience(&draft.by(ALICE)), *expected);
    }

    #[test]
    fn every_row_of_the_table() {
        let (alice, bob) = (ALICE.to_string(), BOB.to_string());
        let people = |people: &[PublicKey]| Audience::People(people.iter().copied().collect());
        check(0, &[], &Audience::Everyone);
        check(1, &[], &Audience::Everyone);
        check(1, &[("e", &alice)], &Audience::Everyone);
        check(1, &[("p", &bob)], &people(&[BOB]));
        check(1, &[("p", &bob), ("p", &alice), ("p", &bob)], &people(&[ALICE, BOB]));
        check(1, &[("e", &alice), ("p", &alice)], &Audience::Everyone);
        check(1, &[("p", &bob), ("q", "")], &Audience::Everyone);
        check(1, &[("e", &bob), ("p", &bob), ("q", "")], &people(&[BOB]));
        check(1, &[("e", &bob), ("p", &bob), ("audience", "everyone")], &Audience::Everyone);
        check(1059, &[("p", &bob), ("audience", "everyone")], &people(&[BOB]));
        check(7, &[("p", &bob), ("audience", "everyone")], &Audience::Everyone);
        for on_request in (0..=u16::MAX).filter(|kind| is_served_on_request(Kind(*kind))) {
            check(on_request, &[("p", &bob)], &Audience::Nobody);
        }
        check(5, &[("e", &alice)], &Audience::AsTargets);
        check(6, &[("p", &bob)], &Audience::Everyone);
        check(1018, &[("e", &alice), ("p", &bob)], &Audience::PollAuthor);
        check(7, &[("p", &alice), ("p", &bob)], &people(&[BOB]));
        check(1059, &[("p", &bob)], &people(&[BOB]));
        check(22242, &[], &Audience::Unwanted);
        check(30024, &[], &Audience::Nobody);
        for content in [16, 20, 1068, 1222, 9802, 30023] {
            check(content, &[("p", &bob)], &Audience::Everyone);
        }
        for answer in [1111, 1244] {
            check(answer, &[("P", &alice), ("p", &bob)], &people(&[ALICE, BOB]));
            check(answer, &[("p", &alice)], &Audience::Everyone);
            check(answer, &[("p", &bob), ("audience", "everyone")], &Audience::Everyone);
        }
    }

    #[test]
    fn what_is_protected_is_for_the_people_it_names_and_for_nobody_else() {
        let (alice, bob) = (ALICE.to_string(), BOB.to_string());
        let people = |people: &[PublicKey]| Audience::People(people.iter().copied().collect());
        for kind in [0, 1, 6] {
            check(kind, &[("-", "")], &Audience::Nobody);
        }
        check(1, &[("-", ""), ("p", &bob), ("q", "")], &people(&[BOB]));
        check(1, &[("-", ""), ("p", &bob), ("audience", "everyone")], &people(&[BOB]));
        check(6, &[("-", ""), ("p", &bob)], &people(&[BOB]));
        check(1, &[("-", ""), ("p", &alice)], &people(&[ALICE]));
        check(7, &[("-", ""), ("p", &bob)], &people(&[BOB]));
        let protected = EventTemplate {
            created_at: 1,
            kind: Kind(3),
            tags: vec![Tag::new(["-"])],
            content: String::new(),
        };
        assert!(!is_public(&protected.clone().by(ALICE)), "other nodes do not give it on");
        assert!(is_open(&protected.by(ALICE)), "a relay may show it to its guests");
    }

    #[test]
    fn what_is_open_and_what_is_not() {
        let open = |kind: u16, tags: &[(&str, &str)]| {
            let tags = tags.iter().map(|(name, value)| Tag::new([*name, *value])).collect();
            is_open(
                &EventTemplate { created_at: 1, kind: Kind(kind), tags, content: String::new() }.by(ALICE),
            )
        };
        assert!(open_kinds().iter().all(|kind| open(kind.0, &[])));
        assert!([0, 1, 3, 6].iter().all(|kind| open(*kind, &[])));
        for private in
            [4, 5, 7, 13, 14, 15, 1059, 1060, 10_000, 10_013, 22_242, 30_024, 30_078, 31_234, 40_000]
        {
            assert!(!open(private, &[]), "{private}");
        }
        assert!(!open(1, &[("p", &BOB.to_string())]), "a reply is private here");
    }

    #[test]
    fn the_kinds_of_which_something_is_public_are_known_without_looking_at_events() {
        let bare = |kind: u16| {
            EventTemplate { created_at: 1, kind: Kind(kind), tags: vec![], content: String::new() }.by(ALICE)
        };
        let kinds = |is: fn(&UnsignedEvent) -> bool| {
            (0..=u16::MAX).filter(|kind| is(&bare(*kind))).map(Kind).collect()
        };
        assert_eq!(public_kinds(), kinds(is_public));
        assert_eq!(open_kinds(), kinds(is_open));
    }

    #[test]
    fn a_post_whose_people_are_misspelt_is_not_made_public() {
        check(1, &[("p", "npub1notHex")], &Audience::People(BTreeSet::new()));
        check(1, &[("p", &BOB.to_string().to_uppercase())], &Audience::People(BTreeSet::new()));
    }
}
