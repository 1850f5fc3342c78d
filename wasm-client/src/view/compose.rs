//! The composer: a card above the posts, or a screen of its own on a phone.

use nostrp2p_protocol::PublicKey;

use super::{Html, avatar::avatar, error, icons, quote, sentence};
use crate::{
    locale::Language,
    message::{Message, Writing},
    model::{About, DraftAudience, Model, Quote, Reply, mention, thread},
    profile, texts,
    update::compose::{FIELD_ID, answering, room},
    vdom::{KeyPress, On, element},
};

use icons::{Icon, icon};

/// The id of the form, for a button outside of it.
const FORM_ID: &str = "compose-form";
/// From how few bytes on the room left is shown.
const ROOM_SHOWN_FROM: i64 = 2_000;

/// The screen of its own.
pub fn screen(model: &Model) -> Html {
    let section = element("section").class("write");
    let section = if model.environment.wide {
        section.child(element("h1").class("column-title").text(model.say(texts::COMPOSE_LABEL)))
    } else {
        section
    };
    section.child(card(model))
}

/// The card.
pub fn card(model: &Model) -> Html {
    let compose = &model.compose;
    let (label, example) = match compose.about() {
        About::Reply(_) => (model.say(texts::REPLY_LABEL), model.say(texts::REPLY_EXAMPLE)),
        About::Quote(_) => (model.say(texts::QUOTE_LABEL), model.say(texts::QUOTE_EXAMPLE)),
        About::Nothing => (model.say(texts::COMPOSE_LABEL), model.say(texts::COMPOSE_EXAMPLE)),
    };
    let begun = !compose.is_empty() || !matches!(compose.about(), About::Nothing);
    let offered = compose.completion.as_ref().map(|name| mention::offered(model, name)).unwrap_or_default();
    let field = element("textarea")
        .class("compose-text")
        .with("id", FIELD_ID)
        .with("rows", "1")
        .with("dir", "auto")
        .with("aria-label", label)
        .with("placeholder", example)
        .key("field")
        .test_id("compose-text")
        .with("value", compose.text.clone())
        .on(On::Edit(|text, caret, undone| {
            let typed = if undone { Writing::Undone } else { Writing::Typed };
            Message::Writing(typed(text, caret))
        }))
        .on(On::Key(match &compose.completion {
            _ if offered.is_empty() => send_key,
            Some(completion) if completion.chosen.is_none() => unchosen_key,
            _ => name_key,
        }));
    let field = match names(model, &offered) {
        None => element("div").class("compose-field").key("field").child(field),
        Some((list, chosen)) => {
            let field = field.with("aria-expanded", "true").with("aria-controls", NAMES_ID);
            let field = match chosen {
                Some(chosen) => field.with("aria-activedescendant", chosen),
                None => field,
            };
            element("div").class("compose-field").key("field").child(field).child(list)
        }
    };
    let left = room(compose);
    let empty = compose.is_empty();
    let count = (left < ROOM_SHOWN_FROM).then(|| {
        let class = if left < 0 { "compose-room over" } else { "compose-room" };
        element("span").class(class).with("role", "status").text(texts::bytes_left(model.language(), left))
    });
    let hint = (count.is_none() && !empty && model.environment.wide).then(|| {
        element("kbd").class("compose-hint").text(texts::send_hint(model.language(), model.environment.apple))
    });
    // On a phone the button is in the top bar, where the keyboard does not cover it.
    let send = model.environment.wide.then(|| send_button(model));
    element("form")
        .with("id", FORM_ID)
        .class(if begun { "compose compose-begun" } else { "compose" })
        .on(On::Submit(Message::Writing(Writing::Send)))
        .child_if(model.me.as_ref().map(avatar))
        .child(
            element("div")
                .class("compose-body")
                .child_if(answering(model).map(|reply| replying(model, &reply)))
                .child(field)
                .child_if(audience(model))
                .child_if(compose.quote.as_ref().map(|quote| quoting(model, quote)))
                .child_if(compose.error.clone().map(error))
                .child(element("div").class("compose-foot").child_if(hint).child_if(count).child_if(send)),
        )
}

/// The button that publishes what is written.
pub fn send_button(model: &Model) -> Html {
    let compose = &model.compose;
    let unfit = compose.is_empty() || room(compose) < 0 || compose.signing;
    element("button")
        .class("button button-primary")
        .with("type", "submit")
        .with("form", FORM_ID)
        .test_id("compose-send")
        .with_if(unfit, "disabled")
        .text(match &compose.reply {
            _ if compose.signing => model.say(texts::COMPOSE_SIGNING),
            Some(_) => model.say(texts::REPLY),
            None => model.say(texts::COMPOSE_SEND),
        })
}

/// The quoted event.
fn quoting(model: &Model, quote: &Quote) -> Html {
    element("div")
        .class("compose-quote")
        .key("quote")
        .child(quote::view(model, quote))
        .child(drop_about(model.say(texts::QUOTE_DROP)))
}

/// The answered person and the audience, so that nobody takes a private answer for a public one.
fn replying(model: &Model, reply: &Reply) -> Html {
    let author = model.name_of_other(&reply.author);
    // Its author first, who is the one that is answered.
    // A draft of an earlier version may name oneself alone, which makes nothing private.
    let people: Vec<_> = reply.people.iter().filter(|person| model.me.as_ref() != Some(*person)).collect();
    let first = people.iter().find(|person| ***person == reply.author).or_else(|| people.first()).copied();
    let first = first.map(|person| model.name_of_other(person));
    let others = people.len().saturating_sub(1);
    let private = model.compose.is_for_some();
    let audience = first.as_ref().filter(|_| private).map(|name| (name.as_deref(), others));
    let sign = match first {
        None => Icon::Reply,
        Some(_) if private => Icon::Lock,
        Some(_) => Icon::Everyone,
    };
    element("div")
        .class("compose-reply")
        .key("reply")
        .child(icon(sign))
        .child(
            sentence("span", &texts::replying(model.language(), author.as_deref(), audience))
                .with("role", "status"),
        )
        .child(drop_about(model.say(texts::REPLY_DROP)))
}

/// The button by which a text becomes one about nothing else.
fn drop_about(label: &'static str) -> Html {
    element("button")
        .class("button-icon")
        .with("type", "button")
        .with("aria-label", label)
        .with("title", label)
        .test_id("reply-cancel")
        .on(On::Click(Message::Writing(Writing::DropReply)))
        .child(icon(Icon::Close))
}

/// The id of the list of names.
const NAMES_ID: &str = "names";

/// The names that are offered, and the id of the one that is chosen.
fn names(model: &Model, offered: &[PublicKey]) -> Option<(Html, Option<String>)> {
    let last = offered.len().checked_sub(1)?;
    let chosen = model.compose.completion.as_ref()?.chosen.map(|chosen| chosen.min(last));
    let option = |(index, person): (usize, &PublicKey)| {
        element("li")
            .class("name-option")
            .with("id", format!("{NAMES_ID}-{index}"))
            .with("role", "option")
            .with("aria-selected", if Some(index) == chosen { "true" } else { "false" })
            .test_id("name-option")
            .key(person.to_string())
            .on(On::Click(Writing::Complete(Some(*person)).into()))
            .child(avatar(person))
            .child(element("bdi").class("strong").text(model.name_of(person)))
            .child(element("span").class("muted").text(profile::short_npub(person)))
    };
    let list = element("ul")
        .class("names")
        .with("id", NAMES_ID)
        .with("role", "listbox")
        .with("aria-label", model.say(texts::PEOPLE))
        .key("names")
        .children(offered.iter().enumerate().map(option));
    Some((list, chosen.map(|chosen| format!("{NAMES_ID}-{chosen}"))))
}

/// The answer that a private answer goes to nobody besides the conversation.
const CONVERSATION: &str = "for-conversation";

/// One answer to the question who can see it.
pub struct AudienceChoice {
    /// The answer.
    pub audience: DraftAudience,
    /// In words.
    pub label: String,
    /// The hook of its button.
    pub hook: &'static str,
}

/// Who can see what names people: everyone, or only they; and of what is private whether it goes to those who were named
/// since, too.
fn audience(model: &Model) -> Option<Html> {
    let compose = &model.compose;
    let (not_named, unasked) = (compose.not_named(model.me), compose.unasked(model.me));
    let choices = choices(model);
    if choices.len() < 2 && not_named.is_empty() {
        return None;
    }
    let nobody_besides = compose.is_for_some() && compose.chosen(model.me).is_empty();
    let choice = |AudienceChoice { audience, label, hook }| {
        let chosen = if hook == CONVERSATION { nobody_besides } else { audience == compose.audience };
        element("button")
            .class("choice")
            .with("type", "button")
            .with("role", "radio")
            .with("aria-checked", if chosen { "true" } else { "false" })
            .with("tabindex", if chosen { "0" } else { "-1" })
            .test_id(hook)
            .on(On::Click(Writing::Audience(audience).into()))
            .child(sentence("span", &label))
    };
    let choices = (choices.len() > 1).then(|| {
        element("div")
            .class("choices compose-audience")
            .with("role", "radiogroup")
            .with("aria-label", model.say(texts::WHO_SEES))
            .children(choices.into_iter().map(choice))
    });
    let without = |words: fn(Language, &str) -> String, hook: &'static str, people: &[PublicKey]| {
        let names: Vec<String> = people.iter().map(|person| model.name_in_sentence(person)).collect();
        (!names.is_empty()).then(|| {
            sentence("p", &words(model.language(), &names.join(", ")))
                .class("compose-lost muted")
                .with("role", "status")
                .key(hook)
                .test_id(hook)
        })
    };
    let row = element("div").key("audience").child_if(choices);
    let row = row.child_if(without(texts::not_named, "not-named", &not_named));
    let stays = compose.reply.is_some().then(|| {
        let words = model.say(texts::AUDIENCE_STAYS);
        element("p").class("compose-lost muted").key("stays").test_id("audience-stays").text(words)
    });
    let unasked = if compose.is_for_some() { &unasked[..] } else { &[] };
    let people = compose.reply.iter().flat_map(|reply| &reply.people);
    let relay_only: Vec<PublicKey> =
        people.filter(|person| model.people.reads_relays_only(person)).copied().collect();
    let row = row.child_if(without(texts::unasked, "unasked", unasked));
    Some(row.child_if(without(texts::relay_only, "relay-only", &relay_only)).child_if(stays))
}

/// The answers; of a quote and where one goes on with what everyone can see there are none.
pub fn choices(model: &Model) -> Vec<AudienceChoice> {
    let compose = &model.compose;
    let of_everyone = compose.reply.is_none();
    // Who is answered first.
    let people = compose.reply.iter().flat_map(|reply| reply.people.iter().rev());
    let conversation: Vec<PublicKey> =
        people.filter(|person| model.me.as_ref() != Some(*person)).copied().collect();
    if of_everyone && compose.quote.is_some() || !of_everyone && conversation.is_empty() {
        return Vec::new();
    }
    let (chosen, unasked) = (compose.chosen(model.me), compose.unasked(model.me));
    let (label, hook) = if of_everyone {
        (model.say(texts::FOR_EVERYONE).to_owned(), "for-everyone")
    } else {
        (only_for(model, &conversation, &[]), CONVERSATION)
    };
    let mut choices = vec![AudienceChoice { audience: DraftAudience::AsUsual, label, hook }];
    if let Some(reply) = &compose.reply
        && (compose.audience == DraftAudience::Everyone || thread::may_be_public(model, reply.to))
    {
        let label = model.say(texts::FOR_EVERYONE).to_owned();
        choices.push(AudienceChoice { audience: DraftAudience::Everyone, label, hook: "for-everyone" });
    }
    let mut hook = if of_everyone { "for-mentioned" } else { "for-unasked" };
    if let DraftAudience::Only(people) = &compose.audience
        && (of_everyone || !chosen.is_empty())
    {
        let label = only_for(model, if chosen.is_empty() { people } else { &chosen }, &conversation);
        choices.push(AudienceChoice { audience: compose.audience.clone(), label, hook: "for-mentioned" });
        hook = "for-unasked";
    }
    if !unasked.is_empty() && compose.audience != DraftAudience::Everyone {
        let label = only_for(model, &unasked, &[&conversation[..], &chosen].concat());
        let audience = DraftAudience::Only([chosen, unasked].concat());
        choices.push(AudienceChoice { audience, label, hook });
    }
    choices
}

/// Whom it is for: the first of these by name, and of those besides the first.
fn only_for(model: &Model, people: &[PublicKey], besides: &[PublicKey]) -> String {
    let shown: Vec<String> = people
        .first()
        .into_iter()
        .chain(besides.first())
        .map(|person| model.name_in_sentence(person))
        .collect();
    if shown.is_empty() {
        return model.say(texts::ONLY_NAMED).to_owned();
    }
    let others = people.len() + besides.len() - shown.len();
    texts::only_for(model.language(), Some(&shown.join(", ")), others)
}

fn name_key(press: &KeyPress) -> Option<Message> {
    let writing = match press.key.as_str() {
        _ if press.composing || press.command || press.alt => return send_key(press),
        "ArrowDown" => Writing::Step(false),
        "ArrowUp" => Writing::Step(true),
        "Enter" | "Tab" => Writing::Complete(None),
        "Escape" => Writing::NoName,
        _ => return None,
    };
    Some(Message::Writing(writing))
}

/// Behind a lone `@`: before a name is chosen by the arrows, Enter breaks the line.
fn unchosen_key(press: &KeyPress) -> Option<Message> {
    if matches!(press.key.as_str(), "Enter" | "Tab") { send_key(press) } else { name_key(press) }
}

fn send_key(press: &KeyPress) -> Option<Message> {
    (press.key == "Enter" && press.command && !press.composing).then_some(Message::Writing(Writing::Send))
}
