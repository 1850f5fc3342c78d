//! Just enough JSON (RFC 8259) for profiles: reads, changes one field, writes, and keeps the rest as it was.
//!
//! Numbers stay the text that they were. A general library would cost the first load four times as much.

use std::{fmt::Write, ops::Range};

/// Deepest nesting that is read: profiles are flat, and a hostile one must not exhaust the stack.
const MAX_DEPTH: usize = 32;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`, `true`, `false` or a number, as it was written.
    Plain(String),
    /// A text.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, with its fields in their order.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole text; none when it is not JSON.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text };
        let value = reader.value(MAX_DEPTH)?;
        reader.skip_space();
        reader.rest.is_empty().then_some(value)
    }

    /// The text under this name, if this is an object that has one.
    pub fn text(&self, name: &str) -> Option<&str> {
        let Self::Object(fields) = self else { return None };
        // Of doubled names the last counts, as in JavaScript.
        match fields.iter().rev().find(|(other, _)| other == name) {
            Some((_, Self::Text(text))) => Some(text),
            _ => None,
        }
    }

    /// The first text under this name, whatever its case.
    pub fn text_of_any_case(&self, name: &str) -> Option<&str> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find_map(|(other, value)| match value {
            Self::Text(text) if other.eq_ignore_ascii_case(name) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The object under this name, if this is an object that has one.
    pub fn object(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        let found = fields.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value);
        found.filter(|value| matches!(value, Self::Object(_)))
    }

    /// Writes the value without white space.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) {
        match self {
            Self::Plain(text) => out.push_str(text),
            Self::Text(text) => write_text(text, out),
            Self::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    out.push(if index == 0 { '[' } else { ',' });
                    value.write_to(out);
                }
                out.push_str(if values.is_empty() { "[]" } else { "]" });
            }
            Self::Object(fields) => {
                for (index, (name, value)) in fields.iter().enumerate() {
                    out.push(if index == 0 { '{' } else { ',' });
                    write_text(name, out);
                    out.push(':');
                    value.write_to(out);
                }
                out.push_str(if fields.is_empty() { "{}" } else { "}" });
            }
        }
    }
}

/// The object in this text with one field set to a text, and all else byte for byte as it was. What is no object begins
/// anew: nobody could read it.
pub fn with_text(raw: &str, name: &str, text: &str) -> String {
    let mut value = String::new();
    write_text(text, &mut value);
    let spliced = || {
        let place = place_of(raw, name)?;
        let (before, after) = (raw.get(..place.start)?, raw.get(place.end..)?);
        if !place.is_empty() {
            return Some(format!("{before}{value}{after}"));
        }
        let comma =
            if after.trim_start().starts_with('}') && before.trim_end().ends_with('{') { "" } else { "," };
        let mut field = String::new();
        write_text(name, &mut field);
        Some(format!("{before}{comma}{field}:{value}{after}"))
    };
    spliced().unwrap_or_else(|| Json::Object(vec![(name.to_owned(), Json::Text(text.to_owned()))]).write())
}

/// The place of this field's value in an object, or an empty range behind its last field. Of doubled names the last
/// counts.
fn place_of(raw: &str, name: &str) -> Option<Range<usize>> {
    let at = |reader: &Reader<'_>| raw.len() - reader.rest.len();
    let mut reader = Reader { rest: raw };
    let mut found = None;
    if !reader.take("{") {
        return None;
    }
    let mut end = at(&reader);
    reader.list("}", |reader| {
        let other = if reader.take("\"") { reader.text()? } else { return None };
        if !reader.take(":") {
            return None;
        }
        reader.skip_space();
        let start = at(reader);
        reader.value(MAX_DEPTH - 1)?;
        end = at(reader);
        if other == name {
            found = Some(start..end);
        }
        Some(())
    })?;
    reader.skip_space();
    reader.rest.is_empty().then(|| found.unwrap_or(end..end))
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // Writing to a String does not fail.
            c if u32::from(c) < 0x20 => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes this token, after white space, if it comes next.
    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        if self.take("\"") {
            return self.text().map(Json::Text);
        }
        if self.take("[") {
            return self.list("]", |reader| reader.value(depth)).map(Json::Array);
        }
        if self.take("{") {
            return self.list("}", |reader| reader.field(depth)).map(Json::Object);
        }
        for word in ["null", "true", "false"] {
            if self.take(word) {
                return Some(Json::Plain(word.to_owned()));
            }
        }
        self.number().map(|number| Json::Plain(number.to_owned()))
    }

    fn list<T>(&mut self, end: &str, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        if self.take(end) {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if self.take(end) {
                return Some(items);
            }
            if !self.take(",") {
                return None;
            }
        }
    }

    fn field(&mut self, depth: usize) -> Option<(String, Json)> {
        let name = if self.take("\"") { self.text()? } else { return None };
        if self.take(":") { Some((name, self.value(depth)?)) } else { None }
    }

    /// A text whose opening quote is taken.
    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let end = self.rest.find(|c: char| c == '"' || c == '\\' || u32::from(c) < 0x20)?;
            let (plain, rest) = self.rest.split_at_checked(end)?;
            text.push_str(plain);
            if let Some(rest) = rest.strip_prefix('"') {
                self.rest = rest;
                return Some(text);
            }
            self.rest = rest.strip_prefix('\\')?;
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        Some(match letter {
            '"' | '\\' | '/' => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.hex()?;
                // Characters beyond 16 bits are written as two halves; a half alone is no character.
                if (0xd800..0xdc00).contains(&first)
                    && let Some(rest) = self.rest.strip_prefix("\\u")
                {
                    self.rest = rest;
                    let second = self.hex()?;
                    let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    return char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low);
                }
                char::from_u32(first).unwrap_or('\u{fffd}')
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        digits
            .bytes()
            .all(|digit| digit.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    }

    fn number(&mut self) -> Option<&'a str> {
        let end =
            self.rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        is_number(number).then_some(number)
    }
}

/// Whether the text follows the grammar of a JSON number.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text is read exactly when serde_json reads it, and what is written means the same to it.
    #[track_caller]
    fn check(text: &str) {
        let theirs: Option<serde_json::Value> = serde_json::from_str(text).ok();
        let ours = Json::parse(text);
        assert_eq!(ours.is_some(), theirs.is_some(), "{text}");
        let again = ours.map(|ours| serde_json::from_str(&ours.write()).unwrap());
        assert_eq!(again, theirs, "{text}");
    }

    #[test]
    fn it_reads_and_writes_what_serde_json_does() {
        for text in [
            r#"{"name":"Ada","about":"a\nb","n":[1,-0.5,2e3,true,null,{}],"é":"\u00e9\ud83d\ude00\/\b\f\r\t"}"#,
            " [ ] ",
            "{}",
            "[[]]",
            "\"\"",
            "0",
            "-1.5E+7",
            "true",
            "null",
            "",
            " ",
            "{",
            "}",
            "[",
            "[1,]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{a:1}"#,
            "[1 2]",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "--1",
            "nul",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "\"abc",
            "1 1",
            "\u{feff}1",
            "\"\\ud83d\\u0041\"",
        ] {
            check(text);
        }
    }

    #[test]
    fn every_truncation_is_refused_or_read_and_nothing_panics() {
        let text = r#"{"name":"Adä","n":[1,-0.5,true],"o":{"x":"\u00e9\ud83d\ude00"}}"#;
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            check(&text[..end]);
        }
        assert_eq!(Json::parse(&"[".repeat(100_000)), None);
        assert_eq!(Json::parse(&format!("{}{}", "[".repeat(33), "]".repeat(33))), None);
    }

    #[test]
    fn a_field_is_changed_and_the_rest_is_kept_byte_for_byte() {
        #[track_caller]
        fn check(raw: &str, name: &str, text: &str, expected: &str) {
            assert_eq!(with_text(raw, name, text), expected, "{raw}");
            assert_eq!(Json::parse(expected).unwrap().text(name), Some(text));
        }
        let odd = "{ \"name\" : \"a\",\n \"n\":1.50, \"u\":\"\\u00e9\\/\", \"name\":\"b\" }";
        check(odd, "name", "c\"", &odd.replace("\"b\"", "\"c\\\"\""));
        check(odd, "new", "", &odd.replace("\"b\"", "\"b\",\"new\":\"\""));
        check(odd, "n", "x", &odd.replace("1.50", "\"x\""));
        check("{}", "a", "b", r#"{"a":"b"}"#);
        check("{ }", "a", "b", r#"{"a":"b" }"#);
        check(r#"{"x":{"a":1}}"#, "a", "b", r#"{"x":{"a":1},"a":"b"}"#);
        for broken in ["", "[1]", "{\"a\":}", "{} x", "nonsense"] {
            check(broken, "a", "b", r#"{"a":"b"}"#);
        }
    }
}
