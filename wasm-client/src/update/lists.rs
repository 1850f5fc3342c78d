//! Following and muting.

use nostrp2p_protocol::{
    EventId, EventTemplate, Kind, PublicKey,
    frame::ClientFrame,
    limits::{MAX_EVENT_BYTES, MAX_TAGS},
};

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

/// A list that may not become longer, in parts.
const WHOLE: usize = 1_000;
/// From so many parts on the person is told that the end is near.
const NEAR: usize = 900;

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

/// Makes the next change that waits, if it can be made: not beyond the length of a list that the node takes, of which is
/// told before it is reached.
pub fn make(model: &mut Model, out: &mut Vec<Effect>) {
    let now = model.now();
    while let Some(draft) = model.lists.next(now) {
        let taken = taken(model, &draft);
        if taken > WHOLE {
            model.lists.signing = false;
            notify(model, model.say(texts::LIST_FULL), out);
            continue;
        }
        if taken >= NEAR {
            notify(model, texts::list_nearly_full(model.language(), taken * 100 / WHOLE), out);
        }
        return signing::sign(model, Purpose::List, draft, out);
    }
}

/// How much a list takes of what one may be long, in parts of [`WHOLE`].
fn taken(model: &Model, draft: &EventTemplate) -> usize {
    let (tags, bytes) = match model.connection.long_lists {
        Some((tags, bytes)) => (tags as usize, bytes as usize),
        None => (MAX_TAGS, MAX_EVENT_BYTES),
    };
    let size = draft.clone().by(PublicKey::from_bytes([0; 32])).size();
    (draft.tags.len() * WHOLE).div_ceil(tags.max(1)).max((size * WHOLE).div_ceil(bytes.max(1)))
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
