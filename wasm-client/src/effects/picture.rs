//! Fetches from the web: names at a domain (NIP-05), and pictures. Pictures are loaded as files: the page's
//! content-security-policy allows none by address, so the page sends nothing to a stranger's address before the
//! person wants to see the picture.
//!
//! Only files that their server gives to any page (CORS) can be loaded so; for the others the page says that it could
//! not.

use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, RequestCredentials, RequestInit, RequestRedirect, Response, Url, Window};

use super::App;
use crate::{
    message::{BrowserNews, Message},
    nip05::{DomainName, MAX_ANSWER_BYTES},
};

/// Largest picture that is shown, in bytes.
const MAX_BYTES: f64 = 5_000_000.0;

impl App {
    pub(super) fn load_picture(self: &Rc<Self>, address: String) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let own = load(&app.window, &address).await.ok();
            app.dispatch(Message::Browser(BrowserNews::Picture(address, own)));
        });
    }

    pub(super) fn look_up(self: &Rc<Self>, name: DomainName) {
        let app = Rc::clone(self);
        spawn_local(async move {
            let mut answer = None;
            for address in name.addresses() {
                let said = read(&app.window, &address).await.ok();
                let names = said.as_ref().is_some_and(|said| name.person(said).is_some());
                // What the domain said to the name as it is written stands, unless the other spelling names somebody.
                answer = if names || answer.is_none() { said } else { answer };
                if names {
                    break;
                }
            }
            app.dispatch(Message::Browser(BrowserNews::Named(name, answer)));
        });
    }
}

/// Reads a short text. NIP-05: whoever asks must not follow a redirect.
async fn read(window: &Window, address: &str) -> Result<String, JsValue> {
    let init = RequestInit::new();
    init.set_credentials(RequestCredentials::Omit);
    init.set_redirect(RequestRedirect::Error);
    let response: Response =
        JsFuture::from(window.fetch_with_str_and_init(address, &init)).await?.dyn_into()?;
    let blob: Blob = JsFuture::from(response.blob()?).await?.dyn_into()?;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let most = MAX_ANSWER_BYTES as f64;
    if !response.ok() || blob.size() > most {
        return Err(JsValue::NULL);
    }
    JsFuture::from(blob.text()).await?.as_string().ok_or(JsValue::NULL)
}

async fn load(window: &Window, address: &str) -> Result<String, JsValue> {
    let init = RequestInit::new();
    init.set_credentials(RequestCredentials::Omit);
    let response: Response =
        JsFuture::from(window.fetch_with_str_and_init(address, &init)).await?.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::NULL);
    }
    let blob: Blob = JsFuture::from(response.blob()?).await?.dyn_into()?;
    if blob.size() > MAX_BYTES || !blob.type_().starts_with("image/") {
        return Err(JsValue::NULL);
    }
    Url::create_object_url_with_blob(&blob)
}
