//! Connects to the node, and tells it how long it may gather events before it pushes.

use nostrp2p_protocol::frame::ClientFrame;

use super::{Effect, Moment, happy_eyeballs, reconnect::fail};
use crate::model::{Model, Pace, Phase, connection::Trouble};

/// How long the node may gather while somebody looks: below what an eye notices.
const GATHER_VISIBLE_MS: u32 = 20;
/// How long the node may gather while the page is hidden: one wake-up of the radio a minute.
const GATHER_HIDDEN_MS: u32 = 60_000;
/// The same for somebody who saves data and battery.
const SAVER_VISIBLE_MS: u32 = 10_000;
/// The same for somebody who saves data and battery, while the page is hidden: the longest that a node gathers.
const SAVER_HIDDEN_MS: u32 = 600_000;

/// Looks for the node by all ways, in place of any connection that there is.
pub fn connect(model: &mut Model, out: &mut Vec<Effect>) {
    happy_eyeballs::begin(model, out);
}

/// Connects to a node that the person named, or names again.
pub fn connect_anew(model: &mut Model, out: &mut Vec<Effect>) {
    model.connection.failures = 0;
    model.connection.trouble = None;
    connect(model, out);
}

/// Connects at once if the next attempt is being waited for: the network came back, or the person did.
pub fn hurry(model: &mut Model, out: &mut Vec<Effect>) {
    // Who did not let the login be signed is not asked again by itself.
    let refused = model.connection.trouble == Some(Trouble::NotSigned);
    if model.connection.phase == Phase::Waiting && !refused {
        connect(model, out);
    }
}

/// Tells the node how long it may gather now.
pub fn on_visibility(model: &mut Model, out: &mut Vec<Effect>) {
    if model.environment.visible {
        hurry(model, out);
    }
    watch(model, out);
}

/// No answer came in time.
pub fn on_silence(model: &mut Model, moment: Moment, out: &mut Vec<Effect>) {
    match model.connection.phase {
        Phase::Opening | Phase::Greeting | Phase::Proving(_) => {
            out.push(Effect::Disconnect);
            fail(model, Trouble::Silent, moment, out);
        }
        _ => {}
    }
}

/// Asks the node to push what comes after the cursor; how long it may gather depends on who looks and on the pace.
pub fn watch(model: &mut Model, out: &mut Vec<Effect>) {
    let (true, Some(cursor)) = (model.connection.is_logged_in(), model.connection.cursor) else {
        return;
    };
    let gather_ms = match (model.pace, model.environment.visible) {
        (Pace::Quick, true) => GATHER_VISIBLE_MS,
        (Pace::Quick, false) => GATHER_HIDDEN_MS,
        (Pace::Saver, true) => SAVER_VISIBLE_MS,
        (Pace::Saver, false) => SAVER_HIDDEN_MS,
    };
    out.push(Effect::Send(ClientFrame::Watch { after: cursor.after, gather_ms }));
}
