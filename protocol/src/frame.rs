//! The frames between a client and its own node, each a MessagePack array in one binary WebSocket message at `GET
//! /client`. See PROTOCOL.md, "Client and node".
//!
//! ```text
//! client                                  node
//!   Hello (nonce)    ------------------>
//!                    <------------------  Welcome (proof)    (or Refused)
//!   Login / Claim    ------------------>
//!                    <------------------  LoggedIn           (or Refused)
//!   Watch            ------------------>
//!                    <------------------  Batch, Batch, ...
//!   Publish, Fetch   ------------------>
//!                    <------------------  Published, Answer  (or Refused)
//!   Subscribe, Mark  ------------------>
//!                    <------------------  Answer, Markers
//! ```
//!
//! The client trusts its own node, so the events that the node sends carry no signature and no id.

mod client;
mod mirrors;
mod node;
mod permission;
mod refusal;
mod welcome;

pub use client::ClientFrame;
pub use mirrors::{MAX_MIRRORS, Mirror, MirrorState};
pub use node::{Carried, CaughtUp, Delivery, NodeFrame, Path, PeerStatus, Reached, StoreId, Ways};
pub use permission::{MAX_PERMISSIONS, MAX_SUBJECT_BYTES, Permission};
pub use refusal::{Refusal, RefusalCode};
pub use welcome::Welcome;

/// The version of these frames. A node serves exactly the versions it knows and names them otherwise.
///
/// In version 1 the node proved nothing and a login did not say at which node it was to be valid.
pub const VERSION: u16 = 2;

/// Shortest and longest time that a node gathers events for a client before it pushes them, in milliseconds.
pub const GATHER_MS: std::ops::RangeInclusive<u32> = 0..=600_000;

/// Most names that the owner confirms for a node: a handful of networks and ports.
pub const MAX_NAMES: usize = 16;

/// The code in [`NodeFrame::Features`] of a node that answers [`ClientFrame::FetchBehind`].
pub const FETCH_BEHIND: u8 = 1;

/// The code in [`NodeFrame::Features`] of a node that answers [`ClientFrame::Reach`].
pub const REACH: u8 = 2;

/// The code in [`NodeFrame::Features`] of a node that answers [`ClientFrame::Relays`].
pub const RELAYS: u8 = 3;

/// Most people of one [`ClientFrame::Reach`].
pub const MAX_REACH: usize = 100;

/// A request's number, chosen by the client and repeated in the node's answer. 0 stands for the connection as a
/// whole.
pub type RequestId = u32;
