//! What a list keeps for its author alone (NIP-51): encrypted from the author to the author (NIP-44).

use nostrp2p_protocol::{
    SecretKey,
    nip44::{ConversationKey, InvalidNip44},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

/// Encrypts a text for the holder of this secret key of 32 bytes. `nonce` are 32 fresh random bytes.
///
/// # Errors
/// In words, when key or nonce are none, or the text is empty or longer than 65,535 bytes.
#[wasm_bindgen]
pub fn seal_for_oneself(key: &[u8], text: &str, nonce: &[u8]) -> Result<String, JsValue> {
    let nonce = nonce.try_into().map_err(|_| JsValue::from_str("not 32 random bytes"))?;
    conversation(key)?.seal(text, &nonce).map_err(words)
}

/// Decrypts what [`seal_for_oneself`] made, here or in any program.
///
/// # Errors
/// In words, when it is of another version, damaged, or for another key.
#[wasm_bindgen]
pub fn open_for_oneself(key: &[u8], sealed: &str) -> Result<String, JsValue> {
    let mut text = conversation(key)?.open(sealed).map_err(words)?;
    Ok(std::mem::take(&mut *text))
}

fn conversation(key: &[u8]) -> Result<ConversationKey, JsValue> {
    let key = key.try_into().ok().and_then(|key| SecretKey::from_bytes(key).ok());
    let key = key.ok_or_else(|| words(InvalidNip44::Key))?;
    ConversationKey::new(&key, &key.public_key()).map_err(words)
}

fn words(error: InvalidNip44) -> JsValue {
    JsValue::from_str(&error.to_string())
}
