//! The menu under a post: rows of buttons, and the question before a deletion.

use std::rc::Rc;

use nostrp2p_protocol::{EventId, PublicKey, UnsignedEvent, frame::Delivery};

use super::{
    Html, button,
    icons::{Icon, icon},
    paragraph, sentence,
};
use crate::{
    message::{Message, Reading, Relation, Writing},
    model::{
        Menu, Model, Offers,
        lists::{BOOKMARKS, ListChange, MUTE_LIST, PINS},
        reply,
    },
    texts::{self, Words},
    vdom::element,
};

/// The menu under this post, if it is open.
pub fn view(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> Option<Html> {
    let menu = model.menu.filter(|menu| menu.post == id)?;
    Some(match menu.offers {
        Offers::More => more(model, id, unsigned),
        Offers::Repost => repost(model, id),
        Offers::Deletion => deletion(model, id),
        Offers::Like => like(model, id, &unsigned.pubkey),
    })
}

fn more(model: &Model, id: EventId, unsigned: &UnsignedEvent) -> Html {
    let own = model.me.as_ref() == Some(&unsigned.pubkey);
    let copy = button("plain", model.say(texts::COPY_TEXT), Reading::CopyText(id)).test_id("copy-text");
    let muted = model.lists.mutes(&unsigned.pubkey);
    let (label, relation) = if muted {
        (model.say(texts::UNMUTE), Relation::Unmute(unsigned.pubkey))
    } else {
        (model.say(texts::MUTE), Relation::Mute(unsigned.pubkey))
    };
    let mute = (!own).then(|| button("plain", label, relation).with("title", model.say(texts::MUTE_WHY)));
    let delete = own.then(|| {
        let menu = Menu { post: id, offers: Offers::Deletion };
        button("danger", model.say(texts::DELETE), Reading::Menu(menu)).key("ask").test_id("delete")
    });
    let root = reply::root(unsigned).unwrap_or(id);
    let followed = model.notices.threads.contains(&root);
    let follow = if followed { texts::UNFOLLOW_THREAD } else { texts::FOLLOW_THREAD };
    let follow = button("plain", model.say(follow), Reading::FollowThread(root)).test_id("follow-thread");
    let change = |kind| ListChange::post(kind, id, true);
    let listed = |kind, put, take, hook| {
        let within = model.lists.has(&change(kind));
        let change = Relation::Change(Rc::new(ListChange { within: !within, ..change(kind) }));
        let label = model.say(if within { take } else { put });
        button("plain", label, change).test_id(hook)
    };
    let keep = listed(BOOKMARKS, texts::BOOKMARK, texts::UNBOOKMARK, "bookmark");
    let pin = (own && !reply::is_private(unsigned)).then(|| listed(PINS, texts::PIN, texts::UNPIN, "pin"));
    let muting = |post, label, hook| {
        let change = Relation::Change(Rc::new(ListChange::post(MUTE_LIST, post, true)));
        button("plain", model.say(label), change).test_id(hook)
    };
    group(model.say(texts::MORE))
        .child_if(reply::is_private(unsigned).then(|| stays_private(model)))
        .child_if(deliveries(model, &id))
        .child(
            element("div")
                .class("row")
                .child(copy)
                .child(keep)
                .child_if(pin)
                .child(follow)
                .child_if(mute)
                .child(muting(root, texts::MUTE_THREAD, "mute-thread"))
                .child(muting(id, texts::HIDE_POST, "hide-post"))
                .child_if(delete),
        )
}

/// Why the buttons for reposting and quoting are missing.
fn stays_private(model: &Model) -> Html {
    paragraph("muted", model.say(texts::STAYS_PRIVATE)).test_id("stays-private")
}

/// How far an own post has come: a private one with each of the people it is for, another one with relays.
fn deliveries(model: &Model, id: &EventId) -> Option<Html> {
    let row = |name: String, state: Delivery, given_up: Words| {
        let (word, image, words) = match state {
            Delivery::Waiting => ("waiting", Icon::Clock, texts::DELIVERY_WAITING),
            Delivery::Delivered => ("delivered", Icon::Ticks, texts::DELIVERY_DONE),
            Delivery::GivenUp => ("given-up", Icon::Warning, given_up),
        };
        element("li")
            .class("delivery")
            .test_id("delivery")
            .with("data-state", word)
            .key(name.clone())
            .child(icon(image))
            .child(element("bdi").class("strong").text(name))
            .child(element("span").class("muted").text(model.say(words)))
    };
    let mut rows = Vec::new();
    for (person, state) in model.outbox.deliveries.get(id).into_iter().flatten() {
        rows.push(row(model.name_of(person), *state, texts::DELIVERY_GIVEN_UP));
    }
    for (relay, state) in model.relays.iter().filter(|(of, _)| of == id).flat_map(|(_, relays)| relays) {
        rows.push(row(relay.clone(), *state, texts::DELIVERY_REFUSED));
    }
    (!rows.is_empty()).then(|| element("ul").class("deliveries").children(rows))
}

fn repost(model: &Model, id: EventId) -> Html {
    let own = model.me.and_then(|me| model.timeline.repost_by(&id, &me));
    let repost = match own {
        Some(own) => {
            button("plain", model.say(texts::REPOST_UNDO), Writing::Delete(own)).test_id("repost-undo")
        }
        None => button("plain", model.say(texts::REPOST), Writing::Repost(id)).test_id("repost-now"),
    };
    let quote = button("plain", model.say(texts::QUOTE), Writing::Quote(id)).test_id("quote-now");
    group(model.say(texts::REPOST)).child(element("div").class("row").child(repost).child(quote))
}

fn deletion(model: &Model, id: EventId) -> Html {
    group(model.say(texts::DELETE))
        .child(paragraph("strong", model.say(texts::DELETE_ASK)))
        .child(paragraph("muted", model.say(texts::DELETE_WARNING)))
        .child(
            element("div")
                .class("row")
                .child(
                    button("danger", model.say(texts::DELETE_YES), Writing::Delete(id))
                        .key("yes")
                        .test_id("delete-yes"),
                )
                .child(button("quiet", model.say(texts::CANCEL), close(id, Offers::Deletion)).key("no")),
        )
}

/// Asks once whether everyone may see likes of people who would not get them otherwise.
fn like(model: &Model, id: EventId, author: &PublicKey) -> Html {
    let name = model.name_in_sentence(author);
    let as_words = |look, words, public| button(look, model.say(words), Writing::LikeAs(id, public));
    group(model.say(texts::LIKE))
        .child(sentence("p", &texts::like_on_relays(model.language(), &name)).class("muted"))
        .child(
            element("div")
                .class("row")
                .child(as_words("plain", texts::LIKE_PUBLIC, true).test_id("like-public"))
                .child(as_words("quiet", texts::LIKE_PRIVATE, false).test_id("like-private")),
        )
}

/// Closes what is open.
fn close(post: EventId, offers: Offers) -> Message {
    Message::Reading(Reading::Menu(Menu { post, offers }))
}

fn group(label: &'static str) -> Html {
    element("div").class("post-menu").with("role", "group").with("aria-label", label).test_id("menu")
}
