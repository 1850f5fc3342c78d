//! People who read on Nostr relays only. Private events never reach them, so an answer to them is public by default.

use nostrp2p_protocol::{
    PublicKey,
    frame::{ClientFrame, MAX_REACH},
};

use super::Effect;
use crate::model::{DraftAudience, Model, connection::SentRequest, thread};

/// Asks the node how the people of the answer that is being written read, those of whom this is not known yet.
pub fn ask(model: &mut Model, out: &mut Vec<Effect>) {
    if let Some(reply) = &model.compose.reply {
        let people = reply.people.clone();
        ask_of(model, &people, out);
    }
}

/// The same of these people; says whether somebody is asked about.
pub fn ask_of(model: &mut Model, people: &[PublicKey], out: &mut Vec<Effect>) -> bool {
    let unknown = people.iter().filter(|person| model.people.asks_reach(person));
    let people: Vec<PublicKey> = unknown.take(MAX_REACH).copied().collect();
    let asks = !people.is_empty() && model.connection.tells_reach && model.connection.is_logged_in();
    if asks {
        model.people.reach_asked(&people);
        let request = model.connection.ask(SentRequest::Reach);
        out.push(Effect::Send(ClientFrame::Reach { request, people }));
    }
    asks
}

/// The node says who reads on Nostr relays only.
pub fn on_answer(model: &mut Model, relay_only: Vec<PublicKey>) {
    model.people.read_relays_only(relay_only);
    preset(model);
}

/// An answer that is not begun yet is for everyone if its reader would get nothing else. The person sees that and can choose.
pub fn preset(model: &mut Model) {
    let begins = model.compose.is_empty() && model.compose.audience == DraftAudience::AsUsual;
    let Some(reply) = model.compose.reply.as_ref().filter(|_| begins) else { return };
    if model.people.reads_relays_only(&reply.author) && thread::may_be_public(model, reply.to) {
        model.compose.audience = DraftAudience::Everyone;
    }
}
