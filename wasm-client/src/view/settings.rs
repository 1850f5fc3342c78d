//! Settings, grouped by what people want to do.

use nostrp2p_protocol::Rumor;

use super::{Html, button, error, paragraph};
use crate::{
    message::{Link, Message, Own, Relation},
    model::Model,
    storage::Theme,
    texts,
    vdom::{On, element},
    when,
};

/// Most earlier versions of a list that are offered.
const MAX_VERSIONS: usize = 8;

/// The screen.
pub fn view(model: &Model) -> Html {
    let section = element("section").class("cards");
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(texts::SETTINGS))
    } else {
        section
    };
    section.child(theme(model)).child(node(model)).child_if(lists(model)).child(forget(model)).child(about())
}

fn theme(model: &Model) -> Html {
    let choice = |(theme, label): (Theme, &'static str)| {
        element("button")
            .class("choice")
            .with("type", "button")
            .with("role", "radio")
            .with("aria-checked", if model.theme == theme { "true" } else { "false" })
            .with("data-theme-choice", theme.word())
            .on(On::Click(Message::Own(Own::Theme(theme))))
            .text(label)
    };
    element("div").class("card").child(element("h2").text(texts::THEME)).child(
        element("div")
            .class("choices")
            .with("role", "radiogroup")
            .with("aria-label", texts::THEME)
            .children(Theme::ALL.into_iter().zip(texts::THEMES).map(choice)),
    )
}

fn node(model: &Model) -> Html {
    let address = model.connection.node.as_ref().map_or("", |node| node.authority());
    element("div")
        .class("card")
        .child(element("h2").text(texts::NODE_SETTING))
        .child(paragraph("muted", texts::NODE_SETTING_WHY))
        .child(element("code").class("code").text(address.to_owned()))
        .child(element("div").class("row").child(button(
            "plain",
            texts::NODE_CHANGE,
            Message::Link(Link::SetUpAgain),
        )))
}

/// Earlier versions of the list of those one follows, to go back to.
fn lists(model: &Model) -> Option<Html> {
    let offset = model.environment.offset_minutes;
    let version = |(index, (rumor, count)): (usize, (&Rumor, usize))| {
        let words = format!("{} · {}", when::exact(rumor.created_at, offset), texts::follows_people(count));
        let restore = button("link", texts::LIST_RESTORE, Relation::Restore(rumor.id()));
        let present = element("span").class("muted").text(texts::LIST_PRESENT);
        element("li")
            .class("version")
            .key(rumor.id().to_string())
            .child(element("span").text(words))
            .child(if index == 0 { present } else { restore })
    };
    let versions: Vec<Html> = model.lists.versions().enumerate().take(MAX_VERSIONS).map(version).collect();
    (versions.len() > 1).then(|| {
        element("div")
            .class("card")
            .child(element("h2").text(texts::LIST_TITLE))
            .child(paragraph("muted", texts::LIST_WHY))
            .child(element("ul").class("versions").children(versions))
    })
}

fn forget(model: &Model) -> Html {
    let card = element("div")
        .class("card")
        .child(element("h2").text(texts::FORGET))
        .child(paragraph("muted", texts::FORGET_WHY));
    if !model.forget_asked {
        return card.child(
            element("div")
                .class("row")
                .child(button("danger", texts::FORGET, Message::Own(Own::ForgetAsked)).test_id("forget")),
        );
    }
    card.child(paragraph("strong", texts::FORGET_ASK))
        .child_if((!model.backed_up).then(|| error(texts::FORGET_UNSAVED)))
        .child(
            element("div")
                .class("row")
                .child(
                    button("danger", texts::FORGET_YES, Message::Own(Own::ForgetConfirmed))
                        .test_id("forget-yes"),
                )
                .child(button("quiet", texts::CANCEL, Message::Own(Own::ForgetCancelled))),
        )
}

fn about() -> Html {
    element("div")
        .class("card")
        .child(element("h2").text(texts::ABOUT_PAGE))
        .child(paragraph("muted", texts::KEYS_HELP))
        .child(paragraph("muted", format!("{} · {}", texts::APP, texts::VERSION)))
}
