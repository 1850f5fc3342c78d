//! Settings, grouped by what people want to do.

use nostrp2p_protocol::{UnsignedEvent, frame::Permission};

use super::{Html, button, error, keyring, muted, own_names, paragraph, permissions};
use crate::{
    locale::Language,
    message::{Link, Message, Own, Relation},
    model::{Media, Model, Pace, Theme},
    texts::{self, Words},
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
        .child(group(model, texts::GROUP_READING))
        .child(theme(model))
        .child(language(model))
        .child(media(model))
        .children(muted::cards(model))
        .child(group(model, texts::GROUP_KEY))
        .child(keyring::card(model))
        .child(forget(model))
        .child(group(model, texts::GROUP_NODE))
        .child(node(model))
        .child_if(model.connection.is_logged_in().then(|| own_names::card(model)))
        .child_if(permissions::card(model).filter(|_| model.connection.is_logged_in()))
        .child_if(replies(model).filter(|_| model.connection.is_logged_in()))
        .child(pace(model))
        .child(group(model, texts::GROUP_DATA))
        .child_if(lists(model))
        .child(export(model))
        .child_if(install(model))
        .child(about(model))
}

fn group(model: &Model, words: Words) -> Html {
    element("h2").class("group").text(model.say(words))
}

/// An answer: the label, whether it is chosen, its word in the attribute, and what choosing it does.
type Answer = (&'static str, bool, &'static str, Own);

/// A question with a few answers, of which one is chosen. `hook` is the attribute that holds the words of the answers.
fn choices(
    model: &Model,
    title: Words,
    why: Option<Words>,
    hook: &'static str,
    answers: Vec<Answer>,
) -> Html {
    let answers = answers.into_iter().map(|(label, chosen, word, message)| {
        element("button")
            .class("choice")
            .with("type", "button")
            .with("role", "radio")
            .with("aria-checked", if chosen { "true" } else { "false" })
            .with("tabindex", if chosen { "0" } else { "-1" })
            .with(hook, word)
            .on(On::Click(Message::Own(message)))
            .text(label)
    });
    let group = element("div")
        .class("choices")
        .with("role", "radiogroup")
        .with("aria-label", model.say(title))
        .children(answers.collect::<Vec<Html>>());
    element("div")
        .class("card")
        .child(element("h3").text(model.say(title)))
        .child_if(why.map(|why| paragraph("muted", model.say(why))))
        .child(group)
}

fn media(model: &Model) -> Html {
    let labels = [texts::MEDIA_ASK, texts::MEDIA_FOLLOWED, texts::MEDIA_NEVER];
    let answers = Media::ALL.into_iter().zip(labels);
    let answers = answers
        .map(|(media, label)| (model.say(label), model.media == media, media.word(), Own::Media(media)));
    choices(model, texts::MEDIA, Some(texts::MEDIA_WHY), "data-choice", answers.collect())
}

/// For whom replies are that other programs write; none where the node does not say.
fn replies(model: &Model) -> Option<Html> {
    let asked =
        model.connection.permissions.iter().find(|permission| permission.sort == Permission::REPLIES)?;
    let answer = |label, public, word| {
        (model.say(label), asked.granted == Some(public), word, Own::Permit(asked.clone(), Some(public)))
    };
    let answers = vec![
        answer(texts::REPLIES_PRIVATE, false, "replies-private"),
        answer(texts::EVERYONE, true, "replies-everyone"),
    ];
    Some(choices(model, texts::REPLIES, Some(texts::REPLIES_WHY), "data-choice", answers))
}

fn pace(model: &Model) -> Html {
    let answers = Pace::ALL.into_iter().zip([texts::PACE_QUICK, texts::PACE_SAVER]);
    let answers =
        answers.map(|(pace, label)| (model.say(label), model.pace == pace, pace.word(), Own::Pace(pace)));
    choices(model, texts::PACE, Some(texts::PACE_WHY), "data-choice", answers.collect())
}

fn export(model: &Model) -> Html {
    let why = if model.connection.is_logged_in() { texts::EXPORT_WHY } else { texts::EXPORT_AWAY };
    let save = button("plain", model.say(texts::EXPORT_SAVE), Message::Own(Own::Export)).test_id("export");
    let progress = model.exporting.map(|progress| texts::export_goes_on(model.language(), progress.events));
    let row = element("div").class("row").child(save.with_if(progress.is_some(), "disabled"));
    element("div")
        .class("card")
        .child(element("h3").text(model.say(texts::EXPORT)))
        .child(paragraph("muted", model.say(why)))
        .child(row.child_if(progress.map(|progress| element("span").class("muted").text(progress))))
}

fn language(model: &Model) -> Html {
    let choice = |language: Option<Language>| {
        let choice = element("button")
            .class("choice")
            .with("type", "button")
            .with("role", "radio")
            .with("aria-checked", if model.chosen_language == language { "true" } else { "false" })
            .with("tabindex", if model.chosen_language == language { "0" } else { "-1" })
            .with("data-language", language.map_or("auto", Language::tag))
            .on(On::Click(Message::Own(Own::Language(language))));
        match language {
            Some(language) => choice.with("lang", language.tag()).text(language.name()),
            None => choice.text(model.say(texts::LANGUAGE_AUTO)),
        }
    };
    let choices = [None].into_iter().chain(Language::ALL.map(Some)).map(choice);
    element("div").class("card").child(element("h3").text(model.say(texts::LANGUAGE))).child(
        element("div")
            .class("choices")
            .with("role", "radiogroup")
            .with("aria-label", model.say(texts::LANGUAGE))
            .children(choices),
    )
}

fn theme(model: &Model) -> Html {
    let answers = Theme::ALL.into_iter().zip(texts::THEMES);
    let answers = answers
        .map(|(theme, label)| (model.say(label), model.theme == theme, theme.word(), Own::Theme(theme)));
    choices(model, texts::THEME, None, "data-theme-choice", answers.collect())
}

fn node(model: &Model) -> Html {
    let address = model.connection.node.as_ref().map_or("", |node| node.authority());
    element("div")
        .class("card")
        .child(element("h3").text(model.say(texts::NODE_SETTING)))
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
    let offset = model.environment.zone;
    let version = |(index, (unsigned, count)): (usize, (&UnsignedEvent, usize))| {
        let words = format!(
            "{} · {}",
            when::exact(unsigned.created_at, offset, model.language()),
            texts::follows_people(model.language(), count)
        );
        let restore = button("link", model.say(texts::LIST_RESTORE), Relation::Restore(unsigned.id()));
        let present = element("span").class("muted").text(model.say(texts::LIST_PRESENT));
        element("li")
            .class("version")
            .key(unsigned.id().to_string())
            .child(element("span").text(words))
            .child(if index == 0 { present } else { restore })
    };
    let versions: Vec<Html> = model.lists.versions().enumerate().take(MAX_VERSIONS).map(version).collect();
    (versions.len() > 1).then(|| {
        element("div")
            .class("card")
            .child(element("h3").text(model.say(texts::LIST_TITLE)))
            .child(paragraph("muted", model.say(texts::LIST_WHY)))
            .child(element("ul").class("versions").children(versions))
    })
}

fn forget(model: &Model) -> Html {
    let card = element("div")
        .class("card")
        .child(element("h3").text(model.say(texts::FORGET)))
        .child(paragraph("muted", model.say(texts::FORGET_WHY)));
    if !model.forget_asked {
        return card.child(
            element("div").class("row").child(
                button("danger", model.say(texts::FORGET), Message::Own(Own::ForgetAsked))
                    .key("ask")
                    .test_id("forget"),
            ),
        );
    }
    card.child(paragraph("strong", model.say(texts::FORGET_ASK)))
        .child_if((!model.backed_up).then(|| error(model.say(texts::FORGET_UNSAVED))))
        .child(
            element("div")
                .class("row")
                .child(
                    button("danger", model.say(texts::FORGET_YES), Message::Own(Own::ForgetConfirmed))
                        .key("yes")
                        .test_id("forget-yes"),
                )
                .child(button("quiet", model.say(texts::CANCEL), Message::Own(Own::ForgetCancelled))),
        )
}

fn install(model: &Model) -> Option<Html> {
    let button = || button("plain", model.say(texts::INSTALL), Message::Own(Own::Install)).test_id("install");
    model.environment.installable.then(|| {
        element("div")
            .class("card")
            .key("install")
            .child(element("h3").text(model.say(texts::INSTALL)))
            .child(paragraph("muted", model.say(texts::INSTALL_WHY)))
            .child(element("div").class("row").child(button()))
    })
}

fn about(model: &Model) -> Html {
    element("div")
        .class("card")
        .child(element("h3").text(model.say(texts::ABOUT_PAGE)))
        .child(element("div").class("row").child(
            button("plain", model.say(texts::KEYBOARD), Message::Own(Own::Help(true))).test_id("help-open"),
        ))
        .child(paragraph(
            "muted",
            format!("{} · {}", model.say(texts::APP), texts::version(model.language())),
        ))
}
