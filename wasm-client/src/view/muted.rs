//! On Settings: what one does not want to read, to change one's mind, and words to be muted.

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
    let people = model.lists.muted().map(|person| {
        let name = element("bdi").text(model.name_of(person));
        let link = element("a").with("href", Route::Person(*person).fragment()).child(name);
        row(person.to_string(), link, model.say(texts::UNMUTE), Relation::Unmute(*person))
    });
    let people = card(model, texts::MUTED, texts::MUTE_WHY, people.collect());
    let words = model.lists.muting.words().map(|word| {
        let shown = element("bdi").text(word.clone());
        row(word.clone(), shown, model.say(texts::UNMUTE), taken_back(model, "word", word))
    });
    let words = card(model, texts::MUTED_WORDS, texts::MUTED_WORDS_WHY, words.collect());
    let posts = model.lists.muting.posts().map(|id| {
        let link = element("a").with("href", Route::Thread(*id, author(model, id)).fragment());
        let text = model.timeline.written(id).map(|unsigned| quote::words(model, unsigned));
        let text = text.unwrap_or_else(|| model.say(texts::A_POST).to_owned());
        let label = model.say(texts::SHOW_AGAIN);
        row(
            id.to_string(),
            link.child(element("bdi").text(text)),
            label,
            taken_back(model, "e", &id.to_string()),
        )
    });
    let posts: Vec<Html> = posts.collect();
    let posts = (!posts.is_empty()).then(|| card(model, texts::HIDDEN, texts::HIDDEN_WHY, posts));
    let no_people = model.lists.muted().next().is_none();
    let people = (!no_people).then_some(people);
    people.into_iter().chain([words.child(field(model))]).chain(posts).collect()
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
