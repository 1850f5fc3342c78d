//! Texts that only two keys can read (NIP-44, version 2). The private part of a list is encrypted from its author to
//! its author.
//!
//! The caller passes the nonce in, and must not use one nonce twice under one key: whoever sees both texts could
//! compare them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit, StreamCipher},
};
use k256::{NonZeroScalar, ProjectivePoint, elliptic_curve::point::AffineCoordinates, schnorr::VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{PublicKey, SecretKey};

/// The only version there is.
const VERSION: u8 = 2;
/// Salt of the conversation key.
const SALT: &[u8] = b"nip44-v2";
/// Length of a block of SHA-256 in bytes (RFC 2104).
const BLOCK: usize = 64;
/// Longest text in bytes: its length is written in two.
pub const MAX_TEXT_BYTES: usize = 65_535;
/// Version, nonce, the shortest padded text with its length, authentication code.
const MIN_BYTES: usize = 1 + 32 + 2 + 32 + 32;
/// The longest of them: a text of 65,535 bytes is padded to 65,536.
const MAX_BYTES: usize = 1 + 32 + 2 + 65_536 + 32;

/// Why a text is not read or not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNip44 {
    /// It is empty or longer than [`MAX_TEXT_BYTES`].
    #[error("a text under NIP-44 has 1 to {MAX_TEXT_BYTES} bytes")]
    Length,
    /// It is of another version, or of an older cipher.
    #[error("this text is encrypted in another way than version {VERSION} of NIP-44")]
    Version,
    /// It is cut off, was changed, or is for other keys.
    #[error("this text is damaged, or for another key")]
    Damaged,
    /// The other key is no point of the curve.
    #[error("this is no public key")]
    Key,
}

/// The key of all texts between two people; the same from both sides. Wipes itself.
pub struct ConversationKey(Zeroizing<[u8; 32]>);

impl ConversationKey {
    /// The key between the holder of `own` and `other`, which may be the same person.
    ///
    /// # Errors
    /// [`InvalidNip44::Key`].
    pub fn new(own: &SecretKey, other: &PublicKey) -> Result<Self, InvalidNip44> {
        let other = VerifyingKey::from_slice(other.as_bytes()).map_err(|_| InvalidNip44::Key)?;
        let scalar = NonZeroScalar::try_from(own.to_bytes().as_slice()).map_err(|_| InvalidNip44::Key)?;
        let shared = (ProjectivePoint::from(*other.as_affine()) * *scalar).to_affine();
        Ok(Self(mac(SALT, &[&shared.x()])))
    }

    /// Encrypts a text. `nonce` are 32 fresh random bytes.
    ///
    /// # Errors
    /// [`InvalidNip44::Length`].
    pub fn seal(&self, text: &str, nonce: &[u8; 32]) -> Result<String, InvalidNip44> {
        let length = u16::try_from(text.len()).ok().filter(|length| *length > 0);
        let length = length.ok_or(InvalidNip44::Length)?;
        let mut padded = length.to_be_bytes().to_vec();
        padded.extend_from_slice(text.as_bytes());
        padded.resize(2 + padded_length(text.len()), 0);
        let keys = self.message_keys(nonce);
        keys.apply(&mut padded);
        let code = mac(keys.code(), &[nonce, &padded]);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(nonce);
        bytes.extend_from_slice(&padded);
        bytes.extend_from_slice(code.as_slice());
        Ok(BASE64_STANDARD.encode(bytes))
    }

    /// Decrypts a text.
    ///
    /// # Errors
    /// [`InvalidNip44::Version`] for what was never written by version 2, [`InvalidNip44::Damaged`] for all else.
    pub fn open(&self, sealed: &str) -> Result<Zeroizing<String>, InvalidNip44> {
        if sealed.starts_with('#') || sealed.contains("?iv=") {
            return Err(InvalidNip44::Version);
        }
        if sealed.len() > MAX_BYTES.div_ceil(3) * 4 {
            return Err(InvalidNip44::Damaged);
        }
        let bytes = BASE64_STANDARD.decode(sealed).map_err(|_| InvalidNip44::Damaged)?;
        if bytes.first() != Some(&VERSION) {
            return Err(InvalidNip44::Version);
        }
        if bytes.len() < MIN_BYTES {
            return Err(InvalidNip44::Damaged);
        }
        let rest = bytes.get(1..).ok_or(InvalidNip44::Damaged)?;
        let (nonce, rest) = rest.split_first_chunk::<32>().ok_or(InvalidNip44::Damaged)?;
        let (padded, code) = rest.split_last_chunk::<32>().ok_or(InvalidNip44::Damaged)?;
        let keys = self.message_keys(nonce);
        if !is_same(mac(keys.code(), &[nonce, padded]).as_slice(), code) {
            return Err(InvalidNip44::Damaged);
        }
        let mut padded = Zeroizing::new(padded.to_vec());
        keys.apply(&mut padded);
        let (length, text) = padded.split_first_chunk::<2>().ok_or(InvalidNip44::Damaged)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let text = text.get(..length).filter(|_| length > 0 && text.len() == padded_length(length));
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        Ok(Zeroizing::new(text.ok_or(InvalidNip44::Damaged)?.to_owned()))
    }

    fn message_keys(&self, nonce: &[u8; 32]) -> MessageKeys {
        let mut bytes = Zeroizing::new([0; 96]);
        let mut former = Zeroizing::new(Vec::new());
        for (number, part) in (1_u8..).zip(bytes.chunks_exact_mut(32)) {
            let next = mac(self.0.as_slice(), &[former.as_slice(), nonce, &[number]]);
            part.copy_from_slice(next.as_slice());
            former = Zeroizing::new(next.to_vec());
        }
        MessageKeys(bytes)
    }
}

/// Key (32 bytes) and nonce (12) of the cipher, key of the authentication code (32); the rest is unused.
struct MessageKeys(Zeroizing<[u8; 96]>);

impl MessageKeys {
    fn apply(&self, bytes: &mut [u8]) {
        let (key, rest) = self.0.split_at(32);
        let (nonce, _) = rest.split_at(12);
        ChaCha20::new(key.into(), nonce.into()).apply_keystream(bytes);
    }

    fn code(&self) -> &[u8] {
        self.0.get(44..76).unwrap_or_default()
    }
}

/// HMAC with SHA-256 (RFC 2104). The keys here are all shorter than a block.
fn mac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let pad = |fill: u8| {
        let mut block = Zeroizing::new([fill; BLOCK]);
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let mut inner = Sha256::new();
    inner.update(pad(0x36).as_slice());
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new();
    outer.update(pad(0x5c).as_slice());
    outer.update(inner.finalize());
    Zeroizing::new(outer.finalize().into())
}

/// To how many bytes a text is padded, so that its length says little about it.
fn padded_length(length: usize) -> usize {
    if length <= 32 {
        return 32;
    }
    let power = length.next_power_of_two();
    let chunk = (power / 8).max(32);
    length.div_ceil(chunk) * chunk
}

/// Compares in a time that hangs on the length alone.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SecretKey {
        let mut bytes = [0; 32];
        bytes[31] = seed;
        SecretKey::from_bytes(bytes).unwrap()
    }

    /// The first row of the vectors in NIP-44.
    #[test]
    fn the_vector_of_the_nip_comes_out() {
        let conversation = ConversationKey::new(&key(1), &key(2).public_key()).unwrap();
        let expected = "c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d";
        assert_eq!(hex::encode(conversation.0.as_slice()), expected);
        let mut nonce = [0; 32];
        nonce[31] = 1;
        let sealed = conversation.seal("a", &nonce).unwrap();
        let expected = "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKf\
                        YEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb";
        assert_eq!(sealed, expected);
        let theirs = ConversationKey::new(&key(2), &key(1).public_key()).unwrap();
        assert_eq!(theirs.open(&sealed).unwrap().as_str(), "a");
    }

    #[test]
    fn texts_of_every_length_survive_and_are_padded_as_the_nip_says() {
        for (length, padded) in [
            (1, 32),
            (16, 32),
            (32, 32),
            (33, 64),
            (64, 64),
            (65, 96),
            (256, 256),
            (257, 320),
            (320, 320),
            (383, 384),
            (400, 448),
            (512, 512),
            (515, 640),
            (1_020, 1_024),
            (65_535, 65_536),
        ] {
            assert_eq!(padded_length(length), padded, "{length}");
            let own = ConversationKey::new(&key(7), &key(7).public_key()).unwrap();
            let text = "x".repeat(length);
            let sealed = own.seal(&text, &[9; 32]).unwrap();
            assert_eq!(own.open(&sealed).unwrap().as_str(), text);
        }
        let own = ConversationKey::new(&key(7), &key(7).public_key()).unwrap();
        assert_eq!(own.seal("", &[0; 32]), Err(InvalidNip44::Length));
        assert_eq!(own.seal(&"x".repeat(MAX_TEXT_BYTES + 1), &[0; 32]), Err(InvalidNip44::Length));
    }

    #[test]
    fn what_was_changed_or_is_for_others_is_refused() {
        let own = ConversationKey::new(&key(7), &key(7).public_key()).unwrap();
        let sealed = own.seal("a word", &[9; 32]).unwrap();
        let bytes = BASE64_STANDARD.decode(&sealed).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            assert!(own.open(&BASE64_STANDARD.encode(&changed)).is_err(), "byte {place}");
            assert!(own.open(&BASE64_STANDARD.encode(&bytes[..place])).is_err(), "cut at {place}");
        }
        let other = ConversationKey::new(&key(8), &key(8).public_key()).unwrap();
        assert_eq!(other.open(&sealed).err(), Some(InvalidNip44::Damaged));
        assert_eq!(own.open("c2VhbGVk?iv=AAAA").err(), Some(InvalidNip44::Version));
        assert_eq!(own.open("#new").err(), Some(InvalidNip44::Version));
        assert_eq!(own.open("no base64!").err(), Some(InvalidNip44::Damaged));
        assert!(ConversationKey::new(&key(7), &PublicKey::from_bytes([0xff; 32])).is_err());
    }
}
