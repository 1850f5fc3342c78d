//! The binary `nostrp2p`: reads the command line, runs, and turns failures into one sentence and an exit status.

use std::{
    io::{BufRead, BufReader, BufWriter, ErrorKind, IsTerminal as _, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, parser::ValueSource};
use nostrp2p_node::{
    cli::{
        self, Cli, Completions, Owner, OwnerCommand, ProgramCommand, Revoke, ServiceCommand, ServiceInstall,
        Show,
    },
    doctor::{self, CheckVerdict},
    genkey,
    log::{self, Log},
    maintenance, open,
    redact::without_secrets,
    server::{self, RunError},
    service::{self, ServicePlan, ServiceSystem},
    settings::{self, Flags, Settings},
    status,
    store::OpenError,
};
use tokio::signal;
use zeroize::Zeroizing;

/// Threads for reading the store; more would only wait for the same disk.
const READERS: usize = 8;
/// How long threads that wait for something may still run after the node has ended.
const LAST_TASKS: std::time::Duration = std::time::Duration::from_millis(500);

/// What to do after a value was hidden in a message.
const SECRET_GIVEN: &str = "\nIf what is not shown is your secret key, it now stands in the history of your shell: delete \
                            it there. A node never needs it.";

/// Exit status for a wrong command line or settings file, as clap uses it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    keep_files_private();
    let parsed = cli::command().try_get_matches_from(cli::arguments()).and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((matches, cli))
    });
    let (matches, cli) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return misread(&error),
    };
    match cli.command {
        ProgramCommand::Genkey(arguments) => match genkey(arguments.json) {
            Ok(text) => write_out(&text),
            Err(error) => fail(&error),
        },
        ProgramCommand::Server(arguments) if arguments.sample_settings => match settings::decode_file("") {
            Ok(defaults) => write_out(&settings::sample(&defaults)),
            Err(reason) => fail(&anyhow::anyhow!(reason)),
        },
        ProgramCommand::Server(arguments) if arguments.print_settings => {
            let flags = arguments.flags.clone();
            with_settings(arguments.flags, |settings| {
                let matches = matches.subcommand_matches("server");
                let said = |name: &str| said(matches?, name);
                tell(Ok(settings::explain(&settings, &flags, said)))
            })
        }
        ProgramCommand::Server(arguments) => {
            with_settings(arguments.flags, |settings| serve(settings, |_| None))
        }
        ProgramCommand::Open(arguments) => keep_window(with_settings(arguments.flags, open)),
        ProgramCommand::Service(command) => tell(of_service(command)),
        ProgramCommand::Status(arguments) => {
            with_settings(arguments.flags, |settings| tell(ask(&settings, arguments.json)))
        }
        ProgramCommand::Doctor(arguments) => {
            with_settings(arguments.flags, |settings| examine(&settings, arguments.json))
        }
        ProgramCommand::Owner(owner) => of_owner(owner),
        ProgramCommand::Export(copy) => {
            with_settings(copy.which.into(), |settings| tell(export(&settings, &copy.file)))
        }
        ProgramCommand::Import(copy) => {
            with_settings(copy.which.into(), |settings| import(&settings, &copy.file))
        }
        ProgramCommand::Repair(which) => {
            with_settings(which.into(), |settings| tell(maintenance::repair(&settings.data_dir)))
        }
        ProgramCommand::Completions(Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "nostrp2p", &mut text);
            write_out(&String::from_utf8_lossy(&text))
        }
        ProgramCommand::Man => tell(man()),
    }
}

/// What this program writes is for this user alone, unless it says otherwise.
fn keep_files_private() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Help, or what is wrong with the command line: without the values that may be secret keys.
fn misread(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    let shown = without_secrets(&text);
    if shown == text {
        error.exit();
    }
    if error.use_stderr() {
        say_aside(&format!("{shown}{SECRET_GIVEN}\n"));
    } else {
        return write_out(&shown);
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
}

fn of_owner(owner: Owner) -> ExitCode {
    match owner {
        Owner::Show(show) => {
            let Show { link, flags } = *show;
            with_settings(flags, |settings| {
                let text = if link {
                    run(status::link(&settings))
                } else {
                    maintenance::show_owner(&settings.data_dir)
                };
                tell(text)
            })
        }
        Owner::ClaimLink(which) => {
            with_settings(which.into(), |settings| tell(maintenance::claim_link(&settings)))
        }
        Owner::Delegate(which) => with_settings(which.into(), |settings| {
            tell(ask_nsec().and_then(|nsec| maintenance::delegate(&settings.data_dir, &nsec)))
        }),
        Owner::Leave(which) => with_settings(which.into(), |settings| {
            tell(ask_nsec().and_then(|nsec| maintenance::leave(&settings.data_dir, &nsec)))
        }),
        Owner::Revoke(Revoke { peer, which }) => with_settings(which.into(), |settings| {
            tell(ask_nsec().and_then(|nsec| maintenance::revoke(&settings.data_dir, &nsec, peer)))
        }),
        Owner::Change(OwnerCommand { owner, yes, which }) => with_settings(which.into(), |settings| {
            tell(agreed(yes).and_then(|()| maintenance::change_owner(&settings.data_dir, owner)))
        }),
    }
}

/// Whether a setting was given on the command line or in the environment.
fn said(matches: &ArgMatches, name: &str) -> Option<&'static str> {
    match matches.value_source(&name.replace('-', "_"))? {
        ValueSource::CommandLine => Some("given as a flag"),
        ValueSource::EnvVariable => Some("from the environment"),
        _ => None,
    }
}

/// Asks whether the person means it.
fn agreed(yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    anyhow::ensure!(std::io::stdin().is_terminal(), "nothing was changed: say --yes if you mean it");
    say_aside("The store is set aside and the node gets a new owner. Go on? [y/N] ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    anyhow::ensure!(matches!(line.trim(), "y" | "Y" | "yes"), "nothing was changed");
    Ok(())
}

/// Status 1 when something fails that a node needs.
fn examine(settings: &Settings, json: bool) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::anyhow!("the system gives no threads: {error}")),
    };
    let (mut failed, mut said) = (false, ExitCode::SUCCESS);
    runtime.block_on(doctor::examine(settings, |step| {
        failed |= step.verdict == CheckVerdict::Fail;
        let line = if json { serde_json::to_string(&step).unwrap_or_default() } else { doctor::line(&step) };
        said = write_out(&format!("{line}\n"));
    }));
    if failed { ExitCode::FAILURE } else { said }
}

/// The manual page, with a section for each command.
fn man() -> anyhow::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    for command in Cli::command().get_subcommands().filter(|command| command.get_name() != "help") {
        let name = format!("nostrp2p {}", command.get_name());
        writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
        let text = command.clone().bin_name(name).render_long_help().to_string();
        // Lines that begin with a dot or an apostrophe would be commands of roff.
        let lines =
            text.lines().map(|line| format!("\\&{}\n", line.replace('\\', "\\\\").replace('-', "\\-")));
        writeln!(page, ".nf\n{}.fi", lines.collect::<String>())?;
    }
    Ok(String::from_utf8(page)?)
}

fn with_settings(flags: Flags, run: impl FnOnce(Settings) -> ExitCode) -> ExitCode {
    match settings::load(flags) {
        Ok(settings) => run(settings),
        Err(invalid) => {
            say_aside(&format!("error: {}\n", without_secrets(&invalid.to_string())));
            ExitCode::from(USAGE)
        }
    }
}

/// Prints what a command has to say.
fn tell(result: anyhow::Result<String>) -> ExitCode {
    match result {
        Ok(text) => {
            if text.is_empty() {
                ExitCode::SUCCESS
            } else {
                write_out(&format!("{text}\n"))
            }
        }
        Err(error) => fail(&error),
    }
}

/// Writes what a command has to say. A reader that has had enough and closed its end (`| head -1`) is no failure, and
/// nothing is said of it; a full disk is one.
fn write_out(text: &str) -> ExitCode {
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            fail(&anyhow::Error::new(error).context("the output cannot be written"))
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Writes to stderr; when nobody takes it, there is nobody to tell.
fn say_aside(text: &str) {
    let mut out = std::io::stderr();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

fn ask(settings: &Settings, json: bool) -> anyhow::Result<String> {
    run(status::status(settings, json))
}

fn run<T>(asking: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(asking)
}

/// Reads the secret key, unseen on a terminal.
fn ask_nsec() -> anyhow::Result<Zeroizing<String>> {
    let nsec = if std::io::stdin().is_terminal() {
        rpassword::prompt_password("Your secret key (nsec1..., it is not shown): ")?
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        line
    };
    Ok(Zeroizing::new(nsec))
}

/// With standard output nothing else may be written there, so the count goes to the terminal only for a file.
fn export(settings: &Settings, file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        let written = maintenance::export(&settings.data_dir, BufWriter::new(std::io::stdout().lock()));
        return match written {
            Err(error) if is_closed(&error) => Ok(String::new()),
            written => written.map(|_| String::new()),
        };
    }
    let out = std::fs::File::create(file).with_context(|| format!("{} cannot be written", file.display()))?;
    let events = maintenance::export(&settings.data_dir, BufWriter::new(out))?;
    Ok(format!("{events} events written to {}.", file.display()))
}

/// Status 1 when something was refused.
fn import(settings: &Settings, file: &Path) -> ExitCode {
    match import_from(settings, file) {
        Ok(done) => {
            let said = write_out(&format!("{}\n", done.summary()));
            if done.refusals() > 0 { ExitCode::FAILURE } else { said }
        }
        Err(error) => fail(&error),
    }
}

fn import_from(settings: &Settings, file: &Path) -> anyhow::Result<maintenance::Imported> {
    let input: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = std::fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Box::new(BufReader::new(file))
    };
    let complain = |line: &str| say_aside(&format!("{line}\n"));
    let progress = |lines: u64| say_aside(&format!("{lines} lines\n"));
    maintenance::import(&settings.data_dir, input, complain, progress)
}

/// Starts the node unless it runs, and opens its page.
fn open(settings: Settings) -> ExitCode {
    if run(async { Ok(open::is_running(&settings).await) }).unwrap_or(false) {
        return tell(run(open::page(&settings)));
    }
    say_aside(open::WINDOW);
    let waits = settings.clone();
    let page = std::thread::spawn(move || tell(run(open::page(&waits))));
    serve(settings, move |error| {
        // Two double clicks in one instant: the other one has the data directory, and this one shows its page.
        let in_use = matches!(error, RunError::Store(OpenError::InUse { .. }));
        in_use.then(|| page.join().unwrap_or(ExitCode::FAILURE))
    })
}

/// Windows closes the window of a program that has ended, before anybody could read why.
fn keep_window(status: ExitCode) -> ExitCode {
    if cfg!(windows) && cli::is_double_click() && status != ExitCode::SUCCESS {
        say_aside("Press Enter to close this window.\n");
        drop(std::io::stdin().read_line(&mut String::new()));
    }
    status
}

fn of_service(command: ServiceCommand) -> anyhow::Result<String> {
    let plan = |system: Option<ServiceSystem>, arguments| {
        let system = system.map_or_else(service::detect, Ok)?;
        anyhow::Ok(ServicePlan::of(system, &service::paths(arguments)?))
    };
    match command {
        ServiceCommand::Install(ServiceInstall { dry_run, of, which }) => {
            let mut arguments = Vec::new();
            for (flag, path) in [("--data-dir", which.data_dir), ("--settings", which.settings)] {
                if let Some(path) = path {
                    arguments.extend([flag.to_owned(), std::path::absolute(path)?.display().to_string()]);
                }
            }
            let plan = plan(of.system, arguments)?;
            if dry_run { Ok(plan.describe()) } else { service::install(&plan) }
        }
        ServiceCommand::Uninstall(of) => service::uninstall(&plan(of.system, Vec::new())?),
        ServiceCommand::Status(of) => Ok(service::status(&plan(of.system, Vec::new())?)),
    }
}

/// Runs the node until it is told to end. `instead` may take the place of the sentence about an error.
fn serve(settings: Settings, instead: impl FnOnce(&RunError) -> Option<ExitCode>) -> ExitCode {
    let log = log::begin(settings.debug);
    // What a person should read goes another way, but is no reason to wait either.
    let terminal = Log::to(std::io::stdout());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(READERS).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::anyhow!("the system gives no threads: {error}")),
    };
    // Signals are heard by the runtime.
    let shutdown = {
        let _inside = runtime.enter();
        shutdown()
    };
    let result = runtime.block_on(server::run(settings, Box::pin(shutdown), terminal.clone()));
    // A lookup that nobody answers shall not keep a node that was told to end.
    runtime.shutdown_timeout(LAST_TASKS);
    let ended = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => instead(&error).unwrap_or_else(|| {
            log.say(&format!("error: {:#}", anyhow::Error::from(error)));
            ExitCode::FAILURE
        }),
    };
    terminal.flush();
    log.flush();
    ended
}

/// Whether writing failed because the reader has closed its end.
fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(ErrorKind::BrokenPipe)
    })
}

fn fail(error: &anyhow::Error) -> ExitCode {
    say_aside(&format!("error: {}\n", without_secrets(&format!("{error:#}"))));
    ExitCode::FAILURE
}

/// Completes at Ctrl-C or SIGTERM. Both are heard from this call on: a node that is ended while it starts ends in order.
#[cfg(unix)]
fn shutdown() -> impl Future<Output = ()> {
    use signal::unix::{Signal, SignalKind};
    let hear = |kind, name| {
        let heard = signal::unix::signal(kind);
        heard.inspect_err(|error| tracing::warn!(%error, "{name} cannot be heard")).ok()
    };
    let next = async |signal: Option<Signal>| match signal {
        Some(mut signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    };
    // A terminal that is closed, or a tool that wants settings read again, does not end the node. Certificates are read
    // again by themselves when they change; settings are read at the start.
    let mut hangup = hear(SignalKind::hangup(), "SIGHUP");
    let ignore = async |signal: &mut Option<Signal>| {
        while let Some(signal) = signal {
            if signal.recv().await.is_none() {
                break;
            }
            tracing::warn!(
                "SIGHUP changes nothing: renewed certificates are read by themselves, settings at the start"
            );
        }
        std::future::pending::<()>().await;
    };
    let interrupt = hear(SignalKind::interrupt(), "Ctrl-C");
    let terminate = hear(SignalKind::terminate(), "SIGTERM");
    async move {
        tokio::select! {
            () = next(interrupt) => {}
            () = next(terminate) => {}
            () = ignore(&mut hangup) => {}
        }
    }
}

/// Completes at Ctrl-C, when the window is closed, and when the user signs out or the machine is shut down. All are heard
/// from this call on. Windows gives a program whose window is closed five seconds to end.
#[cfg(windows)]
fn shutdown() -> impl Future<Output = ()> {
    use signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
    let heard = (ctrl_c(), ctrl_break(), ctrl_close(), ctrl_logoff(), ctrl_shutdown());
    async move {
        let (Ok(mut interrupt), Ok(mut stop), Ok(mut close), Ok(mut logoff), Ok(mut off)) = heard else {
            tracing::warn!("Ctrl-C and the closing of the window cannot be heard");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
            _ = close.recv() => {}
            _ = logoff.recv() => {}
            _ = off.recv() => {}
        }
    }
}
