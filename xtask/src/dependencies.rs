//! Checks the dependencies: licences, sources, and how many crates come in several versions.
//!
//! It does not check advisories, because not every machine has their database. `deny.toml` is for cargo-deny, which
//! does.

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Licences that a crate may have; `deny.toml` has the same.
const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that come in several versions, those of tests included: 60 on 2026-11-24, most of them between two generations
/// of cryptography (RustCrypto, rand) that libp2p and the Nostr crates of the tests have not left together.
const MAX_DUPLICATES: usize = 70;

/// Fails with every crate that is not as it should be.
pub fn check(workspace: &Workspace) -> Result<()> {
    let output = workspace.cargo(["metadata", "--locked", "--format-version", "1"]).output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    let violations = violations(&metadata)?;
    violations.iter().for_each(|violation| println!("{violation}"));
    println!(
        "advisories were NOT checked, for their database is not on every machine; where it can be had: cargo deny check advisories"
    );
    if violations.is_empty() {
        Ok(())
    } else {
        bail!("{} things about dependencies are wrong", violations.len())
    }
}

fn violations(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut violations = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        let (name, version) = (package["name"].as_str(), package["version"].as_str());
        let (name, version) = name.zip(version).context("a package has no name or version")?;
        versions.entry(name).or_default().insert(version);
        let Some(source) = package["source"].as_str() else { continue };
        if !source.starts_with("registry+") && !source.starts_with("sparse+") {
            violations.push(format!("{name} {version} comes from {source}, which is no registry"));
        }
        let licence = package["license"].as_str().unwrap_or_default();
        if !allowed(licence) {
            violations.push(format!(
                "{name} {version} has the licence {licence:?}; is that fine? Then add it to LICENCES"
            ));
        }
    }
    let several: Vec<&str> =
        versions.iter().filter(|(_, versions)| versions.len() > 1).map(|(name, _)| *name).collect();
    if several.len() > MAX_DUPLICATES {
        violations.push(format!(
            "{} crates come in several versions, {MAX_DUPLICATES} may: {}",
            several.len(),
            several.join(", ")
        ));
    }
    Ok(violations)
}

/// Whether an SPDX expression (or the old form with slashes) can be met by the licences that are allowed.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    let met = any(&mut words);
    met && words.is_empty()
}

/// `a OR b`; AND binds closer.
fn any(words: &mut &[&str]) -> bool {
    let mut met = all(words);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        met |= all(words);
    }
    met
}

fn all(words: &mut &[&str]) -> bool {
    let mut met = one(words);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= one(words);
    }
    met
}

fn one(words: &mut &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any(words);
            match *words {
                [")", rest @ ..] => *words = rest,
                _ => return false,
            }
            met
        }
        [name, "WITH", exception, rest @ ..] => {
            *words = rest;
            LICENCES.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, rest @ ..] => {
            *words = rest;
            LICENCES.contains(name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_licence_is_allowed_if_its_expression_can_be_met() {
        for fine in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "(MIT OR GPL-3.0-only) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0-only",
        ] {
            assert!(allowed(fine), "{fine}");
        }
        for wrong in [
            "",
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "MIT AND",
            "(MIT",
            "MIT)",
            "GPL-3.0-only WITH LLVM-exception",
        ] {
            assert!(!allowed(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_foreign_source_a_wrong_licence_and_too_many_versions_are_named() {
        let package = |name: &str, version: &str, licence: &str, source: &str| json!({ "name": name, "version": version, "license": licence, "source": source });
        let mut packages = vec![
            package("fine", "1.0.0", "MIT", "registry+x"),
            package("copyleft", "1.0.0", "GPL-3.0-only", "registry+x"),
            package("forked", "1.0.0", "MIT", "git+x"),
            json!({ "name": "own", "version": "0.1.0", "license": null, "source": null }),
        ];
        let found = violations(&json!({ "packages": packages })).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        for number in 0..=MAX_DUPLICATES {
            packages.push(package(&format!("twice-{number}"), "1.0.0", "MIT", "registry+x"));
            packages.push(package(&format!("twice-{number}"), "2.0.0", "MIT", "registry+x"));
        }
        assert_eq!(violations(&json!({ "packages": packages })).unwrap().len(), 3);
    }

    #[test]
    fn what_this_workspace_uses_is_as_it_should_be() {
        check(&Workspace::locate().unwrap()).unwrap();
    }

    #[test]
    fn cargo_deny_allows_the_same() {
        let text =
            std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deny.toml"))
                .unwrap();
        let list = text.split("allow = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
        let theirs: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert_eq!(theirs, LICENCES);
    }
}
