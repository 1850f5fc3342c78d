//! A conversation: what a post answers, the post itself, and what answers it, tied by a thin line.

use nostrp2p_protocol::EventId;

use super::{Html, button, paragraph, post};
use crate::{
    message::{Message, Reading},
    model::{Model, thread},
    texts,
    vdom::{VNode, element},
};

/// The screen.
pub fn view(model: &Model, id: EventId, drawn: &mut post::Drawn) -> Html {
    let conversation = thread::around(model, id);
    let window = &model.open.window;
    let answers = thread::from_window(window, &conversation.answers);
    let shown = answers.get(..window.drawn).unwrap_or(answers);
    let ids = conversation.parents.iter().copied().chain([id]).chain(shown.iter().map(|(id, _)| *id));
    // What is opened is shown all the same.
    let muted = |other: &EventId| *other != id && model.is_muted_id(other);
    let shown_ids = ids.filter(|id| !muted(id)).filter_map(|id| model.timeline.entry(&id));
    let mut posts = drawn.draw(model, shown_ids).into_iter();
    let mut take = |id: &EventId| -> VNode<Message> {
        if muted(id) {
            return post::absent(model, *id, texts::POST_MUTED).test_id("post-muted").into();
        }
        let here = model.timeline.place(id).and_then(|_| posts.next());
        here.unwrap_or_else(|| post::awaited(model, *id, None).into())
    };
    let tied = |class: &'static str, id: &EventId, node: VNode<Message>| {
        element("div").class(class).key(id.to_string()).child(node)
    };
    let parents: Vec<Html> =
        conversation.parents.iter().map(|id| tied("thread-parent", id, take(id))).collect();
    let opened = tied("thread-opened", &id, take(&id));
    let below: Vec<Html> = shown
        .iter()
        .map(|(id, depth)| {
            let class =
                ["thread-answer", "thread-answer deep-1", "thread-answer deep-2", "thread-answer deep-3"];
            tied(class.get(*depth).copied().unwrap_or("thread-answer"), id, take(id))
        })
        .collect();
    let section = element("section").class("thread").test_id("thread");
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(model.say(texts::THREAD)))
    } else {
        section
    };
    let more = model.say(texts::SHOW_MORE);
    let none = conversation.answers.is_empty() && model.timeline.place(&id).is_some();
    let foot = none.then(|| {
        let words = if model.open.loading { model.say(texts::LOADING) } else { model.say(texts::NO_ANSWERS) };
        element("div").class("past").key("past").child(paragraph("muted", words))
    });
    let more = (answers.len() > shown.len())
        .then(|| element("div").class("past").key("past").child(button("quiet", more, Reading::Older)));
    let below = (!below.is_empty()).then(|| {
        let feed = element("div").class("feed").with("role", "feed").key("answers");
        feed.with("aria-label", model.say(texts::THREAD)).child_if(post::passed(window)).children(below)
    });
    section.children(parents).child(opened).child_if(below).child_if(foot).child_if(more)
}
