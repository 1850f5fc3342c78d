//! Names at a domain (NIP-05): `ada@example.org` belongs to the key that the domain names.
//!
//! The page asks the domain itself, and only when the person wants it: by NIP-05 each domain allows that to any page
//! (CORS), so the own node needs no way to be sent to addresses that a page names. The domain sees the reader's
//! address.

use nostrp2p_protocol::PublicKey;

use crate::json::Json;

/// Longest name that is looked up, in characters.
const MAX_CHARACTERS: usize = 300;
/// Largest answer that is read, in bytes. A domain may have many names and ignore which one is asked for.
pub const MAX_ANSWER_BYTES: usize = 200_000;

/// A name by a domain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DomainName {
    local: String,
    domain: String,
}

impl DomainName {
    /// Reads `name@domain`, or a domain alone with a dot in it, whose name is `_`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.chars().count() > MAX_CHARACTERS {
            return None;
        }
        let (local, domain) = text.split_once('@').unwrap_or(("_", text));
        let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let host = domain.split_once(':').map_or(domain, |(host, _)| host);
        let port = domain.split_once(':').map(|(_, port)| port);
        let whole = !local.is_empty() && local.chars().all(letter);
        let named = host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
        let fits = whole && host.chars().all(letter) && named && !host.contains("..");
        let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
        (fits && port_fits).then(|| Self { local: local.to_owned(), domain: domain.to_ascii_lowercase() })
    }

    /// Whether the text is meant as a name by a domain: a domain alone could be anything.
    pub fn of_search(text: &str) -> Option<Self> {
        Self::parse(text).filter(|_| text.contains('@'))
    }

    /// The addresses to ask: for the name as it is written, and then for it in lower case, as NIP-05 defines it.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        let lower = self.local.to_ascii_lowercase();
        let lower = (lower != self.local).then_some(lower);
        let ask = |local| format!("https://{}/.well-known/nostr.json?name={local}", self.domain);
        [self.local.clone()].into_iter().chain(lower).map(ask)
    }

    /// As people write it.
    pub fn text(&self) -> String {
        if self.local == "_" { self.domain.clone() } else { format!("{}@{}", self.local, self.domain) }
    }

    /// The domain that is asked.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The person whom the answer names.
    pub fn person(&self, answer: &str) -> Option<PublicKey> {
        let answer = Json::parse(answer)?;
        let names = answer.object("names")?;
        names.text(&self.local).or_else(|| names.text_of_any_case(&self.local))?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_asked_for_at_their_domain() {
        let ada = DomainName::parse(" Ada@Example.org ").unwrap();
        let asked = |name| format!("https://example.org/.well-known/nostr.json?name={name}");
        assert_eq!(ada.addresses().collect::<Vec<_>>(), [asked("Ada"), asked("ada")]);
        assert_eq!((ada.text().as_str(), ada.domain()), ("Ada@example.org", "example.org"));
        let whole = DomainName::parse("example.org").unwrap();
        assert_eq!(whole.addresses().collect::<Vec<_>>(), [asked("_")]);
        assert_eq!(whole.text(), "example.org");
        assert!(DomainName::of_search("example.org").is_none());
        assert!(DomainName::parse("a@127.0.0.1:8443").is_some());
        for bad in [
            "",
            "ada",
            "@x.y",
            "a b@x.y",
            "a@b@c.d",
            "a@x",
            "a@x..y",
            "a@.y",
            "a@x.y:99999",
            "a&b@x.y",
            "a@x.y/z",
        ] {
            assert_eq!(DomainName::parse(bad), None, "{bad}");
        }
        assert_eq!(DomainName::parse(&format!("{}@x.y", "a".repeat(400))), None);
    }

    #[test]
    fn names_are_compared_without_case_and_the_one_written_alike_comes_first() {
        let (one, two) = (PublicKey::from_bytes([7; 32]), PublicKey::from_bytes([8; 32]));
        let answer = format!(r#"{{"names":{{"Eve":"{one}"}}}}"#);
        for name in ["Eve@x.y", "eve@X.y", "EVE@x.y"] {
            assert_eq!(DomainName::parse(name).unwrap().person(&answer), Some(one), "{name}");
        }
        let both = format!(r#"{{"names":{{"Eve":"{one}","eve":"{two}"}}}}"#);
        assert_eq!(DomainName::parse("eve@x.y").unwrap().person(&both), Some(two));
        assert_eq!(DomainName::parse("Eve@x.y").unwrap().person(&both), Some(one));
    }

    #[test]
    fn only_the_name_that_was_asked_for_counts() {
        let person = PublicKey::from_bytes([7; 32]);
        let answer = format!(r#"{{"names":{{"bo":"{}","ada":"{person}"}},"relays":{{}}}}"#, "0".repeat(63));
        let name = |text: &str| DomainName::parse(text).unwrap();
        assert_eq!(name("ada@x.y").person(&answer), Some(person));
        assert_eq!(name("bo@x.y").person(&answer), None);
        for broken in ["", "{}", "[]", r#"{"names":[]}"#, r#"{"names":{"ada":7}}"#] {
            assert_eq!(name("ada@x.y").person(broken), None, "{broken}");
        }
    }
}
