//! Following and muting.

use nostrp2p_protocol::{EventId, Kind, PublicKey, frame::ClientFrame};

use super::{Effect, compose, notify, signing};
use crate::{
    effect::Purpose,
    message::Relation,
    model::{
        Model,
        connection::SentRequest,
        lists::{ListChange, MUTE_LIST},
    },
    question, texts,
};

/// How many posts are asked for of somebody whom one begins to follow.
const POSTS: u32 = 50;

/// Takes in what the person decides about others.
pub fn update(model: &mut Model, relation: Relation, out: &mut Vec<Effect>) {
    match relation {
        Relation::Follow(person) => {
            want(model, Kind::FOLLOW_LIST, person, true, out);
            ask_posts(model, person, out);
        }
        Relation::Unfollow(person) => want(model, Kind::FOLLOW_LIST, person, false, out),
        Relation::Mute(person) => want(model, MUTE_LIST, person, true, out),
        Relation::Unmute(person) => want(model, MUTE_LIST, person, false, out),
        Relation::BeginList => {
            model.lists.asked = false;
            model.lists.made_here = true;
            make(model, out);
        }
        Relation::NotNow => model.lists.drop_pending(),
        Relation::Restore(id) => restore(model, id, out),
    }
}

/// Makes the next change that waits, if it can be made.
pub fn make(model: &mut Model, out: &mut Vec<Effect>) {
    let now = model.now();
    if let Some(draft) = model.lists.next(now) {
        signing::sign(model, Purpose::List, draft, out);
    }
}

fn want(model: &mut Model, kind: Kind, person: PublicKey, within: bool, out: &mut Vec<Effect>) {
    compose::close_menu(model, out);
    if model.me == Some(person) {
        return;
    }
    model.lists.want(ListChange { kind, person, within });
    make(model, out);
    if !model.lists.loaded {
        notify(model, model.say(texts::LIST_AWAITED), out);
    }
}

fn restore(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let draft = model.lists.restored(id, model.now()).filter(|_| !model.lists.signing);
    match draft {
        Some(draft) => {
            model.lists.signing = true;
            model.lists.restoring = true;
            signing::sign(model, Purpose::List, draft, out);
        }
        None => notify(model, model.say(texts::LIST_AWAITED), out),
    }
}

/// What this person wrote before should be there at once.
fn ask_posts(model: &mut Model, person: PublicKey, out: &mut Vec<Effect>) {
    if model.connection.is_logged_in() {
        let request = model.connection.ask(SentRequest::Followed);
        let filters = vec![
            question::by(&[person], &[Kind::PROFILE, Kind::FOLLOW_LIST], None),
            question::by(&[person], &[Kind::POST, Kind::REPOST], Some(POSTS)),
        ];
        out.push(Effect::Send(ClientFrame::Fetch { request, filters }));
    }
}
