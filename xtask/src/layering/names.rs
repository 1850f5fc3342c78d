//! Each public type name stands once in the workspace, and words that were replaced by standard terms do not come
//! back.

use std::collections::BTreeMap;

use super::sources;
use crate::workspace::Workspace;
use anyhow::Result;

/// Crates whose public types are compared. Tests and tools count: they are read side by side with the rest.
const CRATES: [&str; 12] = [
    "protocol",
    "core",
    "overlay",
    "runtime",
    "bridge",
    "node",
    "wasm-client",
    "wasm-ciphers",
    "fuzz",
    "tests",
    "sim",
    "xtask",
];

/// What each module of the engine may call its own types, so that all of them read alike.
const NOUNS: [&str; 4] = ["State", "Input", "Output", "Config"];

/// Names of types and modules that must not come back, and what is said instead.
const GONE: [(&str, &str); 22] = [
    ("Dice", "SeededRng"),
    ("Rumor", "UnsignedEvent"),
    ("Draft", "EventTemplate"),
    ("Lending", "TunnelServer"),
    ("Ledger", "SyncSet"),
    ("Siblings", "OwnNodes"),
    ("Wanted", "Fetches"),
    ("Happening", "PumpEvent"),
    ("Standing", "NodeStatus"),
    ("Seat", "SlotHandle"),
    ("Outlet", "EventQueue"),
    ("Redial", "Dialer"),
    ("dice", "rng"),
    ("early", "future_events"),
    ("gate", "connection_filter"),
    ("lending", "tunnel"),
    ("outlet", "event_queue"),
    ("places", "connection_slots"),
    ("quiet", "yamux_ping_filter"),
    ("seeking", "node_lookup"),
    ("siblings", "own_nodes"),
    ("threshold", "handshake_limit"),
];

/// A type or module that a file declares.
struct Declared {
    name: String,
    public_type: bool,
}

/// The violations in this work tree, one sentence each.
pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let sources: Result<Vec<_>> = CRATES.iter().map(|name| sources::of_crate(workspace, name)).collect();
    Ok(violations(&sources?.concat()))
}

fn violations(sources: &[(String, String)]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut public: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, text) in sources {
        for Declared { name, public_type } in text.lines().filter_map(declared) {
            if let Some((gone, instead)) = GONE.iter().find(|(gone, _)| *gone == name) {
                violations.push(format!("{path} declares {gone}, which is called {instead} here."));
            }
            if public_type && !NOUNS.contains(&name.as_str()) {
                public.entry(name).or_default().push(path);
            }
        }
    }
    let twice = public.into_iter().filter(|(_, paths)| paths.len() > 1);
    violations.extend(twice.map(|(name, paths)| {
        format!(
            "{name} is a public type more than once, in {}: what differs has another name.",
            paths.join(" and ")
        )
    }));
    violations
}

/// The declaration in a line: `pub struct Name`, or `mod name;` with any visibility.
fn declared(line: &str) -> Option<Declared> {
    let mut words = line.split_whitespace().peekable();
    let public = words.next_if_eq(&"pub").is_some();
    let restricted = !public && words.next_if(|word| word.starts_with("pub(")).is_some();
    while restricted && words.peek().is_some_and(|word| word.ends_with(')')) {
        words.next();
    }
    let what = words.next()?;
    let rest = words.next()?;
    let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let is_type = ["struct", "enum", "trait", "type", "union"].contains(&what);
    ((is_type || what == "mod") && !name.is_empty())
        .then_some(Declared { name, public_type: public && is_type })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        let owned: Vec<_> =
            sources.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        violations(&owned)
    }

    #[test]
    fn a_public_type_stands_once_and_the_four_nouns_of_the_engine_may_stand_often() {
        let one = ("a/src/x.rs", "pub struct Cap<T>(T);\npub enum Input {}\npub(crate) struct Own;\n");
        let other =
            ("b/src/y.rs", "    pub type Cap = u8;\npub struct Input;\npub struct Own;\nstruct Cap;\n");
        let sentence = "Cap is a public type more than once, in a/src/x.rs and b/src/y.rs: what differs has another name.";
        assert_eq!(found(&[one, other]), [sentence]);
        assert!(found(&[one]).is_empty());
    }

    #[test]
    fn a_word_that_has_given_way_is_refused_as_a_type_and_as_a_module_however_visible() {
        let text = "pub(crate) struct Dice(u64);\nmod quiet;\npub(in crate::x) mod gate;\n// mod lending\nlet early = 1;\n";
        let expected = [("Dice", "SeededRng"), ("quiet", "yamux_ping_filter"), ("gate", "connection_filter")]
            .map(|(gone, instead)| format!("a/src/x.rs declares {gone}, which is called {instead} here."));
        assert_eq!(found(&[("a/src/x.rs", text)]), expected);
    }
}
