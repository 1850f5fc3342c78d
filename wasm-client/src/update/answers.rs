//! Takes in the node's answers to requests.

use nostrp2p_protocol::UnsignedEvent;

use super::{
    Effect, arrivals,
    asking::{NEWEST_EVENTS, NEWEST_LIKES, ask_missing},
    home, lists, notices, own_profile,
    timeline::{self, Origin},
};
use crate::{
    model::{Model, TimelineKey, connection::SentRequest},
    sorted_map::SortedSet,
    storage::{Setting, StorageChange},
};

/// The node has answered a question.
pub fn on_answer(
    model: &mut Model,
    asked: SentRequest,
    complete: bool,
    events: Vec<UnsignedEvent>,
    out: &mut Vec<Effect>,
) {
    if asked == SentRequest::OwnNodes {
        return model.own_nodes.take(&events);
    }
    let later = model.connection.requests.values().any(|request| *request == SentRequest::Search);
    if asked == SentRequest::Search && !later {
        model.open.found = SortedSet::default();
        for unsigned in &events {
            model.open.found.insert(unsigned.id());
        }
    }
    match asked {
        SentRequest::Notices => notices::on_answer(model, &events, complete),
        SentRequest::Likes => on_likes(model, &events, complete),
        _ => {}
    }
    let last = events.last().map(|unsigned| TimelineKey::new(unsigned.created_at, unsigned.id()));
    // What was asked for came whole; whether that is all there is shows in how much was asked for.
    let complete = complete && events.len() < most(model, asked);
    let mut reached = None;
    if matches!(asked, SentRequest::Newest | SentRequest::Older) {
        model.timeline.answered = last.or(model.timeline.answered);
        // Before the events come in: what is to be kept of them hangs on it.
        reached = Some(timeline::reach(model, last, complete));
    }
    let origin = if reached.is_some() { Origin::Run } else { Origin::Named };
    let mut changes = arrivals::take(model, events, origin);
    changes.extend(reached);
    match asked {
        SentRequest::Newest => {
            model.timeline.loading = false;
            changes.extend(model.connection.cursor.map(|cursor| StorageChange::Set(Setting::Cursor(cursor))));
        }
        SentRequest::Older => home::fill(model, out),
        SentRequest::OwnProfile => {
            model.people.own_is_loaded = true;
            model.lists.loaded = true;
            own_profile::publish_if_submitted(model, out);
            lists::make(model, out);
        }
        SentRequest::Page | SentRequest::Search => model.open.loading = false,
        SentRequest::PageOlder => {
            model.open.loading = false;
            model.open.ended = complete;
            model.open.answered = last.or(model.open.answered);
        }
        SentRequest::Prove { .. }
        | SentRequest::Publish(_)
        | SentRequest::Profiles
        | SentRequest::Targets
        | SentRequest::Followed
        | SentRequest::Export
        | SentRequest::OwnNodes
        | SentRequest::Names { .. }
        | SentRequest::Permit
        | SentRequest::Reach
        | SentRequest::Relays(_)
        | SentRequest::Likes
        | SentRequest::Notices => {}
    }
    if !changes.is_empty() {
        out.push(Effect::Save(changes));
    }
    notices::read(model, out);
    ask_missing(model, out);
}

/// Takes in likes. When the node gave as many as it was asked for, older ones are not counted.
fn on_likes(model: &mut Model, events: &[UnsignedEvent], complete: bool) {
    model.likes.loaded = true;
    let got = || events.iter().filter(|unsigned| Some(unsigned.pubkey) != model.me);
    let as_many = usize::try_from(NEWEST_LIKES).is_ok_and(|most| got().count() >= most);
    if as_many || !complete {
        model.likes.counted_since = got().map(|unsigned| unsigned.created_at).min().unwrap_or(u64::MAX);
    }
}

/// How many events an answer has at most, where that was part of the question.
fn most(model: &Model, asked: SentRequest) -> usize {
    match asked {
        SentRequest::Newest => usize::try_from(NEWEST_EVENTS).unwrap_or(usize::MAX),
        SentRequest::Older => model.timeline.asked,
        SentRequest::PageOlder => model.open.asked,
        _ => usize::MAX,
    }
}
