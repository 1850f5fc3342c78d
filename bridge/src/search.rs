//! Search (NIP-50): which events contain all of some words, in any language.
//!
//! A word is looked for anywhere in the text, also inside of other words, because many languages (Japanese, Chinese,
//! Thai) put no spaces between them. Upper and lower case are the same, and so are the compatibility forms of Unicode
//! (NFKC): full-width letters, half-width katakana, ligatures.
//! A word behind `#` is a hashtag: the event has it as a `t` tag (NIP-24), or the text has it and no longer one.
//! It deliberately does not rank: what matches comes in the order of any other answer, the newest first.

use nostrp2p_protocol::{Kind, UnsignedEvent, limits::MAX_TEXT_BYTES};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// Most words of a search; each is looked for in every event that is looked at.
pub const MAX_WORDS: usize = 20;
/// Tags whose values are searched besides the content: what people see of articles, files, groups.
const SEARCHED_TAGS: [&str; 6] = ["title", "subject", "summary", "name", "alt", "t"];
/// Fields of a profile that are searched. Its content is JSON, in which letters may be escaped.
const PROFILE_FIELDS: [&str; 5] = ["name", "display_name", "about", "nip05", "website"];

/// The words that must all occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    words: Vec<String>,
    /// Without `#`.
    hashtags: Vec<String>,
    bytes: usize,
}

/// Why a search is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSearch {
    /// More than `MAX_WORDS`.
    #[error("a search has more than {MAX_WORDS} words")]
    Words,
    /// Longer than `MAX_TEXT_BYTES`.
    #[error("a search is longer than {MAX_TEXT_BYTES} bytes")]
    Bytes,
}

impl Search {
    /// Takes what a person typed. The extensions of NIP-50, such as `language:en`, are passed over; anything else with a
    /// colon in it is a word: `std::vec`, `nostr:npub1...`, `urn:isbn:...`.
    pub fn new(text: &str) -> Self {
        // What is too long is refused later; nothing is computed for it.
        let taken = if text.len() <= MAX_TEXT_BYTES { text } else { "" };
        let (mut words, mut hashtags) = (Vec::new(), Vec::new());
        for word in folded(taken).split_whitespace().filter(|word| !is_extension(word)) {
            match word.strip_prefix('#').filter(|tag| is_hashtag(tag)) {
                Some(tag) => hashtags.push(tag.to_owned()),
                None => words.push(word.to_owned()),
            }
        }
        Self { words, hashtags, bytes: text.len() }
    }

    /// Whether all words occur in an event. A search without words finds nothing.
    pub fn matches(&self, unsigned: &UnsignedEvent) -> bool {
        if self.words.is_empty() && self.hashtags.is_empty() {
            return false;
        }
        let text = searched(unsigned);
        let tagged = |tag: &String| unsigned.tag_values("t").any(|value| folded(value) == *tag);
        self.words.iter().all(|word| text.contains(word.as_str()))
            && self.hashtags.iter().all(|tag| tagged(tag) || has_hashtag(&text, tag))
    }

    pub(crate) fn check_shape(&self) -> Result<(), InvalidSearch> {
        if self.bytes > MAX_TEXT_BYTES {
            return Err(InvalidSearch::Bytes);
        }
        if self.words.len() + self.hashtags.len() > MAX_WORDS {
            return Err(InvalidSearch::Words);
        }
        Ok(())
    }
}

/// Whether it is one of the extensions that NIP-50 names, with a value that such a one can have.
fn is_extension(word: &str) -> bool {
    let Some((key, value)) = word.split_once(':') else { return false };
    match key {
        "include" => value == "spam",
        "domain" => value.contains('.') && !value.contains([':', '/']),
        "language" => value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_lowercase()),
        "sentiment" => matches!(value, "negative" | "neutral" | "positive"),
        "nsfw" => matches!(value, "true" | "false"),
        _ => false,
    }
}

/// Whether it can be a hashtag: one word, and not digits alone.
fn is_hashtag(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_of_hashtag) && word.chars().any(|letter| !letter.is_numeric())
}

/// Whether a character goes on with a hashtag. Marks of a script are part of its words.
fn is_of_hashtag(letter: char) -> bool {
    letter.is_alphanumeric()
        || letter == '_'
        || !letter.is_ascii() && !letter.is_whitespace() && !is_end(letter)
}

/// Punctuation of other scripts that ends a hashtag, in the forms that folding leaves.
const fn is_end(letter: char) -> bool {
    matches!(letter, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{30fb}' | '،' | '؛' | '؟' | '।' | '॥' | '«' | '»' | '¿' | '¡')
}

/// Whether a folded text has this hashtag, and not only one that begins like it.
fn has_hashtag(text: &str, tag: &str) -> bool {
    text.match_indices('#').any(|(at, cross)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let rest = text.get(at + cross.len()..).and_then(|rest| rest.strip_prefix(tag));
        !before.is_some_and(char::is_alphanumeric)
            && rest.is_some_and(|rest| !rest.starts_with(is_of_hashtag))
    })
}

/// The text of an event in which words are looked for.
fn searched(unsigned: &UnsignedEvent) -> String {
    let mut text = match unsigned.kind {
        Kind::PROFILE => folded(&profile_text(&unsigned.content)),
        _ => folded(&unsigned.content),
    };
    for name in SEARCHED_TAGS {
        for value in unsigned.tag_values(name) {
            text.push('\n');
            text.push_str(&folded(value));
        }
    }
    text
}

fn profile_text(content: &str) -> String {
    let Ok(serde_json::Value::Object(profile)) = serde_json::from_str(content) else {
        return content.to_owned();
    };
    let fields = PROFILE_FIELDS.iter().filter_map(|field| profile.get(*field)?.as_str());
    fields.collect::<Vec<_>>().join("\n")
}

fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Most texts are in that form already, which is quicker seen than made.
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        return text.chars().flat_map(char::to_lowercase).collect();
    }
    text.nfkc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, PublicKey, Tag};

    use super::*;

    fn unsigned(kind: u16, content: &str, tags: Vec<Tag>) -> UnsignedEvent {
        let draft = EventTemplate { created_at: 1, kind: Kind(kind), tags, content: content.into() };
        draft.by(PublicKey::from_bytes([1; 32]))
    }

    #[track_caller]
    fn check(content: &str, search: &str, expected: bool) {
        assert_eq!(
            Search::new(search).matches(&unsigned(1, content, vec![])),
            expected,
            "{search} in {content}"
        );
    }

    #[test]
    fn words_are_found_in_any_language_and_in_any_case() {
        check("Hello Nostr", "nostr HELLO", true);
        check("Hello Nostr", "nostr bye", false);
        check("今日は東京で雨が降っています", "東京 雨", true);
        check("今日は東京で雨が降っています", "大阪", false);
        check("ｶﾀｶﾅとＡＢＣ", "カタカナ abc", true);
        check("ΣΊΣΥΦΟΣ и МИР", "мир", true);
        check("สวัสดีชาวโลก", "ชาวโลก", true);
        check("naïve", "NAÏVE", true);
    }

    #[test]
    fn the_extensions_of_nip_50_are_passed_over_and_anything_else_is_a_word() {
        check("hello", "hello language:en include:spam domain:x.example sentiment:neutral nsfw:false", true);
        check("see https://a.example/x", "https://a.example", true);
        for word in [
            "https://a.example",
            "std::vec",
            "nostr:npub1xyz",
            "mailto:a@b",
            "urn:isbn:9780131103627",
            "re:cats",
            "12:30",
            "language:english",
            "nsfw:no",
            "include:all",
            "domain:a",
        ] {
            check("hello", word, false);
            check(&format!("hello {word}"), word, true);
        }
    }

    #[test]
    fn a_search_without_words_finds_nothing() {
        for search in ["", " ", "language:en", "include:spam nsfw:true"] {
            check("anything", search, false);
        }
    }

    #[test]
    fn profiles_are_searched_by_what_they_say_and_articles_by_their_titles() {
        let profile =
            unsigned(0, r#"{"name":"\u592a\u90ce","picture":"https://x.example/rust.png"}"#, vec![]);
        assert!(Search::new("太郎").matches(&profile));
        assert!(
            !Search::new("rust").matches(&profile),
            "an address of a picture is nothing that people read"
        );
        let article = unsigned(30_023, "text", vec![Tag::new(["title", "On Rust"])]);
        assert!(Search::new("rust text").matches(&article));
    }

    #[test]
    fn searches_are_bounded() {
        assert_eq!(Search::new(&"x ".repeat(MAX_WORDS)).check_shape(), Ok(()));
        assert_eq!(Search::new(&"x ".repeat(MAX_WORDS + 1)).check_shape(), Err(InvalidSearch::Words));
        assert_eq!(Search::new(&"x".repeat(MAX_TEXT_BYTES + 1)).check_shape(), Err(InvalidSearch::Bytes));
    }

    #[test]
    fn a_hashtag_is_found_by_its_tag_and_in_texts_and_no_longer_one_is() {
        let found = |search: &str, content: &str, tags: &[&str]| {
            let tags = tags.iter().map(|tag| Tag::new(["t", *tag])).collect();
            Search::new(search).matches(&unsigned(1, content, tags))
        };
        for (search, content, tags) in [
            ("#nostr", "no word of it", &["nostr"] as &[&str]),
            ("#Nostr", "", &["NOSTR"]),
            ("#nostr", "of #Nostr, it is", &[]),
            ("＃ノストル", "#ノストル。", &[]),
            ("#नोस्त्र", "यह #नोस्त्र है", &[]),
            ("#köln", "#KÖLN", &[]),
            ("#2026a", "", &["2026a"]),
            ("#nostr relays", "of relays", &["nostr"]),
            ("#1", "we are #1", &[]),
        ] {
            assert!(found(search, content, tags), "{search} in {content} {tags:?}");
        }
        for (search, content, tags) in [
            ("#art", "we start", &["artist"] as &[&str]),
            ("#art", "an #artist", &[]),
            ("#art", "art", &[]),
            ("#art", "x#art", &[]),
            ("#art music", "", &["art"]),
            ("#", "x", &[]),
        ] {
            assert!(!found(search, content, tags), "{search} in {content} {tags:?}");
        }
    }
}
