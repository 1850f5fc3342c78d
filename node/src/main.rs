//! The binary `nostrp2p`: reads the command line, runs, and turns failures into one sentence and an exit status.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the part that talks to the terminal")]

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use nostrp2p_node::{
    cli::{Cli, Command},
    genkey, server,
    settings::{self, Settings},
};
use tokio::signal;

/// Threads for reading the store; more would only wait for the same disk.
const READERS: usize = 8;

/// Exit status for a wrong command line or settings file, as clap uses it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Genkey(arguments) => match genkey(arguments.json) {
            Ok(text) => {
                print!("{}", text.as_str());
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error),
        },
        Command::Server(arguments) => match settings::load(arguments.flags) {
            Ok(settings) => serve(settings),
            Err(invalid) => {
                eprintln!("error: {invalid}");
                ExitCode::from(USAGE)
            }
        },
    }
}

fn serve(settings: Settings) -> ExitCode {
    log(settings.debug);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(READERS).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::anyhow!("the system gives no threads: {error}")),
    };
    let result = runtime.block_on(server::run(settings, shutdown(), |text| {
        println!("{text}");
        // A terminal that is gone does not stop the node.
        drop(std::io::stdout().flush());
    }));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.into()),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

/// Logs go to stderr: warnings only, with `-d` what the node does. `RUST_LOG` decides otherwise where it is set.
fn log(debug: bool) {
    let default = if debug { "info,nostrp2p_node=debug,nostrp2p_overlay=debug" } else { "warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Completes at Ctrl-C, and on Unix at SIGTERM.
async fn shutdown() {
    let interrupt = async {
        if let Err(error) = signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C cannot be heard");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                () = interrupt => {}
                _ = terminate.recv() => {}
            },
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be heard");
                interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
