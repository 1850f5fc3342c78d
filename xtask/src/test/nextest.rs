//! Runs all suites but the documentation examples by cargo-nextest, and reads its report.
//!
//! It builds the whole workspace whichever tests are run: with another choice of packages cargo unifies features
//! differently and builds the large dependencies once more. `.config/nextest.toml` sets how many tests run at a time,
//! which of them run alone, and when a test is ended.

use super::{
    Suite, capture,
    junit::{Case, Tally, TestResult},
};
use crate::{tools, workspace::Workspace};
use anyhow::{Context, Result, bail};
use std::{fs, process::Command, time::Duration};

/// A suite that takes longer, building included, hangs. CI as a whole is given 90 minutes.
const SUITE_LIMIT: Duration = Duration::from_secs(40 * 60);

/// Builds the tests of the whole workspace for this machine.
pub fn build(workspace: &Workspace) -> Result<()> {
    tools::ensure_nextest(workspace)?;
    let mut build = workspace.cargo(["nextest", "run", "--workspace", "--no-run"]);
    if !build.status().context("cargo could not be started")?.success() {
        bail!("the tests could not be built; what stands above tells why");
    }
    Ok(())
}

/// Runs the tests of a suite whose names contain one of these words, or all of them where there is no word.
pub fn command(workspace: &Workspace, suite: Suite, names: &[String]) -> Command {
    let mut tests = workspace.cargo(["nextest", "run", "--no-tests=pass", "--profile", suite.name()]);
    tests.args(suite.selection()).args(["-E", &filter(suite, names)]);
    tests
}

/// Runs one module of the product's tests, one test after the other, with all that it prints and without a limit of
/// time, for what a person watches.
pub fn on_the_screen(workspace: &Workspace, module: &str) -> Command {
    let mut tests = workspace.cargo(["nextest", "run", "--no-capture", "--profile", "long"]);
    let filter = filter(Suite::Product, &[format!("{module}::")]);
    tests.args(Suite::Product.selection()).args(["-E", &filter]);
    tests
}

/// Which tests, in nextest's words.
fn filter(suite: Suite, names: &[String]) -> String {
    let mut filter = suite.filter().to_owned();
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(|name| format!("test({name})")).collect();
        filter = format!("({filter}) & ({})", names.join(" | "));
    }
    filter
}

/// Runs such a command and reads what nextest has written about it. Whatever went wrong without a test that accounts for
/// it is one failure: silence is never success.
pub fn run(workspace: &Workspace, suite: Suite, command: Command) -> Result<Tally> {
    let result = workspace.path("target/nextest").join(suite.name()).join("junit.xml");
    if result.exists() {
        fs::remove_file(&result).with_context(|| format!("{} cannot be removed", result.display()))?;
    }
    let captured = capture::run(command, SUITE_LIMIT)?;
    let mut tally = match fs::read_to_string(&result) {
        Ok(xml) => Tally::read(&xml)?,
        Err(_) => Tally::default(),
    };
    if captured.timed_out {
        let minutes = SUITE_LIMIT.as_secs() / 60;
        tally.add_failure(suite, &format!("did not end within {minutes} minutes and was stopped"));
    } else if !captured.success && tally.failed() == 0 {
        tally.add_failure(suite, "ended with an error that no test accounts for");
    }
    Ok(tally)
}

impl Tally {
    /// Counts something that no test accounts for as one failure, and says it.
    pub fn add_failure(&mut self, suite: Suite, reason: &str) {
        println!("{}: {reason}", suite.name());
        self.add(Case {
            name: suite.name().to_owned(),
            verdict: TestResult::Failed,
            output: reason.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_narrow_a_suite_and_never_widen_it() {
        assert_eq!(filter(Suite::Rust, &[]), Suite::Rust.filter());
        let names = ["a".to_owned(), "b::c".to_owned()];
        assert_eq!(
            filter(Suite::Rust, &names),
            format!("({}) & (test(a) | test(b::c))", Suite::Rust.filter())
        );
    }

    #[test]
    fn each_suite_that_nextest_runs_has_a_profile_that_writes_a_result() {
        let config = fs::read_to_string(Workspace::locate().unwrap().path(".config/nextest.toml")).unwrap();
        for suite in
            Suite::ALL.into_iter().chain([Suite::Quick, Suite::Dist]).filter(|suite| *suite != Suite::Doc)
        {
            let heading = format!("[profile.{}.junit]\npath = \"junit.xml\"", suite.name());
            assert!(config.contains(&heading), "no {heading}");
        }
    }
}
