//! The title of each screen.

use crate::{model::Model, route::Route, texts, vdom::Text};

/// The title of the screen, for the top bar and the window.
pub fn title(model: &Model) -> Text {
    match model.route {
        Route::Home => model.say(texts::HOME).into(),
        Route::Write => model.say(texts::WRITE).into(),
        Route::Find => model.say(texts::FIND).into(),
        Route::Notifications => model.say(texts::NOTIFICATIONS).into(),
        Route::Network => model.say(texts::NETWORK).into(),
        Route::Me => model.say(texts::ME).into(),
        Route::Settings => model.say(texts::SETTINGS).into(),
        Route::Person(person) => model.name_in_sentence(&person).into(),
        Route::Thread(..) => model.say(texts::THREAD).into(),
    }
}
