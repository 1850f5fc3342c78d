//! What of others is in the program: the list of dependencies with their licences and texts, and a bill of materials in
//! CycloneDX 1.5 (JSON), both for one target.

use super::DistTarget;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// How the names of files begin that hold a licence.
const LICENCE_FILES: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];
/// Longer texts are no licences.
const MAX_LICENCE_BYTES: u64 = 256 * 1024;

/// One crate that the program is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    name: String,
    version: String,
    licence: String,
    repository: String,
    /// SHA-256 of the file that the registry has, in hexadecimal digits.
    checksum: Option<String>,
    folder: PathBuf,
}

/// The crates of the registry that are compiled into the program, by name and version.
pub fn components(workspace: &Workspace, target: &DistTarget) -> Result<Vec<Component>> {
    let mut tree = workspace.cargo(["tree", "--locked", "--package", "nostrp2p-node", "--edges", "normal"]);
    tree.args(["--prefix", "none", "--format", "{p}", "--target", target.triple]);
    let output = tree.output().context("cargo could not be started")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let used: BTreeSet<(String, String)> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(name_and_version).collect();
    let metadata = workspace.cargo(["metadata", "--locked", "--format-version", "1"]).output()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout).context("cargo metadata is not JSON")?;
    let lock = fs::read_to_string(workspace.path("Cargo.lock")).context("Cargo.lock cannot be read")?;
    let checksums = checksums(&lock);
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let mut components: Vec<Component> = packages
        .iter()
        .filter(|package| !package["source"].is_null())
        .filter_map(|package| {
            let text = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
            let key = (text("name"), text("version"));
            let folder = Path::new(package["manifest_path"].as_str()?).parent()?.to_owned();
            used.contains(&key).then(|| Component {
                licence: text("license").replace('/', " OR "),
                repository: text("repository"),
                checksum: checksums.get(&key).cloned(),
                folder,
                name: key.0,
                version: key.1,
            })
        })
        .collect();
    components.sort();
    Ok(components)
}

/// From a line of `cargo tree`: `serde v1.0.1 (proc-macro) (*)`.
fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some((name.to_owned(), version.to_owned()))
}

fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let mut checksums = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let value = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""))?;
            line.strip_suffix('"').map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (value("name"), value("version"), value("checksum"))
        {
            checksums.insert((name, version), checksum);
        }
    }
    checksums
}

/// The list of all crates with their licences, and each text once, with the crates that it is of.
pub fn licences(components: &[Component]) -> String {
    let mut text = String::from(
        "The program holds these works of others, compiled. Each line: name, version, licence (SPDX), source.\n\n",
    );
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for component in components {
        let Component { name, version, licence, repository, .. } = component;
        text.push_str(&format!("{name} {version}  {licence}  {repository}\n"));
        for found in texts_of(&component.folder) {
            texts.entry(found).or_default().insert(format!("{name} {version}"));
        }
    }
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|one, other| one.1.cmp(&other.1).then_with(|| one.0.cmp(&other.0)));
    for (licence, crates) in texts {
        let crates = crates.into_iter().collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\n{}\n{crates}\n\n{licence}\n", "-".repeat(78)));
    }
    text
}

fn texts_of(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let is_text = entry.metadata().is_ok_and(|file| file.is_file() && file.len() <= MAX_LICENCE_BYTES);
        if is_text
            && LICENCE_FILES.iter().any(|begin| name.starts_with(begin))
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            found.push(text.replace("\r\n", "\n").trim().to_owned());
        }
    }
    found
}

/// The bill of materials. `epoch` is the time of the commit.
pub fn bill(version: &str, target: &DistTarget, components: &[Component], epoch: u64) -> Result<String> {
    let listed: Vec<Value> = components
        .iter()
        .map(|Component { name, version, licence, checksum, .. }| {
            let purl = format!("pkg:cargo/{name}@{version}");
            let mut component = json!({
                "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl,
                "licenses": [{ "expression": licence }],
            });
            if let Some(checksum) = checksum {
                component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
            }
            component
        })
        .collect();
    let bill = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {
            "timestamp": super::archive::timestamp(epoch),
            "component": {
                "type": "application", "bom-ref": "nostrp2p", "name": "nostrp2p", "version": version,
                "licenses": [{ "expression": "MIT OR Apache-2.0" }],
                "properties": [{ "name": "target", "value": target.triple }],
            },
        },
        "components": listed,
    });
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::{super::targets::TARGETS, *};

    #[test]
    fn lines_of_the_tree_are_read_with_and_without_marks() {
        let check = |line: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(name, version)| (name.to_owned(), version.to_owned()));
            assert_eq!(name_and_version(line), expected, "{line}");
        };
        check("serde_derive v1.0.1 (proc-macro) (*)", Some(("serde_derive", "1.0.1")));
        check("nostrp2p-core v0.1.0 (/a b/core)", Some(("nostrp2p-core", "0.1.0")));
        check("", None);
    }

    #[test]
    fn the_program_is_made_of_known_crates_with_licences_and_checksums() {
        let components = components(&Workspace::locate().unwrap(), &TARGETS[0]).unwrap();
        let names: Vec<&str> = components.iter().map(|component| component.name.as_str()).collect();
        for expected in ["redb", "libp2p", "axum", "secp256k1"] {
            assert!(names.contains(&expected), "no {expected}");
        }
        for absent in ["fantoccini", "wasm-bindgen-cli-support", "nostrp2p-core"] {
            assert!(!names.contains(&absent), "{absent} is not in the program");
        }
        assert!(components.iter().all(|component| component.checksum.is_some()));
        let text = licences(&components);
        assert!(text.contains("redb ") && text.contains("Permission is hereby granted"));
        let bill = bill("1.2.3", &TARGETS[0], &components, 0).unwrap();
        let bill: Value = serde_json::from_str(&bill).unwrap();
        assert_eq!(bill["components"].as_array().map(Vec::len), Some(components.len()));
        assert_eq!(bill["metadata"]["timestamp"], "1970-01-01T00:00:00Z");
    }
}
