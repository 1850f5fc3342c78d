//! Text as people see it: invisible characters, where a text may be cut, case folding, and positions in UTF-16 units.
//! Functions that need Unicode tables ask the browser; without one (in tests) the standard library and a few rules
//! stand in.

use std::borrow::Cow;

/// Most characters that a cut moves to the left in order not to split a letter; a longer sequence is no letter.
const LONGEST_LETTER: usize = 40;

/// Whether nothing is drawn for this character: Unicode's `Default_Ignorable_Code_Point`, the blanks, and the one blank
/// that counts as a symbol.
pub fn is_blank(c: char) -> bool {
    is_ignorable(c) || c.is_whitespace() || c.is_control() || c == '\u{2800}'
}

/// Unicode's `Default_Ignorable_Code_Point`: joiners, direction marks, fillers, variation selectors, tags.
const fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether there is anything to see in a text.
pub fn has_visible(text: &str) -> bool {
    text.chars().any(|c| !is_blank(c))
}

/// The text on one line: blanks of every kind joined, what is not seen left out, and no longer than so many characters.
/// Joiners, variation selectors and the tags of a flag stay where they belong to what is before them.
pub fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    let mut gap = false;
    let mut characters = text.chars().peekable();
    let mut former = ' ';
    while let Some(c) = characters.next() {
        let joins = match c {
            // Letters of alphabets without joined forms have no use for them.
            '\u{200c}' | '\u{200d}' => {
                let follows = characters.peek().is_some_and(|next| !next.is_ascii() && !is_blank(*next));
                follows && !former.is_ascii() && (!is_blank(former) || former == '\u{fe0f}')
            }
            '\u{fe0e}' | '\u{fe0f}' => !is_blank(former),
            '\u{e0020}'..='\u{e007f}' => matches!(former, '\u{1f3f4}' | '\u{e0020}'..='\u{e007e}'),
            _ => false,
        };
        if !joins && is_blank(c) {
            gap |= c.is_whitespace()
                || matches!(c, '\u{2800}' | '\u{3164}' | '\u{115f}' | '\u{1160}' | '\u{ffa0}');
            continue;
        }
        if gap && !line.is_empty() {
            line.push(' ');
        }
        (gap, former) = (false, c);
        line.push(c);
    }
    match cut(&line, max) {
        whole if whole.len() == line.len() => line,
        beginning => format!("{}…", beginning.trim_end()),
    }
}

/// At most so many characters from the beginning of a text, cut between two letters as people see them (UAX 29).
pub fn cut(text: &str, max: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(max) else { return text };
    let begin = text.char_indices().nth(max.saturating_sub(LONGEST_LETTER)).map_or(0, |(begin, _)| begin);
    let behind = text.char_indices().nth(max + LONGEST_LETTER).map_or(text.len(), |(behind, _)| behind);
    let (Some(part), true) = (text.get(begin..behind), end > begin) else { return "" };
    let at = begin + letter_begins(part, end - begin);
    // A letter that is longer than any is cut apart all the same.
    text.get(..if at > begin { at } else { end }).unwrap_or(text)
}

/// The beginning of the letter to which the character at this place belongs, in bytes.
#[cfg(target_arch = "wasm32")]
fn letter_begins(text: &str, at: usize) -> usize {
    browser::letter_begins(text, at).unwrap_or_else(|| letter_begins_roughly(text, at))
}

#[cfg(not(target_arch = "wasm32"))]
fn letter_begins(text: &str, at: usize) -> usize {
    letter_begins_roughly(text, at)
}

/// The same by a few rules, where the browser has no segmenter: joiners, selectors, common marks, flags.
fn letter_begins_roughly(text: &str, at: usize) -> usize {
    let is_flag = |c: char| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    let mut begin = at;
    while let Some((before, from)) = text.split_at_checked(begin) {
        let (Some(former), Some(c)) = (before.chars().next_back(), from.chars().next()) else { break };
        let marks = matches!(c, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{1f3fb}'..='\u{1f3ff}');
        let flags = before.chars().rev().take_while(|c| is_flag(*c)).count();
        let continues = marks
            || (is_ignorable(c) && c != '\u{200b}')
            || former == '\u{200d}'
            || (is_flag(c) && flags % 2 == 1);
        if !continues {
            break;
        }
        begin -= former.len_utf8();
    }
    begin
}

/// The text between the marks of Unicode that keep its direction to itself (FSI and PDI). What `one_line` made holds none.
pub fn isolated(text: &str) -> String {
    format!("{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}")
}

/// The parts of a text that holds some of [`isolated`], and whether each is one.
pub fn parts(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let pieces = text.split([FIRST_STRONG_ISOLATE, POP_ISOLATE]).zip([false, true].into_iter().cycle());
    pieces.filter(|(piece, _)| !piece.is_empty())
}

const FIRST_STRONG_ISOLATE: char = '\u{2068}';
const POP_ISOLATE: char = '\u{2069}';

/// The host to which an address of the web leads, as the browser understands it: without what stands before an `@`,
/// and with letters beyond ASCII as punycode.
pub fn host(address: &str) -> String {
    #[cfg(target_arch = "wasm32")]
    if let Some(host) = browser::host(address) {
        return host;
    }
    let authority = authority(address);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned()
}

/// The host of an address that looks like another one: something stands before an `@`, or letters beyond ASCII are in it,
/// which may be those of another script.
pub fn hidden_host(address: &str) -> Option<String> {
    let authority = authority(address);
    (authority.contains(['@', '%']) || !authority.is_ascii()).then(|| host(address))
}

/// The part between scheme and path. Browsers take a backslash for a slash.
fn authority(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '\\', '?', '#']).next().unwrap_or_default()
}

/// The text without differences of case, to be compared: in lower case, upper case, and lower case again, for `ß` and
/// `SS`, `ﬁ` and `FI` are the same word (Unicode, 3.13), and with one sigma, which has another form where a word ends.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            text.to_ascii_lowercase().into()
        } else {
            text.into()
        };
    }
    #[cfg(target_arch = "wasm32")]
    let folded = browser::fold(text);
    #[cfg(not(target_arch = "wasm32"))]
    let folded = text.to_lowercase().to_uppercase().to_lowercase();
    folded.replace('ς', "σ").into()
}

/// The text in lower case, as a hashtag is written into a tag (NIP-24).
pub fn lower(text: &str) -> String {
    #[cfg(target_arch = "wasm32")]
    return browser::lower(text);
    #[cfg(not(target_arch = "wasm32"))]
    return text.to_lowercase();
}

#[cfg(target_arch = "wasm32")]
mod browser {
    use js_sys::{Array, Function, JsString, Reflect};
    use wasm_bindgen::{JsCast, JsValue};

    use super::{bytes_of, units_of};

    fn property(of: &JsValue, name: &str) -> Option<JsValue> {
        Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined())
    }

    /// By `Intl.Segmenter`, where the browser has it.
    pub(super) fn letter_begins(text: &str, at: usize) -> Option<usize> {
        let constructor = property(&property(&js_sys::global(), "Intl")?, "Segmenter")?.dyn_into().ok()?;
        let segmenter = Reflect::construct(&constructor, &Array::new()).ok()?;
        let segments = call(&segmenter, "segment", &text.into())?;
        let letter = call(&segments, "containing", &units_of(text, at).into())?;
        let index = property(&letter, "index")?.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index of a short text"
        )]
        Some(bytes_of(text, index as usize))
    }

    fn call(on: &JsValue, name: &str, argument: &JsValue) -> Option<JsValue> {
        property(on, name)?.dyn_into::<Function>().ok()?.call1(on, argument).ok()
    }

    pub(super) fn host(address: &str) -> Option<String> {
        Some(web_sys::Url::new(address).ok()?.host())
    }

    /// Case and the ways to write one letter (NFC), as the browser has them.
    pub(super) fn fold(text: &str) -> String {
        JsString::from(text).to_lower_case().to_upper_case().to_lower_case().normalize("NFC").into()
    }

    pub(super) fn lower(text: &str) -> String {
        JsString::from(text).to_lower_case().normalize("NFC").into()
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

    #[test]
    fn what_cannot_be_seen_is_no_text() {
        let unseen = "\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\u{200b}\u{2060}\u{2800}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{e0041}\u{e0100} \u{3000}\u{a0}\n";
        for c in unseen.chars() {
            assert!(!has_visible(&c.to_string()), "{:x}", u32::from(c));
        }
        assert!(!has_visible(unseen) && one_line(unseen, 40).is_empty());
        assert!(has_visible("\u{2800}.") && has_visible("字"));
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(one_line(text, 40), expected, "{text:?}");
    }

    #[test]
    fn blanks_of_every_kind_are_joined() {
        check(&format!("Ada{}x", "\u{2800}".repeat(30)), "Ada x");
        check("  Ada \u{3000}\u{3164} L.\n", "Ada L.");
        check("A\u{200b}da\u{202e}\u{ad}", "Ada");
        check("Ada\u{e0041}\u{e0042}", "Ada");
    }

    #[test]
    fn joiners_stay_where_they_join() {
        for whole in ["👨‍👩‍👧‍👦", "🏳️‍🌈", "می‌خواهم", "क्‍ष", "❤️", "1️⃣", "🏴\u{e0067}\u{e0062}\u{e007f}", "👍🏽"]
        {
            check(whole, whole);
        }
        check("A\u{200d}d\u{200c}a\u{200d}", "Ada");
        check("\u{fe0f}\u{200d}字\u{200d}\u{200d}字", "字\u{200d}字");
    }

    #[test]
    fn a_text_is_cut_between_letters() {
        let cut_at = |text: &str, max: usize| cut(text, max).to_owned();
        assert_eq!(cut_at("abc", 3), "abc");
        assert_eq!(cut_at("abcd", 3), "abc");
        assert_eq!(cut_at("ae\u{301}x", 2), "a");
        assert_eq!(cut_at("🇯🇵🇯🇵🇯🇵", 3), "🇯🇵");
        assert_eq!(cut_at("x👨‍👩‍👧‍👦", 4), "x");
        assert_eq!(cut_at("👍🏽👍🏽", 3), "👍🏽");
        // Nobody writes a letter like this one.
        let tower = format!("a{}", "\u{301}".repeat(100));
        assert_eq!(cut(&tower, 60).chars().count(), 60);
        assert_eq!(one_line(&"字".repeat(50), 40).chars().count(), 41);
    }

    #[test]
    fn a_name_is_found_again_in_its_sentence() {
        let text = format!("{} and {} like it", isolated("عادة"), isolated("Ada"));
        let expected = [("عادة", true), (" and ", false), ("Ada", true), (" like it", false)];
        assert!(parts(&text).eq(expected));
        assert!(parts("nobody").eq([("nobody", false)]));
    }

    #[test]
    fn an_address_shows_the_host_that_it_hides() {
        let check = |address: &str, hidden: Option<&str>| {
            assert_eq!(hidden_host(address).as_deref(), hidden, "{address}");
        };
        check("https://bank.example@evil.example/x", Some("evil.example"));
        check("https://bank.example:443@evil.example:8443", Some("evil.example:8443"));
        check("https://bank.example\\@evil.example", None);
        check("https://bank.example/@ada", None);
        check("https://bank.example?@ada#@b", None);
        check("https://b\u{430}nk.example/", Some("b\u{430}nk.example"));
        check("https://bank%2eexample/", Some("bank%2eexample"));
    }

    #[test]
    fn case_is_folded_in_every_script() {
        for (text, folded) in
            [("ЖАННА", "жанна"), ("Élodie", "élodie"), ("Ada", "ada"), ("ada", "ada"), ("字", "字")]
        {
            assert_eq!(fold(text), folded);
        }
        for (one, other) in
            [("Straße", "STRASSE"), ("STRAẞE", "strasse"), ("ﬁn", "FIN"), ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς")]
        {
            assert_eq!(fold(one), fold(other));
        }
        // What is typed so far is in upper case, and ends where no word ends.
        assert!(fold("ὈΔΥΣΣΕΎΣ").starts_with(&*fold("ὈΔΥΣ")));
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
