//! Takes in signed events, and failures to sign, by the purpose of the signature.

use nostrp2p_protocol::Event;

use super::{
    Effect,
    compose::{hand_in, leave_screen},
    deletion, lists, login, notify, offer, relays,
    settling::drop_from_outbox,
    timeline,
};
use crate::{
    effect::Timer,
    model::{Context, Model, signing::Purpose},
    storage::{Setting, StorageChange},
    texts,
};

/// Takes in the result of a signature.
pub fn on_signed(
    model: &mut Model,
    purpose: Purpose,
    result: Result<Box<Event>, String>,
    out: &mut Vec<Effect>,
) {
    match purpose {
        Purpose::Join(_) | Purpose::Appoint => {
            return offer::on_signed(model, purpose, result.map(|event| *event), out);
        }
        Purpose::Post => model.compose.signing = false,
        Purpose::Prove { .. } => model.signing.proving = false,
        _ => {}
    }
    let event = match result {
        Ok(event) => *event,
        Err(error) => {
            match purpose {
                Purpose::Like(id) => model.likes.remove_mine(&id),
                Purpose::List => (model.lists.signing, model.lists.restoring) = (false, false),
                Purpose::Delegation => {
                    model.signing.no_delegation = true;
                    model.connection.unsaid = true;
                }
                Purpose::Prove { .. } => return login::on_not_proved(model, &error, out),
                _ => {}
            }
            return notify(model, texts::not_signed(model.language(), &error), out);
        }
    };
    if model.me != Some(event.pubkey) {
        // It was begun before the key was forgotten.
        return;
    }
    match purpose {
        Purpose::Prove { attempt, token } => login::hand_over_proof(model, attempt, token, event, out),
        Purpose::Post => {
            let sent = model.compose.context();
            let begun = model.compose.begun_at();
            drop(model.compose.take());
            model.compose.changed = false;
            model.compose.turn(None, None);
            let also = vec![
                StorageChange::Set(Setting::EventTemplate(sent, None)),
                StorageChange::Set(Setting::Composing(Context::New)),
            ];
            out.push(Effect::Cancel(Timer::EventTemplate));
            // Whoever answered goes on reading where that began.
            out.push(begun.map_or(Effect::ScrollToTop, |(post, hook)| Effect::FocusInPost(post, hook)));
            leave_screen(model, out);
            hand_in(model, event, also, out);
        }
        Purpose::Profile => {
            model.people.take(&event);
            hand_in(model, event, Vec::new(), out);
        }
        Purpose::Like(liked) => {
            model.likes.add_mine(liked, Some(event.id()));
            hand_in(model, event, Vec::new(), out);
        }
        Purpose::Deletion => {
            let (hidden, changes) = deletion::hide(model, &event);
            let id = event.id();
            hand_in(model, event, changes, out);
            if let Some(outgoing) = model.outbox.waiting.get_mut(&id) {
                outgoing.hidden = hidden;
            }
        }
        Purpose::List => {
            model.lists.signing = false;
            model.lists.take_made(&event, model.me);
            hand_in(model, event, Vec::new(), out);
            lists::make(model, out);
        }
        Purpose::Relay => relays::on_signed(event, out),
        // These have returned above.
        Purpose::Join(_) | Purpose::Appoint => {}
        Purpose::Vote => {
            timeline::take_vote(model, &event);
            hand_in(model, event, Vec::new(), out);
        }
        Purpose::Delegation | Purpose::Repost | Purpose::RelayList => hand_in(model, event, Vec::new(), out),
        Purpose::Again(former) => {
            drop_from_outbox(model, former);
            hand_in(model, event, vec![StorageChange::Settled(former)], out);
        }
    }
}
