//! Permissions that the node asks for: a banner for the first undecided question, and all of them on Settings with
//! the person's decisions.

use nostrp2p_protocol::{event_policy::everyone_tag, frame::Permission};

use super::{Html, button, paragraph};
use crate::{
    message::Own,
    model::Model,
    route::Route,
    texts,
    update::permissions::{drafts, open},
    vdom::element,
};

/// The first question that is open; on the screen Settings it stands in the card.
pub fn banner(model: &Model) -> Option<Html> {
    let permission =
        open(model).filter(|_| model.connection.is_logged_in() && model.route != Route::Settings)?;
    let banner = element("div").class("banner").with("role", "status").test_id("permission-banner");
    ask(model, permission, banner)
}

/// All questions, and what was decided; none without any.
pub fn card(model: &Model) -> Option<Html> {
    let row = |permission: &Permission| {
        let row = element("li").class("version").key(permission.subject.clone());
        ask(model, permission, row.test_id("permission"))
    };
    let asked =
        model.connection.permissions.iter().filter(|permission| permission.sort != Permission::REPLIES);
    let rows: Vec<Html> = asked.filter_map(row).collect();
    (!rows.is_empty()).then(|| {
        element("div")
            .class("card")
            .key("permissions")
            .child(element("h3").text(model.say(texts::PERMISSIONS)))
            .child(paragraph("muted", model.say(texts::PERMISSIONS_WHY)))
            .child(element("ul").class("versions").children(rows))
    })
}

/// The question or the decision, what would be published, and what the person can say to it.
fn ask(model: &Model, permission: &Permission, to: Html) -> Option<Html> {
    let Permission { sort, subject, granted } = permission;
    let words = match granted {
        Some(_) => subject.clone(),
        None => texts::permission(model.language(), *sort, subject)?,
    };
    // All that stands on the lists, for all of it is signed.
    let mut lists = String::new();
    for draft in drafts(model, subject).filter(|_| granted.is_none()) {
        let listed = draft.tags.iter().filter(|tag| **tag != everyone_tag());
        for value in listed.filter_map(|tag| tag.value()) {
            lists.push_str(value);
            lists.push(' ');
        }
        lists.push_str("· ");
    }
    let lists = lists.trim_end_matches("· ");
    let to = to.child(element("span").text(words));
    let to = to.child_if((!lists.is_empty()).then(|| element("span").class("muted").text(lists.to_owned())));
    let answer =
        |look, words, decision| button(look, model.say(words), Own::Permit(permission.clone(), decision));
    let Some(granted) = granted else {
        let yes = if *sort == Permission::WEB_ORIGIN { texts::ALLOW } else { texts::PUBLISH };
        return Some(
            to.child(answer("plain", yes, Some(true)).test_id("permission-allow"))
                .child(answer("quiet", texts::MEDIA_NEVER, Some(false)).test_id("permission-never")),
        );
    };
    let never = || element("span").class("muted").text(model.say(texts::MEDIA_NEVER));
    Some(
        to.child_if((!granted).then(never))
            .child(answer("link", texts::OWN_NAMES_REVOKE, None).test_id("permission-revoke")),
    )
}
