//! Deletions, own ones and those of others (NIP-09).

use nostrp2p_protocol::{EventId, Kind, UnsignedEvent};

use super::{Effect, menu, settling::drop_from_outbox, signing};
use crate::{
    model::{
        Model, TimelineKey,
        deleted::{self, targets},
        signing::Purpose,
        timeline::Post,
    },
    storage::StorageChange,
};

/// Takes back an own post or repost.
pub fn delete(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    menu::close(model, out);
    let Some((_, post)) = model.timeline.entry(&id) else { return };
    if model.me.as_ref() != Some(post.author()) {
        return;
    }
    let kind = match post {
        Post::Written(unsigned) => unsigned.kind,
        Post::Reposted { .. } => Kind::REPOST,
    };
    let draft = deleted::draft(id, kind, model.now());
    signing::sign(model, Purpose::Deletion, draft, out);
}

/// Takes back an own like.
pub fn unlike(model: &mut Model, by: EventId, out: &mut Vec<Effect>) {
    let draft = deleted::draft(by, Kind::REACTION, model.now());
    signing::sign(model, Purpose::Deletion, draft, out);
}

/// Takes a deletion in: what it names and its author wrote goes, and does not come back.
pub fn take(model: &mut Model, deletion: UnsignedEvent) -> Vec<StorageChange> {
    let (_, mut changes) = hide(model, &deletion);
    changes.push(StorageChange::Deletion(deletion));
    changes
}

/// Hides what a deletion names and its author wrote; returns the posts, and what is to be stored at once: what was not
/// sent yet is not sent any more.
pub fn hide(model: &mut Model, deletion: &UnsignedEvent) -> (Vec<UnsignedEvent>, Vec<StorageChange>) {
    let (mut hidden, mut changes) = (Vec::new(), Vec::new());
    model.deleted.take(deletion);
    for id in targets(deletion) {
        let entry = model.timeline.entry(&id).filter(|(_, post)| *post.author() == deletion.pubkey);
        let unsent = model.me == Some(deletion.pubkey) && model.outbox.waiting.contains_key(&id);
        if let Some((place, post)) = entry {
            let place: TimelineKey = *place;
            if let (Post::Written(unsigned), false) = (post, unsent) {
                hidden.push(unsigned.clone());
            }
            model.timeline.remove(&place);
        }
        if model.notices.author(&id) == Some(deletion.pubkey) {
            model.notices.remove(&id);
        }
        if model.likes.author(&id, model.me.as_ref()) == Some(deletion.pubkey) {
            model.likes.remove(&id);
        }
        if unsent {
            drop_from_outbox(model, id);
            changes.push(StorageChange::Settled(id));
        }
    }
    (hidden, changes)
}
