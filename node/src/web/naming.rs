//! What the name of a client file says about its type and caching. The build script uses this; the node itself only
//! tests it.

/// Hex digits of a fingerprint, as `cargo xtask web` makes it: `style.0123456789.css`.
const FINGERPRINT_DIGITS: usize = 10;

/// Whether the file is a compressed form of the one without the last extension.
pub fn is_variant(path: &str) -> bool {
    path.ends_with(".br") || path.ends_with(".gz")
}

/// Whether the name changes with the content, so that a browser may keep the file for ever.
pub fn is_fingerprinted(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut parts = name.rsplit('.').skip(1);
    let fingerprint = parts.next().unwrap_or_default();
    parts.next().is_some() && fingerprint.len() == FINGERPRINT_DIGITS && fingerprint.bytes().all(is_hex)
}

/// The value of the header `Content-Type`. Nothing is left for a browser to guess: it must not.
pub fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_ten_hex_digits_between_two_dots_of_the_last_part() {
        for path in ["/style.0123456789.css", "/icons/a.b.abcdef0123.png"] {
            assert!(is_fingerprinted(path), "{path}");
        }
        for path in [
            "/style.css",
            "/sw.js",
            "/0123456789.css",
            "/style.012345678.css",
            "/style.012345678g.css",
            "/style.ABCDEF0123.css",
            "/a.0123456789.d/style.css",
        ] {
            assert!(!is_fingerprinted(path), "{path}");
        }
    }

    #[test]
    fn kinds_that_browsers_insist_on_are_named() {
        for (path, content_type_expected) in [
            ("/client.0123456789.wasm", "application/wasm"),
            ("/boot.js", "text/javascript; charset=utf-8"),
            ("/", "application/octet-stream"),
            ("/README", "application/octet-stream"),
        ] {
            assert_eq!(content_type(path), content_type_expected, "{path}");
        }
    }
}
