//! What another event names by id or address: the targets of a deletion, what is reposted or quoted.

use std::collections::BTreeSet;

use nostrp2p_protocol::event_policy::{References, Target, address_of};

use super::{
    Store,
    ids::{self, IDS},
    index::{self, Prefix},
    read::living,
    tables::{EVENTS, INDEX, MIRRORED},
};

impl Store {
    /// The stored events with these ids and at these addresses, each with whether only a relay has brought it.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(crate) fn named(&self, references: &References) -> Result<Vec<Target>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let (by_id, index) = (transaction.open_table(IDS)?, transaction.open_table(INDEX)?);
        let (events, mirrored) = (transaction.open_table(EVENTS)?, transaction.open_table(MIRRORED)?);
        let mut sequences = BTreeSet::new();
        for id in &references.ids {
            sequences.extend(ids::find(&by_id, &events, id)?.map(|sequence| (sequence, None)));
        }
        for address in &references.addresses {
            let (first, last) = Prefix::address(address).range(0, u64::MAX);
            for row in index.range(first.as_slice()..=last.as_slice())? {
                sequences.extend(index::tail(row?.0.value()).map(|(_, sequence)| (sequence, Some(address))));
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
