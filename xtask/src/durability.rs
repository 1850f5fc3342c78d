//! `cargo xtask durability`: kills a node, or a browser, at random moments while something is written. What it checks
//! stands in `tests/tests/durability.rs` and `tests/tests/browser_killed.rs`, which every test run does some rounds of.

use crate::{
    command::Killed, product::Stage, report::Steps, run::build_node, test::product_runner,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

/// The command: builds what is needed for speed, and kills so often.
pub fn run(workspace: &Workspace, killed: Killed, times: u64) -> Result<ExitCode> {
    let mut test = match killed {
        Killed::Node => {
            let node = build_node(workspace, &mut Steps::new(1), false)?;
            let mut test = product_runner(workspace, Some("durability"));
            test.env("NOSTRP2P_BIN", node).env("KILL_ROUNDS", times.to_string());
            test
        }
        Killed::Browser => {
            let stage = Stage::set(workspace, false)?;
            let mut test = product_runner(workspace, Some("browser_killed"));
            stage.describe(workspace, &mut test);
            test.env("BROWSER_ROUNDS", times.to_string());
            test
        }
    };
    if !test.status().context("cargo could not be started")?.success() {
        bail!(
            "something that was acknowledged or shown is lost, or came twice; what stands above says which, and the seed"
        );
    }
    Ok(ExitCode::SUCCESS)
}
