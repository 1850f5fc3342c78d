//! How fast the page is on a phone, and what an hour of it costs: `cargo xtask bench client`.
//!
//! A real node, a real Chromium with a fourth of the processor, and for the traffic a tap in the line of every client.
//! `BENCH_MINUTES` says for how long traffic is measured (3; `BENCH_SECONDS` must be longer), `BENCH_POSTS` how many posts the cache has (10,000),
//! `BENCH_ONLY` which part is measured: opening, scrolling, thread or traffic.
#![expect(clippy::print_stdout, reason = "it measures")]

mod client {
    pub mod opening;
    pub mod scrolling;
    pub mod thread;
    pub mod traffic;
}

/// How long traffic is measured; all of a benchmark takes five minutes at most.
const MINUTES: usize = 3;

/// A number from the environment, or else this one.
fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` would run it, too.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    if let Ok(bytes) = std::env::var("NOSTRP2P_FIRST_LOAD") {
        println!("first load (html, css, js, wasm), brotli   {bytes}");
    }
    let only = std::env::var("BENCH_ONLY").ok();
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let posts = number("BENCH_POSTS", 10_000);
    nostrp2p_tests::within_limit(async {
        if wanted("opening") {
            client::opening::measure(posts).await;
        }
        if wanted("scrolling") {
            client::scrolling::measure(posts).await;
        }
        if wanted("thread") {
            client::thread::measure().await;
        }
        if wanted("traffic") {
            client::traffic::measure(number("BENCH_MINUTES", MINUTES)).await;
        }
    })
    .await;
}
