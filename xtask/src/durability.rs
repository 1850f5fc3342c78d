//! `cargo xtask durability`: kills a node, or a browser, at random moments while something is written. The checks are
//! in `tests/tests/durability.rs` and `tests/tests/browser_killed.rs`; every test run does some rounds of them.

use crate::{
    command::Build, product::ProductTests, report::Steps, run::build_node, test::nextest,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use clap::value_parser;
use std::process::ExitCode;

/// The process to kill, and how often.
#[derive(Debug, clap::Args)]
pub struct DurabilityOptions {
    /// How often the node is killed
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = value_parser!(u64).range(1..))]
    pub kills: u64,
    /// Kill the browser instead, while the page writes, so often
    #[arg(long, value_name = "N", conflicts_with = "kills", value_parser = value_parser!(u64).range(1..))]
    pub browser: Option<u64>,
}

/// The command: builds what is needed for speed, and kills so often.
pub fn run(workspace: &Workspace, options: &DurabilityOptions) -> Result<ExitCode> {
    let mut test = match options.browser {
        None => {
            let node = build_node(workspace, &mut Steps::new(1), Build { debug_build: false })?;
            let mut test = nextest::on_the_screen(workspace, "durability");
            test.env("NOSTRP2P_BIN", node).env("KILL_ROUNDS", options.kills.to_string());
            test
        }
        Some(times) => {
            let stage = ProductTests::set(workspace, Build { debug_build: false })?;
            let mut test = nextest::on_the_screen(workspace, "browser_killed");
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
