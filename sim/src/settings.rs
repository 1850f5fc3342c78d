//! Settings of a simulation.

use std::time::Duration;

/// How many nodes there are, what happens to them, and who attacks.
#[derive(Debug, Clone, clap::Parser)]
#[command(
    name = "cargo xtask sim",
    about = "Many real overlay nodes in one process, over libp2p's memory transport"
)]
pub struct Scenario {
    /// Honest nodes.
    #[arg(long, default_value_t = 32)]
    pub nodes: usize,
    /// Chooses keys, topology, authors and times. How the machine schedules threads it cannot choose.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Posts of honest people, spread over the time.
    #[arg(long, default_value_t = 100)]
    pub events: usize,
    /// Seconds in which the posts are written, and faults happen.
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
    /// Seconds that the nodes are given at most to catch up after that.
    #[arg(long, default_value_t = 180)]
    pub settle: u64,
    /// Percent of the honest nodes that are switched off once, for up to half of the time.
    #[arg(long, default_value_t = 0)]
    pub churn: u64,
    /// Percent of the messages that each node loses as if they had never come.
    #[arg(long, default_value_t = 0)]
    pub loss: u64,
    /// Two halves that know nothing of each other until the posts are written.
    #[arg(long)]
    pub partition: bool,
    /// Spammers, in percent of the honest nodes; each sends 120 posts a minute with right signatures.
    #[arg(long, default_value_t = 0)]
    pub spammers: usize,
    /// Nodes that send forged posts, 120 a minute.
    #[arg(long, default_value_t = 0)]
    pub forgers: usize,
    /// Nodes that sign each post with a key that did not exist before, 120 a minute. The honest people of such a run have
    /// known each other for more than a day; else nobody could be new to them.
    #[arg(long, default_value_t = 0)]
    pub sybils: usize,
    /// Nodes that an attacker invents: announcements with sound signatures and the latest dates that nodes accept,
    /// broadcast and given to whoever asks, under one key after the other. In the middle of such a run a newcomer
    /// joins.
    #[arg(long, default_value_t = 0)]
    pub inventions: u32,
    /// Nodes that act for somebody and that an honest node remembers; small, so that it is full in a small simulation.
    #[arg(long, default_value_t = 50_000)]
    pub directory: usize,
    /// One node that shows somebody else's delegation, to get that person's private replies.
    #[arg(long)]
    pub claimer: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        clap::Parser::parse_from(["sim"])
    }
}

impl Scenario {
    pub(crate) const fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// The node that joins in the middle of a run in which somebody invents nodes.
    pub(crate) fn newcomer(&self) -> Option<usize> {
        (self.inventions > 0 && self.nodes > 2).then(|| self.nodes - 1 - usize::from(self.claimer))
    }

    pub(crate) fn spamming(&self) -> usize {
        (self.nodes * self.spammers).div_ceil(100)
    }
}
