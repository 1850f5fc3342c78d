//! Who reads a post (kind 1), a comment (1111, NIP-22) or a voice answer (1244): everyone, or the people it names.
//! PROTOCOL.md, "What travels how".
//!
//! Node and page both use this module, so the page shows what the node does.

use std::collections::BTreeSet;

use super::kinds::{Routing, routing};
use crate::{Kind, PublicKey, Tag, UnsignedEvent};

/// Whether a post is for everyone.
///
/// It is when its author says so by a tag, when a node of its author states it, when it names nobody but its author (going
/// on in one's own thread, NIP-10), and when it quotes. Comments and voice answers always answer something, so to quote makes none of them public.
pub fn is_for_everyone(post: &UnsignedEvent) -> bool {
    let author = post.pubkey.to_string();
    let own = name_tags(post).all(|tag| tag.value() == Some(&author));
    own || is_declared_public(post) || (post.kind == Kind::POST && is_quote(post))
}

/// The people whom an event names: in its `p` tags, and if it is a comment or a voice answer also in its `P` tags, which
/// name the author of what the conversation is about (NIP-22).
pub fn named_people(unsigned: &UnsignedEvent) -> BTreeSet<PublicKey> {
    // One by one: to collect brings a sorting of its own into the page.
    let mut people = BTreeSet::new();
    people.extend(name_tags(unsigned).filter_map(|tag| tag.value()?.parse::<PublicKey>().ok()));
    people
}

fn name_tags(unsigned: &UnsignedEvent) -> impl Iterator<Item = &Tag> {
    let comment = COMMENTS.contains(&unsigned.kind);
    unsigned.tags.iter().filter(move |tag| tag.name() == "p" || comment && tag.name() == "P")
}

/// Comments and voice answers (NIP-22, NIP-A0): answers to whatever is no post, or by voice.
pub const COMMENTS: [Kind; 2] = [Kind(1111), Kind(1244)];

/// The tag by which the author of an answer or a mention says that it is for everyone, whomever it names; and the author of
/// a list of relays, whatever addresses it names.
pub fn everyone_tag() -> Tag {
    Tag::new(["audience", "everyone"])
}

/// Whether the author says so; see [`everyone_tag`]. Only the author can: the signature covers the tag.
pub fn says_everyone(post: &UnsignedEvent) -> bool {
    post.tag_values("audience").any(|audience| audience == "everyone")
}

/// Whether an event that would be for the people it names is said to be for everyone: by its author in the event, or by a
/// node of its author behind it ([`PublicStatement`](crate::PublicStatement)).
pub fn is_declared_public(unsigned: &UnsignedEvent) -> bool {
    says_everyone(unsigned) || unsigned.statement.is_some()
}

/// Whether a node may state that an event of its owner is for everyone: a reply, a mention, a comment, a voice answer or a
/// reaction that says nothing of its audience and is not protected (NIP-70).
pub fn may_be_stated(unsigned: &UnsignedEvent) -> bool {
    let travels = matches!(routing(unsigned.kind), Routing::AsConversation | Routing::ToLastNamed);
    travels && !unsigned.has_tag("audience") && !unsigned.has_tag("-")
}

/// Whether a post quotes (`q`, NIP-18) and answers nothing.
///
/// An `e` tag that is neither the quoted event nor marked `mention` makes it a reply, whatever else it quotes.
pub fn is_quote(post: &UnsignedEvent) -> bool {
    let is_cited = |tag: &Tag| {
        tag.elements().get(3).is_some_and(|marker| marker == "mention")
            || tag.value().is_some_and(|id| post.tag_values("q").any(|quoted| quoted == id))
    };
    post.has_tag("q") && post.tags.iter().filter(|tag| tag.name() == "e").all(is_cited)
}

/// The first tag by which an event should name somebody and names nobody: without a value, or with one that is not 64
/// lower-case hex digits.
pub fn nameless_person(unsigned: &UnsignedEvent) -> Option<&Tag> {
    let is_nameless = |tag: &&Tag| tag.value().is_none_or(|key| key.parse::<PublicKey>().is_err());
    name_tags(unsigned).find(is_nameless)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventTemplate;

    const ALICE: PublicKey = PublicKey::from_bytes([0xa1; 32]);
    const BOB: PublicKey = PublicKey::from_bytes([0xb0; 32]);

    fn post(tags: &[&[&str]]) -> UnsignedEvent {
        let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
        EventTemplate { created_at: 1, kind: Kind::POST, tags, content: String::new() }.by(ALICE)
    }

    #[track_caller]
    fn check(tags: &[&[&str]], for_everyone: bool) {
        assert_eq!(is_for_everyone(&post(tags)), for_everyone, "{tags:?}");
    }

    #[test]
    fn a_post_that_names_nobody_but_its_author_is_for_everyone() {
        let (alice, bob) = (ALICE.to_string(), BOB.to_string());
        check(&[], true);
        check(&[&["e", "x", "", "root"], &["p", &alice]], true);
        check(&[&["p", &alice], &["p", &alice]], true);
        check(&[&["p", &bob]], false);
        check(&[&["p", &alice], &["p", &bob]], false);
    }

    #[test]
    fn a_misspelt_name_does_not_make_a_post_public() {
        let alice = ALICE.to_string();
        for misspelt in [&["p"][..], &["p", ""], &["p", "npub1x"], &["p", &alice.to_uppercase()]] {
            check(&[misspelt], false);
            check(&[&["p", &alice], misspelt], false);
        }
    }

    #[test]
    fn a_quote_is_for_everyone_and_a_reply_that_quotes_is_not() {
        let bob = BOB.to_string();
        let p: &[&str] = &["p", &bob];
        check(&[&["q", "x"], p], true);
        check(&[&["q", ""], p], true);
        check(&[&["q", "x"], &["e", "x"], p], true);
        check(&[&["q", "x"], &["e", "y", "", "mention"], p], true);
        check(&[&["q", "x"], &["e", "y"], p], false);
        check(&[&["q", "x"], &["e", "y", "", "reply"], p], false);
        check(&[&["q", "x"], &["e"], p], false);
        check(&[&["q"], &["e"], p], false);
        check(&[&["q", "x"], &["e", "x"], &["e", "y", "", "root"], p], false);
        check(&[&["q", "x"], &["e", "y", "", "reply"]], true);
    }

    #[test]
    fn its_author_can_say_that_an_answer_is_for_everyone_and_no_other_word_does() {
        let bob = BOB.to_string();
        let (e, p): (&[&str], &[&str]) = (&["e", "x", "", "root"], &["p", &bob]);
        check(&[e, p, &["audience", "everyone"]], true);
        check(&[p, &["audience", "friends"], &["audience", "everyone"]], true);
        for other in
            [&["audience"][..], &["audience", ""], &["audience", "Everyone"], &["Audience", "everyone"]]
        {
            check(&[e, p, other], false);
        }
    }

    #[test]
    fn a_comment_is_for_those_it_names_in_either_tag_and_no_quote_makes_it_public() {
        let (alice, bob) = (ALICE.to_string(), BOB.to_string());
        for kind in [Kind(1111), Kind(1244)] {
            let comment = |tags: &[&[&str]]| UnsignedEvent { kind, ..post(tags) };
            let (article, p, root): (&[&str], &[&str], &[&str]) =
                (&["A", "30023:x:y"], &["p", &bob], &["P", &bob]);
            for named in [p, root] {
                let named = comment(&[article, named]);
                assert!(!is_for_everyone(&named), "{kind:?}");
                assert_eq!(named_people(&named), [BOB].into());
            }
            assert!(!is_for_everyone(&comment(&[&["a", "x"], p, &["q", "x"]])), "{kind:?}");
            assert!(is_for_everyone(&comment(&[article, &["p", &alice], &["P", &alice]])), "{kind:?}");
            assert!(is_for_everyone(&comment(&[article, p, root, &["audience", "everyone"]])), "{kind:?}");
        }
        assert!(named_people(&post(&[&["P", &bob]])).is_empty(), "of posts no NIP gives it a meaning");
    }

    #[test]
    fn the_tag_that_names_nobody_is_found() {
        let bob = BOB.to_string();
        assert_eq!(nameless_person(&post(&[&["p", &bob], &["e", "x"]])), None);
        for misspelt in [&["p"][..], &["p", ""], &["p", "zz"], &["p", &bob.to_uppercase()]] {
            assert_eq!(
                nameless_person(&post(&[&["p", &bob], misspelt])).map(Tag::elements),
                Some(Tag::new(misspelt.iter().copied()).elements())
            );
        }
    }
}
