//! The node's names on Settings, at which other programs may log in.

use super::{Html, button, paragraph};
use crate::{
    message::Own,
    model::{Model, connection::NodeNames},
    texts,
    update::own_names::dialled,
    vdom::element,
};

/// The card; the node is asked when the person wants to see it.
pub fn card(model: &Model) -> Html {
    let card = element("div")
        .class("card")
        .key("own-names")
        .child(element("h3").text(model.say(texts::OWN_NAMES)))
        .child(paragraph("muted", model.say(texts::OWN_NAMES_WHY)));
    match &model.connection.names {
        Some(NodeNames { own, names }) => card
            .child(element("ul").class("versions").children(names.iter().map(|(name, confirmed)| {
                let revoke = || {
                    button(
                        "link",
                        model.say(texts::OWN_NAMES_REVOKE),
                        Own::Names(Some((name.clone(), false))),
                    )
                };
                element("li")
                    .class("version")
                    .key(name.clone())
                    .child(element("bdi").text(name.clone()))
                    .child_if(confirmed.then(|| revoke().test_id("name-revoke")))
            })))
            .child_if(dialled(model).filter(|_| !own).map(|name| {
                let confirm = Own::Names(Some((name.clone(), true)));
                element("div").child(paragraph("", texts::own_name_ask(model.language(), &name))).child(
                    button("plain", model.say(texts::OWN_NAMES_CONFIRM), confirm).test_id("name-confirm"),
                )
            })),
        None => card.child(element("div").class("row").child(
            button("plain", model.say(texts::OWN_NAMES_SHOW), Own::Names(None)).test_id("names-show"),
        )),
    }
}
