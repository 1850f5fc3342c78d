//! A poll in a post: its options, their counts, and who learns of a vote.

use nostrp2p_protocol::{EventId, UnsignedEvent};

use super::{Html, button, paragraph, sentence};
use crate::{
    letters,
    message::{Message, Writing},
    model::{Model, poll::Poll},
    texts,
    vdom::{On, element},
    when,
};

/// Most characters of an option that are drawn. A guess.
const MAX_CHARACTERS: usize = 200;
/// Most options that are drawn of a poll that is folded.
const FOLDED_OPTIONS: usize = 8;

/// All that the picture of a poll depends on, besides its event: the votes, what is being chosen, and whether it is over.
pub type Stamp = (u32, Vec<usize>, bool);

/// From what a poll is drawn; nothing for what is none.
pub fn stamp(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> Option<Stamp> {
    let poll = Poll::of(unsigned)?;
    Some((model.votes.version, being_chosen(model, id).to_vec(), poll.is_over(model.now())))
}

fn being_chosen(model: &Model, id: EventId) -> &[usize] {
    model.ballot.as_ref().filter(|ballot| ballot.poll == id).map_or(&[], |ballot| &ballot.chosen)
}

/// The options of a poll and what stands below them.
pub fn view(model: &Model, id: EventId, unsigned: &UnsignedEvent, folded: bool) -> Option<Html> {
    let poll = Poll::of(unsigned)?;
    let (counts, people) = model.votes.count(&id, &poll);
    let (being_chosen, is_over) = (being_chosen(model, id), poll.is_over(model.now()));
    let own = model.me.map(|me| model.votes.chosen_by(&id, &poll, &me)).unwrap_or_default();
    let shown = if being_chosen.is_empty() { &own } else { being_chosen };
    let drawn = if folded { FOLDED_OPTIONS } else { poll.options.len() };
    let mut card = element("div").class("poll").test_id("poll");
    for (number, (_, label)) in poll.options.iter().enumerate().take(drawn) {
        let label = element("span").with("dir", "auto").text(letters::one_line(label, MAX_CHARACTERS));
        let count = counts.get(number).filter(|_| people > 0).map(|count| {
            element("span").class("post-count").test_id("poll-count").text(texts::count(*count as u64))
        });
        card = card.child(
            element("button")
                .class("poll-option")
                .with("type", "button")
                .with("aria-pressed", if shown.contains(&number) { "true" } else { "false" })
                .with_if(is_over, "disabled")
                .test_id("poll-option")
                .on(On::Click(Writing::Choose(id, number).into()))
                .child(label)
                .child_if(count),
        );
    }
    let end = poll.ends_at.map(|end| when::exact(end, model.environment.zone, model.language()));
    let state = texts::votes(model.language(), people, end, is_over);
    let card = card.child(paragraph("muted", state).test_id("poll-state"));
    if being_chosen.is_empty() {
        return Some(card);
    }
    let words = texts::vote_goes_to(model.language(), &model.name_in_sentence(&unsigned.pubkey));
    let vote = button("primary", model.say(texts::VOTE), Message::from(Writing::Vote)).test_id("vote");
    Some(card.child(sentence("p", &words).class("muted").test_id("vote-goes-to")).child(vote))
}
