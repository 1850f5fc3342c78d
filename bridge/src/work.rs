//! Proof of work (NIP-13) that an event promises.

use nostrp2p_protocol::{EventId, UnsignedEvent, work::difficulty};

/// Whether an event has the work to which its `nonce` tag commits, if it has one that does.
pub(crate) fn keeps_its_word(id: &EventId, unsigned: &UnsignedEvent) -> bool {
    let nonce = unsigned.tags.iter().find(|tag| tag.name() == "nonce");
    let target = nonce.and_then(|tag| tag.elements().get(2)?.parse::<u32>().ok());
    target.is_none_or(|target| difficulty(id) >= target)
}
