//! Deletions, own ones and those of others (NIP-09).

use nostrp2p_protocol::{EventId, Kind, Rumor};

use super::{Effect, compose, signing};
use crate::{
    effect::Purpose,
    model::{
        Model,
        deleted::{self, targets},
        timeline::Post,
    },
    storage::{Change, Place},
};

/// Takes back an own post or repost.
pub fn delete(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    compose::close_menu(model, out);
    let Some((_, post)) = model.timeline.entry(&id) else { return };
    if model.me.as_ref() != Some(post.author()) {
        return;
    }
    let kind = match post {
        Post::Written(_) => Kind::POST,
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
pub fn take(model: &mut Model, deletion: Rumor) -> Vec<Change> {
    let mut changes = Vec::new();
    model.deleted.take(&deletion);
    for id in targets(&deletion) {
        let place: Option<Place> = model
            .timeline
            .entry(&id)
            .and_then(|(place, post)| (*post.author() == deletion.pubkey).then_some(*place));
        if let Some(place) = place {
            model.timeline.remove(&place);
        }
        if model.notices.author(&id) == Some(deletion.pubkey) {
            model.notices.remove(&id);
        }
        if model.likes.author(&id, model.me.as_ref()) == Some(deletion.pubkey) {
            model.likes.remove(&id);
        }
        let own = model.me == Some(deletion.pubkey);
        if own && model.outbox.waiting.contains_key(&id) {
            compose::drop_from_outbox(model, id);
            changes.push(Change::Settled(id));
        }
    }
    changes.push(Change::Deletion(deletion));
    changes
}
