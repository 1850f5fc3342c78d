//! The rig of the whole-product tests: real binaries, a frame client, real browsers.
//!
//! Nothing here pretends: a node is the process that people start, a browser is Chromium.
//! Nothing sleeps for a guess: [`until`] waits for a condition and says what it waited for.
#![expect(clippy::panic, reason = "a test stops at the first surprise, and says what it was")]

mod attacker;
mod axe;
mod bench;
mod browser;
mod certificate;
mod client;
mod fake_clock;
mod foreign_relay;
mod front;
mod history;
mod hosting;
mod http;
mod installed;
mod link;
#[cfg(target_os = "linux")]
mod network_end;
mod node;
mod page;
mod person;
mod relay;
mod rest;
mod rs_relay;
mod skip;
mod tap;
mod tls_front;
mod town;

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

pub use attacker::Attacker;
pub use axe::axe;
pub use bench::within_limit;
pub use browser::{Browser, EXTENSION_KEY, Size};
pub use certificate::Certificate;
pub use client::{Client, NotHome, deletion, is_proved, now, post, random_key, random_nonce, reply};
pub use fake_clock::FakeClock;
pub use foreign_relay::ForeignRelay;
pub use front::{Front, Tamper};
pub use history::history;
pub use hosting::{Site, SiteChange};
pub use http::{get, post_http, request, request_over};
pub use installed::{InstalledNode, is_on_path};
pub use link::HomeLink;
#[cfg(target_os = "linux")]
pub use network_end::NetworkEnd;
pub use node::{Node, Stopped, binary, copy_files, free_port, processor_time};
pub use person::Person;
pub use relay::Relay;
pub use rest::{RestAnswer, RestEvent, authorization, http_login, rest};
pub use rs_relay::{RsRelay, installed};
pub use skip::{skip, skip_optional};
pub use tap::{Tap, TappedTraffic};
pub use tls_front::{TlsFront, with_names};
pub use town::Town;

/// How long anything may take that is not measured: long, because the machine may be busy with something else, and
/// above the half minute after which a node hangs up on who does not read.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until `check` gives a value; looks again every 20 ms.
///
/// # Panics
/// When that takes longer than [`PATIENCE`]; says what was awaited and what was seen last.
pub async fn until<T, S: Debug>(what: &str, mut check: impl AsyncFnMut() -> Result<T, S>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match check().await {
            Ok(value) => return value,
            Err(seen) if Instant::now() > deadline => panic!("waited for {what}, saw {seen:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Says how an attack went, for the table of `cargo xtask attack`: its name, what it tried, and what it got. Called at
/// the end of its test, so that a missing line says that the attack got what it must not.
#[expect(clippy::print_stdout, reason = "the table is made of these lines")]
pub fn held(attack: &str, tried: &str, got: &str) {
    println!("attack: {attack} | {tried} | {got}");
}
