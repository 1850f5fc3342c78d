//! The frame around each screen: bars on a phone; rail, column and side on a desktop.

use super::{Html, button, compose, icons, network, notifications, permissions, person, title};
use crate::{
    message::{Message, Own, Reading, Writing},
    model::Model,
    route::Route,
    storage::SILENT,
    texts,
    vdom::{On, element},
};
use icons::{Icon, icon};

/// Puts a screen into its frame.
pub fn view(model: &Model, screen: Html) -> Html {
    let main = element("main").class("column").with("id", "main").children(banners(model)).child(screen);
    let live = element("div").class("hidden").with("aria-live", "polite").text(model.announcement.clone());
    let page = if model.environment.wide {
        element("div")
            .class("app app-wide")
            .child(rail(model).key("rail"))
            .child(main.key("main"))
            .child(element("aside").class("side").key("side").child(network::miniature(model)))
    } else {
        element("div")
            .class("app app-narrow")
            .child(bar(model).key("bar"))
            .child(main.key("main"))
            .child(tabs(model).key("tabs"))
    };
    page.child(live.key("live")).child_if(notice(model))
}

/// The sentence at the edge of the page.
pub fn notice(model: &Model) -> Option<Html> {
    let text = model.notice.as_deref()?;
    let close = element("button")
        .class("button-icon")
        .with("type", "button")
        .with("aria-label", model.say(texts::CLOSE))
        .on(On::Click(Message::Own(Own::NoticeClosed)))
        .child(icon(Icon::Close));
    let notice = element("div").class("notice").test_id("notice").with("role", "status").key("notice");
    Some(notice.child(super::sentence("span", text)).child(close))
}

/// The state of the connection; a tap opens Network.
pub fn pill(model: &Model) -> Html {
    let pill = model.connection.pill();
    element("a")
        .class("pill")
        .with("href", Route::Network.fragment())
        .test_id("connection")
        .with("data-state", texts::pill_word(pill))
        .child(element("span").class("pill-dot"))
        .child(element("span").class("pill-text").text(texts::pill(model.language(), pill)))
}

/// Why nothing is kept over a reload, if so.
pub fn storage_trouble(model: &Model) -> Option<Html> {
    let why = model.storage_trouble.as_deref()?;
    let words = if why == SILENT { texts::STORAGE_SILENT } else { texts::STORAGE_TROUBLE };
    let banner = element("div").class("banner banner-warn").with("role", "status").key("storage");
    Some(banner.test_id("storage-trouble").child(element("span").text(model.say(words))))
}

fn banners(model: &Model) -> Vec<Html> {
    let mut banners = Vec::new();
    if model.update_ready {
        banners.push(
            element("div")
                .class("banner")
                .with("role", "status")
                .key("update")
                .child(element("span").text(model.say(texts::UPDATE_READY)))
                .child(
                    button("plain", model.say(texts::UPDATE_NOW), Message::Own(Own::Update))
                        .test_id("update-now"),
                ),
        );
    }
    banners.extend(storage_trouble(model));
    if model.route == Route::Home {
        banners.extend(network::refusal_card(model).map(|card| card.key("refused")));
        banners.extend(network::alarm(model).map(|card| card.key("alarm")));
    }
    banners.extend(person::first_list(model));
    banners.extend(network::unsaid(model).map(|banner| banner.key("unsaid")));
    banners.extend(permissions::banner(model).map(|banner| banner.key("permission")));
    banners
}

fn bar(model: &Model) -> Html {
    let bar = element("header").class("bar");
    match model.route {
        Route::Write => bar
            .child(button("quiet", model.say(texts::CANCEL), Message::Writing(Writing::Close)))
            .child(element("h1").class("bar-title").text(if model.compose.reply.is_some() {
                model.say(texts::REPLY)
            } else if model.compose.quote.is_some() {
                model.say(texts::QUOTE)
            } else {
                model.say(texts::COMPOSE_LABEL)
            }))
            .child(compose::send_button(model)),
        Route::Settings => bar
            .child(
                element("a")
                    .class("button-icon")
                    .with("href", Route::Me.fragment())
                    .with("aria-label", model.say(texts::BACK))
                    .child(icon(Icon::Back)),
            )
            .child(element("h1").class("bar-title").text(title(model)))
            .child(pill(model)),
        // The heading of a person's page is the name in it.
        Route::Person(_) => bar.child(back(model)).child(element("span").class("spring")).child(pill(model)),
        Route::Thread(..) => bar
            .child(back(model))
            .child(element("h1").class("bar-title").text(title(model)))
            .child(pill(model)),
        Route::Me => bar.child(element("h1").class("bar-title").text(title(model))).child(pill(model)).child(
            element("a")
                .class("button-icon")
                .with("href", Route::Settings.fragment())
                .with("aria-label", model.say(texts::SETTINGS))
                .child(icon(Icon::Settings)),
        ),
        Route::Home => bar
            .child(icons::logo())
            .child(element("h1").class("bar-title").text(title(model)))
            .child(pill(model)),
        Route::Network | Route::Find | Route::Notifications => {
            bar.child(element("h1").class("bar-title").text(title(model))).child(pill(model))
        }
    }
}

fn back(model: &Model) -> Html {
    element("button")
        .class("button-icon")
        .with("type", "button")
        .with("aria-label", model.say(texts::BACK))
        .test_id("back")
        .on(On::Click(Message::Reading(Reading::Back)))
        .child(icon(Icon::Back))
}

fn tabs(model: &Model) -> Html {
    let tab = |route: Route, image, label| {
        link(model, "tab", route).child(icon(image)).child(element("span").text(label))
    };
    let write = tab(Route::Write, Icon::Write, model.say(texts::WRITE)).test_id("compose-open");
    element("nav")
        .class("tabs")
        .with("aria-label", model.say(texts::MAIN_NAVIGATION))
        .child(tab(Route::Home, Icon::Home, model.say(texts::HOME)))
        .child(tab(Route::Find, Icon::Search, model.say(texts::FIND)))
        .child(write.on(On::Click(Message::Writing(Writing::Open))))
        .child(
            tab(Route::Notifications, Icon::Bell, model.say(texts::NOTIFICATIONS_SHORT))
                .child_if(badge(model)),
        )
        .child(tab(Route::Me, Icon::Person, model.say(texts::ME)))
}

fn rail(model: &Model) -> Html {
    let entry = |route: Route, image, label| {
        link(model, "rail-link", route)
            .child(icon(image))
            .child(element("span").class("rail-label").text(label))
    };
    element("nav")
        .class("rail")
        .with("aria-label", model.say(texts::MAIN_NAVIGATION))
        .child(
            element("a")
                .class("brand")
                .with("href", Route::Home.fragment())
                .child(icons::logo())
                .child(element("span").class("rail-label").text(model.say(texts::APP))),
        )
        .child(entry(Route::Home, Icon::Home, model.say(texts::HOME)))
        .child(entry(Route::Find, Icon::Search, model.say(texts::FIND)))
        .child(
            entry(Route::Notifications, Icon::Bell, model.say(texts::NOTIFICATIONS)).child_if(badge(model)),
        )
        .child(entry(Route::Network, Icon::Network, model.say(texts::NETWORK)))
        .child(entry(Route::Me, Icon::Person, model.say(texts::ME)))
        .child(entry(Route::Settings, Icon::Settings, model.say(texts::SETTINGS)))
        .child(
            element("button")
                .class("button button-primary rail-write")
                .with("type", "button")
                .test_id("compose-open")
                .on(On::Click(Message::Writing(Writing::Open)))
                .child(icon(Icon::Write))
                .child(element("span").class("rail-label").text(model.say(texts::WRITE))),
        )
        .child(element("div").class("rail-foot").child(pill(model)))
}

/// How many notices wait; nothing when there is no news.
fn badge(model: &Model) -> Option<Html> {
    notifications::unread_text(model).map(|shown| {
        let words = element("span").class("hidden").text(model.say(texts::UNREAD));
        element("span")
            .class("badge")
            .test_id("unread")
            .with("data-count", notifications::unread(model).to_string())
            .text(shown)
            .child(words)
    })
}

fn link(model: &Model, class: &'static str, route: Route) -> Html {
    let link = element("a").class(class).with("href", route.fragment());
    if model.route == route { link.with("aria-current", "page") } else { link }
}
