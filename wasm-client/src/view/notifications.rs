//! Notifications: answers and mentions with their words, likes and reposts grouped by post.

use nostrp2p_protocol::{EventId, PublicKey};

use super::{Html, avatar::avatar, icons, paragraph, quote, sentence};
use crate::{
    model::{
        Model, TimelineKey,
        notices::{Notice, What},
    },
    route::Route,
    texts,
    vdom::element,
    when,
};
use icons::{Icon, icon};

/// One row: the newest event about a post, and how much of each sort there is: answers, likes, reposts.
struct Row<'a> {
    place: &'a TimelineKey,
    notice: &'a Notice,
    people: Vec<PublicKey>,
    /// Those of them who like it.
    likers: Vec<PublicKey>,
    counts: [usize; 3],
}

impl Row<'_> {
    /// Whether more than one sort is gathered, or more than one answer.
    fn is_mixed(&self) -> bool {
        let [answers, likes, reposts] = self.counts;
        answers > 1 || answers > 0 && likes + reposts > 0 || likes > 0 && reposts > 0
    }
}

/// As which of the gathered sorts something counts.
const fn sort(what: What) -> Option<usize> {
    match what {
        What::Reply | What::Followed => Some(0),
        What::Like => Some(1),
        What::Repost => Some(2),
        What::Mention | What::Quote | What::Follow => None,
    }
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
    model.notices.unread().filter(|notice| !is_muted(model, notice)).count()
}

fn is_muted(model: &Model, notice: &Notice) -> bool {
    model.lists.mutes(&notice.by) || model.timeline.muted.contains(&notice.post)
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
    for (place, notice) in model.notices.iter().filter(|(_, notice)| !is_muted(model, notice)) {
        let sort = sort(notice.what);
        let same = |row: &&mut Row<'_>| {
            row.notice.gathered == notice.gathered && self::sort(row.notice.what).is_some()
        };
        let row = match sort.and_then(|_| rows.iter_mut().find(same)) {
            Some(row) => row,
            None => {
                rows.push(Row { place, notice, people: Vec::new(), likers: Vec::new(), counts: [0; 3] });
                let Some(row) = rows.last_mut() else { continue };
                row
            }
        };
        if !row.people.contains(&notice.by) {
            row.people.push(notice.by);
        }
        // Somebody answers several times, and likes once.
        let likes_again = notice.what == What::Like && row.likers.contains(&notice.by);
        if let Some(count) = sort.and_then(|sort| row.counts.get_mut(sort)).filter(|_| !likes_again) {
            *count += 1;
            if notice.what == What::Like {
                row.likers.push(notice.by);
            }
        }
    }
    rows
}

fn draw(model: &Model, row: &Row<'_>) -> Html {
    let Row { place, notice, people, counts, .. } = row;
    let others = people.len() - 1;
    let more = others > 0 && model.notices.is_uncounted(notice.what, notice.post);
    let time = when::ago(place.created_at(), model.now(), model.environment.zone, model.language());
    let new = place.created_at() > model.notices.shown_until;
    let first = model.name_in_sentence(&notice.by);
    let mixed = row.is_mixed();
    let words = if mixed {
        texts::gathered(model.language(), *counts, more)
    } else {
        texts::notice(model.language(), notice.what, &first, others, more)
    };
    let head = element("span")
        .class("notice-head")
        .child(sentence("span", &words))
        .child(element("span").class("muted notice-time").text(time));
    let body = element("span").class("notice-body").child(head);
    let body = if mixed {
        let latest = (notice.post != notice.gathered).then(|| {
            let words = excerpt(model, &notice.post)?;
            Some(element("span").class("notice-latest").child(sentence("b", &first)).child(words))
        });
        body.child_if(excerpt(model, &notice.gathered)).child_if(latest.flatten())
    } else {
        body.child_if(excerpt(model, &notice.post))
    };
    let link = element("a")
        .class("notice-row")
        .with("href", about(model, notice, if mixed { notice.gathered } else { notice.post }).fragment())
        .child(element("span").class("notice-who").child(avatar(&notice.by)).child(mark(notice.what)))
        .child(body);
    element("li")
        .class(if new { "notice-item notice-new" } else { "notice-item" })
        .test_id("notice")
        .with_if(mixed, "data-gathered")
        .with("data-new", if new { "yes" } else { "no" })
        .key(place.id.to_string())
        .child(link)
}

/// The link of a notification.
fn about(model: &Model, notice: &Notice, post: EventId) -> Route {
    match notice.what {
        What::Follow => Route::Person(notice.by),
        _ => {
            let author = model.timeline.written(&post).map(|unsigned| unsigned.pubkey);
            Route::Thread(post, author)
        }
    }
}

fn excerpt(model: &Model, id: &EventId) -> Option<Html> {
    let unsigned = model.timeline.written(id)?;
    Some(element("span").class("notice-text").with("dir", "auto").text(quote::words(model, unsigned)))
}

fn mark(what: What) -> Html {
    let image = match what {
        What::Reply | What::Followed => Icon::Reply,
        What::Mention => Icon::Person,
        What::Quote => Icon::Write,
        What::Repost => Icon::Repost,
        What::Like => Icon::Heart,
        What::Follow => Icon::Plus,
    };
    element("span").class("notice-mark").child(icon(image))
}
