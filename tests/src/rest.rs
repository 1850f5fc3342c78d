//! A client of the original's REST interface.

use std::{
    io::Read,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use nostrp2p_protocol::{Event, EventTemplate, Kind, SecretKey, Tag};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{client::now, http::post_http};

/// What a node answered, unpacked.
#[derive(Debug)]
pub struct RestAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    /// The body after gunzip.
    pub body: Vec<u8>,
}

/// An event in the form that the original's clients get.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names of NIP-01")]
pub struct RestEvent {
    #[serde(with = "serde_bytes")]
    pub id: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub pubkey: Vec<u8>,
    #[serde(rename = "Created_at")]
    pub created_at: f64,
    pub kind: u16,
    pub tags: Vec<Vec<serde_bytes::ByteBuf>>,
    pub content: String,
    pub sig: Option<serde_bytes::ByteBuf>,
}

#[derive(Deserialize)]
struct Events {
    #[serde(rename = "Evts")]
    events: Vec<RestEvent>,
}

impl RestAnswer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The sentence of an error.
    ///
    /// # Panics
    /// When this is none.
    pub fn error(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).expect("errors are JSON");
        body["Error"].as_str().expect("an error has a sentence").to_owned()
    }

    /// The events.
    ///
    /// # Panics
    /// When the answer holds none in the form of the original.
    pub fn events(&self) -> Vec<RestEvent> {
        assert_eq!(self.status, 200, "{}", self.text());
        rmp_serde::from_slice::<Events>(&self.body).expect("an answer in MessagePack").events
    }

    /// The contents of the events.
    pub fn contents(&self) -> Vec<String> {
        self.events().into_iter().map(|event| event.content).collect()
    }
}

/// Sends a JSON body with the headers of the original's client, and those given.
///
/// # Panics
/// When there is no answer.
pub async fn rest(authority: &str, path: &str, more: &[&str], body: &[u8]) -> RestAnswer {
    let usual = ["content-type: application/json", "accept: application/octet-stream"];
    let headers: Vec<&str> = usual.iter().chain(more).copied().collect();
    let (status, head, body) = post_http(authority, path, &headers, body).await;
    let head = head.to_lowercase();
    let body = if head.contains("\r\ncontent-encoding: gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice())
            .read_to_end(&mut plain)
            .expect("gzip as the header says");
        plain
    } else {
        body
    };
    RestAnswer { status, head, body }
}

/// An `Authorization` header (NIP-98) by this person, for this address, method and body, of this age in seconds.
pub fn http_login(key: &SecretKey, url: &str, method: &str, body: Option<&[u8]>, age: i64) -> String {
    let mut tags = vec![Tag::new(["u", url]), Tag::new(["method", method])];
    tags.extend(body.map(|body| Tag::new(["payload".to_owned(), hex::encode(Sha256::digest(body))])));
    let created_at = now().saturating_add_signed(-age);
    // Two logins of the same second for the same request are two events.
    static SIGNED: AtomicU64 = AtomicU64::new(0);
    let content = SIGNED.fetch_add(1, Ordering::Relaxed).to_string();
    let event = EventTemplate { created_at, kind: Kind(27_235), tags, content }.sign(key, &[7; 32]);
    authorization(&event)
}

/// An event as an `Authorization` header.
///
/// # Panics
/// Never: events have a JSON form.
pub fn authorization(event: &Event) -> String {
    let json = serde_json::to_string(event).expect("events have a JSON form");
    format!("Authorization: Nostr {}", BASE64_STANDARD.encode(json))
}
