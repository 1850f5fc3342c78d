//! A person's secret key.
//!
//! Only the person's client holds it. Nothing here reads randomness or a clock: the caller passes both in.

use std::fmt;

use k256::schnorr::SigningKey;
use zeroize::Zeroizing;

use crate::{EventId, PublicKey, Signature};

/// A secret key on secp256k1. Wiped from memory when dropped; never shown by `Debug`.
///
/// BIP-340 signs with the key or its negative, whichever has an even point, and k256 keeps only that one;
/// people must get back the number they brought, so the bytes are kept as well.
#[derive(Clone)]
pub struct SecretKey {
    bytes: Zeroizing<[u8; 32]>,
    signing: SigningKey,
}

/// Why bytes are no secret key: zero, or not below the order of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these 32 bytes are no secret key: they are zero or not below the order of the curve")]
pub struct InvalidSecretKey;

impl SecretKey {
    /// Takes 32 bytes, big-endian. From random bytes it makes a new key; all but 1 in 2^127 are valid.
    ///
    /// # Errors
    /// When the number is zero or not below the order of the curve.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, InvalidSecretKey> {
        let bytes = Zeroizing::new(bytes);
        let signing = SigningKey::from_slice(bytes.as_slice()).map_err(|_| InvalidSecretKey)?;
        Ok(Self { bytes, signing })
    }

    /// The key as 32 bytes, big-endian. The copy wipes itself.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.bytes.clone()
    }

    /// The public key that belongs to it.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.signing.verifying_key().to_bytes().into())
    }

    /// Signs an event id. `aux` are 32 fresh random bytes (BIP-340, default signing).
    pub fn sign(&self, id: &EventId, aux: &[u8; 32]) -> Signature {
        let signature = self
            .signing
            .sign_raw(id.as_bytes(), aux)
            .expect("fails only when the nonce is zero, with probability 2^-256");
        Signature::from_bytes(signature.to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}
