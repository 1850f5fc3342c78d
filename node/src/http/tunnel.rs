//! Tunnels to a node behind a router, for browsers. See PROTOCOL.md, "The way home".
//!
//! `server` is the helper that carries a browser's frames, `client` the node behind the router that takes them.

pub(crate) mod client;
pub(in crate::http) mod server;
