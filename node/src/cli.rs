//! The command line.

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
