//! The network simulation: many real overlay nodes in one process, over libp2p's memory transport.
//!
//! Each honest node is the overlay and the core that the program runs, joined in the same way; only the store is a
//! small one in memory, and there are no clients. Time is real. See docs/measurements.md for what came of it.

mod attack;
mod inventing;
mod memory;
mod newcomer;
mod node;
mod report;
mod run;
mod settings;
mod tally;

pub use report::Report;
pub use run::run;
pub use settings::Scenario;
