//! Answers of the REST interface: JSON as the original indents it, MessagePack, gzip, CORS.

use std::io::Write;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use flate2::{Compression, write::GzEncoder};
use nostrp2p_protocol::{
    VerifyError,
    frame::{Refusal, RefusalCode},
};

use super::super::page;

const JSON: &str = "application/json; charset=utf-8";
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// An answer that is no error.
#[derive(Debug)]
pub(super) enum Answer {
    /// The event is durably stored.
    Success,
    /// Events in MessagePack.
    Events(Vec<u8>),
}

/// An answer that is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    sentence: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    pub(super) fn bad(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }

    pub(super) fn login_needed(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, sentence)
    }

    pub(super) fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The node is stopping; try again later")
    }

    /// Says nothing about the inside: the log does.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something failed inside the node; its log says what")
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = status(refusal.code);
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            return Self::internal();
        }
        // The original's clients know this one by its words.
        if refusal.code == RefusalCode::Forged && refusal.reason == VerifyError::Signature.to_string() {
            return Self::new(status, "Invalid Sig");
        }
        Self::new(status, refusal.reason)
    }
}

fn status(code: RefusalCode) -> StatusCode {
    match code {
        RefusalCode::Malformed
        | RefusalCode::Version
        | RefusalCode::Forged
        | RefusalCode::WrongTime
        | RefusalCode::Unwanted => StatusCode::BAD_REQUEST,
        RefusalCode::LoginNeeded | RefusalCode::WrongChallenge => StatusCode::UNAUTHORIZED,
        RefusalCode::NotOwner
        | RefusalCode::NoOwner
        | RefusalCode::AlreadyClaimed
        | RefusalCode::WrongToken
        | RefusalCode::ExpiredToken
        | RefusalCode::ForeignAuthor
        | RefusalCode::ReadOnly => StatusCode::FORBIDDEN,
        RefusalCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalCode::Busy => StatusCode::SERVICE_UNAVAILABLE,
        RefusalCode::Internal | RefusalCode::Other(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Makes the response to a request with these headers.
pub(super) fn respond(request: &HeaderMap, result: Result<Answer, Problem>) -> Response {
    let (status, content_type, body) = match result {
        Ok(Answer::Success) => (StatusCode::OK, JSON, json("Status", "SUCCESS")),
        Ok(Answer::Events(bytes)) => (StatusCode::OK, "application/octet-stream", bytes),
        Err(Problem { status, sentence }) => (status, JSON, json("Error", &sentence)),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Nostr"));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    allow_origin(request, headers);
    match gzip_wanted(request).then(|| gzip(&body)).flatten() {
        Some(packed) => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = packed.into();
        }
        None => *response.body_mut() = body.into(),
    }
    response
}

/// Tells a browser what a page may send here.
pub(super) fn preflight(request: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin, Access-Control-Request-Private-Network"));
    if allow_origin(request, headers) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("accept, authorization, content-type"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
        if request.get(REQUEST_PRIVATE_NETWORK).is_some_and(|value| value == "true") {
            headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
    }
    response
}

/// Lets the asking page read the answer. The guard has let it pass, so it is named, never all pages.
fn allow_origin(request: &HeaderMap, headers: &mut HeaderMap) -> bool {
    let Some(origin) = request.get(header::ORIGIN) else { return false };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    true
}

fn gzip_wanted(request: &HeaderMap) -> bool {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| page::accepts(accepted, "gzip"))
}

/// A third of the time of the next levels for a tenth more bytes: these answers are long, and half of them are keys,
/// ids and signatures, which no level makes shorter.
const GZIP_LEVEL: Compression = Compression::fast();

/// None if it fails, which memory alone could cause: the plain body does as well.
fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), GZIP_LEVEL);
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// One line between two braces, as the original writes it.
fn json(name: &str, value: &str) -> Vec<u8> {
    format!("{{\n  \"{name}\": {}\n}}", serde_json::Value::from(value)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_status() {
        let rows = [
            (RefusalCode::Malformed, 400),
            (RefusalCode::Version, 400),
            (RefusalCode::LoginNeeded, 401),
            (RefusalCode::WrongChallenge, 401),
            (RefusalCode::NotOwner, 403),
            (RefusalCode::NoOwner, 403),
            (RefusalCode::AlreadyClaimed, 403),
            (RefusalCode::WrongToken, 403),
            (RefusalCode::ExpiredToken, 403),
            (RefusalCode::Forged, 400),
            (RefusalCode::ForeignAuthor, 403),
            (RefusalCode::TooLarge, 413),
            (RefusalCode::WrongTime, 400),
            (RefusalCode::ReadOnly, 403),
            (RefusalCode::Busy, 503),
            (RefusalCode::Internal, 500),
            (RefusalCode::Unwanted, 400),
            (RefusalCode::Other(99), 500),
        ];
        for (code, expected) in rows {
            assert_eq!(Problem::from(Refusal::new(code, "why")).status.as_u16(), expected, "{code:?}");
        }
    }

    #[test]
    fn an_internal_refusal_reveals_nothing() {
        let problem = Problem::from(Refusal::new(RefusalCode::Internal, "/home/alice: disk full"));
        assert_eq!(problem, Problem::internal());
    }

    #[test]
    fn a_wrong_signature_has_the_words_of_the_original() {
        let forged =
            |forged: VerifyError| Problem::from(Refusal::new(RefusalCode::Forged, forged.to_string()));
        assert_eq!(forged(VerifyError::Signature).sentence, "Invalid Sig");
        assert_eq!(forged(VerifyError::Id).sentence, VerifyError::Id.to_string());
    }

    #[test]
    fn errors_are_indented_as_the_original_does() {
        assert_eq!(json("Error", "a \"b\""), b"{\n  \"Error\": \"a \\\"b\\\"\"\n}");
    }
}
