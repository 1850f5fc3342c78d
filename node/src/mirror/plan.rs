//! Decides which relays the node talks to, and in which direction: by settings first, then by relay lists (NIP-65).

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_protocol::{Event, Filter, Kind, PublicKey, limits::MAX_BATCH_EVENTS};

use super::NamedMirrors;
use crate::relay_url::{foreign_relay_url, relay_url};
use crate::store::{Asked, Store};

/// Relay lists of NIP-65.
pub(super) const RELAY_LIST: Kind = Kind(10_002);
/// Relays for direct messages of NIP-17.
const MESSAGE_RELAYS: Kind = Kind(10_050);
/// Most relays of the owner's list that are used.
const MAX_OWN: usize = 10;
/// Most relays that are used only to read what people write.
const MAX_READ: usize = 8;

/// The purpose of a relay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Role {
    /// The owner's events go there.
    pub(super) out: bool,
    /// The owner named it, so the status shows it.
    pub(super) own: bool,
    /// The owner's direct messages are there (NIP-17).
    pub(super) mail: bool,
    /// It is here because somebody reads there whom the owner has answered: only events for the owner are read from
    /// it.
    pub(super) answers_only: bool,
}

impl Role {
    /// The role of a relay that the owner has named in the settings.
    const NAMED: Self = Self { out: true, own: true, mail: false, answers_only: false };
    /// The role of a relay on the owner's lists from which the node only reads.
    const READ: Self = Self { out: false, ..Self::NAMED };
}

/// The people whom the owner follows.
pub(super) fn followed(store: &Store, owner: &PublicKey) -> Result<BTreeSet<PublicKey>, redb::Error> {
    let list = newest(store, Kind::FOLLOW_LIST, &[*owner].into())?.into_iter().next();
    Ok(list.iter().flat_map(|list| list.tag_values("p")).filter_map(|person| person.parse().ok()).collect())
}

/// The relays and their roles.
pub(super) fn relays(
    store: &Store,
    wanted: &NamedMirrors,
    owner: &PublicKey,
    strangers: &BTreeSet<PublicKey>,
) -> Result<BTreeMap<String, Role>, redb::Error> {
    let mut relays: BTreeMap<String, Role> =
        wanted.named.iter().map(|url| (url.clone(), Role::NAMED)).collect();
    let for_mail = newest(store, MESSAGE_RELAYS, &[*owner].into())?;
    let for_mail: Vec<&str> =
        for_mail.iter().flat_map(|list| list.tag_values("relay")).take(MAX_OWN).collect();
    if !wanted.lists {
        name_for_mail(&mut relays, &for_mail);
        return Ok(relays);
    }
    for list in newest(store, RELAY_LIST, &[*owner].into())? {
        for (url, marker) in entries(&list).take(MAX_OWN) {
            let role = relays.entry(url).or_insert(Role::READ);
            role.out |= marker != Some("read");
        }
    }
    for url in for_mail.iter().filter_map(|url| foreign_relay_url(url)) {
        relays.entry(url).or_insert(Role { mail: true, ..Role::READ });
    }
    name_for_mail(&mut relays, &for_mail);
    let lists = newest(store, RELAY_LIST, strangers)?;
    let mut uncovered: Vec<BTreeSet<String>> = lists
        .iter()
        .map(|list| entries(list).filter(|(_, marker)| *marker != Some("read")).map(|(url, _)| url).collect())
        .filter(|urls: &BTreeSet<String>| {
            !urls.is_empty() && !urls.iter().any(|url| relays.contains_key(url))
        })
        .collect();
    // The relay where most of them write, then that where most of the rest do, and so on.
    for _ in 0..MAX_READ {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        uncovered.iter().flatten().for_each(|url| *counts.entry(url).or_default() += 1);
        let Some((best, _)) = counts.into_iter().max_by_key(|(url, count)| (*count, std::cmp::Reverse(*url)))
        else {
            break;
        };
        let best = best.clone();
        uncovered.retain(|urls| !urls.contains(&best));
        relays.insert(best, Role::default());
    }
    Ok(relays)
}

/// Notes at which of the relays the owner's direct messages are.
fn name_for_mail(relays: &mut BTreeMap<String, Role>, for_mail: &[&str]) {
    for url in for_mail.iter().filter_map(|url| relay_url(url).ok()) {
        if let Some(role) = relays.get_mut(&url) {
            role.mail = true;
        }
    }
}

/// The relays of a list, each with its marker.
pub(super) fn entries(list: &Event) -> impl Iterator<Item = (String, Option<&str>)> {
    let relays = list.tags.iter().filter(|tag| tag.name() == "r");
    relays
        .filter_map(|tag| Some((foreign_relay_url(tag.value()?)?, tag.elements().get(2).map(String::as_str))))
}

/// The people of whom the store has no profile.
pub(super) fn lacking(
    store: &Store,
    mut people: BTreeSet<PublicKey>,
) -> Result<BTreeSet<PublicKey>, redb::Error> {
    for profile in newest(store, Kind::PROFILE, &people)? {
        people.remove(&profile.pubkey);
    }
    Ok(people)
}

/// The newest version of each author.
pub(super) fn newest(
    store: &Store,
    kind: Kind,
    authors: &BTreeSet<PublicKey>,
) -> Result<Vec<Event>, redb::Error> {
    let authors: Vec<PublicKey> = authors.iter().copied().collect();
    let mut found = Vec::new();
    // An answer has as many events as this.
    for authors in authors.chunks(MAX_BATCH_EVENTS) {
        let authors = Some(authors.iter().copied().collect());
        let filter = Filter { authors, kinds: Some([kind].into()), ..Filter::default() };
        for picked in store.select(&[Asked { filter: &filter, also: &|_| true }])?.picked {
            // What the answer did not keep in memory is read again.
            found.extend(picked.event.map_or_else(|| store.event(picked.sequence), |event| Ok(Some(event)))?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, SecretKey, Tag};

    use super::*;
    use crate::store::{Propagation, Retention};

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32]).unwrap()
    }

    #[tokio::test]
    async fn lists_say_where_people_write_and_few_relays_cover_many_people() {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        let put = async |author: u8, kind: u16, tags: &[&[&str]]| {
            let tags = tags.iter().map(|tag| Tag::new(tag.iter().copied())).collect();
            let draft = EventTemplate { created_at: 1, kind: Kind(kind), tags, content: String::new() };
            writer
                .commit(draft.sign(&key(author), &[0; 32]), Propagation::Done)
                .await
                .await
                .unwrap()
                .unwrap();
        };
        let people: BTreeSet<PublicKey> = (2..8).map(|person| key(person).public_key()).collect();
        let names: Vec<String> = people.iter().map(ToString::to_string).collect();
        let tags: Vec<[&str; 2]> = names.iter().map(|name| ["p", name.as_str()]).collect();
        put(1, 3, &tags.iter().map(<[&str; 2]>::as_slice).collect::<Vec<_>>()).await;
        put(1, 10_002, &[&["r", "wss://mine.example", "write"], &["r", "wss://inbox.example", "read"]]).await;
        for person in 2..6 {
            put(
                person,
                10_002,
                &[&["r", "wss://big.example"], &["r", &format!("wss://own{person}.example")]],
            )
            .await;
        }
        put(1, 10_050, &[&["relay", "wss://named.example"], &["relay", "wss://letters.example"]]).await;
        put(6, 10_002, &[&["r", "wss://mine.example"]]).await;
        put(7, 10_002, &[&["r", "wss://reads.example", "read"], &["r", "ws://192.168.1.1"]]).await;

        let owner = key(1).public_key();
        assert_eq!(followed(&store, &owner).unwrap(), people);
        let named = vec!["wss://named.example".to_owned()];
        let with =
            |lists| relays(&store, &NamedMirrors { named: named.clone(), lists }, &owner, &people).unwrap();
        let both = Role::NAMED;
        let with_mail = Role { mail: true, ..both };
        assert_eq!(with(false), [(named[0].clone(), with_mail)].into());
        let expected = [
            ("wss://big.example", Role::default()),
            ("wss://inbox.example", Role { out: false, ..both }),
            ("wss://letters.example", Role { out: false, ..with_mail }),
            ("wss://mine.example", both),
            ("wss://named.example", with_mail),
        ];
        assert_eq!(with(true), expected.map(|(url, role)| (url.to_owned(), role)).into());
        writer.close();
    }
}
