//! What an answer from the own store lacks, so that other nodes are worth asking.

use std::collections::BTreeSet;

use nostrp2p_core::FetchTarget;
use nostrp2p_protocol::{Event, Filter, Kind, PublicKey};

/// Most things that one question makes the node ask for.
const MAX_WANTS: usize = 100;
/// Up to so many authors a question is about them rather than about a timeline, and what is known is refreshed.
const FEW: usize = 10;
/// A profile that is older than this is worth asking for again, in seconds.
const OLD_SECONDS: u64 = 86_400;

/// What to ask other nodes for, given what the store had. `now` in seconds since 1970.
pub(super) fn missing(filters: &[Filter], found: &[Event], now: u64) -> Vec<FetchTarget> {
    let mut wants = BTreeSet::new();
    for filter in filters {
        match &filter.ids {
            Some(_) => events(filter, found, &mut wants),
            None => people(filter, found, now, &mut wants),
        }
    }
    wants.into_iter().take(MAX_WANTS).collect()
}

fn events(filter: &Filter, found: &[Event], wants: &mut BTreeSet<FetchTarget>) {
    let only = filter.authors.as_ref().filter(|authors| authors.len() == 1);
    let author = only.and_then(BTreeSet::first).copied();
    for id in filter.ids.iter().flatten() {
        if !found.iter().any(|event| event.id() == *id) {
            wants.insert(FetchTarget::Event(*id, author));
        }
    }
}

fn people(filter: &Filter, found: &[Event], now: u64, wants: &mut BTreeSet<FetchTarget>) {
    let (Some(authors), Some(kinds)) = (&filter.authors, &filter.kinds) else { return };
    let few = authors.len() <= FEW;
    let lacks = |author: &PublicKey, kind: Kind| {
        let held = found.iter().find(|event| event.pubkey == *author && event.kind == kind);
        held.is_none_or(|held| few && held.created_at.saturating_add(OLD_SECONDS) < now)
    };
    for author in authors {
        if kinds.contains(&Kind::PROFILE) && lacks(author, Kind::PROFILE) {
            wants.insert(FetchTarget::Profile(*author));
        }
        if kinds.contains(&Kind::FOLLOW_LIST) && few && lacks(author, Kind::FOLLOW_LIST) {
            wants.insert(FetchTarget::FollowList(*author));
        }
        let posts = kinds.contains(&Kind::POST) || kinds.contains(&Kind::REPOST);
        if posts && few && filter.tags.is_empty() {
            wants.insert(FetchTarget::Posts(*author));
        }
    }
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventId, EventTemplate, SecretKey};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn profile(created_at: u64) -> Event {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        EventTemplate { created_at, kind: Kind::PROFILE, tags: vec![], content: "{}".into() }
            .sign(&key, &[0; 32])
    }

    fn asked(authors: &[PublicKey], kinds: &[Kind]) -> Filter {
        Filter {
            authors: Some(authors.iter().copied().collect()),
            kinds: Some(kinds.iter().copied().collect()),
            ..Filter::default()
        }
    }

    #[test]
    fn a_profile_is_missing_or_old() {
        let author = profile(NOW).pubkey;
        let question = [asked(&[author], &[Kind::PROFILE])];
        assert_eq!(missing(&question, &[], NOW), [FetchTarget::Profile(author)]);
        assert_eq!(missing(&question, &[profile(NOW)], NOW), []);
        assert_eq!(
            missing(&question, &[profile(NOW - OLD_SECONDS - 1)], NOW),
            [FetchTarget::Profile(author)]
        );
    }

    #[test]
    fn a_timeline_of_many_asks_only_for_the_profiles_that_are_missing() {
        let many: Vec<PublicKey> = (0..50).map(|number| PublicKey::from_bytes([number; 32])).collect();
        let wants = missing(&[asked(&many, &[Kind::PROFILE, Kind::FOLLOW_LIST, Kind::POST])], &[], NOW);
        assert_eq!(wants.len(), 50);
        assert!(wants.iter().all(|want| matches!(want, FetchTarget::Profile(_))));
        assert_eq!(missing(&[Filter::default()], &[], NOW), [], "everything is not missing");
    }

    #[test]
    fn an_event_is_asked_of_its_author_when_that_is_known() {
        let (id, author) = (EventId::from_bytes([7; 32]), PublicKey::from_bytes([1; 32]));
        let by_id = Filter { ids: Some([id].into()), ..Filter::default() };
        assert_eq!(missing(std::slice::from_ref(&by_id), &[], NOW), [FetchTarget::Event(id, None)]);
        let by_author = Filter { authors: Some([author].into()), ..by_id };
        assert_eq!(missing(&[by_author], &[], NOW), [FetchTarget::Event(id, Some(author))]);
        let there = Filter { ids: Some([profile(NOW).id()].into()), ..Filter::default() };
        assert_eq!(missing(&[there], &[profile(NOW)], NOW), []);
    }
}
