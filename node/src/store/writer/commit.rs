//! One commit: the writes of a group, and what is to be done besides.

use nostrp2p_core::{DeliveryKey, DeliveryState, Inserted, Mark, Propagation};
use nostrp2p_protocol::Event;
use redb::Durability;

use super::{
    super::{
        Retention,
        deleting::HASTY_ROWS,
        disk::Disk,
        loads::Loads,
        mailbox::Rank,
        meta,
        origin::{Door, Origin},
        owner,
        shared::HourCounts,
        sweep::{self, SweepPosition},
        write::{Finished, PORTION_ROWS, Tables},
    },
    Write,
};

/// What one commit hands to the next, as it is on the disk; a failure forgets it.
#[derive(Default)]
pub(super) struct Memory {
    counts: HourCounts,
    loads: Option<Loads>,
    full_for: Option<Rank>,
    brought: Option<u64>,
}

/// What a commit does besides its writes.
pub(super) struct Work<'a> {
    /// Whether it has to be durable.
    pub(super) urgent: bool,
    pub(super) retention: Retention,
    pub(super) sweep: Option<&'a mut SweepPosition>,
    /// Whether it goes on with deletions that are under way.
    pub(super) going_on: bool,
    /// So many rows at least go from memory into their table.
    pub(super) moved: usize,
}

/// Makes everything durable, so that the next start has nothing to make good.
pub(super) fn close(database: &Disk) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    let mut tables = Tables::open(&transaction, &database.memtables())?;
    tables.note_time(database.time().now())?;
    tables.close()?;
    Ok(transaction.commit()?)
}

/// Commits a group: durably if that is urgent or reserved numbers ran out, else so that everybody can read it.
pub(super) fn commit(
    database: &Disk,
    group: &[Write],
    Work { urgent, retention, sweep, going_on, moved }: Work<'_>,
    memory: &mut Memory,
) -> Result<(Finished, Vec<Inserted>), redb::Error> {
    let Memory { counts, loads, full_for, brought } = std::mem::take(memory);
    database.check_file().map_err(redb::Error::Io)?;
    let now = database.time().now();
    let memtables = database.memtables();
    let mut transaction = database.begin_write()?;
    let mut inserted = Vec::new();
    let (remembered, finished) = {
        let mut tables = Tables::open(&transaction, &memtables)?;
        tables.note_time(now)?;
        tables.bounds = retention;
        (tables.shared.counts, tables.loads) = (counts, loads);
        (tables.mailbox.full_for, tables.mailbox.brought) = (full_for, brought);
        let awaited = group.iter().any(Write::is_awaited);
        tables.deletion_rows = if awaited { HASTY_ROWS } else { PORTION_ROWS };
        if going_on {
            tables.deletion_rows = PORTION_ROWS;
            tables.go_on_deleting()?;
        }
        for write in group {
            match write {
                Write::Event(event, _, propagation) => {
                    inserted.push(insert(&mut tables, event, propagation, now)?)
                }
                Write::Sent(sequence) => tables.mark_sent(*sequence)?,
                Write::Delivery(address, row) => tables.record(*address, *row)?,
                Write::MetaWrite(note) => meta::write(&transaction, note)?,
                Write::Owner(owner, _) => owner::set(&transaction, &mut tables, owner, now)?,
                Write::Settle(_) => {}
                #[cfg(test)]
                Write::Panic => panic!("the writer on purpose"),
            }
        }
        if let Some(place) = sweep {
            sweep::sweep(&mut tables, retention, now, place)?;
        }
        let (counts, loads) = (std::mem::take(&mut tables.shared.counts), tables.loads.take());
        let (full_for, brought) = (tables.mailbox.full_for, tables.mailbox.brought);
        (Memory { counts, loads, full_for, brought }, tables.finish(&memtables, urgent, moved)?)
    };
    if !finished.durable {
        transaction.set_durability(Durability::None)?;
    }
    // Others chose what such a commit holds, so it does not rely on a checksum that they could meet. Somebody who waits
    // would wait twice as long (docs/measurements.md).
    transaction.set_two_phase_commit(!group.iter().any(Write::is_awaited));
    transaction.commit()?;
    memtables.committed();
    *memory = remembered;
    Ok((finished, inserted))
}

/// Stores an event and writes down where it comes from and where it has to go.
fn insert(
    tables: &mut Tables<'_>,
    event: &Event,
    propagation: &Propagation,
    now: u64,
) -> Result<Inserted, redb::Error> {
    let stored = tables.insert(event, &origin_of(propagation), now)?;
    if let Inserted::New(sequence) = stored {
        match propagation {
            Propagation::Mirrored(relay) | Propagation::Restored(Mark::Mirrored(relay)) => {
                tables.mark_mirrored(sequence, relay)?;
            }
            Propagation::Ahead => tables.mark_unsent(sequence)?,
            Propagation::To(people, since) => {
                if event.statement.is_some() {
                    tables.mark_unsent(sequence)?;
                }
                for person in people {
                    tables.record(DeliveryKey { sequence, person: *person }, DeliveryState::new(*since))?;
                }
            }
            Propagation::Done
            | Propagation::Handed(_)
            | Propagation::Brought(_)
            | Propagation::OwnNode
            | Propagation::Restored(_)
            | Propagation::Shared => {}
        }
    }
    Ok(stored)
}

/// By what door an event has come.
fn origin_of(propagation: &Propagation) -> Origin {
    match propagation {
        Propagation::Done => Origin::by(Door::Asked),
        Propagation::Handed(sender) => Origin { door: Door::Asked, sender: Some(*sender) },
        Propagation::Brought(sender) => Origin { door: Door::Inbox, sender: Some(*sender) },
        Propagation::OwnNode => Origin::by(Door::OwnNode),
        Propagation::Restored(mark) => Origin::by(Door::Restored { shared: *mark == Mark::Shared }),
        Propagation::Shared => Origin::by(Door::Overlay),
        Propagation::Mirrored(_) => Origin::by(Door::Mirror),
        Propagation::Ahead => Origin::by(Door::Owner { shared: true }),
        Propagation::To(..) => Origin::by(Door::Owner { shared: false }),
    }
}
