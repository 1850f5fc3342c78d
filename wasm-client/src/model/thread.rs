//! A conversation around one post: what it answers, and what answers it, as far as it is here.

use std::rc::Rc;

use nostrp2p_protocol::{EventId, PublicKey, UnsignedEvent, event_policy::says_everyone};

use super::{Model, Window, reply};
use crate::{model::TimelineKey, route::Route, sorted_map::SortedSet};

/// Most posts above the one that was opened; a longer way up is cut off there.
const MAX_PARENTS: usize = 50;
/// Most answers that are shown; a guess.
const MAX_ANSWERS: usize = 500;
/// How far answers to answers are shifted to the side.
const MAX_DEPTH: usize = 3;

/// A conversation.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The events that the post answers, the first of all first.
    pub parents: Vec<EventId>,
    /// The answers in reading order, each with how far it is shifted to the side.
    pub answers: Vec<(EventId, usize)>,
}

/// From what a conversation was found: its post, and the versions of what it is made of.
type Stamp = (EventId, [u32; 3]);

/// The conversation that is open, as it was found last.
#[derive(Debug, Clone)]
pub struct FoundThread(Stamp, Rc<Thread>);

/// The conversation around a post.
pub fn around(model: &Model, id: EventId) -> Rc<Thread> {
    let stamp = stamp(model, id);
    match &model.open.thread {
        Some(FoundThread(found_from, thread)) if *found_from == stamp => Rc::clone(thread),
        _ => Rc::new(found(model, id)),
    }
}

/// After something changed: finds the open conversation once for all who look at it.
pub fn remember(model: &mut Model) {
    if let Route::Thread(id, _) = model.route {
        model.open.thread = Some(FoundThread(stamp(model, id), around(model, id)));
    }
}

fn stamp(model: &Model, id: EventId) -> Stamp {
    (id, [model.timeline.version, model.lists.version, model.lists.mute_version])
}

fn found(model: &Model, id: EventId) -> Thread {
    let mut seen = SortedSet::default();
    let mut thread = Thread { parents: parents(model, id, &mut seen), answers: Vec::new() };
    below(model, id, &mut seen, &mut thread.answers);
    thread
}

/// The answers from the first one on that is drawn.
pub fn from_window<'a>(window: &Window, answers: &'a [(EventId, usize)]) -> &'a [(EventId, usize)] {
    let is_passed = |end: &TimelineKey| answers.iter().position(|(id, _)| *id == end.id);
    // The last one that was passed may be gone; then as many stay passed.
    let passed = window.after().as_ref().and_then(is_passed).map_or(window.passed(), |last| last + 1);
    answers.get(passed..).unwrap_or_default()
}

/// The posts above one, the first of all first.
fn parents(model: &Model, id: EventId, seen: &mut SortedSet<EventId>) -> Vec<EventId> {
    seen.insert(id);
    let mut parents = Vec::new();
    let mut at = id;
    while let Some((parent, _)) = above(model, &at)
        && parents.len() < MAX_PARENTS
        && seen.insert(parent)
    {
        parents.push(parent);
        at = parent;
    }
    parents.reverse();
    parents
}

/// Whether an answer to a post can be for everyone: nothing on the way up from it is private, as far as that is here.
pub fn may_be_public(model: &Model, id: EventId) -> bool {
    let private = |id: &EventId| model.timeline.written(id).is_some_and(reply::is_private);
    model.timeline.place(&id).is_some() && !way_up(model, id).iter().any(private)
}

/// Whether one's newest answer in the conversation of a post was for everyone: then the next one is meant to be, too.
pub fn was_public(model: &Model, id: EventId) -> bool {
    let mut newest: Option<&UnsignedEvent> = None;
    let mut look = |id: &EventId| {
        let own = model.timeline.written(id).filter(|unsigned| Some(unsigned.pubkey) == model.me);
        if let Some(own) = own.filter(|own| own.has_tag("e"))
            && newest.is_none_or(|newest| newest.created_at < own.created_at)
        {
            newest = Some(own);
        }
    };
    for above in way_up(model, id) {
        look(&above);
        for (place, _) in model.timeline.answers_to(&above) {
            look(&place.id);
        }
    }
    newest.is_some_and(says_everyone)
}

/// A post and those above it, as far as they are here.
fn way_up(model: &Model, id: EventId) -> Vec<EventId> {
    let mut way = parents(model, id, &mut SortedSet::default());
    way.push(id);
    way
}

/// The event that a post answers, and its possible authors.
pub fn above(model: &Model, id: &EventId) -> Option<(EventId, Vec<PublicKey>)> {
    let unsigned = model.timeline.written(id)?;
    let parent = reply::target(unsigned)?;
    Some((parent, people(unsigned)))
}

/// The post with which a conversation began, as far as what is here says.
pub fn root(model: &Model, id: EventId) -> EventId {
    let top = way_up(model, id).first().copied().unwrap_or(id);
    model.timeline.written(&top).and_then(reply::root).unwrap_or(top)
}

/// The post of this conversation that is not here and stands next above what is here, if there is one.
pub fn missing(model: &Model, id: EventId) -> Option<(EventId, Vec<PublicKey>)> {
    let mut next = (id, Vec::new());
    for _ in 0..MAX_PARENTS {
        if model.timeline.place(&next.0).is_none() {
            return Some(next);
        }
        next = above(model, &next.0)?;
    }
    None
}

fn people(unsigned: &UnsignedEvent) -> Vec<PublicKey> {
    unsigned.tag_values("p").filter_map(|value| value.parse().ok()).collect()
}

fn below(model: &Model, id: EventId, seen: &mut SortedSet<EventId>, answers: &mut Vec<(EventId, usize)>) {
    // As a stack, the latest answer lowest: a chain of a thousand answers is no reason to run out of stack.
    let mut waiting = vec![(id, 0)];
    while let Some((id, depth)) = waiting.pop() {
        if depth > 0 {
            answers.push((id, (depth - 1).min(MAX_DEPTH)));
        }
        let mut next: Vec<_> =
            model.timeline.answers_to(&id).map(|(place, _)| place.id).filter(|id| seen.insert(*id)).collect();
        next.retain(|id| !model.is_muted_id(id));
        next.reverse();
        if answers.len() + waiting.len() < MAX_ANSWERS {
            waiting.extend(next.into_iter().map(|id| (id, depth + 1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, Kind, Tag};

    use super::*;
    use crate::{
        model::Post,
        update::timeline::{Origin, insert},
    };

    fn add(model: &mut Model, time: u64, to: Option<EventId>) -> EventId {
        let tags = to.map(|to| Tag::new(["e".to_owned(), to.to_string(), String::new(), "reply".to_owned()]));
        let tags = tags.into_iter().collect();
        let post = EventTemplate { created_at: time, kind: Kind::POST, tags, content: String::new() };
        let post = post.by(PublicKey::from_bytes([1; 32]));
        insert(model, &post, Origin::Live);
        post.id()
    }

    #[test]
    fn answers_stand_under_what_they_answer_in_the_order_of_time() {
        let mut model = Model::default();
        let root = add(&mut model, 1, None);
        let first = add(&mut model, 2, Some(root));
        let second = add(&mut model, 3, Some(root));
        let to_first = add(&mut model, 4, Some(first));
        let thread = around(&model, root);
        assert_eq!(thread.answers, [(first, 0), (to_first, 1), (second, 0)]);
        let thread = around(&model, to_first);
        assert_eq!((&thread.parents[..], &thread.answers[..]), (&[root, first][..], &[][..]));
        assert_eq!(missing(&model, to_first), None);
    }

    #[test]
    fn what_is_missing_above_is_known_by_name() {
        let mut model = Model::default();
        let lost = EventId::from_bytes([7; 32]);
        let answer = add(&mut model, 2, Some(lost));
        assert_eq!(around(&model, answer).parents, [lost]);
        assert_eq!(missing(&model, answer), Some((lost, vec![])));
        assert_eq!(missing(&model, lost), Some((lost, vec![])));
    }

    /// A post with an id that no hash gives, which answers this one.
    fn forge(model: &mut Model, id: u8, to: &[(u8, &str)]) -> EventId {
        let hex = |id: u8| EventId::from_bytes([id; 32]).to_string();
        let tags = to.iter().map(|(to, marker)| Tag::new(["e", &hex(*to), "", marker])).collect();
        let post =
            EventTemplate { created_at: u64::from(id), kind: Kind::POST, tags, content: String::new() };
        let id = EventId::from_bytes([id; 32]);
        let place = TimelineKey::new(u64::from(id.as_bytes()[0]), id);
        model.timeline.insert(place, Post::Written(post.by(PublicKey::from_bytes([1; 32]))));
        id
    }

    #[test]
    fn answers_to_themselves_and_in_a_circle_are_each_shown_once() {
        let mut model = Model::default();
        let alone = forge(&mut model, 9, &[(9, "reply")]);
        assert_eq!(*around(&model, alone), Thread::default());
        assert_eq!(missing(&model, alone), None);
        let circle = [(1, 3), (2, 1), (3, 2)].map(|(id, to)| forge(&mut model, id, &[(to, "reply")]));
        for (place, id) in circle.into_iter().enumerate() {
            let thread = around(&model, id);
            assert_eq!(thread.parents.len() + thread.answers.len(), 2, "{place}: {thread:?}");
            assert!(!may_be_public(&Model::default(), id) && !was_public(&model, id));
            assert_eq!(missing(&model, id), None);
        }
    }

    #[test]
    fn a_root_that_names_another_root_and_tags_without_markers_lead_to_what_they_name() {
        let mut model = Model::default();
        let other = forge(&mut model, 1, &[]);
        let root = forge(&mut model, 2, &[(1, "root")]);
        let answer = forge(&mut model, 3, &[(2, "root")]);
        assert_eq!(around(&model, answer).parents, [other, root]);
        assert_eq!(super::root(&model, answer), other);
        // The deprecated form: the first one is the root, the last one what is answered.
        let bare = forge(&mut model, 4, &[(1, ""), (3, "")]);
        assert_eq!(above(&model, &bare).map(|(parent, _)| parent), Some(answer));
        assert_eq!(around(&model, bare).parents, [other, root, answer]);
        // What it answers is nowhere.
        let lost = forge(&mut model, 5, &[(77, "reply")]);
        assert_eq!(around(&model, lost).parents, [EventId::from_bytes([77; 32])]);
    }

    #[test]
    fn what_is_muted_is_gone_with_all_below_it() {
        let mut model = Model::default();
        let root = add(&mut model, 1, None);
        let muted = add(&mut model, 2, Some(root));
        add(&mut model, 3, Some(muted));
        let shown = add(&mut model, 4, Some(root));
        model.timeline.muted.insert(muted);
        assert_eq!(around(&model, root).answers, [(shown, 0)]);
    }

    #[test]
    fn what_is_remembered_is_found_again_when_something_came_went_or_was_muted() {
        let mut model = Model::default();
        let root = add(&mut model, 1, None);
        model.route = Route::Thread(root, None);
        remember(&mut model);
        assert!(Rc::ptr_eq(&around(&model, root), &around(&model, root)));
        let answer = add(&mut model, 2, Some(root));
        let other = add(&mut model, 3, Some(root));
        assert_eq!(around(&model, root).answers.len(), 2);
        remember(&mut model);
        let place = model.timeline.place(&other).expect("it is here");
        model.timeline.remove(&place);
        assert_eq!(around(&model, root).answers, [(answer, 0)]);
        remember(&mut model);
        model.timeline.muted.insert(answer);
        model.lists.mute_version += 1;
        assert_eq!(around(&model, root).answers, []);
        assert_eq!(around(&model, answer).parents, [root], "another one is found by itself");
    }

    #[test]
    fn a_long_chain_of_answers_is_cut_and_breaks_nothing() {
        let mut model = Model::default();
        let mut last = add(&mut model, 1, None);
        let root = last;
        for time in 2..900 {
            last = add(&mut model, time, Some(last));
        }
        assert!(around(&model, root).answers.len() <= 2 * MAX_ANSWERS);
        assert_eq!(around(&model, last).parents.len(), MAX_PARENTS);
    }
}
