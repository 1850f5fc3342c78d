//! Whether a node holds the key that its peer id names (ed25519).
//!
//! The browser checks the signature where it can: a page that came plainly from another device has no `crypto.subtle`,
//! and older browsers have no Ed25519. There the second module does.

use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use nostrp2p_protocol::{PeerId, signing_input};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::CryptoKey;

use super::{App, ciphers};
use crate::vault;

/// The name of the algorithm in the Web Cryptography API.
const ED25519: &str = "Ed25519";

/// Whether the node of this peer id signed the message.
///
/// # Errors
/// When neither the browser nor the second module can tell.
pub(super) async fn signed(
    app: &Rc<App>,
    peer: &PeerId,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<bool, JsValue> {
    let (key, message) = (peer.as_ed25519(), signing_input(message));
    if let Ok(signed) = by_browser(key, &message, signature).await {
        return Ok(signed);
    }
    let ciphers = ciphers::loaded(app.ciphers()?).await?;
    Ok(ciphers.verify_node(key, &message, signature))
}

async fn by_browser(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<bool, JsValue> {
    let subtle = vault::subtle().ok_or(JsValue::NULL)?;
    let bytes = |bytes: &[u8]| Uint8Array::from(bytes);
    let usages = Array::of1(&"verify".into());
    let key = subtle.import_key_with_str("raw", &bytes(key), ED25519, false, &usages)?;
    let key: CryptoKey = JsFuture::from(key).await?.dyn_into()?;
    let signed = subtle.verify_with_str_and_buffer_source_and_buffer_source(
        ED25519,
        &key,
        &bytes(signature),
        &bytes(message),
    )?;
    Ok(JsFuture::from(signed).await?.is_truthy())
}
