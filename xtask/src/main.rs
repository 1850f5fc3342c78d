//! Everything a person types: `cargo xtask run`, `test`, `natlab`, `fuzz`, `attack`, `bench`, `ci`, `web`.
//!
//! It builds, checks and starts; it holds nothing of the product itself, and no other crate may depend on it.
#![expect(clippy::print_stdout, reason = "this program talks to the person who typed it")]

mod attack;
mod bench;
mod ci;
mod command;
mod demo;
mod dependencies;
mod durability;
mod fuzz;
mod layering;
mod natlab;
mod product;
mod report;
mod run;
mod signals;
mod sim;
mod soak;
mod test;
mod tools;
mod web;
mod workspace;

use anyhow::Result;
use command::Command;
use std::{
    io::{self, Write},
    process::ExitCode,
};
use workspace::Workspace;

fn main() -> ExitCode {
    if std::env::var_os(fuzz::WRAPPER).is_some() {
        return fuzz::wrap_rustc().unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        });
    }
    let command = match Command::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error}\nTry `cargo xtask --help`.");
            return ExitCode::from(2);
        }
    };
    match carry_out(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: Command) -> Result<ExitCode> {
    if matches!(command, Command::Help) {
        // Whoever reads on may have seen enough and closed the pipe.
        drop(io::stdout().write_all(command::HELP.as_bytes()));
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::locate()?;
    match command {
        Command::Help => Ok(ExitCode::SUCCESS),
        Command::Web => web::run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Run(options) => run::run(&workspace, &options),
        Command::Screenshots { folder, debug_build } => {
            product::screenshots(&workspace, folder.as_deref(), debug_build)
        }
        Command::Test(suites) => test::run(&workspace, &suites),
        Command::Sim(words) => sim::run(&workspace, &words),
        Command::Attack(debug_build) => attack::run(&workspace, debug_build),
        Command::Soak(words) => soak::run(&workspace, &words),
        Command::Durability(killed, times) => durability::run(&workspace, killed, times),
        Command::Natlab(debug_build) => natlab::run(&workspace, debug_build),
        Command::Fuzz(options) => fuzz::run(&workspace, &options),
        Command::Bench(options) => bench::run(&workspace, options),
        Command::Ci => ci::run(&workspace),
    }
}
