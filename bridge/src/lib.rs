//! The node as a relay for programs of the Nostr world: NIP-01 sessions and the NIP-11 document.
//!
//! Sans-IO: [`Session`] takes lines of text and answers with [`SessionStep`]s; sockets, the store and the clock are the
//! node's. Who may do what is decided here: the owner after AUTH (NIP-42), guests as far as [`Policy`] lets them.

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
