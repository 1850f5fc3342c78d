//! The output for the person: numbered steps while it works, a table and one closing line at the end.

use anyhow::Result;
use std::{
    fmt,
    process::ExitCode,
    time::{Duration, Instant},
};

/// Numbered steps with the time since the start.
pub struct Steps {
    total: usize,
    begun: usize,
    start: Instant,
}

impl Steps {
    pub fn new(total: usize) -> Self {
        Self { total, begun: 0, start: Instant::now() }
    }

    /// Announces the next step.
    pub fn begin(&mut self, what: &str) {
        self.begun += 1;
        println!("[{}/{} {:>6}] {what}", self.begun, self.total, seconds(self.start.elapsed()));
    }

    /// Adds a line to the step that runs.
    pub fn detail(&self, line: &str) {
        println!("               {line}");
    }
}

/// The result of one check, build or suite of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageOutcome {
    pub name: String,
    pub passed: u64,
    pub failed: u64,
    /// Tests that said that they could not run here.
    pub skipped: u64,
    pub took: Duration,
}

/// All outcomes of a run, in order, and what is to be read beside them.
#[derive(Debug, Default)]
pub struct RunReport {
    outcomes: Vec<StageOutcome>,
    /// Figures that tests measured.
    notes: Vec<String>,
    /// Why tests were skipped.
    skips: Vec<String>,
}

impl RunReport {
    pub fn add(&mut self, outcome: StageOutcome) {
        self.outcomes.push(outcome);
    }

    pub fn notes(&mut self, lines: impl IntoIterator<Item = String>) {
        self.notes.extend(lines);
    }

    pub fn skips(&mut self, lines: impl IntoIterator<Item = String>) {
        self.skips.extend(lines);
    }

    /// Does something and takes its time.
    pub fn timed<T>(&self, work: impl FnOnce() -> T) -> (T, Duration) {
        let started = Instant::now();
        (work(), started.elapsed())
    }

    /// Builds something, which is in the table with its time. It counts only when it fails.
    pub fn build<T>(&mut self, what: &str, build: impl FnOnce() -> Result<T>) -> Option<T> {
        println!("\n=== build: {what}");
        let (built, took) = self.timed(build);
        if let Err(error) = &built {
            println!("build: {what}: {error:#}");
        }
        let failed = u64::from(built.is_err());
        self.add(StageOutcome { name: format!("build: {what}"), passed: 0, failed, skipped: 0, took });
        built.ok()
    }

    fn sum(&self, count: impl Fn(&StageOutcome) -> u64) -> u64 {
        self.outcomes.iter().map(count).sum()
    }

    /// Whether nothing passed, failed or was skipped.
    pub fn is_empty(&self) -> bool {
        self.sum(|outcome| outcome.passed + outcome.failed + outcome.skipped) == 0
    }

    /// The status to end with: a run without a single passed test is no success either.
    pub fn exit_code(&self) -> ExitCode {
        let fine = self.sum(|outcome| outcome.failed) == 0 && self.sum(|outcome| outcome.passed) > 0;
        if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for line in self.notes.iter().chain(&self.skips) {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "{:<34} {:>7} {:>7} {:>7} {:>8}", "", "passed", "failed", "skipped", "seconds")?;
        let count = |number: u64| if number == 0 { String::new() } else { number.to_string() };
        for StageOutcome { name, passed, failed, skipped, took } in &self.outcomes {
            let mark = if *failed > 0 { "  <- failed" } else { "" };
            let [passed, failed, skipped] = [*passed, *failed, *skipped].map(count);
            let took = took.as_secs_f64();
            writeln!(f, "{name:<34} {passed:>7} {failed:>7} {skipped:>7} {took:>8.1}{mark}")?;
        }
        let [passed, failed, skipped] = [
            self.sum(|outcome| outcome.passed),
            self.sum(|outcome| outcome.failed),
            self.sum(|outcome| outcome.skipped),
        ];
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// In units of 1024 bytes, as the budgets are.
pub fn kilobytes(bytes: usize) -> String {
    let tenths = (bytes * 10).div_ceil(1024);
    format!("{}.{} KB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(counts: &[(u64, u64, u64)]) -> RunReport {
        let outcome = |(at, (passed, failed, skipped)): (usize, &(u64, u64, u64))| StageOutcome {
            name: format!("suite {at}"),
            passed: *passed,
            failed: *failed,
            skipped: *skipped,
            took: Duration::from_millis(1500),
        };
        let outcomes = counts.iter().enumerate().map(outcome).collect();
        RunReport { outcomes, ..RunReport::default() }
    }

    #[test]
    fn the_last_line_is_the_sum_alone_on_its_line() {
        let mut report = report(&[(3, 0, 1), (4, 2, 0)]);
        report.skips(["skipped: a: no nginx".to_owned()]);
        let text = report.to_string();
        assert_eq!(text.lines().last(), Some("7 passed, 2 failed, 1 skipped"));
        assert_eq!(text.lines().filter(|line| line.contains("<- failed")).count(), 1);
        assert!(text.contains("no nginx"));
    }

    #[test]
    fn only_a_run_that_passed_something_and_failed_nothing_succeeds() {
        let succeeds =
            |counts| format!("{:?}", report(counts).exit_code()) == format!("{:?}", ExitCode::SUCCESS);
        assert!(succeeds(&[(3, 0, 0)]));
        assert!(succeeds(&[(3, 0, 2)]));
        assert!(!succeeds(&[(3, 0, 0), (0, 1, 0)]));
        assert!(!succeeds(&[(0, 0, 3)]));
        assert!(!succeeds(&[]));
    }

    #[test]
    fn a_build_is_in_the_table_and_counts_only_when_it_fails() {
        let mut report = report(&[(3, 0, 0)]);
        assert_eq!(report.build("a", || Ok(7)), Some(7));
        assert!(report.to_string().contains("build: a"));
        assert!(report.to_string().ends_with("3 passed, 0 failed, 0 skipped"));
        assert_eq!(report.build::<()>("b", || anyhow::bail!("no compiler")), None);
        assert!(report.to_string().ends_with("3 passed, 1 failed, 0 skipped"));
    }

    #[test]
    fn sizes_are_rounded_up_so_that_a_figure_never_flatters() {
        assert_eq!(kilobytes(0), "0.0 KB");
        assert_eq!(kilobytes(1), "0.1 KB");
        assert_eq!(kilobytes(1024), "1.0 KB");
        assert_eq!(kilobytes(250 * 1024 + 1), "250.1 KB");
    }
}
