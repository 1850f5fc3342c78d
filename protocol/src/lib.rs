//! (being written)
mod peer;
pub use peer::{InvalidPeerId, PeerId};
