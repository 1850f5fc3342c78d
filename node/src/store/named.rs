//! What another event names by id or address: the targets of a deletion, what is reposted or quoted.

use std::collections::BTreeSet;

use nostrp2p_protocol::event_policy::{References, Target, address_of};

use super::{
    Store, ids,
    index::{self, Prefix},
    record::living,
    rows::FindRows,
    tables::{EVENTS, MIRRORED},
};

impl Store {
    /// The stored events with these ids and at these addresses, each with whether only a relay has brought it.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(crate) fn named(&self, references: &References) -> Result<Vec<Target>, redb::Error> {
        let snapshot = self.database.snapshot()?;
        let rows = snapshot.rows();
        let (events, mirrored) = (snapshot.open_table(EVENTS)?, snapshot.open_table(MIRRORED)?);
        let mut sequences = BTreeSet::new();
        for id in &references.ids {
            sequences.extend(ids::find(rows, &events, id)?.map(|sequence| (sequence, None)));
        }
        for address in &references.addresses {
            let mut rows = rows.forwards(&Prefix::address(address).range(0, u64::MAX))?;
            while let Some(row) = rows.next()? {
                sequences.extend(index::tail(row).map(|(_, sequence)| (sequence, Some(address))));
            }
        }
        let mut found = Vec::new();
        for (sequence, address) in sequences {
            let event = events.get(sequence)?.and_then(|record| living(record.value(), self.time().now()));
            // Two addresses may have the same row.
            let event = event.filter(|event| address.is_none() || address_of(event).as_ref() == address);
            if let Some(event) = event {
                let on_a_relay = mirrored.get(sequence)?.is_some();
                found.push(Target { unsigned: event.into_rumor(), on_a_relay });
            }
        }
        Ok(found)
    }
}
