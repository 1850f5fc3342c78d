//! Loads the second module of the client (`wasm-ciphers`) on first use.

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use super::App;

#[wasm_bindgen]
extern "C" {
    /// The module's exports.
    pub(super) type Ciphers;

    /// See `wasm-ciphers/src/channel.rs`, and there the rest of this block.
    #[wasm_bindgen(method, catch)]
    pub(super) fn begin_home_channel(
        this: &Ciphers,
        peer: &str,
        key: &str,
        random: &[u8],
        max: usize,
    ) -> Result<HomeChannel, JsValue>;

    /// See `wasm-ciphers/src/node_key.rs`.
    #[wasm_bindgen(method)]
    pub(super) fn verify_node(this: &Ciphers, key: &[u8], message: &[u8], signature: &[u8]) -> bool;

    /// See `wasm-ciphers/src/private_text.rs`.
    #[wasm_bindgen(method, catch)]
    pub(super) fn seal_for_oneself(
        this: &Ciphers,
        key: &[u8],
        text: &str,
        nonce: &[u8],
    ) -> Result<String, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn open_for_oneself(this: &Ciphers, key: &[u8], sealed: &str) -> Result<String, JsValue>;

    pub(super) type HomeChannel;

    #[wasm_bindgen(method)]
    pub(super) fn greeting(this: &HomeChannel) -> Vec<u8>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn finish(this: &HomeChannel, answer: &[u8]) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn open(this: &HomeChannel, piece: &[u8]) -> Result<Option<Vec<u8>>, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(super) fn seal(this: &HomeChannel, message: &[u8]) -> Result<Array, JsValue>;
}

impl App {
    /// Begins to load the module, if nobody has yet.
    pub(super) fn ciphers(&self) -> Result<Promise, JsValue> {
        self.ciphers.call0(&JsValue::NULL)?.dyn_into()
    }
}

/// Waits until it is there.
pub(super) async fn loaded(promise: Promise) -> Result<Ciphers, JsValue> {
    JsFuture::from(promise).await.map(JsCast::unchecked_into)
}
