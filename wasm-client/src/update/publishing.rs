//! Sends the outbox to the node.

use nostrp2p_protocol::{EventId, frame::ClientFrame};

use super::Effect;
use crate::{
    model::{Model, Outgoing, connection::SentRequest},
    sorted_map::SortedSet,
};

/// Hands an event of the outbox to the node, if it is connected and has not got it yet.
pub fn publish(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let asked = model.connection.requests.values().any(|request| *request == SentRequest::Publish(id));
    if !model.connection.is_logged_in() || asked {
        return;
    }
    let ready = |outgoing: &&Outgoing| outgoing.saved && outgoing.refused.is_none();
    let Some(outgoing) = model.outbox.waiting.get(&id).filter(ready) else { return };
    // An older node would hang up.
    if model.connection.long_lists.is_none() && outgoing.event.is_long() {
        return;
    }
    let event = outgoing.event.clone().into();
    let request = model.connection.ask(SentRequest::Publish(id));
    out.push(Effect::Send(ClientFrame::Publish { request, event }));
}

/// Hands over all that waits, the oldest first.
pub fn publish_all(model: &mut Model, out: &mut Vec<Effect>) {
    let mut waiting: SortedSet<(u64, EventId)> =
        model.outbox.waiting.iter().map(|(id, outgoing)| (outgoing.event.created_at, *id)).collect();
    while let Some((_, id)) = waiting.pop_first() {
        publish(model, id, out);
    }
}
