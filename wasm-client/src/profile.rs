//! Profiles: the content of kind 0 (NIP-01, NIP-24), read leniently and written without losing what others put in.

use nostrp2p_protocol::PublicKey;
use serde_json::{Map, Value};

/// Longest name that is shown, in characters; longer ones end in an ellipsis.
const MAX_NAME_CHARACTERS: usize = 40;
/// Longest "about" that is kept, in characters.
const MAX_ABOUT_CHARACTERS: usize = 2_000;

/// What a person says about themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// On one line, without control characters; None when there is none.
    pub name: Option<String>,
    /// Some sentences, as written.
    pub about: String,
    /// The content as it came, to build the next one from.
    raw: String,
}

impl Profile {
    /// Reads the content of a kind 0 event. What is not there or not a text is left out.
    pub fn parse(content: &str) -> Self {
        let fields: Map<String, Value> = serde_json::from_str(content).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let name =
            [text("display_name"), text("name")].into_iter().map(one_line).find(|name| !name.is_empty());
        let about = text("about").chars().take(MAX_ABOUT_CHARACTERS).collect();
        Self { name, about, raw: content.to_owned() }
    }

    /// The content of the next kind 0 event: these two fields new, all others as they were.
    pub fn edited(&self, name: &str, about: &str) -> String {
        let mut fields: Map<String, Value> = serde_json::from_str(&self.raw).unwrap_or_default();
        fields.insert("name".to_owned(), name.trim().into());
        if fields.contains_key("display_name") {
            fields.insert("display_name".to_owned(), name.trim().into());
        }
        fields.insert("about".to_owned(), about.trim().into());
        Value::Object(fields).to_string()
    }
}

/// What a person is called: the name of the profile, or the short key.
pub fn display_name(profile: Option<&Profile>, pubkey: &PublicKey) -> String {
    profile.and_then(|profile| profile.name.clone()).unwrap_or_else(|| short_npub(pubkey))
}

/// `npub1abcd…wxyz`.
pub fn short_npub(pubkey: &PublicKey) -> String {
    let npub = pubkey.to_npub();
    let (head, tail) = (npub.get(..9), npub.get(npub.len().saturating_sub(4)..));
    format!("{}…{}", head.unwrap_or_default(), tail.unwrap_or_default())
}

/// The text on one line: control and direction characters out, white space joined, cut at a bound.
fn one_line(text: &str) -> String {
    let visible = |c: &char| !c.is_control() && !is_direction_mark(*c);
    let mut line = String::new();
    let mut characters = 0;
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(visible).take(MAX_NAME_CHARACTERS + 1).collect();
        if word.is_empty() {
            continue;
        }
        if characters > 0 {
            line.push(' ');
            characters += 1;
        }
        characters += word.chars().count();
        line.push_str(&word);
        if characters > MAX_NAME_CHARACTERS {
            return line.chars().take(MAX_NAME_CHARACTERS).chain(['…']).collect();
        }
    }
    line
}

/// Characters that turn the direction of what follows or are not seen at all.
const fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, name: Option<&str>) {
        assert_eq!(Profile::parse(content).name.as_deref(), name, "{content}");
    }

    #[test]
    fn names_are_read_whatever_else_is_there() {
        check(r#"{"name":"Ada"}"#, Some("Ada"));
        check(r#"{"name":"ada","display_name":"Ada L."}"#, Some("Ada L."));
        check(r#"{"name":"ada","display_name":""}"#, Some("ada"));
        check(r#"{"name":7,"about":null}"#, None);
        check(r#"{"name":"  "}"#, None);
        check(r#"["name"]"#, None);
        check("", None);
        check("{", None);
    }

    #[test]
    fn a_hostile_name_stays_a_short_line() {
        check("{\"name\":\"a\\n\\n\\u0007b\\u202ec\"}", Some("a bc"));
        check("{\"name\":\"\\u200b\\u200b\"}", None);
        let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(60_000));
        assert_eq!(Profile::parse(&long).name.map(|name| name.chars().count()), Some(41));
    }

    #[test]
    fn editing_keeps_what_others_put_in() {
        let before = Profile::parse(r#"{"name":"a","picture":"https://x/y.png","bot":false}"#);
        let after = before.edited(" Ada ", "hello");
        assert_eq!(Profile::parse(&after).name.as_deref(), Some("Ada"));
        assert!(
            after.contains(r#""picture":"https://x/y.png""#) && after.contains(r#""bot":false"#),
            "{after}"
        );
        assert!(!after.contains("display_name"));
    }

    #[test]
    fn a_nameless_person_is_called_by_the_short_key() {
        let name = display_name(None, &PublicKey::from_bytes([1; 32]));
        assert!(name.starts_with("npub1") && name.chars().count() == 14, "{name}");
    }
}
