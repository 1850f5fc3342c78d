//! The node as a relay for programs of the Nostr world: NIP-01 sessions and the NIP-11 document.
//!
//! Sans-IO: [`Session`] takes lines of text and answers with [`Step`]s; sockets, the store and the clock are the
//! node's. It deliberately lets nobody read or write but the owner, after AUTH (NIP-42).
//! Mirrors to other relays and the way home come with later work.

mod information;
mod message;
mod session;

pub use information::{Information, SUPPORTED_NIPS};
pub use session::{MAX_SUBSCRIPTIONS, Session, Step};
