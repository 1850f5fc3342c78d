//! The mute list (NIP-51) without its people: words, hashtags, conversations and single posts.

use nostrp2p_protocol::{EventId, Tag, UnsignedEvent};

use super::reply;
use crate::{letters, sorted_map::SortedSet};

/// Most words and hashtags that are looked for in each post; a guess. A list may hold more, which have no effect here.
const MAX_WORDS: usize = 500;
/// Longest word in characters that can be muted; a guess.
pub const MAX_WORD: usize = 100;

/// Words, hashtags, conversations and posts of the mute list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Muting {
    words: Vec<String>,
    posts: SortedSet<EventId>,
}

impl Muting {
    /// Of the tags of a mute list.
    pub fn of<'a>(tags: impl Iterator<Item = &'a Tag>) -> Self {
        let mut muting = Self::default();
        for tag in tags {
            let Some(value) = tag.value() else { continue };
            match tag.name() {
                "e" => drop(value.parse().map(|id| muting.posts.insert(id))),
                "word" | "t" if muting.words.len() < MAX_WORDS && letters::has_visible(value) => {
                    muting.words.push(letters::lower(value));
                }
                _ => {}
            }
        }
        muting
    }

    /// Whether nothing is muted.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.posts.is_empty()
    }

    /// The conversations and posts.
    pub fn posts(&self) -> impl Iterator<Item = &EventId> {
        self.posts.iter()
    }

    /// The words and hashtags, in lower case.
    pub fn words(&self) -> impl Iterator<Item = &String> {
        self.words.iter()
    }

    /// Whether a post is muted: by itself, with its conversation, with what it answers, or for a word in it.
    pub fn mutes(&self, id: &EventId, unsigned: &UnsignedEvent) -> bool {
        let named = |id: Option<EventId>| id.is_some_and(|id| self.posts.contains(&id));
        named(Some(*id))
            || named(reply::root(unsigned))
            || named(reply::target(unsigned))
            || self.has_word(unsigned)
    }

    fn has_word(&self, unsigned: &UnsignedEvent) -> bool {
        if self.words.is_empty() {
            return false;
        }
        let text = letters::lower(&unsigned.content);
        let is_tag = |word: &String| unsigned.tag_values("t").any(|tag| letters::lower(tag) == *word);
        self.words.iter().any(|word| stands_in(&text, word) || is_tag(word))
    }
}

/// Whether a word stands in a text: of letters that words are made of with blanks between them, not as a part of a
/// longer word. Both in lower case.
fn stands_in(text: &str, word: &str) -> bool {
    let joins =
        |one: Option<char>, next: Option<char>| one.is_some_and(is_spaced) && next.is_some_and(is_spaced);
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + word.len()..).and_then(|behind| behind.chars().next());
        !joins(before, word.chars().next()) && !joins(word.chars().next_back(), behind)
    })
}

/// Latin, Greek and Cyrillic letters, and digits.
const fn is_spaced(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{52f}')
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Kind, PublicKey};

    use super::*;

    fn post(tags: Vec<Tag>, content: &str) -> UnsignedEvent {
        EventTemplate { created_at: 7, kind: Kind::POST, tags, content: content.into() }
            .by(PublicKey::from_bytes([1; 32]))
    }

    #[track_caller]
    fn check(muted: Tag, unsigned: &UnsignedEvent, expected: bool) {
        assert_eq!(Muting::of([muted].iter()).mutes(&unsigned.id(), unsigned), expected);
    }

    #[test]
    fn a_word_is_found_as_a_word_whatever_its_case() {
        for (word, text, expected) in [
            ("art", "Modern ART, today", true),
            ("art", "a new start", false),
            ("art", "party", false),
            ("пир", "Пир горой", true),
            ("пир", "вампир", false),
            ("ネタバレ", "これはネタバレです", true),
            ("two words", "not two words", true),
            ("#rust", "I like #rust", true),
            ("", "anything", false),
            (" ", "any thing", false),
        ] {
            check(Tag::new(["word", word]), &post(vec![], text), expected);
        }
        check(Tag::new(["t", "Rust"]), &post(vec![Tag::new(["t", "rust"])], "x"), true);
        check(Tag::new(["word"]), &post(vec![], "x"), false);
    }

    #[test]
    fn a_conversation_is_muted_with_all_that_answers_in_it_and_a_post_alone_with_its_answers() {
        let e = |id: &EventId, marker: &str| Tag::new(["e", &id.to_string(), "", marker]);
        let root = post(vec![], "root");
        let answer = post(vec![e(&root.id(), "root")], "answer");
        let below = post(vec![e(&root.id(), "root"), e(&answer.id(), "reply")], "below");
        let beside = post(vec![e(&root.id(), "root"), Tag::new(["x"])], "beside");
        let muted = |id: &EventId| Tag::new(["e", &id.to_string()]);
        for (unsigned, by_root, by_answer) in
            [(&root, true, false), (&answer, true, true), (&below, true, true), (&beside, true, false)]
        {
            check(muted(&root.id()), unsigned, by_root);
            check(muted(&answer.id()), unsigned, by_answer);
        }
    }
}
