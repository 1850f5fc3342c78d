//! The benchmarks of single functions, which criterion measures.

use super::baselines::Figure;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{fs, time::SystemTime};

/// The function with which all others are compared.
const YARDSTICK: &str = "verify an event";

/// Lets criterion measure, and gives each function's time as a multiple of one signature check.
pub fn measure(workspace: &Workspace) -> Result<Vec<Figure>> {
    let begun = SystemTime::now();
    let mut bench = workspace.cargo(["bench", "--package", "nostrp2p-node", "--bench", "hot"]);
    bench.args(["--", "--noplot"]);
    if !bench.status().context("cargo could not be started")?.success() {
        bail!("the benchmark did not get to its end; what it says above tells why");
    }
    let folder = workspace.path("target/criterion");
    let mut times = Vec::new();
    for entry in fs::read_dir(&folder).context("criterion left no figures")? {
        let entry = entry?;
        let estimates = entry.path().join("new/estimates.json");
        // Others were measured by an earlier run, and perhaps of another program.
        let fresh = fs::metadata(&estimates).and_then(|file| file.modified()).is_ok_and(|then| then >= begun);
        if !fresh {
            continue;
        }
        let estimates: Value = serde_json::from_slice(&fs::read(estimates)?)?;
        let nanoseconds =
            estimates["median"]["point_estimate"].as_f64().context("criterion gave no median")?;
        times.push((entry.file_name().to_string_lossy().into_owned(), nanoseconds));
    }
    times.sort_by(|one, other| one.0.cmp(&other.0));
    let check = times.iter().find(|(name, _)| name == YARDSTICK).context("no yardstick was measured")?.1;
    let figure = |(name, time): &(String, f64)| Figure {
        name: format!("hot: {name}"),
        kept: time / check,
        higher_is_better: false,
    };
    println!("\none signature check takes {:.1} us; all others as multiples of it", check / 1_000.0);
    Ok(times.iter().filter(|(name, _)| name != YARDSTICK).map(figure).collect())
}
