//! The report of a run.

use std::{fmt, time::Duration};

/// Counts and delays of one run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Honest nodes that run at the end.
    pub nodes: usize,
    /// Posts of honest people.
    pub events: usize,
    /// Pairs of node and post that should be, and that are.
    pub expected: usize,
    /// See [`Report::expected`].
    pub delivered: usize,
    /// Delays of what came by gossip: median, 99th of 100, longest.
    pub gossip_delay: [Duration; 3],
    /// Events that came by gossip.
    pub gossiped: usize,
    /// Events that came by catching up.
    pub caught_up: usize,
    /// From the last post until nobody lacked anything, or until the patience was over.
    pub settled: Duration,
    /// Payloads that arrived at a node for each post, copies and announcements counted.
    pub copies: f64,
    /// Bytes of payloads that arrived at a node for each post.
    pub bytes: f64,
    /// Bytes that a node sends in its streams for each post: besides payloads, what gossip writes around them, what
    /// neighbours tell each other of what they have, and requests. Encryption and what is below come on top.
    pub sent: f64,
    /// Resident memory of the process for each node, where the system tells (Linux).
    pub memory_kib: Option<u64>,
    /// Different events of the spammer with the most that an honest node has forwarded.
    pub abuse: usize,
    /// Different forgeries of the forger with the most that an honest node has forwarded.
    pub forged: usize,
    /// The same for each minute.
    pub abuse_per_minute: f64,
    /// Private replies that came to those they were for, of so many, and to anybody else.
    pub private: [usize; 3],
    /// The longest time that one of those took which came.
    pub private_delay: Duration,
    /// How many honest nodes the newcomer knew at last, if there was one, and how long it took to know half of all.
    pub newcomer: Option<(usize, Option<Duration>)>,
}

impl Report {
    /// The share of all pairs; 1 is all.
    pub fn ratio(&self) -> f64 {
        if self.expected == 0 { 1.0 } else { count(self.delivered) / count(self.expected) }
    }
}

/// As a number to divide; exact up to 2^32.
pub(crate) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Median, 99th of 100 and longest of sorted delays.
pub(crate) fn percentiles(sorted: &[Duration]) -> [Duration; 3] {
    let at = |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)));
    [at(50), at(99), sorted.last()].map(|delay| delay.copied().unwrap_or_default())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, most, longest] = self.gossip_delay;
        writeln!(f, "delivered          {:.5} ({} of {})", self.ratio(), self.delivered, self.expected)?;
        writeln!(f, "  by gossip        {}", self.gossiped)?;
        writeln!(f, "  by catching up   {}", self.caught_up)?;
        writeln!(f, "delay by gossip    p50 {median:.1?}, p99 {most:.1?}, longest {longest:.1?}")?;
        writeln!(f, "settled            {:.1?} after the last post", self.settled)?;
        writeln!(f, "copies             {:.1} per post and node", self.copies)?;
        writeln!(f, "bytes              {:.0} per post and node", self.bytes)?;
        writeln!(f, "in all streams     {:.0} bytes per post and node", self.sent)?;
        if let Some(memory) = self.memory_kib {
            writeln!(f, "memory             {memory} KiB per node")?;
        }
        writeln!(
            f,
            "abuse forwarded    {} of the worst spammer, {:.1} a minute; {} forgeries",
            self.abuse, self.abuse_per_minute, self.forged
        )?;
        let [meant, of, astray] = self.private;
        let longest = self.private_delay;
        writeln!(
            f,
            "private replies    {meant} of {of} came, within {longest:.1?}; {astray} to somebody else"
        )?;
        match self.newcomer {
            Some((known, Some(took))) => {
                writeln!(f, "newcomer           half of the nodes after {took:.1?}, {known} at last")
            }
            Some((known, None)) => writeln!(f, "newcomer           {known} nodes, so never half of them"),
            None => Ok(()),
        }
    }
}
