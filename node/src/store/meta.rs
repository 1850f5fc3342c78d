//! Small things besides events: read markers of the owner, how far own nodes have told what they hold, and how far
//! mirrors have come.

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_core::OwnNodeCursor;
use nostrp2p_protocol::{Authority, Delegation, Event, EventId, PeerId, PublicKey};
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::{Store, record};

/// Name of a read marker -> up to which `created_at`, in seconds.
const MARKERS: TableDefinition<&str, u64> = TableDefinition::new("markers");
/// Another node of the owner -> which store it has, and the last sequence number that it has told.
const OWN_NODES: TableDefinition<&[u8; 32], (u64, u64)> = TableDefinition::new("siblings");

/// A mirror's address -> up to which sequence number it has the owner's events.
const SETTLED: TableDefinition<&str, u64> = TableDefinition::new("mirrors_settled");
/// A mirror's address -> up to which time, in seconds since 1970, what was wanted of it is here.
const CAUGHT_UP: TableDefinition<&str, u64> = TableDefinition::new("mirrors_caught_up");
/// A mirror's address -> the keys of those whose past was read there, one behind the other.
const PAST_READ: TableDefinition<&str, &[u8]> = TableDefinition::new("mirrors_past_read");
/// Events of the owner that some mirror has.
const GIVEN: TableDefinition<&[u8; 32], ()> = TableDefinition::new("mirrors_given");
/// An event of the owner and the address of a relay -> whether the relay has taken or refused it.
const RELAYED: TableDefinition<(&[u8; 32], &str), bool> = TableDefinition::new("mirrors_relayed");

/// Person and node -> the event by which the person has taken back the delegation of that node.
const REVOKED: TableDefinition<(&[u8; 32], &[u8; 32]), &[u8]> = TableDefinition::new("revoked");

/// Names that the owner has confirmed to be the node's own: `host` or `host:port`.
const OWN_NAMES: TableDefinition<&str, ()> = TableDefinition::new("own_names");

/// Sort and subject of a permission (see PROTOCOL.md, "Client and node") -> whether the owner has granted it.
const PERMISSIONS: TableDefinition<(u8, &str), bool> = TableDefinition::new("permissions");

/// Something to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaWrite {
    /// A read marker now stands here.
    Marker(String, u64),
    /// A read marker made room.
    NoMarker(String),
    /// An own node has told everything up to here.
    OwnNode(PeerId, OwnNodeCursor),
    /// This mirror has the owner's events up to this sequence number.
    Settled(String, u64),
    /// What was wanted of this mirror is here, up to this time in seconds since 1970.
    CaughtUp(String, u64),
    /// What these people wrote before was read at this mirror, and of nobody else.
    PastRead(String, BTreeSet<PublicKey>),
    /// A mirror has this event of the owner.
    Given(EventId),
    /// The relay with this address has taken or refused this event of the owner.
    Relayed(EventId, String, bool),
    /// Somebody has taken back a delegation.
    Revoked(Event),
    /// That somebody has taken back the delegation of this node need not be known any more.
    NotRevoked(PublicKey, PeerId),
    /// The owner says that this name is the node's own, or no longer.
    OwnName(Authority, bool),
    /// The owner has granted a permission or refused it, or takes the decision back.
    Permission {
        /// Which sort of thing.
        sort: u8,
        /// What.
        subject: String,
        /// The decision.
        granted: Option<bool>,
    },
}

/// Creates the tables that are missing.
pub(super) fn prepare(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.open_table(MARKERS)?;
    transaction.open_table(OWN_NODES)?;
    transaction.open_table(SETTLED)?;
    transaction.open_table(CAUGHT_UP)?;
    transaction.open_table(PAST_READ)?;
    transaction.open_table(GIVEN)?;
    transaction.open_table(RELAYED)?;
    transaction.open_table(REVOKED)?;
    transaction.open_table(OWN_NAMES)?;
    transaction.open_table(PERMISSIONS)?;
    Ok(())
}

/// Writes a note down.
pub(super) fn write(transaction: &WriteTransaction, note: &MetaWrite) -> Result<(), redb::Error> {
    match note {
        MetaWrite::Marker(name, until) => {
            drop(transaction.open_table(MARKERS)?.insert(name.as_str(), until)?)
        }
        MetaWrite::NoMarker(name) => drop(transaction.open_table(MARKERS)?.remove(name.as_str())?),
        MetaWrite::OwnNode(peer, OwnNodeCursor { store, after }) => {
            let row = (store.unwrap_or(0), *after);
            transaction.open_table(OWN_NODES)?.insert(peer.as_ed25519(), row)?;
        }
        MetaWrite::Settled(url, through) => {
            drop(transaction.open_table(SETTLED)?.insert(url.as_str(), through)?);
        }
        MetaWrite::CaughtUp(url, until) => {
            drop(transaction.open_table(CAUGHT_UP)?.insert(url.as_str(), until)?)
        }
        MetaWrite::PastRead(url, people) => {
            let keys: Vec<u8> = people.iter().flat_map(PublicKey::as_bytes).copied().collect();
            transaction.open_table(PAST_READ)?.insert(url.as_str(), keys.as_slice())?;
        }
        MetaWrite::Revoked(event) => {
            if let Some(peer) = nostrp2p_protocol::delegation::revoked(event) {
                let key = (event.pubkey.as_bytes(), peer.as_ed25519());
                transaction.open_table(REVOKED)?.insert(key, record::encode(event).as_slice())?;
            }
        }
        MetaWrite::NotRevoked(person, peer) => {
            drop(transaction.open_table(REVOKED)?.remove((person.as_bytes(), peer.as_ed25519()))?);
        }
        MetaWrite::OwnName(name, true) => {
            drop(transaction.open_table(OWN_NAMES)?.insert(name.to_string().as_str(), ())?);
        }
        MetaWrite::OwnName(name, false) => {
            drop(transaction.open_table(OWN_NAMES)?.remove(name.to_string().as_str())?);
        }
        MetaWrite::Permission { sort, subject, granted: Some(granted) } => {
            drop(transaction.open_table(PERMISSIONS)?.insert((*sort, subject.as_str()), granted)?);
        }
        MetaWrite::Permission { sort, subject, granted: None } => {
            drop(transaction.open_table(PERMISSIONS)?.remove((*sort, subject.as_str()))?);
        }
        MetaWrite::Given(id) => drop(transaction.open_table(GIVEN)?.insert(id.as_bytes(), ())?),
        MetaWrite::Relayed(id, relay, taken) => {
            drop(transaction.open_table(RELAYED)?.insert((id.as_bytes(), relay.as_str()), taken)?);
        }
    }
    Ok(())
}

impl Store {
    /// All read markers of the owner.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn markers(&self) -> Result<BTreeMap<String, u64>, redb::Error> {
        let markers = self.database.begin_read()?.open_table(MARKERS)?;
        let rows =
            markers.iter()?.map(|row| row.map(|(name, until)| (name.value().to_owned(), until.value())));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The names that the owner has confirmed.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn own_names(&self) -> Result<BTreeSet<Authority>, redb::Error> {
        let names = self.database.begin_read()?.open_table(OWN_NAMES)?;
        let names = names.iter()?.map(|row| row.map(|(name, _)| name.value().parse().ok()));
        Ok(names.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// What the owner has granted and refused: sort and subject, and whether it is granted.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn permissions(&self) -> Result<BTreeMap<(u8, String), bool>, redb::Error> {
        let permissions = self.database.begin_read()?.open_table(PERMISSIONS)?;
        let rows = permissions.iter()?.map(|row| {
            row.map(|(key, granted)| {
                let (sort, subject) = key.value();
                ((sort, subject.to_owned()), granted.value())
            })
        });
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How far a mirror has come: the last [`MetaWrite::Settled`] and the last [`MetaWrite::CaughtUp`], 0 before the first.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn mirror(&self, url: &str) -> Result<(u64, u64), redb::Error> {
        let transaction = self.database.begin_read()?;
        let settled = transaction.open_table(SETTLED)?.get(url)?.map_or(0, |row| row.value());
        let caught_up = transaction.open_table(CAUGHT_UP)?.get(url)?.map_or(0, |row| row.value());
        Ok((settled, caught_up))
    }

    /// Whose past was read at a mirror: the last [`MetaWrite::PastRead`]; None before the first.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn past_read(&self, url: &str) -> Result<Option<BTreeSet<PublicKey>>, redb::Error> {
        let read = self.database.begin_read()?.open_table(PAST_READ)?;
        let keys = read.get(url)?;
        Ok(keys.map(|keys| {
            let (keys, _) = keys.value().as_chunks::<32>();
            keys.iter().map(|key| PublicKey::from_bytes(*key)).collect()
        }))
    }

    /// Whether some mirror has the event with this id, in hex. What cannot be read was not given.
    pub fn was_given(&self, id: &str) -> bool {
        let Ok(id) = id.parse::<EventId>() else { return false };
        let given = || {
            let given = self.database.begin_read()?.open_table(GIVEN)?;
            Ok::<_, redb::Error>(given.get(id.as_bytes())?.is_some())
        };
        given().unwrap_or_default()
    }

    /// Which relays have taken an event of the owner, and which have refused it.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn relayed(&self, id: &EventId) -> Result<BTreeMap<String, bool>, redb::Error> {
        let relayed = self.database.begin_read()?.open_table(RELAYED)?;
        let mut relays = BTreeMap::new();
        for row in relayed.range((id.as_bytes(), "")..)? {
            let (key, taken) = row?;
            let (event, relay) = key.value();
            if event != id.as_bytes() {
                break;
            }
            relays.insert(relay.to_owned(), taken.value());
        }
        Ok(relays)
    }

    /// The delegations that people have taken back, as far as that still matters.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn revoked(&self) -> Result<Vec<Delegation>, redb::Error> {
        let revoked = self.database.begin_read()?.open_table(REVOKED)?;
        let mut words = Vec::new();
        for row in revoked.iter()? {
            let event = record::decode(row?.1.value());
            words.extend(event.and_then(|event| Delegation::from_event(event).ok()));
        }
        Ok(words)
    }

    /// How far each own node has told what it holds.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn own_nodes(&self) -> Result<Vec<(PeerId, OwnNodeCursor)>, redb::Error> {
        let own_nodes = self.database.begin_read()?.open_table(OWN_NODES)?;
        let rows = own_nodes.iter()?.map(|row| {
            row.map(|(peer, row)| {
                let (store, after) = row.value();
                (PeerId::from_ed25519(*peer.value()), OwnNodeCursor { store: Some(store), after })
            })
        });
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{SecretKey, delegation};

    use super::*;
    use crate::store::tests::open;

    #[tokio::test]
    async fn what_people_have_taken_back_is_known_after_a_restart_until_it_need_not_be() {
        let directory = tempfile::tempdir().unwrap();
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let [lost, sold] = [1, 2].map(|number| PeerId::from_ed25519([number; 32]));
        let (store, writer) = open(directory.path());
        for peer in [lost, sold] {
            let revocation = delegation::ended(&peer, crate::clock::now()).sign(&key, &[0; 32]);
            writer.note(MetaWrite::Revoked(revocation)).await;
        }
        writer.settle().await.unwrap();
        let revoked = |store: &Store| -> BTreeSet<(PublicKey, PeerId, bool)> {
            let words = store.revoked().unwrap();
            words.iter().map(|word| (word.owner(), word.peer(), word.is_revocation())).collect()
        };
        let row = |peer| (key.public_key(), peer, true);
        assert_eq!(revoked(&store), [row(lost), row(sold)].into());
        writer.close();
        drop(store);

        let (store, writer) = open(directory.path());
        assert_eq!(revoked(&store), [row(lost), row(sold)].into());
        writer.note(MetaWrite::NotRevoked(key.public_key(), sold)).await;
        writer.close();
        drop(store);
        let (store, writer) = open(directory.path());
        assert_eq!(revoked(&store), [row(lost)].into());
        writer.close();
    }
}
