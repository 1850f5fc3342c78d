//! Nodes behind every kind of router: the laboratory of `tests/natlab`, as one test.

use std::process::Stdio;

use nostrp2p_tests::{binary, skip};
use tokio::process::Command;

/// The exit status of the laboratory where there can be none.
const NOT_HERE: i32 = 3;

#[tokio::test]
async fn everybody_reaches_everybody_through_every_kind_of_router() {
    let mut laboratory = Command::new(env!("CARGO_BIN_EXE_natlab"));
    // It removes its namespaces when it is asked to end, and when the next one begins.
    laboratory.env("NOSTRP2P_BIN", binary()).stdin(Stdio::null()).kill_on_drop(true);
    let status = laboratory.status().await.expect("the laboratory starts");
    if status.code() == Some(NOT_HERE) {
        return skip("there can be no network namespaces; the line above says why");
    }
    assert!(status.success(), "the laboratory ended with {status}; the lines above say what failed");
}
