//! What is never dropped for its age or number.

use std::collections::BTreeSet;

use nostrp2p_protocol::{Event, Kind, PublicKey, event_policy::is_served_on_request};
use redb::ReadableTable;

use super::super::{index, usage::Owned, write::Tables};

/// Whether an event is kept whatever its age and however much there is.
pub(super) fn stays(
    tables: &Tables<'_>,
    sequence: u64,
    event: &Event,
    followed: &BTreeSet<PublicKey>,
) -> Result<bool, redb::Error> {
    if tables.owned(sequence, event)? != Owned::Other {
        return Ok(true);
    }
    if tables.owner.is_none() && tables.restored.get()?.get(sequence)?.is_some() {
        return Ok(true);
    }
    if !is_about_author(event.kind) {
        return Ok(false);
    }
    Ok(followed.contains(&event.pubkey) || writes(tables, &event.pubkey)?)
}

/// Whether an event says who its author is, without which the rest is worth little: a profile, or a list that is served
/// on request.
pub(super) fn is_about_author(kind: Kind) -> bool {
    kind == Kind::PROFILE || is_served_on_request(kind)
}

/// More kinds than say who somebody is.
const KINDS: usize = 16;

/// Whether something of a person is stored besides profile and lists.
fn writes(tables: &Tables<'_>, person: &PublicKey) -> Result<bool, redb::Error> {
    let kinds = index::kinds_of(&tables.rows, person, KINDS)?;
    Ok(kinds.into_iter().any(|kind| !is_about_author(kind)))
}
