//! What stands in a post's text: plain text, web links, and NIP-21 mentions of people. No markup is read.

use nostrp2p_protocol::{EventId, PublicKey};

use crate::{letters, route::Route};

/// Characters of a folded text that are drawn at most; a long one would cost layout time for nothing.
const FOLDED_CHARACTERS: usize = 2_400;
/// Lines at which a post is folded.
const FOLDED_LINES: usize = 12;
/// Most links of one post that are made active; the rest stays text.
const MAX_LINKS: usize = 50;

/// One stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// As it is.
    Text(String),
    /// An address that begins with `http://` or `https://`.
    Link(String),
    /// A person.
    Mention(PublicKey),
    /// A post, and who wrote it, if that is said.
    Post(EventId, Option<PublicKey>),
}

/// Splits a text into its stretches. Control characters other than line break and tab are left out.
pub fn spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut plain = String::new();
    let mut links = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let found = if links < MAX_LINKS { special(word) } else { None };
        match found {
            Some((before, span, after)) => {
                links += 1;
                push_visible(&mut plain, before);
                if !plain.is_empty() {
                    spans.push(Span::Text(std::mem::take(&mut plain)));
                }
                spans.push(span);
                push_visible(&mut plain, after);
            }
            None => push_visible(&mut plain, word),
        }
    }
    if !plain.is_empty() {
        spans.push(Span::Text(plain));
    }
    spans
}

/// The people that a text mentions, at most as many as are made active.
pub fn people(text: &str) -> impl Iterator<Item = PublicKey> {
    let codes = text.match_indices("nostr:n").take(MAX_LINKS);
    codes.filter_map(|(at, _)| match mention(text.get(at..)?)? {
        (_, Span::Mention(person), _) => Some(person),
        _ => None,
    })
}

/// The first post that a text speaks of, and who wrote it, if that is said.
pub fn event(text: &str) -> Option<(EventId, Option<PublicKey>)> {
    let mut codes = text.match_indices("nostr:n").take(MAX_LINKS);
    codes.find_map(|(at, _)| match mention(text.get(at..)?)? {
        (_, Span::Post(id, author), _) => Some((id, author)),
        _ => None,
    })
}

fn push_visible(plain: &mut String, text: &str) {
    plain.extend(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
}

/// Whether a text is so long that it is folded, where a line holds about this many Latin letters.
pub fn is_long(text: &str, letters_per_line: usize) -> bool {
    lines(text, letters_per_line) > FOLDED_LINES + 1
}

/// The beginning of a long text: as much as can be seen when it is folded.
pub fn beginning(text: &str) -> &str {
    let end = letters::cut(text, FOLDED_CHARACTERS).len();
    let end = text.match_indices('\n').nth(FOLDED_LINES * 2).map_or(end, |(index, _)| end.min(index));
    text.get(..end).unwrap_or(text)
}

/// About how many lines the text fills; wide characters (Japanese and so on) count double.
fn lines(text: &str, letters_per_line: usize) -> usize {
    let width = |line: &str| line.chars().map(|c| if u32::from(c) >= 0x1100 { 2 } else { 1 }).sum::<usize>();
    text.split('\n').map(|line| width(line).div_ceil(letters_per_line.max(1)).max(1)).sum()
}

fn special(word: &str) -> Option<(&str, Span, &str)> {
    link(word).or_else(|| mention(word))
}

fn link(word: &str) -> Option<(&str, Span, &str)> {
    let start = ["https://", "http://"].iter().filter_map(|scheme| word.find(scheme)).min()?;
    let (before, address) = word.split_at_checked(start)?;
    let control = address.find(|c: char| c.is_control() || c.is_whitespace() || "<>\"".contains(c));
    let address = address.get(..control.unwrap_or(address.len()))?;
    // A full stop behind a link ends the sentence; a bracket that was opened before it closes there.
    let trimmed = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '、', '。', '」', '）']);
    let trimmed = if trimmed.contains('(') { trimmed } else { trimmed.trim_end_matches(')') };
    let host = trimmed.split_once("://").map_or("", |(_, rest)| rest);
    if host.is_empty() || host.starts_with('/') {
        return None;
    }
    let after = word.get(before.len() + trimmed.len()..)?;
    Some((before, Span::Link(trimmed.to_owned()), after))
}

fn mention(word: &str) -> Option<(&str, Span, &str)> {
    let start = word.find("nostr:n")?;
    let (before, rest) = word.split_at_checked(start)?;
    let code = rest.strip_prefix("nostr:")?;
    let end = code.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(code.len());
    let (code, after) = code.split_at_checked(end)?;
    let span = match Route::from_code(code)? {
        Route::Person(person) => Span::Mention(person),
        Route::Thread(id, author) => Span::Post(id, author),
        _ => return None,
    };
    Some((before, span, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Span {
        Span::Text(text.to_owned())
    }

    fn link(address: &str) -> Span {
        Span::Link(address.to_owned())
    }

    #[track_caller]
    fn check(input: &str, expected: &[Span]) {
        assert_eq!(spans(input), expected, "{input}");
    }

    #[test]
    fn links_end_where_people_see_their_end() {
        check("a\nb  c", &[text("a\nb  c")]);
        check("see https://x.example/a. Yes", &[text("see "), link("https://x.example/a"), text(". Yes")]);
        check("(http://x.example)", &[text("("), link("http://x.example"), text(")")]);
        check("https://x.example/a_(b)", &[link("https://x.example/a_(b)")]);
        check("これはhttps://x.example。", &[text("これは"), link("https://x.example"), text("。")]);
        check("https:// javascript:alert(1) http:///", &[text("https:// javascript:alert(1) http:///")]);
        check("https://x\"onclick=\"y", &[link("https://x"), text("\"onclick=\"y")]);
    }

    #[test]
    fn people_are_mentioned_by_key() {
        let person = PublicKey::from_bytes([5; 32]);
        let npub = person.to_npub();
        check(&format!("hi nostr:{npub}!"), &[text("hi "), Span::Mention(person), text("!")]);
        check("nostr:npub1xyz", &[text("nostr:npub1xyz")]);
    }

    #[test]
    fn control_characters_are_left_out() {
        check("a\u{0}b\u{7}\tc\r\nd", &[text("ab\tc\nd")]);
    }

    #[test]
    fn links_beyond_the_bound_stay_text() {
        assert_eq!(spans(&"https://x.example ".repeat(1_000)).len(), 2 * MAX_LINKS);
    }

    #[test]
    fn long_texts_are_known_without_layout() {
        assert!(!is_long("short", 40));
        assert!(!is_long(&"line\n".repeat(12), 40));
        assert!(is_long(&"line\n".repeat(14), 40));
        assert!(is_long(&"字".repeat(300), 40) && !is_long(&"x".repeat(300), 40));
        assert_eq!(beginning(&"字".repeat(60_000)).chars().count(), 2_400);
        assert!(beginning(&"\n".repeat(60_000)).len() < 100);
    }
}
