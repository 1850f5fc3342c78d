//! Answers to other nodes' fetch requests, read from the store.

use std::{collections::BTreeSet, sync::LazyLock};

use nostrp2p_core::OwnNodeCursor;
use nostrp2p_protocol::{
    Event, Filter, Kind, PublicKey, UnsignedEvent, UnverifiedEvent,
    event_policy::{References, Target, is_for_own_nodes, is_public, is_repost, public_kinds, references},
    limits::MAX_BATCH_EVENTS,
    rpc::{Found, OwnPage, Reads},
};

use crate::store::{ANSWER_BYTES, Reading, Store, bulk};

/// Kinds of which strangers may see something.
pub(crate) static PUBLIC: LazyLock<BTreeSet<Kind>> = LazyLock::new(public_kinds);

/// Most events of an answer to a stranger: a page of posts.
const MAX_EVENTS: u32 = 100;
/// Events that fill a page for another node of the owner.
const PAGE_EVENTS: usize = 200;
/// Bytes of content and tags that fill a page for another node of the owner; only one long list makes it longer.
const PAGE_BYTES: usize = 256 * 1024;
/// Batches of the store that are looked through for one page.
const PAGE_BATCHES: usize = 10;

/// Answers [`nostrp2p_protocol::rpc::RpcRequest::Events`]: public events alone, the newest first; long lists,
/// and what is public by a statement, if the asking node reads them.
pub(crate) fn public(
    store: &Store,
    filters: &[Filter],
    reads: Reads,
    reading: &mut Reading<'_>,
) -> Result<Vec<u8>, redb::Error> {
    let bounded: Vec<Filter> = filters
        .iter()
        .map(|filter| Filter {
            limit: Some(filter.limit.map_or(MAX_EVENTS, |limit| limit.min(MAX_EVENTS))),
            ..filter.clone()
        })
        .collect();
    let is_read = |event: &Event| {
        (reads >= Reads::LongLists || !event.is_long())
            && (reads >= Reads::Statements || event.statement.is_none())
    };
    let found = store.find_within(&bounded, |event| is_public(event) && is_read(event), reading)?;
    Ok(Found { events: found.events.into_iter().map(plain).collect() }.encode())
}

/// Answers [`nostrp2p_protocol::rpc::RpcRequest::Own`]; long lists and statements are left out unless the asking
/// node reads them.
pub(crate) fn own_page(
    store: &Store,
    owner: Option<PublicKey>,
    cursor: OwnNodeCursor,
    reads: Reads,
    reading: &mut Reading<'_>,
) -> Result<Vec<u8>, redb::Error> {
    let mut through = store.resume(cursor)?;
    let (mut events, mut bytes, mut newest) = (Vec::new(), 0, through);
    for _ in 0..PAGE_BATCHES {
        let batch = store.after(through)?;
        newest = batch.newest;
        let afforded = reading.charge(batch.events.len());
        let wanted = |event: &Event| is_own(event, owner) && (reads >= Reads::LongLists || !event.is_long());
        let own: Vec<Event> = batch.events.into_iter().filter(wanted).collect();
        let more = own.iter().map(|event| bulk(event)).sum::<usize>();
        // A batch of the store alone always fits.
        if !events.is_empty() && (events.len() + own.len() > MAX_BATCH_EVENTS || bytes + more > ANSWER_BYTES)
        {
            break;
        }
        through = batch.through;
        bytes += more;
        let readable = |event| match reads {
            Reads::Statements => plain(event),
            Reads::Plain | Reads::LongLists => plain(event).without_statement(),
        };
        events.extend(own.into_iter().map(readable));
        if !afforded || through >= newest || events.len() >= PAGE_EVENTS || bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(OwnPage { store: store.id(), through, newest, events }.encode())
}

/// The stored events to which an event refers that is to be published: the author's targets of a deletion, and what
/// is reposted or quoted. The event in a repost's content counts as well.
pub(crate) fn targets(store: &Store, unsigned: &UnsignedEvent) -> Result<Vec<Target>, redb::Error> {
    let mut targets = store.named(&references(unsigned))?;
    if unsigned.kind == Kind::DELETION {
        targets.retain(|target| target.unsigned.pubkey == unsigned.pubkey);
    }
    for carried in carried(unsigned) {
        let stored = store.named(&References { ids: [carried.id()].into(), ..References::default() })?;
        targets.extend(if stored.is_empty() { vec![Target::stored(carried)] } else { stored });
    }
    Ok(targets)
}

/// The event in a repost's content, and the one in that if it is a repost, and so on. Each is shorter than the one around it.
fn carried(repost: &UnsignedEvent) -> Vec<UnsignedEvent> {
    let mut carried: Vec<UnsignedEvent> = Vec::new();
    loop {
        let around = carried.last().unwrap_or(repost);
        let inside = is_repost(around.kind).then(|| serde_json::from_str(&around.content).ok());
        let Some(UnverifiedEvent { unsigned, .. }) = inside.flatten() else { return carried };
        carried.push(unsigned);
    }
}

fn is_own(event: &Event, owner: Option<PublicKey>) -> bool {
    owner.is_some_and(|owner| is_for_own_nodes(event, &owner))
}

fn plain(event: Event) -> UnverifiedEvent {
    UnverifiedEvent { claimed_id: None, ..event.into() }
}
