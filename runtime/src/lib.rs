//! The pump around the engine ([`nostrp2p_core::Core`]): it passes inputs in and carries outputs out.
//!
//! One task owns the engine. It selects over a closed set of events and awaits nothing else: disk, network and
//! signature checks are effects, futures that run beside it and end in an input. The traits [`EventStore`],
//! [`PeerNetwork`], [`Platform`] and [`Host`] stand for the store, the network, the machine, and sessions with their
//! status, so the native node, the simulation and a node in a browser's tab run the same code. The pump decides
//! nothing; the engine does.

mod command;
#[cfg(feature = "overlay")]
mod overlay;
mod pump;
mod received;
mod traits;

pub use command::{Brought, Command, Published, Received, TunnelGrant};
#[cfg(feature = "overlay")]
pub use overlay::OverlayEvents;
pub use pump::{COMMANDS, Pump};
pub use traits::{
    Checked, EventStore, Host, HostNotice, NetworkEvent, NetworkEvents, PeerNetwork, Platform, Reaction,
    StoreReply, StoreWrite, Unanswered, Unreadable,
};
