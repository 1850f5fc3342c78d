//! A search: for somebody by key or name, and for words in the posts that are here.

use nostrp2p_protocol::PublicKey;

use super::{Html, avatar, paragraph, person, post};
use crate::{
    letters,
    message::{Message, Reading},
    model::{Model, TimelineKey, names::NameAnswer, timeline::Post},
    nip05::DomainName,
    profile::short_npub,
    richtext,
    route::Route,
    sorted_map::SortedSet,
    texts,
    update::search::MIN_SEARCH,
    vdom::{On, element},
};

/// Most people that are shown.
const MAX_PEOPLE: usize = 12;
/// The screen.
pub fn view(model: &Model, drawn: &mut post::Drawn) -> Html {
    let section = element("section").class("find");
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(model.say(texts::FIND)))
    } else {
        section
    };
    let words = letters::fold(model.search.trim());
    let named = Route::from_code(&model.search);
    let people = match named {
        Some(Route::Person(person)) => vec![person],
        Some(_) => Vec::new(),
        None if words.is_empty() => around(model),
        None => by_name(model, &words),
    };
    // What the node found counts too: it knows more forms of a letter than are compared here.
    let found = |(place, post): &(&TimelineKey, &Post)| match post {
        Post::Written(unsigned) => {
            let text = letters::fold(&unsigned.content);
            let has = |word: &str| match word.strip_prefix('#') {
                Some(tag) if !tag.is_empty() => richtext::is_tagged(unsigned, tag),
                _ => text.contains(word),
            };
            model.open.found.contains(&place.id) || words.split_whitespace().all(has)
        }
        Post::Reposted { .. } => false,
    };
    let posts = model.timeline.posts().filter(|(place, post)| !model.is_muted(place, post));
    let wanted = named.is_none() && words.chars().count() >= MIN_SEARCH;
    let posts = posts.filter(|_| wanted).filter(found).take(model.open.window.drawn);
    let posts = drawn.draw(model, posts);
    let domain = DomainName::of_search(&model.search).is_some();
    let nothing = people.is_empty() && posts.is_empty() && !domain;
    let title = if words.is_empty() { model.say(texts::AROUND) } else { model.say(texts::PEOPLE) };
    let rows = people.iter().map(|person| row(model, person));
    let list = (!people.is_empty()).then(|| {
        element("div")
            .class("people")
            .key("people")
            .child(element("h2").class("people-title").text(title))
            .child(element("ul").children(rows))
    });
    section
        .child(field(model, named).key("field"))
        .child_if(domain_hint(model))
        .child_if(list)
        .child(element("div").class("feed").key("posts").children(posts))
        .child_if(nothing.then(|| {
            let words = model.say(match words.is_empty() {
                true => texts::FIND_LEAD,
                false if model.open.loading => texts::FIND_LOADING,
                false => texts::FIND_NOTHING,
            });
            element("div").class("past").key("past").child(paragraph("muted", words))
        }))
}

fn field(model: &Model, named: Option<Route>) -> Html {
    let domain = DomainName::of_search(&model.search);
    element("form")
        .class("find-field")
        .with("role", "search")
        .on(On::Submit(Reading::SearchSubmitted.into()))
        .child(
            element("input")
                .with("id", "search")
                .with("type", "search")
                .with("dir", "auto")
                .with("maxlength", "1000")
                .with("autocomplete", "off")
                .with("aria-label", model.say(texts::FIND_LABEL))
                .with("placeholder", model.say(texts::FIND_EXAMPLE))
                .test_id("search")
                .with("value", model.search.clone())
                .on(On::Input(|text| Message::Reading(Reading::SearchTyped(text)))),
        )
        .child_if(
            domain.as_ref().map(|_| super::submit(model.say(texts::NAME_LOOK_UP)).test_id("name-look-up")),
        )
        .child_if(named.map(|_| super::submit(model.say(texts::FIND_OPEN)).test_id("search-open")))
}

/// Before a domain is asked, whom that tells what; and after it, what it said.
fn domain_hint(model: &Model) -> Option<Html> {
    let name = DomainName::of_search(&model.search)?;
    let words = match model.names.get(&name) {
        Some(NameAnswer::Awaited) => model.say(texts::NIP05_ASKING).to_owned(),
        Some(NameAnswer::Nobody) => texts::name_unknown(model.language(), &name.text()),
        Some(NameAnswer::Failed) => texts::name_not_asked(model.language(), name.domain()),
        None | Some(NameAnswer::Person(_)) => texts::picture_from(model.language(), name.domain()),
    };
    let hint = element("p").class("muted find-hint").with("role", "status").key("hint");
    Some(hint.child(super::sentence("span", &words)))
}

/// A person with the one thing to do.
fn row(model: &Model, person: &PublicKey) -> Html {
    let named = model.people.profile(person).is_some_and(|profile| profile.name.is_some());
    let names = element("a")
        .class("person-link")
        .with("href", Route::Person(*person).fragment())
        .child(element("bdi").class("strong").with("dir", "auto").text(model.name_of(person)))
        .child_if(named.then(|| element("span").class("muted").text(short_npub(person))));
    element("li")
        .class("person-row")
        .test_id("person-row")
        .key(person.to_string())
        .child(avatar::link(model, person))
        .child(names)
        .child_if(person::follow_button(model, person))
}

fn by_name(model: &Model, words: &str) -> Vec<PublicKey> {
    let known =
        model.people.all().filter(|(_, profile)| profile.folded.iter().any(|name| name.contains(words)));
    known.map(|(person, _)| *person).take(MAX_PEOPLE).collect()
}

/// Recent authors and owners of neighbouring nodes, as a list to choose from; None when there are none.
pub fn around_list(model: &Model) -> Option<Html> {
    let people = around(model);
    (!people.is_empty()).then(|| {
        element("div")
            .class("people")
            .key("around")
            .child(element("h2").class("people-title").text(model.say(texts::AROUND)))
            .child(element("ul").children(people.iter().map(|person| row(model, person))))
    })
}

/// Recent authors, and owners of neighbouring nodes.
fn around(model: &Model) -> Vec<PublicKey> {
    let neighbours =
        model.connection.status.iter().flat_map(|status| &status.peers).filter_map(|peer| peer.owner);
    let writers = model.timeline.posts().map(|(_, post)| *post.author());
    let mut seen = SortedSet::default();
    let others = neighbours.chain(writers).filter(|person| Some(*person) != model.me && seen.insert(*person));
    others.take(MAX_PEOPLE).collect()
}
