//! Tunnels through which browsers reach a node behind a router: both sides of them.
//!
//! See PROTOCOL.md, "The way home". [`TunnelClient`] is the node behind the router, which asks helpers for tunnels;
//! [`TunnelServer`] is the helper.

mod client;
mod server;

pub use client::{OpenTunnel, TunnelClient, WANTED_TUNNELS};
pub use server::{OpenedSession, TUNNEL_SECONDS, TunnelCounts, TunnelDenied, TunnelLimits, TunnelServer};
