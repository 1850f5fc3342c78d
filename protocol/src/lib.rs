//! The messages of nostrp2p: events, keys, filters, packets, client frames, limits.
//!
//! No IO, no clock, no randomness: the caller passes bytes, time and random numbers in. Builds for native targets and
//! for wasm32. The normative text is PROTOCOL.md.

pub mod announcement;
mod authority;
mod bytes;
pub mod channel;
mod compression;
pub mod delegation;
mod event;
pub mod event_policy;
mod filter;
pub mod frame;
mod json;
mod keys;
mod kind;
pub mod limits;
pub mod login;
mod malformed;
mod msgpack;
mod network;
mod nip19;
pub mod nip44;
pub mod nip49;
pub mod packet;
mod peer;
pub mod rpc;
mod run_statement;
mod statement;
mod statement_check;
pub mod sync;
mod verify;
mod wire;
pub mod work;

pub use announcement::{Announcement, SignedAnnouncement};
pub use authority::{Authority, MAX_AUTHORITY_BYTES, NoAuthority, normal_origin};
pub use bytes::{EventId, InvalidHex, PublicKey, Signature};
pub use delegation::Delegation;
pub use event::{
    Event, EventTemplate, Oversize, Tag, Unacceptable, UnsignedEvent, UnverifiedEvent, VerifyError,
};
pub use filter::{Filter, InvalidFilter};
pub use json::ReadFilter;
pub use keys::{InvalidSecretKey, SecretKey};
pub use kind::Kind;
pub use malformed::Malformed;
pub use network::Network;
pub use nip19::{EventPointer, InvalidNip19, ProfilePointer};
pub use packet::Packet;
pub use peer::{InvalidPeerId, PeerId, signing_input};
pub use run_statement::RunStatement;
pub use statement::{MAX_STATEMENT_BYTES, PublicStatement, statement_input};
