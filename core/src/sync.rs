//! Catching up: comparing the public events of this node with a neighbour's, and fetching what is missing.
//!
//! See PROTOCOL.md, "Catching up". [`Scheduler`] decides with whom and when; [`SyncSet`] and [`Comparison`] find the
//! differences.

mod scheduler;
mod set;

pub(crate) use scheduler::Scheduler;
pub use scheduler::{Identified, LastSync, SyncCounts, SyncSession, SyncStep, SyncWindow};
pub use set::{Comparison, ComparisonStep, Difference, SyncSet};
