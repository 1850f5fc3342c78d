//! Debug log of every event that comes from other nodes, by whichever path:
//! `RUST_LOG=nostrp2p_runtime::received=debug`. It logs ids, never contents.

use nostrp2p_protocol::{Packet, UnverifiedEvent};
use tracing::Level;

/// A payload of a broadcast or a delivery.
pub(crate) fn payload(way: &str, payload: &[u8]) {
    if !tracing::enabled!(Level::DEBUG) {
        return;
    }
    match Packet::decode(payload) {
        Ok(Packet::Event(received) | Packet::Revocation(received)) => event(way, &received),
        _ => tracing::debug!(way, bytes = payload.len(), "received no event"),
    }
}

/// Events in an answer to a question.
pub(crate) fn events<'a>(way: &str, received: impl IntoIterator<Item = &'a UnverifiedEvent>) {
    if tracing::enabled!(Level::DEBUG) {
        received.into_iter().for_each(|received| event(way, received));
    }
}

fn event(way: &str, event: &UnverifiedEvent) {
    tracing::debug!(way, id = %event.unsigned.id(), kind = event.unsigned.kind.0, "received an event");
}
