//! Finds by a look at the sources which suites may have a test of a given name, so that the others are not built.

use super::Suite;
use crate::workspace::Workspace;
use std::{fs, path::Path};

/// Folders of crates whose tests are the suite `rust`.
const NATIVE: [&str; 11] = [
    "protocol",
    "core",
    "overlay",
    "runtime",
    "bridge",
    "node",
    "fuzz",
    "sim",
    "wasm-client",
    "wasm-ciphers",
    "xtask",
];

/// Whether a suite may have a test whose name, with its modules, contains one of these words. It may also say so where
/// there is none; the test runner knows.
pub fn may_be_in(workspace: &Workspace, suite: Suite, names: &[String]) -> bool {
    let folders: &[&str] = match suite {
        // Examples have no names.
        Suite::Doc => return false,
        Suite::Quick | Suite::Rust => &NATIVE,
        Suite::Browser => &["wasm-client/tests"],
        Suite::Product => &["tests/src", "tests/tests"],
        Suite::Dist => &["tests/tests"],
        Suite::Nat => return names.iter().any(|name| name.starts_with("nat::") || name == "nat"),
    };
    folders.iter().any(|folder| names.iter().any(|name| is_below(&workspace.path(folder), name)))
}

fn is_below(folder: &Path, name: &str) -> bool {
    // The last part that is there: `module::test`, or `module::`.
    let Some(part) = name.rsplit("::").find(|part| !part.is_empty()) else { return false };
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && has(&path, part) {
                return true;
            }
        }
    }
    false
}

/// Whether the name of a file, of one of its folders or of one of its functions contains this.
fn has(file: &Path, part: &str) -> bool {
    let within = |line: &str| {
        let name =
            line.trim_start().trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
        name.and_then(|name| name.split(['(', '<']).next()).is_some_and(|name| name.contains(part))
    };
    file.iter().any(|step| step.to_string_lossy().trim_end_matches(".rs").contains(part))
        || fs::read_to_string(file).unwrap_or_default().lines().any(within)
}
