//! A secret key encrypted under a passphrase: `ncryptsec1...` (NIP-49).
//!
//! scrypt derives the cipher's key and costs memory and time on purpose, so call it on a thread that nobody waits
//! for. The passphrase must already be in Unicode form NFKC; the caller normalises it, because a browser has the
//! tables of Unicode anyway.

use chacha20poly1305::{AeadInPlace, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::{SecretKey, nip19};

const PREFIX: &str = "ncryptsec";
/// The only version there is.
const VERSION: u8 = 2;
/// scrypt's block size; NIP-49 fixes it and a parallelism of 1.
const BLOCKS: u32 = 8;
/// The program does not know whether the key was ever handled unencrypted (NIP-49, "key security byte").
const SECURITY_UNKNOWN: u8 = 2;
/// Version, `log_n`, salt, nonce, security byte, ciphertext with its tag.
const BYTES: usize = 1 + 1 + 16 + 24 + 1 + 32 + 16;

/// How hard a new text is to try passphrases on: 2^16 rounds and 64 MiB, the least that NIP-49 names.
pub const LOG_N: u8 = 16;
/// The hardest that is tried: 1 GiB. NIP-49 names up to 22, which is more than a browser gives.
pub const MAX_LOG_N: u8 = 20;

/// Why a text under a passphrase does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNip49 {
    /// The text is no complete `ncryptsec`.
    #[error(transparent)]
    Text(#[from] nip19::InvalidNip19),
    /// The version is unknown here.
    #[error("this ncryptsec is of version {0}, and only version {VERSION} is known")]
    Version(u8),
    /// It demands more work than [`MAX_LOG_N`], or none at all.
    #[error("this ncryptsec needs more memory than there is: 2^{0} blocks of 1 KiB")]
    TooHard(u8),
    /// The passphrase is another one, or the text was tampered with.
    #[error("the passphrase does not fit")]
    Passphrase,
}

impl InvalidNip49 {
    /// One word for the error, where errors travel as text: `passphrase`, `hard` or `broken`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::TooHard(_) => "hard",
            Self::Text(_) | Self::Version(_) => "broken",
        }
    }
}

/// Puts a key under a passphrase. `salt` and `nonce` are fresh random bytes, 16 and 24; `log_n` is at most
/// [`MAX_LOG_N`] and costs `2^log_n` KiB of memory.
///
/// # Errors
/// When `log_n` is out of range.
pub fn seal(
    key: &SecretKey,
    passphrase: &str,
    log_n: u8,
    salt: &[u8; 16],
    nonce: &[u8; 24],
) -> Result<String, InvalidNip49> {
    let cipher = cipher(passphrase, log_n, salt)?;
    let mut bytes = key.to_bytes();
    let tag = cipher
        .encrypt_in_place_detached(&XNonce::from(*nonce), &[SECURITY_UNKNOWN], bytes.as_mut_slice())
        .map_err(|_| InvalidNip49::Passphrase)?;
    let mut text = Vec::with_capacity(BYTES);
    text.extend_from_slice(&[VERSION, log_n]);
    text.extend_from_slice(salt);
    text.extend_from_slice(nonce);
    text.push(SECURITY_UNKNOWN);
    text.extend_from_slice(bytes.as_slice());
    text.extend_from_slice(&tag);
    Ok(nip19::encode(PREFIX, &text))
}

/// Takes a key out from under its passphrase.
///
/// # Errors
/// When the text does not read, asks for too much, or the passphrase does not fit.
pub fn open(text: &str, passphrase: &str) -> Result<SecretKey, InvalidNip49> {
    let bytes = nip19::decode(PREFIX, text)?;
    let mut rest = bytes.as_slice();
    let [version, log_n] = take(&mut rest)?;
    if version != VERSION {
        return Err(InvalidNip49::Version(version));
    }
    let (salt, nonce): ([u8; 16], [u8; 24]) = (take(&mut rest)?, take(&mut rest)?);
    let security: [u8; 1] = take(&mut rest)?;
    let mut key = Zeroizing::new(take::<32>(&mut rest)?);
    let tag: [u8; 16] = take(&mut rest)?;
    if !rest.is_empty() {
        return Err(content());
    }
    cipher(passphrase, log_n, &salt)?
        .decrypt_in_place_detached(&XNonce::from(nonce), &security, key.as_mut_slice(), &Tag::from(tag))
        .map_err(|_| InvalidNip49::Passphrase)?;
    SecretKey::from_bytes(*key).map_err(|_| content())
}

/// Whether the text says of itself that it is a key under a passphrase.
pub fn is_sealed(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("nostr:").unwrap_or(text);
    text.get(..PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
}

fn cipher(passphrase: &str, log_n: u8, salt: &[u8; 16]) -> Result<XChaCha20Poly1305, InvalidNip49> {
    if log_n == 0 || log_n > MAX_LOG_N {
        return Err(InvalidNip49::TooHard(log_n));
    }
    let parameters = scrypt::Params::new(log_n, BLOCKS, 1).map_err(|_| InvalidNip49::TooHard(log_n))?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.as_bytes(), salt, &parameters, key.as_mut_slice())
        .map_err(|_| InvalidNip49::TooHard(log_n))?;
    Ok(XChaCha20Poly1305::new((&*key).into()))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], InvalidNip49> {
    let (taken, after) = rest.split_first_chunk::<N>().ok_or_else(content)?;
    *rest = after;
    Ok(*taken)
}

fn content() -> InvalidNip49 {
    InvalidNip49::Text(nip19::InvalidNip19::Content { expected: PREFIX })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that NIP-49 itself gives: its passphrase is `nostr`.
    const EXAMPLE: &str = "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p";
    const EXAMPLE_KEY: &str = "3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683";

    fn key() -> SecretKey {
        SecretKey::from_bytes([7; 32]).unwrap()
    }

    fn sealed() -> String {
        seal(&key(), "ÅΩẛ̣ correct horse", 4, &[1; 16], &[2; 24]).unwrap()
    }

    #[test]
    fn the_example_of_nip_49_opens() {
        let key = open(EXAMPLE, "nostr").unwrap();
        assert_eq!(hex::encode(key.to_bytes().as_slice()), EXAMPLE_KEY);
        assert!(is_sealed(EXAMPLE) && is_sealed(" NCRYPTSEC1x") && !is_sealed("nsec1x") && !is_sealed("é"));
    }

    #[test]
    fn only_the_right_passphrase_opens() {
        let text = sealed();
        assert_eq!(open(&text, "ÅΩẛ̣ correct horse").unwrap().to_bytes(), key().to_bytes());
        for wrong in ["", "correct horse", "ÅΩẛ̣ correct horse "] {
            assert_eq!(open(&text, wrong).unwrap_err(), InvalidNip49::Passphrase);
        }
        let mut bytes = nip19::decode(PREFIX, &text).unwrap();
        bytes[42] = 0;
        let tampered = nip19::encode(PREFIX, &bytes);
        assert_eq!(open(&tampered, "ÅΩẛ̣ correct horse").unwrap_err(), InvalidNip49::Passphrase);
    }

    #[test]
    fn what_is_no_such_text_is_refused_before_anything_is_computed() {
        let bytes = nip19::decode(PREFIX, &sealed()).unwrap();
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = bytes.to_vec();
            change(&mut bytes);
            open(&nip19::encode(PREFIX, &bytes), "x").unwrap_err()
        };
        assert_eq!(with(&|bytes| bytes[0] = 1), InvalidNip49::Version(1));
        assert_eq!(with(&|bytes| bytes[1] = 0), InvalidNip49::TooHard(0));
        assert_eq!(with(&|bytes| bytes[1] = 21), InvalidNip49::TooHard(21));
        assert_eq!(with(&|bytes| bytes.push(0)), content());
        for end in 0..bytes.len() {
            assert!(open(&nip19::encode(PREFIX, &bytes[..end]), "x").is_err());
        }
        assert!(matches!(open("nsec1", "x"), Err(InvalidNip49::Text(_))));
        assert!(matches!(seal(&key(), "x", 0, &[1; 16], &[2; 24]), Err(InvalidNip49::TooHard(0))));
    }
}
