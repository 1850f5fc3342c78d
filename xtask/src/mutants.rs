//! `cargo xtask mutants`: changes the program in small ways, one at a time, and checks whether the quick tests
//! notice.

use crate::{tools, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Folders of sources that can be mutated: those whose tests wait for nothing.
const SOURCES: [(&str, &str); 2] = [("core/src", "nostrp2p-core"), ("protocol/src", "nostrp2p-protocol")];

/// Modules that decide who gets what and what is let in, and the codecs of what comes from others.
const MODULES: [&str; 9] = [
    "admission",
    "event_policy",
    "budgets",
    "outbox",
    "ownership",
    "announcement",
    "frame",
    "msgpack",
    "packet",
];

/// The command: the status is that of cargo-mutants, which is 0 when every change was noticed.
pub fn run(workspace: &Workspace, module: Option<&str>) -> Result<ExitCode> {
    let mut files = Vec::new();
    for (folder, _) in SOURCES {
        match module {
            Some(module) => files.extend(files_of(workspace, folder, module)),
            None => MODULES.iter().for_each(|module| files.extend(files_of(workspace, folder, module))),
        }
    }
    if files.is_empty() {
        bail!("neither core nor protocol has a module {}", module.unwrap_or_default());
    }
    tools::ensure_mutants(workspace)?;
    let mut mutants = workspace.cargo(["mutants", "--output", "target", "--test-tool", "nextest"]);
    for file in &files {
        println!("mutating {}", file.display());
        mutants.arg("--file").arg(file);
    }
    // It runs the tests of the package that it changed, which are quick in both crates.
    mutants.env("NEXTEST_PROFILE", "mutants");
    let status = mutants.status().context("cargo could not be started")?;
    println!(
        "what was not noticed stands in target/mutants.out/missed.txt; each wants a test, or a sentence why not"
    );
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The file of a module and those below it, from the top of the work tree; without the files of tests.
fn files_of(workspace: &Workspace, folder: &str, module: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![PathBuf::from(folder)];
    while let Some(folder) = waiting.pop() {
        let entries = std::fs::read_dir(workspace.path(&folder.to_string_lossy()));
        for name in entries.into_iter().flatten().flatten().map(|entry| entry.file_name()) {
            let path = folder.join(name);
            if workspace.path(&path.to_string_lossy()).is_dir() {
                waiting.push(path);
            } else if belongs(&path, module) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn belongs(path: &Path, module: &str) -> bool {
    let steps: Vec<_> = path.iter().map(|step| step.to_string_lossy().into_owned()).collect();
    let of_module = steps.iter().any(|step| step == module || *step == format!("{module}.rs"));
    of_module && !steps.iter().any(|step| step == "tests" || step == "tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_that_is_mutated_without_a_word_is_there() {
        let workspace = Workspace::locate().unwrap();
        for module in MODULES {
            let found = SOURCES.iter().any(|(folder, _)| !files_of(&workspace, folder, module).is_empty());
            assert!(found, "no module {module}");
        }
    }

    #[test]
    fn a_module_is_its_file_and_its_folder_without_tests() {
        for (path, is_in) in [
            ("core/src/outbox.rs", true),
            ("core/src/outbox/plan.rs", true),
            ("core/src/outbox/tests.rs", false),
            ("core/src/outboxes.rs", false),
        ] {
            assert_eq!(belongs(Path::new(path), "outbox"), is_in, "{path}");
        }
    }
}
