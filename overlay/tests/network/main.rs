//! Overlays that talk to each other in one process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails")]

mod addresses;
mod bootstrap;
mod broadcast;
mod promises;
mod relaying;
mod requests;
mod rig;
mod strangers;
