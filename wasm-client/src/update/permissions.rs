//! What the node asks the person to allow, and what the person decides.

use nostrp2p_protocol::frame::{ClientFrame, Permission};

use super::Effect;
use crate::model::{Model, connection::SentRequest};

/// The person allows something, or does not, or takes the decision back.
pub fn decide(model: &mut Model, sort: u8, subject: String, granted: Option<bool>, out: &mut Vec<Effect>) {
    if model.connection.is_logged_in() {
        let request = model.connection.ask(SentRequest::Permit);
        out.push(Effect::Send(ClientFrame::Permit { request, sort, subject, granted }));
    }
}

/// What the page asks the person about: the first page of a site that was refused and waits for a decision.
pub fn open(model: &Model) -> Option<&Permission> {
    let mut all = model.connection.permissions.iter();
    all.find(|permission| permission.sort == Permission::WEB_ORIGIN && permission.granted.is_none())
}
