//! Inserts events into the timeline, and notes which people and posts are needed to show them.

use nostrp2p_protocol::{Event, EventId, PublicKey, UnsignedEvent};

use crate::{
    model::{
        Model, Quote, TimelineKey, likes, poll, reply,
        timeline::{Past, Post},
    },
    richtext,
    storage::{Setting, StorageChange},
};

/// How events came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Pushed by the node, as they happen; or written here.
    Live,
    /// The newest, or those that follow the last ones here: nothing is missing between them.
    Run,
    /// Asked for by name.
    Named,
}

/// Puts one event into the timeline if it is a post; says whether it is new there.
///
/// What comes live while the person reads further down, or another screen, waits behind "n new".
pub fn insert(model: &mut Model, unsigned: &UnsignedEvent, origin: Origin) -> bool {
    let Some(post) = Post::of(unsigned) else { return false };
    let place = TimelineKey::new(unsigned.created_at, unsigned.id());
    let known = model.timeline.written(&place.id);
    if known.is_some_and(|known| known.statement.is_none() && unsigned.statement.is_some()) {
        // It came privately, and its author's node says now that it is for everyone.
        model.timeline.insert(place, post);
        return false;
    }
    if model.timeline.contains(&place) || model.deleted.contains(&place.id, &unsigned.pubkey) {
        return false;
    }
    if origin == Origin::Named {
        model.timeline.mark_run();
    }
    let reading_on = !model.timeline.at_top && !model.timeline.is_stray(&place);
    if origin == Origin::Live && reading_on && Some(unsigned.pubkey) != model.me {
        model.timeline.unseen.insert(place.id);
    }
    model.missing.found(&place.id);
    want_what_it_names(model, unsigned, &post);
    if model.lists.muting.mutes(&place.id, unsigned) {
        model.timeline.muted.insert(place.id);
    }
    model.timeline.insert(place, post)
}

/// Puts a post back that was taken out by mistake.
pub fn insert_back(model: &mut Model, unsigned: &UnsignedEvent) {
    insert(model, unsigned, Origin::Run);
}

/// Puts an own event in that was signed here.
pub fn insert_own(model: &mut Model, event: &Event) {
    insert(model, event, Origin::Live);
}

/// Notes who and what is needed to show a post.
fn want_what_it_names(model: &mut Model, unsigned: &UnsignedEvent, post: &Post) {
    model.people.want(unsigned.pubkey);
    let named = || unsigned.tag_values("p").filter_map(|value| value.parse().ok());
    match post {
        Post::Reposted { target, .. } => want(model, *target, named()),
        Post::Written(_) => {
            if let Some(person) = reply::answered(unsigned) {
                model.people.want(person);
            }
            // Whoever follows somebody sees what they answer.
            if let Some(target) = reply::target(unsigned).filter(|_| model.lists.follows(&unsigned.pubkey)) {
                want(model, target, named());
            }
            if let Some(quote) = Quote::of(unsigned) {
                want(model, quote.id, named().chain(quote.author));
            }
            for person in richtext::people(&unsigned.content) {
                model.people.want(person);
            }
        }
    }
}

/// Takes a vote in; its poll, if that is here, says until when votes count.
pub fn take_vote(model: &mut Model, unsigned: &UnsignedEvent) {
    let poll = poll::target(unsigned).and_then(|poll| model.timeline.written(&poll));
    model.votes.take(unsigned, poll);
}

/// Notes that a post is needed, if it is not here.
pub fn want(model: &mut Model, id: EventId, authors: impl IntoIterator<Item = PublicKey>) {
    if model.timeline.place(&id).is_none() {
        model.missing.want(id, authors);
    }
}

/// The unbroken run has grown by an answer of the node: remembers how far down it reaches, here and in the storage.
pub fn reach(model: &mut Model, last: Option<TimelineKey>, complete: bool) -> StorageChange {
    let timeline = &mut model.timeline;
    match last {
        Some(last) if !complete => {
            timeline.reach(&last);
            timeline.kept_since = timeline.since;
            timeline.past = Past::InNode;
        }
        _ => {
            timeline.past = Past::End;
            timeline.kept_since = 0;
        }
    }
    StorageChange::Set(Setting::KeptSince(timeline.kept_since))
}

/// An own post that somebody likes is shown with the notice.
pub fn want_what_is_liked(model: &mut Model, unsigned: &UnsignedEvent) {
    if let Some(target) = likes::target(unsigned).filter(|_| model.me != Some(unsigned.pubkey)) {
        model.people.want(unsigned.pubkey);
        want(model, target, model.me);
    }
}
