//! The stored secret key: encrypted with AES-GCM under a WebCrypto key that scripts cannot export.
//!
//! Both are in IndexedDB. That keeps the secret key out of backups, logs and storage inspectors, and out of reach of
//! code that can read the storage but not run here. It does not protect against somebody who uses the unlocked
//! device; a passphrase does. The key is decrypted for each signature and wiped after it. Without a secure context
//! the browser offers no WebCrypto; then the key lives until the page is closed.
//!
//! Under a passphrase (NIP-49) the key is stored as in a backup, in any context; once unlocked it stays in memory
//! until it is locked again. Of a key in an extension (NIP-07) the vault stores only the public key.

use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Object, Reflect, Uint8Array};
use nostrp2p_protocol::{PublicKey, SecretKey};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AesGcmParams, AesKeyGenParams, Crypto, CryptoKey, SubtleCrypto};
use zeroize::Zeroize;

use crate::{
    model::signing::Signer,
    secret::Secret,
    storage::{SILENT, indexed::IndexedStorage},
};

/// Length of the nonce in bytes: what AES-GCM is defined for (NIST SP 800-38D).
const NONCE_BYTES: usize = 12;

/// Why the vault did not open or close, in one clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The vault is empty.
    #[error("there is no key on this device")]
    Empty,
    /// Its content is damaged, or belongs to another person.
    #[error("the stored key is damaged; import it again")]
    Damaged,
    /// The key is under a passphrase that has not been given.
    #[error("the key is locked")]
    Locked,
    /// The browser failed.
    #[error("the browser said: {0}")]
    Browser(String),
}

impl VaultError {
    /// Whether the storage of the browser gave no answer.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Browser(why) if why == SILENT)
    }
}

/// The place of the key.
#[derive(Debug, Clone)]
pub struct Vault {
    place: TimelineKey,
    open: Rc<RefCell<Option<Content>>>,
}

#[derive(Debug, Clone)]
enum TimelineKey {
    /// In IndexedDB, encrypted.
    Kept { storage: IndexedStorage, crypto: SubtleCrypto },
    /// In memory, until the page is closed; under a passphrase in IndexedDB, if there is one.
    Session { storage: Option<IndexedStorage> },
}

#[derive(Debug, Clone)]
enum Content {
    Sealed(Sealed),
    Plain(SecretKey),
    /// Under a passphrase, and without one while it is unlocked.
    Guarded {
        pubkey: PublicKey,
        text: String,
        key: Option<SecretKey>,
    },
    /// In an extension of the browser.
    Elsewhere(PublicKey),
}

/// The encrypted key as it is stored.
#[derive(Debug, Clone)]
struct Sealed {
    wrapping: CryptoKey,
    nonce: Uint8Array,
    ciphertext: Uint8Array,
    pubkey: PublicKey,
}

impl Vault {
    /// A vault in the storage, or one that ends with the page where the browser has no WebCrypto.
    pub fn new(storage: Option<IndexedStorage>) -> Self {
        let place = match (storage, subtle()) {
            (Some(storage), Some(crypto)) => TimelineKey::Kept { storage, crypto },
            (storage, _) => TimelineKey::Session { storage },
        };
        Self { place, open: Rc::default() }
    }

    /// Whether keys survive the page.
    pub const fn keeps(&self) -> bool {
        matches!(self.place, TimelineKey::Kept { .. })
    }

    /// Whose key is in it, and who signs with it; none if it is empty.
    ///
    /// # Errors
    /// When the browser fails or the content does not read.
    pub async fn owner(&self) -> Result<Option<(PublicKey, Signer)>, VaultError> {
        let Some(storage) = self.storage() else { return Ok(self.present()) };
        let stored = storage.vault().await.map_err(|error| VaultError::Browser(error.0))?;
        if stored.is_undefined() {
            return Ok(self.present());
        }
        let content = Content::from_js(&stored).ok_or(VaultError::Damaged)?;
        self.open.replace(Some(content));
        Ok(self.present())
    }

    /// Puts a key in, in place of any other.
    ///
    /// # Errors
    /// When the browser fails; then the former content stays.
    pub async fn keep(&self, key: SecretKey) -> Result<PublicKey, VaultError> {
        let pubkey = key.public_key();
        let content = match &self.place {
            TimelineKey::Session { .. } => {
                self.store(JsValue::UNDEFINED).await?;
                Content::Plain(key)
            }
            TimelineKey::Kept { crypto, .. } => {
                let sealed = Sealed::seal(crypto, &key).await?;
                self.store(sealed.to_js()?).await?;
                Content::Sealed(sealed)
            }
        };
        self.open.replace(Some(content));
        Ok(pubkey)
    }

    /// Puts the key that is in it under a passphrase: `text` is that key as ncryptsec. It stays unlocked.
    ///
    /// # Errors
    /// When the key cannot be taken out or the browser fails; then the former content stays.
    pub async fn guard(&self, text: &Secret) -> Result<(), VaultError> {
        let key = self.key().await?;
        let (pubkey, text) = (key.public_key(), text.reveal().to_owned());
        self.store(object(&pubkey, &[(GUARDED, &JsValue::from_str(&text))])?).await?;
        self.open.replace(Some(Content::Guarded { pubkey, text, key: Some(key) }));
        Ok(())
    }

    /// The key under its passphrase; none if it is not under one.
    pub fn guarded(&self) -> Option<Secret> {
        match &*self.open.borrow() {
            Some(Content::Guarded { text, .. }) => Some(Secret::new(text.clone())),
            _ => None,
        }
    }

    /// Unlocks it with the key that its passphrase gave.
    ///
    /// # Errors
    /// When it is another key.
    pub fn unlock(&self, opened: SecretKey) -> Result<(), VaultError> {
        match &mut *self.open.borrow_mut() {
            Some(Content::Guarded { pubkey, key, .. }) if *pubkey == opened.public_key() => {
                *key = Some(opened);
                Ok(())
            }
            _ => Err(VaultError::Damaged),
        }
    }

    /// Locks it: the key is wiped from memory.
    pub fn lock(&self) {
        if let Some(Content::Guarded { key, .. }) = &mut *self.open.borrow_mut() {
            *key = None;
        }
    }

    /// Remembers whose key an extension holds, in place of any other content.
    ///
    /// # Errors
    /// When the browser fails; then the former content stays.
    pub async fn keep_elsewhere(&self, pubkey: PublicKey) -> Result<(), VaultError> {
        self.store(object(&pubkey, &[(ELSEWHERE, &JsValue::TRUE)])?).await?;
        self.open.replace(Some(Content::Elsewhere(pubkey)));
        Ok(())
    }

    /// Whose key an extension holds; none if the key is here.
    pub fn elsewhere(&self) -> Option<PublicKey> {
        match &*self.open.borrow() {
            Some(Content::Elsewhere(pubkey)) => Some(*pubkey),
            _ => None,
        }
    }

    /// Takes the key out for a moment. It wipes itself when it is dropped: do not hold it.
    ///
    /// # Errors
    /// When the vault is empty or locked, or the content cannot be decrypted.
    pub async fn key(&self) -> Result<SecretKey, VaultError> {
        let content = self.open.borrow().clone();
        match (content, &self.place) {
            (None | Some(Content::Elsewhere(_)), _) => Err(VaultError::Empty),
            (Some(Content::Plain(key)), _) => Ok(key),
            (Some(Content::Guarded { key, .. }), _) => key.ok_or(VaultError::Locked),
            (Some(Content::Sealed(sealed)), TimelineKey::Kept { crypto, .. }) => sealed.unseal(crypto).await,
            (Some(Content::Sealed(_)), TimelineKey::Session { .. }) => Err(VaultError::Damaged),
        }
    }

    /// Empties the vault.
    ///
    /// # Errors
    /// When the browser fails.
    pub async fn forget(&self) -> Result<(), VaultError> {
        self.open.replace(None);
        self.store(JsValue::UNDEFINED).await
    }

    /// Wipes what it holds from memory; what is stored stays.
    pub fn let_go(&self) {
        self.open.replace(None);
    }

    const fn storage(&self) -> Option<&IndexedStorage> {
        match &self.place {
            TimelineKey::Kept { storage, .. } | TimelineKey::Session { storage: Some(storage) } => {
                Some(storage)
            }
            TimelineKey::Session { storage: None } => None,
        }
    }

    /// Stores a value, where there is a place for it.
    async fn store(&self, value: JsValue) -> Result<(), VaultError> {
        match self.storage() {
            Some(storage) => storage.set_vault(value).await.map_err(|error| VaultError::Browser(error.0)),
            None => Ok(()),
        }
    }

    fn present(&self) -> Option<(PublicKey, Signer)> {
        Some(match self.open.borrow().as_ref()? {
            Content::Sealed(sealed) => (sealed.pubkey, Signer::Device),
            Content::Plain(key) => (key.public_key(), Signer::Device),
            Content::Guarded { pubkey, .. } => (*pubkey, Signer::Passphrase),
            Content::Elsewhere(pubkey) => (*pubkey, Signer::Extension),
        })
    }
}

/// The field of a key under a passphrase.
const GUARDED: &str = "ncryptsec";
/// The field that says that an extension holds the key.
const ELSEWHERE: &str = "extension";

impl Content {
    fn from_js(value: &JsValue) -> Option<Self> {
        let field = |name: &str| Reflect::get(value, &name.into()).ok().filter(|field| !field.is_undefined());
        let pubkey = field("pubkey")?.as_string()?.parse().ok()?;
        if let Some(text) = field(GUARDED) {
            return Some(Self::Guarded { pubkey, text: text.as_string()?, key: None });
        }
        if field(ELSEWHERE).is_some() {
            return Some(Self::Elsewhere(pubkey));
        }
        let (wrapping, nonce) = (field("wrapping")?.dyn_into().ok()?, field("nonce")?.dyn_into().ok()?);
        let ciphertext = field("ciphertext")?.dyn_into().ok()?;
        Some(Self::Sealed(Sealed { wrapping, nonce, ciphertext, pubkey }))
    }
}

/// The stored object: the public key, and these fields.
fn object(pubkey: &PublicKey, fields: &[(&str, &JsValue)]) -> Result<JsValue, VaultError> {
    let object = Object::new();
    let pubkey = JsValue::from_str(&pubkey.to_string());
    for (name, value) in fields.iter().copied().chain([("pubkey", &pubkey)]) {
        Reflect::set(&object, &name.into(), value).map_err(browser)?;
    }
    Ok(object.into())
}

impl Sealed {
    async fn seal(crypto: &SubtleCrypto, key: &SecretKey) -> Result<Self, VaultError> {
        let usages: Array = ["encrypt", "decrypt"].into_iter().map(JsValue::from_str).collect();
        let algorithm = AesKeyGenParams::new("AES-GCM", 256);
        let wrapping = crypto.generate_key_with_object(&algorithm, false, &usages).map_err(browser)?;
        let wrapping: CryptoKey = JsFuture::from(wrapping).await.map_err(browser)?.unchecked_into();

        let mut nonce = [0; NONCE_BYTES];
        random(&mut nonce).map_err(browser)?;
        let nonce = Uint8Array::from(&nonce[..]);
        let pubkey = key.public_key();
        // WebCrypto copies its input before it returns; the copy here wipes itself.
        let bytes = key.to_bytes();
        let sealed = crypto
            .encrypt_with_object_and_u8_array(&parameters(&nonce, &pubkey), &wrapping, &*bytes)
            .map_err(browser)?;
        let sealed = JsFuture::from(sealed).await.map_err(browser)?;
        Ok(Self { wrapping, nonce, ciphertext: Uint8Array::new(&sealed), pubkey })
    }

    async fn unseal(&self, crypto: &SubtleCrypto) -> Result<SecretKey, VaultError> {
        let parameters = parameters(&self.nonce, &self.pubkey);
        let promise = crypto
            .decrypt_with_object_and_buffer_source(&parameters, &self.wrapping, &self.ciphertext)
            .map_err(browser)?;
        let plain = JsFuture::from(promise).await.map_err(|_| VaultError::Damaged)?;
        let plain = Uint8Array::new(&plain);
        let mut bytes = [0; 32];
        if plain.length() != 32 {
            return Err(VaultError::Damaged);
        }
        plain.copy_to(&mut bytes);
        plain.fill(0, 0, 32);
        let key = SecretKey::from_bytes(bytes).map_err(|_| VaultError::Damaged);
        bytes.zeroize();
        key.and_then(|key| if key.public_key() == self.pubkey { Ok(key) } else { Err(VaultError::Damaged) })
    }

    fn to_js(&self) -> Result<JsValue, VaultError> {
        let fields: [(&str, &JsValue); 3] =
            [("wrapping", &self.wrapping), ("nonce", &self.nonce), ("ciphertext", &self.ciphertext)];
        object(&self.pubkey, &fields)
    }
}

/// Fills the slice with random bytes from the browser; works in any context.
///
/// # Errors
/// When there is no window.
pub fn random(bytes: &mut [u8]) -> Result<(), JsValue> {
    crypto()?.get_random_values_with_u8_array(bytes).map(drop)
}

/// Bound to the public key, so that a ciphertext cannot be passed off as another person's.
fn parameters(nonce: &Uint8Array, pubkey: &PublicKey) -> Object {
    let parameters = AesGcmParams::new("AES-GCM", nonce);
    parameters.set_additional_data(&Uint8Array::from(&pubkey.as_bytes()[..]));
    parameters.into()
}

/// The browser's WebCrypto; None for a page that came without TLS from another device.
pub fn subtle() -> Option<SubtleCrypto> {
    let window = web_sys::window()?;
    if !window.is_secure_context() {
        return None;
    }
    let subtle = crypto().ok()?.subtle();
    (!subtle.is_undefined()).then_some(subtle)
}

fn crypto() -> Result<Crypto, JsValue> {
    web_sys::window().ok_or(JsValue::NULL)?.crypto()
}

fn browser(error: JsValue) -> VaultError {
    let text = error
        .dyn_ref::<js_sys::Error>()
        .map_or_else(|| error.as_string().unwrap_or_default(), |error| String::from(error.message()));
    VaultError::Browser(text)
}
