//! Whether a node holds the key of its peer id, for browsers that cannot check a signature of ed25519 themselves.

use ed25519_dalek::{Signature, VerifyingKey};
use wasm_bindgen::prelude::wasm_bindgen;

/// Whether the holder of this ed25519 key signed the message. False for what is no key or no signature.
#[wasm_bindgen]
pub fn verify_node(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = key.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    let signature = Signature::from_slice(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok())
}
