//! The end of the list on the screen Home: draws more, and loads what is missing for it from the storage or the node.

use nostrp2p_protocol::UnsignedEvent;

use super::{
    Effect, asking,
    timeline::{Origin, insert},
};
use crate::model::{Model, Tab, TimelineKey, timeline::Past, window::PAGE_POSTS};

/// How many events are loaded from the storage at once: few enough for a frame of a slow phone, some screens full.
const OLDER_FROM_STORAGE: u32 = 24;
/// Most posts that are searched for a page of followed people's posts; the rest comes with scrolling.
const MAX_FILLED: usize = 1_000;

/// The end came near: draw more, and fetch what is missing for it.
pub fn more(model: &mut Model, out: &mut Vec<Effect>) {
    if model.home_goes_on(1) {
        model.timeline.window.grow();
    }
    if model.home_goes_on(PAGE_POSTS) {
        return;
    }
    let timeline = &mut model.timeline;
    match (timeline.past, timeline.end()) {
        (Past::InStorage, Some(end)) => {
            timeline.past = Past::Loading;
            out.push(Effect::LoadOlder(end, OLDER_FROM_STORAGE));
        }
        (Past::InNode, _) => asking::fetch_older(model, out),
        _ => {}
    }
}

/// Loads more until there is a page of posts of followed people, who may have written few of many posts, up to a
/// bound.
pub fn fill(model: &mut Model, out: &mut Vec<Effect>) {
    let few = model.of_tab(None).nth(PAGE_POSTS).is_none();
    if model.tab != Tab::Everyone && few && model.timeline.len() < MAX_FILLED {
        more(model, out);
    }
}

/// The storage gave what it had.
pub fn on_older_loaded(model: &mut Model, events: &[UnsignedEvent], out: &mut Vec<Effect>) {
    if let Some(last) = events.last() {
        // Before the events come in: how far the unbroken run reaches decides what is a single one.
        model.timeline.reach(&TimelineKey::new(last.created_at, last.id()));
        for unsigned in events {
            insert(model, unsigned, Origin::Run);
        }
        model.timeline.past = Past::InStorage;
        fill(model, out);
    } else {
        model.timeline.past = Past::InNode;
        more(model, out);
    }
}
