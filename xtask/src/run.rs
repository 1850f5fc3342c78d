//! `cargo xtask run`: from a clone to a running node.

use crate::{command::RunOptions, demo, report::Steps, web, workspace::Workspace};
use anyhow::{Context, Result};
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Builds client and node, then starts one node, or three with `--demo`.
pub fn run(workspace: &Workspace, options: &RunOptions) -> Result<ExitCode> {
    let mut steps = Steps::new(web::STEPS + 2);
    web::build(workspace, &mut steps)?;
    let node = build_node(workspace, &mut steps, options.debug_build)?;
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
pub fn build_node(workspace: &Workspace, steps: &mut Steps, debug: bool) -> Result<PathBuf> {
    steps.begin(if debug { "node: build" } else { "node: build for speed (the first time takes minutes)" });
    let mut build = workspace.cargo(["build", "--package", "nostrp2p-node", "--bin", "nostrp2p"]);
    if !debug {
        build.arg("--release");
    }
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
