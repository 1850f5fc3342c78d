//! `cargo xtask bench`: measures the node that people run, prints the figures, and compares them with the baselines.
//! docs/measurements.md keeps what was seen.

mod baselines;
mod hot;

use crate::{
    product::Stage,
    report::{Steps, kilobytes},
    run::build_node,
    web,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use baselines::Baselines;
use std::process::ExitCode;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The page, in a browser.
    Client,
    /// The relay, beside another.
    Relay,
    /// The filter engine beside its definition.
    Filters,
    /// The functions that are called most.
    Hot,
    /// The node as a whole: this part, or all of them.
    Node(Option<&'static str>),
}

/// The parts of [`Subject::Node`].
pub const PARTS: [&str; 5] = ["ingest", "publish", "query", "wire", "footprint"];

impl Subject {
    /// The subject with this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "client" => Some(Self::Client),
            "relay" => Some(Self::Relay),
            "filters" => Some(Self::Filters),
            "hot" => Some(Self::Hot),
            "node" => Some(Self::Node(None)),
            _ => PARTS.into_iter().find(|part| *part == name).map(|part| Self::Node(Some(part))),
        }
    }
}

/// What to measure, and whether to keep what is seen as the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub subject: Subject,
    pub save: bool,
}

/// The command: builds the node for speed, measures, compares. Fails when something is much worse than its baseline.
pub fn run(workspace: &Workspace, Options { subject, save }: Options) -> Result<ExitCode> {
    let figures = match subject {
        Subject::Filters => return filters(workspace),
        Subject::Hot => hot::measure(workspace)?,
        Subject::Client => whole(workspace, "client", None)?,
        Subject::Relay => whole(workspace, "relay", None)?,
        Subject::Node(part) => whole(workspace, "node", part)?,
    };
    let mut baselines = Baselines::read(workspace)?;
    if save {
        baselines.keep(&figures);
        return baselines.write().map(|()| ExitCode::SUCCESS);
    }
    Ok(if baselines.compare(&figures) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// It is a test of the node's store, which compares more when it is built for speed.
fn filters(workspace: &Workspace) -> Result<ExitCode> {
    let mut compare = workspace.cargo(["test", "--release", "--package", "nostrp2p-node", "--lib"]);
    compare.args(["the_engine_finds_what_the_definition_says", "--", "--nocapture"]);
    if !compare.status().context("cargo could not be started")?.success() {
        bail!("the filter engine is wrong; what stands above says for which filter and seed");
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs one benchmark of nostrp2p-tests with a node built for speed, and gives what it noted. The benchmark is built for
/// speed as well, for it reads what the node answers.
fn whole(workspace: &Workspace, name: &str, part: Option<&str>) -> Result<Vec<baselines::Figure>> {
    let mut bench = workspace.cargo(["bench", "--workspace", "--profile", "release"]);
    bench.args(["--bench", name]);
    if name == "client" {
        let stage = Stage::set(workspace, false)?;
        stage.describe(workspace, &mut bench);
        bench.env("NOSTRP2P_FIRST_LOAD", kilobytes(web::first_load(&stage.web)));
    } else {
        bench.env("NOSTRP2P_BIN", build_node(workspace, &mut Steps::new(1), false)?);
    }
    if let Some(part) = part {
        bench.env("BENCH_ONLY", part);
    }
    let noted = workspace.path("target").join(format!("figures-{}.jsonl", std::process::id()));
    bench.env("NOSTRP2P_FIGURES", &noted);
    let status = bench.status().context("cargo could not be started")?;
    let figures = std::fs::read_to_string(&noted).unwrap_or_default();
    drop(std::fs::remove_file(&noted));
    if !status.success() {
        bail!("the benchmark did not get to its end; what it says above tells why");
    }
    baselines::parse(&figures)
}
