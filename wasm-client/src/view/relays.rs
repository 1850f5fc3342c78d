//! The relays to which the node gives public posts: how each stands, and whether the person agrees to sign in there.

use nostrp2p_protocol::frame::Mirror;

use super::{Html, button, paragraph};
use crate::{
    message::{Message, Own},
    model::Model,
    texts,
    update::work::MAX_WORK,
    vdom::element,
    when,
};

/// The card; none without such relays.
pub fn card(model: &Model) -> Option<Html> {
    let mirrors = &model.connection.mirrors;
    (!mirrors.is_empty()).then(|| {
        element("div")
            .class("card")
            .key("relays")
            .child(element("h2").text(model.say(texts::RELAYS)))
            .children(mirrors.iter().map(|mirror| relay(model, mirror)))
    })
}

fn relay(model: &Model, mirror: &Mirror) -> Html {
    let (language, offset) = (model.language(), model.environment.zone);
    let last =
        mirror.last_event.map_or_else(|| "–".to_owned(), |at| when::ago(at, model.now(), offset, language));
    let row = element("div")
        .key(mirror.url.clone())
        .test_id("relay")
        .child(element("bdi").class("strong").text(mirror.url.clone()))
        .child(paragraph("muted", texts::relay(language, mirror, &last)))
        .child_if(mirror.reason.clone().map(|reason| paragraph("muted", reason).with("dir", "auto")));
    let row = row.child_if((mirror.work > 0).then(|| {
        paragraph("muted", texts::relay_work(language, mirror.work, mirror.work <= MAX_WORK))
            .test_id("relay-work")
    }));
    if mirror.challenge().is_none() {
        return row;
    }
    let agree = Message::Own(Own::Agree(mirror.url.clone()));
    row.child(super::sentence("p", &texts::relay_login(language, &mirror.url)))
        .child(button("plain", model.say(texts::RELAY_AGREE), agree).test_id("relay-agree"))
}
