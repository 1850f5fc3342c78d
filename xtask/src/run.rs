//! `cargo xtask run`: from a clone to a running node.

use crate::{command::Build, demo, report::Steps, web, workspace::Workspace};
use anyhow::{Context, Result};
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

/// How to build and start the node.
#[derive(Debug, clap::Args)]
pub struct RunOptions {
    /// Start three nodes joined to each other on this machine, and print three links
    #[arg(long)]
    pub demo: bool,
    #[command(flatten)]
    pub build: Build,
    /// What goes to `nostrp2p server` (with --demo: to each of the three)
    #[arg(last = true, value_name = "ARGUMENT")]
    pub node_arguments: Vec<String>,
}

/// Builds client and node, then starts one node, or three with `--demo`.
pub fn run(workspace: &Workspace, options: &RunOptions) -> Result<ExitCode> {
    let mut steps = Steps::new(web::STEPS + 2);
    web::build(workspace, &mut steps)?;
    let node = build_node(workspace, &mut steps, options.build)?;
    if options.demo {
        steps.begin("three nodes: start");
        return demo::run(workspace, &node, &options.node_arguments);
    }
    steps.begin("node: start (Ctrl-C ends it)");
    let mut server = Command::new(node);
    server.arg("server").args(&options.node_arguments);
    hand_over(server)
}

/// Builds the binary `nostrp2p`, with what is in `target/web` inside.
///
/// The build of the tests chooses the whole workspace, as the test runner does: with another choice of packages cargo
/// unites the features in another way, and compiles libp2p once more.
pub fn build_node(workspace: &Workspace, steps: &mut Steps, how: Build) -> Result<PathBuf> {
    let debug = how.debug_build;
    steps.begin(if debug { "node: build" } else { "node: build for speed (the first time takes minutes)" });
    let mut build = workspace.cargo(["build", "--bin", "nostrp2p"]);
    build.args(if debug {
        ["--workspace"].as_slice()
    } else {
        ["--package", "nostrp2p-node", "--release"].as_slice()
    });
    let made = workspace.build(build, &format!("nostrp2p{}", std::env::consts::EXE_SUFFIX))?;
    made.into_iter().next().context("cargo built no binary nostrp2p")
}

/// Becomes the node: signals, terminal and exit status are then its own affair.
#[cfg(unix)]
fn hand_over(mut server: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(server.exec()).context("the node could not be started")
}

/// Waits for the node; Ctrl-C reaches it through the console.
#[cfg(not(unix))]
fn hand_over(mut server: Command) -> Result<ExitCode> {
    let status = server.status().context("the node could not be started")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
