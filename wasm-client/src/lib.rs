//! The browser client of nostrp2p: a person's key, posts and settings in the browser, and one WebSocket to that
//! person's own node.
//!
//! How state flows: each thing that happens is a [`message`]; [`update`] changes the [`model`] and returns
//! [`effect`]s; `effects` carries those out; and [`view`] draws the model as a value ([`vdom`]) that `dom` puts on
//! the page. Everything that is linked here can be tested without a browser; only `effects`, `dom`, `vault` and
//! `storage::indexed` touch one, and exist for wasm32 alone.

pub mod address;
#[cfg(target_arch = "wasm32")]
pub mod dom;
pub mod effect;
#[cfg(target_arch = "wasm32")]
pub mod effects;
pub mod export;
pub mod json;
pub mod letters;
pub mod locale;
pub mod markdown;
pub mod message;
pub mod model;
pub mod nip05;
pub mod pictures;
pub mod profile;
pub mod question;
pub mod richtext;
pub mod route;
pub mod secret;
pub mod sorted_map;
pub mod storage;
pub mod tabs;
pub mod texts;
pub mod title;
pub mod update;
#[cfg(target_arch = "wasm32")]
pub mod vault;
pub mod vdom;
pub mod view;
pub mod when;

/// Starts the page. The page calls it once, after the module is loaded. `ciphers` gives a promise of the second module
/// (`wasm-ciphers`), each time that of the same one, and `japanese` one of the Japanese texts.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn run(ciphers: js_sys::Function, japanese: js_sys::Function) -> Result<(), wasm_bindgen::JsValue> {
    std::panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&info.to_string().into());
        effects::show_crash();
    }));
    let app = effects::start(ciphers, japanese).await?;
    // The page runs until it is closed.
    std::mem::forget(app);
    Ok(())
}
