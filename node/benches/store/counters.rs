//! What the process has used: by the clock, of the processors, of the disk, of memory.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment from which on is counted.
#[derive(Debug, Clone, Copy)]
pub struct Counters {
    at: Instant,
    process: f64,
    thread: f64,
    written: u64,
}

/// What was used between two moments.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Spent {
    /// By the clock.
    pub seconds: f64,
    /// Of the processors, by the thread that asks.
    pub here: f64,
    /// Of the processors, by all other threads, in seconds: those of the store.
    pub others: f64,
    /// Bytes that were given to the system to write. What it says to have written counts whole runs of cached pages of
    /// which one was touched.
    pub written: f64,
}

impl Counters {
    pub fn now() -> Self {
        Self {
            at: Instant::now(),
            process: processor(ClockId::ProcessCPUTime),
            thread: processor(ClockId::ThreadCPUTime),
            written: line_of("/proc/self/io", "wchar:"),
        }
    }

    /// What was used since then.
    pub fn spent(&self) -> Spent {
        let now = Self::now();
        let here = now.thread - self.thread;
        Spent {
            seconds: now.at.duration_since(self.at).as_secs_f64(),
            here,
            others: now.process - self.process - here,
            written: float(now.written - self.written),
        }
    }
}

impl std::ops::Add for Spent {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            seconds: self.seconds + more.seconds,
            here: self.here + more.here,
            others: self.others + more.others,
            written: self.written + more.written,
        }
    }
}

/// Memory of this process that is resident, in MiB.
pub fn resident_mib() -> f64 {
    float(line_of("/proc/self/status", "VmRSS:")) / 1_024.0
}

#[expect(clippy::cast_precision_loss, reason = "these are far below 2^52")]
pub const fn float(number: u64) -> f64 {
    number as f64
}

/// The middle one.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn processor(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    float(u64::try_from(time.tv_sec).unwrap()) + float(u64::try_from(time.tv_nsec).unwrap()) / 1e9
}

/// The number behind a word in a file of the system.
fn line_of(path: &str, word: &str) -> u64 {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(word)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
