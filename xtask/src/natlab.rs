//! `cargo xtask natlab`: builds the node and the NAT laboratory, and runs it. The laboratory is in
//! `tests/natlab/main.rs`.

use crate::{command::Build, report::Steps, run::build_node, tools, workspace::Workspace};
use anyhow::{Context, Result};
use std::process::{Command, ExitCode};

/// The command: ends with the exit status of the laboratory.
pub fn run(workspace: &Workspace, build: Build) -> Result<ExitCode> {
    tools::ensure_laboratory()?;
    let mut steps = Steps::new(2);
    let node = build_node(workspace, &mut steps, build)?;
    steps.begin("laboratory: build");
    let mut laboratory = Command::new(workspace.build_test_program("natlab")?);
    laboratory.current_dir(workspace.path("")).env("NOSTRP2P_BIN", node);
    let status = laboratory.status().context("the laboratory could not be started")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
