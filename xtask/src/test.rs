//! `cargo xtask test`: all tests, in five suites, or some of them; and on demand those of the output of `cargo xtask
//! dist`.
//!
//! A suite that dies without a count of its tests counts as one failure, and so does a suite that ran none although
//! it must have some.

pub mod capture;
mod junit;
pub mod load;
mod names;
pub mod nextest;

use crate::{
    command::Build,
    dist,
    product::ProductTests,
    report::{RunReport, StageOutcome, Steps},
    tools, web,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use junit::Tally;
use load::Load;
use std::{path::Path, process::ExitCode};

/// Says to the tests that one which cannot run here fails (`nostrp2p_tests::skip`).
const NO_SKIP: &str = "NOSTRP2P_NO_SKIP";

/// Which tests, and beside what.
#[derive(Debug, Default, clap::Args)]
pub struct TestOptions {
    /// Suites (rust, doc, browser, product, nat; dist for what `cargo xtask dist` made), or words that the names of tests
    /// contain; without any, all tests but those of dist
    pub names: Vec<String>,
    /// Run only unit and engine tests
    #[arg(long, conflicts_with = "names")]
    pub quick: bool,
    /// Run them beside one busy process for each processor
    #[arg(long)]
    pub under_load: bool,
    /// Fail what cannot run here, instead of skipping it, as `ci` does
    #[arg(long)]
    pub no_skip: bool,
    /// For dist: pack the node of the tests and install that, as `ci` does, instead of what `cargo xtask dist` made
    #[arg(long)]
    pub debug_build: bool,
}

/// One kind of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// Unit tests, and the tests of codecs and engine: nothing that waits.
    Quick,
    /// Unit and integration tests of every crate, native.
    Rust,
    /// The examples in the documentation.
    Doc,
    /// The tests of `wasm-client` that need a browser.
    Browser,
    /// Real binaries, real browsers: the package nostrp2p-tests.
    Product,
    /// Nodes behind every kind of router, in network namespaces.
    Nat,
    /// Archives and packages, installed and run. Those that people get take longer to make than everything else, so `ci` packs
    /// the node of the tests.
    Dist,
}

impl Suite {
    /// In the order in which they run: cheap first. [`Suite::Quick`] is a part of [`Suite::Rust`].
    pub const ALL: [Self; 5] = [Self::Rust, Self::Doc, Self::Browser, Self::Product, Self::Nat];

    /// As it is typed, and the name of its profile in `.config/nextest.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Rust => "rust",
            Self::Doc => "doc",
            Self::Browser => "browser",
            Self::Product => "product",
            Self::Nat => "nat",
            Self::Dist => "dist",
        }
    }

    /// The packages that nextest builds for it.
    fn selection(self) -> &'static [&'static str] {
        match self {
            Self::Quick => &[
                "--workspace",
                "--lib",
                "--bin",
                "nostrp2p-xtask",
                "--test",
                "corpora",
                "--test",
                "differential",
                "--test",
                "frames",
                "--test",
                "reference",
                "--test",
                "vectors",
            ],
            Self::Browser => &[
                "--package",
                "nostrp2p-wasm-client",
                "--target",
                "wasm32-unknown-unknown",
                "--test",
                "browser",
            ],
            Self::Rust | Self::Doc | Self::Product | Self::Nat | Self::Dist => &["--workspace"],
        }
    }

    /// Which of these it runs, in nextest's words.
    fn filter(self) -> &'static str {
        match self {
            Self::Quick | Self::Browser => "all()",
            Self::Rust => "not package(nostrp2p-tests)",
            Self::Product => "package(nostrp2p-tests) & not test(/^(nat|dist)::/)",
            Self::Nat => "package(nostrp2p-tests) & test(/^nat::/)",
            Self::Dist => "package(nostrp2p-tests) & test(/^dist::/)",
            Self::Doc => "none()",
        }
    }

    fn is_native(self) -> bool {
        matches!(self, Self::Rust | Self::Product | Self::Nat | Self::Dist)
    }

    fn needs_node(self) -> bool {
        matches!(self, Self::Product | Self::Nat | Self::Dist)
    }
}

/// The tests to run.
#[derive(Debug, PartialEq, Eq)]
pub struct TestSelection {
    suites: Vec<Suite>,
    /// Words of which a test's name has one; all tests where there is none.
    names: Vec<String>,
    /// Whether a test that cannot run fails.
    no_skip: bool,
    /// Whether the suite of archives packs the node of the tests.
    packs: bool,
}

impl TestSelection {
    /// Everything, and nothing may be skipped.
    pub fn for_ci() -> Self {
        let here = cfg!(all(target_os = "linux", target_arch = "x86_64")).then_some(Suite::Dist);
        let suites = Suite::ALL.into_iter().chain(here).collect();
        Self { suites, names: Vec::new(), no_skip: true, packs: true }
    }

    /// As typed.
    fn typed(workspace: &Workspace, options: &TestOptions) -> Result<Self> {
        let TestOptions { no_skip, debug_build: packs, .. } = *options;
        if options.quick {
            return Ok(Self { suites: vec![Suite::Quick], names: Vec::new(), no_skip, packs });
        }
        let all = || Suite::ALL.into_iter().chain([Suite::Dist]);
        let is_suite = |word: &str| all().any(|suite| suite.name() == word);
        let (mut chosen, names): (Vec<String>, Vec<String>) =
            options.names.iter().cloned().partition(|word| is_suite(word));
        if chosen.is_empty() {
            chosen = Suite::ALL.iter().map(|suite| suite.name().to_owned()).collect();
        }
        let has = |suite: &Suite| names.is_empty() || names::may_be_in(workspace, *suite, &names);
        let suites: Vec<Suite> =
            all().filter(|suite| chosen.iter().any(|name| name == suite.name())).collect();
        let suites: Vec<Suite> = suites.into_iter().filter(has).collect();
        if suites.is_empty() {
            bail!("no test of {} has {} in its name", chosen.join(", "), names.join(" or "));
        }
        Ok(Self { suites, names, no_skip, packs })
    }

    fn has(&self, wanted: impl Fn(Suite) -> bool) -> bool {
        self.suites.iter().any(|suite| wanted(*suite))
    }
}

/// The command: runs the suites and ends with their table.
pub fn run(workspace: &Workspace, options: &TestOptions) -> Result<ExitCode> {
    let selection = TestSelection::typed(workspace, options)?;
    let _load = options.under_load.then(Load::start).transpose()?;
    let mut report = RunReport::default();
    run_suites(workspace, &selection, &mut report);
    println!("\n{report}");
    Ok(report.exit_code())
}

/// Builds what the suites need and runs each of them, also after one has failed.
pub fn run_suites(workspace: &Workspace, selection: &TestSelection, report: &mut RunReport) {
    // The page first: the node holds it, so whatever depends on the node would be compiled once more after it.
    let stage = selection.has(Suite::needs_node).then(|| {
        report.build("page", || web::build(workspace, &mut Steps::new(web::STEPS)));
        if selection.has(Suite::is_native) {
            report.build("native tests", || nextest::build(workspace));
        }
        report.build("node of the tests", || ProductTests::set(workspace, Build { debug_build: true }))
    });
    let stage = stage.flatten();
    if stage.is_none() && selection.has(|suite| suite == Suite::Rust) {
        report.build("native tests", || nextest::build(workspace));
    }
    for suite in &selection.suites {
        if suite.needs_node() && stage.is_none() {
            // The build that failed is counted.
            continue;
        }
        let packed = match (&stage, suite) {
            (Some(stage), Suite::Dist) if selection.packs => {
                let packed = report.build("archive and packages of the node of the tests", || {
                    dist::of_tests(workspace, stage.node())
                });
                // A failure is counted there.
                let Some(packed) = packed else { continue };
                packed
            }
            _ => workspace.path("target/dist"),
        };
        println!("\n=== tests: {}", suite.name());
        let tally = report.timed(|| run_suite(workspace, *suite, selection, stage.as_ref(), &packed));
        let (tally, took) = tally;
        let mut tally = tally.unwrap_or_else(|error| {
            let mut tally = Tally::default();
            tally.add_failure(*suite, &format!("{error:#}"));
            tally
        });
        if tally.is_empty() && selection.names.is_empty() {
            tally.add_failure(*suite, "ran no test, although it must have some");
        }
        report.notes(tally.budgets());
        report.skips(tally.skips());
        report.add(StageOutcome {
            name: format!("tests: {}", suite.name()),
            passed: tally.passed(),
            failed: tally.failed(),
            skipped: tally.skipped(),
            took,
        });
    }
    if !selection.names.is_empty() && report.is_empty() {
        println!("no test has {} in its name", selection.names.join(" or "));
    }
}

fn run_suite(
    workspace: &Workspace,
    suite: Suite,
    TestSelection { names, no_skip, .. }: &TestSelection,
    stage: Option<&ProductTests>,
    packed: &Path,
) -> Result<Tally> {
    if suite == Suite::Doc {
        return doc(workspace);
    }
    tools::ensure_nextest(workspace)?;
    let mut tests = nextest::command(workspace, suite, names);
    if *no_skip {
        tests.env(NO_SKIP, "1");
    }
    match suite {
        // A taste of the seeded inputs for the decoders, which take most of the time.
        Suite::Quick => {
            tests.env("FUZZ_ROUNDS", "1000");
        }
        Suite::Rust | Suite::Doc => {}
        Suite::Dist => {
            tests.env("NOSTRP2P_DIST", packed);
        }
        Suite::Browser => {
            tools::ensure_wasm_target()?;
            let browser = tools::ensure_browser()?;
            tests.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", tools::ensure_wasm_runner(workspace)?);
            tests.env("CHROMEDRIVER", browser.driver).env("WASM_BINDGEN_TEST_ONLY_WEB", "1");
        }
        Suite::Product => {
            tools::prepare_nginx();
            tests.env("NOSTRP2P_CLIENTS", tools::ensure_clients(workspace)?);
        }
        Suite::Nat => tools::ensure_laboratory()?,
    }
    if let Some(stage) = stage {
        stage.describe(workspace, &mut tests);
    }
    nextest::run(workspace, suite, tests)
}

/// There is no test runner for these but cargo; they count as one.
fn doc(workspace: &Workspace) -> Result<Tally> {
    let mut tests = workspace.cargo(["test", "--doc", "--workspace", "--no-fail-fast"]);
    if !tests.status().context("cargo could not be started")?.success() {
        bail!("an example in the documentation is wrong; what stands above tells which");
    }
    Ok(Tally::passed_as_one("examples in the documentation"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> Result<TestSelection> {
        let options = TestOptions {
            names: words.iter().map(|word| (*word).to_owned()).collect(),
            ..TestOptions::default()
        };
        TestSelection::typed(&Workspace::locate().unwrap(), &options)
    }

    #[test]
    fn suites_run_in_their_own_order_whatever_the_order_typed() {
        assert_eq!(typed(&["product", "rust"]).unwrap().suites, [Suite::Rust, Suite::Product]);
        assert_eq!(typed(&[]).unwrap().suites, Suite::ALL);
        assert_eq!(typed(&["dist"]).unwrap().suites, [Suite::Dist]);
    }

    #[test]
    fn a_name_runs_in_those_suites_that_may_have_it() {
        let selection = typed(&["suites_run_in_their_own_order"]).unwrap();
        assert_eq!(selection.suites, [Suite::Rust]);
        let selection = typed(&["disk_full"]).unwrap();
        assert!(selection.suites.contains(&Suite::Product) && !selection.suites.contains(&Suite::Browser));
        assert_eq!(typed(&["product", "disk_full"]).unwrap().suites, [Suite::Product]);
    }

    #[test]
    fn a_name_that_no_test_has_is_an_error() {
        // In pieces, so that this file does not have it.
        let nowhere = ["no_test_", "is_called_", "so"].concat();
        assert!(typed(&[&nowhere]).unwrap_err().to_string().contains(&nowhere));
    }
}
