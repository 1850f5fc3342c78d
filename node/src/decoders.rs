//! The decoders of this crate whose input comes from outside, for the fuzz targets in `fuzz/`. Nothing else calls them here.

use nostrp2p_protocol::{Event, PublicKey, UnverifiedEvent};

pub use crate::settings::decode_file as settings_file;
use crate::{http, store};

/// An event, as `POST /publish` takes it.
pub fn rest_event(body: &[u8]) -> Option<UnverifiedEvent> {
    http::rest_event(body)
}

/// Whether `POST /req` takes this filter.
pub fn rest_question(body: &[u8]) -> bool {
    http::rest_question(body)
}

/// Whether an `Authorization` header (NIP-98) proves that this person asks for `POST http://localhost/req` at this time.
pub fn http_login(credentials: &[u8], owner: &PublicKey, now: u64) -> bool {
    http::proves(credentials, owner, now)
}

/// An event, as it lies in the store.
pub fn store_record(record: &[u8]) -> Option<Event> {
    store::decode_record(record)
}

/// The reverse of [`store_record`].
pub fn encode_store_record(event: &Event) -> Vec<u8> {
    store::encode_record(event)
}
