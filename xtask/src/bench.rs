//! `cargo xtask bench`: measures the node in its release build, prints the figures, and compares them with the
//! baselines. docs/measurements.md keeps the figures.

mod baselines;
mod hot;

use crate::{
    command::Build,
    product::ProductTests,
    report::{Steps, kilobytes},
    run::build_node,
    web,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use baselines::Baselines;
use clap::{ValueEnum, builder::PossibleValue};
use std::process::ExitCode;

/// The subjects of measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// The page on a phone's processor: opening, scrolling 10,000 posts, an hour of traffic
    Client,
    /// The node as a whole, which is the next six
    Node,
    /// A new node takes 100,000 events of a neighbour, beside pure signature checks
    Ingest,
    /// The owner's events a second, by WebSocket and REST, with 1 and 8 connections
    Publish,
    /// 50, 1,000 and 10,000 of 100,000 events: time and bytes
    Query,
    /// The owner's publish and first page while others ask and delete as much as they may
    Load,
    /// Bytes between nodes: idle and for a post, in networks of 2 to 128 (Linux)
    Wire,
    /// Start, memory, disk, size of the program
    Footprint,
    /// The functions that are called most, as multiples of a signature check (criterion)
    Hot,
    /// Events and requests a second, beside nostr-rs-relay if that is installed
    Relay,
    /// The filter engine beside its definition: 100,000 events, 10,000 filters
    Filters,
    /// The store alone: time, bytes and memory of an event, by the number of events and their order (Linux)
    Store,
    /// What grows with the number of stored events, up to 1,000,000, with a picture (Linux)
    Growth,
}

/// The subject, and whether to store the figures as the baseline.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct BenchOptions {
    /// What to measure
    subject: Subject,
    /// Keep the figures as the baseline; without it they are compared with it, and the status is 1 when one is more
    /// than 30 % worse
    #[arg(long)]
    save: bool,
}

/// The command: builds the node for speed, measures, compares. Fails when something is much worse than its baseline.
pub fn run(workspace: &Workspace, BenchOptions { subject, save }: BenchOptions) -> Result<ExitCode> {
    let figures = match subject {
        Subject::Filters => return filters(workspace),
        part @ (Subject::Store | Subject::Growth) => whole(workspace, "store", part.to_possible_value())?,
        Subject::Hot => hot::measure(workspace)?,
        Subject::Client => whole(workspace, "client", None)?,
        Subject::Relay => whole(workspace, "relay", None)?,
        Subject::Node => whole(workspace, "node", None)?,
        part @ (Subject::Ingest
        | Subject::Publish
        | Subject::Query
        | Subject::Load
        | Subject::Wire
        | Subject::Footprint) => whole(workspace, "node", part.to_possible_value())?,
    };
    let mut baselines = Baselines::read(workspace)?;
    if save {
        baselines.keep(&figures);
        baselines.write()?;
        if subject == Subject::Growth {
            keep_picture(workspace)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    Ok(if baselines.compare(&figures) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Puts the picture that the benchmark has drawn where ARCHITECTURE.md shows it.
fn keep_picture(workspace: &Workspace) -> Result<()> {
    let (drawn, shown) =
        (workspace.path("target/tmp/store-bench/growth.svg"), workspace.path("docs/growth.svg"));
    std::fs::copy(drawn, &shown).context("the benchmark has drawn nothing")?;
    println!("kept as the picture in {}", shown.display());
    Ok(())
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

/// Runs one benchmark with a node built for speed, and gives what it noted. The benchmark is built for speed as well,
/// because it reads what the node answers, or has the node's store in itself.
fn whole(workspace: &Workspace, name: &str, part: Option<PossibleValue>) -> Result<Vec<baselines::Figure>> {
    let mut bench = workspace.cargo(["bench", "--workspace", "--profile", "release"]);
    bench.args(["--bench", name]);
    if name == "client" {
        let stage = ProductTests::set(workspace, Build { debug_build: false })?;
        stage.describe(workspace, &mut bench);
        bench.env("NOSTRP2P_FIRST_LOAD", kilobytes(web::first_load(&stage.web)));
    } else if name != "store" {
        bench.env("NOSTRP2P_BIN", build_node(workspace, &mut Steps::new(1), Build { debug_build: false })?);
    }
    if let Some(part) = part {
        bench.env("BENCH_ONLY", part.get_name());
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
