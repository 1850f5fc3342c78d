//! The encoding of several events in one message: a list in compact form, deflated when that saves bytes.

#[cfg(any(test, target_arch = "wasm32"))]
mod inflate;

use crate::{
    Malformed,
    limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS},
    msgpack::{Read, Write},
    wire,
};

/// Events as they are.
const PLAIN: u8 = 0;
/// Events in raw deflate (RFC 1951).
const DEFLATED: u8 = 1;
/// Below this many bytes deflate gains nothing worth its time; a guess.
const DEFLATE_FROM: usize = 200;
/// zlib's middle way between time and size.
const DEFLATE_LEVEL: u8 = 6;

/// Encodes events and says how they are packed.
pub(crate) fn pack<C: Write + From<E>, E>(events: Vec<E>) -> (Vec<u8>, u8) {
    let events: Vec<C> = events.into_iter().map(Into::into).collect();
    let plain = wire::encode(&events);
    if plain.len() < DEFLATE_FROM {
        return (plain, PLAIN);
    }
    match deflate(&plain) {
        Some(deflated) if deflated.len() < plain.len() => (deflated, DEFLATED),
        _ => (plain, PLAIN),
    }
}

/// By zlib-rs, which needs a third of the time of miniz_oxide. None if it fails, which memory alone could cause.
#[cfg(not(target_arch = "wasm32"))]
fn deflate(plain: &[u8]) -> Option<Vec<u8>> {
    use std::io::Write as _;
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(DEFLATE_LEVEL.into()));
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

/// A browser packs nothing but in tests, so this is not part of what is downloaded.
#[cfg(target_arch = "wasm32")]
fn deflate(plain: &[u8]) -> Option<Vec<u8>> {
    Some(miniz_oxide::deflate::compress_to_vec(plain, DEFLATE_LEVEL))
}

/// At most [`MAX_BATCH_BYTES`].
#[cfg(not(target_arch = "wasm32"))]
fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    miniz_oxide::inflate::decompress_to_vec_with_limit(packed, MAX_BATCH_BYTES).ok()
}

/// At most [`MAX_BATCH_BYTES`].
#[cfg(target_arch = "wasm32")]
fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    inflate::inflate(packed, MAX_BATCH_BYTES)
}

/// Decodes events that were packed in this way.
///
/// # Errors
/// When they are damaged, too many, or too large after unpacking.
pub(crate) fn unpack<C: Read + Into<E>, E>(packing: u8, packed: &[u8]) -> Result<Vec<E>, Malformed> {
    let events: Vec<C> = match packing {
        PLAIN => decode_bounded(packed)?,
        DEFLATED => {
            let plain = inflate(packed);
            decode_bounded(
                &plain.ok_or_else(|| Malformed::Encoding("events cannot be unpacked".to_owned()))?,
            )?
        }
        other => return Err(Malformed::Encoding(format!("unknown packing {other}"))),
    };
    if events.len() > MAX_BATCH_EVENTS {
        return Err(Malformed::Encoding(format!("more than {MAX_BATCH_EVENTS} events")));
    }
    Ok(events.into_iter().map(Into::into).collect())
}

fn decode_bounded<T: Read>(bytes: &[u8]) -> Result<T, Malformed> {
    if bytes.len() > MAX_BATCH_BYTES {
        return Err(Malformed::TooLong { length: bytes.len(), max: MAX_BATCH_BYTES });
    }
    wire::decode(bytes)
}
