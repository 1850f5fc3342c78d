//! The proof of work (NIP-13) that relays demand of an event.

use nostrp2p_protocol::{EventTemplate, Kind, PublicKey, event_policy::is_open_but_for_addresses};

use crate::model::Model;

/// Most bits of work that are put into an event: a million attempts, some seconds on a phone.
pub const MAX_WORK: u8 = 20;

/// The author and the bits of work to put into a draft, so that all relays take it that may get it and demand at most
/// [`MAX_WORK`]; None when none demands any.
pub fn work_for(model: &Model, draft: &EventTemplate) -> Option<(PublicKey, u8)> {
    let author = model.me?;
    let gets_there = draft.kind == Kind::DELETION || is_open_but_for_addresses(&draft.clone().by(author));
    let wanted = model.connection.mirrors.iter().map(|mirror| mirror.work);
    let bits = wanted.filter(|bits| (1..=MAX_WORK).contains(bits)).max()?;
    gets_there.then_some((author, bits))
}
