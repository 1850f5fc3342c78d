//! Compression at build time, at the highest level, because it is done once and served often.

use super::extension;
use anyhow::{Context, Result};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// Kinds of files that are not compressed already.
const COMPRESSIBLE: [&str; 10] =
    ["css", "html", "ico", "js", "json", "svg", "txt", "wasm", "webmanifest", "xml"];

/// Whether compressed forms of this file are worth trying.
pub fn is_compressible(path: &str) -> bool {
    !path.starts_with('_') && COMPRESSIBLE.contains(&extension(path))
}

/// The file as brotli of quality 11, if that is smaller.
pub fn brotli(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let params = BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: bytes.len(), ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &params).context("brotli failed")?;
    Ok(Some(packed).filter(|packed| packed.len() < bytes.len()))
}

/// The file as gzip without name and time, so that the same bytes give the same result; if that is smaller.
pub fn gzip(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    let packed = encoder.finish()?;
    Ok(Some(packed).filter(|packed| packed.len() < bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn both_forms_unpack_to_the_same_bytes_and_come_out_the_same_each_time() {
        let text = "body { color: black; background: white } ".repeat(50).into_bytes();

        let packed = brotli(&text).unwrap().expect("repetitive text shrinks");
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &*packed, &mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        assert_eq!(brotli(&text).unwrap(), Some(packed));

        let packed = gzip(&text).unwrap().expect("repetitive text shrinks");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        assert_eq!(gzip(&text).unwrap(), Some(packed));
    }

    #[test]
    fn a_form_that_is_not_smaller_is_not_kept() {
        assert_eq!(brotli(b"ab").unwrap(), None);
        assert_eq!(gzip(b"ab").unwrap(), None);
    }
}
