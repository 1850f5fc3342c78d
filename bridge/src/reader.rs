//! The reader of a session, and the part of the store that they may see.

use nostrp2p_protocol::{
    Event, Filter, Kind, PublicKey,
    event_policy::{is_direct_message, is_open},
};

/// The reader whom a session serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The node's owner: everything but the gift wraps that only passed through on their way to others.
    Owner(PublicKey),
    /// Anybody, where the node lets guests read: what is public.
    Guest,
}

impl Reader {
    /// Whether this reader may see an event.
    pub fn sees(self, event: &Event) -> bool {
        match self {
            Self::Owner(owner) => event.kind != Kind::GIFT_WRAP || is_for(event, &owner),
            Self::Guest => is_open(event),
        }
    }

    /// Whether a filter asks only for kinds that this reader never sees, so that signing in is worth a try.
    pub(crate) fn never_sees(self, filter: &Filter) -> bool {
        match (self, &filter.kinds) {
            (Self::Guest, Some(kinds)) => !kinds.is_empty() && kinds.iter().copied().all(is_direct_message),
            _ => false,
        }
    }
}

fn is_for(event: &Event, person: &PublicKey) -> bool {
    let person = person.to_string();
    event.tag_values("p").any(|value| value == person)
}
