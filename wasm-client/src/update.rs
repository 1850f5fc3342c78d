//! Takes messages in: changes the model and returns effects. Pure: time and random numbers come in with each message.

pub mod answers;
pub mod arrivals;
pub mod asking;
pub mod compose;
pub mod connection;
pub mod deletion;
pub mod exporting;
pub mod frames;
pub mod happy_eyeballs;
pub mod home;
pub mod keyring;
pub mod lists;
pub mod login;
pub mod media;
pub mod menu;
pub mod names;
pub mod notices;
pub mod offer;
pub mod onboarding;
pub mod own;
pub mod own_names;
pub mod own_nodes;
pub mod own_profile;
pub mod pages;
pub mod paging;
pub mod permissions;
pub mod private_lists;
pub mod publishing;
pub mod reach;
pub mod reading;
pub mod reconnect;
pub mod relays;
pub mod search;
pub mod settling;
pub mod signed;
pub mod signing;
pub mod stage;
pub mod tabs;
pub mod timeline;
mod voting;
pub mod work;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use crate::{
    address::{ClaimLink, InvalidAddress},
    effect::{Effect, Timer},
    message::{BrowserNews, Choice, Keyring, Link, Message, Own, Start, Writing},
    model::{
        Model, Onboarding, PersonStage, Picture, TimelineKey, Window, signing::Signing, thread,
        timeline::Past,
    },
    route::Route,
    storage::{OPENING_EVENTS, Snapshot},
    texts, title,
    vdom::KeyPress,
};
use timeline::Origin;

/// How often relative times are drawn anew, in milliseconds.
const TICK_MS: u64 = 30_000;
/// How long a sentence at the edge stays, in milliseconds.
const NOTICE_MS: u64 = 6_000;

/// Inputs from outside for each step: the time, and a random number.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// For jitter; nothing secret depends on it.
    pub random: u32,
}

/// Takes one message in.
pub fn update(model: &mut Model, message: Message, moment: Moment) -> Vec<Effect> {
    model.now_ms = moment.now_ms;
    let mut effects = Vec::new();
    let out = &mut effects;
    if tabs::is_too_late(&message) {
        tabs::begin_anew(model, out);
        return effects;
    }
    match message {
        Message::Started(start) => {
            if let Some(start) = Rc::into_inner(start) {
                begin(model, start, out);
            }
        }
        Message::Socket { attempt, event } => {
            if model.offer.as_ref().is_some_and(|offer| offer.attempt == Some(attempt)) {
                offer::on_socket(model, event, out);
            } else {
                frames::on_socket(model, attempt, event, moment, out);
            }
        }
        Message::Offer(choice) => offer::update(model, choice, out),
        Message::Timer(timer) => on_timer(model, timer, moment, out),
        Message::Signed(purpose, result) => signed::on_signed(model, purpose, result, out),
        Message::OutgoingSaved(id, result) => {
            if let Err(error) = result {
                model.storage_trouble = Some(error.0);
            }
            if let Some(outgoing) = model.outbox.waiting.get_mut(&id) {
                outgoing.saved = true;
            }
            publishing::publish(model, id, out);
        }
        Message::StorageFailed(error) => model.storage_trouble = Some(error.0),
        Message::ListOpened(id, opened) => lists::on_opened(model, id, opened, out),
        Message::OlderLoaded(events) => home::on_older_loaded(model, &events, out),
        Message::Browser(browser) => on_browser(model, browser, out),
        Message::Welcome(setup) => onboarding::update(model, setup, out),
        Message::Reading(reading) => reading::update(model, reading, out),
        Message::Writing(writing) => compose::update(model, writing, out),
        Message::Relation(relation) => lists::update(model, relation, out),
        Message::Own(own) => own::update(model, own, out),
        Message::Keyring(keyring) => keyring::update(model, keyring, out),
        Message::Link(link) => match link {
            Link::Retry => connection::connect(model, out),
            Link::SetUpAgain => onboarding::begin_again(model, out),
            Link::Stranger => offer::open_stranger(model, out),
            Link::Appoint => own_nodes::appoint(model, out),
            Link::Peer(peer) => {
                // What there is to say about it stands on one screen alone.
                let here = model.route == Route::Network;
                model.chosen_peer = Some(peer).filter(|_| !here || model.chosen_peer != Some(peer));
                if !here {
                    out.push(Effect::Go(Route::Network.fragment()));
                }
            }
        },
    }
    lists::mute(model);
    lists::turn(model);
    thread::remember(model);
    media::load(model, out);
    effects
}

/// Says a sentence at the edge of the page for some seconds.
pub(crate) fn notify(model: &mut Model, sentence: impl Into<String>, out: &mut Vec<Effect>) {
    model.notice = Some(sentence.into());
    out.push(Effect::Wait(Timer::Notice, NOTICE_MS));
}

fn begin(model: &mut Model, start: Start, out: &mut Vec<Effect>) {
    let Start { environment, fragment, snapshot, me, typed } = start;
    model.environment = environment;
    model.me = me.map(|(key, _)| key);
    model.signing = Signing::of(me.map(|(_, signer)| signer).unwrap_or_default());
    let snapshot = snapshot.unwrap_or_else(|error| {
        model.storage_trouble = Some(error.0);
        Snapshot::default()
    });
    let (node_of_settings, home) = (snapshot.settings.node.clone(), snapshot.settings.home.clone());
    let pin = snapshot.settings.pin;
    restore(model, snapshot, out);
    out.push(Effect::PutTheme(model.theme));
    out.push(Effect::PutLanguage(model.language()));

    let wish = take_wish(model, &fragment, out);
    // A page that knew no ids yet goes by the node at which it was last logged in, wherever that is.
    let kept = pin.filter(|(_, key)| model.me.is_none_or(|me| me == *key)).map(|(peer, _)| peer);
    model.connection.pin = kept.or_else(|| home.as_ref().map(|home| home.peer));
    model.connection.pinned_for = pin;
    model.connection.home = home;
    model.connection.node = node_of_settings.or_else(|| model.environment.page.clone());
    if model.me.is_some() {
        model.stage = PersonStage::Using;
        model.put_typed(&typed);
        model.route = Route::from_fragment(&fragment);
        pages::follow(model, out);
        notices::enter(model, out);
        out.push(Effect::Wait(Timer::Tick, TICK_MS));
        connection::connect(model, out);
        heed(model, wish, out);
    } else {
        model.stage = PersonStage::Welcome(Onboarding::default());
        onboarding::on_wish(model, wish.unwrap_or_else(|| Ok(ClaimLink::default())), out);
    }
}

/// The claim link in the page's address, if there is one. It is removed from the address bar and the history at once.
fn take_wish(
    model: &Model,
    fragment: &str,
    out: &mut Vec<Effect>,
) -> Option<Result<ClaimLink, InvalidAddress>> {
    ClaimLink::is_wish(fragment).then(|| {
        out.push(Effect::Replace(model.route.fragment()));
        ClaimLink::from_fragment(fragment, model.environment.page_is_secure)
    })
}

/// In a page that is in use, offers the node of a link on a sheet.
fn heed(model: &mut Model, wish: Option<Result<ClaimLink, InvalidAddress>>, out: &mut Vec<Effect>) {
    match wish {
        Some(Ok(link)) => offer::open(model, link, out),
        Some(Err(error)) => notify(model, texts::invalid_address(model.language(), error), out),
        None => {}
    }
}

fn restore(model: &mut Model, snapshot: Snapshot, out: &mut Vec<Effect>) {
    let Snapshot { events, profiles, deletions, lists, outbox, mut settings } = snapshot;
    compose::restore(model, &mut settings, out);
    // A key that is not kept over a reload comes back only when the person types it again.
    let mine = |event: &&nostrp2p_protocol::Event| model.me.is_none_or(|me| me == event.pubkey);
    let outbox: Vec<_> = outbox.iter().filter(mine).cloned().collect();
    let unsent = outbox.iter().map(|event| &**event);
    for deletion in deletions.iter().chain(unsent) {
        model.deleted.take(deletion);
    }
    for (version, private) in settings.private {
        model.lists.remember(version, private);
    }
    for list in lists.iter().chain(&settings.lists) {
        model.lists.take(list, model.me);
    }
    for profile in &profiles {
        model.people.take(profile);
    }
    model.notices.threads = settings.threads;
    for event in events.iter().rev() {
        timeline::insert(model, event, Origin::Run);
    }
    model.timeline.kept_since = settings.kept_since;
    if let Some(last) = events.last() {
        model.timeline.reach(&TimelineKey::new(last.created_at, last.id()));
    }
    if u32::try_from(events.len()).unwrap_or(u32::MAX) < OPENING_EVENTS {
        model.timeline.past = Past::InNode;
    }
    for event in outbox {
        timeline::insert_own(model, &event);
        model.likes.take(&event, model.me);
        timeline::take_vote(model, &event);
        model.lists.take(&event, model.me);
        if event.kind == nostrp2p_protocol::Kind::PROFILE {
            model.people.take_waiting(&event);
        }
        compose::put_in_outbox(model, event, true);
    }
    model.connection.cursor = settings.cursor;
    model.theme = settings.theme;
    model.media = settings.media;
    model.likes.public = settings.public_likes;
    model.pace = settings.pace;
    model.chosen_language = settings.language;
    model.tab = settings.tab;
    model.no_answers = settings.no_answers;
    model.notices.read_until = settings.read_until;
    model.notices.restore_followers(settings.followers);
    model.lists.made_here = settings.made_here;
    model.backed_up = settings.backed_up;
    model.agreed = settings.agreed;
}

fn on_timer(model: &mut Model, timer: Timer, moment: Moment, out: &mut Vec<Effect>) {
    match timer {
        Timer::Reconnect => connection::connect(model, out),
        Timer::HeadStart => happy_eyeballs::try_the_rest(model, out),
        Timer::Answer => connection::on_silence(model, moment, out),
        Timer::Tick => {
            if model.environment.visible {
                out.push(Effect::Wait(Timer::Tick, TICK_MS));
            }
        }
        Timer::EventTemplate => compose::save_draft(model, out),
        Timer::Notice => model.notice = None,
        Timer::Resend => publishing::publish_all(model, out),
        Timer::Search => search::search(model, out),
        Timer::Lock => signing::lock(model, out),
        Timer::Visit => offer::on_silence(model, out),
    }
}

fn on_browser(model: &mut Model, browser: BrowserNews, out: &mut Vec<Effect>) {
    match browser {
        BrowserNews::Visible(visible) => {
            model.environment.visible = visible;
            if visible {
                out.push(Effect::Wait(Timer::Tick, TICK_MS));
            } else {
                compose::save_draft(model, out);
            }
            notices::read(model, out);
            connection::on_visibility(model, out);
            signing::on_visibility(model, out);
        }
        BrowserNews::Online => connection::hurry(model, out),
        BrowserNews::Wide(wide) => model.environment.wide = wide,
        BrowserNews::Fragment(fragment) => on_fragment(model, &fragment, out),
        BrowserNews::AtTop(at_top) => {
            // The beginning of another screen says nothing about this one.
            model.timeline.at_top |= model.route == Route::Home && at_top;
            model.timeline.at_top &= model.route != Route::Home || at_top;
            if at_top && model.route == Route::Home {
                model.timeline.show_unseen();
                // A long page that was read is put away again.
                model.timeline.window = Window::default();
            }
        }
        BrowserNews::Passed(count, above) => {
            if let Some(end) = count.checked_sub(1).and_then(|last| model.drawn_place(last)) {
                model.window_mut().pass(end, count, above);
            }
        }
        BrowserNews::WentBack(to) => model.window_mut().go_back(to),
        BrowserNews::NearEnd => match model.route {
            Route::Home => home::more(model, out),
            _ => pages::more(model, out),
        },
        BrowserNews::Key(press) => on_key(model, &press, out),
        BrowserNews::Picture(address, own) => {
            let picture = own.map_or(Picture::Failed, Picture::Here);
            out.extend(model.pictures.put(address, picture).map(Effect::DropPicture));
        }
        BrowserNews::Named(name, answer) => names::on_answer(model, name, answer, out),
        BrowserNews::Elsewhere(tidings) => {
            if let Some(tidings) = Rc::into_inner(tidings) {
                tabs::update(model, tidings, out);
            }
        }
        BrowserNews::UpdateReady => model.update_ready = true,
        BrowserNews::Language(true) => out.push(Effect::PutLanguage(model.language())),
        BrowserNews::Language(false) => notify(model, model.say(texts::LANGUAGE_AWAY), out),
        BrowserNews::Installable(offered) => model.environment.installable = offered,
        BrowserNews::Extension => model.environment.extension = true,
        BrowserNews::Copied(done) => {
            notify(model, model.say(if done { texts::COPIED } else { texts::NOT_COPIED }), out);
        }
    }
}

fn on_fragment(model: &mut Model, fragment: &str, out: &mut Vec<Effect>) {
    if let Some(wish) = take_wish(model, fragment, out) {
        return if model.me.is_some() {
            heed(model, Some(wish), out);
        } else {
            onboarding::on_wish(model, wish, out);
        };
    }
    let route = Route::from_fragment(fragment);
    if route != model.route {
        model.route = route;
        own::leave(model);
        model.menu = None;
        pages::enter(model, out);
        notices::enter(model, out);
        asking::ask_missing(model, out);
        out.push(Effect::ChangePlace);
        // The heading is read out by its focus; this says it where something else gets the focus.
        model.announcement = title::title(model).into_owned();
    }
    match route {
        Route::Write => out.push(Effect::Focus(compose::FIELD_ID)),
        Route::Find => out.push(Effect::Focus("search")),
        _ => {}
    }
}

fn on_key(model: &mut Model, press: &KeyPress, out: &mut Vec<Effect>) {
    if press.command || press.alt || press.composing {
        return;
    }
    if press.key == "Escape" && model.signing.unlock.is_some() {
        return keyring::update(model, Keyring::Cancel, out);
    }
    if model.offer.is_some() {
        if press.key == "Escape" && model.signing.unlock.is_none() {
            offer::update(model, Choice::Stay, out);
        }
        return;
    }
    if !matches!(model.stage, PersonStage::Using) || model.signing.unlock.is_some() {
        return;
    }
    if model.help {
        if matches!(press.key.as_str(), "Escape" | "?") {
            own::update(model, Own::Help(false), out);
        }
        return;
    }
    if press.key == "Escape" {
        if model.menu.is_some() {
            menu::close(model, out);
        } else if model.forget_asked {
            model.forget_asked = false;
        } else if model.route == Route::Write {
            compose::update(model, Writing::Close, out);
        } else if model.revealed.is_some() {
            model.revealed = None;
        } else if let (true, Some((post, hook))) = (press.typing, model.compose.begun_at()) {
            out.push(Effect::FocusInPost(post, hook));
        } else if press.typing && model.route == Route::Home {
            out.push(Effect::StepPost { back: false });
        } else {
            model.chosen_peer = None;
        }
        return;
    }
    if press.typing {
        return;
    }
    match press.key.as_str() {
        "/" => {
            out.push(Effect::Go(Route::Find.fragment()));
            out.push(Effect::Focus("search"));
        }
        "?" => own::update(model, Own::Help(true), out),
        "n" => compose::update(model, Writing::Open, out),
        "j" | "k" if has_posts(model.route) => out.push(Effect::StepPost { back: press.key == "k" }),
        "r" | "l" if has_posts(model.route) => {
            out.push(Effect::PressInPost(if press.key == "r" { "reply" } else { "like" }));
        }
        _ => {}
    }
}

const fn has_posts(route: Route) -> bool {
    matches!(route, Route::Home | Route::Find | Route::Person(_) | Route::Thread(..) | Route::Me)
}
