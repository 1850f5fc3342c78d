//! Proof of work (NIP-13), for the worker `www/worker.js`: it takes seconds.

use nostrp2p_protocol::work;
use wasm_bindgen::prelude::wasm_bindgen;

/// Looks for the nonce with which the id of an event begins with so many zero bits; `before` and `after` are its
/// canonical serialisation around the nonce. 20 bits take a million attempts on average, and it tries until it is ended.
#[wasm_bindgen]
pub fn find_nonce(bits: u8, before: &str, after: &str) -> String {
    work::find_nonce(bits, before, after)
}
