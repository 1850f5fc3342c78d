//! Benchmarks that end.

use std::{future::Future, time::Duration};

/// How long a benchmark may take, in seconds; `BENCH_SECONDS` gives another number.
const LIMIT: u64 = 300;

/// Lets a benchmark run until it is done, its time is over, or somebody presses Ctrl-C; says so when that was before its
/// end. What it measured until then it has printed and noted.
#[expect(clippy::print_stdout, reason = "a benchmark talks to the person who typed it")]
pub async fn within_limit(bench: impl Future<Output = ()>) {
    let limit = std::env::var("BENCH_SECONDS").ok().and_then(|limit| limit.parse().ok()).unwrap_or(LIMIT);
    let why = tokio::select! {
        () = bench => return,
        () = tokio::time::sleep(Duration::from_secs(limit)) => {
            format!("{limit} seconds are over (BENCH_SECONDS gives more)")
        }
        _ = tokio::signal::ctrl_c() => "it was interrupted".to_owned(),
    };
    println!("not all was measured, because {why}; what stands above was");
}
