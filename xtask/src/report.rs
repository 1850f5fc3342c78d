//! What the person sees: numbered steps while it works, a table and one closing line at the end.

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

/// What one check or suite of tests came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub name: String,
    pub passed: u64,
    pub failed: u64,
    pub took: Duration,
}

/// All outcomes of a run, in order.
#[derive(Debug, Default)]
pub struct Report(Vec<Outcome>);

impl Report {
    pub fn add(&mut self, outcome: Outcome) {
        self.0.push(outcome);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn passed(&self) -> u64 {
        self.0.iter().map(|outcome| outcome.passed).sum()
    }

    fn failed(&self) -> u64 {
        self.0.iter().map(|outcome| outcome.failed).sum()
    }

    /// The status to end with: a run without a single passed test is no success either.
    pub fn exit_code(&self) -> ExitCode {
        if self.failed() == 0 && self.passed() > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{:<34} {:>7} {:>7} {:>8}", "", "passed", "failed", "seconds")?;
        for Outcome { name, passed, failed, took } in &self.0 {
            let mark = if *failed > 0 { "  <- failed" } else { "" };
            writeln!(f, "{name:<34} {passed:>7} {failed:>7} {:>8.1}{mark}", took.as_secs_f64())?;
        }
        write!(f, "{} passed, {} failed", self.passed(), self.failed())
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

    fn report(counts: &[(u64, u64)]) -> Report {
        let outcome = |(at, (passed, failed)): (usize, &(u64, u64))| Outcome {
            name: format!("suite {at}"),
            passed: *passed,
            failed: *failed,
            took: Duration::from_millis(1500),
        };
        Report(counts.iter().enumerate().map(outcome).collect())
    }

    #[test]
    fn the_last_line_is_the_sum_alone_on_its_line() {
        let text = report(&[(3, 0), (4, 2)]).to_string();
        assert_eq!(text.lines().last(), Some("7 passed, 2 failed"));
        assert_eq!(text.lines().filter(|line| line.contains("<- failed")).count(), 1);
    }

    #[test]
    fn only_a_run_that_passed_something_and_failed_nothing_succeeds() {
        let succeeds =
            |counts| format!("{:?}", report(counts).exit_code()) == format!("{:?}", ExitCode::SUCCESS);
        assert!(succeeds(&[(3, 0)]));
        assert!(!succeeds(&[(3, 0), (0, 1)]));
        assert!(!succeeds(&[(0, 0)]));
        assert!(!succeeds(&[]));
    }

    #[test]
    fn sizes_are_rounded_up_so_that_a_figure_never_flatters() {
        assert_eq!(kilobytes(0), "0.0 KB");
        assert_eq!(kilobytes(1), "0.1 KB");
        assert_eq!(kilobytes(1024), "1.0 KB");
        assert_eq!(kilobytes(250 * 1024 + 1), "250.1 KB");
    }
}
