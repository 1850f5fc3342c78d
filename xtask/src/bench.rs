//! `cargo xtask bench`: measures the node that people run, and prints the figures; docs/measurements.md keeps them.

use crate::{report::Steps, run::build_node, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

/// The command: builds the node for speed and runs one benchmark of nostrp2p-tests with it.
pub fn run(workspace: &Workspace, name: &str) -> Result<ExitCode> {
    let node = build_node(workspace, &mut Steps::new(1), false)?;
    let mut bench = workspace.cargo(["bench", "--package", "nostrp2p-tests", "--profile", "dev"]);
    bench.args(["--bench", name]).env("NOSTRP2P_BIN", node);
    if !bench.status().context("cargo could not be started")?.success() {
        bail!("the benchmark did not get to its end; what it says above tells why");
    }
    Ok(ExitCode::SUCCESS)
}
