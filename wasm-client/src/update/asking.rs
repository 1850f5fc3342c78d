//! Requests to the node for what it does not push.

use nostrp2p_protocol::{Kind, frame::ClientFrame};

use super::{
    Effect, pages,
    paging::{page_behind, page_from},
    private_lists,
};
use crate::{
    model::{
        Model,
        connection::SentRequest,
        lists::LISTS,
        timeline::{CONTENT, Past},
    },
    question,
};

/// How many events are fetched from a store that is new to this page.
pub const NEWEST_EVENTS: u32 = 100;
/// How many own likes, and how many of own posts, are fetched once after the page opened: together what one answer holds.
pub const NEWEST_LIKES: u32 = 250;
/// How many events are fetched when somebody scrolls into the past.
const OLDER_EVENTS: u32 = 100;

/// Requests what must be known before lists and profile may be changed. A new key has none.
pub fn ask_own_profile(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(me) = model.me else { return };
    if model.key_is_new {
        model.people.own_is_loaded = true;
        model.lists.loaded = true;
    }
    if !model.people.own_is_loaded {
        let request = model.connection.ask(SentRequest::OwnProfile);
        out.push(Effect::Send(ClientFrame::Fetch {
            request,
            filters: vec![question::by(&[me], &[&[Kind::PROFILE][..], &LISTS].concat(), None)],
        }));
    }
}

/// Likes are not cached, so they are asked for once after the page opened; later ones come as they happen. Two questions,
/// so that others' likes displace no own ones.
pub fn ask_likes(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(me) = model.me.filter(|_| !model.likes.loaded) else { return };
    let request = model.connection.ask(SentRequest::Likes);
    let own = question::by(&[me], &[Kind::REACTION], Some(NEWEST_LIKES));
    let got = question::tagged('p', me.to_string(), &[Kind::REACTION], Some(NEWEST_LIKES));
    out.push(Effect::Send(ClientFrame::Fetch { request, filters: vec![own, got] }));
}

/// Asks for what is missing to show what is here: names, and posts that others speak of. Each once a connection.
pub fn ask_missing(model: &mut Model, out: &mut Vec<Effect>) {
    pages::follow(model, out);
    private_lists::open(model, out);
    if !model.connection.is_logged_in() {
        return;
    }
    while let Some(filters) = model.missing.question() {
        let request = model.connection.ask(SentRequest::Targets);
        out.push(Effect::Send(ClientFrame::Fetch { request, filters }));
    }
    while let Some(people) = model.people.question() {
        let request = model.connection.ask(SentRequest::Profiles);
        out.push(Effect::Send(ClientFrame::Fetch {
            request,
            filters: vec![question::by(&people, &[Kind::PROFILE], None)],
        }));
    }
}

/// Asks the node for posts before those that are held.
pub fn fetch_older(model: &mut Model, out: &mut Vec<Effect>) {
    let (true, Some(end)) = (model.connection.is_logged_in(), model.timeline.end()) else {
        return;
    };
    model.timeline.past = Past::Fetching;
    let request = model.connection.ask(SentRequest::Older);
    let filter = question::of_kinds(&CONTENT, None);
    let (question, asked) = if model.connection.fetches_behind {
        page_behind(request, filter, model.timeline.end_of_answers(&end), OLDER_EVENTS)
    } else {
        let mut seconds = model.timeline.posts().map(|(place, _)| place.created_at());
        page_from(request, filter, &mut seconds, end.created_at(), OLDER_EVENTS)
    };
    model.timeline.asked = asked;
    out.push(Effect::Send(question));
}
