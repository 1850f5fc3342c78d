//! Changes to the person's lists: following, muting, bookmarks, pins, follow sets.

use nostrp2p_protocol::{
    EventId, EventTemplate, Kind, PublicKey, Tag, UnsignedEvent,
    frame::ClientFrame,
    limits::{MAX_EVENT_BYTES, MAX_TAGS},
};

use super::{Effect, asking, menu, notify, private_lists, signing, timeline};
use crate::{
    letters,
    message::Relation,
    model::{
        Model, Tab,
        connection::SentRequest,
        lists::{BOOKMARKS, FOLLOW_SET, ListChange, ListDraft, MUTE_LIST, PINS},
        muting::MAX_WORD,
        signing::Purpose,
        timeline::{CONTENT, Post},
    },
    question,
    storage::{Setting, StorageChange},
    texts,
};

/// A list that may not become longer, in parts.
const WHOLE: usize = 1_000;
/// From so many parts on the person is told that the end is near.
const NEAR: usize = 900;

/// Most bytes that can be encrypted at once (NIP-44).
const MAX_SEALED: usize = 65_535;
/// Longest name of a list of people in characters; a guess.
pub const MAX_NAME: usize = 40;
/// Most posts of a list, and most people of one, that are asked for when it is opened: what a question may name.
const MAX_ASKED: usize = 200;

/// How many posts are asked for of somebody whom one begins to follow.
const POSTS: u32 = 50;

/// Takes in what the person decides about others.
pub fn update(model: &mut Model, relation: Relation, out: &mut Vec<Effect>) {
    match relation {
        Relation::Follow(person) => {
            want(model, Kind::FOLLOW_LIST, person, true, out);
            ask_posts(model, person, out);
        }
        Relation::Unfollow(person) => want(model, Kind::FOLLOW_LIST, person, false, out),
        Relation::Mute(person) => want(model, MUTE_LIST, person, true, out),
        Relation::Unmute(person) => want(model, MUTE_LIST, person, false, out),
        Relation::Change(change) => change_list(model, &change, out),
        Relation::WordTyped(word) => model.muted_word = word,
        Relation::MuteWord => mute_word(model, out),
        Relation::Sort => model.sorting = !model.sorting,
        Relation::SetTyped(name) => model.set_name = name,
        Relation::NewSet(person) => sort(model, person, out),
        Relation::BeginList => {
            model.lists.asked = false;
            model.lists.made_here = true;
            make(model, out);
        }
        Relation::NotNow => model.lists.drop_pending(),
        Relation::Restore(id) => restore(model, id, out),
    }
}

/// Makes the next pending change, if possible. A list may not become longer than the node takes; a warning comes
/// before that.
pub fn make(model: &mut Model, out: &mut Vec<Effect>) {
    let now = model.now();
    loop {
        let draft = match model.lists.next(now) {
            Ok(Some(draft)) => draft,
            Ok(None) => break,
            Err(_) => {
                notify(model, model.say(texts::LIST_UNREADABLE), out);
                continue;
            }
        };
        let taken = taken(model, &draft);
        if taken > WHOLE {
            model.lists.signing = false;
            notify(model, model.say(texts::LIST_FULL), out);
            continue;
        }
        if taken >= NEAR {
            notify(model, texts::list_nearly_full(model.language(), taken * 100 / WHOLE), out);
        }
        return signing::sign_list(model, draft, out);
    }
    if model.lists.waits_for_key() {
        signing::ask(model, out);
        private_lists::open(model, out);
    }
}

/// The private part of a version was decrypted, or why it was not.
pub fn on_opened(
    model: &mut Model,
    version: EventId,
    opened: Result<Vec<Tag>, String>,
    out: &mut Vec<Effect>,
) {
    if let Some(unsigned) = model.lists.opened(version, opened.ok()) {
        out.push(Effect::Save(to_store(model, unsigned)));
    }
    make(model, out);
}

/// The changes that store a version of an own list: itself, and its private part if that is known.
pub fn to_store(model: &Model, unsigned: UnsignedEvent) -> Vec<StorageChange> {
    let mut changes = Vec::new();
    if let Some(private) = model.lists.private_of(unsigned.id()) {
        let name = (unsigned.kind, unsigned.tag_values("d").next().unwrap_or_default().to_owned());
        changes.push(StorageChange::Set(Setting::Private(name, unsigned.id(), private.to_vec())));
    }
    changes.push(match unsigned.kind {
        Kind::FOLLOW_LIST | MUTE_LIST => StorageChange::List(unsigned),
        _ => StorageChange::Set(Setting::OwnList(Box::new(unsigned))),
    });
    changes
}

/// After the mute list changed: which posts of the timeline it mutes.
pub fn mute(model: &mut Model) {
    if model.mute_version == model.lists.mute_version {
        return;
    }
    model.mute_version = model.lists.mute_version;
    let mut muted = Vec::new();
    if !model.lists.muting.is_empty() {
        let mutes = |id: &EventId, post: &Post| match post {
            Post::Written(unsigned) => model.lists.muting.mutes(id, unsigned),
            Post::Reposted { .. } => false,
        };
        let posts = model.timeline.posts().filter(|(place, post)| mutes(&place.id, post));
        muted.extend(posts.map(|(place, _)| place.id));
    }
    model.timeline.muted.clear();
    for id in muted {
        model.timeline.muted.insert(id);
    }
}

/// After a list or the tab changed: whose posts, or which, the tab shows.
pub fn turn(model: &mut Model) {
    let turned = match &model.tab {
        Tab::Everyone | Tab::Following => model.tab_posts.is_empty() && model.tab_people.is_empty(),
        Tab::Bookmarks => model.tab_people.is_empty() && !model.tab_posts.is_empty(),
        Tab::Set(_) => model.tab_posts.is_empty() && !model.tab_people.is_empty(),
    };
    if turned && model.tab_version == model.lists.version {
        return;
    }
    model.tab_version = model.lists.version;
    model.tab_posts.clear();
    model.tab_people.clear();
    match &model.tab {
        Tab::Everyone | Tab::Following => {}
        Tab::Bookmarks => model.tab_posts = model.lists.posts_in(BOOKMARKS).into_iter().collect(),
        Tab::Set(set) => model.tab_people = model.lists.people_in(set),
    }
}

/// Asks for what the tab shows and may not be here: single posts, and the newest of people whom one need not follow.
pub fn ask_tab(model: &mut Model, out: &mut Vec<Effect>) {
    let posts: Vec<EventId> = model.tab_posts.iter().copied().collect();
    posts.into_iter().take(MAX_ASKED).for_each(|id| timeline::want(model, id, []));
    asking::ask_missing(model, out);
    if !model.tab_people.is_empty() && model.connection.is_logged_in() {
        let people: Vec<PublicKey> = model.tab_people.iter().copied().take(MAX_ASKED).collect();
        let request = model.connection.ask(SentRequest::Followed);
        let filters = vec![question::by(&people, &CONTENT, Some(2 * POSTS))];
        out.push(Effect::Send(ClientFrame::Fetch { request, filters }));
    }
}

fn sort(model: &mut Model, person: PublicKey, out: &mut Vec<Effect>) {
    let name = letters::one_line(&model.set_name, MAX_NAME);
    if letters::has_visible(&name) {
        model.set_name.clear();
        let list = (FOLLOW_SET, name.into());
        change_list(model, &ListChange { list, ..ListChange::person(FOLLOW_SET, person, true) }, out);
    }
}

fn mute_word(model: &mut Model, out: &mut Vec<Effect>) {
    let word = letters::lower(&letters::one_line(&model.muted_word, MAX_WORD));
    if letters::has_visible(&word) {
        model.muted_word.clear();
        let change = ListChange { list: (MUTE_LIST, "".into()), tag: "word", value: word, within: true };
        change_list(model, &change, out);
    }
}

fn change_list(model: &mut Model, change: &ListChange, out: &mut Vec<Effect>) {
    menu::close(model, out);
    model.lists.want(change.clone());
    make(model, out);
    if !model.lists.loaded {
        notify(model, model.say(texts::LIST_AWAITED), out);
    }
}

/// How much a list takes of what one may be long, in parts of [`WHOLE`].
fn taken(model: &Model, ListDraft { template, private }: &ListDraft) -> usize {
    // Only lists of people may be long.
    let long = model.connection.long_lists.filter(|_| !matches!(template.kind, PINS | BOOKMARKS));
    let (tags, bytes) = match long {
        Some((tags, bytes)) => (tags as usize, bytes as usize),
        None => (MAX_TAGS, MAX_EVENT_BYTES),
    };
    let size = |tags: &[Tag]| {
        let template = EventTemplate { tags: tags.to_vec(), ..template.clone() };
        template.by(PublicKey::from_bytes([0; 32])).size()
    };
    let sealed = private.as_ref().map_or(0, |private| size(private));
    // What is encrypted is padded by up to an eighth, and written with four letters for three bytes.
    let size = size(&template.tags) + sealed * 3 / 2;
    let part = |taken: usize, of: usize| (taken * WHOLE).div_ceil(of.max(1));
    part(template.tags.len(), tags).max(part(size, bytes)).max(part(sealed, MAX_SEALED))
}

fn want(model: &mut Model, kind: Kind, person: PublicKey, within: bool, out: &mut Vec<Effect>) {
    if model.me != Some(person) {
        change_list(model, &ListChange::person(kind, person, within), out);
    }
}

fn restore(model: &mut Model, id: EventId, out: &mut Vec<Effect>) {
    let draft = model.lists.restored(id, model.now()).filter(|_| !model.lists.signing);
    match draft {
        Some(draft) => {
            model.lists.signing = true;
            model.lists.restoring = true;
            signing::sign(model, Purpose::List, draft, out);
        }
        None => notify(model, model.say(texts::LIST_AWAITED), out),
    }
}

/// Requests the earlier posts of this person, so that they are there at once.
fn ask_posts(model: &mut Model, person: PublicKey, out: &mut Vec<Effect>) {
    if model.connection.is_logged_in() {
        let request = model.connection.ask(SentRequest::Followed);
        let filters = vec![
            question::by(&[person], &[Kind::PROFILE, Kind::FOLLOW_LIST], None),
            question::by(&[person], &[Kind::POST, Kind::REPOST], Some(POSTS)),
        ];
        out.push(Effect::Send(ClientFrame::Fetch { request, filters }));
    }
}
