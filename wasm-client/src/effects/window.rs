//! Clipboard, files, history, theme, and the service worker.

use std::rc::Rc;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, CustomEvent, HtmlAnchorElement, Url, Window};

use super::App;
use crate::{
    locale::Language,
    message::{BrowserNews, Message},
    model::Theme,
    secret::Secret,
    texts,
    vdom::Text,
};

/// `boot.js` listens for this and lets the new version take over.
pub(super) const APPLY_UPDATE: &str = "nostrp2p:apply-update";
/// And for this, to have the browser ask.
pub(super) const INSTALL: &str = "nostrp2p:install";

impl App {
    pub(super) fn copy(self: &Rc<Self>, text: Secret) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let done = copied(&app.window, text.reveal()).await;
            app.dispatch(Message::Browser(BrowserNews::Copied(done)));
        });
    }

    /// Changes the address without an entry in the history. The browser reports no such change, so this does.
    pub(super) fn replace_fragment(self: &Rc<Self>, fragment: Text) {
        if let Ok(history) = self.window.history() {
            // The entry keeps its place where the screen stays, as when a link's wish leaves the address.
            let stays = self.model.borrow().route.fragment() == fragment;
            let state = if stays { history.state().unwrap_or(JsValue::NULL) } else { JsValue::NULL };
            drop(history.replace_state_with_url(&state, "", Some(&fragment)));
        }
        let app = Rc::clone(self);
        spawn_local(
            async move { app.dispatch(Message::Browser(BrowserNews::Fragment(fragment.into_owned()))) },
        );
    }
}

async fn copied(window: &Window, text: &str) -> bool {
    let navigator = window.navigator();
    // Without a secure context there is no clipboard, whatever the type says.
    if !has(&navigator, "clipboard") {
        return false;
    }
    JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok()
}

/// A text as the content of a file.
pub(super) fn blob(text: &str) -> Result<Blob, JsValue> {
    Blob::new_with_str_sequence(&Array::of1(&JsValue::from_str(text)))
}

/// Offers a text as a file to save.
pub(super) fn download_text(window: &Window, name: &str, text: &str) {
    if let Ok(file) = blob(text) {
        download(window, name, &file);
    }
}

/// Offers a file to save.
pub(super) fn download(window: &Window, name: &str, file: &Blob) {
    let Ok(url) = Url::create_object_url_with_blob(file) else { return };
    let anchor = window.document().and_then(|document| document.create_element("a").ok());
    if let Some(anchor) = anchor.and_then(|anchor| anchor.dyn_into::<HtmlAnchorElement>().ok()) {
        anchor.set_href(&url);
        anchor.set_download(name);
        anchor.click();
    }
    drop(Url::revoke_object_url(&url));
}

/// Puts the colours on, and notes them where `boot.js` finds them before the next start.
pub(super) fn put_theme(window: &Window, theme: Theme) {
    if let Some(root) = window.document().and_then(|document| document.document_element()) {
        drop(root.set_attribute("data-theme", theme.word()));
    }
    if let Ok(Some(storage)) = window.local_storage() {
        drop(storage.set_item("theme", theme.word()));
    }
}

impl App {
    /// Says in which language the page is: readers of screens, hyphenation and fonts go by it. Its texts are loaded
    /// before, if they are not there; and `boot.js` finds it noted, to load them at once the next time.
    pub(super) fn put_language(self: &Rc<Self>, language: Language) {
        if let Ok(Some(storage)) = self.window.local_storage() {
            drop(storage.set_item("language", language.tag()));
        }
        if texts::is_loaded(language) {
            if let Some(root) = self.window.document().and_then(|document| document.document_element()) {
                drop(root.set_attribute("lang", language.tag()));
            }
            return;
        }
        let app = Rc::clone(self);
        spawn_local(async move {
            let learned = learn_japanese(&app.japanese).await.is_ok();
            app.dispatch(Message::Browser(BrowserNews::Language(learned)));
        });
    }
}

/// Loads the Japanese texts: `load` gives a promise of them.
pub(super) async fn learn_japanese(load: &Function) -> Result<(), JsValue> {
    let promise: Promise = load.call0(&JsValue::NULL)?.dyn_into()?;
    let list: Array = JsFuture::from(promise).await?.dyn_into()?;
    let whole = texts::learn_japanese(list.iter().filter_map(|text| text.as_string()).collect());
    if whole { Ok(()) } else { Err("the Japanese texts are those of another version".into()) }
}

/// Names the page in the list of tabs and windows.
pub(super) fn put_title(window: &Window, title: &str) {
    if let Some(document) = window.document()
        && document.title() != title
    {
        document.set_title(title);
    }
}

/// Goes to another screen.
pub(super) fn go(window: &Window, fragment: &str) {
    drop(window.location().set_hash(fragment));
}

/// One entry of the history back.
pub(super) fn go_back(window: &Window) {
    if let Ok(history) = window.history() {
        drop(history.back());
    }
}

/// Asks the browser not to evict what is stored. It may say no; then a week without a visit may cost the cache.
pub(super) fn persist(window: &Window) {
    let navigator = window.navigator();
    if has(&navigator, "storage")
        && let Ok(promise) = navigator.storage().persist()
    {
        spawn_local(async move { drop(JsFuture::from(promise).await) });
    }
}

/// Tells `boot.js` to do this.
pub(super) fn tell(window: &Window, what: &str) {
    if let Ok(event) = CustomEvent::new(what) {
        drop(window.dispatch_event(&event));
    }
}

fn has(object: &JsValue, name: &str) -> bool {
    Reflect::get(object, &name.into()).is_ok_and(|value| !value.is_undefined())
}
