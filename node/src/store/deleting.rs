//! Carrying out deletions (NIP-09) and requests to vanish (NIP-62), a portion at a time.
//!
//! Who wrote much, or names much, must not keep the one thread that writes from what others wait for. So a transaction
//! touches at most [`PORTION_ROWS`] rows for deletions; where each one stands is written down, and the next transactions
//! go on there, also after a restart. Meanwhile what is not deleted yet can still be read.

use nostrp2p_protocol::{Event, Kind};
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::{
    index::{self, Prefix},
    rows::FindRows,
    tables::DELETING,
    tombstones::{self, DeletionTarget},
    write::{PORTION_ROWS, Tables},
};

/// Like [`PORTION_ROWS`], in a transaction for which somebody waits: a small deletion is still carried out at once.
pub(super) const HASTY_ROWS: usize = 100;
/// Rows of one target besides those of the event that is removed: two of the tombstone, two to look for the event.
const ROWS_OF_TARGET: usize = 4;
/// Rows of an event in other tables than the index.
const ROWS_OF_EVENT: usize = 6;

/// Whether there are deletions that are not carried out yet. A disk that cannot be read is another part's trouble.
pub(super) fn is_under_way(transaction: &ReadTransaction) -> bool {
    let is_empty = || transaction.open_table(DELETING)?.is_empty().map_err(redb::Error::from);
    is_empty().is_ok_and(|empty| !empty)
}

impl Tables<'_> {
    /// Carries a deletion or a request to vanish out, as far as this transaction may.
    pub(super) fn delete(&mut self, sequence: u64, event: &Event) -> Result<(), redb::Error> {
        match event.kind {
            Kind::VANISH => self.vanish(sequence, event, None),
            _ => self.delete_from(sequence, event, 0),
        }
    }

    /// Goes on with the deletions that are under way, the oldest first, as far as this transaction may.
    pub(super) fn go_on_deleting(&mut self) -> Result<(), redb::Error> {
        while self.deletion_rows > 0 {
            let Some((sequence, place)) = self.under_way()? else { return Ok(()) };
            match self.event(sequence)? {
                Some(event) if event.kind == Kind::VANISH => self.vanish(sequence, &event, Some(place))?,
                Some(event) => {
                    let done = place.first_chunk().map_or(0, |place| u64::from_be_bytes(*place));
                    self.delete_from(sequence, &event, usize::try_from(done).unwrap_or(usize::MAX))?;
                }
                // It is gone itself.
                None => drop(self.deleting.get_mut()?.remove(sequence)?),
            }
        }
        Ok(())
    }

    fn under_way(&self) -> Result<Option<(u64, Vec<u8>)>, redb::Error> {
        let first = self.deleting.get()?.first()?;
        Ok(first.map(|(sequence, place)| (sequence.value(), place.value().to_vec())))
    }

    /// Removes what a deletion names, as far as it is its author's, and remembers it; without the first targets.
    fn delete_from(&mut self, sequence: u64, deletion: &Event, done: usize) -> Result<(), redb::Error> {
        for (number, target) in tombstones::targets(deletion).into_iter().enumerate().skip(done) {
            let victims = self.victims(deletion, &target)?;
            let rows = ROWS_OF_TARGET + victims.iter().map(|(_, victim)| rows_of(victim)).sum::<usize>();
            if !self.may_touch(rows) {
                let place = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
                self.deleting.get_mut()?.insert(sequence, place.as_slice())?;
                return Ok(());
            }
            for (sequence, victim) in victims {
                self.remove(sequence, &victim)?;
            }
            self.tombstones.record(deletion, &target)?;
        }
        self.deleting.get_mut()?.remove(sequence)?;
        Ok(())
    }

    fn victims(
        &mut self,
        deletion: &Event,
        target: &DeletionTarget,
    ) -> Result<Vec<(u64, Event)>, redb::Error> {
        let mut victims = match target {
            DeletionTarget::Address(address) => self.at_address(address)?,
            DeletionTarget::Id(id) => match self.find(id)? {
                Some(sequence) => self.event(sequence)?.map(|event| (sequence, event)).into_iter().collect(),
                None => vec![],
            },
        };
        let by_address = matches!(target, DeletionTarget::Address(_));
        victims.retain(|(_, victim)| {
            victim.pubkey == deletion.pubkey
                && victim.kind != Kind::DELETION
                && (!by_address || victim.created_at <= deletion.created_at)
        });
        Ok(victims)
    }

    /// Removes everything that a person has written until then, and gift wraps for that person, from this index row on.
    fn vanish(&mut self, sequence: u64, request: &Event, from: Option<Vec<u8>>) -> Result<(), redb::Error> {
        // First of all, so that nothing comes back meanwhile.
        self.tombstones.bury_author(request)?;
        let wraps = Prefix::tag('p', &request.pubkey.to_string());
        let kinds = index::kinds_of(&self.rows, &request.pubkey, usize::MAX)?;
        let written = kinds.into_iter().map(|kind| Prefix::author_kind(&request.pubkey, kind));
        let from = from.unwrap_or_default();
        for prefix in written.chain(wraps) {
            let (first, last) = prefix.range(0, request.created_at);
            // Rows of kinds come before those of tags, so one place says how far all of them are done.
            let mut next = first.max(from.clone());
            while let Some((row, victim)) = self.victim_from(&next, &last)? {
                let goes = self.event(victim)?.filter(|event| {
                    event.kind != Kind::VANISH && tombstones::vanishing(event).contains(&request.pubkey)
                });
                if !self.may_touch(1 + goes.as_ref().map_or(0, rows_of)) {
                    self.deleting.get_mut()?.insert(sequence, row.as_slice())?;
                    return Ok(());
                }
                if let Some(event) = goes {
                    self.remove(victim, &event)?;
                }
                next = [row.as_slice(), &[0]].concat();
            }
        }
        self.deleting.get_mut()?.remove(sequence)?;
        Ok(())
    }

    /// The first row of a range, and the sequence number in it.
    fn victim_from(&self, first: &[u8], last: &[u8]) -> Result<Option<(Vec<u8>, u64)>, redb::Error> {
        if first > last {
            return Ok(None);
        }
        let mut rows = self.rows.forwards(&(first.to_vec(), last.to_vec()))?;
        while let Some(row) = rows.next()? {
            if let Some((_, sequence)) = index::tail(row) {
                return Ok(Some((row.to_vec(), sequence)));
            }
        }
        Ok(None)
    }

    /// Takes so many rows of those that this transaction may touch; when they are not enough, nothing more is deleted in it.
    /// What is more than a whole portion is taken by the transaction that begins with it.
    const fn may_touch(&mut self, rows: usize) -> bool {
        if rows > self.deletion_rows && self.deletion_rows < PORTION_ROWS {
            self.deletion_rows = 0;
            return false;
        }
        self.deletion_rows = self.deletion_rows.saturating_sub(rows);
        true
    }
}

fn rows_of(event: &Event) -> usize {
    ROWS_OF_EVENT + index::index_rows(event, 0).len()
}
