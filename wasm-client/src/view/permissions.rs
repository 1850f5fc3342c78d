//! What the node asks the person to allow: a banner for the first question, and on the screen Settings all of them with
//! what was decided.

use nostrp2p_protocol::frame::Permission;

use super::{Html, button, paragraph};
use crate::{message::Own, model::Model, route::Route, texts, update::permissions::open, vdom::element};

/// The first question that is open; on the screen Settings it stands in the card.
pub fn banner(model: &Model) -> Option<Html> {
    let permission =
        open(model).filter(|_| model.connection.is_logged_in() && model.route != Route::Settings)?;
    let banner = element("div").class("banner").with("role", "status").test_id("permission-banner");
    let words = texts::web_origin_asks(model.language(), &permission.subject);
    Some(answers(model, permission, banner.child(element("span").text(words))))
}

/// The sites whose pages may use the node, may not, or wait for a decision; none without any.
pub fn card(model: &Model) -> Option<Html> {
    let all = &model.connection.permissions;
    let rows: Vec<Html> =
        all.iter().filter(|it| it.sort == Permission::WEB_ORIGIN).map(|it| row(model, it)).collect();
    (!rows.is_empty()).then(|| {
        element("div")
            .class("card")
            .key("permissions")
            .child(element("h3").text(model.say(texts::WEB_ORIGINS)))
            .child(paragraph("muted", model.say(texts::WEB_ORIGINS_WHY)))
            .child(element("ul").class("versions").children(rows))
    })
}

fn row(model: &Model, permission: &Permission) -> Html {
    let never = permission.granted == Some(false);
    let row = element("li")
        .class("version")
        .key(permission.subject.clone())
        .test_id("permission")
        .child(element("bdi").text(permission.subject.clone()))
        .child_if(never.then(|| element("span").class("muted").text(model.say(texts::MEDIA_NEVER))));
    answers(model, permission, row)
}

/// What the person can say to it.
fn answers(model: &Model, permission: &Permission, to: Html) -> Html {
    let answer = |look, words, granted| {
        button(look, model.say(words), Own::Permit(permission.sort, permission.subject.clone(), granted))
    };
    if permission.granted.is_some() {
        return to.child(answer("link", texts::OWN_NAMES_REVOKE, None).test_id("permission-revoke"));
    }
    to.child(answer("plain", texts::ALLOW, Some(true)).test_id("permission-allow"))
        .child(answer("quiet", texts::MEDIA_NEVER, Some(false)).test_id("permission-never"))
}
