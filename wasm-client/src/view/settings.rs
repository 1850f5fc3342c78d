//! Settings, grouped by what people want to do.

use nostrp2p_protocol::Rumor;

use super::{Html, button, error, keyring, paragraph};
use crate::{
    message::{Link, Message, Own, Relation},
    model::Model,
    storage::Theme,
    texts::{self, Language, Words},
    vdom::{On, element},
    when,
};

/// Most earlier versions of a list that are offered.
const MAX_VERSIONS: usize = 8;

/// The screen.
pub fn view(model: &Model) -> Html {
    let section = element("section").class("cards");
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(model.say(texts::SETTINGS)))
    } else {
        section
    };
    section
        .child(theme(model))
        .child(language(model))
        .child(keyring::card(model))
        .child(node(model))
        .child_if(lists(model))
        .child(forget(model))
        .child(about(model))
}

fn language(model: &Model) -> Html {
    let choice = |language: Option<Language>| {
        let choice = element("button")
            .class("choice")
            .with("type", "button")
            .with("role", "radio")
            .with("aria-checked", if model.chosen_language == language { "true" } else { "false" })
            .with("data-language", language.map_or("auto", Language::tag))
            .on(On::Click(Message::Own(Own::Language(language))));
        match language {
            Some(language) => choice.with("lang", language.tag()).text(language.name()),
            None => choice.text(model.say(texts::LANGUAGE_AUTO)),
        }
    };
    let choices = [None].into_iter().chain(Language::ALL.map(Some)).map(choice);
    element("div").class("card").child(element("h2").text(model.say(texts::LANGUAGE))).child(
        element("div")
            .class("choices")
            .with("role", "radiogroup")
            .with("aria-label", model.say(texts::LANGUAGE))
            .children(choices),
    )
}

fn theme(model: &Model) -> Html {
    let choice = |(theme, label): (Theme, Words)| {
        element("button")
            .class("choice")
            .with("type", "button")
            .with("role", "radio")
            .with("aria-checked", if model.theme == theme { "true" } else { "false" })
            .with("data-theme-choice", theme.word())
            .on(On::Click(Message::Own(Own::Theme(theme))))
            .text(model.say(label))
    };
    element("div").class("card").child(element("h2").text(model.say(texts::THEME))).child(
        element("div")
            .class("choices")
            .with("role", "radiogroup")
            .with("aria-label", model.say(texts::THEME))
            .children(Theme::ALL.into_iter().zip(texts::THEMES).map(choice)),
    )
}

fn node(model: &Model) -> Html {
    let address = model.connection.node.as_ref().map_or("", |node| node.authority());
    element("div")
        .class("card")
        .child(element("h2").text(model.say(texts::NODE_SETTING)))
        .child(paragraph("muted", model.say(texts::NODE_SETTING_WHY)))
        .child(element("code").class("code").text(address.to_owned()))
        .child(element("div").class("row").child(button(
            "plain",
            model.say(texts::NODE_CHANGE),
            Message::Link(Link::SetUpAgain),
        )))
}

/// Earlier versions of the list of those one follows, to go back to.
fn lists(model: &Model) -> Option<Html> {
    let offset = model.environment.offset_minutes;
    let version = |(index, (rumor, count)): (usize, (&Rumor, usize))| {
        let words = format!(
            "{} · {}",
            when::exact(rumor.created_at, offset, model.language()),
            texts::follows_people(model.language(), count)
        );
        let restore = button("link", model.say(texts::LIST_RESTORE), Relation::Restore(rumor.id()));
        let present = element("span").class("muted").text(model.say(texts::LIST_PRESENT));
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
            .child(element("h2").text(model.say(texts::LIST_TITLE)))
            .child(paragraph("muted", model.say(texts::LIST_WHY)))
            .child(element("ul").class("versions").children(versions))
    })
}

fn forget(model: &Model) -> Html {
    let card = element("div")
        .class("card")
        .child(element("h2").text(model.say(texts::FORGET)))
        .child(paragraph("muted", model.say(texts::FORGET_WHY)));
    if !model.forget_asked {
        return card.child(element("div").class("row").child(
            button("danger", model.say(texts::FORGET), Message::Own(Own::ForgetAsked)).test_id("forget"),
        ));
    }
    card.child(paragraph("strong", model.say(texts::FORGET_ASK)))
        .child_if((!model.backed_up).then(|| error(model.say(texts::FORGET_UNSAVED))))
        .child(
            element("div")
                .class("row")
                .child(
                    button("danger", model.say(texts::FORGET_YES), Message::Own(Own::ForgetConfirmed))
                        .test_id("forget-yes"),
                )
                .child(button("quiet", model.say(texts::CANCEL), Message::Own(Own::ForgetCancelled))),
        )
}

fn about(model: &Model) -> Html {
    element("div")
        .class("card")
        .child(element("h2").text(model.say(texts::ABOUT_PAGE)))
        .child(paragraph("muted", model.say(texts::KEYS_HELP)))
        .child(paragraph("muted", format!("{} · {}", model.say(texts::APP), model.say(texts::VERSION))))
}
