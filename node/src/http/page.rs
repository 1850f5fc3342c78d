//! The web client, served from the binary.

use std::borrow::Cow;

use axum::{
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use crate::web::{self, Content, WebFile};

/// No script but our own and no frame around us. WebSockets go to the node of one's choice, which at home has no TLS;
/// pictures and domain names (NIP-05) of others are loaded when somebody asks for them, by https only.
/// `netlify.toml` says the same for the hosted page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data: blob:; connect-src 'self' ws: wss: https:; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Browser features that the page never needs.
const PERMISSIONS_POLICY: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=()";

/// A file by its exact path.
pub(super) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        let only = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, only, "Files can only be read.\n").into_response();
    }
    match web::file(uri.path()) {
        Some(file) => serve(file, &headers),
        None => (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response(),
    }
}

/// The page itself.
pub(super) fn index(headers: &HeaderMap) -> Response {
    match web::index() {
        Some(file) => serve(file, headers),
        None => {
            let text = "This node was built without its web client. Build it with `cargo xtask run`.\n";
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

fn serve(file: &'static WebFile, headers: &HeaderMap) -> Response {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (body, encoding): (Cow<'static, [u8]>, _) = match (file.brotli, file.content) {
        (Some(brotli), _) if accepts(accepted, "br") => (brotli.into(), Some("br")),
        (_, Content::Gzip(packed)) if accepts(accepted, "gzip") => (packed.into(), Some("gzip")),
        (_, content) => (content.unpacked(), None),
    };
    let caching = if file.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = body.into_response();
    let set = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "accept-encoding"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
    ];
    for (name, value) in set {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Whether an `Accept-Encoding` header names an encoding without refusing it.
pub(super) fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, ""));
        name.trim().eq_ignore_ascii_case(encoding)
            && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn encodings_are_taken_as_the_browser_says() {
        assert!(accepts("gzip, deflate, br, zstd", "br"));
        assert!(accepts("br;q=0.5", "br"));
        assert!(!accepts("br;q=0", "br"));
        assert!(!accepts("gzip", "br"));
        assert!(!accepts("", "gzip"));
        assert!(!accepts("brotli", "br"));
    }

    #[tokio::test]
    async fn who_reads_no_gzip_gets_the_file_itself() {
        let text = "a page ".repeat(100);
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        let packed: &[u8] = packed.finish().unwrap().leak();
        let file = WebFile {
            path: "/",
            content_type: "text/html",
            immutable: false,
            brotli: None,
            content: Content::Gzip(packed),
        };
        let file: &WebFile = Box::leak(Box::new(file));
        for (accepted, encoding, expected) in
            [("gzip, br", Some("gzip"), packed), ("br", None, text.as_bytes()), ("", None, text.as_bytes())]
        {
            let headers =
                [(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))].into_iter().collect();
            let response = serve(file, &headers);
            let said = response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(said, encoding, "{accepted}");
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert_eq!(&body[..], expected, "{accepted}");
        }
    }
}
