//! Every sentence that people read: in English here, in Japanese in `www/ja.js`, which is loaded only for Japanese.
//!
//! The texts use everyday words: what happened, why, what to do. No kind numbers, no codes. Each file below is one
//! part of the page. A text with a name or a number is a function that fills a template: templates are data, while
//! formatting each sentence by itself would be code, several times as large. A test checks that each text exists in
//! both languages.

use std::sync::OnceLock;

use nostrp2p_protocol::PublicKey;

use crate::locale::Language;

mod keys;
mod people;
mod reading;
mod settings;
mod spoken;
mod surroundings;
mod trouble;
mod welcome;
mod writing;

pub use {keys::*, people::*, reading::*, settings::*, surroundings::*, trouble::*, welcome::*, writing::*};

/// A text: in English, and which one it is in the list of another language.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    en: &'static str,
    place: usize,
}

/// How many texts there are.
pub const COUNT: usize = writing::END;

/// The Japanese texts in their order, once they are loaded. They never change after that.
static JAPANESE: OnceLock<Vec<String>> = OnceLock::new();

/// Takes the Japanese texts in; says whether they are all.
pub fn learn_japanese(texts: Vec<String>) -> bool {
    // A second time they would be the same.
    texts.len() == COUNT && {
        drop(JAPANESE.set(texts));
        true
    }
}

/// Whether the texts of a language are loaded. English always is.
pub fn is_loaded(language: Language) -> bool {
    match language {
        Language::English => true,
        Language::Japanese => japanese().is_some(),
    }
}

/// The Japanese texts, if they were loaded.
#[cfg(target_arch = "wasm32")]
fn japanese() -> Option<&'static Vec<String>> {
    JAPANESE.get()
}

/// The Japanese texts: without a browser they are always there.
#[cfg(not(target_arch = "wasm32"))]
fn japanese() -> Option<&'static Vec<String>> {
    Some(JAPANESE.get_or_init(|| written(JAPANESE_SOURCE).map(|(_, text)| text).collect()))
}

#[cfg(any(test, not(target_arch = "wasm32")))]
const JAPANESE_SOURCE: &str = include_str!("../../www/ja.js");

/// The texts of such a file with their names: lines like `/* NAME */ "text",`.
#[cfg(any(test, not(target_arch = "wasm32")))]
fn written(source: &str) -> impl Iterator<Item = (&str, String)> {
    source.lines().filter_map(|line| {
        let (name, text) = line.trim().strip_prefix("/* ")?.split_once(" */ ")?;
        match crate::json::Json::parse(text.strip_suffix(',')?)? {
            crate::json::Json::Text(text) => Some((name, text)),
            _ => None,
        }
    })
}

impl Words {
    /// The text in this language; in English where that one is not there.
    pub fn say(self, language: Language) -> &'static str {
        let other = match language {
            Language::English => None,
            Language::Japanese => japanese().and_then(|texts| texts.get(self.place)),
        };
        other.map_or(self.en, String::as_str)
    }

    /// The text in this language, with these parts in place of `{0}`, `{1}`, ...
    fn fill(self, language: Language, parts: &[&str]) -> String {
        // Enough from the start: one of the texts holds a key, of which growing would leave copies behind.
        let room = self.say(language).len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut text = String::with_capacity(room);
        for piece in self.say(language).split('{') {
            let place =
                piece.split_once('}').and_then(|(index, rest)| Some((parts.get(digit(index)?)?, rest)));
            match place {
                Some((part, rest)) => {
                    text.push_str(part);
                    text.push_str(rest);
                }
                None => text.push_str(piece),
            }
        }
        text
    }
}

fn digit(text: &str) -> Option<usize> {
    match text.as_bytes() {
        [digit @ b'0'..=b'9'] => Some(usize::from(digit - b'0')),
        _ => None,
    }
}

/// Declares texts in English, which come `after` so many others, and for the tests a table of them.
macro_rules! words {
    (table $table:ident, after $first:expr; $($name:ident: $en:expr;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "names of texts, to count them")]
        #[derive(Clone, Copy)]
        enum TimelineKey { $($name),* }

        /// How many texts there are up to the end of this part.
        pub(super) const END: usize = $first + [$(TimelineKey::$name),*].len();

        $(pub const $name: super::Words = super::Words { en: $en, place: $first + TimelineKey::$name as usize };)*

        #[cfg(test)]
        pub(super) const $table: &[(&str, super::Words)] = &[$((stringify!($name), $name)),*];
    };
}
use words;

/// A count with a thin gap between thousands.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// The alternative text of an avatar pattern.
pub fn avatar_of(pubkey: &PublicKey) -> String {
    pubkey.short()
}

/// Names and examples that are the same in every language.
#[cfg(test)]
pub(crate) const SAME: [&str; 5] =
    ["APP", "NODE_ADDRESS_EXAMPLE", "CLAIM_LINK_EXAMPLE", "PICTURE_EXAMPLE", "NIP05_EXAMPLE"];

/// Every text with its name.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Words)> {
    let parts = [
        KEYS_TABLE,
        PEOPLE_TABLE,
        READING_TABLE,
        SETTINGS_TABLE,
        SURROUNDINGS_TABLE,
        TROUBLE_TABLE,
        WELCOME_TABLE,
        WRITING_TABLE,
    ];
    parts.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::{JAPANESE_SOURCE, Language, SAME, Words, all, count, written};

    fn is_japanese(c: char) -> bool {
        matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
    }

    fn ja(words: Words) -> &'static str {
        words.say(Language::Japanese)
    }

    #[test]
    fn no_text_is_missing_in_either_language() {
        let names: Vec<&str> = all().map(|(name, _)| name).collect();
        let japanese: Vec<&str> = written(JAPANESE_SOURCE).map(|(name, _)| name).collect();
        assert_eq!(names, japanese, "texts and www/ja.js must have the same names in the same order");
        for (name, words) in all() {
            assert!(!words.en.trim().is_empty() && !ja(words).trim().is_empty(), "{name}");
            assert!(!words.en.chars().any(is_japanese), "{name} is not English");
            assert_eq!(ja(words).chars().any(is_japanese), !SAME.contains(&name), "{name} is not Japanese");
        }
        assert!(names.len() > 200);
    }

    #[test]
    fn every_line_of_the_japanese_file_is_a_text_or_a_comment() {
        let others = JAPANESE_SOURCE.lines().filter(|line| !line.trim().starts_with("//"));
        let others: Vec<&str> = others.filter(|line| written(line).next().is_none()).collect();
        assert_eq!(others, ["export default [", "];"]);
    }

    #[test]
    fn both_languages_have_the_same_places_to_fill() {
        for (name, words) in all() {
            for place in ["{0}", "{1}", "{2}"] {
                assert_eq!(words.en.contains(place), ja(words).contains(place), "{place} in {name}");
            }
        }
    }

    #[test]
    fn japanese_ends_sentences_as_japanese_does() {
        for (name, words) in all().filter(|(name, _)| !SAME.contains(name)) {
            let ja = ja(words);
            assert!(!ja.ends_with('.') && !ja.contains(". "), "{name}: {ja}");
            assert!(!words.en.ends_with('.') || ja.ends_with('。'), "{name}: {ja}");
        }
    }

    #[test]
    fn places_are_filled_in_any_order_and_strange_parts_stay_as_they_are() {
        let words = Words { en: "{1} and {0}, {9} {", place: usize::MAX };
        assert_eq!(words.fill(Language::English, &["a", "{0}"]), "{0} and a, 9} ");
        // A text that is in no list is said in English.
        assert_eq!(words.fill(Language::Japanese, &["a", "b"]), "b and a, 9} ");
    }

    #[test]
    fn the_language_is_the_first_that_the_page_speaks() {
        assert_eq!(Language::preferred(["fr-FR", "ja-JP", "en"]), Language::Japanese);
        assert_eq!(Language::preferred(["en-GB", "ja"]), Language::English);
        assert_eq!(Language::preferred(["de", "fr"]), Language::English);
        assert_eq!(Language::preferred([]), Language::English);
        assert_eq!(Language::of_tag("JA"), Some(Language::Japanese));
        assert_eq!(Language::of_tag("jav"), None);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            (count(7), count(1_234), count(1_234_567)),
            ("7".into(), "1\u{202f}234".into(), "1\u{202f}234\u{202f}567".into())
        );
    }
}
