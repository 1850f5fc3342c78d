//! What others did: answers and mentions with their words, likes and reposts gathered by post.

use nostrp2p_protocol::{EventId, PublicKey};

use super::{Html, avatar::avatar, icons, paragraph, quote, sentence};
use crate::{
    model::{
        Model,
        notices::{Notice, What},
    },
    route::Route,
    storage::TimelineKey,
    texts,
    vdom::element,
    when,
};
use icons::{Icon, icon};

/// One row: the newest event of its sort, and all who did it.
struct Row<'a> {
    place: &'a TimelineKey,
    notice: &'a Notice,
    people: Vec<PublicKey>,
}

/// The screen.
pub fn view(model: &Model) -> Html {
    let section = element("section").class("notifications").test_id("notifications");
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(model.say(texts::NOTIFICATIONS)))
    } else {
        section
    };
    let rows = rows(model);
    if rows.is_empty() {
        return section.child(
            element("div")
                .class("empty")
                .child(icons::logo())
                .child(element("h2").text(model.say(texts::NOTIFICATIONS_EMPTY)))
                .child(paragraph("muted", model.say(texts::NOTIFICATIONS_EMPTY_LEAD))),
        );
    }
    let list = rows.iter().take(model.open.window.drawn * 2).map(|row| draw(model, row));
    section.child(element("ul").class("notices").children(list))
}

/// How many posts, people and likes wait to be looked at.
pub fn unread(model: &Model) -> usize {
    model.notices.unread().filter(|notice| !model.lists.mutes(&notice.by)).count()
}

/// The same as it is shown: beyond 99 not every one is counted.
pub fn unread_text(model: &Model) -> Option<String> {
    match unread(model) {
        0 => None,
        count @ 1..100 => Some(count.to_string()),
        _ => Some("99+".to_owned()),
    }
}

fn rows(model: &Model) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (place, notice) in model.notices.iter().filter(|(_, notice)| !model.lists.mutes(&notice.by)) {
        let gathered = matches!(notice.what, What::Like | What::Repost);
        let same = |row: &&mut Row<'_>| row.notice.what == notice.what && row.notice.post == notice.post;
        match gathered.then(|| rows.iter_mut().find(same)).flatten() {
            Some(row) if row.people.contains(&notice.by) => {}
            Some(row) => row.people.push(notice.by),
            None => rows.push(Row { place, notice, people: vec![notice.by] }),
        }
    }
    rows
}

fn draw(model: &Model, row: &Row<'_>) -> Html {
    let Row { place, notice, people } = row;
    let others = people.len() - 1;
    let more = others > 0 && model.notices.is_uncounted(notice.what, notice.post);
    let time = when::ago(place.created_at(), model.now(), model.environment.zone, model.language());
    let new = place.created_at() > model.notices.shown_until;
    let first = model.name_in_sentence(&notice.by);
    let head = element("span")
        .class("notice-head")
        .child(sentence("span", &texts::notice(model.language(), notice.what, &first, others, more)))
        .child(element("span").class("muted notice-time").text(time));
    let body = element("span").class("notice-body").child(head).child_if(excerpt(model, &notice.post));
    let link = element("a")
        .class("notice-row")
        .with("href", about(model, notice).fragment())
        .child(element("span").class("notice-who").child(avatar(&notice.by)).child(mark(notice.what)))
        .child(body);
    element("li")
        .class(if new { "notice-item notice-new" } else { "notice-item" })
        .test_id("notice")
        .with("data-new", if new { "yes" } else { "no" })
        .key(place.id.to_string())
        .child(link)
}

/// What a notice leads to.
fn about(model: &Model, notice: &Notice) -> Route {
    match notice.what {
        What::Follow => Route::Person(notice.by),
        _ => {
            let author = model.timeline.written(&notice.post).map(|unsigned| unsigned.pubkey);
            Route::Thread(notice.post, author)
        }
    }
}

fn excerpt(model: &Model, id: &EventId) -> Option<Html> {
    let unsigned = model.timeline.written(id)?;
    Some(element("span").class("notice-text").with("dir", "auto").text(quote::words(model, unsigned)))
}

fn mark(what: What) -> Html {
    let image = match what {
        What::Reply => Icon::Reply,
        What::Mention => Icon::Person,
        What::Quote => Icon::Write,
        What::Repost => Icon::Repost,
        What::Like => Icon::Heart,
        What::Follow => Icon::Plus,
    };
    element("span").class("notice-mark").child(icon(image))
}
