//! Takes in messages of other tabs: when the key or a draft changes there, it changes here.

use super::{Effect, compose, signing};
use crate::{
    message::Message,
    model::{Model, PersonStage},
    tabs::Tidings,
};

/// Takes in what another tab did.
pub fn update(model: &mut Model, tidings: Tidings, out: &mut Vec<Effect>) {
    match tidings {
        Tidings::Key => begin_anew(model, out),
        Tidings::Locked => signing::lock(model, out),
        Tidings::EventTemplate(context, stored) => compose::on_draft_elsewhere(model, context, stored),
    }
}

/// Whether this can only come from something that was begun before all was forgotten in another tab.
pub fn is_too_late(message: &Message) -> bool {
    match message {
        Message::StorageFailed(error) | Message::OutgoingSaved(_, Err(error)) => error.is_forgotten(),
        _ => false,
    }
}

/// Another tab has another key, or none: the key in memory is wiped, the node is left, nothing is written any more, and
/// the page begins anew from what is stored now.
pub fn begin_anew(model: &mut Model, out: &mut Vec<Effect>) {
    model.forget(PersonStage::Opening);
    out.push(Effect::Disconnect);
    out.push(Effect::BeginAnew);
}
