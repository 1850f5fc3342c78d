//! `cargo xtask sim`: runs one simulation and prints its report.
#![expect(clippy::print_stdout, reason = "this is what the program is for")]

use std::process::ExitCode;

use clap::Parser;
use nostrp2p_sim::{Scenario, run};

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Scenario::parse();
    println!("{settings:?}");
    match run(&settings, &|line| println!("{line}")).await {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("the simulation failed: {reason}");
            ExitCode::FAILURE
        }
    }
}
