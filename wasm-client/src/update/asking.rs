//! What is asked of the node beyond what it pushes, and what becomes of the answers.

use nostrp2p_protocol::{Filter, Kind, Rumor, frame::ClientFrame};

use super::{
    Effect, lists, notices, own, pages,
    timeline::{self, Origin},
};
use crate::{
    model::{Model, connection::Request, lists::MUTE_LIST, timeline::Past},
    question,
    sorted::SortedSet,
    storage::{Change, Place, Setting},
};

/// How many events are fetched from a store that is new to this page.
pub(super) const NEWEST_EVENTS: u32 = 100;
/// How many likes are fetched once after the page opened.
const NEWEST_LIKES: u32 = 500;
/// How many events are fetched when somebody scrolls into the past.
const OLDER_EVENTS: u32 = 100;

/// What is to be known before lists and profile are changed. A key that is new has none.
pub(super) fn ask_own_profile(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(me) = model.me else { return };
    if model.key_is_new {
        model.people.own_is_loaded = true;
        model.lists.loaded = true;
    }
    if !model.people.own_is_loaded {
        let request = model.connection.ask(Request::OwnProfile);
        out.push(Effect::Send(ClientFrame::Fetch {
            request,
            filters: vec![question::by(&[me], &[Kind::PROFILE, Kind::FOLLOW_LIST, MUTE_LIST], None)],
        }));
    }
}

/// Likes are not cached, so they are asked for once after the page opened; later ones come as they happen.
pub(super) fn ask_likes(model: &mut Model, out: &mut Vec<Effect>) {
    if !model.likes.loaded {
        let request = model.connection.ask(Request::Likes);
        let filter = question::of_kinds(&[Kind::REACTION], Some(NEWEST_LIKES));
        out.push(Effect::Send(ClientFrame::Fetch { request, filters: vec![filter] }));
    }
}

/// Asks for what is missing to show what is here: names, and posts that others speak of. Each once a connection.
pub fn ask_missing(model: &mut Model, out: &mut Vec<Effect>) {
    pages::follow(model);
    if !model.connection.is_logged_in() {
        return;
    }
    while let Some(filters) = model.missing.question() {
        let request = model.connection.ask(Request::Targets);
        out.push(Effect::Send(ClientFrame::Fetch { request, filters }));
    }
    while let Some(people) = model.people.question() {
        let request = model.connection.ask(Request::Profiles);
        out.push(Effect::Send(ClientFrame::Fetch {
            request,
            filters: vec![question::by(&people, &[Kind::PROFILE], None)],
        }));
    }
}

/// How many events an answer has at most, where that was part of the question.
fn most(asked: Request) -> usize {
    let limit = match asked {
        Request::Newest => NEWEST_EVENTS,
        Request::Older => OLDER_EVENTS,
        Request::PageOlder => pages::POSTS,
        _ => u32::MAX,
    };
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// The node has answered a question.
pub(super) fn on_answer(
    model: &mut Model,
    asked: Request,
    complete: bool,
    events: Vec<Rumor>,
    out: &mut Vec<Effect>,
) {
    if asked == Request::OwnNodes {
        return model.own_nodes.take(&events);
    }
    let later = model.connection.requests.values().any(|request| *request == Request::Search);
    if asked == Request::Search && !later {
        model.open.found = SortedSet::default();
        for rumor in &events {
            model.open.found.insert(rumor.id());
        }
    }
    if asked == Request::Notices {
        notices::on_answer(model, &events, complete);
    }
    let last = events.last().map(|rumor| Place::new(rumor.created_at, rumor.id()));
    // What was asked for came whole; whether that is all there is shows in how much was asked for.
    let complete = complete && events.len() < most(asked);
    let mut reached = None;
    if matches!(asked, Request::Newest | Request::Older) {
        // Before the events come in: what is to be kept of them hangs on it.
        reached = Some(timeline::reach(model, last, complete));
    }
    let origin = if reached.is_some() { Origin::Run } else { Origin::Named };
    let mut changes = timeline::take(model, events, origin);
    changes.extend(reached);
    match asked {
        Request::Newest => {
            model.timeline.loading = false;
            changes.extend(model.connection.cursor.map(|cursor| Change::Set(Setting::Cursor(cursor))));
        }
        Request::Older => timeline::fill(model, out),
        Request::OwnProfile => {
            model.people.own_is_loaded = true;
            model.lists.loaded = true;
            own::publish_if_submitted(model, out);
            lists::make(model, out);
        }
        Request::Likes => model.likes.loaded = true,
        Request::Page | Request::Search => model.open.loading = false,
        Request::PageOlder => {
            model.open.loading = false;
            model.open.ended = complete;
        }
        Request::Prove { .. }
        | Request::Publish(_)
        | Request::Profiles
        | Request::Targets
        | Request::Followed
        | Request::Export
        | Request::OwnNodes
        | Request::Names { .. }
        | Request::Notices => {}
    }
    if !changes.is_empty() {
        out.push(Effect::Save(changes));
    }
    notices::read(model, out);
    ask_missing(model, out);
}

/// Asks the node for posts before those that are held.
pub fn fetch_older(model: &mut Model, out: &mut Vec<Effect>) {
    let (true, Some(end)) = (model.connection.is_logged_in(), model.timeline.end()) else {
        return;
    };
    model.timeline.past = Past::Fetching;
    let request = model.connection.ask(Request::Older);
    let filter = Filter {
        until: Some(end.created_at()),
        ..question::of_kinds(&[Kind::POST, Kind::REPOST], Some(OLDER_EVENTS))
    };
    out.push(Effect::Send(ClientFrame::Fetch { request, filters: vec![filter] }));
}
