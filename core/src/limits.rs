//! Bounds that several modules share: how much is taken from whom, and how much is remembered.

use nostrp2p_protocol::event_policy::HORIZON_SECONDS;

use crate::limit::Rate;

/// Most delegated nodes that are remembered: 50,000 take about 15 MB.
pub(crate) const MAX_ENTRIES: usize = 50_000;
/// Most connected nodes whose networks are remembered; the overlay accepts about 180 connections.
pub(crate) const MAX_CONNECTED: usize = 1_000;

/// The bounds of admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How old a broadcast event may be, in seconds. Default 30 days, as the store keeps.
    pub horizon_seconds: u64,
    /// Ids that are remembered. Default 20,000: about a day of a busy network, and 2 MB; a guess.
    pub recent_ids: usize,
    /// Events that the owner, those whom he follows and those whom these follow may send by gossip. Default 120 at once,
    /// 240 an hour, which is what all nodes keep of one author (see [`nostrp2p_protocol::event_policy::MAX_PER_HOUR`]); a guess.
    pub close: Rate,
    /// Events of anybody else that are taken by gossip. Default 24 at once, 240 an hour, which is what all nodes keep of
    /// one author, so it would come by catching up anyway. Those whom the node has not known for a day share it, as far as
    /// one neighbour brings them.
    pub strangers: Rate,
    /// How much of that is passed on. Default: 8 at once, 240 an hour, so that a flood ends at the first node.
    /// Nothing of an author who goes over it is passed on for a minute. Others get the rest by catching up, some
    /// seconds later; a guess.
    pub passed_on: Rate,
    /// Events of all strangers together. Default 600 at once, 7,200 an hour, half of it for those who have been known for
    /// a day: what 17,000 people write who write ten times a day, and 2 kB a second with all copies; a guess.
    pub all_strangers: Rate,
    /// Authors whose budgets are remembered. Default 10,000: 1 MB. The longest silent is forgotten first.
    pub authors: usize,
    /// Nodes that act for somebody and are remembered. Default 50,000, which is also the most: 15 MB. Simulations take less.
    pub directory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            horizon_seconds: HORIZON_SECONDS,
            recent_ids: 20_000,
            close: Rate { burst: 120, per_hour: 240 },
            strangers: Rate { burst: 24, per_hour: 240 },
            passed_on: Rate { burst: 8, per_hour: 240 },
            all_strangers: Rate { burst: 600, per_hour: 7_200 },
            authors: 10_000,
            directory: MAX_ENTRIES,
        }
    }
}
