//! What the browser reports: the page's address, visibility, time and random numbers.

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{CustomEvent, Event, KeyboardEvent, VisibilityState, Window};

use super::{App, page, reading_places, scrolling};
use crate::{
    address::NodeAddress,
    dom,
    locale::{Language, Zone},
    message::{BrowserNews, Message},
    model::Environment,
    update::Moment,
};

/// From this width on there is room for a rail; the style sheet says the same.
const WIDE: &str = "(min-width: 720px)";

/// The moment, and a random number for jitter.
pub(super) fn moment() -> Moment {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "both are in range, and `as` saturates"
    )]
    Moment {
        now_ms: js_sys::Date::now() as u64,
        random: (js_sys::Math::random() * f64::from(u32::MAX)) as u32,
    }
}

/// What is known at the start.
pub(super) fn look(window: &Window, keeps_keys: bool) -> Environment {
    let location = window.location();
    let protocol = location.protocol().unwrap_or_default();
    let tags: Vec<String> = window.navigator().languages().iter().filter_map(|tag| tag.as_string()).collect();
    Environment {
        page: NodeAddress::of_page(&protocol, &location.host().unwrap_or_default()),
        page_is_secure: protocol == "https:",
        keeps_keys,
        wide: is_wide(window),
        visible: is_visible(window),
        language: Language::preferred(tags.iter().map(String::as_str)),
        zone: Zone(offset_minutes),
        extension: false,
        installable: false,
        apple: window
            .navigator()
            .platform()
            .is_ok_and(|platform| platform.starts_with("Mac") || platform.starts_with("iP")),
    }
}

/// How many minutes east of UTC the reader's zone is at this time, in seconds since 1970.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "no date is that long; at most 14 hours"
)]
fn offset_minutes(seconds: u64) -> i32 {
    let date = js_sys::Date::new(&(seconds as f64 * 1_000.0).into());
    -date.get_timezone_offset() as i32
}

/// Listens to what the browser tells, until the listeners are dropped.
pub(super) fn listen(app: &Rc<App>) -> Vec<EventListener> {
    let window = &app.window;
    let mut listeners = vec![
        on(app, window, "online", |_, _| Some(BrowserNews::Online)),
        on(app, window, "hashchange", |window, _| {
            Some(BrowserNews::Fragment(window.location().hash().ok()?))
        }),
        on(app, window, "nostrp2p:update-ready", |_, _| Some(BrowserNews::UpdateReady)),
        on(app, window, "nostrp2p:installable", |_, event| {
            Some(BrowserNews::Installable(event.dyn_ref::<CustomEvent>()?.detail().is_truthy()))
        }),
        on(app, window, "keydown", |_, event| {
            let key: &KeyboardEvent = event.dyn_ref()?;
            if page::is_held_press(event) || page::move_in_group(event) {
                event.prevent_default();
                return None;
            }
            (!event.default_prevented()).then(|| BrowserNews::Key(dom::key_press(key)))
        }),
        scrolling::on_scroll(app),
    ];
    if let Some(document) = window.document() {
        let seen = |window: &Window, _: &Event| Some(BrowserNews::Visible(is_visible(window)));
        listeners.push(on(app, &document, "visibilitychange", seen));
    }
    for name in ["pagehide", "wheel", "touchmove", "keydown"] {
        let weak = Rc::downgrade(app);
        listeners.push(EventListener::new(window, name, move |event| {
            if let Some(app) = weak.upgrade() {
                if event.type_() == "pagehide" {
                    app.places.keep(&app.window);
                    reading_places::keep_typed(&app.window, &app.model.borrow().typed());
                } else {
                    app.places.let_go();
                }
            }
        }));
    }
    if let Ok(Some(query)) = window.match_media(WIDE) {
        listeners.push(on(app, &query, "change", |window, _| Some(BrowserNews::Wide(is_wide(window)))));
    }
    listeners
}

fn on(
    app: &Rc<App>,
    target: &web_sys::EventTarget,
    name: &'static str,
    read: fn(&Window, &Event) -> Option<BrowserNews>,
) -> EventListener {
    let app = Rc::downgrade(app);
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(target, name, options, move |event| {
        let Some(app) = app.upgrade() else { return };
        if let Some(told) = read(&app.window, event) {
            app.dispatch(Message::Browser(told));
        }
    })
}

fn is_wide(window: &Window) -> bool {
    window.match_media(WIDE).ok().flatten().is_some_and(|query| query.matches())
}

fn is_visible(window: &Window) -> bool {
    window.document().is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}
