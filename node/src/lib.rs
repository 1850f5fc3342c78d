//! The node of nostrp2p as a library: the binary's `main` and the tests run the same code.
//!
//! Data flows like this: sockets (`http`) and the overlay pass inputs in, the `driver` asks the engine and carries
//! out its outputs, the `store` keeps events, and sessions push what the store holds. See ARCHITECTURE.md.

mod access_token;
mod claim;
mod claim_link;
pub mod cli;
mod clock;
mod connection_slots;
mod data_dir;
#[doc(hidden)]
pub mod decoders;
mod delegated;
pub mod doctor;
mod driver;
mod fetch_server;
mod genkey;
mod http;
pub mod log;
pub mod maintenance;
mod markers;
mod mirror;
mod node_status;
pub mod open;
mod own_names;
mod permissions;
mod reachability;
pub mod redact;
mod relay_url;
pub mod server;
pub mod service;
pub mod settings;
pub mod status;
mod stop;
mod storage;
pub mod store;
mod tcp;
pub mod tls;
mod traffic;
pub(crate) mod trusted_time;
mod verifier;
mod web;

pub use genkey::genkey;
