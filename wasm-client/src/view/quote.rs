//! A post within a post: what it quotes.

use nostrp2p_protocol::UnsignedEvent;

use super::{Html, avatar::avatar};
use crate::{
    letters,
    model::{Model, Quote},
    richtext::{self, Span},
    route::Route,
    texts,
    vdom::element,
    when,
};

/// Most characters of a quoted post that are drawn; the rest is behind the tap.
const MAX_CHARACTERS: usize = 400;

/// The card, which opens what is quoted; while that is being fetched, a place for it.
pub fn view(model: &Model, quote: &Quote) -> Html {
    let card = element("a")
        .class("quote")
        .test_id("quote")
        .with("href", Route::Thread(quote.id, quote.author).fragment());
    match model.timeline.written(&quote.id) {
        Some(unsigned) => card
            .child(head(model, unsigned))
            .child(element("span").class("quote-text").with("dir", "auto").text(words(model, unsigned))),
        None => card
            .with("data-state", "awaited")
            .child(element("span").class("skeleton-line skeleton-middle"))
            .child(element("span").class("muted").text(model.say(texts::TARGET_AWAITED))),
    }
}

fn head(model: &Model, unsigned: &UnsignedEvent) -> Html {
    let time = when::ago(unsigned.created_at, model.now(), model.environment.zone, model.language());
    element("span")
        .class("quote-head")
        .child(avatar(&unsigned.pubkey))
        .child(element("bdi").class("strong").text(model.name_of(&unsigned.pubkey)))
        .child(element("span").class("muted").text(time))
}

/// Of what the author of a post warns (NIP-36); empty without a reason.
pub fn warning(unsigned: &UnsignedEvent) -> Option<&str> {
    let warning = unsigned.tags.iter().find(|tag| tag.name() == "content-warning");
    warning.map(|tag| tag.value().unwrap_or_default())
}

/// The words of a post where there is little room; of one that its author warns of the warning.
pub fn words(model: &Model, unsigned: &UnsignedEvent) -> String {
    match warning(unsigned) {
        None => plain(model, &unsigned.content),
        Some(reason) if letters::has_visible(reason) => {
            let reason = letters::isolated(letters::cut(reason, MAX_CHARACTERS));
            texts::sensitive_of(model.language(), &reason)
        }
        Some(_) => model.say(texts::SENSITIVE).to_owned(),
    }
}

/// A text without links: the card as a whole is one.
pub fn plain(model: &Model, content: &str) -> String {
    let mut plain = String::new();
    for span in richtext::spans(content) {
        match span {
            Span::Text(text) | Span::Link(text) => plain.push_str(&text),
            Span::Hashtag(tag) => {
                plain.push('#');
                plain.push_str(&tag);
            }
            Span::Mention(person) => {
                plain.push_str(&letters::isolated(&format!("@{}", model.name_of(&person))));
            }
            Span::Post(..) => plain.push_str(model.say(texts::A_POST)),
        }
    }
    let length = letters::cut(&plain, MAX_CHARACTERS).len();
    if length < plain.len() {
        plain.truncate(length);
        plain.push('…');
    }
    plain
}
