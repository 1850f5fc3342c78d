//! Keys under a passphrase (NIP-49), for the worker `www/worker.js`: scrypt takes a second and much memory on purpose,
//! so it runs beside the page, which does not freeze, and the memory goes with the worker.

use nostrp2p_protocol::{
    SecretKey,
    nip49::{self, LOG_N},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

/// The word for a text or a key that does not read ([`nip49::InvalidNip49::word`]).
const BROKEN: &str = "broken";

/// Puts an nsec under a passphrase in NFKC. `random` are 40 fresh random bytes.
///
/// # Errors
/// A word of [`nip49::InvalidNip49::word`].
#[wasm_bindgen]
pub fn seal_key(nsec: &str, passphrase: &str, random: &[u8]) -> Result<String, JsValue> {
    let broken = || JsValue::from_str(BROKEN);
    let key = SecretKey::from_nsec(nsec).map_err(|_| broken())?;
    let (salt, rest) = random.split_first_chunk::<16>().ok_or_else(broken)?;
    let nonce = rest.first_chunk::<24>().ok_or_else(broken)?;
    nip49::seal(&key, passphrase, LOG_N, salt, nonce).map_err(|error| word(&error))
}

/// Takes a key out from under a passphrase in NFKC, as nsec.
///
/// # Errors
/// A word of [`nip49::InvalidNip49::word`].
#[wasm_bindgen]
pub fn open_key(ncryptsec: &str, passphrase: &str) -> Result<String, JsValue> {
    let key = nip49::open(ncryptsec, passphrase).map_err(|error| word(&error))?;
    Ok(std::mem::take(&mut *key.to_nsec()))
}

fn word(error: &nip49::InvalidNip49) -> JsValue {
    JsValue::from_str(error.word())
}
