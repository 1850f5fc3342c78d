//! What the store costs, alone: `cargo xtask bench store` (rows by size and order) and `cargo xtask bench growth` (from
//! 1,000 to 1,000,000 stored events, with a picture).
//!
//! Events are signed before anything is measured, and kept in `target/tmp/store-bench`. Each row is a process of its own,
//! so that its memory and its processor time are the row's. `BENCH_EVENTS` gives another largest number of events,
//! `BENCH_CACHE_MIB` another cache of pages. Counters of Linux are read, so it runs there alone.
#![cfg_attr(
    target_os = "linux",
    expect(
        clippy::unwrap_used,
        clippy::print_stdout,
        reason = "it measures, and stops at the first surprise"
    )
)]

#[cfg(target_os = "linux")]
mod store {
    pub mod counters;
    pub mod events;
    #[expect(dead_code, reason = "every figure of the store is better when it is lower")]
    #[path = "../../../tests/benches/node/figures.rs"]
    pub mod figures;
    pub mod filling;
    pub mod growth;
    pub mod operations;
    pub mod picture;
    pub mod queries;
    pub mod rows;
    pub mod sweeping;
    pub mod task;
}

#[cfg(target_os = "linux")]
use store::{figures::Figures, growth, rows, task};

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    // `cargo test --all-targets` would run it, too.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    if task::run_if_asked() {
        return;
    }
    let figures = Figures;
    match std::env::var("BENCH_ONLY").as_deref() {
        Ok("growth") => growth::measure(&figures),
        Ok("growth-picture") => growth::draw_again(),
        _ => rows::measure(&figures),
    }
}

/// A number from the environment.
#[cfg(target_os = "linux")]
fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok().and_then(|number| number.parse().ok())
}
