//! One post. Its text comes from strangers: it is drawn as text, isolated in its own direction, and folded when long.

use nostrp2p_protocol::{EventId, PublicKey};

use super::{Html, avatar::avatar, button, icons};
use crate::{
    message::{Message, Reading, Writing},
    model::{Model, timeline::Post},
    profile::short_npub,
    richtext::{self, Span},
    texts,
    vdom::{Node, On, element},
    when,
};
use icons::{Icon, icon};

/// Latin letters that fit into a line of the column on a desktop, and on a phone.
const LETTERS_PER_LINE: (usize, usize) = (72, 42);

/// Draws a post. `id` is the event in the timeline: of the repost, if it is one.
pub fn view(model: &Model, id: EventId, post: &Post) -> Html {
    let author = &post.shown.pubkey;
    let body = element("div")
        .class("post-body")
        .child_if(context(model, post))
        .child(head(model, id, post))
        .child(text(model, post))
        .child_if(fold(model, post))
        .child_if(refused(model, id));
    element("article")
        .class("post")
        .test_id("post")
        .with("data-id", post.shown_id.to_string())
        .with("tabindex", "0")
        .key(id.to_string())
        .child(avatar(author))
        .child(body)
}

fn context(model: &Model, post: &Post) -> Option<Html> {
    let (image, words) = match &post.reposted_by {
        Some(by) => (Icon::Repost, texts::reposted_by(&model.name_of(by))),
        None if post.is_reply() => (Icon::Reply, texts::REPLY.to_owned()),
        None => return None,
    };
    Some(element("p").class("post-context").child(icon(image)).child(element("bdi").text(words)))
}

fn head(model: &Model, id: EventId, post: &Post) -> Html {
    let author = &post.shown.pubkey;
    let named = model.people.profile(author).is_some_and(|profile| profile.name.is_some());
    let handle = named.then(|| element("span").class("post-key").text(short_npub(author)));
    element("header")
        .class("post-head")
        .child(name(model, author))
        .child_if(handle)
        .child(time(model, id, post.shown.created_at))
        .child_if(state(model, id, author))
}

fn name(model: &Model, author: &PublicKey) -> Html {
    element("bdi").class("post-name").test_id("post-name").with("dir", "auto").text(model.name_of(author))
}

fn time(model: &Model, id: EventId, created_at: u64) -> Html {
    let offset = model.environment.offset_minutes;
    let exact = when::exact(created_at, offset);
    let shown = if model.timeline.exact_times.contains(&id) {
        exact.clone()
    } else {
        when::ago(created_at, model.now(), offset)
    };
    element("button")
        .class("post-time")
        .with("type", "button")
        .with("title", exact)
        .on(On::Click(Message::Reading(Reading::ExactTime(id))))
        .child(element("time").test_id("post-time").with("datetime", when::machine(created_at)).text(shown))
}

/// How far one's own post has come: a glyph, with words on hover and for screen readers.
fn state(model: &Model, id: EventId, author: &PublicKey) -> Option<Html> {
    if model.me.as_ref() != Some(author) {
        return None;
    }
    let (state, image, words) = match model.outbox.waiting.get(&id) {
        Some(outgoing) => match &outgoing.refused {
            Some(reason) => ("failed", Icon::Warning, texts::not_sent(reason)),
            None => ("waiting", Icon::Clock, texts::STATE_WAITING.to_owned()),
        },
        None => ("sent", Icon::Tick, texts::sent(model.outbox.carried.get(&id).copied())),
    };
    Some(
        element("span")
            .class("post-state")
            .test_id("post-state")
            .with("data-state", state)
            .with("title", words.clone())
            .child(icon(image))
            .child(element("span").class("hidden").text(words)),
    )
}

fn text(model: &Model, post: &Post) -> Html {
    let whole = post.shown.content.as_str();
    let folded = is_long(model, post) && !model.timeline.unfolded.contains(&post.shown_id);
    let shown = if folded { richtext::beginning(whole) } else { whole };
    element("div")
        .class(if folded { "post-text folded" } else { "post-text" })
        .test_id("post-text")
        .with("dir", "auto")
        .children(richtext::spans(shown).into_iter().map(|span| draw(model, span)))
}

fn draw(model: &Model, span: Span) -> Node<Message> {
    match span {
        Span::Text(text) => Node::Text(text.into()),
        Span::Link(address) => {
            let shown = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
            let shown = shown.trim_end_matches('/').to_owned();
            element("a")
                .with("href", address)
                .with("target", "_blank")
                .with("rel", "noopener noreferrer nofollow ugc")
                .text(shown)
                .into()
        }
        Span::Mention(person) => element("bdi")
            .class("mention")
            .with("title", person.to_npub())
            .text(format!("@{}", model.name_of(&person)))
            .into(),
    }
}

fn is_long(model: &Model, post: &Post) -> bool {
    let (desktop, phone) = LETTERS_PER_LINE;
    richtext::is_long(&post.shown.content, if model.environment.wide { desktop } else { phone })
}

fn fold(model: &Model, post: &Post) -> Option<Html> {
    is_long(model, post).then(|| {
        let unfolded = model.timeline.unfolded.contains(&post.shown_id);
        let label = if unfolded { texts::SHOW_LESS } else { texts::SHOW_MORE };
        button("link", label, Message::Reading(Reading::Fold(post.shown_id)))
            .with("aria-expanded", if unfolded { "true" } else { "false" })
    })
}

fn refused(model: &Model, id: EventId) -> Option<Html> {
    let reason = model.outbox.waiting.get(&id)?.refused.as_ref()?;
    Some(
        element("div").class("post-refused").child(super::error(texts::not_sent(reason))).child(
            element("div")
                .class("row")
                .child(button("plain", texts::TRY_AGAIN, Message::Writing(Writing::TryAgain(id))))
                .child(button("quiet", texts::GIVE_UP, Message::Writing(Writing::GiveUp(id)))),
        ),
    )
}
