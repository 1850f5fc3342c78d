//! Profiles: the content of kind 0 (NIP-01, NIP-24), read leniently and written without losing what others put in.

use nostrp2p_protocol::PublicKey;

use crate::{json::Json, letters};

/// Longest name that is shown, in characters; longer ones end in an ellipsis.
const MAX_NAME_CHARACTERS: usize = 40;
/// Longest "about" that is kept, in characters.
const MAX_ABOUT_CHARACTERS: usize = 2_000;

/// Longest address of a picture that is loaded.
const MAX_ADDRESS_BYTES: usize = 1_000;

/// The fields that a person can edit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a> {
    /// See [`Profile::name`].
    pub name: &'a str,
    /// See [`Profile::about`].
    pub about: &'a str,
    /// See [`Profile::picture`]; empty for none.
    pub picture: &'a str,
    /// See [`Profile::nip05`]; empty for none.
    pub nip05: &'a str,
}

/// What a person says about themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// On one line, without control characters; None when there is none.
    pub name: Option<String>,
    /// Some sentences, as written.
    pub about: String,
    /// The address of a picture; only of the web, and never loaded without being asked for.
    pub picture: Option<String>,
    /// What the person says is their name by a domain (NIP-05), on one line. Nobody has checked it.
    pub nip05: Option<String>,
    /// The name and the name by a domain without differences of case, to be searched.
    pub folded: [String; 2],
    /// The content as it came, to build the next one from.
    raw: String,
}

impl Profile {
    /// Reads the content of a kind 0 event. What is not there or not a text is left out.
    pub fn parse(content: &str) -> Self {
        let fields = Json::parse(content).unwrap_or(Json::Object(Vec::new()));
        let text = |name: &str| fields.text(name).unwrap_or_default();
        let name =
            [text("display_name"), text("name")].into_iter().map(name_line).find(|name| !name.is_empty());
        let about = letters::cut(text("about"), MAX_ABOUT_CHARACTERS).to_owned();
        let picture = Some(text("picture").trim()).filter(|address| is_address(address)).map(str::to_owned);
        let nip05 = Some(name_line(text("nip05"))).filter(|nip05| !nip05.is_empty());
        let fold = |name: &Option<String>| letters::fold(name.as_deref().unwrap_or_default()).into_owned();
        let folded = [fold(&name), fold(&nip05)];
        Self { name, about, picture, nip05, folded, raw: content.to_owned() }
    }

    /// The content of the next kind 0 event: these fields new, all others as they were.
    pub fn edited(&self, Fields { name, about, picture, nip05 }: Fields<'_>) -> String {
        let mut fields = Json::parse(&self.raw).unwrap_or(Json::Object(Vec::new()));
        fields.set_text("name", name.trim());
        if fields.has("display_name") {
            fields.set_text("display_name", name.trim());
        }
        fields.set_text("about", about.trim());
        let shown = [
            ("picture", picture.trim(), self.picture.as_deref()),
            ("nip05", nip05.trim(), self.nip05.as_deref()),
        ];
        for (field, value, former) in shown {
            // What cannot be shown, such as a picture that is no address, nobody has edited.
            if value != former.unwrap_or_default() {
                fields.set_text(field, value);
            }
        }
        fields.write()
    }
}

/// Whether it is an address of the web that a browser can load.
pub fn is_address(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let clean = |c: char| !letters::is_blank(c);
    text.len() <= MAX_ADDRESS_BYTES && !host.is_empty() && !host.starts_with('/') && host.chars().all(clean)
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

/// A name as it is shown: on one line, without what cannot be seen, cut at a bound.
fn name_line(text: &str) -> String {
    letters::one_line(text, MAX_NAME_CHARACTERS)
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
        let picture = "https://x/y.png";
        let after = before.edited(Fields { name: " Ada ", about: "hello", picture, nip05: "" });
        assert_eq!(Profile::parse(&after).name.as_deref(), Some("Ada"));
        assert!(
            after.contains(r#""picture":"https://x/y.png""#) && after.contains(r#""bot":false"#),
            "{after}"
        );
        assert!(!after.contains("display_name") && !after.contains("nip05"));
        let bare = Profile::parse(&after).edited(Fields { name: "Ada", nip05: "a@b", ..Fields::default() });
        assert_eq!(Profile::parse(&bare).picture, None, "it can be taken away");
        assert_eq!(Profile::parse(&bare).nip05.as_deref(), Some("a@b"));
    }

    #[test]
    fn only_addresses_of_the_web_are_pictures() {
        let picture = |address: &str| Profile::parse(&format!(r#"{{"picture":"{address}"}}"#)).picture;
        assert!(picture("https://x.example/a.png").is_some());
        for bad in ["javascript:alert(1)", "data:image/svg+xml,x", "https://", "http:///x", "https://x y"] {
            assert_eq!(picture(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_nameless_person_is_called_by_the_short_key() {
        let name = display_name(None, &PublicKey::from_bytes([1; 32]));
        assert!(name.starts_with("npub1") && name.chars().count() == 14, "{name}");
    }
}
