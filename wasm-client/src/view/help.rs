//! The help sheet: what each key does.

use super::{Html, button};
use crate::{
    message::Own,
    model::Model,
    texts::{self, Words},
    update::own::HELP_CLOSE_ID,
    vdom::element,
};

/// The keys and what they do.
const KEYS: [(&str, Words); 9] = [
    ("n", texts::KEY_NEW),
    ("j", texts::KEY_NEXT),
    ("k", texts::KEY_PREVIOUS),
    ("Enter", texts::KEY_OPEN),
    ("r", texts::KEY_REPLY),
    ("l", texts::KEY_LIKE),
    ("/", texts::KEY_FIND),
    ("Esc", texts::KEY_CLOSE),
    ("?", texts::KEY_HELP),
];

/// The sheet, while it is open.
pub fn sheet(model: &Model) -> Option<Html> {
    let row = |key: String, words: Words| {
        element("div")
            .class("help-row")
            .child(element("dt").child(element("kbd").text(key)))
            .child(element("dd").text(model.say(words)))
    };
    let send = row(texts::send_hint(model.language(), model.environment.apple).to_owned(), texts::KEY_SEND);
    let rows = KEYS.into_iter().map(|(key, words)| row(key.to_owned(), words)).chain([send]);
    model.help.then(|| {
        let card = element("div")
            .class("card sheet-card")
            .with("role", "dialog")
            .with("aria-modal", "true")
            .with("aria-labelledby", "help-title")
            .test_id("help")
            .child(
                element("h2").class("sheet-title").with("id", "help-title").text(model.say(texts::KEYBOARD)),
            )
            .child(element("dl").class("help").children(rows))
            .child(
                button("plain", model.say(texts::CLOSE), Own::Help(false))
                    .with("id", HELP_CLOSE_ID)
                    .test_id(HELP_CLOSE_ID),
            );
        element("div").class("sheet").key("help").child(card)
    })
}
