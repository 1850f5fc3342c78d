//! The page of a person: their profile, and their posts as far as they are here.

use std::rc::Rc;

use nostrp2p_protocol::PublicKey;

use super::{Html, avatar::avatar, button, icons, paragraph, post, text_field};
use crate::{
    letters,
    message::{Message, Own, Reading, Relation},
    model::{
        Model, Picture,
        lists::{FOLLOW_SET, ListChange},
        names::NameAnswer,
    },
    nip05::DomainName,
    profile::{Profile, short_npub},
    richtext,
    route::Route,
    texts,
    update::lists::MAX_NAME,
    vdom::{On, element},
};
use icons::{Icon, icon};

/// The screen.
pub fn view(model: &Model, person: PublicKey, drawn: &mut post::Drawn) -> Html {
    let pins = model.lists.pins_of(&person, model.me);
    let pinned: Vec<Html> = pins
        .iter()
        .filter_map(|id| model.timeline.entry(id))
        .map(|(place, post)| post::once(model, place, post))
        .collect();
    let pinned = (!pinned.is_empty()).then(|| {
        let title = element("h2").class("people-title").text(model.say(texts::PINS_TITLE));
        element("div").class("pinned").test_id("pinned").key("pinned").child(title).children(pinned)
    });
    let posts = drawn.draw(model, model.posts_of_from_window(person).take(model.open.window.drawn));
    let none = posts.is_empty();
    let feed = element("div")
        .class("feed")
        .with("role", "feed")
        .with("aria-label", model.say(texts::POSTS))
        .key("posts");
    let feed = if none && model.open.loading {
        feed.with("aria-busy", "true").children((0..3).map(|_| post::skeleton()))
    } else {
        feed.child_if(post::passed(&model.open.window)).children(posts)
    };
    let undrawn = model.posts_of_from_window(person).nth(model.open.window.drawn).is_some();
    let foot = element("div").class("past").key("past");
    let foot = if none && !model.open.loading {
        Some(foot.child(paragraph("muted", model.say(texts::NO_POSTS))))
    } else if undrawn || !none && !model.open.ended && model.connection.is_logged_in() {
        Some(foot.child(button("quiet", model.say(texts::OLDER), Reading::Older)))
    } else {
        None
    };
    element("section")
        .class("person")
        .test_id("person")
        .child(head(model, person))
        .child_if(pinned)
        .child(feed)
        .child_if(foot)
}

fn head(model: &Model, person: PublicKey) -> Html {
    let profile = model.people.profile(&person);
    let names = element("div")
        .class("person-names")
        .child(
            element("h1")
                .class("person-name")
                .test_id("person-name")
                .with("dir", "auto")
                .text(model.name_of(&person)),
        )
        .child_if(
            profile.and_then(|profile| profile.nip05.as_ref()).map(|nip05| nip05_row(model, person, nip05)),
        );
    let face = element("div").class("person-face").child(face(model, &person, profile));
    element("header")
        .class("person-head")
        .key("head")
        .child(
            element("div")
                .class("person-top")
                .child(face)
                .child(element("span").class("spring"))
                .child_if((model.me == Some(person)).then(|| edit_link(model)))
                .child_if(mute_button(model, &person))
                .child_if(follow_button(model, &person)),
        )
        .child(names)
        .child_if(about(model, profile))
        .child_if(counts(model, &person))
        .child(key_row(model, person))
        .child_if(model.sorting.then(|| sets(model, person)))
        .child_if(picture_offer(model, &person, profile))
}

/// The name by a domain, and what the domain says about it, once it was asked.
fn nip05_row(model: &Model, person: PublicKey, nip05: &str) -> Html {
    let row = element("p").class("muted nip05").test_id("nip05").child(element("bdi").text(nip05.to_owned()));
    let Some(name) = DomainName::parse(nip05) else {
        return row.with("title", model.say(texts::NIP05_UNCHECKED));
    };
    let said = match model.names.get(&name) {
        None => {
            let ask = button("link", model.say(texts::NIP05_CHECK), Reading::LookUp(name.clone()))
                .with("title", texts::picture_from(model.language(), name.domain()))
                .test_id("nip05-check");
            return row.with("title", model.say(texts::NIP05_UNCHECKED)).child(ask);
        }
        Some(NameAnswer::Awaited) => ("awaited", texts::NIP05_ASKING),
        Some(NameAnswer::Person(other)) if other == person => ("right", texts::NIP05_RIGHT),
        Some(NameAnswer::Person(_) | NameAnswer::Nobody) => ("wrong", texts::NIP05_WRONG),
        Some(NameAnswer::Failed) => ("failed", texts::NIP05_FAILED),
    };
    let (state, words) = said;
    let mark = (state == "right").then(|| icon(Icon::Tick));
    row.with("data-state", state)
        .child_if(mark)
        .child(element("span").class(if state == "wrong" { "bad" } else { "" }).text(model.say(words)))
}

fn edit_link(model: &Model) -> Html {
    element("a")
        .class("button button-plain")
        .with("href", Route::Me.fragment())
        .text(model.say(texts::PROFILE_EDIT))
}

/// To follow somebody, or not any more; none for oneself.
pub fn follow_button(model: &Model, person: &PublicKey) -> Option<Html> {
    if model.me.as_ref() == Some(person) {
        return None;
    }
    let follows = model.lists.follows(person);
    let button = if follows {
        button("plain", model.say(texts::FOLLOWED), Relation::Unfollow(*person))
            .with("title", model.say(texts::UNFOLLOW))
    } else {
        button("primary", model.say(texts::FOLLOW), Relation::Follow(*person))
    };
    let pressed = if follows { "true" } else { "false" };
    let waits = model.lists.waits(person) && !model.lists.asked;
    Some(button.with("aria-pressed", pressed).with_if(waits, "disabled").test_id("follow"))
}

fn sort_button(model: &Model, person: &PublicKey) -> Option<Html> {
    (model.me.as_ref() != Some(person)).then(|| {
        let expanded = if model.sorting { "true" } else { "false" };
        button("link", model.say(texts::SETS), Relation::Sort).with("aria-expanded", expanded).test_id("sort")
    })
}

/// One's lists of people, to put this person in or take them out, and a new one.
fn sets(model: &Model, person: PublicKey) -> Html {
    let rows = model.lists.sets().map(|(set, title)| {
        let change =
            ListChange { list: (FOLLOW_SET, Rc::clone(set)), ..ListChange::person(FOLLOW_SET, person, true) };
        let within = model.lists.has(&change);
        let change = Relation::Change(Rc::new(ListChange { within: !within, ..change }));
        button(if within { "primary" } else { "plain" }, title.to_owned(), change)
            .with("aria-pressed", if within { "true" } else { "false" })
            .test_id("set")
            .key(set.to_string())
    });
    let name = text_field(model, "set-name", texts::SET_NAME, MAX_NAME, &model.set_name, |text| {
        Relation::SetTyped(text).into()
    });
    let new = element("form").class("row").on(On::Submit(Relation::NewSet(person).into())).child(name);
    element("div")
        .class("card")
        .key("sets")
        .child(paragraph("muted", model.say(texts::SETS_WHY)))
        .child(element("div").class("row").children(rows))
        .child(new.child(super::submit(model.say(texts::SET_NEW)).test_id("set-new")))
}

fn mute_button(model: &Model, person: &PublicKey) -> Option<Html> {
    (model.me.as_ref() != Some(person)).then(|| {
        let muted = model.lists.mutes(person);
        let (label, relation) = if muted {
            (model.say(texts::UNMUTE), Relation::Unmute(*person))
        } else {
            (model.say(texts::MUTE), Relation::Mute(*person))
        };
        button("quiet", label, relation).with("title", model.say(texts::MUTE_WHY)).test_id("mute")
    })
}

/// The question before a first list that could replace one elsewhere.
pub fn first_list(model: &Model) -> Option<Html> {
    let (yes, no) = (Relation::BeginList.into(), Relation::NotNow.into());
    let words = [texts::FIRST_LIST, texts::FIRST_LIST_WHY, texts::FIRST_LIST_YES];
    model.lists.asked.then(|| first(model, words, yes, no).key("first-list"))
}

/// The same before a first profile.
pub fn first_profile(model: &Model) -> Option<Html> {
    let (yes, no) = (Own::BeginProfile(true).into(), Own::BeginProfile(false).into());
    let words = [texts::FIRST_PROFILE, texts::FIRST_PROFILE_WHY, texts::FIRST_PROFILE_YES];
    let unknown = model.me.is_some_and(|me| model.people.profile(&me).is_none());
    (model.profile_form.asked && unknown).then(|| first(model, words, yes, no).key("first-profile"))
}

fn first(model: &Model, words: [texts::Words; 3], yes: Message, no: Message) -> Html {
    let [question, why, begin] = words.map(|words| model.say(words));
    element("div")
        .class("card card-question")
        .with("role", "alert")
        .child(paragraph("strong", question))
        .child(paragraph("muted", why))
        .child(
            element("div")
                .class("row")
                .child(button("plain", begin, yes).test_id("begin-list"))
                .child(button("quiet", model.say(texts::NOT_NOW), no)),
        )
}

fn counts(model: &Model, person: &PublicKey) -> Option<Html> {
    let count = if model.me.as_ref() == Some(person) {
        Some(model.lists.count())
    } else {
        model.lists.count_of(person)
    };
    let own = model.me.as_ref() == Some(person);
    let followers = own.then(|| model.notices.followers().len()).filter(|followers| *followers > 0);
    count.map(|count| {
        let mut words = texts::follows_people(model.language(), count);
        if let Some(followers) = followers {
            words.push_str(" · ");
            words.push_str(&texts::followers(model.language(), followers));
        }
        paragraph("muted", words).test_id("follows-count")
    })
}

/// The picture if it was asked for and is here, otherwise the pattern.
pub fn face(model: &Model, person: &PublicKey, profile: Option<&Profile>) -> Html {
    match shown(model, profile) {
        Some(Picture::Here(own)) => element("img")
            .class("avatar picture-round")
            .test_id("picture")
            .with("src", own.clone())
            .with("alt", texts::picture_of(model.language(), &model.name_in_sentence(person))),
        _ => avatar(person),
    }
}

fn shown<'a>(model: &'a Model, profile: Option<&Profile>) -> Option<&'a Picture> {
    model.pictures.get(profile?.picture.as_ref()?)
}

fn picture_offer(model: &Model, person: &PublicKey, profile: Option<&Profile>) -> Option<Html> {
    let address = profile?.picture.clone()?;
    let host = letters::host(&address);
    let row = element("div").class("row person-picture").key("picture");
    Some(match shown(model, profile) {
        None => row
            .child(
                button("link", model.say(texts::PICTURE_SHOW), Reading::ShowPicture(address))
                    .class("button button-link picture-show")
                    .test_id("picture-show"),
            )
            .child(super::sentence("p", &texts::picture_from(model.language(), &host)).class("muted")),
        Some(Picture::Loading) => row.child(paragraph("muted", model.say(texts::PICTURE_LOADING))),
        Some(Picture::Failed) => row.child(paragraph("muted", model.say(texts::PICTURE_FAILED))).child(
            element("a")
                .class("muted")
                .with("href", address)
                .with("target", "_blank")
                .with("rel", "noopener noreferrer nofollow ugc")
                .with("aria-label", texts::picture_of(model.language(), &model.name_in_sentence(person)))
                .text(host),
        ),
        Some(Picture::Here(_)) => return None,
    })
}

fn about(model: &Model, profile: Option<&Profile>) -> Option<Html> {
    let about = &profile?.about;
    letters::has_visible(about).then(|| {
        element("div")
            .class("post-text person-about")
            .test_id("about")
            .with("dir", "auto")
            .children(richtext::spans(about).into_iter().map(|span| post::draw(model, span)))
    })
}

fn key_row(model: &Model, person: PublicKey) -> Html {
    let npub = person.to_npub();
    element("div")
        .class("row person-key")
        .child(
            element("span")
                .class("muted")
                .with("title", npub.clone())
                .with("data-npub", npub)
                .text(short_npub(&person)),
        )
        .child(button("link", model.say(texts::COPY_KEY), Reading::CopyNpub(person)).test_id("copy-npub"))
        .child_if(sort_button(model, &person))
}
