//! The binary `nostrp2p`: reads the command line, runs, and turns failures into one sentence and an exit status.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the part that talks to the terminal")]

use std::{
    io::{BufRead, BufReader, BufWriter, IsTerminal as _, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Parser as _;
use nostrp2p_node::{
    cli::{Cli, Command, Owner},
    genkey, maintenance, server,
    settings::{self, Flags, Settings},
    status,
};
use tokio::signal;
use zeroize::Zeroizing;

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
        Command::Server(arguments) => with_settings(arguments.flags, serve),
        Command::Status(arguments) => {
            let flags = Flags { listen_addr_port: arguments.listen_addr_port, ..arguments.which.into() };
            with_settings(flags, |settings| tell(ask(&settings, arguments.json)))
        }
        Command::Owner(Owner::Show(which)) => {
            with_settings(which.into(), |settings| tell(maintenance::show_owner(&settings.data_dir)))
        }
        Command::Owner(Owner::Delegate(which)) => {
            with_settings(which.into(), |settings| tell(delegate(&settings)))
        }
        Command::Export(copy) => {
            with_settings(copy.which.into(), |settings| tell(export(&settings, &copy.file)))
        }
        Command::Import(copy) => {
            with_settings(copy.which.into(), |settings| tell(import(&settings, &copy.file)))
        }
    }
}

fn with_settings(flags: Flags, run: impl FnOnce(Settings) -> ExitCode) -> ExitCode {
    match settings::load(flags) {
        Ok(settings) => run(settings),
        Err(invalid) => {
            eprintln!("error: {invalid}");
            ExitCode::from(USAGE)
        }
    }
}

/// Prints what a command has to say.
fn tell(result: anyhow::Result<String>) -> ExitCode {
    match result {
        Ok(text) => {
            if !text.is_empty() {
                println!("{text}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

fn ask(settings: &Settings, json: bool) -> anyhow::Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(status::status(settings, json))
}

fn delegate(settings: &Settings) -> anyhow::Result<String> {
    let nsec = if std::io::stdin().is_terminal() {
        rpassword::prompt_password("Your secret key (nsec1..., it is not shown): ")?
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        line
    };
    maintenance::delegate(&settings.data_dir, &Zeroizing::new(nsec))
}

/// With standard output nothing else may be written there, so the count goes to the terminal only for a file.
fn export(settings: &Settings, file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        maintenance::export(&settings.data_dir, BufWriter::new(std::io::stdout().lock()))?;
        return Ok(String::new());
    }
    let out = std::fs::File::create(file).with_context(|| format!("{} cannot be written", file.display()))?;
    let events = maintenance::export(&settings.data_dir, BufWriter::new(out))?;
    Ok(format!("{events} events written to {}.", file.display()))
}

fn import(settings: &Settings, file: &Path) -> anyhow::Result<String> {
    let input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = std::fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Box::new(BufReader::new(file))
    };
    let complain = |line: &str| eprintln!("{line}");
    let progress = |lines: u64| eprintln!("{lines} lines");
    let done = maintenance::import(&settings.data_dir, input, complain, progress)?;
    let over = if done.over > 0 { format!("{} deleted or expired, ", done.over) } else { String::new() };
    Ok(format!(
        "{} new events, {} were there already, {over}{} lines refused.",
        done.new, done.known, done.refused
    ))
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
    eprintln!("error: {error:#}");
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
