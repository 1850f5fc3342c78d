//! Mentions while somebody writes: `@na` is completed to a person, and what stands as `@name` in the composer becomes
//! `nostr:npub1...` in the post (NIP-27).

use nostrp2p_protocol::PublicKey;

use super::Model;

/// Most people that are offered.
const MAX_OFFERED: usize = 6;
/// Most people whose names are remembered for the composer; beyond it the oldest go.
const MAX_MENTIONS: usize = 50;
/// Most characters behind the `@` that are taken for the beginning of a name.
const MAX_WORD: usize = 40;

/// Whom the composer names: each name as it stands in the text, and who is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions(Vec<(String, PublicKey)>);

/// A name that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// Where its `@` stands, in bytes.
    start: usize,
    /// What follows the `@`.
    word: String,
    /// Which of those that are offered is chosen.
    pub chosen: usize,
}

/// The name that is being written before the caret, which is given in bytes.
pub fn completion(text: &str, caret: usize) -> Option<Completion> {
    let before = text.get(..caret)?;
    let start = before.rfind('@')?;
    let word = before.get(start + 1..)?;
    let begins = before.get(..start)?.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '@');
    let fits = !word.contains(char::is_whitespace) && word.chars().count() <= MAX_WORD;
    (begins && fits).then(|| Completion { start, word: word.to_owned(), chosen: 0 })
}

/// The people that are offered: those one follows first.
pub fn offered(model: &Model, completion: &Completion) -> Vec<PublicKey> {
    let wanted = completion.word.to_ascii_lowercase();
    let fits = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.split_whitespace().any(|word| word.starts_with(&wanted))
    };
    let known = model.people.all().filter(|(person, profile)| {
        model.me.as_ref() != Some(person)
            && !model.lists.mutes(person)
            && profile.name.as_deref().is_some_and(fits)
    });
    let (mut followed, mut others) = (Vec::new(), Vec::new());
    for (person, _) in known {
        if model.lists.follows(person) { followed.push(*person) } else { others.push(*person) }
    }
    followed.extend(others);
    followed.truncate(MAX_OFFERED);
    followed
}

impl Completion {
    /// The text with the name of this person in place of what was begun, and where the caret is then, in bytes.
    pub fn complete(&self, text: &str, name: &str) -> (String, usize) {
        let before = text.get(..self.start).unwrap_or_default();
        let after = text.get(self.start + 1 + self.word.len()..).unwrap_or_default();
        let space = if after.starts_with(char::is_whitespace) { "" } else { " " };
        let head = format!("{before}@{name}{space}");
        let caret = head.len() + usize::from(space.is_empty());
        (head + after, caret)
    }
}

impl Mentions {
    /// Remembers who is meant by this name.
    pub fn add(&mut self, name: String, person: PublicKey) {
        self.0.retain(|(other, _)| *other != name);
        if self.0.len() >= MAX_MENTIONS {
            self.0.remove(0);
        }
        self.0.push((name, person));
    }

    /// The text as it is published, and the people in it, each once.
    pub fn resolve(&self, text: &str) -> (String, Vec<PublicKey>) {
        let (mut resolved, mut people) = (String::with_capacity(text.len()), Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find('@') {
            let (before, from) = rest.split_at(at);
            resolved.push_str(before);
            match self.named(from) {
                Some((name, person)) => {
                    resolved.push_str("nostr:");
                    resolved.push_str(&person.to_npub());
                    if !people.contains(person) {
                        people.push(*person);
                    }
                    rest = from.get(1 + name.len()..).unwrap_or_default();
                }
                None => {
                    resolved.push('@');
                    rest = from.get(1..).unwrap_or_default();
                }
            }
        }
        resolved.push_str(rest);
        (resolved, people)
    }

    /// The longest name that stands behind this `@`.
    fn named(&self, text: &str) -> Option<&(String, PublicKey)> {
        let stands = |name: &str| {
            let after = text.get(1..).and_then(|text| text.strip_prefix(name));
            after.is_some_and(|after| !after.chars().next().is_some_and(|c| c.is_ascii_alphanumeric()))
        };
        self.0.iter().filter(|(name, _)| stands(name)).max_by_key(|(name, _)| name.len())
    }

    /// As a text to be stored: a line for each.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (name, person) in &self.0 {
            text.push_str(&person.to_string());
            text.push(' ');
            text.push_str(name);
            text.push('\n');
        }
        text
    }

    /// Reads [`Mentions::to_text`]; what does not read is left out.
    pub fn parse(text: &str) -> Self {
        let mut mentions = Self::default();
        for line in text.lines() {
            if let Some((person, name)) = line.split_once(' ')
                && let Ok(person) = person.parse()
            {
                mentions.add(name.to_owned(), person);
            }
        }
        mentions
    }
}

/// A place in a text as the browser counts it, in UTF-16 units, counted in bytes.
pub fn bytes_of(text: &str, units: usize) -> usize {
    let mut counted = 0;
    for (index, c) in text.char_indices() {
        if counted >= units {
            return index;
        }
        counted += c.len_utf16();
    }
    text.len()
}

/// A place in a text in bytes, as the browser counts it.
pub fn units_of(text: &str, bytes: usize) -> u32 {
    let before = text.get(..bytes).unwrap_or(text);
    u32::try_from(before.chars().map(char::len_utf16).sum::<usize>()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: PublicKey = PublicKey::from_bytes([1; 32]);
    const ADA_L: PublicKey = PublicKey::from_bytes([2; 32]);

    #[test]
    fn a_name_is_completed_where_the_caret_stands() {
        let text = "hi @ad and you";
        let found = completion(text, 6).unwrap();
        assert_eq!(found.complete(text, "Ada L."), ("hi @Ada L. and you".to_owned(), 11));
        assert_eq!(found.complete("hi @ad", "Ada").0, "hi @Ada ");
        for (text, caret) in [("a@b", 3), ("hi @ad x", 8), ("hi", 2), ("@@a", 3), ("é@", 1)] {
            assert_eq!(completion(text, caret), None, "{text}");
        }
        assert_eq!(completion("(@字", 5).map(|found| found.word), Some("字".to_owned()));
    }

    #[test]
    fn names_become_keys_and_the_longest_one_counts() {
        let mut mentions = Mentions::default();
        mentions.add("Ada".into(), ADA);
        mentions.add("Ada L.".into(), ADA_L);
        let (text, people) = mentions.resolve("@Ada L., @Ada! @Adam @ada a@b @Ada");
        let (ada, ada_l) = (ADA.to_npub(), ADA_L.to_npub());
        assert_eq!(text, format!("nostr:{ada_l}, nostr:{ada}! @Adam @ada a@b nostr:{ada}"));
        assert_eq!(people, [ADA_L, ADA]);
        assert_eq!(Mentions::parse(&mentions.to_text()), mentions);
        assert_eq!(Mentions::parse("x y\n\nz"), Mentions::default());
    }

    #[test]
    fn places_are_counted_as_the_browser_does() {
        let text = "a字😀b";
        for (units, bytes) in [(0, 0), (1, 1), (2, 4), (4, 8), (5, 9), (9, 9)] {
            assert_eq!(bytes_of(text, units), bytes);
            assert_eq!(units_of(text, bytes) as usize, units.min(5));
        }
    }
}
