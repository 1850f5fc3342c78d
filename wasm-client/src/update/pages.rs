//! The pages of people and conversations: requests while one is open.

use nostrp2p_protocol::{EventId, Filter, Kind, PublicKey, event_policy::COMMENTS, frame::ClientFrame};

use super::{
    Effect, own_nodes,
    paging::{page_behind, page_from},
    search, timeline,
};
use crate::{
    model::{
        Model, Open, TimelineKey, connection::SentRequest, lists::PINS, thread, timeline::CONTENT,
        window::PAGE_POSTS,
    },
    question,
    route::Route,
};

/// How many posts of a person are asked for at a time: a page of the author's node.
pub const POSTS: u32 = 50;
/// How many answers to a post are asked for.
const ANSWERS: u32 = 500;

/// Another screen is shown, or the node is there again: what this screen is about is asked for as long as it is open.
pub fn enter(model: &mut Model, out: &mut Vec<Effect>) {
    let logged_in = model.connection.is_logged_in();
    if let (Some(request), true) = (model.open.subscription, logged_in) {
        out.push(Effect::Send(ClientFrame::Unsubscribe { request }));
    }
    model.open = Open::default();
    model.sorting = false;
    own_nodes::enter(model, out);
    if model.route == Route::Me {
        let liked: Vec<EventId> = model.likes.mine().copied().collect();
        liked.into_iter().for_each(|id| timeline::want(model, id, []));
    }
    search::search(model, out);
    let Some(filters) = filters(model) else { return };
    if logged_in {
        model.open.root = root(model);
        let request = model.connection.ask(SentRequest::Page);
        model.open.subscription = Some(request);
        model.open.loading = true;
        out.push(Effect::Send(ClientFrame::Subscribe { request, filters }));
    }
    follow(model, out);
}

/// The connection is gone, and with it the subscription.
pub const fn lose(model: &mut Model) {
    model.open.subscription = None;
    model.open.loading = false;
}

/// Notes what the open conversation lacks above what is here. When its first post has come, the answers to that one are
/// asked for: its author's node has all that are for everyone.
pub fn follow(model: &mut Model, out: &mut Vec<Effect>) {
    if let Route::Person(person) = model.route {
        let pinned = model.lists.pins_of(&person, model.me);
        return pinned.into_iter().for_each(|id| timeline::want(model, id, [person]));
    }
    let Route::Thread(id, author) = model.route else { return };
    if let Some((lost, people)) = thread::missing(model, id) {
        timeline::want(model, lost, people.into_iter().chain(author));
    }
    let came = root(model).filter(|root| model.open.root != Some(*root));
    if let (Some(root), true) = (came, model.open.subscription.is_some()) {
        model.open.root = Some(root);
        let request = model.connection.ask(SentRequest::Targets);
        out.push(Effect::Send(ClientFrame::Fetch { request, filters: vec![answers_to(root)] }));
    }
}

/// The first post of the open conversation, once it is here.
fn root(model: &Model) -> Option<EventId> {
    let Route::Thread(id, _) = model.route else { return None };
    Some(thread::root(model, id)).filter(|root| model.timeline.place(root).is_some())
}

/// The end of the page came near.
pub fn more(model: &mut Model, out: &mut Vec<Effect>) {
    let drawn = model.open.window.drawn;
    let person = match model.route {
        Route::Person(person) => person,
        Route::Thread(id, _) => {
            if thread::from_window(&model.open.window, &thread::around(model, id).answers).len() > drawn {
                model.open.window.grow();
            }
            return;
        }
        _ => return,
    };
    let enough = model.posts_of_from_window(person).nth(drawn + PAGE_POSTS).is_some();
    if model.posts_of_from_window(person).nth(drawn).is_some() {
        model.open.window.grow();
    }
    if enough || model.open.loading || model.open.ended || !model.connection.is_logged_in() {
        return;
    }
    let request = model.connection.ask(SentRequest::PageOlder);
    let (question, asked) = if model.connection.fetches_behind {
        // Single older posts may be here, so it is the answers that say how far one has come.
        let newest = TimelineKey::new(u64::MAX, EventId::from_bytes([0; 32]));
        page_behind(request, posts_of(person), model.open.answered.unwrap_or(newest), POSTS)
    } else {
        let seconds = || model.posts_of(person).map(|(place, _)| place.created_at());
        let end = seconds().last().unwrap_or(u64::MAX);
        page_from(request, posts_of(person), &mut seconds(), end, POSTS)
    };
    model.open.asked = asked;
    model.open.loading = true;
    out.push(Effect::Send(question));
}

fn filters(model: &Model) -> Option<Vec<Filter>> {
    match model.route {
        Route::Person(person) => {
            let about = question::by(&[person], &[Kind::PROFILE, Kind::FOLLOW_LIST, PINS], None);
            Some(vec![about, posts_of(person), question::by(&[person], &CONTENT[2..], Some(POSTS))])
        }
        Route::Me => Some(vec![posts_of(model.me?)]),
        Route::Thread(id, author) => {
            let comments = question::tagged('e', id.to_string(), &COMMENTS, Some(ANSWERS));
            let about = question::tagged('E', id.to_string(), &COMMENTS, Some(ANSWERS));
            let votes = question::tagged('e', id.to_string(), &[Kind::VOTE], Some(ANSWERS));
            let mut filters = vec![question::named(&[id], &[]), answers_to(id), comments, about, votes];
            if let Some(author) = author {
                filters.push(question::named(&[id], &[author]));
            }
            let root = thread::root(model, id);
            if root != id {
                filters.push(answers_to(root));
            }
            Some(filters)
        }
        _ => None,
    }
}

fn posts_of(person: PublicKey) -> Filter {
    question::by(&[person], &[Kind::POST, Kind::REPOST], Some(POSTS))
}

fn answers_to(id: EventId) -> Filter {
    question::tagged('e', id.to_string(), &[Kind::POST], Some(ANSWERS))
}
