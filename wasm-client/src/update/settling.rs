//! Own signed events after the node has accepted or refused them.
//!
//! What the page shows before the answer is provisional. An accepted event is stored as the current state, and the
//! page says so; a refused one is undone.

use nostrp2p_protocol::{EventId, Kind};

use super::{Effect, asking, lists, notify};
use crate::{
    model::{
        Model, Outgoing, TimelineKey, deleted, likes,
        lists::LISTS,
        timeline::{CONTENT, GENERIC_REPOST},
    },
    route::Route,
    storage::StorageChange,
    texts,
};

/// The node has it.
pub fn take(model: &mut Model, outgoing: Outgoing, out: &mut Vec<Effect>) {
    let said = match outgoing.event.kind {
        Kind::REPOST | GENERIC_REPOST => Some(texts::REPOSTED),
        Kind::DELETION => Some(texts::DELETED),
        Kind::PROFILE if model.route == Route::Me => Some(texts::PROFILE_SAVED),
        Kind::FOLLOW_LIST if std::mem::take(&mut model.lists.restoring) => Some(texts::LIST_RESTORED),
        _ => None,
    };
    if let Some(said) = said {
        notify(model, model.say(said), out);
    }
    out.push(Effect::Save(changes(model, outgoing)));
}

/// The changes that store an event that the node has accepted.
pub fn changes(model: &Model, outgoing: Outgoing) -> Vec<StorageChange> {
    let settled = StorageChange::Settled(outgoing.event.id());
    let unsigned = outgoing.event.into_rumor();
    let keep = match unsigned.kind {
        kind if CONTENT.contains(&kind) => StorageChange::Keep(unsigned),
        Kind::PROFILE => StorageChange::Profile(unsigned),
        kind if LISTS.contains(&kind) => {
            let mut changes = lists::to_store(model, unsigned);
            changes.push(settled);
            return changes;
        }
        Kind::DELETION => StorageChange::Deletion(unsigned),
        _ => return vec![settled],
    };
    vec![settled, keep]
}

/// The node will not take it: it goes, with what it did here, and what is not known any more is asked for.
pub fn give_up(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    drop_from_outbox(model, id);
    out.push(Effect::Save(vec![StorageChange::Settled(id)]));
    if model.connection.is_logged_in() {
        asking::ask_own_profile(model, out);
        asking::ask_likes(model, out);
        asking::ask_missing(model, out);
    }
}

/// Lets go of an event of the outbox, and undoes what it did here.
pub fn drop_from_outbox(model: &mut Model, id: EventId) {
    let Some(Outgoing { event, hidden, .. }) = model.outbox.waiting.remove(&id) else { return };
    model.timeline.remove(&TimelineKey::new(event.created_at, id));
    match event.kind {
        Kind::PROFILE => {
            model.people.undo(&event);
            // What the node holds is not known any more, also of a key that was made here.
            model.key_is_new = false;
            // What was typed is not lost, and what was typed since then stands. Nothing else, because it may have
            // been changed elsewhere meanwhile.
            let form = &mut model.profile_form;
            let typed = model.people.typed_for(&event.content);
            for (field, refused) in [
                (&mut form.name, typed.name),
                (&mut form.about, typed.about),
                (&mut form.picture, typed.picture),
                (&mut form.nip05, typed.nip05),
            ] {
                *field = field.take().or(refused);
            }
        }
        kind if LISTS.contains(&kind) => {
            model.lists.undo(&event);
            model.lists.restoring = false;
        }
        Kind::DELETION => {
            for target in deleted::targets(&event) {
                model.deleted.forget(&target, &event.pubkey);
                model.missing.want(target, [event.pubkey]);
            }
            for unsigned in hidden {
                super::timeline::insert_back(model, &unsigned);
            }
            model.likes.loaded = false;
        }
        _ => {
            model.votes.undo(&event);
            if let Some(liked) = likes::target(&event) {
                model.likes.remove_mine(&liked);
            }
        }
    }
}
