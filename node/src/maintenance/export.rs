//! `nostrp2p export`: all events as JSON lines (NIP-01).
//!
//! An event of somebody else also has its origin, under a key that other programs ignore: `"via":"overlay"` if it was
//! broadcast, `"via":"wss://..."` if a mirror brought it. Without that an import would share with the overlay events
//! that a Nostr relay has brought or that came to the owner alone. `"statement"` is the statement that makes an
//! answer public ([`nostrp2p_protocol::PublicStatement`]), in hex.

use std::{io::Write, path::Path};

use nostrp2p_protocol::Event;
use serde::Serialize;

use super::import::OVERLAY;
use crate::store::{Mark, Retention, Store};

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
}

/// Writes all events, in the order in which they were stored; returns their number.
///
/// # Errors
/// When the store is in use or cannot be read, or the output cannot be written.
pub fn export(directory: &Path, mut out: impl Write) -> anyhow::Result<u64> {
    let (store, writer) = Store::open(directory, Retention::EVERYTHING)?;
    let owner = store.owner()?;
    let (mut cursor, mut written) = (0, 0);
    loop {
        let batch = store.numbered(cursor)?;
        for (sequence, event) in &batch.events {
            let mark = if Some(event.pubkey) == owner { Mark::None } else { store.mark(*sequence, event)? };
            let via = match &mark {
                Mark::None => None,
                Mark::Shared => Some(OVERLAY),
                Mark::Mirrored(relay) => Some(relay.as_str()),
            };
            let statement = event.statement.as_ref().map(|statement| hex::encode(statement.as_bytes()));
            serde_json::to_writer(&mut out, &Line { event, via, statement })?;
            out.write_all(b"\n")?;
            written += 1;
        }
        if batch.through <= cursor {
            break;
        }
        cursor = batch.through;
    }
    out.flush()?;
    writer.close();
    Ok(written)
}
