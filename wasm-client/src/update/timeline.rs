//! Events that come in, and reading them.

use nostrp2p_protocol::{
    Event, EventId, Kind, PublicKey, UnsignedEvent, frame::ClientFrame, limits::MAX_TEXT_BYTES,
};

use super::{Effect, asking, compose, deletion, lists, names, pages, settling};
use crate::{
    effect::Timer,
    message::Reading,
    model::{
        Menu, Model, Offers, Picture, Quote, Tab, TimelineKey, Window,
        connection::SentRequest,
        likes,
        lists::LISTS,
        poll, reply,
        timeline::{CONTENT, Past, Post},
        window::PAGE_POSTS,
    },
    nip05::DomainName,
    question, richtext,
    route::Route,
    secret::Secret,
    storage::{Setting, StorageChange},
    texts,
};

/// How many events are loaded from the storage at once: few enough for a frame of a slow phone, some screens full.
const OLDER_FROM_STORAGE: u32 = 24;

/// Up to how many posts are looked through for a page of those one follows; the rest comes as somebody scrolls.
const MAX_FILLED: usize = 1_000;

/// How long after the last key the node is searched, in milliseconds.
const SEARCH_MS: u64 = 300;
/// From how many characters on something is searched for: fewer are in nearly all posts.
pub const MIN_SEARCH: usize = 2;
/// Most posts and most people that the node is to find.
const FOUND_POSTS: u32 = 100;
const FOUND_PEOPLE: u32 = 20;

/// How events came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Pushed by the node, as they happen; or written here.
    Live,
    /// The newest, or those that follow the last ones here: nothing is missing between them.
    Run,
    /// Asked for by name.
    Named,
}

/// Takes in what the person does while reading.
pub fn update(model: &mut Model, reading: Reading, out: &mut Vec<Effect>) {
    match reading {
        Reading::ShowNew => {
            model.timeline.show_unseen();
            model.timeline.window = Window::default();
            out.push(Effect::ScrollToTop);
        }
        Reading::Fold(id) => model.timeline.unfolded.toggle(id),
        Reading::Tab(tab) => {
            model.tab = tab.clone();
            model.timeline.window = Window::default();
            lists::turn(model);
            lists::ask_tab(model, out);
            out.push(Effect::Save(vec![StorageChange::Set(Setting::Tab(tab))]));
            out.push(Effect::ScrollToTop);
            fill(model, out);
        }
        Reading::Answers => {
            model.no_answers = !model.no_answers;
            model.timeline.window = Window::default();
            out.push(Effect::Save(vec![StorageChange::Set(Setting::NoAnswers(model.no_answers))]));
            fill(model, out);
        }
        Reading::FollowThread(root) => {
            compose::close_menu(model, out);
            model.notices.follow_thread(root);
            let threads = model.notices.threads.clone();
            out.push(Effect::Save(vec![StorageChange::Set(Setting::Threads(threads))]));
        }
        Reading::SearchTyped(text) => {
            if let Some(Route::Person(person)) = Route::from_code(&text) {
                model.people.want(person);
                asking::ask_missing(model, out);
            }
            model.search = text;
            out.push(Effect::Wait(Timer::Search, SEARCH_MS));
        }
        Reading::Hashtag(tag) => {
            model.search = tag;
            out.push(Effect::Go(Route::Find.fragment()));
            out.push(Effect::Wait(Timer::Search, SEARCH_MS));
        }
        Reading::SearchSubmitted => {
            if let Some(route) = Route::from_code(&model.search) {
                model.search.clear();
                out.push(Effect::Go(route.fragment()));
            } else if let Some(name) = DomainName::of_search(&model.search) {
                names::open(model, name, out);
            }
        }
        Reading::Back => out.push(Effect::GoBack),
        Reading::Older if model.route == Route::Home => more(model, out),
        Reading::Older => pages::more(model, out),
        Reading::Open(id) => {
            let author = model.timeline.written(&id).map(|unsigned| unsigned.pubkey);
            if !matches!(model.route, Route::Thread(open, _) if open == id) {
                out.push(Effect::Go(Route::Thread(id, author).fragment()));
            }
        }
        Reading::LookUp(name) => names::look_up(model, name, out),
        Reading::ShowPicture(address) => {
            out.extend(model.pictures.put(address.clone(), Picture::Loading).map(Effect::DropPicture));
            out.push(Effect::LoadPicture(address));
        }
        Reading::CopyNpub(person) => out.push(Effect::Copy(Secret::new(person.to_npub()))),
        Reading::CopyText(id) => {
            compose::close_menu(model, out);
            if let Some(unsigned) = model.timeline.written(&id) {
                out.push(Effect::Copy(Secret::new(unsigned.content.clone())));
            }
        }
        Reading::Menu(menu) => open_menu(model, menu, out),
    }
}

/// What is typed is searched for in all that the node holds; what is here already is shown meanwhile.
pub fn search(model: &mut Model, out: &mut Vec<Effect>) {
    let words = model.search.trim();
    let named = Route::from_code(words).is_some() || DomainName::of_search(words).is_some();
    let fits = words.chars().count() >= MIN_SEARCH && words.len() <= MAX_TEXT_BYTES && !named;
    if !fits || model.route != Route::Find || !model.connection.is_logged_in() {
        return;
    }
    let words = words.to_owned();
    let filters = vec![
        question::of_kinds(&CONTENT, Some(FOUND_POSTS)),
        question::of_kinds(&[Kind::PROFILE], Some(FOUND_PEOPLE)),
    ];
    let request = model.connection.ask(SentRequest::Search);
    model.open.loading = true;
    out.push(Effect::Send(ClientFrame::Search { request, filters, words }));
}

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

/// Puts one event into the timeline if it is a post; says whether it is new there.
///
/// What comes live while the person reads further down, or another screen, waits behind "n new".
pub fn insert(model: &mut Model, unsigned: &UnsignedEvent, origin: Origin) -> bool {
    let Some(post) = Post::of(unsigned) else { return false };
    let place = TimelineKey::new(unsigned.created_at, unsigned.id());
    let known = model.timeline.written(&place.id);
    if known.is_some_and(|known| known.statement.is_none() && unsigned.statement.is_some()) {
        // It came privately, and its author's node says now that it is for everyone.
        model.timeline.insert(place, post);
        return false;
    }
    if model.timeline.contains(&place) || model.deleted.contains(&place.id, &unsigned.pubkey) {
        return false;
    }
    if origin == Origin::Named {
        model.timeline.mark_run();
    }
    let reading_on = !model.timeline.at_top && !model.timeline.is_stray(&place);
    if origin == Origin::Live && reading_on && Some(unsigned.pubkey) != model.me {
        model.timeline.unseen.insert(place.id);
    }
    model.missing.found(&place.id);
    want_what_it_names(model, unsigned, &post);
    if model.lists.muting.mutes(&place.id, unsigned) {
        model.timeline.muted.insert(place.id);
    }
    model.timeline.insert(place, post)
}

/// Puts a post back that was taken out by mistake.
pub fn insert_back(model: &mut Model, unsigned: &UnsignedEvent) {
    insert(model, unsigned, Origin::Run);
}

/// Puts an own event in that was signed here.
pub fn insert_own(model: &mut Model, event: &Event) {
    insert(model, event, Origin::Live);
}

/// Notes who and what is needed to show a post.
fn want_what_it_names(model: &mut Model, unsigned: &UnsignedEvent, post: &Post) {
    model.people.want(unsigned.pubkey);
    let named = || unsigned.tag_values("p").filter_map(|value| value.parse().ok());
    match post {
        Post::Reposted { target, .. } => want(model, *target, named()),
        Post::Written(_) => {
            if let Some(person) = reply::answered(unsigned) {
                model.people.want(person);
            }
            // Whoever follows somebody sees what they answer.
            if let Some(target) = reply::target(unsigned).filter(|_| model.lists.follows(&unsigned.pubkey)) {
                want(model, target, named());
            }
            if let Some(quote) = Quote::of(unsigned) {
                want(model, quote.id, named().chain(quote.author));
            }
            for person in richtext::people(&unsigned.content) {
                model.people.want(person);
            }
        }
    }
}

/// Opens a menu, or closes it. Under an own post stands in it which relays have the post.
fn open_menu(model: &mut Model, menu: Menu, out: &mut Vec<Effect>) {
    model.relays = None;
    if model.menu == Some(menu) {
        model.menu = None;
        return;
    }
    model.menu = Some(menu);
    let (id, connection) = (menu.post, &model.connection);
    let own = model.timeline.written(&id).is_some_and(|post| model.me == Some(post.pubkey));
    if own && menu.offers == Offers::More && connection.tells_relays && connection.is_logged_in() {
        let request = model.connection.ask(SentRequest::Relays(id));
        out.push(Effect::Send(ClientFrame::Relays { request, id }));
    }
}

/// Takes a vote in; its poll, if that is here, says until when votes count.
pub fn take_vote(model: &mut Model, unsigned: &UnsignedEvent) {
    let poll = poll::target(unsigned).and_then(|poll| model.timeline.written(&poll));
    model.votes.take(unsigned, poll);
}

/// An own post that somebody likes is shown with the notice.
fn want_what_is_liked(model: &mut Model, unsigned: &UnsignedEvent) {
    if let Some(target) = likes::target(unsigned).filter(|_| model.me != Some(unsigned.pubkey)) {
        model.people.want(unsigned.pubkey);
        want(model, target, model.me);
    }
}

/// Notes that a post is needed, if it is not here.
pub fn want(model: &mut Model, id: EventId, authors: impl IntoIterator<Item = PublicKey>) {
    if model.timeline.place(&id).is_none() {
        model.missing.want(id, authors);
    }
}

/// The unbroken run has grown by an answer of the node: remembers how far down it reaches, here and in the storage.
pub fn reach(model: &mut Model, last: Option<TimelineKey>, complete: bool) -> StorageChange {
    let timeline = &mut model.timeline;
    match last {
        Some(last) if !complete => {
            timeline.reach(&last);
            timeline.kept_since = timeline.since;
            timeline.past = Past::InNode;
        }
        _ => {
            timeline.past = Past::End;
            timeline.kept_since = 0;
        }
    }
    StorageChange::Set(Setting::KeptSince(timeline.kept_since))
}

/// The end came near: draw more, and fetch what is missing for it.
pub fn more(model: &mut Model, out: &mut Vec<Effect>) {
    if model.home_goes_on(1) {
        model.timeline.window.grow();
    }
    if model.home_goes_on(PAGE_POSTS) {
        return;
    }
    let timeline = &mut model.timeline;
    match (timeline.past, timeline.end()) {
        (Past::InStorage, Some(end)) => {
            timeline.past = Past::Loading;
            out.push(Effect::LoadOlder(end, OLDER_FROM_STORAGE));
        }
        (Past::InNode, _) => asking::fetch_older(model, out),
        _ => {}
    }
}

/// Of those one follows there may be few posts among many: looks on until there is a page of them, up to a bound.
pub fn fill(model: &mut Model, out: &mut Vec<Effect>) {
    let few = model.of_tab(None).nth(PAGE_POSTS).is_none();
    if model.tab != Tab::Everyone && few && model.timeline.len() < MAX_FILLED {
        more(model, out);
    }
}

/// The storage gave what it had.
pub fn on_older_loaded(model: &mut Model, events: &[UnsignedEvent], out: &mut Vec<Effect>) {
    if let Some(last) = events.last() {
        // Before the events come in: how far the unbroken run reaches decides what is a single one.
        model.timeline.reach(&TimelineKey::new(last.created_at, last.id()));
        for unsigned in events {
            insert(model, unsigned, Origin::Run);
        }
        model.timeline.past = Past::InStorage;
        fill(model, out);
    } else {
        model.timeline.past = Past::InNode;
        more(model, out);
    }
}
