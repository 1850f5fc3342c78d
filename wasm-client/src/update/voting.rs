//! Voting in polls (NIP-88).

use nostrp2p_protocol::{EventId, EventTemplate};

use crate::model::{
    Model,
    poll::{Ballot, Poll},
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

/// Makes the vote for the chosen options, to be signed; None after the end of the poll.
pub fn vote(model: &mut Model) -> Option<EventTemplate> {
    let (me, Ballot { poll: id, chosen }) = (model.me?, model.ballot.take()?);
    let now = model.now();
    let poll = model.timeline.written(&id).and_then(Poll::of).filter(|poll| !poll.is_over(now))?;
    Some(poll.vote(id, &chosen, model.votes.time_for_next(&id, &me, now)))
}
