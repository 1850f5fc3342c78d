//! `cargo xtask attack`: attacks real nodes in every way that SECURITY.md names, and prints what each attack
//! achieved.
//!
//! The attacks are tests of nostrp2p-tests (`tests/tests/attack/`). Each reports its result at its end; one that
//! reports none counts as successful.

use crate::{
    command::Build,
    product::ProductTests,
    test::{Suite, nextest},
    workspace::Workspace,
};
use anyhow::Result;
use std::{collections::BTreeMap, process::ExitCode};

/// The attacks of SECURITY.md, in its order, with what each must not achieve.
const ATTACKS: &[(&str, &str)] = &[
    ("forged id", "suppress somebody's event, or be stored"),
    ("replay", "bring back what was deleted, appear twice, sign in"),
    ("oversize", "be stored, cost memory"),
    ("rubbish", "go on without end"),
    ("decompression bomb", "be unpacked"),
    ("claim of another's key", "get that person's mail"),
    ("stolen delegation", "get mail after its end"),
    ("a revoked node that goes on", "get mail after its word was taken back"),
    ("sybils", "get more through than a stranger's budget each"),
    ("invented nodes", "hide honest ones from a newcomer, delay a private reply"),
    ("eclipse", "cut a node off from an honest neighbour"),
    ("spam through relays", "pass the first honest node, or get it blamed"),
    ("amplification", "get bytes without end"),
    ("a private answer made public", "reach anybody else"),
    ("a private answer made public by its recipient", "reach anybody else"),
    ("a statement by another than the author's node", "make anything public"),
    ("questions that read much", "keep the owner waiting, be read for without end"),
    ("large deletions", "keep the owner waiting"),
    ("slow-loris", "keep others out"),
    ("DNS rebinding and cross-site requests", "read from the node, or write to it"),
    ("WebSocket hijack", "open a session"),
    ("a login that is passed on", "open the relay"),
    ("a signed request of another site", "open the REST interface"),
    ("a signed request used again", "serve another body, or twice"),
    ("login brute force", "be let in, or lock the owner out"),
    ("hostile events in the page", "run a script, draw markup, break the page"),
    ("path tricks", "read a file that is not of the page"),
    ("poisoned service-worker update", "replace a file of the page"),
    ("strangers who take a node's circuits", "keep others away from the other nodes of that relay"),
    ("spam over circuits", "get more through than a stranger's budget, take a relay for itself"),
    ("strangers at a helper's door", "keep the owner from coming home, or be led home in another's name"),
    ("hostile mirror", "take anything of what friends have sent to the owner"),
    ("strangers who fill the inbox", "displace what was acknowledged, keep friends out"),
    ("a flood at the inbox", "keep the owner waiting, get more in than an address may"),
    ("a proxy that passes everything on", "get a session"),
    ("hostile links", "lead a page in use to another node"),
    ("another node at the known address", "be logged in to, be taken for the own one"),
    ("a helper that changes what it carries", "change what is said, or have it said twice"),
];

/// How an attack went, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    tried: String,
    got: String,
}

/// The command: ends with failure when any attack got through.
pub fn run(workspace: &Workspace, build: Build) -> Result<ExitCode> {
    let stage = ProductTests::set(workspace, build)?;
    let mut tests = nextest::command(workspace, Suite::Product, &["attack::".to_owned()]);
    stage.describe(workspace, &mut tests);
    let tally = nextest::run(workspace, Suite::Product, tests)?;
    let went = went(&tally.output());
    println!("\n{}", table(&went));
    tally.skips().for_each(|skip| println!("{skip}"));
    let through = ATTACKS.iter().filter(|(name, _)| !went.contains_key(*name)).count();
    println!("{} attacks, {through} got through", ATTACKS.len());
    let fine = tally.failed() == 0 && through == 0;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The lines `attack: name | tried | got`, also where a test runner has put words before them.
fn went(text: &str) -> BTreeMap<String, Held> {
    let read = |line: &str| {
        let (_, line) = line.split_once("attack: ")?;
        let mut parts = line.splitn(3, " | ").map(str::trim);
        let name = parts.next()?.to_owned();
        Some((name, Held { tried: parts.next()?.to_owned(), got: parts.next()?.to_owned() }))
    };
    text.lines().filter_map(read).collect()
}

/// As a table of Markdown, for docs/measurements.md.
fn table(went: &BTreeMap<String, Held>) -> String {
    let mut table = "| attack | tried | must not | got | verdict |\n|---|---|---|---|---|\n".to_owned();
    for (name, must_not) in ATTACKS {
        let (tried, got, verdict) = match went.get(*name) {
            Some(held) => (held.tried.as_str(), held.got.as_str(), "held"),
            None => ("", "what stands above tells", "GOT THROUGH"),
        };
        table.push_str(&format!("| {name} | {tried} | {must_not} | {got} | {verdict} |\n"));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attack_that_says_nothing_got_through() {
        let text = "test a ... attack: replay | a post twice | nothing\nok\nattack: nonsense\n";
        let went = went(text);
        assert_eq!(went.len(), 1);
        let table = table(&went);
        assert!(table.contains(
            "| replay | a post twice | bring back what was deleted, appear twice, sign in | nothing | held |"
        ));
        assert_eq!(table.matches("GOT THROUGH").count(), ATTACKS.len() - 1);
    }

    #[test]
    fn every_attack_has_its_test_and_its_line_in_the_threat_model() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = std::fs::read_dir(root.join("tests/tests/attack")).unwrap();
        let tests: String =
            folder.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        let model = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
        for (name, _) in ATTACKS {
            assert!(tests.contains(&format!("\"{name}\",")), "no test says how `{name}` went");
            assert!(model.contains(&format!("| {name} |")), "SECURITY.md does not name `{name}`");
        }
    }

    #[test]
    fn each_test_that_the_threat_model_names_is_where_it_says() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let model = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
        let (mut file, mut found) = (String::new(), 0);
        for row in model.lines().filter(|line| line.starts_with('|')) {
            // What stands in backticks: a file, and after it the names of its tests.
            for word in row.split('`').skip(1).step_by(2) {
                if word.ends_with(".rs") {
                    file =
                        std::fs::read_to_string(root.join(word)).unwrap_or_else(|_| panic!("{word} is gone"));
                } else if word.contains('_') && !word.contains(' ') {
                    assert!(
                        file.contains(&format!("fn {word}(")),
                        "there is no test {word} in the file before it"
                    );
                    found += 1;
                }
            }
        }
        assert!(found > 60, "only {found} tests are named");
    }
}
