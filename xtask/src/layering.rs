//! Checks three rules: which crate may import which (ARCHITECTURE.md, "The parts and what they may import"), that
//! modules do not import each other in a circle, and names.

mod circles;
mod names;
mod sources;

use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A crate of the workspace and the crates of the workspace that it may import.
struct Rule {
    package: &'static str,
    may_import: &'static [&'static str],
}

const RULES: [Rule; 12] = [
    Rule { package: "nostrp2p-protocol", may_import: &[] },
    Rule { package: "nostrp2p-core", may_import: &["nostrp2p-protocol"] },
    Rule { package: "nostrp2p-overlay", may_import: &["nostrp2p-protocol"] },
    // The overlay only as one of its networks, and only where somebody asks for it.
    Rule {
        package: "nostrp2p-runtime",
        may_import: &["nostrp2p-protocol", "nostrp2p-core", "nostrp2p-overlay"],
    },
    Rule { package: "nostrp2p-bridge", may_import: &["nostrp2p-protocol", "nostrp2p-core"] },
    Rule {
        package: "nostrp2p-node",
        may_import: &[
            "nostrp2p-protocol",
            "nostrp2p-core",
            "nostrp2p-overlay",
            "nostrp2p-runtime",
            "nostrp2p-bridge",
        ],
    },
    Rule { package: "nostrp2p-wasm-client", may_import: &["nostrp2p-protocol"] },
    Rule { package: "nostrp2p-wasm-ciphers", may_import: &["nostrp2p-protocol"] },
    // Every decoder there is, and nothing else of those parts.
    Rule {
        package: "nostrp2p-fuzz",
        may_import: &[
            "nostrp2p-protocol",
            "nostrp2p-core",
            "nostrp2p-bridge",
            "nostrp2p-overlay",
            "nostrp2p-node",
        ],
    },
    // Tests look at every part; the real binaries they run are no dependency.
    Rule {
        package: "nostrp2p-tests",
        may_import: &["nostrp2p-protocol", "nostrp2p-core", "nostrp2p-overlay", "nostrp2p-bridge"],
    },
    // Real overlays, engines and pumps, without the program around them.
    Rule {
        package: "nostrp2p-sim",
        may_import: &["nostrp2p-protocol", "nostrp2p-core", "nostrp2p-overlay", "nostrp2p-runtime"],
    },
    Rule { package: "nostrp2p-xtask", may_import: &[] },
];

/// Crates from outside that only some may import, in any kind of dependency: what they are, who may, and why.
struct Confined {
    matches: fn(&str) -> bool,
    only: fn(&str) -> bool,
    reason: &'static str,
}

const CONFINED: [Confined; 2] = [
    Confined {
        matches: |name| name == "libp2p" || name.starts_with("libp2p-"),
        only: |package| package == "nostrp2p-overlay",
        reason: "libp2p stays inside overlay",
    },
    Confined {
        matches: |name| name == "tokio" || name.starts_with("tokio-"),
        only: |package| !["nostrp2p-protocol", "nostrp2p-core"].contains(&package),
        reason: "protocol and core do no IO",
    },
];

/// The violations in this work tree, one sentence each.
pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let output = workspace.cargo(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    let mut violations = violations(&metadata)?;
    violations.extend(names::check(workspace)?);
    violations.extend(circles::check(workspace)?);
    Ok(violations)
}

fn violations(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut violations = Vec::new();
    for rule in &RULES {
        if !packages.iter().any(|package| package["name"] == rule.package) {
            violations.push(format!("{} is in the rules but not in the workspace.", rule.package));
        }
    }
    for package in packages {
        let name = package["name"].as_str().context("a package has no name")?;
        let Some(rule) = RULES.iter().find(|rule| rule.package == name) else {
            violations.push(format!("{name} is in the workspace, but no rule says what it may import."));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let target = dependency["name"].as_str().context("a dependency has no name")?;
            violations.extend(violation(rule, target));
        }
    }
    Ok(violations)
}

fn violation(rule: &Rule, target: &str) -> Option<String> {
    let package = rule.package;
    if RULES.iter().any(|other| other.package == target) && !rule.may_import.contains(&target) {
        let allowed = if rule.may_import.is_empty() { "none".into() } else { rule.may_import.join(", ") };
        return Some(format!(
            "{package} imports {target}, but of the crates of this workspace it may import: {allowed}."
        ));
    }
    let confined =
        CONFINED.iter().find(|confined| (confined.matches)(target) && !(confined.only)(package))?;
    Some(format!("{package} imports {target}, but {}.", confined.reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A workspace in which everything is right but for the dependencies added here.
    fn violations_with(added: &[(&str, &str)]) -> Vec<String> {
        let package = |rule: &Rule| {
            let own = rule.may_import.iter().copied();
            let added =
                added.iter().filter(|(package, _)| *package == rule.package).map(|(_, target)| *target);
            let dependencies: Vec<Value> =
                own.chain(added).chain(["serde"]).map(|name| json!({ "name": name, "kind": null })).collect();
            json!({ "name": rule.package, "dependencies": dependencies })
        };
        violations(&json!({ "packages": RULES.iter().map(package).collect::<Vec<_>>() })).unwrap()
    }

    #[test]
    fn what_the_design_allows_is_allowed() {
        let fine =
            [("nostrp2p-overlay", "libp2p"), ("nostrp2p-node", "tokio"), ("nostrp2p-bridge", "tokio-util")];
        assert_eq!(violations_with(&fine), [""; 0]);
    }

    #[test]
    fn each_forbidden_import_is_reported_in_a_sentence() {
        for (package, target) in [
            ("nostrp2p-protocol", "nostrp2p-core"),
            ("nostrp2p-core", "nostrp2p-overlay"),
            ("nostrp2p-overlay", "nostrp2p-core"),
            ("nostrp2p-bridge", "nostrp2p-overlay"),
            ("nostrp2p-wasm-client", "nostrp2p-core"),
            ("nostrp2p-node", "nostrp2p-tests"),
            ("nostrp2p-tests", "nostrp2p-node"),
            ("nostrp2p-node", "libp2p"),
            ("nostrp2p-tests", "libp2p-gossipsub"),
            ("nostrp2p-core", "tokio"),
            ("nostrp2p-protocol", "tokio-util"),
        ] {
            let found = violations_with(&[(package, target)]);
            assert_eq!(found.len(), 1, "{package} -> {target}: {found:?}");
            assert!(found[0].starts_with(&format!("{package} imports {target}, but ")), "{}", found[0]);
        }
    }

    #[test]
    fn a_crate_without_a_rule_and_a_rule_without_a_crate_are_reported() {
        let found =
            violations(&json!({ "packages": [{ "name": "nostrp2p-new", "dependencies": [] }] })).unwrap();
        assert_eq!(found.len(), RULES.len() + 1);
        assert!(found.last().unwrap().contains("nostrp2p-new"), "{found:?}");
    }
}
