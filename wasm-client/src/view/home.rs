//! Everyone's posts, with the composer above them where there is room.

use std::rc::Rc;

use super::{Html, button, compose, find, icons, paragraph, post};
use crate::{
    message::{Message, Reading, Writing},
    model::{Model, Tab, lists::BOOKMARKS, timeline::Past},
    route::Route,
    texts,
    vdom::{On, Text, element},
};
use icons::{Icon, icon};

/// The screen.
pub fn view(model: &Model, drawn: &mut post::Drawn) -> Html {
    let wide = model.environment.wide;
    let section = element("section").class("home");
    let section = if wide {
        section
            .child(element("h1").class("column-title").text(model.say(texts::HOME)))
            .child(compose::card(model).key("compose"))
    } else {
        section
    };
    section
        .child(tabs(model).key("tabs"))
        .child_if((model.tab == Tab::Following).then(|| answers(model)))
        .child_if(pill(model))
        .child(posts(model, drawn).key("posts"))
        .child_if(past(model))
}

fn pill(model: &Model) -> Option<Html> {
    let count = model.unseen();
    (count > 0).then(|| {
        element("button")
            .class("new-pill")
            .with("type", "button")
            .test_id("new-posts")
            .key("new")
            .on(On::Click(Message::Reading(Reading::ShowNew)))
            .child(icon(Icon::Up))
            .text(texts::new_pill(model.language(), count))
    })
}

fn tabs(model: &Model) -> Html {
    let tab = |tab: Tab, label: Text, hook: &'static str| {
        element("button")
            .class("home-tab")
            .with("type", "button")
            .with("role", "tab")
            .with("aria-selected", if model.tab == tab { "true" } else { "false" })
            .with("tabindex", if model.tab == tab { "0" } else { "-1" })
            .test_id(hook)
            .on(On::Click(Reading::Tab(tab).into()))
            .text(label)
    };
    let kept = model.tab == Tab::Bookmarks || !model.lists.posts_in(BOOKMARKS).is_empty();
    let sets = model.lists.sets();
    element("div")
        .class("home-tabs")
        .with("role", "tablist")
        .with("aria-label", model.say(texts::WHOSE_POSTS))
        .child(tab(Tab::Following, model.say(texts::FOLLOWING).into(), "tab-following"))
        .child(tab(Tab::Everyone, model.say(texts::EVERYONE).into(), "tab-everyone"))
        .child_if(kept.then(|| tab(Tab::Bookmarks, model.say(texts::BOOKMARKS).into(), "tab-bookmarks")))
        .children(sets.map(|(set, title)| tab(Tab::Set(Rc::clone(set)), title.to_owned().into(), "tab-set")))
}

/// Whether answers of those one follows are shown.
fn answers(model: &Model) -> Html {
    let label = if model.no_answers { texts::WITH_ANSWERS } else { texts::WITHOUT_ANSWERS };
    let button = button("link", model.say(label), Reading::Answers).test_id("with-answers");
    element("div").class("home-choice").key("answers").child(button)
}

fn posts(model: &Model, drawn: &mut post::Drawn) -> Html {
    let feed = element("div").class("feed");
    let posts = drawn.draw(model, model.home());
    if !posts.is_empty() {
        return feed
            .with("role", "feed")
            .with("aria-label", model.say(texts::HOME))
            .child_if(post::passed(&model.timeline.window))
            .children(posts);
    }
    if model.timeline.loading {
        return feed
            .with("aria-busy", "true")
            .children((0..4).map(|_| post::skeleton()))
            .child(element("p").class("hidden").text(model.say(texts::LOADING)));
    }
    if model.tab != Tab::Everyone {
        return feed.child(nobody_followed(model));
    }
    let empty = element("div")
        .class("empty")
        .child(icons::logo())
        .child(element("h2").text(model.say(texts::EMPTY_TITLE)))
        .child(paragraph("muted", model.say(texts::EMPTY_LEAD)));
    let write = button("primary", model.say(texts::WRITE), Message::Writing(Writing::Open));
    let empty = if model.environment.wide { empty } else { empty.child(write) };
    // Whoever is new here should see that there are people.
    let find = element("a").class("button button-plain").with("href", Route::Find.fragment());
    feed.child(empty.child(find.text(model.say(texts::FIND_PEOPLE)))).child_if(find::around_list(model))
}

fn nobody_followed(model: &Model) -> Html {
    let nobody = model.tab == Tab::Following && model.lists.count() == 0;
    let (title, lead) = if nobody {
        (model.say(texts::NOBODY_FOLLOWED), model.say(texts::NOBODY_FOLLOWED_LEAD))
    } else {
        let lead = if model.tab == Tab::Bookmarks { texts::NOTHING_KEPT } else { texts::NOTHING_FOLLOWED };
        (model.say(texts::EMPTY_TITLE), model.say(lead))
    };
    let find = element("a").class("button button-primary").with("href", Route::Find.fragment());
    element("div")
        .class("empty")
        .child(icons::logo())
        .child(element("h2").text(title))
        .child(paragraph("muted", lead))
        .child_if(nobody.then(|| find.text(model.say(texts::FIND_PEOPLE))))
}

fn past(model: &Model) -> Option<Html> {
    if model.timeline.is_empty() {
        return None;
    }
    let foot = element("div").class("past").key("past");
    let undrawn = model.home_goes_on(1);
    Some(match model.timeline.past {
        Past::Loading | Past::Fetching => foot.child(paragraph("muted", model.say(texts::OLDER_LOADING))),
        Past::End if !undrawn => foot.child(paragraph("muted", model.say(texts::NO_OLDER))),
        Past::InNode if !undrawn && !model.connection.is_logged_in() => return None,
        _ => foot.child(button("quiet", model.say(texts::OLDER), Message::Reading(Reading::Older))),
    })
}
