//! Who gets an event: the table "What travels how" of PROTOCOL.md.

use std::collections::BTreeSet;

use nostrp2p_protocol::{Kind, PublicKey, Rumor};

/// Who gets an event besides its author's node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Broadcast to all.
    Everyone,
    /// Only these people, in the order of their keys. May be empty when the author named nobody valid.
    People(BTreeSet<PublicKey>),
    /// Whoever got what it deletes; see [`audience_of_deletion`].
    AsTargets,
    /// Nobody: it stays on the author's node.
    Nobody,
    /// It is not even stored: logins and other ephemeral events.
    Unwanted,
}

/// Decides who gets an event.
///
/// A post with `p` tags is a reply or a mention and goes to these people alone, unless it quotes (`q`).
/// A reaction goes to the author of its target: the last `p` tag (NIP-25).
/// Delegations stay on the author's node: they travel inside announcements.
pub fn audience(rumor: &Rumor) -> Audience {
    match rumor.kind {
        kind if kind.is_ephemeral() => Audience::Unwanted,
        Kind::PROFILE | Kind::REPOST => Audience::Everyone,
        Kind::POST if rumor.has_tag("q") || !rumor.has_tag("p") => Audience::Everyone,
        Kind::POST | Kind::GIFT_WRAP => Audience::People(people(rumor).collect()),
        Kind::REACTION => Audience::People(people(rumor).last().into_iter().collect()),
        Kind::DELETION => Audience::AsTargets,
        _ => Audience::Nobody,
    }
}

/// Decides who gets a deletion: everyone if any of its targets was for everyone, otherwise all for whom a target was.
///
/// `targets` are those of its targets that the author's node holds. Of one that it does not hold nobody can say where
/// it went, so a deletion without any stays where it is.
pub fn audience_of_deletion(targets: &[Rumor]) -> Audience {
    let mut people = BTreeSet::new();
    for target in targets {
        match audience(target) {
            Audience::Everyone => return Audience::Everyone,
            Audience::People(some) => people.extend(some),
            Audience::AsTargets | Audience::Nobody | Audience::Unwanted => {}
        }
    }
    if people.is_empty() { Audience::Nobody } else { Audience::People(people) }
}

/// Whether anybody may read an event: it is broadcast, or a follow list, which is served on request.
pub fn is_public(rumor: &Rumor) -> bool {
    rumor.kind == Kind::FOLLOW_LIST || audience(rumor) == Audience::Everyone
}

fn people(rumor: &Rumor) -> impl Iterator<Item = PublicKey> {
    rumor.tag_values("p").filter_map(|value| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{Draft, Tag};

    use super::*;

    const ALICE: PublicKey = PublicKey::from_bytes([0xa1; 32]);
    const BOB: PublicKey = PublicKey::from_bytes([0xb0; 32]);

    #[track_caller]
    fn check(kind: u16, tags: &[(&str, &str)], expected: &Audience) {
        let tags = tags.iter().map(|(name, value)| Tag::new([*name, *value])).collect();
        let draft = Draft { created_at: 1, kind: Kind(kind), tags, content: String::new() };
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
        check(1, &[("p", &bob), ("q", "")], &Audience::Everyone);
        check(3, &[("p", &bob)], &Audience::Nobody);
        check(5, &[("e", &alice)], &Audience::AsTargets);
        check(6, &[("p", &bob)], &Audience::Everyone);
        check(7, &[("p", &alice), ("p", &bob)], &people(&[BOB]));
        check(1059, &[("p", &bob)], &people(&[BOB]));
        check(22242, &[], &Audience::Unwanted);
        check(30023, &[], &Audience::Nobody);
    }

    #[test]
    fn a_deletion_goes_where_its_targets_went() {
        let rumor = |kind: Kind, people: &[PublicKey]| {
            let tags = people.iter().map(|person| Tag::new(["p", &person.to_string()])).collect();
            Draft { created_at: 1, kind, tags, content: String::new() }.by(ALICE)
        };
        let (post, reply) = (rumor(Kind::POST, &[]), rumor(Kind::POST, &[BOB]));
        let (like, list) = (rumor(Kind::REACTION, &[ALICE]), rumor(Kind::FOLLOW_LIST, &[]));
        let check = |targets: &[&Rumor], expected: Audience| {
            let targets: Vec<Rumor> = targets.iter().map(|target| (*target).clone()).collect();
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
    fn a_post_whose_people_are_misspelt_is_not_made_public() {
        check(1, &[("p", "npub1notHex")], &Audience::People(BTreeSet::new()));
        check(1, &[("p", &BOB.to_string().to_uppercase())], &Audience::People(BTreeSet::new()));
    }
}
