//! How one event lies in the store: its id, then its compact form.
//!
//! The id is kept although it could be computed, because hashing costs more than 32 bytes on disk.

use nostrp2p_protocol::{Event, EventId, Kind, PublicKey, UnverifiedEvent, event_policy::is_expired};

/// Encodes an event for [`super::tables::EVENTS`].
pub(crate) fn encode(event: &Event) -> Vec<u8> {
    let compact = UnverifiedEvent::from(event.clone()).to_compact();
    [event.id().as_bytes().as_slice(), &compact].concat()
}

/// The beginning of a record: id, author, `created_at` and kind. Reads nothing behind that.
pub(crate) fn beginning(record: &[u8]) -> Option<(EventId, PublicKey, u64, Kind)> {
    let (id, compact) = record.split_at_checked(EventId::LEN)?;
    let (author, created_at, kind) = UnverifiedEvent::beginning_of_compact(compact).ok()?;
    Some((EventId::try_from(id).ok()?, author, created_at, kind))
}

/// Decodes what [`encode`] wrote; None for anything else, which only a damaged disk can bring about.
pub(crate) fn decode(record: &[u8]) -> Option<Event> {
    let (id, compact) = record.split_at_checked(EventId::LEN)?;
    let mut event = UnverifiedEvent::from_compact(compact).ok()?;
    event.claimed_id = Some(EventId::try_from(id).ok()?);
    Some(Event::trusted(event))
}

/// Decodes a record, unless its event has ended.
pub(super) fn living(record: &[u8], now: u64) -> Option<Event> {
    decode(record).filter(|event| !is_expired(event, now))
}
