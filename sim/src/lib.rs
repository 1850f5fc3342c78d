//! The network simulation: many real overlay nodes in one process, over libp2p's memory transport.
//!
//! Each honest node consists of the program's own overlay, engine and pump; only the store is a small one in memory,
//! and there are no clients. Time is real. The results are in docs/measurements.md.

mod attack;
mod identity;
mod inventing;
mod memory;
mod memory_store;
mod newcomer;
mod node;
mod report;
mod run;
mod runtime;
mod settings;
mod tally;
mod virtual_network;
mod virtual_node;

pub use report::Report;
pub use run::run;
pub use settings::Scenario;
pub use virtual_network::{VirtualEvents, VirtualMessage, VirtualNetwork, VirtualRequest, Wire, WireTap};
pub use virtual_node::VirtualNode;
