//! Compiles the program so that two builds of one commit give the same bytes wherever the clone lies.

use super::{DistTarget, toolchain};
use crate::workspace::{FLAG_SEPARATOR, Workspace};
use anyhow::{Context, Result, bail};
use std::{env, path::PathBuf, process::Command};

/// The profile for what people download: Cargo.toml.
const PROFILE: &str = "small";

/// The time of everything that is made, in seconds since 1970: that of the commit, or `SOURCE_DATE_EPOCH` where the source
/// is no clone.
pub fn source_date(workspace: &Workspace) -> Result<u64> {
    if let Ok(given) = env::var("SOURCE_DATE_EPOCH") {
        return given.parse().context("SOURCE_DATE_EPOCH is no number of seconds since 1970");
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").current_dir(workspace.path(".")).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(time) = git(&["log", "-1", "--format=%ct"]) else {
        bail!("this is no clone of git, so the time of its commit is unknown; give it as SOURCE_DATE_EPOCH");
    };
    if git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty()) {
        println!("note: there are changes that are not committed, so these are not the bytes of the commit");
    }
    time.parse().context("git gives no time for the commit")
}

/// Builds the program for a target.
pub fn program(workspace: &Workspace, target: &DistTarget, epoch: u64) -> Result<PathBuf> {
    let toolchain = toolchain::ensure(workspace, target)?;
    let mut build = workspace.cargo([toolchain.subcommand, "--locked", "--package", "nostrp2p-node"]);
    build.args(["--bin", "nostrp2p", "--profile", PROFILE, "--target", target.triple]);
    build.env("SOURCE_DATE_EPOCH", epoch.to_string()).env_remove("RUSTFLAGS");
    build.env("CARGO_ENCODED_RUSTFLAGS", flags(workspace, target).join(FLAG_SEPARATOR));
    build.envs(toolchain.environment);
    let made = workspace.build(build, target.program())?;
    made.into_iter().next().context("cargo built no program")
}

/// Systems that a pull request must not break and that its machine is not.
const CHECKED: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// Checks the types of the program for other systems. Some crates compile C for that, with Zig.
pub fn check(workspace: &Workspace) -> Result<()> {
    for triple in CHECKED {
        println!("=== check: {triple}");
        let toolchain = toolchain::with_zig(workspace, triple)?;
        // Its other subcommands are not those of cargo.
        let mut check = Command::new("cargo-zigbuild");
        check.current_dir(workspace.path("")).args(["check", "--locked", "--package", "nostrp2p-node"]);
        check.args(["--bin", "nostrp2p", "--target", triple]).envs(toolchain.environment);
        super::succeed(&mut check, &format!("the check for {triple}"))?;
    }
    Ok(())
}

/// Nothing of this machine's paths and of the time gets into the program.
fn flags(workspace: &Workspace, target: &DistTarget) -> Vec<String> {
    let mut flags = workspace.remapped_paths();
    if target.triple.ends_with("windows-gnu") {
        flags.push("-Clink-arg=-Wl,--no-insert-timestamp".to_owned());
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_clone_has_the_time_of_its_commit() {
        if env::var_os("SOURCE_DATE_EPOCH").is_none() {
            assert!(source_date(&Workspace::locate().unwrap()).unwrap() > 1_700_000_000);
        }
    }
}
