//! `cargo xtask soak`: builds the node and the soak test, and runs it; see `tests/soak/main.rs`.

use crate::{command::Build, report::Steps, run::build_node, workspace::Workspace};
use anyhow::{Context, Result};
use std::process::{Command, ExitCode};

/// How long, how many, and with which dice; what is left out is left to the soak.
#[derive(Debug, clap::Args)]
pub struct SoakOptions {
    /// How long [default: 600]
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// How many nodes [default: 16]
    #[arg(long, value_name = "N")]
    nodes: Option<u64>,
    /// What to begin the dice with [default: chance]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// The command: ends with the exit status of the soak.
pub fn run(workspace: &Workspace, options: &SoakOptions) -> Result<ExitCode> {
    let mut steps = Steps::new(2);
    let node = build_node(workspace, &mut steps, Build { debug_build: false })?;
    steps.begin("soak: build");
    let program = workspace.build_test_program("soak")?;
    let mut soak = Command::new(program);
    for (name, number) in
        [("--seconds", options.seconds), ("--nodes", options.nodes), ("--seed", options.seed)]
    {
        soak.args(number.into_iter().flat_map(|number| [name.to_owned(), number.to_string()]));
    }
    let status = soak.env("NOSTRP2P_BIN", node).status();
    let status = status.context("the soak could not be started")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
