//! The node as a relay for Nostr programs: NIP-01 sessions and the NIP-11 document.
//!
//! Sans-IO: [`Session`] takes lines of text and answers with [`SessionStep`]s; the node has the sockets, the store
//! and the clock. The session decides who may do what: the owner after AUTH (NIP-42) everything, guests what
//! [`Policy`] allows.

mod information;
mod message;
pub mod mirror;
mod query;
mod reader;
mod search;
mod session;

pub use information::{Information, SUPPORTED_NIPS};
pub use query::{InvalidQuery, Query};
pub use reader::Reader;
pub use search::{InvalidSearch, Search};
pub use session::{
    Counted, MAX_COLLECTED, MAX_SUBSCRIPTIONS, Policy, PublishOutcome, Session, SessionStep, Submitted,
};
