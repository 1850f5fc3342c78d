//! Events that come in, and reading them.

use nostrp2p_protocol::{Kind, Rumor};

use super::{Effect, connection};
use crate::{
    message::Reading,
    model::{
        Model,
        timeline::{MORE_POSTS, PAGE_POSTS, Past, Post},
    },
    route::Route,
    storage::{Change, Place},
    texts,
};

/// How many events are loaded from the storage at once.
const OLDER_FROM_STORAGE: u32 = 200;

/// Takes in what the person does while reading.
pub fn update(model: &mut Model, reading: Reading, out: &mut Vec<Effect>) {
    match reading {
        Reading::ShowNew => {
            model.timeline.show_unseen();
            out.push(Effect::ScrollToTop);
        }
        Reading::Fold(id) => model.timeline.unfolded.toggle(id),
        Reading::ExactTime(id) => model.timeline.exact_times.toggle(id),
        Reading::Older => more(model, out),
    }
}

/// Takes events in, from a push (live) or an answer; returns what is to be stored.
pub fn take(model: &mut Model, events: Vec<Rumor>, live: bool) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut news = 0;
    for rumor in events {
        match rumor.kind {
            Kind::PROFILE if model.people.take(&rumor) => changes.push(Change::Profile(rumor)),
            Kind::POST | Kind::REPOST => {
                let id = rumor.id();
                if model.outbox.waiting.remove(&id).is_some() {
                    changes.push(Change::Settled(id));
                }
                if insert(model, &rumor, live) && live && Some(rumor.pubkey) != model.me {
                    news += 1;
                }
                changes.push(Change::Keep(rumor));
            }
            Kind::REACTION => {
                let id = rumor.id();
                if model.outbox.waiting.remove(&id).is_some() {
                    changes.push(Change::Settled(id));
                }
                model.likes.take(&rumor, model.me);
            }
            _ => {}
        }
    }
    if news > 0 {
        model.announcement = texts::new_posts(news);
    }
    changes
}

/// Puts one event into the timeline if it is a post; says whether it is new there.
///
/// What comes live while the person reads further down, or another screen, waits behind "n new".
pub fn insert(model: &mut Model, rumor: &Rumor, live: bool) -> bool {
    let Some(post) = Post::of(rumor) else { return false };
    let place = Place::new(rumor.created_at, rumor.id());
    if model.timeline.contains(&place) {
        return false;
    }
    let reading_on = !model.timeline.at_top && model.route == Route::Home;
    if live && reading_on && Some(rumor.pubkey) != model.me {
        model.timeline.unseen.insert(place.id);
    }
    model.timeline.insert(place, post)
}

/// Takes in what reposts pass on.
pub fn take_targets(model: &mut Model, events: Vec<Rumor>) {
    for rumor in events {
        if rumor.kind == Kind::POST {
            model.timeline.keep_target(rumor.id(), rumor);
        }
    }
}

/// The end came near: draw more, and fetch what is missing for it.
pub fn more(model: &mut Model, out: &mut Vec<Effect>) {
    let timeline = &mut model.timeline;
    if timeline.drawn < timeline.len() {
        timeline.drawn += MORE_POSTS;
    }
    if timeline.drawn + PAGE_POSTS < timeline.len() {
        return;
    }
    match (timeline.past, timeline.end()) {
        (Past::InStorage, Some(end)) => {
            timeline.past = Past::Loading;
            out.push(Effect::LoadOlder(end, OLDER_FROM_STORAGE));
        }
        (Past::InNode, _) => connection::fetch_older(model, out),
        _ => {}
    }
}

/// The storage gave what it had.
pub fn on_older_loaded(model: &mut Model, events: &[Rumor], out: &mut Vec<Effect>) {
    for rumor in events {
        insert(model, rumor, false);
    }
    if events.is_empty() {
        model.timeline.past = Past::InNode;
        more(model, out);
    } else {
        model.timeline.past = Past::InStorage;
    }
}
