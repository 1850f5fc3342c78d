//! A file of everything: the node gives what it holds, part by part, with all signatures.

use nostrp2p_protocol::{UnverifiedEvent, frame::ClientFrame};

use super::{Effect, notify};
use crate::{
    model::{ExportProgress, Model, connection::SentRequest},
    texts,
};

/// The person wants the file. Without the node it is what this device holds.
pub fn begin(model: &mut Model, out: &mut Vec<Effect>) {
    if model.exporting.is_some() {
        return;
    }
    if !model.connection.is_logged_in() {
        return out.push(Effect::ExportHeld(name(model)));
    }
    let waiting: Vec<UnverifiedEvent> =
        model.outbox.waiting.values().map(|outgoing| outgoing.event.clone().into()).collect();
    model.exporting = Some(ExportProgress { through: 0, events: waiting.len() });
    // Nothing of a file that was not ended.
    out.push(Effect::ExportEnd(None));
    out.push(Effect::ExportPart(waiting));
    ask(model, out);
}

/// The node gave a part.
pub fn on_part(
    model: &mut Model,
    through: u64,
    newest: u64,
    events: Vec<UnverifiedEvent>,
    out: &mut Vec<Effect>,
) {
    let Some(progress) = &mut model.exporting else { return };
    // A node that goes nowhere would be asked for ever.
    let goes_on = through > progress.through && through < newest;
    *progress = ExportProgress { through, events: progress.events + events.len() };
    let count = progress.events;
    out.push(Effect::ExportPart(events));
    if goes_on {
        return ask(model, out);
    }
    model.exporting = None;
    out.push(Effect::ExportEnd(Some(name(model))));
    notify(model, texts::exported(model.language(), count), out);
}

/// The node is gone, or says no.
pub fn fail(model: &mut Model, out: &mut Vec<Effect>) {
    if model.exporting.take().is_some() {
        out.push(Effect::ExportEnd(None));
        notify(model, model.say(texts::EXPORT_FAILED), out);
    }
}

fn ask(model: &mut Model, out: &mut Vec<Effect>) {
    let after = model.exporting.map_or(0, |progress| progress.through);
    let request = model.connection.ask(SentRequest::Export);
    out.push(Effect::Send(ClientFrame::Export { request, after }));
}

fn name(model: &Model) -> String {
    let npub = model.me.map(|me| me.to_npub()).unwrap_or_default();
    format!("nostrp2p-{}.jsonl", npub.get(..12).unwrap_or("all"))
}
