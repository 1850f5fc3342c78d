//! The parts of a post's text: plain text, web links, hashtags, and people and posts by their codes (NIP-19, NIP-21).
//! Markup is not read, except to find the end of a link.

mod link;

use nostrp2p_protocol::{EventId, PublicKey, UnsignedEvent};

use crate::{letters, route::Route};

/// Characters of a folded text that are drawn at most; a long one would cost layout time for nothing.
const FOLDED_CHARACTERS: usize = 2_400;
/// Lines at which a post is folded.
const FOLDED_LINES: usize = 12;
/// Most links of one post that are made active; the rest stays text.
const MAX_LINKS: usize = 50;
/// Longest hashtag in bytes. A guess.
const MAX_HASHTAG_BYTES: usize = 200;

/// One stretch of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// As it is.
    Text(String),
    /// An address that begins with `http://`, `https://` or, for what only other programs can show, `nostr:`.
    Link(String),
    /// A word behind `#`, as it was typed.
    Hashtag(String),
    /// A person.
    Mention(PublicKey),
    /// A post, and who wrote it, if that is said.
    Post(EventId, Option<PublicKey>),
}

/// Splits a text into its stretches. Control characters other than line break and tab are left out, and those that turn
/// the direction of what follows.
pub fn spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    let mut links = 0;
    while links < MAX_LINKS
        && let Some((before, span, after)) = special(rest)
    {
        links += 1;
        push_visible(&mut plain, before);
        if !plain.is_empty() {
            spans.push(Span::Text(std::mem::take(&mut plain)));
        }
        spans.push(span);
        rest = after;
    }
    push_visible(&mut plain, rest);
    if !plain.is_empty() {
        spans.push(Span::Text(plain));
    }
    spans
}

/// The people that a text mentions, at most as many as are made active.
pub fn people(text: &str) -> impl Iterator<Item = PublicKey> {
    let person = |span| if let Span::Mention(person) = span { Some(person) } else { None };
    coded(text).filter_map(person)
}

/// The first post that a text speaks of, and who wrote it, if that is said.
pub fn event(text: &str) -> Option<(EventId, Option<PublicKey>)> {
    coded(text).find_map(|span| if let Span::Post(id, author) = span { Some((id, author)) } else { None })
}

/// The hashtags of a text in lower case, each once, at most as many as are made active.
pub fn hashtags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for span in spans(text) {
        if let Span::Hashtag(tag) = span {
            let tag = letters::lower(&tag);
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    tags
}

/// Whether a post has this hashtag, folded and without `#`: as a tag, as other programs write it too, or in its text.
pub fn is_tagged(unsigned: &UnsignedEvent, tag: &str) -> bool {
    unsigned.tag_values("t").any(|value| letters::fold(value) == tag)
        || hashtags(&unsigned.content).iter().any(|written| written == tag)
}

/// The people and posts named by codes in a text. Most texts have none, and are not read any further.
fn coded(text: &str) -> impl Iterator<Item = Span> {
    has_codes(text).then(|| spans(text)).into_iter().flatten()
}

/// A text without what must not be drawn: see [`spans`].
pub fn visible(text: &str) -> String {
    let mut plain = String::new();
    push_visible(&mut plain, text);
    plain
}

/// Whether a text may name people or posts by their codes.
pub fn has_codes(text: &str) -> bool {
    CODES.iter().any(|code| text.contains(code))
}

fn push_visible(plain: &mut String, text: &str) {
    let seen = |c: &char| !c.is_control() && !link::turns(*c) || matches!(c, '\n' | '\t');
    plain.extend(text.chars().filter(seen));
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

/// How codes begin.
const CODES: [&str; 5] = ["npub1", "nprofile1", "note1", "nevent1", "naddr1"];

/// The first thing in a text that is more than text, with what is before and behind it.
fn special(text: &str) -> Option<(&str, Span, &str)> {
    // Each of them begins with one of these, so nothing else is looked at.
    let begins = |(_, c): &(usize, char)| matches!(c, 'h' | 'H' | '#' | '＃' | 'n');
    let mut boundary = true;
    let mut last = 0;
    for (at, c) in text.char_indices().filter(begins) {
        if let Some(between) = text.get(last..at)
            && let Some(previous) = between.chars().next_back()
        {
            // A code may follow a word of a script without spaces; a hashtag there would be part of it.
            let joined = if matches!(c, '#' | '＃') {
                previous.is_alphanumeric()
            } else {
                previous.is_ascii_alphanumeric()
            };
            boundary = !(joined || "/_#&=.".contains(previous));
        }
        last = at + c.len_utf8();
        let (before, rest) = text.split_at_checked(at)?;
        let found = match c {
            'h' | 'H' => link::read(before, rest),
            '#' | '＃' if boundary => hashtag(rest),
            'n' if boundary => code(rest),
            _ => None,
        };
        boundary = false;
        if let Some((span, length)) = found {
            return Some((before, span, rest.get(length..)?));
        }
    }
    None
}

/// A hashtag: letters, digits and marks of any script behind a cross, which Japanese keyboards type wide, and not digits alone. What is beyond ASCII and no
/// punctuation counts as a letter, because tables of all letters would be large.
fn hashtag(text: &str) -> Option<(Span, usize)> {
    let behind = text.strip_prefix(['#', '＃'])?;
    let foreign = |c: char| !c.is_ascii() && !link::ends(c);
    let within = |c: char| c.is_ascii_alphanumeric() || c == '_' || foreign(c);
    let word = behind.get(..behind.find(|c| !within(c)).unwrap_or(behind.len()))?;
    let fits = word.len() <= MAX_HASHTAG_BYTES && word.chars().any(|c| c.is_ascii_alphabetic() || foreign(c));
    fits.then(|| (Span::Hashtag(word.to_owned()), text.len() - behind.len() + word.len()))
}

/// A person or post by its code, with or without `nostr:`.
fn code(text: &str) -> Option<(Span, usize)> {
    let scheme = if text.starts_with("nostr:") { "nostr:".len() } else { 0 };
    let rest = text.get(scheme..)?;
    CODES.iter().find(|code| rest.starts_with(**code))?;
    let code = rest.get(..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len()))?;
    let span = match Route::from_code(code) {
        Some(Route::Person(person)) => Span::Mention(person),
        Some(Route::Thread(id, author)) => Span::Post(id, author),
        _ if code.starts_with("naddr1") && code.len() > "naddr1".len() + 6 => {
            Span::Link(format!("nostr:{code}"))
        }
        _ => return None,
    };
    Some((span, scheme + code.len()))
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
    fn people_and_posts_are_named_by_code() {
        let person = PublicKey::from_bytes([5; 32]);
        let npub = person.to_npub();
        let id = EventId::from_bytes([6; 32]);
        let mention = Span::Mention(person);
        check(&format!("hi nostr:{npub}!"), &[text("hi "), mention.clone(), text("!")]);
        check(&format!("({npub})"), &[text("("), mention, text(")")]);
        check(&id.to_note(), &[Span::Post(id, None)]);
        check("nostr:npub1xyz npub1xyz", &[text("nostr:npub1xyz npub1xyz")]);
        check(&format!("x{npub}"), &[text(&format!("x{npub}"))]);
        check(&format!("njump.me/{npub}"), &[text(&format!("njump.me/{npub}"))]);
        let page = format!("https://njump.me/{npub}");
        check(&page, &[link(&page)]);
        check("naddr1qqxnzd3c", &[link("nostr:naddr1qqxnzd3c")]);
        assert_eq!(people(&format!("{npub} https://a.example/{npub}")).collect::<Vec<_>>(), [person]);
    }

    #[test]
    fn hashtags_are_words_of_any_script() {
        let tag = |tag: &str| Span::Hashtag(tag.to_owned());
        check("#Nostr, yes", &[tag("Nostr"), text(", yes")]);
        check("(#日本語)と#東京。", &[text("("), tag("日本語"), text(")と#東京。")]);
        check("今日 ＃猫、はい", &[text("今日 "), tag("猫"), text("、はい")]);
        check("#हिन्दी #a_b", &[tag("हिन्दी"), text(" "), tag("a_b")]);
        check("#1 a#b ## #- https://a.example/#x", &[text("#1 a#b ## #- "), link("https://a.example/#x")]);
        assert_eq!(hashtags("#Nostr #nostr #ÄÖ #2026a"), ["nostr", "äö", "2026a"]);
    }

    #[test]
    fn control_characters_are_left_out() {
        check("a\u{0}b\u{7}\tc\r\nd\u{202e}e", &[text("ab\tc\nde")]);
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
