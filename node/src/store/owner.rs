//! Whose node it is, and whose the events are that were here before it had that owner.

use nostrp2p_protocol::{
    Event, PublicKey,
    event_policy::{Audience, CapDecision, audience, is_addressed_to},
};
use redb::{ReadableTable, WriteTransaction};

use super::{
    index::{self, Prefix},
    mailbox,
    origin::{Door, Origin},
    rows::FindRows,
    shared,
    tables::OWNER,
    usage::{self, Usage},
    write::Tables,
};

/// Makes somebody the owner. What is here of that person, and for that person, is the owner's from now on, and neighbours
/// may have what is for everyone.
pub(super) fn set(
    transaction: &WriteTransaction,
    tables: &mut Tables<'_>,
    owner: &PublicKey,
    now: u64,
) -> Result<(), redb::Error> {
    transaction.open_table(OWNER)?.insert(0, owner.as_bytes())?;
    if tables.owner == Some(*owner) {
        return Ok(());
    }
    tables.owner = Some(*owner);
    tables.tombstones.own(owner)?;
    classify(tables)?;
    tables.restored.get_mut()?.retain(|_, ()| false)?;
    for (sequence, event) in written_by(tables, owner)? {
        let for_everyone = audience(&event) == Audience::Everyone;
        let mirrored = tables.mirrored.get()?.get(sequence)?.is_some();
        if for_everyone
            && !mirrored
            && !shared::holds(&tables.rows, &event)?
            && tables.room_for(&event)? == CapDecision::Free
        {
            tables.shared.insert(&mut tables.rows, &event, sequence)?;
            if tables.newcomers.since(owner)?.is_none() {
                tables.newcomers.know(owner, now)?;
            }
        }
    }
    Ok(())
}

fn written_by(tables: &mut Tables<'_>, author: &PublicKey) -> Result<Vec<(u64, Event)>, redb::Error> {
    let mut written = Vec::new();
    for kind in index::kinds_of(&tables.rows, author, usize::MAX)? {
        let mut rows = tables.rows.forwards(&Prefix::author_kind(author, kind).range(0, u64::MAX))?;
        while let Some(row) = rows.next()? {
            let Some((_, sequence)) = index::tail(row) else { continue };
            let event = tables.event(sequence)?.filter(|event| event.pubkey == *author);
            written.extend(event.map(|event| (sequence, event)));
        }
    }
    Ok(written)
}

/// Writes down whose each event is, when the store has got an owner, or comes from a version that did not ask. Who handed
/// over a gift wrap was not written down: it counts as the owner's own copy, as does one that still waits for somebody.
pub(super) fn classify(tables: &mut Tables<'_>) -> Result<(), redb::Error> {
    tables.usage = Usage::default();
    tables.loads = None;
    let origin = Origin::by(Door::Restored { shared: false });
    for sequence in tables.sequences()? {
        let Some(event) = tables.event(sequence)? else { continue };
        let record = tables.events.get(sequence)?.map_or(0, |record| record.value().len());
        let bytes = usage::cost(&event, record);
        let waits =
            tables.outbox.get()?.range((sequence, &[0; 32])..=(sequence, &[0xff; 32]))?.next().is_some();
        let sender = match tables.owner {
            Some(owner) if owner == event.pubkey => None,
            Some(_) if waits => Some(mailbox::OWN),
            Some(owner) if is_addressed_to(&event, &owner) => Some(origin.sender_of(&event)),
            _ => None,
        };
        tables.book(&event, sequence, sender, bytes)?;
    }
    Ok(())
}
