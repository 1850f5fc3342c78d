//! `cargo xtask ci`: everything that must hold before a change lands, cheap checks first.
//!
//! A check that fails does not stop the next, so that one run shows all that is wrong.

use crate::{
    dependencies, fuzz, layering,
    report::{Outcome, Report, Steps, kilobytes, seconds},
    test::{self, Suite},
    tools, web,
    workspace::Workspace,
};
use anyhow::{Result, bail};
use std::{
    process::{Command, ExitCode},
    time::Instant,
};

/// What a browser may have to fetch before it shows the first page: html, css, js and wasm, with brotli.
const FIRST_LOAD_BUDGET: usize = 262 * 1024;

/// How long each decoder is fuzzed: long enough to see that it works and to find what lies near.
const FUZZ_SECONDS: u64 = 10;
/// The same inputs each time, so that what a change broke fails for its author and not for whoever comes next. Longer
/// runs by chance are `cargo xtask fuzz`.
const FUZZ_SEED: u32 = 1;

const CLIPPY_HINT: &str = "cargo clippy is missing; add it with: rustup component add clippy";
const FORMAT_HINT: &str = "cargo fmt is missing; add it with: rustup component add rustfmt";

/// The command: runs every check and every test and ends with the sum.
pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut ci = Ci { workspace, report: Report::default(), start: Instant::now() };
    ci.static_checks();

    ci.headline("tests");
    let tested = test::run_suites(workspace, &Suite::ALL);
    ci.report.extend(tested.report);

    ci.check("fuzz", |workspace| {
        fuzz::fuzz(workspace, &fuzz::Options { target: None, seconds: FUZZ_SECONDS, seed: Some(FUZZ_SEED) })
    });

    let mut budgets = tested.budgets;
    ci.check("size budget", |workspace| {
        let sizes = match tested.web {
            Some(sizes) => sizes,
            None => web::build(workspace, &mut Steps::new(web::STEPS))?,
        };
        let line = size_budget(web::first_load(&sizes));
        budgets.insert(0, line.clone().unwrap_or_else(|line| line));
        line.map(drop).map_err(anyhow::Error::msg)
    });

    println!("\n=== summary ({})", seconds(ci.start.elapsed()));
    budgets.iter().for_each(|line| println!("{line}"));
    println!("{}", ci.report);
    Ok(ci.report.exit_code())
}

struct Ci<'a> {
    workspace: &'a Workspace,
    report: Report,
    start: Instant,
}

impl Ci<'_> {
    /// All that runs no test.
    fn static_checks(&mut self) {
        self.check("format", |workspace| {
            require(workspace, "fmt", FORMAT_HINT)?;
            succeed(workspace.cargo(["fmt", "--all", "--check"]))
        });
        self.check("layering", |workspace| {
            let violations = layering::check(workspace)?;
            violations.iter().for_each(|violation| println!("{violation}"));
            if violations.is_empty() {
                Ok(())
            } else {
                bail!("{} imports break the layering", violations.len())
            }
        });
        self.check("dependencies", dependencies::check);
        self.check("clippy", |workspace| {
            require(workspace, "clippy", CLIPPY_HINT)?;
            succeed(workspace.cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
        });
        self.check("clippy wasm32", |workspace| {
            require(workspace, "clippy", CLIPPY_HINT)?;
            tools::ensure_wasm_target()?;
            let mut clippy = workspace.cargo(["clippy", "--all-targets"]);
            clippy.args(["--package", "nostrp2p-wasm-client", "--package", "nostrp2p-wasm-ciphers"]);
            clippy.args(["--target", "wasm32-unknown-unknown", "--", "-D", "warnings"]);
            succeed(clippy)
        });
        self.check("docs", |workspace| {
            let mut doc = workspace.cargo(["doc", "--no-deps", "--workspace"]);
            doc.env("RUSTDOCFLAGS", "-Dwarnings");
            succeed(doc)
        });
        self.check("wasm32 check of protocol and core", |workspace| {
            tools::ensure_wasm_target()?;
            let mut check = workspace.cargo(["check", "--target", "wasm32-unknown-unknown"]);
            check.args(["--package", "nostrp2p-protocol", "--package", "nostrp2p-core"]);
            succeed(check)
        });
    }

    fn headline(&self, name: &str) {
        println!("\n=== {name} (after {})", seconds(self.start.elapsed()));
    }

    /// Runs one check, which counts as one test.
    fn check(&mut self, name: &str, check: impl FnOnce(&Workspace) -> Result<()>) {
        self.headline(name);
        let started = Instant::now();
        let result = check(self.workspace);
        let took = started.elapsed();
        match &result {
            Ok(()) => println!("{name}: ok in {}", seconds(took)),
            Err(error) => println!("{name}: failed in {}: {error:#}", seconds(took)),
        }
        self.report.add(Outcome {
            name: name.into(),
            passed: u64::from(result.is_ok()),
            failed: u64::from(result.is_err()),
            took,
        });
    }
}

fn require(workspace: &Workspace, subcommand: &str, hint: &str) -> Result<()> {
    if tools::has_cargo_subcommand(workspace, subcommand) { Ok(()) } else { bail!("{hint}") }
}

fn succeed(mut command: Command) -> Result<()> {
    if command.status()?.success() { Ok(()) } else { bail!("what stands above must be mended") }
}

/// The line for the summary: good news or bad.
fn size_budget(first_load: usize) -> Result<String, String> {
    let line = format!(
        "budget: first load {} of {} with brotli",
        kilobytes(first_load),
        kilobytes(FIRST_LOAD_BUDGET)
    );
    if first_load <= FIRST_LOAD_BUDGET { Ok(line) } else { Err(format!("{line}: too large")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_budget_holds_to_the_byte() {
        assert_eq!(
            size_budget(262 * 1024),
            Ok("budget: first load 262.0 KB of 262.0 KB with brotli".to_string())
        );
        assert!(size_budget(262 * 1024 + 1).is_err_and(|line| line.contains("262.1 KB")));
    }
}
