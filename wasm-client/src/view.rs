//! Draws the model. Pure: no browser, no clock, no state of its own.

pub mod avatar;
pub mod compose;
pub mod find;
pub mod frame;
pub mod help;
pub mod home;
pub mod icons;
pub mod keyring;
pub mod me;
pub mod media;
pub mod menu;
pub mod muted;
pub mod network;
pub mod notifications;
pub mod offer;
pub mod own_names;
pub mod own_nodes;
pub mod permissions;
pub mod person;
pub mod poll;
pub mod post;
pub mod quote;
pub mod relays;
pub mod settings;
pub mod thread;
pub mod welcome;

#[cfg(test)]
mod tests;

use crate::{
    letters,
    message::Message,
    model::{Model, Onboarding, PersonStage},
    route::Route,
    texts,
    title::title,
    vdom::{Element, On, Text, VNode, element},
};

/// An element of this page.
pub type Html = Element<Message>;

/// Draws the page, and remembers the posts it drew: of a long page only what changed is drawn again.
/// What it draws depends on the model alone.
#[derive(Debug, Default)]
pub struct View {
    posts: post::Drawn,
}

impl View {
    /// The whole page.
    pub fn draw(&mut self, model: &Model) -> Html {
        let page = match &model.stage {
            PersonStage::Opening => element("div").class("app"),
            PersonStage::Welcome(welcome) => welcome_screen(model, welcome),
            PersonStage::Using => frame::view(model, screen(model, &mut self.posts)),
        };
        let sheet = keyring::sheet(model).or_else(|| offer::sheet(model)).or_else(|| help::sheet(model));
        // What lies under the sheet can neither be pressed nor read meanwhile.
        let page = page.key("page").with_if(sheet.is_some(), "inert");
        element("div").child(page).child_if(sheet)
    }
}

/// The whole page, drawn from nothing.
pub fn view(model: &Model) -> Html {
    View::default().draw(model)
}

fn welcome_screen(model: &Model, welcome: &Onboarding) -> Html {
    element("div")
        .class("app app-welcome")
        .child_if(frame::storage_trouble(model))
        .child(welcome::view(model, welcome))
        .child_if(frame::notice(model))
}

/// The title of the window: the screen, and before it how much is unread.
pub fn window_title(model: &Model) -> String {
    let app = model.say(texts::APP);
    if !matches!(model.stage, PersonStage::Using) {
        return app.to_owned();
    }
    let unread = notifications::unread_text(model).map(|unread| format!("({unread}) ")).unwrap_or_default();
    format!("{unread}{} · {app}", title(model))
}

fn screen(model: &Model, posts: &mut post::Drawn) -> Html {
    match model.route {
        Route::Home => home::view(model, posts),
        Route::Write => compose::screen(model),
        Route::Find => find::view(model, posts),
        Route::Notifications => notifications::view(model),
        Route::Network => network::view(model),
        Route::Me => me::view(model, posts),
        Route::Settings => settings::view(model),
        Route::Person(person) => person::view(model, person, posts),
        Route::Thread(id, _) => thread::view(model, id, posts),
    }
}

/// The words of a sentence in this element, each name in it by itself (`bdi`): see [`Model::name_in_sentence`].
fn sentence(tag: &'static str, words: &str) -> Html {
    let node = |(part, is_name): (&str, bool)| -> VNode<Message> {
        let part = part.to_owned();
        if is_name { element("bdi").text(part).into() } else { VNode::Text(part.into()) }
    };
    element(tag).children(letters::parts(words).map(node))
}

/// A button of this look (`primary`, `plain`, `quiet`, `danger`).
fn button(look: &'static str, label: impl Into<Text>, message: impl Into<Message>) -> Html {
    element("button")
        .class(format!("button button-{look}"))
        .with("type", "button")
        .on(On::Click(message.into()))
        .text(label)
}

/// The button that sends the form around it.
fn submit(label: impl Into<Text>) -> Html {
    element("button").class("button button-primary").with("type", "submit").text(label)
}

fn paragraph(class: &'static str, text: impl Into<Text>) -> Html {
    element("p").class(class).text(text)
}

/// A sentence about what went wrong, read out at once.
fn error(text: impl Into<Text>) -> Html {
    element("p").class("error").with("role", "alert").test_id("error").text(text)
}

/// A field of one line for at most so many characters, of which the label stands in it.
fn text_field(
    model: &Model,
    id: &'static str,
    label: texts::Words,
    max: usize,
    value: &str,
    typed: fn(String) -> Message,
) -> Html {
    element("input")
        .with("id", id)
        .with("type", "text")
        .with("dir", "auto")
        .with("maxlength", max.to_string())
        .with("autocomplete", "off")
        .with("aria-label", model.say(label))
        .with("placeholder", model.say(label))
        .test_id(id)
        .with("value", value.to_owned())
        .on(On::Input(typed))
}

/// A labelled field.
pub fn labelled(label: &'static str, id: &'static str) -> Html {
    element("div").class("field").child(element("label").with("for", id).text(label))
}
