//! What nodes do with an event, as far as the event alone decides: who gets it, who may see it, how long it counts,
//! what it names. PROTOCOL.md, "What travels how".
//!
//! Pure functions of an event and a time. The engine, the store, the relay, REST, the mirrors and the page all use
//! this module, so an event is judged alike however it arrives. It knows nothing of what is stored, of budgets, or of
//! who asks.

mod address;
mod audience;
mod conversation;
mod expiration;
mod hourly_cap;
mod kinds;
mod mail;
mod relay_list;
mod target;
mod versions;

pub use crate::limits::is_ahead;
pub use address::{EventAddress, address_of};
pub use audience::{
    Audience, audience, is_open, is_open_but_for_addresses, is_protected, is_public, unless_protected,
};
pub use conversation::{
    COMMENTS, everyone_tag, is_declared_public, is_for_everyone, is_quote, may_be_stated, named_people,
    nameless_person, says_everyone,
};
pub use expiration::{expires_at, is_expired};
pub use hourly_cap::{CapDecision, MAX_PER_HOUR, hour, room};
pub use kinds::{
    Routing, conversation_kinds, is_conversation, is_direct_message, is_gift_wrap, is_open_kind, is_repost,
    is_served_on_request, open_kinds, public_kinds, routing,
};
pub use mail::{is_addressed_to, is_for_inbox, is_for_own_nodes};
pub use relay_list::{inside_address, is_inside_name, is_inside_url};
pub use target::{References, Target, audience_of_deletion, audience_of_vote, references, reveals};
pub use versions::{HORIZON_SECONDS, is_outdated, is_too_old, replaces};
