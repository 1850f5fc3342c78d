//! `cargo xtask soak`: builds node and soak, and lets it run. What it does stands in `tests/soak/main.rs`.

use crate::{report::Steps, run::build_node, workspace::Workspace};
use anyhow::{Context, Result};
use std::process::{Command, ExitCode};

/// The command: ends with the exit status of the soak.
pub fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let mut steps = Steps::new(2);
    let node = build_node(workspace, &mut steps, false)?;
    steps.begin("soak: build");
    let program = workspace.build_test_program("soak")?;
    let status = Command::new(program).args(words).env("NOSTRP2P_BIN", node).status();
    let status = status.context("the soak could not be started")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
