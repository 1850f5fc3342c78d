//! Decides to which relays of other people the owner's answers go: those where a person reads (NIP-65) who is named
//! in an answer and has no node on the overlay.
//!
//! The author of such a list chooses the relays, so everything is bounded: only addresses with TLS and a public name,
//! and so many for each person, each event and altogether. docs/mirrors.md, "People who read elsewhere".

use std::collections::{BTreeMap, BTreeSet};

use nostrp2p_bridge::mirror::is_offered;
use nostrp2p_protocol::{
    Authority, Event, EventId, Filter, Kind, PublicKey,
    event_policy::{is_addressed_to, named_people},
};

use super::plan::{RELAY_LIST, Role, entries, newest};
use crate::store::Store;

/// How long a relay is tried, and listened to for answers, in seconds: 3.5 days, as long as a private event waits.
const TRIED_SECONDS: u64 = 302_400;
/// Newest events of the owner that are looked at.
const MAX_EVENTS: u32 = 200;
/// People in them whose lists are read.
const MAX_PEOPLE: usize = 500;
/// Relays of one person.
const RELAYS_OF_A_PERSON: usize = 4;
/// Relays for one event.
const RELAYS_OF_AN_EVENT: usize = 8;
/// Relays that take or refuse one event in all its time. A person who changes the list again and again is sent it at no
/// more, and the rows that say who has it stay so few.
const RELAYS_EVER: usize = 16;
/// Relays at a time, those of the newest events: each is a connection, or attempts at one.
const MAX_RELAYS: usize = 16;

/// The owner's events that each relay is to have, by its address.
pub(crate) type Addressed = BTreeMap<String, Vec<EventId>>;

/// The owner's latest events that mirrors may be given and that name somebody, or delete something, the newest first.
pub(super) fn candidates(store: &Store, owner: &PublicKey, now: u64) -> Result<Vec<Event>, redb::Error> {
    let latest = Filter {
        authors: Some([*owner].into()),
        since: Some(now.saturating_sub(TRIED_SECONDS)),
        limit: Some(MAX_EVENTS),
        ..Filter::default()
    };
    let mut events = store.find(&[latest])?.events;
    events.retain(|event| {
        is_offered(event, owner, |id| store.was_given(id))
            && (event.kind == Kind::DELETION || !addressees(event, owner).is_empty())
    });
    Ok(events)
}

/// The people to whom these events are addressed.
pub(super) fn people(events: &[Event], owner: &PublicKey) -> BTreeSet<PublicKey> {
    events.iter().flat_map(|event| addressees(event, owner)).take(MAX_PEOPLE).collect()
}

fn addressees(event: &Event, owner: &PublicKey) -> Vec<PublicKey> {
    let mut people = named_people(event);
    people.remove(owner);
    people.into_iter().filter(|person| is_addressed_to(event, person)).collect()
}

/// Divides events among the relays where these people read. `is_own` says whether a name is this node's.
///
/// # Errors
/// When the disk cannot be read.
pub(super) fn addressed(
    store: &Store,
    owner: &PublicKey,
    events: &[Event],
    strangers: &BTreeSet<PublicKey>,
    is_own: impl Fn(&Authority) -> bool,
) -> Result<Addressed, redb::Error> {
    let reads_at: BTreeMap<PublicKey, Vec<String>> = newest(store, RELAY_LIST, strangers)?
        .into_iter()
        .map(|list| (list.pubkey, readable(&list, &is_own)))
        .collect();
    let mut addressed = Addressed::new();
    for event in events {
        let relays: BTreeSet<String> = if event.kind == Kind::DELETION {
            takers(store, event)?
        } else {
            let of_people = addressees(event, owner).into_iter().filter_map(|person| reads_at.get(&person));
            in_turn(of_people.map(Vec::as_slice).collect())
        };
        let answered = store.relayed(&event.id())?;
        let may_be_asked =
            |relay: &String| answered.len() < RELAYS_EVER || answered.contains_key(relay.as_str());
        for relay in relays.into_iter().filter(may_be_asked).take(RELAYS_OF_AN_EVENT) {
            if addressed.len() < MAX_RELAYS || addressed.contains_key(&relay) {
                addressed.entry(relay).or_default().push(event.id());
            }
        }
    }
    Ok(addressed)
}

/// The relays of a list where its author reads.
fn readable(list: &Event, is_own: impl Fn(&Authority) -> bool) -> Vec<String> {
    let read = entries(list).filter(|(_, marker)| *marker != Some("write")).map(|(url, _)| url);
    let is_own = |url: &str| {
        let authority = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
        authority.is_some_and(|authority| is_own(&authority))
    };
    let mut urls: Vec<String> = Vec::new();
    for url in read.filter(|url| !is_own(url)) {
        if urls.len() == RELAYS_OF_A_PERSON {
            break;
        }
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// The first relay of each person, then the second ones, so that one person's list leaves room for the others'.
fn in_turn(lists: Vec<&[String]>) -> BTreeSet<String> {
    let mut relays = BTreeSet::new();
    for place in 0..RELAYS_OF_A_PERSON {
        for url in lists.iter().filter_map(|urls| urls.get(place)) {
            if relays.len() < RELAYS_OF_AN_EVENT {
                relays.insert(url.clone());
            }
        }
    }
    relays
}

/// The relays that have taken what is deleted.
fn takers(store: &Store, deletion: &Event) -> Result<BTreeSet<String>, redb::Error> {
    let mut relays = BTreeSet::new();
    for target in deletion.tag_values("e").filter_map(|id| id.parse().ok()).take(RELAYS_OF_AN_EVENT) {
        let taken = store.relayed(&target)?.into_iter().filter(|(_, taken)| *taken);
        relays.extend(taken.map(|(relay, _)| relay));
    }
    Ok(relays)
}

/// Has the plan hold the relays of these events: those that get all events anyway do not need them by themselves.
pub(super) fn add_to(relays: &mut BTreeMap<String, Role>, addressed: &mut Addressed) {
    addressed.retain(|url, _| !relays.get(url).is_some_and(|role| role.out));
    for url in addressed.keys() {
        relays.entry(url.clone()).or_insert(Role { answers_only: true, ..Role::default() });
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, SecretKey, Tag, event_policy::everyone_tag};

    use super::*;
    use crate::{
        clock,
        store::{MetaWrite, Propagation, Retention, Writer},
    };

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32]).unwrap()
    }

    fn person(byte: u8) -> PublicKey {
        key(byte).public_key()
    }

    fn signed(author: u8, kind: u16, tags: Vec<Tag>) -> Event {
        EventTemplate { created_at: clock::now(), kind: Kind(kind), tags, content: String::new() }
            .sign(&key(author), &[0; 32])
    }

    /// An answer to these people, for everyone or for them alone.
    fn answer(kind: u16, people: &[u8], everyone: bool) -> Event {
        let tags = people.iter().map(|byte| Tag::new(["p", &person(*byte).to_string()]));
        signed(1, kind, tags.chain(everyone.then(everyone_tag)).collect())
    }

    fn list(author: u8, relays: &[(&str, &str)]) -> Event {
        let tags = relays.iter().map(|(url, marker)| {
            if marker.is_empty() { Tag::new(["r", url]) } else { Tag::new(["r", url, marker]) }
        });
        signed(author, 10_002, tags.collect())
    }

    async fn store_of(events: &[&Event]) -> (tempfile::TempDir, Store, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let (store, writer) = Store::open(directory.path(), Retention::EVERYTHING).unwrap();
        for event in events {
            writer.commit((*event).clone(), Propagation::Done).await.await.unwrap().unwrap();
        }
        (directory, store, writer)
    }

    fn plan(store: &Store, strangers: &[u8]) -> Addressed {
        let (owner, own): (_, Authority) = (person(1), "mine.example".parse().unwrap());
        let events = candidates(store, &owner, clock::now()).unwrap();
        let strangers = people(&events, &owner)
            .intersection(&strangers.iter().map(|byte| person(*byte)).collect())
            .copied()
            .collect();
        addressed(store, &owner, &events, &strangers, |name| *name == own).unwrap()
    }

    #[tokio::test]
    async fn what_is_for_everyone_goes_where_those_read_who_are_named_and_have_no_node() {
        let to_ada =
            [answer(1, &[2], true), answer(7, &[2], true), answer(6, &[2], false), answer(1111, &[2], true)];
        let private = [answer(1, &[2], false), answer(7, &[2], false), signed(1, 1, vec![])];
        let follows = answer(3, &[2], false);
        let to_bob = answer(1, &[3], true);
        let ada = list(
            2,
            &[("wss://reads.example", "read"), ("wss://writes.example", "write"), ("wss://both.example", "")],
        );
        let bob = list(3, &[("wss://bob.example", "")]);
        let others = [&follows, &to_bob, &ada, &bob];
        let all: Vec<&Event> = to_ada.iter().chain(&private).chain(others).collect();
        let (_directory, store, _writer) = store_of(&all).await;
        let plan = plan(&store, &[2]);
        let urls: Vec<&str> = plan.keys().map(String::as_str).collect();
        assert_eq!(urls, ["wss://both.example", "wss://reads.example"], "Bob has a node");
        let expected: BTreeSet<EventId> = to_ada.iter().map(Event::id).collect();
        for ids in plan.values() {
            assert_eq!(ids.iter().copied().collect::<BTreeSet<_>>(), expected);
        }
    }

    #[tokio::test]
    async fn a_list_of_a_thousand_relays_of_private_addresses_or_of_this_node_brings_about_four_connections_at_most()
     {
        let many: Vec<String> = (0..1_000).map(|number| format!("wss://r{number}.example")).collect();
        let bad = [
            "wss://192.168.1.1",
            "ws://plain.example",
            "wss://localhost",
            "wss://mine.example",
            "wss://nas.local",
            "nonsense",
        ];
        let relays: Vec<(&str, &str)> =
            bad.into_iter().chain(many.iter().map(String::as_str)).map(|url| (url, "")).collect();
        let lists: Vec<Event> = (2..8).map(|author| list(author, &relays)).collect();
        let lone = answer(1, &[2], true);
        let all: Vec<&Event> = lists.iter().chain([&lone]).collect();
        let (_directory, store, writer) = store_of(&all).await;
        let four = ["wss://r0.example", "wss://r1.example", "wss://r2.example", "wss://r3.example"];
        assert_eq!(plan(&store, &[2]).keys().collect::<Vec<_>>(), four);

        // Forty people, each with relays of their own, in ten answers: eight relays for an event, 16 altogether.
        let mut events = Vec::new();
        for author in 10..50 {
            let own: Vec<String> = (0..9).map(|number| format!("wss://a{author}n{number}.example")).collect();
            events.push(list(author, &own.iter().map(|url| (url.as_str(), "")).collect::<Vec<_>>()));
        }
        events.extend((0..10).map(|number| {
            answer(1, &[10 + number * 4, 11 + number * 4, 12 + number * 4, 13 + number * 4], true)
        }));
        for event in events {
            writer.commit(event, Propagation::Done).await.await.unwrap().unwrap();
        }
        let all: Vec<u8> = (2..50).collect();
        let plan = plan(&store, &all);
        assert_eq!(plan.len(), MAX_RELAYS);
        let mut by_event: BTreeMap<EventId, usize> = BTreeMap::new();
        plan.values().flatten().for_each(|id| *by_event.entry(*id).or_default() += 1);
        assert!(by_event.values().all(|count| *count <= RELAYS_OF_AN_EVENT), "{by_event:?}");
    }

    #[tokio::test]
    async fn whoever_changes_the_list_again_and_again_is_sent_an_event_at_sixteen_relays_in_all() {
        let event = answer(1, &[2], true);
        let new = list(2, &[("wss://r15.example", ""), ("wss://another.example", "")]);
        let (_directory, store, writer) = store_of(&[&event, &new]).await;
        for number in 0..RELAYS_EVER - 1 {
            let relay = format!("wss://r{number}.example");
            writer.note(MetaWrite::Relayed(event.id(), relay, number.is_multiple_of(2))).await;
        }
        writer.settle().await.unwrap();
        assert_eq!(plan(&store, &[2]).len(), 2);
        writer.note(MetaWrite::Relayed(event.id(), "wss://r15.example".into(), true)).await;
        writer.settle().await.unwrap();
        assert_eq!(plan(&store, &[2]).into_keys().collect::<Vec<_>>(), ["wss://r15.example"]);
    }

    #[tokio::test]
    async fn a_deletion_goes_to_the_relays_that_have_taken_what_it_deletes() {
        let gone = answer(1, &[2], true);
        let deletion = signed(1, 5, vec![Tag::new(["e", &gone.id().to_string()])]);
        let (_directory, store, writer) = store_of(&[&deletion]).await;
        assert_eq!(plan(&store, &[2]), Addressed::new());
        writer.note(MetaWrite::Given(gone.id())).await;
        writer.note(MetaWrite::Relayed(gone.id(), "wss://took.example".into(), true)).await;
        writer.note(MetaWrite::Relayed(gone.id(), "wss://refused.example".into(), false)).await;
        writer.settle().await.unwrap();
        assert_eq!(plan(&store, &[2]), [("wss://took.example".to_owned(), vec![deletion.id()])].into());
    }
}
