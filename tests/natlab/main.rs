//! The NAT laboratory: can people behind every kind of router talk to each other, and by which way?
//!
//! Real nodes in network namespaces: on the internet itself, behind a full cone, behind port-restricted and symmetric
//! routers, two of each, one behind a router that takes another port, and two behind one router. Everybody broadcasts,
//! replies to everybody and fetches from everybody. First over one relay; then a second one comes, the first is killed,
//! and all is done again. Last, somebody on the way claims and uses their node behind a symmetric router by helpers.
//!
//! Run it by `cargo xtask natlab`: it needs root on Linux, and the binary in `NOSTRP2P_BIN`. Exit status: 0 if every
//! pair could do everything, 1 if not, 3 where there can be no laboratory.
#![expect(clippy::print_stdout, reason = "this program talks to the person who typed it")]

#[cfg(target_os = "linux")]
mod away;
#[cfg(target_os = "linux")]
mod laboratory;
#[cfg(target_os = "linux")]
mod matrix;
#[cfg(target_os = "linux")]
mod resident;
#[cfg(target_os = "linux")]
mod topology;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return laboratory::run();
    #[cfg(not(target_os = "linux"))]
    not_run("network namespaces are a thing of Linux")
}

/// Says why there can be no laboratory.
fn not_run(obstacle: &str) -> ExitCode {
    println!("natlab: not run, for {obstacle}");
    ExitCode::from(3)
}
