//! `cargo xtask durability`: kills a node at random moments while it is written to. What it checks stands in
//! `tests/tests/durability.rs`, which every test run does thirty times.

use crate::{report::Steps, run::build_node, test::product_runner, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

/// The command: builds the node for speed and kills it so often.
pub fn run(workspace: &Workspace, kills: u64) -> Result<ExitCode> {
    let node = build_node(workspace, &mut Steps::new(1), false)?;
    let mut test = product_runner(workspace, &["--test", "durability"]);
    test.env("NOSTRP2P_BIN", node).env("KILL_ROUNDS", kills.to_string());
    if !test.status().context("cargo could not be started")?.success() {
        bail!(
            "something that was acknowledged is lost, or a number came twice; what stands above says which, and the seed"
        );
    }
    Ok(ExitCode::SUCCESS)
}
