//! The second module of the browser client: ciphers that most people do not need when they open the page.
//!
//! It is published as `ciphers.js` and `ciphers.wasm`, loaded when somebody needs it, and counts nothing in the first
//! load; the service worker keeps it with the rest, so it is there offline. It holds no state of the page and decides
//! nothing: bytes and words go in and out. What it shares with the first module (the curve of the keys, hashes) is
//! compiled into both.

#[cfg(target_arch = "wasm32")]
pub mod channel;
#[cfg(target_arch = "wasm32")]
pub mod node_key;
#[cfg(target_arch = "wasm32")]
pub mod passphrase;
#[cfg(target_arch = "wasm32")]
pub mod private_text;
#[cfg(target_arch = "wasm32")]
pub mod work;
