//! The command line.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap::{Args, Parser, Subcommand, builder::Resettable};

use nostrp2p_protocol::{PeerId, PublicKey};

use crate::{service::ServiceSystem, settings::Flags};

/// A pure peer-to-peer microblog: your own node, and everybody else's.
#[derive(Debug, Parser)]
#[command(name = "nostrp2p", version, arg_required_else_help = true, disable_help_subcommand = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: ProgramCommand,
}

/// The arguments of this process. A double click on Windows and macOS gives none, and means [`ProgramCommand::Open`].
pub fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if is_double_click() {
        arguments.push("open".into());
    }
    arguments
}

/// Whether nothing was typed on a system where people start programs so.
pub fn is_double_click() -> bool {
    cfg!(any(windows, target_os = "macos")) && std::env::args_os().len() == 1
}

/// The command line, as it is parsed: an environment variable that is set and empty, as compose files and unit files leave
/// it behind, counts as not set.
pub fn command() -> clap::Command {
    without_empty(<Cli as clap::CommandFactory>::command(), &|name| {
        std::env::var_os(name).is_some_and(|value| value.is_empty())
    })
}

fn without_empty(command: clap::Command, is_empty: &dyn Fn(&OsStr) -> bool) -> clap::Command {
    let command = command.mut_args(|argument| {
        let empty = argument.get_env().is_some_and(is_empty);
        if empty { argument.env(Resettable::Reset) } else { argument }
    });
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |sub| without_empty(sub, is_empty)))
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum ProgramCommand {
    /// Run your node
    Server(Box<Server>),
    /// Generate a new key pair
    Genkey(Genkey),
    /// Ask your running node how it stands
    Status(StatusCommand),
    /// Start your node unless it runs, and open its page in the browser: what a double click does
    Open(Box<OpenCommand>),
    /// Let the system start your node whenever you are logged in, without root
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Look at everything that a node needs, and say what to do
    Doctor(StatusCommand),
    /// Whose node it is, and your word that it acts for you
    #[command(subcommand)]
    Owner(Owner),
    /// Write all events as JSON lines (while the node is stopped)
    Export(Copy),
    /// Read events from JSON lines, checking each (while the node is stopped)
    Import(Copy),
    /// Set a damaged store aside and save what can still be read of it (while the node is stopped)
    Repair(Which),
    /// Print completions for a shell, to be put where that shell looks for them
    Completions(Completions),
    /// Print the manual page (roff), for `nostrp2p man | man -l -`
    Man,
}

/// Which node a command is about.
#[derive(Debug, Args)]
pub struct Which {
    /// Where the node keeps its data [default: nostrp2p in this user's folder for data, on Linux ~/.local/share]
    #[arg(long, value_name = "DIR", env = "NOSTRP2P_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Its settings file [default: nostrp2p.toml in the data directory]
    #[arg(long, value_name = "FILE", env = "NOSTRP2P_SETTINGS")]
    pub settings: Option<PathBuf>,
}

impl From<Which> for Flags {
    fn from(which: Which) -> Self {
        Self { data_dir: which.data_dir, settings: which.settings, ..Self::default() }
    }
}

/// `nostrp2p status` and `nostrp2p doctor`: the flags that the server was started with.
#[derive(Debug, Args)]
#[command(
    after_help = "Give the flags that the server was started with; none if its settings stand in the settings file. \
                  Mostly -l and --data-dir matter."
)]
pub struct StatusCommand {
    /// The settings.
    #[command(flatten)]
    pub flags: Flags,
    /// Print JSON: the node's own words, or a line for each step
    #[arg(long)]
    pub json: bool,
}

/// `nostrp2p open`
#[derive(Debug, Args)]
pub struct OpenCommand {
    /// The settings.
    #[command(flatten)]
    pub flags: Flags,
}

/// `nostrp2p service`
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Write what the system needs and start the node; says how to undo it
    Install(ServiceInstall),
    /// Stop the node and take away what install wrote; the data stay
    Uninstall(ServiceOf),
    /// Say whether it is installed, and whether it runs
    Status(ServiceOf),
}

/// On which system.
#[derive(Debug, Args)]
pub struct ServiceOf {
    /// The service manager of which system [default: of this one]
    #[arg(long, value_enum)]
    pub system: Option<ServiceSystem>,
}

/// `nostrp2p service install`
#[derive(Debug, Args)]
#[command(after_help = "Other settings stand in nostrp2p.toml in the data directory.")]
pub struct ServiceInstall {
    /// Print what would be written and run, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// On which system.
    #[command(flatten)]
    pub of: ServiceOf,
    /// Which node is started.
    #[command(flatten)]
    pub which: Which,
}

/// `nostrp2p owner`
#[derive(Debug, Subcommand)]
pub enum Owner {
    /// Say whose node it is (while the node is stopped), or by which link its owner reaches it (while it runs)
    Show(Box<Show>),
    /// Show the claim link of a running node again
    ClaimLink(Which),
    /// Sign your word that the node acts for you: asks for your secret key (nsec), uses it once, keeps it nowhere
    /// (while the node is stopped)
    Delegate(Which),
    /// Take your word back: asks for your secret key, as delegate does. Start the node once more, so that others hear
    /// of it (while the node is stopped)
    Leave(Which),
    /// Take your word back from another node of yours, one that was lost or stolen: asks for your secret key, as delegate
    /// does. Start the node again, so that others hear of it (while the node is stopped)
    Revoke(Revoke),
    /// Give the node to somebody else, with an empty store and a new key; your store is set aside (while the node is
    /// stopped)
    Change(OwnerCommand),
}

/// `nostrp2p owner show`
#[derive(Debug, Args)]
pub struct Show {
    /// Show the link by which other devices of the owner reach the running node from anywhere; give -l if the server was
    /// started with it
    #[arg(long)]
    pub link: bool,
    /// Which node.
    #[command(flatten)]
    pub flags: Flags,
}

/// `nostrp2p owner revoke`
#[derive(Debug, Args)]
pub struct Revoke {
    /// The peer id of the node that shall no longer act for you (12D3KooW...)
    pub peer: PeerId,
    /// Which node says so.
    #[command(flatten)]
    pub which: Which,
}

/// `nostrp2p owner change`
#[derive(Debug, Args)]
pub struct OwnerCommand {
    /// The new owner's public key, npub or hex; without, the node prints a claim link at its next start
    #[arg(value_parser = crate::settings::public_key)]
    pub owner: Option<PublicKey>,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
    /// Which node.
    #[command(flatten)]
    pub which: Which,
}

/// `nostrp2p completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    pub shell: clap_complete::Shell,
}

/// `nostrp2p export` and `nostrp2p import`
#[derive(Debug, Args)]
pub struct Copy {
    /// The file; - for standard output or input
    pub file: PathBuf,
    /// Which node.
    #[command(flatten)]
    pub which: Which,
}

/// `nostrp2p server`
#[derive(Debug, Args)]
#[command(
    after_help = "Every flag can also stand in the environment (see [env: ...]) or in the settings file; \
                        flags go before the environment, and both before the file."
)]
pub struct Server {
    /// The settings.
    #[command(flatten)]
    pub flags: Flags,
    /// Print all settings and where each comes from, as a settings file, and run nothing
    #[arg(long)]
    pub print_settings: bool,
    /// Print a settings file in which every setting is explained and none is set, and run nothing
    #[arg(long, conflicts_with = "print_settings")]
    pub sample_settings: bool,
}

/// `nostrp2p genkey`
#[derive(Debug, Args)]
pub struct Genkey {
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_variable(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().filter(|argument| argument.get_env().is_some());
        let own = own.map(|argument| argument.get_id().to_string());
        own.chain(command.get_subcommands().flat_map(with_variable)).collect()
    }

    #[test]
    fn no_variable_counts_when_it_is_empty() {
        let command = <Cli as clap::CommandFactory>::command();
        assert!(
            with_variable(&command).len() > 30,
            "the variables of the server, of status and of the others"
        );
        assert_eq!(with_variable(&without_empty(command.clone(), &|_| true)), [""; 0]);
        let writable = without_empty(command, &|name| name == "NOSTRP2P_WRITABLE");
        assert!(!with_variable(&writable).contains(&"writable".to_owned()));
        assert!(with_variable(&writable).contains(&"upnp".to_owned()));
    }
}
