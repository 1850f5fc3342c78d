//! Tunnels through which browsers reach a node behind a router: both sides of them.
//!
//! See PROTOCOL.md, "The way home". `client` is the node behind the router, which asks helpers for tunnels;
//! [`server::State`] is the helper.

mod client;
pub mod server;

pub(crate) use client::TunnelClient;
pub use client::{OpenTunnel, WANTED_TUNNELS};
