//! Permissions that the node asks for, and the person's decisions.

use nostrp2p_protocol::{
    EventTemplate, Kind, UnsignedEvent,
    frame::{ClientFrame, Permission},
};

use super::Effect;
use crate::model::{Model, connection::SentRequest};

/// Lists of relays: where somebody reads and writes (NIP-65), and where direct messages come (NIP-17).
const RELAY_LISTS: [Kind; 2] = [Kind(10_002), Kind(10_050)];

/// Events that the person publishes to grant something; the node sees then that it is granted.
pub enum Publication {
    /// These lists of relays.
    Lists(Vec<EventTemplate>),
    /// The profile, with this name by a domain.
    Name(String),
}

/// The person allows something, or does not, or takes the decision back. Returns what is to be published for it, if
/// anything.
pub fn decide(
    model: &mut Model,
    permission: Permission,
    granted: Option<bool>,
    out: &mut Vec<Effect>,
) -> Option<Publication> {
    if !model.connection.is_logged_in() {
        return None;
    }
    let Permission { sort, subject, .. } = permission;
    if [Permission::WEB_ORIGIN, Permission::REPLIES].contains(&sort) || granted != Some(true) {
        let request = model.connection.ask(SentRequest::Permit);
        out.push(Effect::Send(ClientFrame::Permit { request, sort, subject, granted }));
        None
    } else if sort == Permission::NAME {
        Some(Publication::Name(subject))
    } else {
        let draft = |UnsignedEvent { created_at, kind, tags, content, .. }| EventTemplate {
            created_at,
            kind,
            tags,
            content,
        };
        Some(Publication::Lists(drafts(model, &subject).cloned().map(draft).collect()))
    }
}

/// The lists of relays that name this address and are signed to publish it. A node cannot have anything else signed.
pub fn drafts<'a>(model: &'a Model, address: &'a str) -> impl Iterator<Item = &'a UnsignedEvent> {
    let names = move |draft: &&UnsignedEvent| {
        RELAY_LISTS.contains(&draft.kind) && draft.tags.iter().any(|tag| tag.value() == Some(address))
    };
    model.connection.drafts.iter().filter(names)
}

/// The question that the page asks on every screen: the first refused site or held-back list without a decision.
pub fn open(model: &Model) -> Option<&Permission> {
    let mut all = model.connection.permissions.iter();
    all.find(|permission| permission.sort <= Permission::HELD_LIST && permission.granted.is_none())
}
