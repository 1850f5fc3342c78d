//! Mail: events that others signed and that are addressed to the owner.

use super::{
    audience::{Audience, audience},
    conversation::named_people,
};
use crate::{Kind, PublicKey, UnsignedEvent};

/// Whether an event is addressed to a person: it names that person (see [`named_people`]) and is no list of people.
///
/// Replies, mentions, reactions, reposts, gift wraps, comments, zap receipts and articles are. Replaceable events and sets
/// (30000 to 30999) are not: they list people whom their author follows, mutes or recommends.
pub fn is_addressed_to(unsigned: &UnsignedEvent, person: &PublicKey) -> bool {
    const SETS: std::ops::RangeInclusive<u16> = 30_000..=30_999;
    let article = unsigned.kind == Kind(30_023);
    let list = unsigned.kind.is_replaceable() || (SETS.contains(&unsigned.kind.0) && !article);
    !list && named_people(unsigned).contains(person)
}

/// Whether nodes of one owner tell each other of an event. They do if the owner wrote it, or if it is for the owner
/// or addressed to the owner, also when it is public: each of these nodes is asked for whole conversations, also one
/// that was off when the answers were broadcast. They also share deletions and votes, because these do not say whom
/// they are for.
pub fn is_for_own_nodes(unsigned: &UnsignedEvent, owner: &PublicKey) -> bool {
    unsigned.pubkey == *owner
        || matches!(unsigned.kind, Kind::DELETION | Kind::VOTE)
        || is_addressed_to(unsigned, owner)
        || matches!(audience(unsigned), Audience::People(people) if people.contains(owner))
}

/// Kinds that the inbox takes: posts, reposts, reactions, comments (NIP-22), zap receipts (NIP-57) and gift wraps, the
/// second of which are not stored (NIP-59).
const FOR_INBOX: [Kind; 8] = [
    Kind::POST,
    Kind::REPOST,
    Kind::REACTION,
    Kind(16),
    Kind(1111),
    Kind(9735),
    Kind::GIFT_WRAP,
    Kind::EPHEMERAL_GIFT_WRAP,
];

/// Whether an event is of a sort that the inbox takes: it names the owner, who has not signed it.
pub fn is_for_inbox(unsigned: &UnsignedEvent, owner: &PublicKey) -> bool {
    FOR_INBOX.contains(&unsigned.kind) && unsigned.pubkey != *owner && is_addressed_to(unsigned, owner)
}

#[cfg(test)]
mod tests {
    use crate::{EventTemplate, Tag, event_policy::everyone_tag};

    use super::*;

    #[test]
    fn mail_names_its_recipient_and_lists_are_no_mail() {
        let (bob, carol) = (PublicKey::from_bytes([0xb0; 32]), PublicKey::from_bytes([0xca; 32]));
        let unsigned = |kind| {
            let tags = vec![Tag::new(["p", &carol.to_string()]), Tag::new(["p", &bob.to_string()])];
            EventTemplate { created_at: 1, kind: Kind(kind), tags, content: String::new() }.by(carol)
        };
        for kind in [1, 6, 7, 16, 1059, 1111, 1244, 9735, 30_023] {
            assert!(is_addressed_to(&unsigned(kind), &bob), "{kind}");
            assert!(!is_addressed_to(&unsigned(kind), &PublicKey::from_bytes([1; 32])), "{kind}");
        }
        for list in [0, 3, 10_000, 10_002, 30_000, 30_078] {
            assert!(!is_addressed_to(&unsigned(list), &bob), "{list}");
        }
    }

    #[test]
    fn what_names_the_owner_is_for_the_inbox_and_all_else_is_not() {
        let (owner, friend) = (PublicKey::from_bytes([1; 32]), PublicKey::from_bytes([2; 32]));
        let is_taken = |author: PublicKey, kind, people: &[PublicKey]| {
            let tags = people.iter().map(|person| Tag::new(["p", &person.to_string()])).collect();
            let template = EventTemplate { created_at: 1, kind: Kind(kind), tags, content: String::new() };
            is_for_inbox(&template.by(author), &owner)
        };
        for kind in [1, 6, 7, 16, 1059, 1111, 9735, 21_059] {
            assert!(is_taken(friend, kind, &[friend, owner]), "{kind}");
            assert!(!is_taken(friend, kind, &[friend]) && !is_taken(owner, kind, &[owner]), "{kind}");
        }
        for kind in [0, 3, 4, 5, 13, 14, 62, 1060, 10_002, 22_242, 30_023, 30_078] {
            assert!(!is_taken(friend, kind, &[owner]), "{kind}");
        }
    }

    #[test]
    fn nodes_of_one_owner_tell_each_other_of_what_is_addressed_to_the_owner_whomever_it_is_for() {
        let [alice, bob, carol] = [1, 2, 3].map(|byte| PublicKey::from_bytes([byte; 32]));
        let check = |kind, author: PublicKey, tags: &[Tag], expected| {
            let draft = EventTemplate {
                created_at: 1,
                kind: Kind(kind),
                tags: tags.to_vec(),
                content: String::new(),
            };
            assert_eq!(is_for_own_nodes(&draft.by(author), &alice), expected, "{kind} {tags:?}");
        };
        let p = |person: PublicKey| Tag::new(["p", &person.to_string()]);
        check(1, alice, &[], true);
        check(1, bob, &[], false);
        for kind in [1, 7, 1059, 1111] {
            check(kind, bob, &[p(alice)], true);
            check(kind, bob, &[p(carol)], false);
        }
        check(1, bob, &[p(alice), everyone_tag()], true);
        check(1, bob, &[p(carol), everyone_tag()], false);
        check(3, bob, &[p(alice)], false);
        check(5, bob, &[], true);
        check(1018, bob, &[], true);
    }
}
