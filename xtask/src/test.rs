//! `cargo xtask test`: every test there is, in five suites.
//!
//! A suite that dies without saying how many tests ran counts as one failure, and so does a suite that ran none
//! although it must have some: silence is never success.

pub mod capture;
mod counts;

use crate::{
    natlab,
    product::Stage,
    report::{Outcome, Report},
    tools, web,
    workspace::Workspace,
};
use anyhow::Result;
use capture::Captured;
use counts::Counts;
use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

/// A suite that takes longer, building included, hangs. CI as a whole is given 90 minutes.
const SUITE_LIMIT: Duration = Duration::from_secs(40 * 60);

/// One kind of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// Unit and integration tests of every crate, native.
    Rust,
    /// The examples in the documentation.
    Doc,
    /// The tests of `wasm-client` that need a browser.
    Browser,
    /// Real binaries, real browsers: the package nostrp2p-tests.
    Product,
    /// Nodes behind every kind of router, where this machine may make network namespaces.
    Nat,
}

/// What the suites came to.
pub struct Tested {
    pub report: Report,
    /// The lines that begin with `budget:`, as the product tests printed them.
    pub budgets: Vec<String>,
    /// The weight of the client, if it was built on the way.
    pub web: Option<Vec<web::Size>>,
}

impl Suite {
    /// In the order in which they run: cheap first.
    pub const ALL: [Self; 5] = [Self::Rust, Self::Doc, Self::Browser, Self::Product, Self::Nat];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Doc => "doc",
            Self::Browser => "browser",
            Self::Product => "product",
            Self::Nat => "nat",
        }
    }

    /// There may be no example in the documentation, and the laboratory says when it cannot run; of all else there is
    /// some.
    fn may_be_empty(self) -> bool {
        matches!(self, Self::Doc | Self::Nat)
    }
}

/// The command: runs the suites and ends with their table.
pub fn run(workspace: &Workspace, suites: &[Suite]) -> Result<ExitCode> {
    let tested = run_suites(workspace, suites);
    println!();
    tested.budgets.iter().for_each(|line| println!("{line}"));
    println!("{}", tested.report);
    Ok(tested.report.exit_code())
}

/// Runs each suite, also after one has failed.
pub fn run_suites(workspace: &Workspace, suites: &[Suite]) -> Tested {
    let mut tested = Tested { report: Report::default(), budgets: Vec::new(), web: None };
    for suite in suites {
        println!("\n=== tests: {}", suite.name());
        let started = Instant::now();
        let counts = match run_suite(workspace, *suite, &mut tested) {
            Ok(captured) => judge(*suite, &captured),
            Err(error) => {
                println!("{}: {error:#}", suite.name());
                Counts { passed: 0, failed: 1 }
            }
        };
        tested.report.add(Outcome {
            name: format!("tests: {}", suite.name()),
            passed: counts.passed,
            failed: counts.failed,
            took: started.elapsed(),
        });
    }
    tested
}

/// What a suite's output and exit status come to; says on the screen what the numbers alone do not.
fn judge(suite: Suite, captured: &Captured) -> Counts {
    let mut counts = counts::count(&captured.text);
    let name = suite.name();
    if captured.timed_out {
        println!("{name}: did not end within {} minutes and was stopped", SUITE_LIMIT.as_secs() / 60);
        counts.failed = counts.failed.max(1);
    } else if !captured.success && counts.failed == 0 {
        println!("{name}: ended with an error that no test accounts for");
        counts.failed = 1;
    } else if counts == Counts::default() && !suite.may_be_empty() {
        println!("{name}: ran no test, although it must have some");
        counts.failed = 1;
    }
    counts
}

fn run_suite(workspace: &Workspace, suite: Suite, tested: &mut Tested) -> Result<Captured> {
    match suite {
        Suite::Rust => {
            let mut tests = test_runner(workspace, Package::AllBut("nostrp2p-tests"));
            tests.arg("--no-fail-fast");
            capture::run(tests, SUITE_LIMIT)
        }
        Suite::Doc => {
            let tests = workspace.cargo(["test", "--doc", "--workspace", "--no-fail-fast"]);
            capture::run(tests, SUITE_LIMIT)
        }
        Suite::Browser => {
            tools::ensure_wasm_target()?;
            let browser = tools::ensure_browser()?;
            let path = tools::ensure_wasm_pack(workspace)?;
            let mut tests = Command::new("wasm-pack");
            tests.current_dir(workspace.path("")).env("PATH", path);
            tests.args(["test", "--headless", "--chrome", "--chromedriver"]).arg(browser.driver);
            tests.arg("wasm-client");
            capture::run(tests, SUITE_LIMIT)
        }
        Suite::Product => {
            let stage = Stage::set(workspace, false)?;
            tools::prepare_nginx();
            let mut tests = product_runner(workspace, None);
            stage.describe(workspace, &mut tests);
            tests.env("NOSTRP2P_CLIENTS", tools::ensure_clients(workspace)?);
            tested.web = Some(stage.web);
            let captured = capture::run(tests, SUITE_LIMIT)?;
            tested.budgets.extend(budgets(&captured.text));
            Ok(captured)
        }
        Suite::Nat => {
            let mut laboratory = natlab::command(workspace, false)?;
            laboratory.arg("--if-possible");
            capture::run(laboratory, SUITE_LIMIT)
        }
    }
}

/// Whose tests are run.
enum Package {
    Only(&'static str),
    AllBut(&'static str),
}

/// Where there is nextest, the whole workspace is built whoever's tests are run: with another choice of packages cargo
/// unites their features in another way, and builds the large dependencies once more.
fn test_runner(workspace: &Workspace, package: Package) -> Command {
    if tools::has_cargo_subcommand(workspace, "nextest") {
        let mut tests = workspace.cargo(["nextest", "run", "--workspace", "-E"]);
        tests.arg(match package {
            Package::Only(package) => format!("package({package})"),
            Package::AllBut(package) => format!("not package({package})"),
        });
        tests
    } else {
        let mut tests = workspace.cargo(["test", "--all-targets"]);
        match package {
            Package::Only(package) => tests.args(["--package", package]),
            Package::AllBut(package) => tests.args(["--workspace", "--exclude", package]),
        };
        tests
    }
}

/// One test after the other, because they measure times, and with their output, because it has the figures. With a
/// module, runs the tests of that file of `tests/tests` alone.
pub fn product_runner(workspace: &Workspace, module: Option<&str>) -> Command {
    let prefix = module.map(|module| format!("{module}::"));
    if tools::has_cargo_subcommand(workspace, "nextest") {
        let mut tests =
            workspace.cargo(["nextest", "run", "--workspace", "--no-fail-fast", "--no-capture", "-E"]);
        let narrowed = prefix.map(|prefix| format!(" & test(/^{prefix}/)")).unwrap_or_default();
        tests.arg(format!("package(nostrp2p-tests){narrowed}"));
        tests
    } else {
        let mut tests = test_runner(workspace, Package::Only("nostrp2p-tests"));
        tests.args(["--no-fail-fast", "--"]).args(prefix).args(["--nocapture", "--test-threads=1"]);
        tests
    }
}

/// The lines `budget: ...`, also where a test runner has put `test name ... ` before them.
fn budgets(text: &str) -> Vec<String> {
    let budget = |line: &str| {
        let from = line.find("budget:")?;
        let before = line.get(..from)?.trim_end();
        if before.is_empty() || before.ends_with("...") { line.get(from..).map(String::from) } else { None }
    };
    text.lines().filter_map(budget).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(success: bool, text: &str) -> Captured {
        Captured { success, timed_out: false, text: text.into() }
    }

    #[test]
    fn a_suite_that_dies_without_counts_is_one_failure() {
        assert_eq!(
            judge(Suite::Rust, &captured(false, "Segmentation fault")),
            Counts { passed: 0, failed: 1 }
        );
        let before_it_died = "test result: ok. 4 passed; 0 failed; 0 ignored\n";
        assert_eq!(judge(Suite::Rust, &captured(false, before_it_died)), Counts { passed: 4, failed: 1 });
    }

    #[test]
    fn a_suite_that_ran_no_test_is_a_failure_unless_it_may_be_empty() {
        let empty = captured(true, "test result: ok. 0 passed; 0 failed; 0 ignored\n");
        for suite in [Suite::Rust, Suite::Browser, Suite::Product] {
            assert_eq!(judge(suite, &empty).failed, 1, "{suite:?}");
        }
        assert_eq!(judge(Suite::Doc, &empty), Counts::default());
    }

    #[test]
    fn failed_tests_are_counted_once_and_not_again_for_the_exit_status() {
        let text = "test result: FAILED. 3 passed; 2 failed; 0 ignored\n";
        assert_eq!(judge(Suite::Rust, &captured(false, text)), Counts { passed: 3, failed: 2 });
    }

    #[test]
    fn a_suite_that_hangs_is_a_failure_even_if_all_tests_so_far_passed() {
        let mut hanging = captured(false, "test result: ok. 3 passed; 0 failed; 0 ignored\n");
        hanging.timed_out = true;
        assert_eq!(judge(Suite::Product, &hanging), Counts { passed: 3, failed: 1 });
    }

    #[test]
    fn budget_lines_are_found_at_the_start_and_behind_the_name_of_a_test() {
        let text = "budget: idle 14 MB\ntest a ... budget: post 40 ms\nthe budget: is not one\n  budget: c\n";
        assert_eq!(budgets(text), ["budget: idle 14 MB", "budget: post 40 ms", "budget: c"]);
    }
}
