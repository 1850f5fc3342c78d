//! A conversation around one post: what it answers, and what answers it, as far as it is here.

use nostrp2p_protocol::{EventId, PublicKey, UnsignedEvent, event_policy::says_everyone};

use super::{Model, reply};
use crate::sorted_map::SortedSet;

/// Most posts above the one that was opened; a longer way up is cut off there.
const MAX_PARENTS: usize = 50;
/// Most answers that are shown; a guess.
const MAX_ANSWERS: usize = 500;
/// How far answers to answers are shifted to the side.
const MAX_DEPTH: usize = 3;

/// A conversation.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// What the post answers, the first post of all first.
    pub parents: Vec<EventId>,
    /// The answers in reading order, each with how far it is shifted to the side.
    pub answers: Vec<(EventId, usize)>,
}

/// The conversation around a post.
pub fn around(model: &Model, id: EventId) -> Thread {
    let mut seen = SortedSet::default();
    let mut thread = Thread { parents: parents(model, id, &mut seen), answers: Vec::new() };
    below(model, id, &mut seen, &mut thread.answers);
    thread
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

/// What a post answers, and who may have written that.
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
    use crate::update::timeline::{Origin, insert};

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
        assert_eq!((thread.parents, thread.answers), (vec![root, first], vec![]));
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
