//! Voting in polls (NIP-88).

use nostrp2p_protocol::EventId;

use super::{Effect, signing};
use crate::{
    effect::Purpose,
    model::{
        Model,
        poll::{Ballot, Poll},
    },
};

/// An option is chosen, or not any more; of a single choice it takes the place of the former one.
pub fn choose(model: &mut Model, id: EventId, option: usize) {
    let Some(poll) = model.timeline.written(&id).and_then(Poll::of) else { return };
    if poll.is_over(model.now()) || option >= poll.options.len() {
        return;
    }
    let former = model.ballot.take().filter(|ballot| ballot.poll == id);
    let mut chosen = former.map(|ballot| ballot.chosen).unwrap_or_default();
    let was_chosen = chosen.contains(&option);
    chosen.retain(|other| poll.multiple && *other != option);
    if !was_chosen {
        chosen.push(option);
    }
    model.ballot = (!chosen.is_empty()).then_some(Ballot { poll: id, chosen });
}

/// The person votes as they have chosen.
pub fn vote(model: &mut Model, out: &mut Vec<Effect>) {
    let (Some(me), Some(Ballot { poll: id, chosen })) = (model.me, model.ballot.take()) else { return };
    let now = model.now();
    if let Some(poll) = model.timeline.written(&id).and_then(Poll::of).filter(|poll| !poll.is_over(now)) {
        let draft = poll.vote(id, &chosen, model.votes.time_for_next(&id, &me, now));
        signing::sign(model, Purpose::Vote, draft, out);
    }
}
