//! The composer: a card above the posts, or a screen of its own on a phone.

use super::{Html, avatar::avatar, error};
use crate::{
    message::{Message, Writing},
    model::Model,
    texts,
    update::compose::{FIELD_ID, room},
    vdom::{KeyPress, On, element},
};

/// From how few bytes on the room left is shown.
const ROOM_SHOWN_FROM: i64 = 2_000;

/// The screen of its own.
pub fn screen(model: &Model) -> Html {
    element("section").class("write").child(card(model))
}

/// The card.
pub fn card(model: &Model) -> Html {
    let compose = &model.compose;
    let field = element("textarea")
        .class("compose-text")
        .with("id", FIELD_ID)
        .with("rows", "1")
        .with("dir", "auto")
        .with("aria-label", texts::COMPOSE_LABEL)
        .with("placeholder", texts::COMPOSE_EXAMPLE)
        .test_id("compose-text")
        .with("value", compose.text.clone())
        .on(On::Input(|text| Message::Writing(Writing::Typed(text))))
        .on(On::Key(send_key));
    let left = room(&compose.text);
    let empty = compose.text.trim().is_empty();
    let count = (left < ROOM_SHOWN_FROM).then(|| {
        let class = if left < 0 { "compose-room over" } else { "compose-room" };
        element("span").class(class).with("role", "status").text(texts::bytes_left(left))
    });
    let hint = (count.is_none() && !empty && model.environment.wide)
        .then(|| element("kbd").class("compose-hint").text(texts::send_hint(model.environment.apple)));
    let send = element("button")
        .class("button button-primary")
        .with("type", "submit")
        .test_id("compose-send")
        .with_if(empty || left < 0 || compose.signing, "disabled")
        .text(if compose.signing { texts::COMPOSE_SIGNING } else { texts::COMPOSE_SEND });
    element("form")
        .class(if empty { "compose" } else { "compose compose-begun" })
        .on(On::Submit(Message::Writing(Writing::Send)))
        .child_if(model.me.as_ref().map(avatar))
        .child(
            element("div")
                .class("compose-body")
                .child(field)
                .child_if(compose.error.clone().map(error))
                .child(element("div").class("compose-foot").child_if(hint).child_if(count).child(send)),
        )
}

fn send_key(press: &KeyPress) -> Option<Message> {
    (press.key == "Enter" && press.command && !press.composing).then_some(Message::Writing(Writing::Send))
}
