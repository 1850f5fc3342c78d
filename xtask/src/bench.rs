//! `cargo xtask bench`: measures the node that people run, and prints the figures; docs/measurements.md keeps them.

use crate::{
    product::Stage,
    report::{Steps, kilobytes},
    run::build_node,
    web,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;

/// The command: builds the node for speed and runs one benchmark of nostrp2p-tests with it.
pub fn run(workspace: &Workspace, name: &str) -> Result<ExitCode> {
    if name == "filters" {
        // It is a test of the node's store, which compares more when it is built for speed.
        let mut compare = workspace.cargo(["test", "--release", "--package", "nostrp2p-node", "--lib"]);
        compare.args(["the_engine_finds_what_the_definition_says", "--", "--nocapture"]);
        if !compare.status().context("cargo could not be started")?.success() {
            bail!("the filter engine is wrong; what stands above says for which filter and seed");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut bench = workspace.cargo(["bench", "--package", "nostrp2p-tests", "--profile", "dev"]);
    bench.args(["--bench", name]);
    if name == "client" {
        let stage = Stage::set(workspace, false)?;
        stage.describe(workspace, &mut bench);
        bench.env("NOSTRP2P_FIRST_LOAD", kilobytes(web::first_load(&stage.web)));
    } else {
        bench.env("NOSTRP2P_BIN", build_node(workspace, &mut Steps::new(1), false)?);
    }
    if !bench.status().context("cargo could not be started")?.success() {
        bail!("the benchmark did not get to its end; what it says above tells why");
    }
    Ok(ExitCode::SUCCESS)
}
