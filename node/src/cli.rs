//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings::Flags;

/// A pure peer-to-peer microblog: your own node, and everybody else's.
#[derive(Debug, Parser)]
#[command(name = "nostrp2p", version, arg_required_else_help = true, disable_help_subcommand = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run your node
    Server(Box<Server>),
    /// Generate a new key pair
    Genkey(Genkey),
    /// Ask your running node how it stands
    Status(Status),
    /// Whose node it is, and your word that it acts for you (while the node is stopped)
    #[command(subcommand)]
    Owner(Owner),
    /// Write all events as JSON lines (while the node is stopped)
    Export(Copy),
    /// Read events from JSON lines, checking each (while the node is stopped)
    Import(Copy),
}

/// Which node a command is about.
#[derive(Debug, Args)]
pub struct Which {
    /// Where the node keeps its data
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

/// `nostrp2p status`
#[derive(Debug, Args)]
pub struct Status {
    /// The address that the server was started with [default: 127.0.0.1:20000]
    #[arg(short = 'l', long, value_name = "ADDR:PORT", env = "NOSTRP2P_LISTEN_ADDR_PORT")]
    pub listen_addr_port: Option<String>,
    /// Which node.
    #[command(flatten)]
    pub which: Which,
    /// Print the node's own JSON
    #[arg(long)]
    pub json: bool,
}

/// `nostrp2p owner`
#[derive(Debug, Subcommand)]
pub enum Owner {
    /// Say whose node it is
    Show(Which),
    /// Sign your word that the node acts for you: asks for your secret key (nsec), uses it once, keeps it nowhere
    Delegate(Which),
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
}

/// `nostrp2p genkey`
#[derive(Debug, Args)]
pub struct Genkey {
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}
