//! How fast and how small the node is, part by part: `cargo xtask bench ingest`, `publish`, `query`, `load`, `wire`,
//! `footprint`, or `node` for all of them.
//!
//! A real node in a process of its own, fed by real connections. Each part prints its figures and writes them to
//! `NOSTRP2P_FIGURES`, where xtask finds what to compare with the baselines. `BENCH_EVENTS` gives another number of stored
//! events than 100,000, `BENCH_NODES` other sizes of the network, such as `2,8`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it measures, and stops at the first surprise"
)]

mod node {
    pub mod figures;
    pub mod footprint;
    pub mod ingest;
    pub mod load;
    pub mod publish;
    pub mod query;
    pub mod stock;
    pub mod wire;
    pub mod yardstick;
}

use node::{figures::Figures, footprint, ingest, load, publish, query, stock::Stock, wire};

fn main() {
    // `cargo test --all-targets` would run it, too.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let only = std::env::var("BENCH_ONLY").ok();
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("wire") && !wire::is_alone() {
        // The wire is counted in a network of its own, and what else is wanted is measured outside of it.
        wire::run_alone();
        if only.is_some() {
            return;
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let figures = Figures;
    runtime.block_on(nostrp2p_tests::within_limit(async {
        if wire::is_alone() {
            return wire::measure(&figures).await;
        }
        let stock = ["ingest", "query", "load", "footprint"].into_iter().any(wanted);
        if stock {
            let stock = Stock::gather(&figures).await;
            if wanted("footprint") {
                footprint::measure(&stock, &figures).await;
            }
            if wanted("query") {
                query::measure(&stock, &figures).await;
            }
            if wanted("load") {
                load::measure(&stock, &figures).await;
            }
            if wanted("ingest") {
                ingest::measure(&stock, &figures).await;
            }
        }
        if wanted("publish") {
            publish::measure(&figures).await;
        }
    }));
}

/// A number from the environment, or else this one.
fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// The time that a process has computed, in seconds.
fn processor_seconds(process: u32) -> f64 {
    nostrp2p_tests::processor_time(process).unwrap().as_secs_f64()
}
