//! Answers that the owner's page and programs use as the base of the next version of a profile or a list.
//!
//! A node that was just claimed with a key from elsewhere holds none, and a version made from nothing would replace
//! the one on the owner's other nodes and on the relays. So an answer waits until these have sent theirs, as far as
//! they answer.

use std::{collections::BTreeSet, time::Duration};

use nostrp2p_protocol::{Event, Filter, Kind, PublicKey};
use tokio::time::timeout;

use super::App;

/// How long an answer waits at most. The page asks the person when nothing came.
pub(super) const WAIT: Duration = Duration::from_secs(15);

/// Whether another node of the owner or a mirror may soon give what the store lacks.
pub(super) fn others_owe(app: &App) -> bool {
    app.mirrors.owe_answers() || app.node_status.borrow().own_nodes_owe
}

/// Waits until the others have given what they hold, or for [`WAIT`].
pub(super) async fn others_have_given(app: App) {
    let (mut mirrors, mut node_status) = (app.mirrors.status.clone(), app.node_status.clone());
    let given = async {
        while others_owe(&app) {
            // What ends with the node does not change any more.
            let changed = tokio::select! {
                changed = mirrors.changed() => changed,
                changed = node_status.changed() => changed,
            };
            if changed.is_err() {
                break;
            }
        }
    };
    drop(timeout(WAIT, given).await);
}

/// The kinds that are asked for, if it is the owner's own replaceable and addressable events and nothing else.
pub(super) fn asked<'a>(filter: &'a Filter, owner: &PublicKey) -> Option<&'a BTreeSet<Kind>> {
    let own = filter.authors.as_ref().is_some_and(|authors| authors.len() == 1 && authors.contains(owner));
    let kinds = filter.kinds.as_ref()?;
    let stands = |kind: &Kind| kind.is_replaceable() || kind.is_addressable();
    (own && filter.ids.is_none() && kinds.iter().all(stands)).then_some(kinds)
}

/// Whether the store has nothing of some of these kinds of the owner's own.
pub(super) fn lacks<'a>(
    filter: &Filter,
    owner: &PublicKey,
    found: impl IntoIterator<Item = &'a Event>,
) -> bool {
    let Some(kinds) = asked(filter, owner) else { return false };
    let found = found.into_iter().filter(|event| event.pubkey == *owner).map(|event| event.kind);
    let found: BTreeSet<Kind> = found.collect();
    !kinds.is_subset(&found)
}

#[cfg(test)]
mod tests {
    use nostrp2p_protocol::{EventTemplate, SecretKey};

    use super::*;

    #[test]
    fn what_the_store_lacks_of_the_owners_own_is_known_by_its_kind() {
        let key = SecretKey::from_bytes([1; 32]).unwrap();
        let owner = key.public_key();
        let draft = EventTemplate { created_at: 1, kind: Kind(0), tags: vec![], content: String::new() };
        let profile = draft.sign(&key, &[0; 32]);
        let of = |author: PublicKey, kinds: &[u16]| Filter {
            authors: Some([author].into()),
            kinds: Some(kinds.iter().copied().map(Kind).collect()),
            ..Filter::default()
        };
        let lacks = |filter: &Filter| lacks(filter, &owner, [&profile]);
        for kinds in [&[3_u16] as &[u16], &[0, 10_002], &[10_050], &[30_000]] {
            assert!(lacks(&of(owner, kinds)), "{kinds:?}");
        }
        let someone = SecretKey::from_bytes([2; 32]).unwrap().public_key();
        let by_id = Filter { ids: Some([profile.id()].into()), ..of(owner, &[3]) };
        for other in [of(owner, &[0]), of(owner, &[0, 1]), of(someone, &[3]), by_id, Filter::default()] {
            assert!(!lacks(&other), "{other:?}");
        }
    }
}
