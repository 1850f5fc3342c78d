//! Takes in events: what each kind changes in the model, and which of them are stored.

use nostrp2p_protocol::{Kind, UnsignedEvent};

use super::{
    deletion, lists, settling,
    timeline::{Origin, insert, take_vote, want_what_is_liked},
};
use crate::{
    model::{
        Model,
        lists::LISTS,
        timeline::{CONTENT, Past, Post},
    },
    storage::{Setting, StorageChange},
    texts,
};

/// Takes events in; returns what is to be stored.
pub fn take(model: &mut Model, events: Vec<UnsignedEvent>, origin: Origin) -> Vec<StorageChange> {
    let mut changes = Vec::new();
    let mut news = 0;
    for unsigned in events {
        let id = unsigned.id();
        if let Some(outgoing) = model.outbox.waiting.remove(&id) {
            changes.extend(settling::changes(model, outgoing));
        }
        if model.deleted.contains(&id, &unsigned.pubkey) {
            continue;
        }
        let news_for_me = model.notices.take(&unsigned, model.me);
        if news_for_me && unsigned.kind == Kind::FOLLOW_LIST {
            model.people.want(unsigned.pubkey);
            changes.push(StorageChange::Set(Setting::Followers(model.notices.followers())));
        }
        match unsigned.kind {
            Kind::PROFILE if model.people.take(&unsigned) => changes.push(StorageChange::Profile(unsigned)),
            kind if Post::of(&unsigned).is_some() => {
                let new = insert(model, &unsigned, origin);
                if new && origin == Origin::Live && Some(unsigned.pubkey) != model.me {
                    news += 1;
                }
                if CONTENT.contains(&kind) && is_kept(model, &unsigned) {
                    changes.push(StorageChange::Keep(unsigned));
                }
            }
            Kind::REACTION => {
                model.likes.take(&unsigned, model.me);
                want_what_is_liked(model, &unsigned);
            }
            kind if LISTS.contains(&kind) && model.lists.take(&unsigned, model.me) => {
                changes.extend(lists::to_store(model, unsigned));
            }
            Kind::DELETION => changes.extend(deletion::take(model, unsigned)),
            Kind::VOTE => take_vote(model, &unsigned),
            _ => {}
        }
    }
    if news > 0 {
        model.announcement = texts::new_posts(model.language(), news);
    }
    changes
}

/// Whether a post belongs into the storage, where nothing may be missing between what is there.
fn is_kept(model: &Model, unsigned: &UnsignedEvent) -> bool {
    model.timeline.past == Past::End || unsigned.created_at >= model.timeline.kept_since
}
