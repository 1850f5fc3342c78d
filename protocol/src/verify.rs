//! Signature checks: libsecp256k1 on native, where it is twice as fast, and k256 in the browser.

use crate::{EventId, PublicKey, Signature};

impl PublicKey {
    /// Whether this is the x coordinate of a point of the curve: half of all numbers are, and only these are keys.
    pub fn is_point(&self) -> bool {
        #[cfg(not(target_arch = "wasm32"))]
        return secp256k1::XOnlyPublicKey::from_byte_array(*self.as_bytes()).is_ok();
        #[cfg(target_arch = "wasm32")]
        return k256::schnorr::VerifyingKey::from_slice(self.as_bytes()).is_ok();
    }
}

/// Whether the author made this signature over this id (BIP-340).
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn signature_fits(author: &PublicKey, id: &EventId, sig: &Signature) -> bool {
    native(author.as_bytes(), id.as_bytes(), sig.as_bytes())
}

/// Whether the author made this signature over this id (BIP-340).
#[cfg(target_arch = "wasm32")]
pub(crate) fn signature_fits(author: &PublicKey, id: &EventId, sig: &Signature) -> bool {
    portable(author.as_bytes(), id.as_bytes(), sig.as_bytes())
}

#[cfg(not(target_arch = "wasm32"))]
fn native(author: &[u8; 32], message: &[u8], sig: &[u8; 64]) -> bool {
    use secp256k1::{XOnlyPublicKey, schnorr};

    let Ok(author) = XOnlyPublicKey::from_byte_array(*author) else {
        return false;
    };
    schnorr::verify(&schnorr::Signature::from_byte_array(*sig), message, &author).is_ok()
}

#[cfg(any(test, target_arch = "wasm32"))]
fn portable(author: &[u8; 32], message: &[u8], sig: &[u8; 64]) -> bool {
    use k256::schnorr;

    let Ok(author) = schnorr::VerifyingKey::from_slice(author) else {
        return false;
    };
    let Ok(sig) = schnorr::Signature::from_slice(sig) else {
        return false;
    };
    author.verify_raw(message, &sig).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    /// The official vectors: index, secret key, public key, aux_rand, message, signature, verification result.
    const BIP_340: &str = include_str!("../tests/vectors/bip340.csv");

    #[test]
    fn both_verifiers_pass_the_official_vectors() {
        let mut rows = 0;
        for row in BIP_340.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let bytes = |index: usize| hex::decode(fields[index]).unwrap();
            let (author, message, sig) = (bytes(2), bytes(4), bytes(5));
            let (author, sig) = (author.try_into().unwrap(), sig.try_into().unwrap());
            let expected = fields[6] == "TRUE";
            assert_eq!(native(&author, &message, &sig), expected, "libsecp256k1, row {}", fields[0]);
            assert_eq!(portable(&author, &message, &sig), expected, "k256, row {}", fields[0]);
            rows += 1;
        }
        assert_eq!(rows, 19);
    }

    #[test]
    fn signing_gives_the_signatures_of_the_official_vectors() {
        let mut signed = 0;
        for row in BIP_340.lines().skip(1) {
            let fields: Vec<&str> = row.split(',').collect();
            let bytes = |index: usize| hex::decode(fields[index]).unwrap();
            // Only 32-byte messages are event ids; the others are for the verifiers.
            if fields[1].is_empty() || fields[4].len() != 64 {
                continue;
            }
            let key = SecretKey::from_bytes(bytes(1).try_into().unwrap()).unwrap();
            assert_eq!(key.public_key().as_bytes().as_slice(), bytes(2));
            let id = EventId::from_bytes(bytes(4).try_into().unwrap());
            let sig = key.sign(&id, &bytes(3).try_into().unwrap());
            assert_eq!(sig.as_bytes().as_slice(), bytes(5), "row {}", fields[0]);
            signed += 1;
        }
        assert_eq!(signed, 4);
    }
}
