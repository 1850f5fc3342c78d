//! `cargo xtask sim`: builds the simulation in release mode and runs it; see `sim/src/lib.rs`.

use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::process::{Command, ExitCode};

/// The command: ends with the exit status of the simulation.
pub fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let build = workspace.cargo(["build", "--release", "--package", "nostrp2p-sim", "--bin", "sim"]);
    let made = workspace.build(build, &format!("sim{}", std::env::consts::EXE_SUFFIX))?;
    let program = made.into_iter().next().context("cargo built no binary sim")?;
    let status = Command::new(program).args(words).status().context("the simulation could not be started")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
