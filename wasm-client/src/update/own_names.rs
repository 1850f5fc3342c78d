//! The node's names, at which other programs may log in: the person lists them, confirms the one by which this page
//! has come, and removes them.

use nostrp2p_protocol::frame::ClientFrame;

use super::Effect;
use crate::model::{
    Model,
    connection::{NodeNames, SentRequest},
};

/// Asks the node for its names, and has it change one before: to be its own (true) or not.
pub fn ask(model: &mut Model, change: Option<(String, bool)>, out: &mut Vec<Effect>) {
    if !model.connection.is_logged_in() {
        return;
    }
    let request = model.connection.ask(SentRequest::Names { changed: change.is_some() });
    let (name, change) = match change {
        Some((name, wanted)) => (name, Some(wanted)),
        None => (dialled(model).unwrap_or_default(), None),
    };
    out.push(Effect::Send(ClientFrame::Names { request, name, change }));
}

/// The node has answered. What it says of a name that was changed is not yet about the one by which this page has come.
pub fn on_names(
    model: &mut Model,
    changed: bool,
    own: bool,
    names: Vec<(String, bool)>,
    out: &mut Vec<Effect>,
) {
    if changed {
        return ask(model, None, out);
    }
    model.connection.names = Some(NodeNames { own, names });
}

/// The address by which this page has reached the node itself, not a helper.
pub fn dialled(model: &Model) -> Option<String> {
    let way = model.connection.way.as_ref().filter(|way| !way.is_helped())?;
    Some(way.address().authority().to_owned())
}
