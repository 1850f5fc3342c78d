//! The commands of developers: `cargo xtask run`, `test`, `natlab`, `fuzz`, `attack`, `bench`, `ci`, `web`, `dist`.
//!
//! It builds, checks and starts; it holds nothing of the product itself, and no other crate may depend on it.
#![expect(clippy::print_stdout, reason = "this program talks to the person who typed it")]

mod attack;
mod bench;
mod ci;
mod command;
mod demo;
mod dependencies;
mod dist;
mod durability;
mod fuzz;
mod layering;
mod mutants;
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
use clap::Parser;
use command::{Arguments, Command};
use std::process::ExitCode;
use workspace::Workspace;

fn main() -> ExitCode {
    if std::env::var_os(fuzz::WRAPPER).is_some() {
        return fuzz::wrap_rustc().unwrap_or_else(|error| failed(&error));
    }
    if std::env::var_os(test::load::BUSY).is_some() {
        return test::load::be_busy();
    }
    carry_out(Arguments::parse().command).unwrap_or_else(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

fn carry_out(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::locate()?;
    match command {
        Command::Web => web::run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Run(options) => run::run(&workspace, &options),
        Command::Screenshots { folder, build } => product::screenshots(&workspace, folder.as_deref(), build),
        Command::Test(options) => test::run(&workspace, &options),
        Command::Mutants { module } => mutants::run(&workspace, module.as_deref()),
        Command::Sim { words } => sim::run(&workspace, &words),
        Command::Attack(build) => attack::run(&workspace, build),
        Command::Soak(options) => soak::run(&workspace, &options),
        Command::Durability(options) => durability::run(&workspace, &options),
        Command::Dist(options) => dist::run(&workspace, &options),
        Command::Natlab(build) => natlab::run(&workspace, build),
        Command::Fuzz(options) => fuzz::run(&workspace, &options),
        Command::Bench(options) => bench::run(&workspace, options),
        Command::Ci { under_load } => ci::run(&workspace, under_load),
    }
}
