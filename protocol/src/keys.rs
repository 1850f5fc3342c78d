//! A person's secret key.
//!
//! It lives in the person's client. Nothing here reads randomness or a clock: the caller brings both.

use std::fmt;

use k256::schnorr::SigningKey;

use crate::{EventId, PublicKey, Signature};

/// A secret key on secp256k1. Wiped from memory when dropped; never shown by `Debug`.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

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
        SigningKey::from_slice(&bytes).map(Self).map_err(|_| InvalidSecretKey)
    }

    /// The key as 32 bytes, big-endian. The caller wipes the copy.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// The public key that belongs to it.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes().into())
    }

    /// Signs an event id. `aux` are 32 fresh random bytes (BIP-340, default signing).
    pub fn sign(&self, id: &EventId, aux: &[u8; 32]) -> Signature {
        let signature = self
            .0
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
