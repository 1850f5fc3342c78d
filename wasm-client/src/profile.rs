//! Profiles: the content of kind 0 (NIP-01, NIP-24), read leniently and written without losing what others put in.

use nostrp2p_protocol::PublicKey;

use crate::{
    json::{self, Json},
    letters,
};

/// Longest name that is shown, in characters; longer ones end in an ellipsis.
const MAX_NAME_CHARACTERS: usize = 40;
/// Longest "about" that is kept, in characters.
const MAX_ABOUT_CHARACTERS: usize = 2_000;

/// Longest address of a picture that is loaded.
const MAX_ADDRESS_BYTES: usize = 1_000;

/// A profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// On one line, without control characters; None when there is none.
    pub name: Option<String>,
    /// Some sentences, as written.
    pub about: String,
    /// The address of a picture; only of the web, and never loaded without being asked for.
    pub picture: Option<String>,
    /// The claimed name at a domain (NIP-05), on one line. Nobody has checked it.
    pub nip05: Option<String>,
    /// The name and the name by a domain without differences of case, to be searched.
    pub folded: [String; 2],
    /// The content as it came, to build the next one from.
    raw: String,
}

/// The form for the own profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileForm {
    /// The name, once the person changed it.
    pub name: Option<String>,
    /// The description, once the person changed it.
    pub about: Option<String>,
    /// The address of a picture, once the person changed it.
    pub picture: Option<String>,
    /// The name by a domain (NIP-05), once the person changed it.
    pub nip05: Option<String>,
    /// Whether it is to be published as soon as the present profile is known.
    pub submitted: bool,
    /// Whether a first profile is to be begun although there may be one elsewhere: waits for a yes.
    pub asked: bool,
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

    /// The whole value of this field as it was written; empty when it is no text.
    fn written(&self, field: &str) -> String {
        Json::parse(&self.raw).as_ref().and_then(|fields| fields.text(field)).unwrap_or_default().to_owned()
    }

    /// The field that the name is shown from, which is the one that an edit of it changes.
    fn name_field(&self) -> &'static str {
        if name_line(&self.written("display_name")).is_empty() { "name" } else { "display_name" }
    }

    /// The form's initial content: never shortened, because it is sent back.
    pub fn form(&self) -> ProfileForm {
        let written = |field| Some(self.written(field));
        ProfileForm {
            name: written(self.name_field()),
            about: written("about"),
            picture: written("picture"),
            nip05: written("nip05"),
            ..ProfileForm::default()
        }
    }

    /// The part of `content` that differs from this profile, as form fields.
    pub fn typed(&self, content: &str) -> ProfileForm {
        let next = Self::parse(content);
        let typed = |field| Some(next.written(field)).filter(|text| *text != self.written(field));
        ProfileForm {
            name: typed(self.name_field()),
            about: typed("about"),
            picture: typed("picture"),
            nip05: typed("nip05"),
            ..ProfileForm::default()
        }
    }

    /// The content of the next kind 0 event: what was typed is new, all else is byte for byte as it was. None when what
    /// was typed is what was there.
    pub fn edited(&self, form: &ProfileForm) -> Option<String> {
        let typed = [
            (self.name_field(), &form.name),
            ("about", &form.about),
            ("picture", &form.picture),
            ("nip05", &form.nip05),
        ];
        let mut content = self.raw.clone();
        for (field, text) in typed {
            if let Some(text) = text.as_deref()
                && self.written(field).trim() != text.trim()
            {
                content = json::with_text(&content, field, text.trim());
            }
        }
        (content != self.raw).then_some(content)
    }
}

/// Whether it is an address of the web that a browser can load.
pub fn is_address(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let clean = |c: char| !letters::is_blank(c);
    text.len() <= MAX_ADDRESS_BYTES && !host.is_empty() && !host.starts_with('/') && host.chars().all(clean)
}

/// The displayed name: the name of the profile, or the short key.
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

    #[track_caller]
    fn check_edit(before: &str, form: &ProfileForm, expected: Option<&str>) {
        assert_eq!(Profile::parse(before).edited(form).as_deref(), expected, "{before}");
    }

    fn named(name: &str) -> ProfileForm {
        ProfileForm { name: Some(name.into()), ..ProfileForm::default() }
    }

    #[test]
    fn editing_changes_what_was_typed_and_byte_for_byte_nothing_else() {
        let before = r#"{ "name":"a", "picture":"no address", "bot":false, "nip05":7 }"#;
        check_edit(before, &named(" Ada "), Some(&before.replace(r#""a""#, r#""Ada""#)));
        check_edit(before, &named(" a "), None);
        let emptied = ProfileForm { picture: Some(String::new()), ..ProfileForm::default() };
        check_edit(before, &emptied, Some(&before.replace("no address", "")));
        check_edit("", &named("Ada"), Some(r#"{"name":"Ada"}"#));
        check_edit("", &ProfileForm { about: Some(" ".into()), ..ProfileForm::default() }, None);
    }

    #[test]
    fn what_was_typed_is_known_from_what_came_of_it() {
        let before = r#"{"name":"a","display_name":"Ada","about":"old","nip05":"a@b.example"}"#;
        let typed =
            ProfileForm { name: Some(String::new()), about: Some("new".into()), ..ProfileForm::default() };
        let profile = Profile::parse(before);
        assert_eq!(profile.typed(&profile.edited(&typed).unwrap()), typed);
        assert_eq!(profile.typed(before), ProfileForm::default());
    }

    #[test]
    fn what_is_shown_shortened_is_never_written_back() {
        let (name, about) = ("d".repeat(60), "x".repeat(2_500));
        let before = format!(r#"{{"name":"ada","display_name":"{name}","about":"{about}"}}"#);
        let shown = Profile::parse(&before).form();
        assert_eq!((shown.name.as_ref(), shown.about.as_ref()), (Some(&name), Some(&about)));
        check_edit(&before, &shown, None);
        check_edit(&before, &named("Ada L."), Some(&before.replace(&name, "Ada L.")));
        let short = ProfileForm { about: Some("y".into()), ..ProfileForm::default() };
        check_edit(&before, &short, Some(&before.replace(&about, "y")));
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
