//! Compiles the program so that two builds of one commit give the same bytes wherever the clone lies.

use super::{
    DistTarget,
    toolchain::{self, BuildVariables},
};
use crate::workspace::{FLAG_SEPARATOR, Workspace};
use anyhow::{Context, Result, bail};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

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

/// Builds the program for these targets, which need the same subcommand of cargo; gives it for each of them.
///
/// They are built at once, because what takes longest, optimizing the whole program, keeps one processor busy for each.
/// Nothing of this machine's paths gets into a program, and no time does (`node/build.rs`).
pub fn programs(workspace: &Workspace, targets: &[&DistTarget], epoch: u64) -> Result<Vec<PathBuf>> {
    let toolchains = targets.iter().map(|target| toolchain::ensure(workspace, target));
    let toolchains: Vec<BuildVariables> = toolchains.collect::<Result<_>>()?;
    let Some(subcommand) = targets.first().map(|target| target.linker.subcommand()) else {
        return Ok(Vec::new());
    };
    let mut build = workspace.cargo([subcommand, "--locked", "--package", "nostrp2p-node"]);
    build.args(["--bin", "nostrp2p", "--profile", PROFILE]);
    build.args(targets.iter().flat_map(|target| ["--target", target.triple]));
    build.env("SOURCE_DATE_EPOCH", epoch.to_string()).env_remove("RUSTFLAGS");
    build.env("CARGO_ENCODED_RUSTFLAGS", workspace.remapped_paths().join(FLAG_SEPARATOR));
    build.envs(toolchains.into_iter().flatten());
    let made = workspace.build(build, "")?;
    targets.iter().map(|target| of(target, &made).context("cargo built no program")).collect()
}

/// The program of a target among files that cargo made.
fn of(target: &DistTarget, made: &[PathBuf]) -> Option<PathBuf> {
    let is_it =
        |path: &&PathBuf| path.ends_with(Path::new(target.triple).join(PROFILE).join(target.program()));
    made.iter().find(is_it).cloned()
}

/// The program that the tests have built, without the lines of its source, so that it has the size of one that people get.
pub fn program_of_tests(node: &Path, into: &Path) -> Result<PathBuf> {
    let stripped = into.join("nostrp2p");
    let mut strip = Command::new("strip");
    super::succeed(
        strip.arg("-o").arg(&stripped).arg(node),
        "`strip` (Debian and Ubuntu: apt-get install binutils)",
    )?;
    Ok(stripped)
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
        check.args(["--bin", "nostrp2p", "--target", triple]).envs(toolchain);
        super::succeed(&mut check, &format!("the check for {triple}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_gets_its_own_program() {
        let made =
            ["target/small/build/x", "target/b/small/nostrp2p", "target/a/small/nostrp2p"].map(PathBuf::from);
        let target = |triple| DistTarget { triple, ..super::super::targets::TARGETS[0] };
        assert_eq!(of(&target("a"), &made).as_deref(), Some(Path::new("target/a/small/nostrp2p")));
        assert_eq!(of(&target("c"), &made), None);
    }

    #[test]
    fn this_clone_has_the_time_of_its_commit() {
        if env::var_os("SOURCE_DATE_EPOCH").is_none() {
            assert!(source_date(&Workspace::locate().unwrap()).unwrap() > 1_700_000_000);
        }
    }
}
