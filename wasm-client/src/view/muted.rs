//! The mute list on Settings: entries to remove, and a field for words to mute.

use std::rc::Rc;

use nostrp2p_protocol::{EventId, PublicKey};

use super::{Html, button, paragraph, quote, text_field};
use crate::{
    message::Relation,
    model::{
        Model,
        lists::{ListChange, MUTE_LIST},
        muting::MAX_WORD,
    },
    route::Route,
    texts::{self, Words},
    vdom::{On, element},
};

/// The cards: people, if there are some; words; conversations and posts, if there are some.
pub fn cards(model: &Model) -> Vec<Html> {
    let mut cards = Vec::new();
    let mut rows = Vec::new();
    for person in model.lists.muted() {
        let name = element("bdi").text(model.name_of(person));
        let link = element("a").with("href", Route::Person(*person).fragment()).child(name);
        rows.push(row(person.to_string(), link, model.say(texts::UNMUTE), Relation::Unmute(*person)));
    }
    if !rows.is_empty() {
        cards.push(card(model, texts::MUTED, texts::MUTE_WHY, rows));
    }
    let mut rows = Vec::new();
    for word in model.lists.muting.words() {
        let shown = element("bdi").text(word.clone());
        rows.push(row(word.clone(), shown, model.say(texts::UNMUTE), taken_back(model, "word", word)));
    }
    cards.push(card(model, texts::MUTED_WORDS, texts::MUTED_WORDS_WHY, rows).child(field(model)));
    let mut rows = Vec::new();
    for id in model.lists.muting.posts() {
        let link = element("a").with("href", Route::Thread(*id, author(model, id)).fragment());
        let text = match model.timeline.written(id) {
            Some(unsigned) => quote::words(model, unsigned),
            None => model.say(texts::A_POST).to_owned(),
        };
        let (key, label) = (id.to_string(), model.say(texts::SHOW_AGAIN));
        let back = taken_back(model, "e", &key);
        rows.push(row(key, link.child(element("bdi").text(text)), label, back));
    }
    if !rows.is_empty() {
        cards.push(card(model, texts::HIDDEN, texts::HIDDEN_WHY, rows));
    }
    cards
}

fn author(model: &Model, id: &EventId) -> Option<PublicKey> {
    model.timeline.written(id).map(|unsigned| unsigned.pubkey)
}

fn card(model: &Model, title: Words, why: Words, rows: Vec<Html>) -> Html {
    let list = (!rows.is_empty()).then(|| element("ul").class("versions").children(rows));
    element("div")
        .class("card")
        .child(element("h3").text(model.say(title)))
        .child(paragraph("muted", model.say(why)))
        .child_if(list)
}

fn row(key: String, what: Html, label: &'static str, back: Relation) -> Html {
    let back = button("link", label, back).test_id("unmute");
    element("li").class("version").test_id("muted").key(key).child(what.class("muted-what")).child(back)
}

/// A word, hashtag or post out of the list; as which of the two words it stands there does not matter to people.
fn taken_back(model: &Model, tag: &'static str, value: &str) -> Relation {
    let change =
        |tag| ListChange { list: (MUTE_LIST, "".into()), tag, value: value.to_owned(), within: false };
    let is_hashtag = tag == "word" && model.lists.has(&change("t"));
    Relation::Change(Rc::new(change(if is_hashtag { "t" } else { tag })))
}

fn field(model: &Model) -> Html {
    element("form")
        .class("row")
        .on(On::Submit(Relation::MuteWord.into()))
        .child(text_field(model, "muted-word", texts::MUTED_WORD, MAX_WORD, &model.muted_word, |text| {
            Relation::WordTyped(text).into()
        }))
        .child(super::submit(model.say(texts::MUTE)).test_id("mute-word"))
}
