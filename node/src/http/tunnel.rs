//! Tunnels to a node behind a router, for browsers. See PROTOCOL.md, "The way home".
//!
//! `server` is the helper that carries a browser's frames, `client` the node behind the router that takes them, and
//! `limits` ends a session that must make room for another.

pub(crate) mod client;
pub(in crate::http) mod limits;
pub(in crate::http) mod server;
