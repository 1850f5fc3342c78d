//! Answers to what other nodes ask, read from the store.

use nostrp2p_core::{Audience, Cursor, audience, is_public};
use nostrp2p_protocol::{
    Event, EventId, Filter, Kind, PublicKey, Rumor, UnverifiedEvent,
    exchange::{Found, OwnPage},
    limits::MAX_BATCH_EVENTS,
};

use crate::store::Store;

/// Most events of an answer to a stranger: a page of posts.
const MAX_EVENTS: u32 = 100;
/// Events that fill a page for a sibling.
const PAGE_EVENTS: usize = 200;
/// Bytes of content and tags that fill a page for a sibling, so that its answer stays far below 1 MiB.
const PAGE_BYTES: usize = 256 * 1024;
/// Batches of the store that are looked through for one page.
const PAGE_BATCHES: usize = 10;

/// Answers [`nostrp2p_protocol::exchange::Question::Events`]: public events alone, the newest first.
pub(crate) fn public(store: &Store, filters: &[Filter]) -> Result<Vec<u8>, redb::Error> {
    let bounded: Vec<Filter> = filters
        .iter()
        .map(|filter| Filter {
            limit: Some(filter.limit.map_or(MAX_EVENTS, |limit| limit.min(MAX_EVENTS))),
            ..filter.clone()
        })
        .collect();
    let found = store.find_visible(&bounded, |event| is_public(event))?;
    Ok(Found { events: found.events.into_iter().map(plain).collect() }.encode())
}

/// Answers [`nostrp2p_protocol::exchange::Question::Own`].
pub(crate) fn own_page(
    store: &Store,
    owner: Option<PublicKey>,
    cursor: Cursor,
) -> Result<Vec<u8>, redb::Error> {
    let mut through = store.resume(cursor)?;
    let (mut events, mut bytes, mut newest) = (Vec::new(), 0, through);
    for _ in 0..PAGE_BATCHES {
        let batch = store.after(through)?;
        newest = batch.newest;
        let own: Vec<Event> = batch.events.into_iter().filter(|event| is_own(event, owner)).collect();
        if events.len() + own.len() > MAX_BATCH_EVENTS {
            break;
        }
        through = batch.through;
        bytes += own.iter().map(|event| event.content.len() + 200).sum::<usize>();
        events.extend(own.into_iter().map(plain));
        if through >= newest || events.len() >= PAGE_EVENTS || bytes >= PAGE_BYTES {
            break;
        }
    }
    Ok(OwnPage { store: store.id(), through, newest, events }.encode())
}

/// Those of a deletion's targets that are stored and its author's.
pub(crate) fn targets(store: &Store, deletion: &Rumor) -> Result<Vec<Rumor>, redb::Error> {
    let ids: std::collections::BTreeSet<EventId> =
        deletion.tag_values("e").filter_map(|id| id.parse().ok()).collect();
    let mut filters = vec![Filter { ids: Some(ids), ..Filter::default() }];
    filters.extend(deletion.tag_values("a").filter_map(address));
    let by_author = |event: &Event| event.pubkey == deletion.pubkey;
    let found = store.find(&filters)?.events;
    Ok(found.into_iter().filter(by_author).map(Event::into_rumor).collect())
}

/// `kind:pubkey:d` of an `a` tag as a filter.
fn address(value: &str) -> Option<Filter> {
    let mut parts = value.splitn(3, ':');
    let kind: u16 = parts.next()?.parse().ok()?;
    let author: PublicKey = parts.next()?.parse().ok()?;
    let identifier = parts.next().unwrap_or_default();
    let tags = [('d', [identifier.to_owned()].into())];
    let tags = if identifier.is_empty() { Default::default() } else { tags.into() };
    let filter =
        Filter { kinds: Some([Kind(kind)].into()), authors: Some([author].into()), ..Filter::default() };
    Some(Filter { tags, limit: Some(1), ..filter })
}

fn is_own(event: &Event, owner: Option<PublicKey>) -> bool {
    let Some(owner) = owner else { return false };
    event.pubkey == owner
        || event.kind == Kind::DELETION
        || matches!(audience(event), Audience::People(people) if people.contains(&owner))
}

fn plain(event: Event) -> UnverifiedEvent {
    UnverifiedEvent { claimed_id: None, ..event.into() }
}
