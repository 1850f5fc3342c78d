//! How one event lies in the store: its id, then its compact form.
//!
//! The id is kept although it could be computed, because hashing costs more than 32 bytes on disk.

use nostrp2p_protocol::{Event, EventId, UnverifiedEvent};

/// Encodes an event for [`super::tables::EVENTS`].
pub(crate) fn encode(event: &Event) -> Vec<u8> {
    let compact = UnverifiedEvent::from(event.clone()).to_compact();
    [event.id().as_bytes().as_slice(), &compact].concat()
}

/// Decodes what [`encode`] wrote; None for anything else, which only a damaged disk can bring about.
pub(crate) fn decode(record: &[u8]) -> Option<Event> {
    let (id, compact) = record.split_at_checked(EventId::LEN)?;
    let mut event = UnverifiedEvent::from_compact(compact).ok()?;
    event.claimed_id = Some(EventId::try_from(id).ok()?);
    Some(Event::trusted(event))
}
