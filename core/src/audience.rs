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
    /// Nobody: it stays on the author's node.
    Nobody,
    /// It is not even stored: logins and other ephemeral events.
    Unwanted,
}

/// Decides who gets an event.
///
/// A post with `p` tags is a reply or a mention and goes to these people alone, unless it quotes (`q`).
/// A reaction goes to the author of its target: the last `p` tag (NIP-25).
/// Deletions stay on the author's node so far. So do delegations, which travel inside announcements.
pub fn audience(rumor: &Rumor) -> Audience {
    match rumor.kind {
        kind if kind.is_ephemeral() => Audience::Unwanted,
        Kind::PROFILE | Kind::REPOST => Audience::Everyone,
        Kind::POST if rumor.has_tag("q") || !rumor.has_tag("p") => Audience::Everyone,
        Kind::POST | Kind::GIFT_WRAP => Audience::People(people(rumor).collect()),
        Kind::REACTION => Audience::People(people(rumor).last().into_iter().collect()),
        _ => Audience::Nobody,
    }
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
        check(5, &[("e", &alice)], &Audience::Nobody);
        check(6, &[("p", &bob)], &Audience::Everyone);
        check(7, &[("p", &alice), ("p", &bob)], &people(&[BOB]));
        check(1059, &[("p", &bob)], &people(&[BOB]));
        check(22242, &[], &Audience::Unwanted);
        check(30023, &[], &Audience::Nobody);
    }

    #[test]
    fn a_post_whose_people_are_misspelt_is_not_made_public() {
        check(1, &[("p", "npub1notHex")], &Audience::People(BTreeSet::new()));
        check(1, &[("p", &BOB.to_string().to_uppercase())], &Audience::People(BTreeSet::new()));
    }
}
