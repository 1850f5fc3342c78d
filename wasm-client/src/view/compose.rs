//! The composer: a card above the posts, or a screen of its own on a phone.

use super::{Html, avatar::avatar, error, icons, quote};
use crate::{
    message::{Message, Writing},
    model::{About, Model, Quote, Reply},
    texts,
    update::compose::{FIELD_ID, room},
    vdom::{KeyPress, On, element},
};

use icons::{Icon, icon};

/// The id of the form, for a button outside of it.
const FORM_ID: &str = "compose-form";
/// From how few bytes on the room left is shown.
const ROOM_SHOWN_FROM: i64 = 2_000;

/// The screen of its own.
pub fn screen(model: &Model) -> Html {
    let section = element("section").class("write");
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(model.say(texts::COMPOSE_LABEL)))
    } else {
        section
    };
    section.child(card(model))
}

/// The card.
pub fn card(model: &Model) -> Html {
    let compose = &model.compose;
    let (label, example) = match compose.about() {
        About::Reply(_) => (model.say(texts::REPLY_LABEL), model.say(texts::REPLY_EXAMPLE)),
        About::Quote(_) => (model.say(texts::QUOTE_LABEL), model.say(texts::QUOTE_EXAMPLE)),
        About::Nothing => (model.say(texts::COMPOSE_LABEL), model.say(texts::COMPOSE_EXAMPLE)),
    };
    let begun = !compose.text.trim().is_empty() || !matches!(compose.about(), About::Nothing);
    let field = element("textarea")
        .class("compose-text")
        .with("id", FIELD_ID)
        .with("rows", "1")
        .with("dir", "auto")
        .with("aria-label", label)
        .with("placeholder", example)
        .key("field")
        .test_id("compose-text")
        .with("value", compose.text.clone())
        .on(On::Input(|text| Message::Writing(Writing::Typed(text))))
        .on(On::Key(send_key));
    let left = room(&compose.text, compose.about());
    let empty = compose.text.trim().is_empty();
    let count = (left < ROOM_SHOWN_FROM).then(|| {
        let class = if left < 0 { "compose-room over" } else { "compose-room" };
        element("span").class(class).with("role", "status").text(texts::bytes_left(model.language(), left))
    });
    let hint = (count.is_none() && !empty && model.environment.wide).then(|| {
        element("kbd").class("compose-hint").text(texts::send_hint(model.language(), model.environment.apple))
    });
    // On a phone the button is in the top bar, where the keyboard does not cover it.
    let send = model.environment.wide.then(|| send_button(model));
    element("form")
        .with("id", FORM_ID)
        .class(if begun { "compose compose-begun" } else { "compose" })
        .on(On::Submit(Message::Writing(Writing::Send)))
        .child_if(model.me.as_ref().map(avatar))
        .child(
            element("div")
                .class("compose-body")
                .child_if(compose.reply.as_ref().map(|reply| replying(model, reply)))
                .child(field)
                .child_if(compose.quote.as_ref().map(|quote| quoting(model, quote)))
                .child_if(compose.error.clone().map(error))
                .child(element("div").class("compose-foot").child_if(hint).child_if(count).child_if(send)),
        )
}

/// The button that publishes what is written.
pub fn send_button(model: &Model) -> Html {
    let compose = &model.compose;
    let unfit = compose.text.trim().is_empty() || room(&compose.text, compose.about()) < 0 || compose.signing;
    element("button")
        .class("button button-primary")
        .with("type", "submit")
        .with("form", FORM_ID)
        .test_id("compose-send")
        .with_if(unfit, "disabled")
        .text(match &compose.reply {
            _ if compose.signing => model.say(texts::COMPOSE_SIGNING),
            Some(_) => model.say(texts::REPLY),
            None => model.say(texts::COMPOSE_SEND),
        })
}

/// What one quotes.
fn quoting(model: &Model, quote: &Quote) -> Html {
    element("div")
        .class("compose-quote")
        .key("quote")
        .child(quote::view(model, quote))
        .child(drop_about(model.say(texts::QUOTE_DROP)))
}

/// Whom one answers and who will see it, so that nobody takes a private answer for a public one.
fn replying(model: &Model, reply: &Reply) -> Html {
    let author = model.name_of_other(&reply.author);
    // Its author first, who is the one that is answered.
    let first = if reply.people.contains(&reply.author) { Some(&reply.author) } else { reply.people.first() };
    let first = first.map(|person| model.name_of_other(person));
    let others = reply.people.len().saturating_sub(1);
    let audience = first.as_ref().map(|name| (name.as_deref(), others));
    element("div")
        .class("compose-reply")
        .key("reply")
        .child(icon(if first.is_some() { Icon::Lock } else { Icon::Reply }))
        .child(element("bdi").with("role", "status").text(texts::replying(
            model.language(),
            author.as_deref(),
            audience,
        )))
        .child(drop_about(model.say(texts::REPLY_DROP)))
}

/// The button by which a text becomes one about nothing else.
fn drop_about(label: &'static str) -> Html {
    element("button")
        .class("button-icon")
        .with("type", "button")
        .with("aria-label", label)
        .with("title", label)
        .test_id("reply-cancel")
        .on(On::Click(Message::Writing(Writing::DropReply)))
        .child(icon(Icon::Close))
}

fn send_key(press: &KeyPress) -> Option<Message> {
    (press.key == "Enter" && press.command && !press.composing).then_some(Message::Writing(Writing::Send))
}
