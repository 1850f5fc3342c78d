//! What is asked of the node beyond what it pushes, and what becomes of the answers.

use nostrp2p_protocol::{
    Filter, Kind, UnsignedEvent,
    frame::{ClientFrame, RequestId},
    limits::MAX_BATCH_EVENTS,
};

use super::{
    Effect, lists, notices, own, pages,
    timeline::{self, Origin},
};
use crate::{
    model::{
        Model, TimelineKey,
        connection::SentRequest,
        lists::LISTS,
        timeline::{CONTENT, Past},
    },
    question,
    sorted_map::SortedSet,
    storage::{Setting, StorageChange},
};

/// How many events are fetched from a store that is new to this page.
pub(super) const NEWEST_EVENTS: u32 = 100;
/// How many own likes, and how many of own posts, are fetched once after the page opened: together what one answer holds.
const NEWEST_LIKES: u32 = 250;
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
        let request = model.connection.ask(SentRequest::OwnProfile);
        out.push(Effect::Send(ClientFrame::Fetch {
            request,
            filters: vec![question::by(&[me], &[&[Kind::PROFILE][..], &LISTS].concat(), None)],
        }));
    }
}

/// Likes are not cached, so they are asked for once after the page opened; later ones come as they happen. Two questions,
/// so that others' likes displace no own ones.
pub(super) fn ask_likes(model: &mut Model, out: &mut Vec<Effect>) {
    let Some(me) = model.me.filter(|_| !model.likes.loaded) else { return };
    let request = model.connection.ask(SentRequest::Likes);
    let own = question::by(&[me], &[Kind::REACTION], Some(NEWEST_LIKES));
    let got = question::tagged('p', me.to_string(), &[Kind::REACTION], Some(NEWEST_LIKES));
    out.push(Effect::Send(ClientFrame::Fetch { request, filters: vec![own, got] }));
}

/// The node gave the likes that it holds, or as many as it was asked for: then older ones are not counted.
fn on_likes(model: &mut Model, events: &[UnsignedEvent], complete: bool) {
    model.likes.loaded = true;
    let got = || events.iter().filter(|unsigned| Some(unsigned.pubkey) != model.me);
    let as_many = usize::try_from(NEWEST_LIKES).is_ok_and(|most| got().count() >= most);
    if as_many || !complete {
        model.likes.counted_since = got().map(|unsigned| unsigned.created_at).min().unwrap_or(u64::MAX);
    }
}

/// Asks for what is missing to show what is here: names, and posts that others speak of. Each once a connection.
pub fn ask_missing(model: &mut Model, out: &mut Vec<Effect>) {
    pages::follow(model, out);
    lists::open(model, out);
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

/// How many events an answer has at most, where that was part of the question.
fn most(model: &Model, asked: SentRequest) -> usize {
    match asked {
        SentRequest::Newest => usize::try_from(NEWEST_EVENTS).unwrap_or(usize::MAX),
        SentRequest::Older => model.timeline.asked,
        SentRequest::PageOlder => model.open.asked,
        _ => usize::MAX,
    }
}

/// The question for a page of so many posts behind a place, up to which nothing is missing here, and how many there may be
/// in the answer.
pub(super) fn page_behind(
    request: RequestId,
    filter: Filter,
    place: TimelineKey,
    more: u32,
) -> (ClientFrame, usize) {
    let (created_at, id) = (place.created_at(), place.id);
    let filters = vec![Filter { limit: Some(more), ..filter }];
    let asked = usize::try_from(more).unwrap_or(usize::MAX);
    (ClientFrame::FetchBehind { request, filters, created_at, id }, asked)
}

/// The same of a node that does not understand such a question, behind posts that end at this second.
///
/// A page begins in the second in which the last one ended, of which some posts are here already. They are given again
/// and count, so they are asked for on top; when a whole answer holds no more than they are, the second before is next.
pub(super) fn page_from(
    request: RequestId,
    filter: Filter,
    posts: &mut dyn Iterator<Item = u64>,
    end: u64,
    more: u32,
) -> (ClientFrame, usize) {
    let again = u32::try_from(posts.filter(|second| *second == end).count()).unwrap_or(u32::MAX);
    let whole = u32::try_from(MAX_BATCH_EVENTS).unwrap_or(u32::MAX);
    let (until, limit) = match end.checked_sub(1) {
        Some(before) if again >= whole => (before, more),
        _ => (end, again.saturating_add(more).min(whole)),
    };
    let filters = vec![Filter { until: Some(until), limit: Some(limit), ..filter }];
    (ClientFrame::Fetch { request, filters }, usize::try_from(limit).unwrap_or(usize::MAX))
}

/// The node has answered a question.
pub(super) fn on_answer(
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
    let mut changes = timeline::take(model, events, origin);
    changes.extend(reached);
    match asked {
        SentRequest::Newest => {
            model.timeline.loading = false;
            changes.extend(model.connection.cursor.map(|cursor| StorageChange::Set(Setting::Cursor(cursor))));
        }
        SentRequest::Older => timeline::fill(model, out),
        SentRequest::OwnProfile => {
            model.people.own_is_loaded = true;
            model.lists.loaded = true;
            own::publish_if_submitted(model, out);
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
