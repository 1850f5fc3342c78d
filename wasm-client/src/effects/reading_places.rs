//! The reading position on each screen, kept for each entry of the browser's history, also over a reload, so that
//! going back returns to it. It is in the tab's session storage, as are unsent inputs, and ends with the tab.

use std::cell::{Cell, RefCell};

use wasm_bindgen::JsValue;
use web_sys::{ScrollRestoration, Storage, Window};

use super::page::{self, ReadingPlace};

/// How long a place is looked for after a screen was opened, in milliseconds: what it shows comes from the node.
const SEARCH_MS: f64 = 4_000.0;
/// Under what name the tab keeps what was typed.
const TYPED: &str = "typed";

/// Reading positions.
#[derive(Default)]
pub(super) struct Places {
    /// The entry of the history that is shown.
    entry: Cell<u32>,
    /// The position to restore as soon as it is drawn, and the time until which to try.
    wanted: RefCell<Option<(ReadingPlace, f64)>>,
}

impl Places {
    /// The page was opened: where it was left, if it was loaded anew.
    pub(super) fn begin(&self, window: &Window) {
        if let Ok(history) = window.history() {
            drop(history.set_scroll_restoration(ScrollRestoration::Manual));
        }
        self.enter(window);
    }

    /// Remembers the place on this screen.
    pub(super) fn keep(&self, window: &Window) {
        if let (Some(storage), Some(place)) = (storage(window), page::reading_place(window)) {
            drop(storage.set_item(&name(self.entry.get()), &place.to_text()));
        }
    }

    /// Another entry of the history is shown from now on.
    pub(super) fn change(&self, window: &Window) {
        self.keep(window);
        self.enter(window);
    }

    fn enter(&self, window: &Window) {
        let state =
            window.history().and_then(|history| history.state()).ok().and_then(|state| state.as_f64());
        self.wanted.replace(None);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        if let Some(entry) = state {
            self.entry.set(entry as u32);
            let kept =
                storage(window).and_then(|storage| storage.get_item(&name(entry as u32)).ok().flatten());
            let until = js_sys::Date::now() + SEARCH_MS;
            self.wanted.replace(kept.and_then(|kept| Some((ReadingPlace::parse(&kept)?, until))));
        } else {
            let entry = (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
            self.entry.set(entry);
            if let Ok(history) = window.history() {
                drop(history.replace_state_with_url(&JsValue::from(entry), "", None));
            }
        }
    }

    /// The new screen is drawn: to the place on it, or to its beginning and heading.
    pub(super) fn arrive(&self, window: &Window) {
        if self.wanted.borrow().is_none() {
            window.scroll_to_with_x_and_y(0.0, 0.0);
        }
        page::focus_heading(window);
    }

    /// Something was drawn: restores the wanted position, if its post is there by now.
    pub(super) fn look(&self, window: &Window) {
        let wanted = self.wanted.take();
        if let Some((place, until)) = wanted
            && !page::find_place(window, &place)
            && js_sys::Date::now() < until
        {
            self.wanted.replace(Some((place, until)));
        }
    }

    /// The person scrolls: no position is restored any more.
    pub(super) fn let_go(&self) {
        self.wanted.replace(None);
    }
}

/// Keeps what was typed with the tab.
pub(super) fn keep_typed(window: &Window, typed: &str) {
    if let Some(storage) = storage(window) {
        drop(storage.set_item(TYPED, typed));
    }
}

/// Unsent inputs that this tab has kept.
pub(super) fn typed(window: &Window) -> String {
    storage(window).and_then(|storage| storage.get_item(TYPED).ok().flatten()).unwrap_or_default()
}

fn storage(window: &Window) -> Option<Storage> {
    window.session_storage().ok().flatten()
}

fn name(entry: u32) -> String {
    format!("place {entry}")
}
